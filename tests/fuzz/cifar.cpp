// The first byte says how many labels a record has.
#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const fuzz::File file({data + 1, size - 1});
  const bool hundred = data[0] & 1;
  fuzz::reads([&] { xgrad::read_cifar({file.path()}, hundred ? 100 : 10, hundred ? 2 : 1); });
  return 0;
}

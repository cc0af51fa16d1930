// The first byte chooses the options.
#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const fuzz::File file({data + 1, size - 1});
  fuzz::reads([&] { xgrad::read_csv(file.path(), {.separator = data[0] & 1 ? ';' : ',', .header = (data[0] & 2) == 0}); });
  return 0;
}

// The first byte says how many labels a record has. Read whole and image by image.
#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const fuzz::File file({data + 1, size - 1});
  const xgrad::CifarOptions options = data[0] & 1 ? xgrad::CifarOptions{.classes = 100, .labels = 2} : xgrad::CifarOptions{};
  fuzz::same_samples([&] { return xgrad::read_cifar({file.path()}, options); },
                     [&] { return xgrad::cifar_source<float>({file.path()}, options); }, fuzz::is_gzip({data + 1, size - 1}));
  return 0;
}

// The first byte says how many labels a record has. Read whole and image by image.
#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const fuzz::File file({data + 1, size - 1});
  const std::size_t classes = data[0] & 1 ? 100 : 10, labels = data[0] & 1 ? 2 : 1;
  fuzz::same_samples([&] { return xgrad::read_cifar({file.path()}, classes, labels); },
                     [&] { return xgrad::cifar_source<float>({file.path()}, classes, labels); },
                     fuzz::is_gzip({data + 1, size - 1}));
  return 0;
}

// Images and labels: the first two bytes say how many of the rest are images. Read whole and image by image.
#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t images = std::min<std::size_t>(data[0] + 256 * data[1], size - 2);
  const fuzz::File first({data + 2, images}), second({data + 2 + images, size - 2 - images});
  fuzz::same_samples([&] { return xgrad::read_idx(first.path(), second.path()); },
                     [&] { return xgrad::idx_source<float>(first.path(), second.path()); }, fuzz::is_gzip({data + 2, images}));
  return 0;
}

// PNG and JPEG; the first byte chooses the channels and whether it is resized.
#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const fuzz::File file({data + 1, size - 1});
  const std::size_t side = data[0] & 2 ? 16 : 0;
  fuzz::reads([&] { xgrad::read_image(file.path(), {.channels = data[0] & 1 ? 1U : 3U, .height = side, .width = side}); });
  return 0;
}

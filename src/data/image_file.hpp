#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include <xgrad/core/array.hpp>

namespace xgrad {

/// What a decoder found: a picture, or the reason why there is none ("is …; it must …").
struct Decoded {
  Array<std::uint8_t> image = {};  ///< (height, width, channels)
  std::string complaint = {};
};

bool is_png(std::string_view bytes);
bool is_jpeg(std::string_view bytes);
Decoded decode_png(std::string_view bytes, std::size_t channels);
Decoded decode_jpeg(std::string_view bytes, std::size_t channels);

/// The orientation that the EXIF data of a JPEG file gives, from 1 (as it is) to 8; 1 where there is none or it makes no sense.
int exif_orientation(std::string_view bytes);

}  // namespace xgrad

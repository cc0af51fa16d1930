#include "png.hpp"

#include <zlib.h>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace {

void append_number(std::string& out, std::uint32_t number) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(number >> shift & 255U);
}

/// A chunk: length, type, content, and the checksum of the latter two.
void append_chunk(std::string& out, std::string_view type, std::string_view content) {
  append_number(out, static_cast<std::uint32_t>(content.size()));
  const std::size_t begin = out.size();
  out.append(type).append(content);
  const auto* checked = reinterpret_cast<const Bytef*>(out.data() + begin);
  append_number(out, static_cast<std::uint32_t>(crc32(0, checked, static_cast<uInt>(out.size() - begin))));
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t three = 0;
    for (std::size_t k = i; k < i + 3; ++k) three = three << 8 | (k < bytes.size() ? static_cast<std::uint8_t>(bytes[k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) text += i + k > bytes.size() ? '=' : digits[three >> (18 - 6 * k) & 63U];
  }
  return text;
}

}  // namespace

std::string png_uri(std::size_t width, std::size_t height, std::span<const std::uint8_t> pixels) {
  const std::size_t row = pixels.size() / height;
  std::string lines;  // each begins with the number of its filter: 0, none
  for (std::size_t y = 0; y < height; ++y) {
    lines += '\0';
    lines.append(reinterpret_cast<const char*>(pixels.data() + y * row), row);
  }
  uLongf size = compressBound(static_cast<uLong>(lines.size()));
  std::string packed(size, '\0');
  if (compress2(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(lines.data()),
                static_cast<uLong>(lines.size()), Z_BEST_COMPRESSION) != Z_OK)
    throw std::runtime_error("zlib could not compress a picture");
  packed.resize(size);

  std::string header;
  append_number(header, static_cast<std::uint32_t>(width));
  append_number(header, static_cast<std::uint32_t>(height));
  header += {8, row == width ? '\0' : '\2', 0, 0, 0};  // bits, grey or colour, and the only methods there are

  std::string png = "\x89PNG\r\n\x1a\n";
  append_chunk(png, "IHDR", header);
  append_chunk(png, "IDAT", packed);
  append_chunk(png, "IEND", {});
  return "data:image/png;base64," + base64(png);
}

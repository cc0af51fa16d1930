#include "image_file.hpp"

#include "features.hpp"  // which the build writes

#if defined(XGRAD_PNG)
#include <png.h>
#include <zlib.h>
#endif
#if defined(XGRAD_JPEG)
#include <turbojpeg.h>
#endif

#include <fmt/format.h>

#include <memory>
#include <new>
#include <utility>

#include <xgrad/core/error.hpp>
#include <xgrad/core/shape.hpp>

namespace xgrad {
namespace {

[[maybe_unused]] Decoded bad(std::string complaint) { return {{}, std::move(complaint)}; }

#if defined(XGRAD_PNG) || defined(XGRAD_JPEG)
/// Room for the pixels. A header may claim more than there is memory, or than so short a file can hold: deflate makes at most 1032
/// bytes of one, of 8 pixels each, and JPEG is no better.
Decoded room(std::size_t height, std::size_t width, std::size_t channels, std::size_t file) {
  if (Wide(height) * Wide(width) > Wide(8256) * Wide(file))
    return bad(
        fmt::format("the header says {} by {} pixels, which {} bytes cannot hold; fetch the file again", height, width, file));
  try {
    return {make_array<std::uint8_t>(Shape{height, width, channels}), {}};
  } catch (const Error& error) {
    return bad("the image " + error.message());
  }
}
#endif

/// Turned and mirrored so that orientation `from` (EXIF 2.3, tag 0x0112) becomes 1.
[[maybe_unused]] Array<std::uint8_t> upright(Array<std::uint8_t> image, int from) {
  if (from == 1) return image;
  const std::size_t h = image.shape()[0], w = image.shape()[1], channels = image.shape()[2];
  const bool turned = from >= 5;
  Array<std::uint8_t> result = make_array<std::uint8_t>(turned ? Shape{w, h, channels} : image.shape());
  std::uint8_t* to = result.data();
  for (std::size_t y = 0; y < (turned ? w : h); ++y)
    for (std::size_t x = 0; x < (turned ? h : w); ++x) {
      std::size_t row = turned ? x : y, column = turned ? y : x;
      if (from == 3 || from == 4 || from == 7 || from == 6) row = h - 1 - row;
      if (from == 2 || from == 3 || from == 7 || from == 8) column = w - 1 - column;
      for (std::size_t c = 0; c < channels; ++c) *to++ = image.data()[(row * w + column) * channels + c];
    }
  return result;
}

unsigned byte(std::string_view text, std::size_t at) { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0; }

[[maybe_unused]] std::size_t big_endian(std::string_view text, std::size_t at) {
  std::size_t result = 0;
  for (std::size_t k = at; k < at + 4; ++k) result = result << 8U | byte(text, k);
  return result;
}

/// Calls f(marker, content) for the segments of a JPEG file (ff, a marker, the length of what follows with itself) until it returns
/// false, or the image itself begins. Returns the offset at which it stopped.
template <class F>
std::size_t jpeg_segments(std::string_view bytes, F f) {
  std::size_t at = 2;
  while (byte(bytes, at) == 0xff && at + 4 <= bytes.size()) {
    const unsigned marker = byte(bytes, at + 1);
    if (marker == 0xff) {  // filling
      ++at;
      continue;
    }
    const std::size_t length = byte(bytes, at + 2) << 8U | byte(bytes, at + 3);
    if (marker == 0xda || marker == 0xd9 || length < 2) break;  // the image itself, or the end
    if (!f(marker, bytes.substr(at + 4, length - 2))) break;
    at += 2 + length;
  }
  return at;
}

#if defined(XGRAD_PNG)
/// Calls f(offset, length) for the chunks of a PNG file (length, name, content, checksum) until it returns false, or no whole one
/// follows. Returns the offset at which it stopped.
template <class F>
std::size_t png_chunks(std::string_view bytes, F f) {
  std::size_t at = 8;
  while (at + 12 <= bytes.size()) {
    const std::size_t length = big_endian(bytes, at);
    if (length + 12 > bytes.size() - at || !f(at, length)) break;
    at += length + 12;
  }
  return at;
}
#endif

}  // namespace

bool is_png(std::string_view bytes) { return bytes.starts_with("\x89PNG\r\n\x1a\n"); }
bool is_jpeg(std::string_view bytes) { return bytes.starts_with("\xff\xd8\xff"); }

int exif_orientation(std::string_view bytes) {
  int result = 1;
  jpeg_segments(bytes, [&](unsigned marker, std::string_view exif) {
    if (marker != 0xe1 || !exif.starts_with(std::string_view("Exif\0\0", 6))) return true;
    exif.remove_prefix(6);  // a TIFF file
    const bool little = exif.starts_with("II");
    if (!little && !exif.starts_with("MM")) return true;
    const auto number = [&](std::size_t from, std::size_t width) {
      std::size_t value = 0;
      for (std::size_t k = 0; k < width; ++k) value = value << 8U | byte(exif, from + (little ? width - 1 - k : k));
      return value;
    };
    const std::size_t directory = number(4, 4);
    if (number(2, 2) != 42 || directory > exif.size()) return true;
    const std::size_t entries = number(directory, 2);
    for (std::size_t k = 0; k < entries; ++k) {
      const std::size_t entry = directory + 2 + 12 * k;
      if (entry + 12 > exif.size()) break;
      if (number(entry, 2) != 0x0112 || number(entry + 2, 2) != 3) continue;
      const std::size_t orientation = number(entry + 8, 2);
      if (orientation >= 1 && orientation <= 8) result = static_cast<int>(orientation);
      return false;
    }
    return true;
  });
  return result;
}

Decoded decode_png(std::string_view bytes, std::size_t channels) {
#if defined(XGRAD_PNG)
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  const std::unique_ptr<png_image, void (*)(png_image*)> free(&image, png_image_free);
  bool ended = false;
  const std::size_t whole = png_chunks(bytes, [&](std::size_t at, std::size_t) {
    ended = bytes.substr(at + 4, 4) == "IEND";
    return !ended;
  });
  if (!ended)
    return bad(
        fmt::format("the PNG ends at offset {}, without a whole chunk from offset {} on; it must go on to the end of a chunk "
                    "IEND; fetch the file again",
                    bytes.size(), whole));
  const auto broken = [&] {
    std::string place;
    png_chunks(bytes, [&](std::size_t at, std::size_t length) {
      const auto sum = crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()) + at + 4, length + 4);
      if (sum != big_endian(bytes, at + 8 + length)) place = fmt::format(", in the chunk at offset {}", at);
      return place.empty();
    });
    return bad(fmt::format("the PNG of {} bytes is damaged{} ({}); it must be whole; fetch the file again", bytes.size(), place,
                           image.message));
  };
  if (!png_image_begin_read_from_memory(&image, bytes.data(), bytes.size())) return broken();
  image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;  // those without a gamma are like those of 8 bits
  image.format = PNG_FORMAT_RGBA;
  Decoded pixels = room(image.height, image.width, 4, bytes.size());
  if (!pixels.complaint.empty()) return pixels;
  if (!png_image_finish_read(&image, nullptr, pixels.image.data(), static_cast<png_int_32>(image.width * 4), nullptr))
    return broken();
  Decoded result = room(image.height, image.width, channels, bytes.size());
  if (!result.complaint.empty()) return result;
  std::uint8_t* to = result.image.data();
  for (const std::uint8_t *p = pixels.image.data(), *end = p + pixels.image.size(); p < end; p += 4) {
    const auto on_white = [&](unsigned colour) { return (colour * p[3] + 255U * (255U - p[3]) + 127U) / 255U; };
    const unsigned red = on_white(p[0]), green = on_white(p[1]), blue = on_white(p[2]);
    if (channels == 1) {
      *to++ = static_cast<std::uint8_t>((299 * red + 587 * green + 114 * blue + 500) / 1000);  // as JPEG has it
    } else {
      for (const unsigned colour : {red, green, blue}) *to++ = static_cast<std::uint8_t>(colour);
    }
  }
  return result;
#else
  static_cast<void>(bytes), static_cast<void>(channels);
  return bad(
      "it is a PNG file, which needs libpng; install its headers (Debian: libpng-dev) and build xgrad again with -Dpng=enabled");
#endif
}

Decoded decode_jpeg(std::string_view bytes, std::size_t channels) {
#if defined(XGRAD_JPEG)
  const std::unique_ptr<void, int (*)(tjhandle)> decoder(tjInitDecompress(), tjDestroy);
  if (!decoder) throw std::bad_alloc();
  const auto broken = [&](const std::string& place) {
    return bad(fmt::format("the JPEG of {} bytes is damaged: {} ({}); it must be whole; fetch the file again", bytes.size(), place,
                           tjGetErrorStr2(decoder.get())));
  };
  // Within the image ff d9 means nothing else; between the scans of a progressive file it may, and the decoder notices its end.
  const std::size_t begin = jpeg_segments(bytes, [](unsigned, std::string_view) { return true; });
  if (begin + 4 <= bytes.size() && bytes.substr(begin, 2) != "\xff\xda" && bytes.substr(begin, 2) != "\xff\xd9")
    return bad(
        fmt::format("the JPEG of {} bytes is damaged: at offset {} there is {:02x} {:02x}, where a segment (ff ..) or the image "
                    "(ff da) must begin; fetch the file again",
                    bytes.size(), begin, byte(bytes, begin), byte(bytes, begin + 1)));
  if (bytes.find("\xff\xd9", begin) == bytes.npos)
    return bad(
        fmt::format("the JPEG ends at offset {}, without the bytes ff d9 after its image, which begins at offset {}; they must "
                    "be there; fetch the file again",
                    bytes.size(), begin));
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  int width = 0, height = 0, samples = 0, colours = 0;
  if (tjDecompressHeader3(decoder.get(), data, bytes.size(), &width, &height, &samples, &colours) != 0)
    return broken(fmt::format("its segments before offset {}, where its image begins, cannot be read", begin));
  if (colours == TJCS_CMYK || colours == TJCS_YCCK)
    return bad("the JPEG has the colours CMYK; it must be grey or in RGB; convert the file");
  Decoded result = room(static_cast<std::size_t>(height), static_cast<std::size_t>(width), channels, bytes.size());
  if (!result.complaint.empty()) return result;
  // Also what the decoder finds a way through, such as a file that is cut short; but many cameras leave bytes that mean nothing.
  if (tjDecompress2(decoder.get(), data, bytes.size(), result.image.data(), width, 0, height, channels == 1 ? TJPF_GRAY : TJPF_RGB,
                    TJFLAG_ACCURATEDCT) != 0 &&
      (tjGetErrorCode(decoder.get()) != TJERR_WARNING ||
       std::string_view(tjGetErrorStr2(decoder.get())).find("extraneous bytes") == std::string_view::npos))
    return broken(fmt::format("its image, from offset {} on, cannot be decoded", begin));
  result.image = upright(std::move(result.image), exif_orientation(bytes));
  return result;
#else
  static_cast<void>(bytes), static_cast<void>(channels);
  return bad(
      "it is a JPEG file, which needs libjpeg-turbo; install its headers (Debian: libturbojpeg0-dev) and build xgrad again with "
      "-Djpeg=enabled");
#endif
}

}  // namespace xgrad

#include <xgrad/draw/image.hpp>

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <new>
#include <utility>

#include <xgrad/core/error.hpp>
#include <xgrad/core/file.hpp>

namespace xgrad::draw {
namespace {

void append_number(std::string& out, std::uint32_t number) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(number >> shift & 255U);
}

/// A chunk: length, type, content, and the checksum of the latter two.
void append_chunk(std::string& out, std::string_view type, std::string_view content) {
  append_number(out, static_cast<std::uint32_t>(content.size()));
  const std::size_t begin = out.size();
  out.append(type).append(content);
  append_number(out, static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(out.data() + begin),
                                                        static_cast<z_size_t>(out.size() - begin))));
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t three = 0;
    for (std::size_t k = i; k < i + 3; ++k) three = three << 8U | (k < bytes.size() ? static_cast<std::uint8_t>(bytes[k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) text += i + k > bytes.size() ? '=' : digits[three >> (18 - 6 * k) & 63U];
  }
  return text;
}

/// Compressed as zlib has it, whatever its length.
class Packer {
 public:
  Packer() {
    if (deflateInit(&stream_, Z_BEST_COMPRESSION) != Z_OK) throw std::bad_alloc();
  }
  ~Packer() { deflateEnd(&stream_); }
  Packer(const Packer&) = delete;
  Packer& operator=(const Packer&) = delete;

  void add(const std::uint8_t* bytes, std::size_t count) {
    while (count > 0) {
      const std::size_t part = std::min(count, std::size_t{1} << 30U);
      stream_.next_in = const_cast<Bytef*>(bytes);  // zlib does not write to it
      stream_.avail_in = static_cast<uInt>(part);
      run(Z_NO_FLUSH);
      bytes += part;
      count -= part;
    }
  }
  std::string finish() {
    run(Z_FINISH);
    return std::move(out_);
  }

 private:
  void run(int flush) {
    std::array<Bytef, 16384> buffer;
    do {
      stream_.next_out = buffer.data();
      stream_.avail_out = static_cast<uInt>(buffer.size());
      deflate(&stream_, flush);
      out_.append(reinterpret_cast<const char*>(buffer.data()), buffer.size() - stream_.avail_out);
    } while (stream_.avail_out == 0);
  }

  z_stream stream_{};
  std::string out_;
};

struct Size {
  std::size_t height, width, channels;
};

/// Of (h, w), (h, w, 1) or (h, w, 3), behind `first` other axes.
Size size_of_picture(const Shape& shape, std::size_t first, std::string_view op, Where at) {
  const std::size_t axes = shape.size();
  const std::size_t channels = axes == first + 3 ? shape[first + 2] : 1;
  if ((axes != first + 2 && axes != first + 3) || (channels != 1 && channels != 3))
    throw ShapeError(at, op,
                     fmt::format("the {} is {}; it must be {}", first == 0 ? "picture" : "array of pictures", to_string(shape),
                                 first == 0 ? "(height, width), (height, width, 1) or (height, width, 3)"
                                            : "(n, height, width), (n, height, width, 1) or (n, height, width, 3)"));
  return {shape[first], shape[first + 1], channels};
}

}  // namespace

template <Real T>
Pixels to_pixels(const Array<T>& values, double low, double high, Where at) {
  if (!std::isfinite(low) || !std::isfinite(high) || !(low < high))
    throw ValueError(at, "to_pixels", fmt::format("low is {}, high is {}; low must be below high, and both finite", low, high));
  Pixels result = make_array<std::uint8_t>(values.shape(), at, "to_pixels");
  const double scale = 127.5 / (high / 2 - low / 2);  // halves: the difference may not be finite
  std::transform(values.data(), values.data() + values.size(), result.data(), [&](T x) {
    const double level = (static_cast<double>(x) / 2 - low / 2) * scale * 2;
    return static_cast<std::uint8_t>(level > 0 ? std::min(level, 255.0) + 0.5 : 0.0);
  });
  return result;
}

template <Real T>
Pixels to_colours(const Array<T>& values, double most, Where at) {
  const Shape& shape = values.shape();
  if (shape.size() != 2 && (shape.size() != 3 || shape[2] != 1))
    throw ShapeError(at, "to_colours",
                     fmt::format("values are {}; they must be (height, width) or (height, width, 1)", to_string(shape)));
  if (!std::isfinite(most) || most < 0)
    throw ValueError(at, "to_colours", fmt::format("most is {}; it must be finite and not negative", most));
  const std::size_t n = values.size();
  if (most == 0)
    for (std::size_t i = 0; i < n; ++i)
      if (std::isfinite(values.data()[i])) most = std::max(most, std::abs(static_cast<double>(values.data()[i])));
  constexpr double white = 250, full[2][3] = {{29, 78, 172}, {188, 44, 40}};
  Pixels result = make_array<std::uint8_t>(Shape{shape[0], shape[1], 3}, at, "to_colours");
  std::uint8_t* to = result.data();
  for (std::size_t i = 0; i < n; ++i) {
    const auto x = static_cast<double>(values.data()[i]);
    const double part = std::isinf(x) ? 1 : most > 0 ? std::min(std::abs(x) / most, 1.0) : 0;
    for (const double end : full[x > 0]) *to++ = static_cast<std::uint8_t>(std::isnan(x) ? 0 : white + (end - white) * part + 0.5);
  }
  return result;
}

Pixels picture(const Pixels& images, std::size_t index, Where at) {
  const Size size = size_of_picture(images.shape(), 1, "picture", at);
  if (index >= images.shape()[0])
    throw IndexError(at, "picture", fmt::format("picture {}; it must be below {}", index, images.shape()[0]));
  Pixels result = make_array<std::uint8_t>(Shape{size.height, size.width, size.channels}, at, "picture");
  std::copy_n(images.data() + index * result.size(), result.size(), result.data());
  return result;
}

Pixels grid(const Pixels& images, GridOptions options, Where at) {
  const Size size = size_of_picture(images.shape(), 1, "grid", at);
  const std::size_t n = images.shape()[0];
  if (images.size() == 0)
    throw ShapeError(at, "grid", fmt::format("the array of pictures is {}; it must have a pixel", to_string(images.shape())));
  const std::size_t columns =
      std::min(n, options.columns > 0 ? options.columns : static_cast<std::size_t>(std::ceil(std::sqrt(static_cast<double>(n)))));
  const std::size_t rows = (n + columns - 1) / columns;
  if (options.gap > 65535) throw ValueError(at, "grid", fmt::format("gap is {}; it must be at most 65535", options.gap));
  const Shape shape{rows * size.height + (rows - 1) * options.gap, columns * size.width + (columns - 1) * options.gap,
                    size.channels};
  Pixels result = full<std::uint8_t>(shape, options.background, at, "grid");
  const std::size_t row = size.width * size.channels, wide = shape[1] * size.channels;
  for (std::size_t k = 0; k < n; ++k)
    for (std::size_t y = 0; y < size.height; ++y)
      std::copy_n(images.data() + (k * size.height + y) * row, row,
                  result.data() + (k / columns * (size.height + options.gap) + y) * wide +
                      k % columns * (size.width + options.gap) * size.channels);
  return result;
}

std::string png(const Pixels& image, Where where) {
  const Size size = size_of_picture(image.shape(), 0, "png", where);
  constexpr std::size_t most = 0x7fffffff;
  if (size.height == 0 || size.width == 0 || size.height > most || size.width > most)
    throw ShapeError(where, "png",
                     fmt::format("the picture is {}; its sides must be from 1 to {}", to_string(image.shape()), most));
  const std::size_t row = size.width * size.channels;
  Packer packer;
  constexpr std::uint8_t no_filter = 0;  // each line begins with the number of its filter
  for (std::size_t y = 0; y < size.height; ++y) {
    packer.add(&no_filter, 1);
    packer.add(image.data() + y * row, row);
  }
  const std::string packed = packer.finish();

  std::string header;
  append_number(header, static_cast<std::uint32_t>(size.width));
  append_number(header, static_cast<std::uint32_t>(size.height));
  header += {8, size.channels == 1 ? '\0' : '\2', 0, 0, 0};  // bits, grey or colour, and the only methods there are

  std::string result = "\x89PNG\r\n\x1a\n";
  append_chunk(result, "IHDR", header);
  for (std::size_t at = 0; at < packed.size(); at += most)  // a chunk's length has 31 bits
    append_chunk(result, "IDAT", std::string_view(packed).substr(at, most));
  append_chunk(result, "IEND", {});
  return result;
}

void write_png(const std::filesystem::path& path, const Pixels& image, Where at) {
  const std::string bytes = png(image, at);
  WholeFile file(path, "write_png", at);
  file.write(bytes);
  file.commit();
}

std::string png_uri(const Pixels& image, Where at) { return "data:image/png;base64," + base64(png(image, at)); }

#define XGRAD_INSTANTIATE(T)                                         \
  template Pixels to_pixels(const Array<T>&, double, double, Where); \
  template Pixels to_colours(const Array<T>&, double, Where)
XGRAD_INSTANTIATE(float);
XGRAD_INSTANTIATE(double);

}  // namespace xgrad::draw

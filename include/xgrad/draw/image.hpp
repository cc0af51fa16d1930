#pragma once
/// Arrays as pictures, and pictures as PNG files.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include <xgrad/core/api.hpp>
#include <xgrad/core/array.hpp>
#include <xgrad/core/where.hpp>

namespace xgrad::draw {

/// A picture: (height, width) or (height, width, 1) bytes of grey from black to white, or (height, width, 3) of red, green and
/// blue.
using Pixels = Array<std::uint8_t>;

/// Numbers as bytes, in the shape that they have: `low` and what is below become 0, `high` and what is above 255, NaN 0. Throws
/// ValueError unless low < high and both are finite.
template <Real T>
XGRAD_API Pixels to_pixels(const Array<T>& values, double low = 0, double high = 1, Where at = Where::current());

/// Numbers with a sign, (height, width) or (height, width, 1), as colours (height, width, 3): white is 0, red is `most` and above,
/// blue is -most and below. `most` is the largest finite absolute value where none is given. NaN is black. Throws ShapeError for
/// another shape, ValueError unless `most` is finite and not negative.
template <Real T>
XGRAD_API Pixels to_colours(const Array<T>& values, double most = 0, Where at = Where::current());

/// Picture `index` of (n, height, width) or (n, height, width, channels). Throws ShapeError for another shape, IndexError unless
/// index < n.
XGRAD_API Pixels picture(const Pixels& images, std::size_t index, Where at = Where::current());

struct GridOptions {
  std::size_t columns = 0;        ///< 0: as many as make the grid nearly square
  std::size_t gap = 2;            ///< pixels between pictures
  std::uint8_t background = 128;  ///< of gaps, and of places without a picture
};

/// Several pictures, (n, height, width) or (n, height, width, channels) with 1 or 3 channels, as one, row by row. Throws ShapeError
/// for another shape and where there is no picture.
XGRAD_API Pixels grid(const Pixels& images, GridOptions options = {}, Where at = Where::current());

/// The bytes of a PNG file. Throws ShapeError for another shape than those of Pixels, a side of 0 or one of 2³¹ or more.
XGRAD_API std::string png(const Pixels& image, Where at = Where::current());
/// Writes a PNG file, whole or not at all. Throws as png, and FileError as WholeFile.
XGRAD_API void write_png(const std::filesystem::path& path, const Pixels& image, Where at = Where::current());

/// A PNG file in a text: what the `src` of an HTML image may be. Throws as png.
XGRAD_API std::string png_uri(const Pixels& image, Where at = Where::current());

}  // namespace xgrad::draw

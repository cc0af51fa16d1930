#pragma once
/// Curves, points, bars and regions, as SVG that stands in a page or in a file of its own.
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <xgrad/core/api.hpp>
#include <xgrad/core/indices.hpp>
#include <xgrad/core/where.hpp>

namespace xgrad::draw {

/// How a series is drawn.
enum class Style : std::uint8_t {
  line,    ///< a line through the points, in the order in which they come
  points,  ///< a mark at each point; the first four series differ in its shape, too
  bars,    ///< a bar from 0 to each point; those of several series stand side by side
  faint,   ///< a thin grey line that has no place among the colours and in the legend, such as the contours of a surface
};

/// Points of a chart. One with a coordinate that the chart cannot show (infinite, NaN, or beyond 1e300, not positive where the axis
/// is logarithmic, not from 0 to 1 where it is a share) is left out; in a line it leaves a gap.
struct Series {
  std::string name;  ///< for the legend, which leaves out what has none
  std::vector<double> x, y;
  bool dots = false;  ///< a dot at every point of a line, which tells its values when the pointer is on it
  Style style = Style::line;
};

enum class Scale : std::uint8_t {
  linear,
  log,  ///< decades are as long as each other
  /// For shares from 0 to 1, shown in percent: what is missing to 1, logarithmic, so that 99 % is as far from 90 % as 99.9 % is
  /// from 99 %. Above 99.99 % all is shown as that.
  share,
};

struct Axis {
  std::string label = {}, unit = {};  ///< "time" and "s" are shown as "time (s)"
  Scale scale = Scale::linear;
  std::optional<double> low = {}, high = {};  ///< what the axis shows; as the points need where none is given
  std::vector<std::string> names = {};        ///< stand at 0, 1, 2 … in place of numbers; the scale is linear then
};

/// A rectangle of a chart, in the units of its axes.
struct Box {
  double left = 0, right = 1, bottom = 0, top = 1;
};

/// Which class each place has, drawn behind the series in pale colours: class k in that of series k.
struct Regions {
  OptionalIndices classes =
      {};  ///< (rows, columns), a number for each of as many equal cells of the box; the first row is the lowest
  Box box = {};
};

struct ChartOptions {
  std::string title = {};
  Axis x = {}, y = {};
  std::size_t width = 640, height = 360;  ///< in pixels; a page may stretch it
  Regions regions = {};
};

/// An `<svg>` element with axes, a grid and, where there are several series, a legend. Up to seven series have colours that people
/// who see colours differently tell apart (those of Okabe and Ito, 2008, lighter in the dark; their yellow cannot be seen on
/// white); further ones have the same colours and dashes. It is dark on light or light on dark as the reader's system is.
///
/// Throws ValueError when a series has not as many x as y, low is not below high or lies outside of the scale, an axis with names
/// is not linear, width or height is not from 100 to 10000, or a box is not finite with left < right and bottom < top; ShapeError
/// for classes that are no matrix.
XGRAD_API std::string chart(const std::vector<Series>& series, const ChartOptions& options = {}, Where at = Where::current());
/// Writes a chart as an SVG file, whole or not at all. Throws as chart, and FileError as WholeFile.
XGRAD_API void write_chart(const std::filesystem::path& path, const std::vector<Series>& series, const ChartOptions& options = {},
                           Where at = Where::current());

/// Several charts as one `<svg>` element, row by row in so many columns. Throws ValueError when there are no columns or what is
/// given is no chart.
XGRAD_API std::string panels(const std::vector<std::string>& svgs, std::size_t columns = 2, Where at = Where::current());
/// Writes an `<svg>` element as a file, whole or not at all. Throws FileError as WholeFile.
XGRAD_API void write_svg(const std::filesystem::path& path, std::string_view svg, Where at = Where::current());

/// One point for each of at most `most` stretches of a series of as long ones as each other: the means of the x and the y that are
/// finite. So a curve of many steps does not flicker. Throws ValueError when there are not as many x as y.
XGRAD_API Series averaged(const Series& series, std::size_t most = 160, Where at = Where::current());

/// The middles of rows × columns equal cells of a box, (rows · columns, 2): x and y of each, the lowest row first. What a function
/// gives there can be drawn as regions or contours. Throws ValueError as chart does for a box.
template <Real T = double>
XGRAD_API Array<T> places(const Box& box, std::size_t rows, std::size_t columns, Where at = Where::current());

/// The lines along which a surface has each of these heights, as one faint series. The values (rows, columns) are those
/// at `places`; between them the surface is taken for flat, and what is not finite leaves a gap.
/// Throws ShapeError for values that are no matrix, ValueError as chart does for a box.
template <Real T>
XGRAD_API Series contours(const Array<T>& values, const Box& box, const std::vector<double>& heights, Where at = Where::current());

}  // namespace xgrad::draw

#pragma once
/// Curves, as SVG that stands in a page or in a file of its own.
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <xgrad/core/api.hpp>
#include <xgrad/core/where.hpp>

namespace xgrad::draw {

/// A line through points, in the order in which they come. A point with a coordinate that the chart cannot show (infinite, NaN, or
/// beyond 1e300, not positive where the axis is logarithmic, not from 0 to 1 where it is a share) leaves a gap.
struct Series {
  std::string name;  ///< for the legend, which leaves out what has none
  std::vector<double> x, y;
  bool dots = false;  ///< a dot at every point, which tells its values when the pointer is on it
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
};

struct ChartOptions {
  std::string title = {};
  Axis x = {}, y = {};
  std::size_t width = 640, height = 360;  ///< in pixels; a page may stretch it
};

/// An <svg> element with axes, a grid and, where there are several series, a legend. Up to seven series have colours that people
/// who see colours differently tell apart (those of Okabe and Ito, 2008, lighter in the dark; their yellow cannot be seen on
/// white); further ones have the same colours and dashes. It is dark on light or light on dark as the reader's system is.
///
/// Throws ValueError when a series has not as many x as y, low is not below high or lies outside of the scale, or width or height
/// is not from 100 to 10000.
XGRAD_API std::string chart(const std::vector<Series>& series, const ChartOptions& options = {}, Where where = Where::current());
/// Writes a chart as an SVG file, whole or not at all. Throws as chart, and FileError as WholeFile.
XGRAD_API void write_chart(const std::filesystem::path& path, const std::vector<Series>& series, const ChartOptions& options = {},
                           Where where = Where::current());

/// One point for each of at most `most` stretches of a series of as long ones as each other: the means of the x and the y that are
/// finite. So a curve of many steps does not flicker. Throws ValueError when there are not as many x as y.
XGRAD_API Series averaged(const Series& series, std::size_t most = 160, Where where = Where::current());

}  // namespace xgrad::draw

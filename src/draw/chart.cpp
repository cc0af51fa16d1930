#include <xgrad/draw/chart.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

#include <xgrad/core/error.hpp>
#include <xgrad/core/file.hpp>
#include <xgrad/draw/markup.hpp>

#include "axis.hpp"
#include "svg.hpp"

namespace xgrad::draw {
namespace {

constexpr std::size_t colours = 7;
constexpr std::array<std::string_view, 4> dashes{"", " stroke-dasharray=\"7 4\"", " stroke-dasharray=\"2 4\"",
                                                 " stroke-dasharray=\"9 3 2 3\""};
constexpr double infinity = std::numeric_limits<double>::infinity(), nowhere = std::numeric_limits<double>::quiet_NaN();

void check(const Series& series, const char* op, Where at) {
  if (series.x.size() != series.y.size())
    throw ValueError(
        at, op,
        fmt::format("series \"{}\" has {} x and {} y; it must have as many", series.name, series.x.size(), series.y.size()));
}

/// Colour and dashes of a line.
std::string look(std::size_t k) {
  return fmt::format("style=\"stroke:var(--c{})\"{}", k % colours, dashes[k / colours % dashes.size()]);
}
std::string fill(std::size_t k) { return fmt::format("style=\"fill:var(--c{})\"", k % colours); }

/// A circle, square, triangle or diamond.
std::string mark(std::size_t k) {
  constexpr std::array<std::string_view, 4> shapes{"m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0z", "m-3.2-3.2h6.4v6.4h-6.4z",
                                                   "m0-4.2l4 7.2h-8z", "m0-4.6l4.2 4.6l-4.2 4.6l-4.2-4.6z"};
  return std::string(shapes[k % shapes.size()]);
}

/// What one axis has to show.
struct Extent {
  double low = infinity, high = -infinity;
  void add(double at) {
    if (std::isnan(at)) return;
    low = std::min(low, at), high = std::max(high, at);
  }
};

/// How wide a bar's place is, in units of the x axis, and how many bars share it.
struct Bars {
  std::size_t count = 0;
  double width = 1;
};
Bars bars_of(const std::vector<Series>& series, Scale scale) {
  Bars bars;
  std::vector<double> all;
  for (const Series& s : series)
    if (s.style == Style::bars) {
      ++bars.count;
      for (const double x : s.x)
        if (const double at = place(x, scale); !std::isnan(at)) all.push_back(at);
    }
  std::sort(all.begin(), all.end());
  double least = infinity;
  for (std::size_t i = 1; i < all.size(); ++i)
    if (all[i] > all[i - 1]) least = std::min(least, all[i] - all[i - 1]);
  if (std::isfinite(least)) bars.width = least;
  return bars;
}

/// Where the axes' places lie in the frame, in pixels.
struct Frame {
  const Ruler &across, &up;
  double width, height;

  // far outside of what is asked for: browsers draw with floats
  double x(double at) const { return std::clamp(width * across.part(at), -1e5, 1e5); }
  double y(double at) const { return std::clamp(height * (1 - up.part(at)), -1e5, 1e5); }
};

std::string line(const Series& s, std::size_t k, const Frame& frame) {
  std::string path, dots;
  double last_x = 0, last_y = 0;
  bool gap = true;
  for (std::size_t i = 0; i < s.x.size(); ++i) {
    const double px = place(s.x[i], frame.across.scale), py = place(s.y[i], frame.up.scale);
    if (std::isnan(px) || std::isnan(py)) {
      gap = true;
      continue;
    }
    const double at_x = frame.x(px), at_y = frame.y(py);
    if (gap || std::abs(at_x - last_x) > 0.2 || std::abs(at_y - last_y) > 0.2) {  // nobody sees less
      path += fmt::format("{}{:.2f} {:.2f}", gap ? 'M' : 'L', at_x, at_y);
      last_x = at_x, last_y = at_y;
    }
    gap = false;
    if (s.dots)
      dots += fmt::format("<circle cx=\"{:.2f}\" cy=\"{:.2f}\" r=\"4\" style=\"fill:var(--c{})\"><title>{}{}: {}</title></circle>",
                          at_x, at_y, k % colours, s.name.empty() ? "" : escaped(s.name) + ", ", shown(s.x[i], frame.across.scale),
                          shown(s.y[i], frame.up.scale));
  }
  if (path.empty()) return {};
  if (s.style == Style::faint) return fmt::format("<path class=\"faint\" d=\"{}\"/>", path);
  return fmt::format("<path class=\"line\" {} d=\"{}\"/>{}", look(k), path, dots);
}

std::string points(const Series& s, std::size_t k, const Frame& frame) {
  std::string path;
  for (std::size_t i = 0; i < s.x.size(); ++i) {
    const double px = place(s.x[i], frame.across.scale), py = place(s.y[i], frame.up.scale);
    if (!std::isnan(px) && !std::isnan(py)) path += fmt::format("M{:.2f} {:.2f}{}", frame.x(px), frame.y(py), mark(k));
  }
  return path.empty() ? path : fmt::format("<path class=\"mark\" {} d=\"{}\"/>", fill(k), path);
}

/// Bar number `nth` of those that share a place.
std::string bars(const Series& s, std::size_t k, std::size_t nth, const Bars& all, const Frame& frame) {
  const double zero = frame.up.scale == Scale::log ? frame.up.low : std::clamp(0.0, frame.up.low, frame.up.high);
  const double each = 0.8 * all.width / static_cast<double>(all.count);
  std::string result;
  for (std::size_t i = 0; i < s.x.size(); ++i) {
    const double px = place(s.x[i], frame.across.scale), py = place(s.y[i], frame.up.scale);
    if (std::isnan(px) || std::isnan(py)) continue;
    const double left = frame.x(px - 0.4 * all.width + each * static_cast<double>(nth)),
                 right = left + frame.width * each / (frame.across.high - frame.across.low);
    const double top = frame.y(std::max(py, zero)), bottom = frame.y(std::min(py, zero));
    result += fmt::format("<rect x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\" {}><title>{}{}</title></rect>", left,
                          top, std::max(right - left - 1, 0.5), bottom - top, fill(k), s.name.empty() ? "" : escaped(s.name) + ": ",
                          shown(s.y[i], frame.up.scale));
  }
  return result;
}

/// Each class as one path of runs of cells.
std::string shades(const Regions& regions, const Frame& frame) {
  if (!regions.classes.values()) return {};
  const Labels& classes = *regions.classes.values();
  const std::size_t rows = classes.shape()[0], columns = classes.shape()[1];
  std::array<std::string, colours> paths;
  const auto along = [](double low, double high, std::size_t k, std::size_t n) {
    return low + (high - low) * static_cast<double>(k) / static_cast<double>(n);
  };
  for (std::size_t i = 0; i < rows; ++i) {
    const double bottom = frame.y(place(along(regions.box.bottom, regions.box.top, i, rows), frame.up.scale));
    const double top = frame.y(place(along(regions.box.bottom, regions.box.top, i + 1, rows), frame.up.scale));
    for (std::size_t j = 0, end = 0; j < columns; j = end) {
      const std::int64_t k = classes(i, j);
      while (end < columns && classes(i, end) == k) ++end;
      const double left = frame.x(place(along(regions.box.left, regions.box.right, j, columns), frame.across.scale));
      const double right = frame.x(place(along(regions.box.left, regions.box.right, end, columns), frame.across.scale));
      if (k < 0 || std::isnan(left + right + top + bottom)) continue;
      paths[static_cast<std::size_t>(k) % colours] +=
          fmt::format("M{:.1f} {:.1f}H{:.1f}V{:.1f}H{:.1f}z", left, top, right, bottom, left);
    }
  }
  std::string result;
  for (std::size_t k = 0; k < colours; ++k)
    if (!paths[k].empty()) result += fmt::format("<path class=\"region\" {} d=\"{}\"/>", fill(k), paths[k]);
  return result;
}

}  // namespace

std::string chart(const std::vector<Series>& series, const ChartOptions& options, Where where) {
  for (const auto& [name, value] : {std::pair{"width", options.width}, std::pair{"height", options.height}})
    if (value < 100 || value > 10000)
      throw ValueError(where, "chart", fmt::format("{} is {}; it must be from 100 to 10000", name, value));
  const Regions& regions = options.regions;
  Extent columns, rows;
  const bool whole = regions.classes.values().has_value();  // the frame is the box
  if (whole) {
    if (const Shape& shape = regions.classes.values()->shape(); shape.size() != 2)
      throw ShapeError(where, "chart", fmt::format("classes of regions are {}; they must be (rows, columns)", to_string(shape)));
    check(regions.box, "chart", where);
    columns.add(place(regions.box.left, options.x.scale)), columns.add(place(regions.box.right, options.x.scale));
    rows.add(place(regions.box.bottom, options.y.scale)), rows.add(place(regions.box.top, options.y.scale));
  }
  const Bars all_bars = bars_of(series, options.x.scale);
  for (const Series& s : series) {
    check(s, "chart", where);
    const bool bar = s.style == Style::bars;
    for (std::size_t i = 0; i < s.x.size(); ++i) {
      const double x = place(s.x[i], options.x.scale), y = place(s.y[i], options.y.scale);
      if (std::isnan(x) || std::isnan(y)) continue;
      columns.add(bar ? x - all_bars.width / 2 : x), columns.add(bar ? x + all_bars.width / 2 : x);
      rows.add(y);
      if (bar && options.y.scale != Scale::log) rows.add(0);
    }
  }
  const Ruler across = ruler(options.x, columns.low, columns.high, false, where, "x"),
              up = ruler(options.y, rows.low, rows.high, !whole, where, "y");

  // the frame: what titles, keys and numbers leave over
  const auto wide = static_cast<double>(options.width), high = static_cast<double>(options.height);
  const std::string x_title = title_of(options.x), y_title = title_of(options.y);
  double number_width = 0, name_width = 0;
  for (const Tick& tick : up.ticks) number_width = std::max(number_width, width_of(tick.text));
  for (const std::string& name : options.x.names) name_width = std::max(name_width, width_of(name));
  const double margin_left = 14 + (y_title.empty() ? 0 : 18) + number_width + 8, margin_right = 22;
  const double width = std::max(wide - margin_left - margin_right, 20.0);
  const bool slanted = name_width + 6 > width / static_cast<double>(std::max<std::size_t>(options.x.names.size(), 1));
  const double margin_bottom = 30 + (x_title.empty() ? 0 : 18) + (slanted ? 0.5 * name_width : 0);
  std::string legend;
  double y = 14, x = margin_left;
  if (!options.title.empty()) {
    legend += fmt::format("<text class=\"title\" x=\"14\" y=\"{:.0f}\">{}</text>", y + 10, escaped(options.title));
    y += 22;
  }
  std::vector<std::size_t> numbers;  // which colour each has
  std::size_t coloured = 0, keys = 0;
  for (const Series& s : series) numbers.push_back(s.style == Style::faint ? 0 : coloured++);
  if (coloured > 1)
    for (std::size_t k = 0; k < series.size(); ++k) {
      const Series& s = series[k];
      if (s.name.empty() || s.style == Style::faint) continue;
      const double key = s.style == Style::line ? 26 : 16, needed = key + width_of(s.name) + 14;
      if (keys++ > 0 && x + needed > wide - margin_right) x = margin_left, y += 18;
      legend +=
          s.style == Style::line ? fmt::format("<path class=\"line\" {} d=\"M{:.1f} {:.1f}h20\"/>", look(numbers[k]), x, y + 8)
          : s.style == Style::points
              ? fmt::format("<path class=\"mark\" {} d=\"M{:.1f} {:.1f}{}\"/>", fill(numbers[k]), x + 5, y + 8, mark(numbers[k]))
              : fmt::format("<path {} d=\"M{:.1f} {:.1f}h10v10h-10z\"/>", fill(numbers[k]), x, y + 3);
      legend += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\">{}</text>", x + key, y + 12, escaped(s.name));
      x += needed;
    }
  if (keys > 0) y += 22;
  const double margin_top = y + 4, height = std::max(high - margin_top - margin_bottom, 20.0);
  const Frame frame{across, up, width, height};

  std::string back, labels, drawn;
  for (const Tick& tick : up.ticks) {
    const double at = height * (1 - up.part(tick.at));
    back += fmt::format("M0 {:.2f}H{:.2f}", at, width);
    labels += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>", margin_left - 8, margin_top + at + 4,
                          tick.text);
  }
  double free = -infinity;  // where the last number ended
  for (const Tick& tick : across.ticks) {
    const double at = width * across.part(tick.at);
    back += fmt::format("M{:.2f} {:.2f}v5", at, height);
    if (slanted) {
      labels += fmt::format("<text transform=\"translate({:.1f} {:.1f}) rotate(-35)\" text-anchor=\"end\">{}</text>",
                            margin_left + at + 4, margin_top + height + 16, tick.text);
      continue;
    }
    if (at - width_of(tick.text) / 2 < free) continue;
    free = at + width_of(tick.text) / 2 + 6;
    labels += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>", margin_left + at,
                          margin_top + height + 18, tick.text);
  }
  if (!x_title.empty())
    labels += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>", margin_left + width / 2, high - 10,
                          escaped(x_title));
  if (!y_title.empty())
    labels += fmt::format("<text transform=\"translate(20 {:.1f}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
                          margin_top + height / 2, escaped(y_title));

  std::size_t nth = 0;
  for (std::size_t k = 0; k < series.size(); ++k)
    drawn += series[k].style == Style::points ? points(series[k], numbers[k], frame)
             : series[k].style == Style::bars ? bars(series[k], numbers[k], nth++, all_bars, frame)
                                              : line(series[k], numbers[k], frame);
  const bool cut = options.x.low || options.x.high || options.y.low || options.y.high;
  return svg(options.width, options.height, options.title.empty() ? "chart" : options.title,
             fmt::format("{}{}<svg x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\" overflow=\"{}\">{}<path "
                         "class=\"grid\" d=\"{}\"/>{}</svg>",
                         legend, labels, margin_left, margin_top, width, height, cut ? "hidden" : "visible", shades(regions, frame),
                         back, drawn));
}

void write_chart(const std::filesystem::path& path, const std::vector<Series>& series, const ChartOptions& options, Where at) {
  write_svg_as("write_chart", path, chart(series, options, at), at);
}

Series averaged(const Series& series, std::size_t most, Where at) {
  check(series, "averaged", at);
  const std::size_t n = series.x.size(), stretches = std::min(n, most);
  Series result{series.name, {}, {}, series.dots, series.style};
  const auto mean = [](std::span<const double> values) {
    double sum = 0;
    std::size_t count = 0;
    for (const double value : values)
      if (std::isfinite(value)) sum += value, ++count;
    return count > 0 ? sum / static_cast<double>(count) : nowhere;
  };
  for (std::size_t k = 0; k < stretches; ++k) {
    const std::size_t begin = n / stretches * k + n % stretches * k / stretches;
    const std::size_t end = n / stretches * (k + 1) + n % stretches * (k + 1) / stretches;
    result.x.push_back(mean(std::span(series.x).subspan(begin, end - begin)));
    result.y.push_back(mean(std::span(series.y).subspan(begin, end - begin)));
  }
  return result;
}

}  // namespace xgrad::draw

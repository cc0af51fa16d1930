#include <xgrad/draw/chart.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <string_view>
#include <utility>

#include <xgrad/core/error.hpp>
#include <xgrad/core/file.hpp>
#include <xgrad/draw/markup.hpp>

namespace xgrad::draw {
namespace {

constexpr std::string_view style =
    ".xgrad-chart{--back:#fff;--ink:#1c1e22;--soft:#5d636e;--grid:#e2e0da;"
    "--c0:#0072b2;--c1:#d55e00;--c2:#009e73;--c3:#b8558c;--c4:#c98a00;--c5:#56b4e9;--c6:#1c1e22;"
    "font:12px ui-sans-serif,system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif;font-variant-numeric:tabular-nums}"
    "@media(prefers-color-scheme:dark){.xgrad-chart{--back:#1a1d23;--ink:#e9e9e6;--soft:#a3a9b5;--grid:#343943;"
    "--c0:#4aa8e0;--c1:#f0813c;--c2:#2fc598;--c3:#e0a0c6;--c4:#f2bd3d;--c5:#a4daf8;--c6:#e9e9e6}}"
    ".xgrad-chart .back{fill:var(--back)}.xgrad-chart text{fill:var(--soft)}.xgrad-chart .title{fill:var(--ink);font-size:14px;"
    "font-weight:600}.xgrad-chart .grid{stroke:var(--grid);fill:none}.xgrad-chart .line{fill:none;stroke-width:1.8;"
    "stroke-linejoin:round;stroke-linecap:round}.xgrad-chart circle{stroke:var(--back);stroke-width:1.5}";
constexpr std::size_t colours = 7;
constexpr std::array<std::string_view, 4> dashes{"", " stroke-dasharray=\"7 4\"", " stroke-dasharray=\"2 4\"",
                                                 " stroke-dasharray=\"9 3 2 3\""};
constexpr double least_rest = 1e-4;  // of a share to 1
constexpr double nowhere = std::numeric_limits<double>::quiet_NaN();

/// Where a value lies on a straight line; NaN when it lies nowhere.
double place(double value, Scale scale) {
  if (!(std::abs(value) <= 1e300)) return nowhere;
  switch (scale) {
    case Scale::linear:
      return value;
    case Scale::log:
      return value > 0 ? std::log10(value) : nowhere;
    case Scale::share:
      return value >= 0 && value <= 1 ? -std::log10(std::max(1 - value, least_rest)) : nowhere;
  }
  return nowhere;
}

struct Tick {
  double at;
  std::string text;
};

/// What an axis shows, in places.
struct Ruler {
  Scale scale = Scale::linear;
  double low = 0, high = 1;
  std::vector<Tick> ticks = {};

  double part(double at) const { return (at - low) / (high - low); }
};

/// 1, 2 or 5 times a power of ten, not below x.
double nice(double x) {
  const double power = std::pow(10, std::floor(std::log10(x)));
  for (const double factor : {1., 2., 5.})
    if (factor * power >= x * (1 - 1e-9)) return factor * power;
  return 10 * power;
}

/// 1, 2 and 5 times the powers of ten between the ends, by their logarithms; only the powers, or some of them, where that would be
/// a crowd.
std::vector<double> decades(double low, double high) {
  std::vector<double> result;
  const int from = static_cast<int>(std::floor(low)), to = static_cast<int>(std::ceil(high)), every = (to - from) / 12 + 1;
  for (const bool crowded : {false, true}) {
    result.clear();
    for (int power = from; power <= to; power += crowded ? every : 1)
      for (const int factor : {1, 2, 5}) {
        const double at = power + std::log10(factor);
        if ((factor == 1 || !crowded) && at >= low - 1e-9 && at <= high + 1e-9) result.push_back(at);
      }
    if (result.size() <= 10) break;
  }
  return result;
}

/// The next 1, 2 or 5 times a power of ten, by its logarithm.
double nice_log(double at, bool up) {
  const double power = std::floor(at + (up ? 0 : 1e-9));
  double best = up ? power + 1 : power;
  for (const double factor : {1., 2., 5.}) {
    const double tick = power + std::log10(factor);
    if (up ? tick >= at - 1e-9 && tick < best : tick <= at + 1e-9 && tick > best) best = tick;
  }
  return best;
}

Ruler ruler(const Axis& axis, double low, double high, bool rounded, Where where, const char* name) {
  const auto given = [&](const std::optional<double>& value, const char* which, double& to) {
    if (!value) return;
    to = place(*value, axis.scale);
    if (std::isnan(to))
      throw ValueError(where, "chart", fmt::format("{}.{} is {}; it must be a number that the scale has", name, which, *value));
  };
  if (!(low <= high)) {  // no points
    low = axis.scale == Scale::log ? -1 : 0;
    high = 1;
  }
  given(axis.low, "low", low);
  given(axis.high, "high", high);
  if (axis.low && axis.high && !(low < high))
    throw ValueError(where, "chart",
                     fmt::format("{0}.low is {1}, {0}.high is {2}; low must be below high", name, *axis.low, *axis.high));
  const double least = axis.scale == Scale::linear ? std::max({std::abs(low), std::abs(high), 1e-290}) * 1e-6 : 0.3;
  if (high - low < least) {
    const double more = axis.scale == Scale::linear && high == low ? std::max(std::abs(low) / 2, 1e-290) : least;
    if (!axis.low && axis.scale == Scale::linear) low -= more;
    if (!axis.high)
      high = std::max(high, low) + more;
    else if (!(low < high))
      low = high - more;
  }
  Ruler result{axis.scale, low, high};
  if (axis.scale == Scale::linear) {
    const double step = nice((high - low) / 6);
    if (rounded && !axis.low) result.low = std::floor(low / step + 1e-9) * step;
    if (rounded && !axis.high) result.high = std::ceil(high / step - 1e-9) * step;
    const double first = std::ceil(result.low / step - 1e-9);
    for (int k = 0; k < 20 && (first + k) * step <= result.high + step * 1e-9; ++k) {
      const double value = (first + k) * step;
      result.ticks.push_back({value, fmt::format("{:.10g}", value == 0 ? 0.0 : value)});
    }
    return result;
  }
  if (rounded && !axis.low) result.low = axis.scale == Scale::share ? std::max(-nice_log(-low, true), 0.0) : nice_log(low, false);
  if (rounded && !axis.high) result.high = axis.scale == Scale::share ? -nice_log(-high, false) : nice_log(high, true);
  if (axis.scale == Scale::log)
    for (const double at : decades(result.low, result.high)) result.ticks.push_back({at, fmt::format("{:.6g}", std::pow(10, at))});
  else
    for (const double at : decades(-result.high, -result.low))
      result.ticks.push_back({-at, fmt::format("{:.6g} %", 100 - 100 * std::pow(10, at))});
  return result;
}

std::string shown(double value, Scale scale) {
  return scale == Scale::share ? fmt::format("{:.6g} %", 100 * value) : fmt::format("{:.6g}", value);
}

std::string title_of(const Axis& axis) {
  return axis.unit.empty() ? axis.label : axis.label.empty() ? axis.unit : fmt::format("{} ({})", axis.label, axis.unit);
}

/// About how wide a text is in pixels: nobody asks the font.
double width_of(std::string_view text) {
  return 6.7 * static_cast<double>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

void check(const Series& series, const char* op, Where where) {
  if (series.x.size() != series.y.size())
    throw ValueError(
        where, op,
        fmt::format("series \"{}\" has {} x and {} y; it must have as many", series.name, series.x.size(), series.y.size()));
}

/// Colour and dashes of a series.
std::string look(std::size_t k) {
  return fmt::format("style=\"stroke:var(--c{})\"{}", k % colours, dashes[k / colours % dashes.size()]);
}

}  // namespace

std::string chart(const std::vector<Series>& series, const ChartOptions& options, Where where) {
  for (const auto& [name, value] : {std::pair{"width", options.width}, std::pair{"height", options.height}})
    if (value < 100 || value > 10000)
      throw ValueError(where, "chart", fmt::format("{} is {}; it must be from 100 to 10000", name, value));
  constexpr double infinity = std::numeric_limits<double>::infinity();
  double left = infinity, right = -infinity, bottom = infinity, top = -infinity;
  for (const Series& s : series) {
    check(s, "chart", where);
    for (std::size_t i = 0; i < s.x.size(); ++i) {
      const double x = place(s.x[i], options.x.scale), y = place(s.y[i], options.y.scale);
      if (std::isnan(x) || std::isnan(y)) continue;
      left = std::min(left, x), right = std::max(right, x);
      bottom = std::min(bottom, y), top = std::max(top, y);
    }
  }
  const Ruler across = ruler(options.x, left, right, false, where, "x"), up = ruler(options.y, bottom, top, true, where, "y");

  // the frame: what titles, keys and numbers leave over
  const auto wide = static_cast<double>(options.width), high = static_cast<double>(options.height);
  const std::string x_title = title_of(options.x), y_title = title_of(options.y);
  double number_width = 0;
  for (const Tick& tick : up.ticks) number_width = std::max(number_width, width_of(tick.text));
  const double margin_left = 14 + (y_title.empty() ? 0 : 18) + number_width + 8;
  const double margin_right = 22, margin_bottom = 30 + (x_title.empty() ? 0 : 18);
  std::string legend;
  double y = 14, x = margin_left;
  if (!options.title.empty()) {
    legend += fmt::format("<text class=\"title\" x=\"14\" y=\"{:.0f}\">{}</text>", y + 10, escaped(options.title));
    y += 22;
  }
  std::size_t keys = 0;
  if (series.size() > 1)
    for (std::size_t k = 0; k < series.size(); ++k) {
      if (series[k].name.empty()) continue;
      const double width = 26 + width_of(series[k].name) + 14;
      if (keys++ > 0 && x + width > wide - margin_right) x = margin_left, y += 18;
      legend += fmt::format("<path class=\"line\" {} d=\"M{:.1f} {:.1f}h20\"/><text x=\"{:.1f}\" y=\"{:.1f}\">{}</text>", look(k),
                            x, y + 8, x + 26, y + 12, escaped(series[k].name));
      x += width;
    }
  if (keys > 0) y += 22;
  const double margin_top = y + 4;
  const double width = std::max(wide - margin_left - margin_right, 20.0),
               height = std::max(high - margin_top - margin_bottom, 20.0);

  std::string back, labels, lines;
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

  for (std::size_t k = 0; k < series.size(); ++k) {
    const Series& s = series[k];
    std::string path, dots;
    bool gap = true;
    for (std::size_t i = 0; i < s.x.size(); ++i) {
      const double px = place(s.x[i], across.scale), py = place(s.y[i], up.scale);
      if (std::isnan(px) || std::isnan(py)) {
        gap = true;
        continue;
      }
      // far outside of what is asked for: browsers draw with floats
      const double at_x = std::clamp(width * across.part(px), -1e5, 1e5), at_y = std::clamp(height * (1 - up.part(py)), -1e5, 1e5);
      path += fmt::format("{}{:.2f} {:.2f}", gap ? 'M' : 'L', at_x, at_y);
      gap = false;
      if (s.dots)
        dots += fmt::format(
            "<circle cx=\"{:.2f}\" cy=\"{:.2f}\" r=\"4\" style=\"fill:var(--c{})\"><title>{}{}: {}</title></circle>", at_x, at_y,
            k % colours, s.name.empty() ? "" : escaped(s.name) + ", ", shown(s.x[i], across.scale), shown(s.y[i], up.scale));
    }
    if (!path.empty()) lines += fmt::format("<path class=\"line\" {} d=\"{}\"/>{}", look(k), path, dots);
  }
  const bool cut = options.x.low || options.x.high || options.y.low || options.y.high;
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"xgrad-chart\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" "
      "role=\"img\" aria-label=\"{2}\"><style>{3}</style><rect class=\"back\" width=\"{0}\" height=\"{1}\"/>{4}{5}"
      "<svg x=\"{6:.2f}\" y=\"{7:.2f}\" width=\"{8:.2f}\" height=\"{9:.2f}\" overflow=\"{10}\"><path class=\"grid\" "
      "d=\"{11}\"/>{12}"
      "</svg></svg>",
      options.width, options.height, escaped(options.title.empty() ? "chart" : options.title), style, legend, labels, margin_left,
      margin_top, width, height, cut ? "hidden" : "visible", back, lines);
}

void write_chart(const std::filesystem::path& path, const std::vector<Series>& series, const ChartOptions& options, Where where) {
  const std::string svg = chart(series, options, where);
  WholeFile file(path, "write_chart", where);
  file.write("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + svg + "\n");
  file.commit();
}

Series averaged(const Series& series, std::size_t most, Where where) {
  check(series, "averaged", where);
  const std::size_t n = series.x.size(), stretches = std::min(n, most);
  Series result{series.name, {}, {}, series.dots};
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

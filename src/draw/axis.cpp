#include "axis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <xgrad/core/error.hpp>
#include <xgrad/draw/markup.hpp>

namespace xgrad::draw {
namespace {

constexpr double least_rest = 1e-4;  // of a share to 1
constexpr double nowhere = std::numeric_limits<double>::quiet_NaN();

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

}  // namespace

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

Ruler ruler(const Axis& axis, double low, double high, bool rounded, Where where, const char* name) {
  const auto given = [&](const std::optional<double>& value, const char* which, double& to) {
    if (!value) return;
    to = place(*value, axis.scale);
    if (std::isnan(to))
      throw ValueError(where, "chart", fmt::format("{}.{} is {}; it must be a number that the scale has", name, which, *value));
  };
  if (!axis.names.empty() && axis.scale != Scale::linear)
    throw ValueError(where, "chart", fmt::format("{} has names and is not linear; an axis with names must be", name));
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
    if (!axis.names.empty()) {
      for (std::size_t k = 0; k < axis.names.size(); ++k)
        if (const auto at = static_cast<double>(k); at >= low && at <= high) result.ticks.push_back({at, escaped(axis.names[k])});
      return result;
    }
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

double width_of(std::string_view text) {
  double width = 0;
  for (const char c : text)
    if ((c & 0xc0) != 0x80) width += c == 'm' || c == 'w' || c == 'M' || c == 'W' ? 10.5 : 6.7;
  return width;
}

void check(const Box& box, std::string_view op, Where at) {
  const auto ordered = [&](double low, double high, const char* low_name, const char* high_name) {
    if (!std::isfinite(low) || !std::isfinite(high) || !(low < high))
      throw ValueError(at, op,
                       fmt::format("the box's {0} is {1}, its {2} is {3}; both must be finite, and {0} below {2}", low_name, low,
                                   high_name, high));
  };
  ordered(box.left, box.right, "left", "right");
  ordered(box.bottom, box.top, "bottom", "top");
}

}  // namespace xgrad::draw

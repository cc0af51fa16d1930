#include "chart.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>

#include "text.hpp"

namespace {

/// Where values lie in a square of 100 by 100, y downwards.
struct Frame {
  double width, low, high;  // x from 0 to width, log10 y from low to high
  bool flipped;
  double x(double value) const { return 100 * value / width; }
  double y(double log) const {
    const double share = 100 * (log - low) / (high - low);
    return flipped ? share : 100 - share;
  }
};

/// 1, 2 and 5 times the powers of ten that lie in the frame; only the powers where that would be a crowd.
std::vector<double> ticks(const Frame& frame) {
  std::vector<double> result;
  const auto from = static_cast<int>(std::floor(frame.low)), to = static_cast<int>(std::ceil(frame.high));
  for (const bool crowded : {false, true}) {
    result.clear();
    for (int power = from; power <= to; ++power)
      for (const int factor : {1, 2, 5}) {
        const double tick = factor * std::pow(10, power), at = std::log10(tick);
        if ((factor == 1 || !crowded) && at >= frame.low - 1e-9 && at <= frame.high + 1e-9) result.push_back(tick);
      }
    if (result.size() <= 12) break;
  }
  return result;
}

std::string shown(double value, Scale scale) {
  return scale == Scale::loss ? fmt::format("{:.3g}", value) : fmt::format("{:.6g} %", 100 - 100 * value);
}

}  // namespace

std::string chart(const std::string& title, std::vector<Series> series, Scale scale) {
  // 2, 5 or 1 times a power of ten on either side of all values
  double least = 1, most = 1e-3, width = 1e-9;
  bool first = true;
  for (Series& s : series)
    for (Point& p : s.points) {
      if (scale == Scale::accuracy) p.y = 1 - p.y;
      p.y = std::clamp(p.y, scale == Scale::accuracy ? 2e-4 : 1e-5, 1e3);
      least = first ? p.y : std::min(least, p.y);
      most = first ? p.y : std::max(most, p.y);
      width = std::max(width, p.x);
      first = false;
    }
  const auto nice = [](double value, bool up) {
    const double power = std::floor(std::log10(value));
    double best = up ? power + 1 : power;
    for (const double factor : {2., 5.}) {
      const double at = power + std::log10(factor), log = std::log10(value);
      if (up ? at >= log && at < best : at <= log && at > best) best = at;
    }
    return best;
  };
  Frame frame{width, nice(least, false), nice(most, true), scale == Scale::accuracy};
  if (frame.high - frame.low < 0.3) frame.high += 0.3;
  if (scale == Scale::accuracy) frame.high = std::min(frame.high, 0.0);

  std::string lines, labels, dots, legend;
  for (const double tick : ticks(frame)) {
    const double y = frame.y(std::log10(tick));
    lines += fmt::format("<path class=grid d=\"M0 {0:.2f}H100\"/>", y);
    labels += fmt::format("<span class=y style=\"top:{:.2f}%\">{}</span>", y, shown(tick, scale));
  }
  const double every = std::max(1.0, std::ceil(width / 10));
  for (double epoch = 0; epoch <= width + 1e-9; epoch += every)
    labels += fmt::format("<span class=x style=\"left:{:.2f}%\">{:g}</span>", frame.x(epoch), epoch);

  for (const Series& s : series) {
    std::string path;
    for (const Point& p : s.points) {
      const double x = frame.x(p.x), y = frame.y(std::log10(p.y));
      path += fmt::format("{}{:.2f} {:.2f}", path.empty() ? 'M' : 'L', x, y);
      if (s.dots)
        dots += fmt::format("<i class=\"{}\" style=\"left:{:.2f}%;top:{:.2f}%\" title=\"{}, after epoch {:.3g}: {}\"></i>", s.style,
                            x, y, escaped(s.name), p.x, shown(p.y, scale));
    }
    lines += fmt::format("<path class=\"line {}\" d=\"{}\"/>", s.style, path);
    legend += fmt::format("<span class=\"key {}\">{}</span>", s.style, escaped(s.name));
  }
  return fmt::format(
      "<figure class=chart><figcaption><b>{}</b> {}</figcaption><div class=plot>"
      "<svg viewBox=\"0 0 100 100\" preserveAspectRatio=none aria-hidden=true>{}</svg>{}{}</div><p "
      "class=axis>epochs</p></figure>\n",
      escaped(title), legend, lines, labels, dots);
}

#include "svg.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include <xgrad/core/error.hpp>
#include <xgrad/core/file.hpp>
#include <xgrad/draw/chart.hpp>
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
    "stroke-linejoin:round;stroke-linecap:round}.xgrad-chart circle,.xgrad-chart .mark{stroke:var(--back);stroke-width:1.5;"
    "paint-order:stroke}.xgrad-chart .faint{fill:none;stroke:var(--soft);stroke-opacity:.4}.xgrad-chart .region{fill-opacity:.22;"
    "shape-rendering:crispEdges}";
constexpr std::string_view beginning = "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"xgrad-chart\" viewBox=\"0 0 ";

/// Width and height of what `svg` has made; 0 of anything else.
std::pair<std::size_t, std::size_t> size_of(std::string_view svg) {
  std::size_t width = 0, height = 0;
  if (!svg.starts_with(beginning)) return {};
  const char *from = svg.data() + beginning.size(), *end = svg.data() + svg.size();
  const auto [space, error] = std::from_chars(from, end, width);
  if (error != std::errc{} || space == end) return {};
  std::from_chars(space + 1, end, height);
  return {width, height};
}

}  // namespace

std::string svg(std::size_t width, std::size_t height, std::string_view label, std::string_view content) {
  return fmt::format(
      "{0}{1} {2}\" width=\"{1}\" height=\"{2}\" role=\"img\" aria-label=\"{3}\"><style>{4}</style><rect class=\"back\" "
      "width=\"{1}\" height=\"{2}\"/>{5}</svg>",
      beginning, width, height, escaped(label), style, content);
}

std::string panels(const std::vector<std::string>& svgs, std::size_t columns, Where at) {
  if (columns == 0) throw ValueError(at, "panels", "columns is 0; it must be at least 1");
  std::size_t x = 0, y = 0, row = 0, width = 1;
  std::string all;
  for (std::size_t k = 0; k < svgs.size(); ++k) {
    const auto [wide, high] = size_of(svgs[k]);
    if (wide == 0 || high == 0)
      throw ValueError(at, "panels", fmt::format("panel {} is not an <svg> element of chart; it must be", k));
    if (k > 0 && k % columns == 0) x = 0, y += std::exchange(row, 0);
    all += fmt::format("<svg x=\"{}\" y=\"{}\"{}", x, y, std::string_view(svgs[k]).substr(4));
    x += wide;
    width = std::max(width, x), row = std::max(row, high);
  }
  return svg(width, std::max<std::size_t>(y + row, 1), "panels", all);
}

void write_svg_as(const char* op, const std::filesystem::path& path, std::string_view svg, Where at) {
  WholeFile file(path, op, at);
  file.write(fmt::format("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}\n", svg));
  file.commit();
}
void write_svg(const std::filesystem::path& path, std::string_view svg, Where at) { write_svg_as("write_svg", path, svg, at); }

}  // namespace xgrad::draw

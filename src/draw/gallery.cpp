#include <xgrad/draw/gallery.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include <xgrad/core/error.hpp>
#include <xgrad/draw/markup.hpp>

#include "svg.hpp"

namespace xgrad::draw {
namespace {

constexpr std::string_view style =
    "<style>@media(prefers-color-scheme:dark){.xgrad-chart .white{filter:invert(1) hue-rotate(180deg)}}"
    "@media(prefers-color-scheme:light){.xgrad-chart .ink{filter:invert(1)}}"
    ".xgrad-chart .caption{fill:var(--ink)}.xgrad-chart .edge{fill:none;stroke:var(--grid)}"
    ".xgrad-chart image{image-rendering:optimizeSpeed;image-rendering:pixelated}</style>";
constexpr double margin = 14, gap = 14, line_height = 16, letter = 6.3;  // pixels; nobody asks the font how wide it is

/// The lines of a text that are not wider than `width` unless a word is.
std::vector<std::string> wrapped(std::string_view text, double width) {
  const auto most = static_cast<std::size_t>(std::max(width / letter, 1.0));
  std::vector<std::string> lines;
  std::size_t letters = 0;  // of the last line
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string_view word = text.substr(at, end - at);
    const auto length =
        static_cast<std::size_t>(std::count_if(word.begin(), word.end(), [](char c) { return (c & 0xc0) != 0x80; }));
    if (lines.empty() || letters + 1 + length > most) {
      lines.emplace_back(word);
      letters = length;
    } else {
      lines.back().append(" ").append(word);
      letters += 1 + length;
    }
    at = end + 1;
  }
  return lines;
}

std::string_view class_of(Look look) {
  return look == Look::ink ? " class=\"ink\"" : look == Look::around_white ? " class=\"white\"" : "";
}

}  // namespace

std::string gallery(const std::vector<Picture>& pictures, const GalleryOptions& options, Where at) {
  if (options.width < 100 || options.width > 10000)
    throw ValueError(at, "gallery", fmt::format("width is {}; it must be from 100 to 10000", options.width));
  if (pictures.empty()) throw ShapeError(at, "gallery", "there are no pictures; there must be one at least");
  const std::size_t columns = std::min(pictures.size(), options.columns > 0 ? options.columns : std::size_t{6});
  const auto count = static_cast<double>(columns);
  const double cell = (static_cast<double>(options.width) - 2 * margin - (count - 1) * gap) / count;
  if (cell < 8)
    throw ValueError(at, "gallery",
                     fmt::format("{} columns in a width of {} have {:.1f} pixels each; it must be 8 at least", columns,
                                 options.width, std::max(cell, 0.0)));
  std::string body(style);
  double y = margin;
  if (!options.title.empty()) {
    body += fmt::format("<text class=\"title\" x=\"{:.0f}\" y=\"{:.0f}\">{}</text>", margin, y + 10, escaped(options.title));
    y += 24;
  }
  for (std::size_t first = 0; first < pictures.size(); first += columns) {
    const std::size_t end = std::min(first + columns, pictures.size());
    double bottom = y;
    for (std::size_t k = first; k < end; ++k) {
      const Picture& picture = pictures[k];
      const std::string source = png_uri(picture.image, at);  // also says what is no picture
      const double x = margin + static_cast<double>(k - first) * (cell + gap);
      const double height = cell * static_cast<double>(picture.image.shape()[0]) / static_cast<double>(picture.image.shape()[1]);
      const std::string place = fmt::format("x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\"", x, y, cell, height);
      body += fmt::format("<g>{}<image {}{} preserveAspectRatio=\"none\" href=\"{}\"/><rect class=\"edge\" {}/></g>",
                          picture.tip.empty() ? "" : "<title>" + escaped(picture.tip) + "</title>", place, class_of(picture.look),
                          source, place);
      double base = y + height;
      for (const bool is_caption : {true, false})
        for (const std::string& text : wrapped(is_caption ? picture.caption : picture.note, cell + gap / 2))
          body += fmt::format("<text{} x=\"{:.2f}\" y=\"{:.2f}\">{}</text>", is_caption ? " class=\"caption\"" : "", x,
                              base += line_height, escaped(text));
      bottom = std::max(bottom, base);
    }
    y = bottom + gap;
  }
  return svg(options.width, static_cast<std::size_t>(std::lround(y)), options.title.empty() ? "pictures" : options.title, body);
}

void write_gallery(const std::filesystem::path& path, const std::vector<Picture>& pictures, const GalleryOptions& options,
                   Where at) {
  write_svg_as("write_gallery", path, gallery(pictures, options, at), at);
}

}  // namespace xgrad::draw

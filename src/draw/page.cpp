#include <xgrad/draw/page.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include <xgrad/core/error.hpp>
#include <xgrad/core/file.hpp>
#include <xgrad/draw/markup.hpp>

#include "style.hpp"

namespace xgrad::draw {
namespace {

std::size_t length(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string percent(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? std::string("–")
                    : fmt::format("{:.1f}\u202f%", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

}  // namespace

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t k = text.size(); k > 3; k -= 3) text.insert(k - 3, "\u202f");
  return text;
}

Page::Page(std::string_view title, std::string_view kicker) : title_(title) {
  body_ = fmt::format("<header>{}<h1>{}</h1>", kicker.empty() ? "" : fmt::format("<p class=\"kicker\">{}</p>", escaped(kicker)),
                      escaped(title));
}

Page& Page::section(std::string_view heading, std::string_view lead) {
  body_ += fmt::format("{}<section><h2>{}</h2>{}", in_section_ ? "</section>\n" : "</header>\n", escaped(heading),
                       lead.empty() ? "" : fmt::format("<p>{}</p>", escaped(lead)));
  in_section_ = true;
  return *this;
}

Page& Page::headline(std::string_view number, std::string_view unit, std::string_view meaning) {
  return html(fmt::format("<p class=\"score\"><b>{}<small>{}{}</small></b><span>{}</span></p>", escaped(number),
                          unit.empty() ? "" : "\u202f", escaped(unit), escaped(meaning)));
}
Page& Page::text(std::string_view paragraph) { return html(fmt::format("<p class=\"text\">{}</p>", escaped(paragraph))); }
Page& Page::note(std::string_view paragraph) { return html(fmt::format("<p class=\"note\">{}</p>", escaped(paragraph))); }

Page& Page::facts(const std::vector<std::pair<std::string, std::string>>& facts) {
  std::string text;
  for (const auto& [what, value] : facts)
    text += fmt::format("<div{}><dt>{}</dt><dd>{}</dd></div>", length(value) > 24 ? " class=\"wide\"" : "", escaped(what),
                        escaped(value));
  return facts.empty() ? *this : html("<dl>" + text + "</dl>");
}

Page& Page::table(const std::vector<std::vector<std::string>>& lines, std::string_view right, bool total) {
  std::size_t columns = 0;
  for (const auto& line : lines) columns = std::max(columns, line.size());
  std::string head, body, foot;
  for (std::size_t k = 0; k < lines.size(); ++k) {
    std::string row;
    for (std::size_t c = 0; c < columns; ++c)
      row += fmt::format("<{0}{1}>{2}</{0}>", k == 0 ? "th" : "td", c < right.size() && right[c] == 'r' ? " class=\"r\"" : "",
                         c < lines[k].size() ? escaped(lines[k][c]) : "");
    (k == 0 ? head : total && k + 1 == lines.size() ? foot : body) += "<tr>" + row + "</tr>";
  }
  if (columns == 0) return *this;
  return html(fmt::format("<div class=\"card scroll\"><table class=\"plain\"><thead>{}</thead><tbody>{}</tbody>{}</table></div>",
                          head, body, foot.empty() ? "" : "<tfoot>" + foot + "</tfoot>"));
}

Page& Page::charts(const std::vector<std::string>& svgs) {
  std::string text;
  for (const std::string& svg : svgs) text += "<figure>" + svg + "</figure>";
  return svgs.empty() ? *this : html("<div class=\"charts\">" + text + "</div>");
}

Page& Page::pictures(const std::vector<Picture>& pictures, Where at) {
  std::string text;
  for (const Picture& p : pictures) {
    const std::string caption = escaped(p.caption) + (p.note.empty() ? "" : fmt::format("<small>{}</small>", escaped(p.note)));
    text += fmt::format(
        "<figure{}><img{} alt=\"{}\" src=\"{}\"/>{}</figure>", p.tip.empty() ? "" : fmt::format(" title=\"{}\"", escaped(p.tip)),
        p.look == Look::as_is ? ""
        : p.look == Look::ink ? " class=\"ink\""
                              : " class=\"around-white\"",
        escaped(p.caption), png_uri(p.image, at), caption.empty() ? "" : "<figcaption>" + caption + "</figcaption>");
  }
  return pictures.empty() ? *this : html("<div class=\"pictures\">" + text + "</div>");
}

Page& Page::confusion(const Indices& indices, const std::vector<std::string>& names, Where at) {
  const Labels& counts = indices.values();
  const Shape& shape = counts.shape();
  if (shape.size() != 2 || shape[0] != shape[1])
    throw ShapeError(at, "confusion", fmt::format("counts are {}; they must be (classes, classes)", to_string(shape)));
  const std::size_t classes = shape[0];
  const std::int64_t* count = counts.data();
  std::vector<std::int64_t> truths(classes), guesses(classes);
  std::int64_t worst = 1;
  for (std::size_t t = 0; t < classes; ++t)
    for (std::size_t g = 0; g < classes; ++g) {
      const std::int64_t n = count[t * classes + g];
      if (n < 0) throw ValueError(at, "confusion", fmt::format("the count at ({}, {}) is {}; it must not be negative", t, g, n));
      truths[t] += n;
      guesses[g] += n;
      if (t != g) worst = std::max(worst, n);
    }
  const auto name = [&](std::size_t k) { return escaped(k < names.size() ? names[k] : std::to_string(k)); };
  std::string text = "<div class=\"card scroll\"><table class=\"matrix\"><thead><tr><th class=\"corner\">truth ↓ guess →</th>";
  for (std::size_t g = 0; g < classes; ++g)
    text += fmt::format("<th{}><span>{}</span></th>", length(name(g)) > 2 ? " class=\"long\"" : "", name(g));
  text += "<th></th></tr></thead><tbody>";
  for (std::size_t t = 0; t < classes; ++t) {
    text += fmt::format("<tr><th>{}</th>", name(t));
    for (std::size_t g = 0; g < classes; ++g) {
      const std::int64_t n = count[t * classes + g];
      // Square roots, so that a single mistake can be seen beside the most frequent one.
      const double share = t == g ? static_cast<double>(n) / static_cast<double>(std::max<std::int64_t>(truths[t], 1))
                                  : std::sqrt(static_cast<double>(n) / static_cast<double>(worst));
      const double alpha = t == g ? 0.1 + 0.45 * share * share : 0.08 + 0.62 * share;
      text += n == 0 ? "<td class=\"none\">0</td>"
                     : fmt::format("<td class=\"{}\" style=\"--a:{:.2f}\" title=\"{} taken for {}: {}\">{}</td>",
                                   t == g ? "hit" : "miss", alpha, name(t), name(g), n, n);
    }
    text += fmt::format("<td class=\"total\">{}</td></tr>", percent(count[t * classes + t], truths[t]));
  }
  text += "<tr><th></th>";
  for (std::size_t g = 0; g < classes; ++g)
    text += fmt::format("<td class=\"total\">{}</td>", percent(count[g * classes + g], guesses[g]));
  return html(text + "<td></td></tr></tbody></table></div>");
}

Page& Page::source(std::string_view what, std::string_view text) {
  return html(
      fmt::format("<div class=\"card\"><details><summary>{}</summary><pre>{}</pre></details></div>", escaped(what), escaped(text)));
}

Page& Page::html(std::string_view markup) {
  body_.append(markup);
  return *this;
}

std::string Page::str() const {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" "
      "content=\"width=device-width, initial-scale=1\"/>\n<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n<main>\n{}{}\n"
      "<footer>Made with xgrad {}.{}.{}. This page needs nothing but itself.</footer>\n</main>\n</body>\n</html>\n",
      escaped(title_), page_style, body_, in_section_ ? "</section>" : "</header>", XGRAD_VERSION_MAJOR, XGRAD_VERSION_MINOR,
      XGRAD_VERSION_PATCH);
}

void Page::write(const std::filesystem::path& path, Where at) const {
  const std::string text = str();
  WholeFile file(path, "Page::write", at);
  file.write(text);
  file.commit();
}

}  // namespace xgrad::draw

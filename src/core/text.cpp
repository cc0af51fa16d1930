#include <xgrad/core/text.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <iterator>

#include "json.hpp"
#include "utf8.hpp"

namespace xgrad {
namespace {

/// Characters that a terminal obeys, that nobody sees, or that show other characters in another order.
bool hidden(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
         (c >= 0xe0000 && c <= 0xe007f);
}

}  // namespace

std::string printable(std::string_view text, std::size_t most) {
  std::string result;
  std::size_t at = 0;
  while (at < text.size()) {
    const Character c = first_character(text.substr(at));
    const std::size_t bytes = std::max<std::size_t>(c.bytes, 1);
    if (at + bytes > most) return result + "…";
    const auto byte = static_cast<unsigned char>(text[at]);
    if (c.bytes > 0 && !hidden(c.code))
      result += text.substr(at, bytes);
    else if (byte == '\n' || byte == '\t' || byte == '\r')
      result += byte == '\n' ? "\\n" : byte == '\t' ? "\\t" : "\\r";
    else if (c.bytes > 1)
      fmt::format_to(std::back_inserter(result), "\\u{:04x}", static_cast<std::uint32_t>(c.code));
    else
      fmt::format_to(std::back_inserter(result), "\\x{:02x}", byte);
    at += bytes;
  }
  return result;
}

std::string aligned(const std::vector<std::vector<std::string>>& lines, std::string_view right) {
  const auto width_of = [](std::string_view text) {  // of UTF-8: bytes that go on with a character take no room
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
  };
  std::vector<std::vector<std::string>> shown(lines.size());
  std::vector<std::size_t> widths;
  for (std::size_t k = 0; k < lines.size(); ++k) {
    widths.resize(std::max(widths.size(), lines[k].size()));
    for (std::size_t c = 0; c < lines[k].size(); ++c) {
      shown[k].push_back(printable(lines[k][c]));
      widths[c] = std::max(widths[c], width_of(shown[k][c]));
    }
  }
  std::string text;
  for (const auto& line : shown) {
    std::string row;
    for (std::size_t c = 0; c < line.size(); ++c) {
      const std::string space(widths[c] - width_of(line[c]), ' ');
      if (c > 0) row += "  ";
      row += c < right.size() && right[c] == 'r' ? space + line[c] : line[c] + space;
    }
    row.erase(row.find_last_not_of(' ') + 1);
    text += (text.empty() ? "" : "\n") + row;
  }
  return text;
}

std::string quoted_json(std::string_view text) {
  std::string result = "\"";
  for (std::size_t at = 0, bytes = 1; at < text.size(); at += bytes) {
    const Character c = first_character(text.substr(at));
    bytes = c.bytes > 0 ? c.bytes : 1;
    if (text[at] == '"' || text[at] == '\\')
      result += '\\', result += text[at];
    else if (c.bytes == 0)
      result += "\\ufffd";
    else if (c.code < 0x20)
      result += fmt::format("\\u{:04x}", static_cast<unsigned>(c.code));
    else
      result += text.substr(at, bytes);
  }
  return result + '"';
}

}  // namespace xgrad

#include <xgrad/draw/markup.hpp>

#include <fmt/format.h>

#include <xgrad/core/text.hpp>

#include "../core/utf8.hpp"

namespace xgrad {

namespace draw {

std::string escaped(std::string_view text) {
  std::string result;
  for (std::size_t at = 0, bytes = 1; at < text.size(); at += bytes) {
    const Character c = first_character(text.substr(at));
    bytes = c.bytes > 0 ? c.bytes : 1;
    const char byte = text[at];
    if (byte == '&')
      result += "&amp;";
    else if (byte == '<')
      result += "&lt;";
    else if (byte == '>')
      result += "&gt;";
    else if (byte == '"')
      result += "&quot;";
    else if (byte == '\'')
      result += "&#39;";
    else if (byte == '\n' || byte == '\t' || (c.bytes > 0 && c.code >= 0xa0 && c.code != 0xfffe && c.code != 0xffff) ||
             (byte >= 0x20 && byte < 0x7f))
      result += text.substr(at, bytes);
    else
      result += printable(text.substr(at, bytes));
  }
  return result;
}

}  // namespace draw
}  // namespace xgrad

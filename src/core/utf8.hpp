#pragma once
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace xgrad {

/// The character at the beginning of a text and how many bytes it takes; 0 where no valid UTF-8 begins.
struct Character {
  char32_t code = 0;
  std::size_t bytes = 0;
};

inline Character first_character(std::string_view text) {
  if (text.empty()) return {};
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return {first, 1};
  const std::size_t bytes = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (bytes == 0 || text.size() < bytes) return {};
  char32_t code = first & (0x7fU >> bytes);
  for (const char c : text.substr(1, bytes - 1)) {
    if ((static_cast<unsigned char>(c) & 0xc0U) != 0x80) return {};
    code = code << 6U | (static_cast<unsigned char>(c) & 0x3fU);
  }
  constexpr std::array<char32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};  // what fewer bytes can say, they must
  if (code < least[bytes] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return {};
  return {code, bytes};
}

inline void append_utf8(std::string& text, char32_t code) {
  const auto add = [&](char32_t byte) { text += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (code < 0x80) return add(code);
  if (code < 0x800) {
    add(0xc0 | code >> 6U);
  } else {
    if (code < 0x10000) {
      add(0xe0 | code >> 12U);
    } else {
      add(0xf0 | code >> 18U);
      add(0x80 | (code >> 12U & 0x3fU));
    }
    add(0x80 | (code >> 6U & 0x3fU));
  }
  add(0x80 | (code & 0x3fU));
}

}  // namespace xgrad

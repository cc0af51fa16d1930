#pragma once
// Reads again what the library draws: PNG, XML. Throws std::runtime_error, which says what is wrong.
#include <zlib.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstring>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace xgrad_test {

struct Png {
  std::size_t width = 0, height = 0, channels = 0;
  std::vector<std::uint8_t> pixels;
};

inline std::uint32_t big_endian(std::string_view bytes, std::size_t at) {
  if (at + 4 > bytes.size()) throw std::runtime_error("PNG: cut short");
  std::uint32_t n = 0;
  for (std::size_t k = 0; k < 4; ++k) n = n << 8U | static_cast<unsigned char>(bytes[at + k]);
  return n;
}

/// Of 8 bits, without filters.
inline Png read_png(std::string_view bytes) {
  if (bytes.substr(0, 8) != std::string_view("\x89PNG\r\n\x1a\n", 8)) throw std::runtime_error("PNG: no signature");
  Png png;
  std::string packed;
  bool ended = false;
  for (std::size_t at = 8; at < bytes.size();) {
    if (ended) throw std::runtime_error("PNG: goes on behind its end");
    const std::size_t size = big_endian(bytes, at);
    const std::string_view type = bytes.substr(at + 4, 4), content = bytes.substr(at + 8, size);
    if (crc32(0, reinterpret_cast<const Bytef*>(bytes.data() + at + 4), static_cast<uInt>(4 + size)) !=
        big_endian(bytes, at + 8 + size))
      throw std::runtime_error("PNG: wrong checksum");
    if (type == "IHDR") {
      png.width = big_endian(content, 0);
      png.height = big_endian(content, 4);
      if (content.size() != 13 || content[8] != 8 || (content[9] != 0 && content[9] != 2) ||
          content.substr(10) != std::string_view("\0\0\0", 3))
        throw std::runtime_error("PNG: unknown header");
      png.channels = content[9] == 0 ? 1 : 3;
    }
    if (type == "IDAT") packed += content;
    ended = type == "IEND";
    at += 12 + size;
  }
  if (!ended) throw std::runtime_error("PNG: no end");
  const std::size_t row = png.width * png.channels;
  std::vector<std::uint8_t> lines(png.height * (row + 1));
  uLongf size = lines.size();
  if (uncompress(lines.data(), &size, reinterpret_cast<const Bytef*>(packed.data()), packed.size()) != Z_OK || size != lines.size())
    throw std::runtime_error("PNG: wrong data");
  for (std::size_t y = 0; y < png.height; ++y) {
    if (lines[y * (row + 1)] != 0) throw std::runtime_error("PNG: a filter");
    png.pixels.insert(png.pixels.end(), lines.begin() + static_cast<std::ptrdiff_t>(y * (row + 1) + 1),
                      lines.begin() + static_cast<std::ptrdiff_t>((y + 1) * (row + 1)));
  }
  return png;
}

/// How often each element is there, in a text that is one element and well-formed: what opens closes, attributes are quoted and
/// come once, `&` begins an entity. A document type may stand before it.
inline std::map<std::string, int> read_xml(std::string_view text) {
  std::map<std::string, int> count;
  std::vector<std::string> open;
  const auto fail = [&](const std::string& what) {
    throw std::runtime_error("XML: " + what + " before: " + std::string(text.substr(0, 60)));
  };
  const auto is_name = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || std::strchr("-_:.", c); };
  const auto skip_space = [&] {
    while (!text.empty() && std::strchr(" \n\t\r", text[0])) text.remove_prefix(1);
  };
  const auto take_name = [&] {
    std::size_t n = 0;
    while (n < text.size() && is_name(text[n])) ++n;
    if (n == 0) fail("no name");
    const std::string name(text.substr(0, n));
    text.remove_prefix(n);
    return name;
  };
  const auto check_text = [&](std::string_view part) {
    for (std::size_t i = 0; i < part.size(); ++i) {
      const auto byte = static_cast<unsigned char>(part[i]);
      if (byte < 0x20 && byte != '\n' && byte != '\t' && byte != '\r') fail("a control character");
      if (byte != '&') continue;
      const std::size_t end = part.find(';', i);
      static const std::set<std::string_view> known{"&amp", "&lt", "&gt", "&quot", "&#39", "&apos", "&#45", "&#160"};
      if (end == part.npos || !known.contains(part.substr(i, end - i))) fail("an unknown entity");
    }
  };
  while (text.starts_with("<?") || text.starts_with("<!DOCTYPE")) {
    text.remove_prefix(text.find('>') + 1);
    skip_space();
  }
  bool had_root = false;
  while (!text.empty()) {
    const std::size_t next = std::min(text.find('<'), text.size());
    check_text(text.substr(0, next));
    if (open.empty() && text.substr(0, next).find_first_not_of(" \n") != std::string_view::npos) fail("text outside of the root");
    text.remove_prefix(next);
    if (text.empty()) break;
    if (text.starts_with("<!--")) {
      text.remove_prefix(text.find("-->") + 3);
    } else if (text.starts_with("</")) {
      text.remove_prefix(2);
      const std::string name = take_name();
      if (open.empty() || open.back() != name) fail("</" + name + "> closes " + (open.empty() ? "nothing" : open.back()));
      open.pop_back();
      skip_space();
      if (!text.starts_with('>')) fail("no >");
      text.remove_prefix(1);
    } else {
      text.remove_prefix(1);
      const std::string name = take_name();
      if (open.empty() && std::exchange(had_root, true)) fail("a second root");
      ++count[name];
      std::set<std::string> attributes;
      for (skip_space(); !text.empty() && text[0] != '>' && text[0] != '/'; skip_space()) {
        const std::string attribute = take_name();
        if (!attributes.insert(attribute).second) fail("twice " + attribute);
        if (!text.starts_with("=\"")) fail("no quotes behind " + attribute);
        text.remove_prefix(2);
        const std::size_t end = text.find('"');
        if (end == text.npos || text.substr(0, end).find('<') != std::string_view::npos) fail("no end of " + attribute);
        check_text(text.substr(0, end));
        text.remove_prefix(end + 1);
      }
      if (text.starts_with("/>")) {
        text.remove_prefix(2);
      } else {
        if (!text.starts_with('>')) fail("no > of " + name);
        open.push_back(name);
        text.remove_prefix(1);
      }
    }
  }
  if (!open.empty()) fail("nothing closes " + open.back());
  return count;
}

/// How often a text has a part.
inline std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++n;
  return n;
}

}  // namespace xgrad_test

#include "header.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <charconv>
#include <iterator>
#include <unordered_set>
#include <utility>

#include <xgrad/core/text.hpp>

#include "../core/utf8.hpp"
#include "names.hpp"

// The header is JSON of one form: {"__metadata__": {text: text, …}, name: {"dtype": "F32", "shape": [6, 5], "data_offsets": [0,
// 120]}, …}. So it is read as that: nothing in it is skipped, no key comes twice, and every complaint knows its byte.
namespace xgrad::nn {
namespace {

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Header header() {
    Header result;
    std::unordered_set<std::string> names;
    members([&](std::string name, std::size_t offset) {
      if (!names.insert(name).second) fail_twice(name, offset);
      if (name == metadata)
        members([&](const std::string& key, std::size_t at) {
          if (result.metadata.contains(key)) fail_twice(key, at);
          result.metadata.emplace(key, string());
        });
      else
        result.entries.push_back(entry(std::move(name), offset));
    });
    space();
    if (at_ < text_.size()) fail_here("its end, or a space");
    return result;
  }

 private:
  Entry entry(std::string name, std::size_t offset) {
    Entry result{.name = std::move(name), .dtype = {}, .shape = {}, .offset = offset};
    bool dtype = false, shape = false, offsets = false;
    const auto fail_entry = [&](std::size_t at, std::string_view what) {
      fail(at, fmt::format(R"(the entry of {} {}; it must be {{"dtype": text, "shape": [lengths], "data_offsets": [begin, end]}})",
                           printable(result.name, 200), what));
    };
    members([&](const std::string& key, std::size_t at) {
      if (key == "dtype" && !std::exchange(dtype, true)) {
        result.dtype = string();
      } else if (key == "shape" && !std::exchange(shape, true)) {
        result.shape = numbers();
      } else if (key == "data_offsets" && !std::exchange(offsets, true)) {
        const std::size_t begin = at_;
        const auto pair = numbers();
        if (pair.size() != 2) fail_entry(begin, fmt::format("has {} data_offsets", pair.size()));
        result.begin = pair[0];
        result.end = pair[1];
      } else if (key == "dtype" || key == "shape" || key == "data_offsets") {
        fail_twice(key, at);
      } else {
        fail_entry(at, "has " + printable(key, 200));
      }
    });
    if (!dtype || !shape || !offsets)
      fail_entry(offset, fmt::format("has no {}", !dtype ? "dtype" : !shape ? "shape" : "data_offsets"));
    return result;
  }

  /// An object; `value` reads what follows a key, and is told where the key began.
  template <class Value>
  void members(Value value) {
    expect('{');
    space();
    if (take('}')) return;
    do {
      space();
      const std::size_t at = at_;
      std::string key = string();
      space();
      expect(':');
      space();
      value(std::move(key), at);
      space();
    } while (take(','));
    if (!take('}')) fail_here("\",\" or \"}\"");
  }

  std::vector<std::size_t> numbers() {
    std::vector<std::size_t> result;
    expect('[');
    space();
    if (take(']')) return result;
    do {
      space();
      result.push_back(number());
      space();
    } while (take(','));
    if (!take(']')) fail_here("\",\" or \"]\"");
    return result;
  }

  std::size_t number() {
    const char *begin = text_.data() + at_, *end = text_.data() + text_.size();
    const char* after = std::find_if(begin, end, [](char c) { return c < '0' || c > '9'; });
    if (begin == after) fail_here("a whole number");
    const std::string_view digits(begin, static_cast<std::size_t>(after - begin));
    std::size_t value = 0;
    if ((digits.size() > 1 && *begin == '0') || std::from_chars(begin, after, value).ec != std::errc{})
      fail(at_,
           fmt::format("the number is {}; it must be a whole number below 2^64, without zeros before it", printable(digits, 40)));
    at_ += digits.size();
    return value;
  }

  std::string string() {
    std::string result;
    expect('"');
    while (!take('"')) {
      if (at_ == text_.size()) fail_here("\", the end of a text");
      if (text_[at_] == '\\') {
        append_utf8(result, escape());
        continue;
      }
      const Character c = first_character(text_.substr(at_));
      if (c.bytes == 0 || c.code < 0x20) fail_here("UTF-8, with control characters as escapes");
      result += text_.substr(at_, c.bytes);
      at_ += c.bytes;
    }
    return result;
  }

  char32_t escape() {
    constexpr std::string_view names = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
    const std::size_t begin = at_++;
    if (const auto k = at_ < text_.size() ? names.find(text_[at_]) : names.npos; k != names.npos) {
      ++at_;
      return static_cast<unsigned char>(meanings[k]);
    }
    const char32_t first = hex(begin);
    if (first < 0xd800 || first > 0xdfff) return first;
    if (first > 0xdbff || at_ == text_.size() || text_[at_] != '\\')
      fail(begin, "half of a pair is here; the other must go with it");
    ++at_;
    const char32_t second = hex(begin);
    if (second < 0xdc00 || second > 0xdfff) fail(begin, "half of a pair is here; the other must go with it");
    return 0x10000 + ((first - 0xd800) << 10U) + (second - 0xdc00);
  }

  /// The digits of \uXXXX, from the u on.
  char32_t hex(std::size_t escape_begin) {
    std::uint32_t value = 0;
    const std::string_view digits = text_.substr(std::min(at_ + 1, text_.size()), 4);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (at_ == text_.size() || text_[at_] != 'u' || digits.size() != 4 || error != std::errc{} ||
        end != digits.data() + digits.size())
      fail(escape_begin, "an escape that JSON does not have is here; it must be one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX");
    at_ += 5;
    return value;
  }

  void space() {
    while (at_ < text_.size() && std::string_view(" \t\n\r").find(text_[at_]) != std::string_view::npos) ++at_;
  }
  bool take(char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!take(c)) fail_here(c == '"' ? "a text" : fmt::format("\"{}\"", c));
  }

  [[noreturn]] void fail_here(std::string_view wanted) const {
    if (at_ == text_.size()) fail(at_, fmt::format("the header ends here; {} must be here", wanted));
    const std::size_t bytes = std::max<std::size_t>(first_character(text_.substr(at_)).bytes, 1);
    fail(at_, fmt::format("{} is here; {} must be here",
                          text_[at_] == '"' ? "a text" : "\"" + printable(text_.substr(at_, bytes)) + "\"", wanted));
  }
  [[noreturn]] static void fail_twice(const std::string& key, std::size_t at) {
    fail(at, printable(key, 200) + " is there twice; it must be there once");
  }
  [[noreturn]] static void fail(std::size_t at, std::string text) { throw HeaderError{at, std::move(text)}; }

  std::string_view text_;
  std::size_t at_ = 0;
};

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t at = 0; at < text.size();) {
    const Character c = first_character(text.substr(at));
    if (c.bytes == 0) throw HeaderError{at, "no UTF-8"};
    if (c.code == '"' || c.code == '\\') out += '\\';
    if (c.code < 0x20)
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<std::uint32_t>(c.code));
    else
      out += text.substr(at, c.bytes);
    at += c.bytes;
  }
  out += '"';
}

}  // namespace

Header read_header(std::string_view text) { return Parser(text).header(); }

std::string write_header(const std::vector<Entry>& entries, std::map<std::string, std::string> texts) {
  texts.emplace("format", "xgrad");
  std::string out = fmt::format(R"({{"{}":)", metadata);
  char before = '{';
  for (const auto& [key, text] : texts) {
    out += std::exchange(before, ',');
    append_quoted(out, key);
    out += ':';
    append_quoted(out, text);
  }
  out += '}';
  for (const Entry& entry : entries) {
    out += ',';
    append_quoted(out, entry.name);
    fmt::format_to(std::back_inserter(out), R"(:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})", entry.dtype,
                   fmt::join(entry.shape, ","), entry.begin, entry.end);
  }
  return out + '}';
}

}  // namespace xgrad::nn

#include "npy.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <optional>
#include <utility>

#include "convert.hpp"
#include "names.hpp"

namespace xgrad::nn {
namespace {

constexpr std::string_view magic = "\x93NUMPY";

struct Description {
  std::string_view descr, element;
};
constexpr std::array<Description, 12> descriptions{{{"f4", "F32"},
                                                    {"f8", "F64"},
                                                    {"f2", "F16"},
                                                    {"i1", "I8"},
                                                    {"i2", "I16"},
                                                    {"i4", "I32"},
                                                    {"i8", "I64"},
                                                    {"u1", "U8"},
                                                    {"u2", "U16"},
                                                    {"u4", "U32"},
                                                    {"u8", "U64"},
                                                    {"b1", "BOOL"}}};

/// The dict of a header.
class Parser {
 public:
  Parser(std::string_view text, std::uint64_t offset, const NpyInput& input) : text_(text), offset_(offset), input_(input) {}

  NpyHeader header() {
    NpyHeader result;
    std::array<bool, 3> seen{};
    expect('{');
    while (!take('}')) {
      const std::size_t at = at_;
      const std::string key = string();
      expect(':');
      const auto once = [&](std::size_t k) {
        if (std::exchange(seen[k], true)) fail(at, some(key) + " is there twice; it must be there once");
      };
      if (key == "descr") {
        once(0);
        read_descr(result);
      } else if (key == "fortran_order") {
        once(1);
        result.fortran = boolean();
      } else if (key == "shape") {
        once(2);
        result.shape = shape();
      } else {
        fail(at, some(key) + " is a key of the header; it must be descr, fortran_order or shape");
      }
      if (take(',')) continue;
      expect('}');
      break;
    }
    if (space(), at_ < text_.size()) fail_here("its end");
    constexpr std::array<std::string_view, 3> keys{"descr", "fortran_order", "shape"};
    for (std::size_t k = 0; k < keys.size(); ++k)
      if (!seen[k]) fail(0, fmt::format("the header has no {}; it must have one", keys[k]));
    return result;
  }

 private:
  void read_descr(NpyHeader& result) {
    space();
    if (at_ < text_.size() && text_[at_] == '[') {  // a list of fields: everything up to its end is what it is called
      const std::size_t begin = at_;
      std::size_t depth = 0;
      do {
        if (at_ == text_.size()) fail_here("]");
        depth += text_[at_] == '[' ? 1 : 0;
        depth -= text_[at_] == ']' ? 1 : 0;
        ++at_;
      } while (depth > 0);
      result.descr = text_.substr(begin, std::min<std::size_t>(at_ - begin, 200));
      return;
    }
    result.descr = string();
    std::string_view kind = result.descr;
    char order = '|';
    if (!kind.empty() && std::string_view("<>=|").find(kind[0]) != std::string_view::npos) {
      order = kind[0];
      kind.remove_prefix(1);
    }
    const auto found = std::ranges::find(descriptions, kind, &Description::descr);
    if (found == descriptions.end()) return;
    result.element = found->element;
    result.element_bytes = *bytes_of_element(found->element);
    result.swapped = order == '>' && result.element_bytes > 1;
  }

  Shape shape() {
    std::vector<std::size_t> lengths;
    bool comma = false;
    expect('(');
    while (!take(')')) {
      if (!lengths.empty() && !comma) fail_here("\",\" or \")\"");
      space();
      const char *begin = text_.data() + at_, *end = text_.data() + text_.size();
      std::size_t length = 0;
      const auto [after, error] = std::from_chars(begin, end, length);
      if (error != std::errc{}) fail_here("a whole number below 2^64");
      if (lengths.size() == 64) fail_here("at most 64 axes");
      lengths.push_back(length);
      at_ += static_cast<std::size_t>(after - begin);
      if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // as Python 2 wrote it
      comma = take(',');
    }
    if (lengths.size() == 1 && !comma) fail_here("a comma in a shape of one axis");
    return Shape(lengths.begin(), lengths.end());
  }

  bool boolean() {
    space();
    for (const std::string_view word : {"True", "False"})
      if (text_.substr(at_).starts_with(word)) {
        at_ += word.size();
        return word == "True";
      }
    fail_here("True or False");
  }

  std::string string() {
    space();
    const char quote = at_ < text_.size() && text_[at_] == '"' ? '"' : '\'';
    expect(quote);
    const std::size_t end = text_.find(quote, at_);
    if (end == text_.npos || text_.substr(at_, end - at_).find('\\') != text_.npos) fail_here("a text without \\");
    std::string result(text_.substr(at_, end - at_));
    at_ = end + 1;
    return result;
  }

  void space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool take(char c) {
    space();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!take(c)) fail_here(fmt::format("\"{}\"", c));
  }
  [[noreturn]] void fail_here(std::string_view wanted) const {
    fail(at_, fmt::format("{} is here; {} must be here",
                          at_ < text_.size() ? "\"" + printable(text_.substr(at_, 1)) + "\"" : "the header's end", wanted));
  }
  [[noreturn]] void fail(std::size_t at, const std::string& text) const {
    input_.fail(offset_ + at, text);
    std::abort();  // `fail` throws
  }

  std::string_view text_;
  std::uint64_t offset_;
  const NpyInput& input_;
  std::size_t at_ = 0;
};

}  // namespace

NpyHeader read_npy_header(const NpyInput& input) {
  constexpr std::uint64_t most = std::uint64_t{1} << 20U;
  std::array<char, 12> start{};
  const auto need = [&](std::uint64_t offset, std::uint64_t bytes, std::string_view what) {
    if (input.size - offset < bytes) input.fail(input.size, fmt::format("it ends here; {} of {} bytes must be there", what, bytes));
  };
  need(0, 10, "a beginning");
  input.read(start.data(), 10);
  if (std::string_view(start.data(), magic.size()) != magic)
    input.fail(0, "no npy file begins here; it must begin with \\x93NUMPY");
  const int version = start[6];
  if (version < 1 || version > 3) input.fail(6, fmt::format("the format has version {}; it must be 1, 2 or 3", version));
  std::uint64_t length = 0, begin = 10;
  std::memcpy(&length, start.data() + 8, 2);
  if (version > 1) {
    need(10, 2, "a length");
    input.read(start.data() + 10, 2);
    std::memcpy(&length, start.data() + 8, 4);
    begin = 12;
  }
  if (length > most) input.fail(8, fmt::format("the header is {} bytes long; it must be at most {}", length, most));
  need(begin, length, "a header");
  std::string text(length, '\0');
  input.read(text.data(), length);

  NpyHeader header = Parser(text, begin, input).header();
  header.begin = begin + length;
  if (header.element.empty()) return header;
  const auto bytes = bytes_of(header.shape, header.element_bytes);
  if (!bytes)
    input.fail(begin, fmt::format("the shape is {}; that must be a number of bytes", some(xgrad::to_string(header.shape))));
  header.bytes = *bytes;
  if (input.size - header.begin != header.bytes)
    input.fail(header.begin,
               fmt::format("{} bytes are behind the header; there must be {} for {} of '{}'", input.size - header.begin,
                           header.bytes, some(xgrad::to_string(header.shape)), header.descr));
  return header;
}

std::string unknown_descr(const NpyHeader& header) {
  return fmt::format("its elements are '{}'; they must be bool, integers, or floating numbers of 2, 4 or 8 bytes",
                     some(header.descr));
}

Array<std::uint8_t> read_npy_values(const NpyInput& input, const NpyHeader& header, const Task& task) {
  Array<std::uint8_t> bytes = make_bytes(header.bytes, task);
  if (header.bytes > 0) input.read(bytes.data(), header.bytes);
  if (header.swapped) swap_bytes(bytes.data(), header.bytes / header.element_bytes, header.element_bytes);
  if (!header.fortran || header.shape.size() < 2) return bytes;
  Array<std::uint8_t> turned = make_bytes(header.bytes, task);
  std::vector<std::size_t> strides(header.shape.size(), 1);
  for (std::size_t axis = 1; axis < strides.size(); ++axis) strides[axis] = strides[axis - 1] * header.shape[axis - 1];
  gather(bytes.data(), header.shape, strides, header.element_bytes, turned.data());
  return turned;
}

std::string npy_header(Element element, const Shape& shape) {
  const std::string_view name = name_of(element);
  const auto* found = std::ranges::find(descriptions, name, &Description::element);
  std::string lengths = fmt::format("{}", fmt::join(shape, ", "));
  if (shape.size() == 1) lengths += ',';
  std::string text = fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': ({}), }}", bytes_of(element) > 1 ? '<' : '|',
                                 found->descr, lengths);
  // The values begin at a multiple of 64, as NumPy has it.
  std::size_t start = 10;
  const auto padded = [&] { return (start + text.size() + 1 + 63) / 64 * 64; };
  if (padded() - start > 0xffff) start = 12;
  const std::size_t length = padded() - start;
  text.resize(length - 1, ' ');
  text += '\n';
  std::string result(magic);
  result += start == 10 ? '\1' : '\2';
  result += '\0';
  result.append(reinterpret_cast<const char*>(&length), start - 8);
  return result + text;
}

}  // namespace xgrad::nn

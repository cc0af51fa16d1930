#include <xgrad/data/csv.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <limits>

#include <xgrad/core/error.hpp>

#include "gzip.hpp"

namespace xgrad {
namespace {

std::string content(const std::filesystem::path& path, Where at) {
  Unpacked file(path, "read_csv", at);
  std::string text;
  std::vector<std::uint8_t> block(std::size_t{1} << 20U);
  for (std::size_t n = 0; (n = file.read(block)) > 0;) text.append(block.begin(), block.begin() + static_cast<std::ptrdiff_t>(n));
  return text;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

/// Goes through the text line by line. Every complaint is made here.
class Reader {
 public:
  Reader(const std::filesystem::path& path, char separator, Where at)
      : path_(path), separator_(separator), where_(at), text_(content(path, at)) {
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;
  }

  /// The fields of the next line that has any; false at the end.
  bool next(std::vector<std::string>& fields) {
    while (at_ < text_.size()) {
      ++line_;
      const std::size_t end = std::min(text_.find('\n', at_), text_.size());
      std::string_view line = trimmed(std::string_view(text_).substr(at_, end - at_));
      at_ = end + 1;
      if (line.empty()) continue;
      fields.clear();
      for (;;) {
        fields.emplace_back();
        line = trimmed(line);
        if (line.starts_with('"')) {
          std::size_t k = 1;
          for (;; ++k) {
            if (k >= line.size()) fail(fields.size(), "a quote that is not closed; it must be in the same line");
            if (line[k] == '"' && (k + 1 >= line.size() || line[k + 1] != '"')) break;
            fields.back() += line[k];
            if (line[k] == '"') ++k;
          }
          line = trimmed(line.substr(k + 1));
          if (!line.empty() && line.front() != separator_)
            fail(fields.size(), fmt::format("\"{}\" behind a quoted field; a {} must be", line, separator_));
        } else {
          const std::string_view field = line.substr(0, line.find(separator_));
          fields.back() = trimmed(field);
          line.remove_prefix(field.size());
        }
        if (line.empty()) return true;
        line.remove_prefix(1);
        if (line.empty()) {
          fields.emplace_back();
          return true;
        }
      }
    }
    return false;
  }

  double number(const std::string& field, std::size_t column) const {
    if (field.empty()) return std::numeric_limits<double>::quiet_NaN();
    const char *begin = field.data() + (field.front() == '+'), *end = field.data() + field.size();
    double value = 0;
    const auto [stop, error] = std::from_chars(begin, end, value);
    if (error == std::errc::result_out_of_range)
      fail(column, fmt::format("{} is beyond what a double can hold; it must be less", field));
    if (error != std::errc() || stop != end)
      fail(column, fmt::format("\"{}\" is no number; it must be one, or empty for NaN", field));
    return value;
  }

  [[noreturn]] void fail(std::size_t column, const std::string& text) const {
    throw FileError(where_, "read_csv", fmt::format("{}: line {}, column {}: {}", path_.string(), line_, column, text));
  }
  [[noreturn]] void fail(const std::string& text) const {
    throw FileError(where_, "read_csv", fmt::format("{}: {}", path_.string(), text));
  }

 private:
  std::filesystem::path path_;
  char separator_;
  Where where_;
  std::string text_;
  std::size_t at_ = 0, line_ = 0;
};

}  // namespace

std::size_t Table::index(std::string_view name, Where at) const {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end())
    throw IndexError(at, "Table", fmt::format("no column is called \"{}\"; it must be one of: {}", name, fmt::join(names, ", ")));
  return static_cast<std::size_t>(found - names.begin());
}

Array<double> Table::column(std::string_view name, Where at) const {
  const std::size_t k = index(name, at), columns = values.shape()[1];
  Array<double> result = make_array<double>(Shape{values.shape()[0]}, at);
  for (std::size_t i = 0; i < result.size(); ++i) result.data()[i] = values.data()[i * columns + k];
  return result;
}

Table read_csv(const std::filesystem::path& path, CsvOptions options, Where at) {
  if (std::string_view("\"\r\n \0+-.0123456789", 18).find(options.separator) != std::string_view::npos ||
      std::isalpha(static_cast<unsigned char>(options.separator)) != 0)
    throw ValueError(
        at, "read_csv",
        fmt::format("separator is \"{}\"; it must be a character that no number, quote or line's end has", options.separator));
  Reader reader(path, options.separator, at);
  Table table;
  std::vector<std::string> fields;
  if (options.header && reader.next(fields)) table.names = fields;
  std::size_t columns = table.names.size(), rows = 0;
  std::vector<double> values;
  while (reader.next(fields)) {
    if (columns == 0) columns = fields.size();
    if (fields.size() != columns)
      reader.fail(std::min(fields.size(), columns),
                  fmt::format("{} fields; there must be {} as in the first line", fields.size(), columns));
    for (std::size_t k = 0; k < columns; ++k) values.push_back(reader.number(fields[k], k + 1));
    ++rows;
  }
  if (columns == 0) reader.fail("is empty; it must have a line at least");
  table.values = make_array<double>(Shape{rows, columns}, at);
  std::copy(values.begin(), values.end(), table.values.data());
  return table;
}

}  // namespace xgrad

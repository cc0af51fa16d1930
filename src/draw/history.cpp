#include <xgrad/draw/history.hpp>

#include <fmt/format.h>
#include <algorithm>

#include <cmath>
#include <limits>
#include <map>

#include <xgrad/core/error.hpp>
#include <xgrad/core/file.hpp>

#include "../core/json.hpp"

namespace xgrad::draw {
namespace {

/// Calls f(line, its number) until one returns false.
template <class F>
void for_each_name(std::string_view names, F f) {
  for (std::uint32_t k = 0; !names.empty(); ++k) {
    const std::size_t end = names.find('\n');
    if (!f(names.substr(0, end), k)) return;
    names.remove_prefix(end == names.npos ? names.size() : end + 1);
  }
}

constexpr auto none = std::numeric_limits<std::uint32_t>::max();

std::uint32_t find(std::string_view names, std::string_view name) {
  std::uint32_t found = none;
  for_each_name(names, [&](std::string_view one, std::uint32_t k) {
    if (one == name) found = k;
    return found == none;
  });
  return found;
}

std::string quoted_csv(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == text.npos && !text.starts_with(' ') && !text.ends_with(' ')) return std::string(text);
  std::string result = "\"";
  for (const char c : text) result += c == '"' ? std::string("\"\"") : std::string(1, c);
  return result + '"';
}

std::string list_json(const std::vector<double>& numbers) {
  std::string result = "[";
  for (const double x : numbers)
    result += (result.size() > 1 ? ", " : "") + (std::isfinite(x) ? fmt::format("{}", x) : std::string("null"));
  return result + "]";
}

void write(const std::filesystem::path& path, const std::string& text, const char* op, Where at) {
  WholeFile file(path, op, at);
  file.write(text);
  file.commit();
}

}  // namespace

void History::add(double time, Values values, Where at) {
  if (!std::isfinite(time)) throw ValueError(at, "History::add", fmt::format("the time is {}; it must be finite", time));
  for (const auto& [name, value] : values)
    if (name.empty() || name.find_first_of("\r\n") != name.npos)
      throw ValueError(at, "History::add", fmt::format("the name is \"{}\"; it must be one line of text", name));
  const std::size_t more = values.size();
  std::string names = names_;
  for (std::vector<double>* list : {&at_, &values_})
    if (list->size() + more > list->capacity()) list->reserve(2 * (list->size() + more));
  if (which_.size() + more > which_.capacity()) which_.reserve(2 * (which_.size() + more));
  std::vector<std::uint32_t> numbers;
  for (const auto& [name, value] : values) {
    std::uint32_t k = find(names, name);
    if (k == none) {
      k = 0;
      for (const char c : names) k += c == '\n';
      names.append(name) += '\n';
    }
    numbers.push_back(k);
  }
  names_ = std::move(names);  // from here on nothing throws
  for (const auto& [name, value] : values) at_.push_back(time), values_.push_back(value);
  for (const std::uint32_t k : numbers) which_.push_back(k);
}

std::vector<std::string> History::names() const {
  std::vector<std::string> result;
  for_each_name(names_, [&](std::string_view name, std::uint32_t) {
    result.emplace_back(name);
    return true;
  });
  return result;
}

Series History::series(std::string_view name) const {
  Series result{std::string(name), {}, {}};
  const std::uint32_t k = find(names_, name);
  if (k == none) return result;
  const std::size_t known = std::min({which_.size(), at_.size(), values_.size()});  // a file may say otherwise
  for (std::size_t i = 0; i < known; ++i)
    if (which_[i] == k) result.x.push_back(at_[i]), result.y.push_back(values_[i]);
  return result;
}

std::string to_csv(const History& history, std::string_view time) {
  std::string text = quoted_csv(time);
  std::map<double, std::vector<std::string>> lines;
  const std::vector<std::string> names = history.names();
  for (std::size_t k = 0; k < names.size(); ++k) {
    text += ',' + quoted_csv(names[k]);
    const Series series = history.series(names[k]);
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      auto& line = lines[series.x[i]];
      line.resize(names.size());
      line[k] = std::isnan(series.y[i]) ? "nan" : fmt::format("{}", series.y[i]);
    }
  }
  text += '\n';
  for (const auto& [moment, line] : lines) text += fmt::format("{},{}\n", moment, fmt::join(line, ","));
  return text;
}

std::string to_json(const History& history, const std::vector<std::pair<std::string, std::string>>& facts) {
  std::string text = "{\"facts\": {";
  std::string_view comma = "";
  for (const auto& [name, value] : facts) {
    text += fmt::format("{}\n  {}: {}", comma, quoted_json(name), quoted_json(value));
    comma = ",";
  }
  text += "},\n\"history\": {";
  comma = "";
  for (const std::string& name : history.names()) {
    const Series series = history.series(name);
    text +=
        fmt::format("{}\n  {}: {{\"at\": {}, \"value\": {}}}", comma, quoted_json(name), list_json(series.x), list_json(series.y));
    comma = ",";
  }
  return text + "}}\n";
}

void write_csv(const std::filesystem::path& path, const History& history, std::string_view time, Where at) {
  write(path, to_csv(history, time), "write_csv", at);
}
void write_json(const std::filesystem::path& path, const History& history,
                const std::vector<std::pair<std::string, std::string>>& facts, Where at) {
  write(path, to_json(history, facts), "write_json", at);
}

}  // namespace xgrad::draw

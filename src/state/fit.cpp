#include "fit.hpp"

#include <fmt/format.h>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include <xgrad/core/text.hpp>

#include "names.hpp"

namespace xgrad::nn {
namespace {

/// "net_.scale_" as it is called today, "net.scale".
std::string without_underscores(std::string_view path) {
  std::string result;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('.', at), path.size());
    if (at > 0) result += '.';
    result += detail::without_underscore(path.substr(at, end - at));
    at = end + 1;
  }
  return result;
}

EntryType type_of(const Source& source) { return {printable(source.element, 40), source.shape}; }
EntryType type_of(const StateEntry& entry) { return {std::string(name_of(entry.element)), entry.shape}; }
std::string to_string(const EntryType& type) {
  return fmt::format("{} {}", type.element, printable(xgrad::to_string(type.shape), 80));
}

bool fits(const Source& source, const StateEntry& entry, Conversion allowed) {
  const bool own = entry.generator || entry.text;  // of which every bit counts
  return (source.element == name_of(entry.element) || (!own && converts(source.element, entry.element, allowed))) &&
         (source.shape == entry.shape || (entry.resizable() && source.shape.size() == 1));
}

/// What a file of an earlier version lacks.
bool is_late(const StateEntry& entry) { return entry.text || entry.bits; }

}  // namespace

const StateEntry* look_up(const Names& names, std::string_view name) {
  auto found = names.find(name);
  if (found == names.end() && (name.ends_with('_') || name.find("_.") != name.npos)) {
    const std::string today = without_underscores(name);
    found = names.find(today);
  }
  return found == names.end() ? nullptr : found->second;
}

Fit fit(std::span<const Source> sources, std::span<const StateEntry> state, const FitOptions& options, const char* op, Where at) {
  const Names names = by_name(state, op, at);
  Fit result;
  result.report.prefix = options.prefix;
  std::unordered_set<const StateEntry*> met;
  bool others = !options.old, late = !options.old;
  for (const Source& source : sources) {
    std::string_view name = source.name;
    result.targets.push_back(nullptr);
    if (!options.prefix.empty()) {
      if (!name.starts_with(options.prefix) || name.size() == options.prefix.size() || name[options.prefix.size()] != '.') continue;
      name.remove_prefix(options.prefix.size() + 1);
    }
    const StateEntry* entry = look_up(names, name);
    if (!entry || !met.insert(entry).second) {
      result.report.unexpected.push_back({printable(name, 200), type_of(source)});
      continue;
    }
    others |= !entry->is_variable();
    late |= is_late(*entry);
    if (!fits(source, *entry, options.conversion)) {
      result.report.misshapen.push_back({entry->name, type_of(source), type_of(*entry)});
      continue;
    }
    if (!entry->writable)
      throw ValueError(at, op, fmt::format("{} is no Variable, and the network is const; it must not be", entry->name));
    result.targets.back() = entry;
    result.report.loaded.push_back(entry->name);
  }
  for (const StateEntry& entry : state)
    if (!met.contains(&entry) && (entry.is_variable() || others) && (!is_late(entry) || late))
      result.report.missing.push_back({entry.name, {}, type_of(entry)});
  return result;
}

std::string best_prefix(std::span<const Source> sources, std::span<const StateEntry> state, const char* op, Where at) {
  const Names names = by_name(state, op, at);
  std::unordered_map<std::string_view, std::size_t> count;
  std::ptrdiff_t deepest = 0;  // no more steps of a path need be looked at
  for (const StateEntry& entry : state) deepest = std::max(deepest, std::ranges::count(entry.name, '.'));
  for (const Source& source : sources) {
    const std::string_view path = source.name;
    std::size_t dot = path.size();
    for (std::ptrdiff_t step = 0; step <= deepest && dot != path.npos && dot > 0; ++step) {
      dot = path.rfind('.', dot - 1);
      if (look_up(names, path.substr(dot == path.npos ? 0 : dot + 1))) ++count[path.substr(0, dot == path.npos ? 0 : dot)];
    }
  }
  std::size_t most = count[""];
  std::vector<std::string_view> best{""};
  for (const auto& [prefix, n] : count) {
    if (n > most) best.clear();
    if (n > most || (n == most && n > 0 && !best[0].empty())) best.push_back(prefix);
    most = std::max(most, n);
  }
  if (best.size() == 1) return std::string(best[0]);
  std::ranges::sort(best);
  std::string list;
  for (std::size_t k = 0; k < best.size() && k < 10; ++k) list += (k == 0 ? "" : ", ") + printable(best[k], 80);
  throw ValueError(
      at, op,
      fmt::format("the file has {} of the {} names under each of {}{}; one must be meant: say which with {{.prefix = …}}", most,
                  state.size(), list, best.size() > 10 ? " and others" : ""));
}

std::string in_words(const LoadReport& report, std::string_view here, std::string_view there) {
  constexpr std::size_t most = 100;  // as much as an error should have
  std::string text;
  std::size_t count = 0;
  const auto add = [&](const Misfit& misfit) {
    if (count++ >= most) return;
    text += fmt::format("{}{} {}", count > 1 ? ", " : "", printable(misfit.name, 200), count > 1 ? "" : "is ");
    if (misfit.file) text += fmt::format("{} in {}", to_string(*misfit.file), here);
    if (misfit.memory) text += fmt::format("{}{} in {}", misfit.file ? " and " : "", to_string(*misfit.memory), there);
    if (!misfit.file || !misfit.memory) text += " alone";
  };
  for (const auto* list : {&report.misshapen, &report.missing, &report.unexpected})
    for (const Misfit& misfit : *list) add(misfit);
  return count > most ? fmt::format("{}, and {} more", text, count - most) : text;
}

void write_all(std::span<const Value> values, Where at) {
  const auto element_bytes = [](const Value& value) {
    return value.element.empty() ? bytes_of(value.target->element) : *bytes_of_element(value.element);
  };
  std::size_t room = 0;
  for (const Value& value : values) {
    value.target->reserve(value.count);
    if (value.turned && !value.element.empty()) room = std::max(room, value.count * element_bytes(value));
  }
  Array<std::uint8_t> turned = make_array<std::uint8_t>({room}, at);  // nothing below allocates
  const auto write = [&](auto variable, const Value& value) {
    auto* const to = variable.change("load", at).data();
    const void* elements = value.elements;
    if (value.turned) {
      auto* const place = value.element.empty() ? reinterpret_cast<std::uint8_t*>(to) : turned.data();
      gather(static_cast<const std::uint8_t*>(elements), value.turned->shape, value.turned->strides, element_bytes(value), place);
      elements = place;
    }
    if (!value.element.empty()) convert(value.element, elements, value.count, value.target->element, to);
  };
  for (const Value& value : values) {
    const StateEntry& target = *value.target;
    if (value.element.empty() && !value.turned)
      target.write(value.elements, value.count, at);
    else if (const auto* f = std::get_if<Variable<float>>(&target.variable))
      write(*f, value);
    else if (const auto* d = std::get_if<Variable<double>>(&target.variable))
      write(*d, value);
  }
}

std::string to_string(const LoadReport& report) {
  std::vector<std::vector<std::string>> lines{{"name", "file", "memory"}};
  for (const auto* list : {&report.misshapen, &report.missing, &report.unexpected})
    for (const Misfit& misfit : *list)
      lines.push_back({misfit.name, misfit.file ? to_string(*misfit.file) : "-", misfit.memory ? to_string(*misfit.memory) : "-"});
  std::string text = fmt::format("{} loaded", report.loaded.size());
  if (!report.prefix.empty()) text += " from " + printable(report.prefix, 200);
  for (const auto& [layer, channels] : report.flattened)
    text += fmt::format(", {} as of flattened images of {} channels", layer.empty() ? "the root" : printable(layer, 200), channels);
  return report.complete() ? text : fmt::format("{}, {} not\n{}", text, lines.size() - 1, aligned(lines));
}

}  // namespace xgrad::nn

#pragma once
#include <fmt/format.h>
#include <map>
#include <optional>
#include <span>
#include <string_view>

#include <xgrad/core/error.hpp>
#include <xgrad/graph/variable.hpp>
#include <xgrad/state/entries.hpp>

namespace xgrad::nn {

/// The key of a safetensors header that is no Variable.
inline constexpr const char* metadata = "__metadata__";

/// The elements that a file calls "F32", if we have them.
std::optional<Element> element_named(std::string_view name);

template <class T>
void need_leaf(const std::string& path, const Variable<T>& variable, const char* who, Where at) {
  if (!variable.is_leaf())
    throw GraphError(
        at, who,
        fmt::format("{} is the result of {} recorded at {}; it must be a leaf to be trained: make a Variable(value, true) of "
                    "its value, or keep its detach()",
                    path, variable.node()->name(), to_string(variable.node()->where())));
}

using Names = std::map<std::string_view, const StateEntry*>;

/// The entry that a file calls `name`, or null. Earlier versions had trailing underscores in it.
const StateEntry* look_up(const Names& names, std::string_view name);

/// To look up entries by name. Throws ValueError when a name does not say which.
inline Names by_name(std::span<const StateEntry> state, const char* op, Where at) {
  Names result;
  for (const StateEntry& entry : state)
    if (entry.name == metadata || !result.emplace(entry.name, &entry).second)
      throw ValueError(
          at, op,
          fmt::format("the network has the name {} twice, or reserved; each must be its own: rename a member or a key of a map",
                      entry.name));
  return result;
}

}  // namespace xgrad::nn

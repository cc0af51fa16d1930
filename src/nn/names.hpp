#pragma once
#include <fmt/format.h>
#include <map>
#include <span>
#include <string_view>

#include <xgrad/core/error.hpp>
#include <xgrad/graph/variable.hpp>

namespace xgrad::nn {

/// The key of a safetensors header that is no Variable.
inline constexpr const char* metadata = "__metadata__";

/// To look up Variables by name. Throws ValueError when a name does not say which.
template <class T>
std::map<std::string_view, const Variable<T>*> by_name(std::span<const NamedVariable<T>> state, const char* op, Where where) {
  std::map<std::string_view, const Variable<T>*> result;
  for (const auto& [name, variable] : state)
    if (name == metadata || !result.emplace(name, &variable).second)
      throw ValueError(where, op,
                       fmt::format("the network has the name {} twice, or reserved; rename a member or a key of a map", name));
  return result;
}

}  // namespace xgrad::nn

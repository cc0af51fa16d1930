#pragma once
/// The options of an op: names and values.
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <xgrad/core/api.hpp>

namespace xgrad {

/// What an option of an op can be. An extent is {h, w}, a padding {top, bottom, left, right}, a flag per axis 0 or 1; of an array,
/// such as a mask or indices, the text says its elements and shape.
using AttributeValue = std::variant<bool, std::int64_t, double, std::string, std::vector<std::int64_t>, std::vector<double>>;

/// A member of an op: "stride" and {2, 2}.
struct Attribute {
  std::string name;
  AttributeValue value;
};

/// "stride=(2, 2)"
XGRAD_API std::string to_string(const Attribute& attribute);
/// The one of this name, or null.
XGRAD_API const AttributeValue* find(const std::vector<Attribute>& attributes, std::string_view name);

}  // namespace xgrad

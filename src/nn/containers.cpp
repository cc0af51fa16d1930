#include <xgrad/nn/containers.hpp>

#include <fmt/format.h>
#include <algorithm>

namespace xgrad::nn::detail {

void rethrow_of_layer(std::string_view container, std::size_t place) {
  try {
    throw;
  } catch (Error& error) {
    error.note(fmt::format("layer {} of a {}", place, container));
    throw;
  }
}

LayerText::LayerText(std::string_view type) {
  type = type.substr(0, type.find('<'));
  type_ = type.substr(type.rfind(':') + 1);                                          // after a colon, or all of it
  if (type_.empty() || type_.find_first_of("()") != type_.npos) type_ = "function";  // a lambda has no name, but a line
}
void LayerText::variable(std::string_view name, const Shape& shape) {
  facts_ += fmt::format("{}{} {}", facts_.empty() ? "" : ", ", name, xgrad::to_string(shape));
}
void LayerText::attributes(const std::vector<Attribute>& options) {
  for (const Attribute& option : options) facts_ += (facts_.empty() ? "" : ", ") + xgrad::to_string(option);
}
void LayerText::layer(std::string_view name, const std::string& text) {
  layers_ += fmt::format("\n  ({}): ", name);
  for (const char c : text) layers_ += c == '\n' ? "\n  " : std::string(1, c);
}
std::string LayerText::str() const { return type_ + "(" + facts_ + layers_ + (layers_.empty() ? "" : "\n") + ")"; }

}  // namespace xgrad::nn::detail

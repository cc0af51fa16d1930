#include <xgrad/graph/print.hpp>

#include <fmt/format.h>
#include <ostream>

namespace xgrad {

template <class T>
std::string to_string(const Variable<T>& variable) {
  if (!variable.defined()) return "undefined";
  std::string from = "constant";
  if (variable.requires_grad())
    from = variable.is_leaf() ? "leaf" : fmt::format("{} at {}", variable.node()->name(), to_string(variable.node()->where()));
  return fmt::format("{} {} {}", to_string(variable.value()), to_string(variable.shape()), from);
}

template <class T>
std::ostream& operator<<(std::ostream& stream, const Variable<T>& variable) {
  return stream << to_string(variable);
}

#define XGRAD_INSTANTIATE(T)                             \
  template std::string to_string<T>(const Variable<T>&); \
  template std::ostream& operator<< <T>(std::ostream&, const Variable<T>&);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad

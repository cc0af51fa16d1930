#include <xgrad/graph/observer.hpp>

#include <fmt/format.h>
#include <algorithm>

namespace xgrad {

namespace {

std::string in_words(const AttributeValue& value) {
  return std::visit(
      []<class X>(const X& x) {
        if constexpr (std::is_same_v<X, std::string> || std::is_arithmetic_v<X>)
          return fmt::format("{}", x);
        else
          return fmt::format("({}{})", fmt::join(x, ", "), x.size() == 1 ? "," : "");
      },
      value);
}

}  // namespace

std::string to_string(const Attribute& attribute) { return attribute.name + "=" + in_words(attribute.value); }

const AttributeValue* find(const std::vector<Attribute>& attributes, std::string_view name) {
  const auto found = std::ranges::find(attributes, name, &Attribute::name);
  return found == attributes.end() ? nullptr : &found->value;
}

#define XGRAD_PUT(T, ...) \
  void detail::put(Attributes& out, const std::string& name, T value) { out.push_back({name, __VA_ARGS__}); }
XGRAD_PUT(bool, value)
XGRAD_PUT(std::int64_t, value)
XGRAD_PUT(double, value)
XGRAD_PUT(std::string_view, std::string(value))
XGRAD_PUT(std::span<const std::int64_t>, std::vector<std::int64_t>(value.begin(), value.end()))
XGRAD_PUT(std::span<const double>, std::vector<double>(value.begin(), value.end()))
#undef XGRAD_PUT

std::string detail::array_in_words(bool floating, bool is_signed, std::size_t bytes, const Shape& shape) {
  if (bytes == 0) return "BOOL " + to_string(shape);
  return fmt::format("{}{} {}", floating ? 'F' : is_signed ? 'I' : 'U', 8 * bytes, to_string(shape));
}

template <class T>
void detail::tell(const Event<T>& event) {
  Observer* const innermost = thread_state.observer;
  const Unobserved quiet;  // what an observer computes itself
  for (Observer* observer = innermost; observer; observer = observer->outer()) observer->see(event);
}

template <class T>
void detail::Observed<T>::keep(std::span<const Variable<T>> inputs) {
  inputs_ = new std::vector<Variable<T>>(inputs.begin(), inputs.end());
  for (Observer* observer = thread_state.observer; observer; observer = observer->outer()) observer->begin();
}
template <class T>
void detail::Observed<T>::drop(std::vector<Variable<T>>* inputs) noexcept {
  delete inputs;
}
template <class T>
void detail::Observed<T>::tell(Storage<T>* result, Node<T>* node, std::string_view op, Where at,
                               std::vector<Attribute> (*describe)(const void*, std::string_view), const void* described) const {
  const Variable<T> value{Ref<Storage<T>>(result), Ref<Node<T>>(node)};
  detail::tell<T>({.what = Seen::result,
                   .op = op,
                   .where = at,
                   .value = value,
                   .inputs = *inputs_,
                   .node = node,
                   .describe = describe,
                   .described = described});
}

#define XGRAD_INSTANTIATE(T)                      \
  template void detail::tell<T>(const Event<T>&); \
  template class detail::Observed<T>;
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad

#include "anomaly.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <xgrad/graph/apply.hpp>

namespace xgrad::detail {
namespace {

template <class T>
struct Part {
  std::string name;
  const Array<T>* array;
};

template <class T>
std::string in_words(T x) {
  return std::isnan(x) ? "nan" : x > 0 ? "inf" : "-inf";
}

/// "input 0 in [-0.2, 3.1] and 2 nan"
template <class T>
std::string range(const Part<T>& part) {
  T low = std::numeric_limits<T>::infinity(), high = -low;
  std::size_t nans = 0, infinities = 0;
  const T* x = part.array->data();
  for (std::size_t k = 0, n = part.array->size(); k < n; ++k)
    if (std::isnan(x[k])) {
      ++nans;
    } else if (std::isinf(x[k])) {
      ++infinities;
    } else {
      low = std::min(low, x[k]);
      high = std::max(high, x[k]);
    }
  if (part.array->size() == 0) return part.name + " without elements";
  std::string text = part.name;
  if (low <= high) text += fmt::format(" in [{:.6g}, {:.6g}]", low, high);
  const char* joint = low <= high ? " and " : " of ";
  if (nans) text += fmt::format("{}{} nan", std::exchange(joint, " and "), nans);
  if (infinities) text += fmt::format("{}{} inf", joint, infinities);
  return text;
}

std::string index_of(std::size_t i, const Shape& shape) {
  Shape index = shape;
  for (std::size_t k = shape.size(); k-- > 0; i /= shape[k]) index[k] = i % shape[k];
  return to_string(index);
}

/// What is wrong with `value`; empty when nothing is.
template <class T>
std::string complaint(const Array<T>& value) {
  const bool nan_only = thread_state.anomaly == Anomaly::nan;
  const T* x = value.data();
  const std::size_t n = value.size();
  std::size_t count = 0, first = 0;
  for (std::size_t k = n; k-- > 0;)
    if (nan_only ? std::isnan(x[k]) : !std::isfinite(x[k])) {
      ++count;
      first = k;
    }
  if (count == 0) return "";
  return fmt::format("{} of {} values {} {}, first at {} = {}", count, n, count == 1 ? "is" : "are",
                     nan_only ? "nan" : "not finite", index_of(first, value.shape()), in_words(x[first]));
}

template <class T>
std::string origin(const std::vector<Part<T>>& parts) {
  std::string text;
  for (std::size_t k = 0; k < parts.size(); ++k)
    text += (k == 0 ? ", from " : k + 1 == parts.size() ? " and " : ", ") + range(parts[k]);
  return text;
}

}  // namespace

template <class T>
void Watched<T>::keep(std::span<const Variable<T>> inputs) {
  inputs_ = new std::vector<Variable<T>>(inputs.begin(), inputs.end());
}
template <class T>
void Watched<T>::drop(std::vector<Variable<T>>* inputs) noexcept {
  delete inputs;
}
template <class T>
void Watched<T>::check(const Storage<T>& result, std::string_view op, Where where) const {
  const std::string what = complaint(result.array);
  if (what.empty()) return;
  std::vector<Part<T>> parts;
  for (std::size_t k = 0; k < inputs_->size(); ++k)
    parts.push_back({inputs_->size() == 1 ? "input" : fmt::format("input {}", k), &(*inputs_)[k].value()});
  throw ValueError(where, op, what + origin(parts));
}

template <class T>
void check_gradient(const Variable<T>& gradient, const Node<T>& node, std::size_t i, const Variable<T>& g) {
  const std::string what = complaint(gradient.value());
  if (what.empty()) return;
  std::vector<Part<T>> parts{{"the result's gradient", &g.value()}};
  for (std::size_t k = 0; k < node.edges().size(); ++k)
    if (node.edges()[k].kept) parts.push_back({fmt::format("input {}", k), &node.edges()[k].kept->array});
  throw ValueError(node.where(), node.name(), fmt::format("in the gradient of input {}, {}{}", i, what, origin(parts)));
}

template <class T>
void check_sum(const Variable<T>& gradient, const Node<T>& node) {
  const std::string what = complaint(gradient.value());
  if (!what.empty()) throw ValueError(node.where(), node.name(), "in the gradient of the result, " + what);
}

#define XGRAD_INSTANTIATE(T)                                                                            \
  template class Watched<T>;                                                                            \
  template void check_gradient<T>(const Variable<T>&, const Node<T>&, std::size_t, const Variable<T>&); \
  template void check_sum<T>(const Variable<T>&, const Node<T>&);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad::detail

#include <xgrad/graph/observer.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "../core/unravel.hpp"

namespace xgrad {
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

/// What is wrong with `value`; empty when nothing is.
template <class T>
std::string complaint(const Array<T>& value, bool nan_only) {
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
                     nan_only ? "nan" : "not finite", to_string(unravel_index(first, value.shape())), in_words(x[first]));
}

template <class T>
std::string origin(const std::vector<Part<T>>& parts) {
  std::string text;
  for (std::size_t k = 0; k < parts.size(); ++k)
    text += (k == 0 ? ", from " : k + 1 == parts.size() ? " and " : ", ") + range(parts[k]);
  return text;
}

template <class T>
void look(const Event<T>& event, bool nan_only) {
  std::string what = complaint(event.value.value(), nan_only);
  if (what.empty()) return;
  std::vector<Part<T>> parts;
  if (event.what == Seen::result) {
    for (std::size_t k = 0; k < event.inputs.size(); ++k)
      parts.push_back({event.inputs.size() == 1 ? "input" : fmt::format("input {}", k), &event.inputs[k].value()});
  } else if (event.what == Seen::input_gradient) {
    what = fmt::format("in the gradient of input {}, {}", event.input, what);
    parts.push_back({"the result's gradient", &event.result_gradient->value()});
    const auto edges = event.node->edges();
    for (std::size_t k = 0; k < edges.size(); ++k)
      if (edges[k].kept) parts.push_back({fmt::format("input {}", k), &edges[k].kept->array});
  } else {
    what = "in the gradient of the result, " + what;
  }
  throw ValueError(event.where, event.op, what + origin(parts));
}

}  // namespace

void DetectAnomaly::replace() noexcept {
  for (Observer* o = outer(); o && !replaced_; o = o->outer()) replaced_ = dynamic_cast<DetectAnomaly*>(o);
  if (replaced_) replaced_->active_ = false;
}
void DetectAnomaly::check(const Event<float>& event) const {
  if (active_ && what_ != Anomaly::none) look(event, what_ == Anomaly::nan);
}
void DetectAnomaly::check(const Event<double>& event) const {
  if (active_ && what_ != Anomaly::none) look(event, what_ == Anomaly::nan);
}

}  // namespace xgrad

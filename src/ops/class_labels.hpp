#pragma once
/// What the losses of classes have in common: scores (…, classes) against labels (…), weights of classes and samples.
#include <fmt/format.h>
#include <algorithm>

#include <xgrad/ops/reduce.hpp>

#include "loss_support.hpp"
#include "support.hpp"

namespace xgrad::detail {

/// Labels that were checked: 0 … classes - 1, or -1 for a sample to ignore.
using SharedLabels = Ref<Storage<std::int64_t>>;
struct CheckedLabels {
  SharedLabels shared;
  bool masked = false;  ///< whether a sample is to be ignored
};

/// `scores` names the scores in errors.
inline CheckedLabels checked(const Labels& labels, const Shape& shape, std::string_view scores,
                             std::optional<std::int64_t> ignored = {}) {
  if (shape.empty() || labels.shape() != Shape(shape.begin(), shape.end() - 1))
    throw ShapeError(fmt::format("{0} are {1}, labels are {2}; {0} must have the labels' axes and one more for the classes", scores,
                                 to_string(shape), to_string(labels.shape())));
  const auto classes = static_cast<std::int64_t>(shape.back());
  CheckedLabels result{Storage<std::int64_t>::create(labels)};
  for (std::size_t r = 0; r < labels.size(); ++r) {
    std::int64_t& label = result.shared->array.data()[r];
    if (ignored && label == *ignored) {
      label = -1;
      result.masked = true;
    } else if (label < 0 || label >= classes) {
      throw IndexError(fmt::format("label {} at index {} is out of range; of {} classes it must be from 0 to {}", label, r, classes,
                                   classes - 1));
    }
  }
  return result;
}

inline void check_weights(const std::vector<double>& weights, const Shape& shape) {
  if (!weights.empty() && weights.size() != shape.back())
    throw ShapeError(
        fmt::format("there are {} class weights for {} classes; there must be one per class", weights.size(), shape.back()));
}

inline Shape rows_of(const Shape& shape) { return Shape(shape.begin(), shape.end() - 1); }
inline Shape with_axis(Shape shape) {
  shape.push_back(1);
  return shape;
}

/// Each sample's weight: that of its class, 0 where it is ignored.
template <class T>
Array<T> sample_weights(const Labels& labels, const std::vector<double>& class_weights) {
  Array<T> result = make_array<T>(labels.shape());
  std::transform(labels.data(), labels.data() + labels.size(), result.data(), [&](std::int64_t label) {
    return label < 0 ? T(0) : class_weights.empty() ? T(1) : static_cast<T>(class_weights[static_cast<std::size_t>(label)]);
  });
  return result;
}
/// One row of weights for all samples.
template <class T>
Array<T> weights_row(const std::vector<double>& class_weights, std::size_t classes) {
  Array<T> result = full<T>(Shape{classes}, T(1), Where{});
  std::transform(class_weights.begin(), class_weights.end(), result.data(), [](double w) { return static_cast<T>(w); });
  return result;
}
template <class T>
T total(const Array<T>& weights) {
  double result = 0;
  for (std::size_t k = 0; k < weights.size(); ++k) result += static_cast<double>(weights.data()[k]);
  return static_cast<T>(result);
}
inline bool any_ignored(const Labels& labels) {
  return std::any_of(labels.data(), labels.data() + labels.size(), [](std::int64_t label) { return label < 0; });
}
inline Mask considered(const Labels& labels) {
  Mask result = make_array<bool>(labels.shape());
  std::transform(labels.data(), labels.data() + labels.size(), result.data(), [](std::int64_t label) { return label >= 0; });
  return result;
}

/// `on` at each sample's label and `off` elsewhere.
template <class T>
Array<T> one_hot(const Labels& labels, const Shape& shape, T on, T off) {
  Array<T> result = full<T>(shape, off, Where{});
  for (std::size_t r = 0; r < labels.size(); ++r)
    if (labels.data()[r] >= 0) result.data()[r * shape.back() + static_cast<std::size_t>(labels.data()[r])] = on;
  return result;
}

/// As `reduced`, but the mean is divided by the sum of the samples' weights.
template <class T>
Variable<T> reduced(Variable<T> loss, const Array<T>& weights, Reduction reduction, Where at) {
  if (reduction != Reduction::mean) return reduced(std::move(loss), reduction, at);
  return div(sum(std::move(loss), {}, {}, at), total(weights), at);
}

}  // namespace xgrad::detail

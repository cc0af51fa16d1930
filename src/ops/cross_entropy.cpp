// Losses of classes: scores (…, classes) against labels (…).
#include <fmt/format.h>
#include <algorithm>
#include <limits>

#include <xgrad/graph/apply.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/loss.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include "../kernels/softmax.hpp"
#include "loss_support.hpp"
#include "support.hpp"

namespace xgrad {
namespace {

constexpr ReduceOptions keep{.keepdims = true};

/// Labels that were checked: 0 … classes - 1, or -1 for a sample to ignore.
using SharedLabels = Ref<Storage<std::int64_t>>;

/// `scores` names the scores in errors.
SharedLabels checked(const Labels& labels, const Shape& shape, std::string_view scores, std::optional<std::int64_t> ignored = {}) {
  if (shape.empty() || labels.shape() != Shape(shape.begin(), shape.end() - 1))
    throw ShapeError(fmt::format("{0} are {1}, labels are {2}; {0} must have the labels' axes and one more for the classes", scores,
                                 to_string(shape), to_string(labels.shape())));
  const auto classes = static_cast<std::int64_t>(shape.back());
  SharedLabels result = Storage<std::int64_t>::create(labels);
  for (std::size_t r = 0; r < labels.size(); ++r) {
    std::int64_t& label = result->array.data()[r];
    if (ignored && label == *ignored)
      label = -1;
    else if (label < 0 || label >= classes)
      throw IndexError(fmt::format("label {} at index {} is out of range; of {} classes it must be from 0 to {}", label, r, classes,
                                   classes - 1));
  }
  return result;
}

void check_weights(const std::vector<double>& weights, const Shape& shape) {
  if (!weights.empty() && weights.size() != shape.back())
    throw ShapeError(
        fmt::format("there are {} class weights for {} classes; there must be one per class", weights.size(), shape.back()));
}

Shape rows_of(const Shape& shape) { return Shape(shape.begin(), shape.end() - 1); }
Shape with_axis(Shape shape) {
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
bool any_ignored(const Labels& labels) {
  return std::any_of(labels.data(), labels.data() + labels.size(), [](std::int64_t label) { return label < 0; });
}
Mask considered(const Labels& labels) {
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

/// (softmax(x) - one-hot(labels)) * g, the gradient of CrossEntropy.
template <class T>
struct CrossEntropyGrad {
  static constexpr std::string_view name = "cross_entropy_grad";
  static constexpr std::array uses{use::input(0) | use::input(1), use::input(0)};  // logits, g
  SharedLabels labels;
  Ref<Storage<T>> scales;  // of the forward run

  Result<T> forward(Inputs<T> in) {
    Array<T> out = make_array<T>(in[0].shape());
    kernels::cross_entropy_grad(in[0].data(), labels->array.data(), scales->array.data(), in[1].data(), out.data(), in[1].size(),
                                out.shape().back());
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& v, std::size_t i) const {
    const Labels& y = labels->array;
    Variable<T> p = softmax(c.input(0));
    const Shape column = with_axis(y.shape());
    if (any_ignored(y)) {
      Mask mask = considered(y);
      mask.reshape(column);
      p = where(mask, p, 0);
    }
    if (i == 0) {
      const Variable<T> weighted = v * reshape(c.input(1), column);
      return p * (weighted - sum(p * weighted, {-1}, keep));
    }
    return sum(v * (p - one_hot<T>(y, p.shape(), 1, 0)), {-1});
  }
};

/// One loss per row.
template <class T>
struct CrossEntropy {
  static constexpr std::string_view name = "cross_entropy";
  static constexpr std::array uses{use::input(0)};
  SharedLabels labels;
  Ref<Storage<T>> scales = {};  // two numbers of each row, so that the gradient goes over the logits once

  Result<T> forward(Inputs<T> in) {
    const Labels& y = labels->array;
    Array<T> loss = make_array<T>(y.shape());
    scales = Storage<T>::create(make_array<T>(Shape{y.size(), 2}));
    kernels::cross_entropy(in[0].data(), y.data(), loss.data(), scales->array.data(), y.size(), in[0].shape().back());
    return loss;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    return apply(CrossEntropyGrad<T>{labels, scales}, {c.input(0), g}, c.where());
  }
};

/// -x at each row's label, and its gradient: linear, each the other's.
template <class T>
struct NllLoss;
template <class T>
struct NllLossGrad {
  static constexpr std::string_view name = "nll_loss_grad";
  static constexpr std::array uses{use::none};
  SharedLabels labels;
  std::size_t classes;

  Result<T> forward(Inputs<T> in) {
    Shape shape = in[0].shape();
    shape.push_back(classes);
    Array<T> out = zeros<T>(shape, Where{});
    for (std::size_t r = 0; r < in[0].size(); ++r)
      if (const std::int64_t label = labels->array.data()[r]; label >= 0)
        out.data()[r * classes + static_cast<std::size_t>(label)] = -in[0].data()[r];
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    return apply(NllLoss<T>{labels}, {g}, c.where());
  }
};
template <class T>
struct NllLoss {
  static constexpr std::string_view name = "nll_loss";
  static constexpr std::array uses{use::none};
  SharedLabels labels;

  Result<T> forward(Inputs<T> in) {
    const std::size_t classes = in[0].shape().back();
    Array<T> out = make_array<T>(labels->array.shape());
    for (std::size_t r = 0; r < out.size(); ++r) {
      const std::int64_t label = labels->array.data()[r];
      out.data()[r] = label < 0 ? T(0) : -in[0].data()[r * classes + static_cast<std::size_t>(label)];
    }
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    return apply(NllLossGrad<T>{labels, c.input_shape(0).back()}, {g}, c.where());
  }
};

/// As `reduced`, but the mean is divided by the sum of the samples' weights.
template <class T>
Variable<T> reduced(Variable<T> loss, const Array<T>& weights, Reduction reduction, Where where) {
  if (reduction != Reduction::mean) return reduced(std::move(loss), reduction, where);
  return div(sum(std::move(loss), {}, {}, where), total(weights), where);
}

void check_smoothing(double smoothing) {
  if (!(smoothing >= 0 && smoothing <= 1))
    throw ValueError(fmt::format("label_smoothing is {}; it must be from 0 to 1", smoothing));
}

}  // namespace

template <class T>
Variable<T> cross_entropy(Variable<T> logits, const Indices& labels, CrossEntropyOptions options, Where at) try {
  const Shape shape = shape_of(logits, at);
  const SharedLabels y = placed(at, "cross_entropy", [&] {
    SharedLabels shared = checked(labels.values(), shape, "logits", options.ignore_index);
    check_weights(options.class_weights, shape);
    check_smoothing(options.label_smoothing);
    return shared;
  });
  const T smoothing = static_cast<T>(options.label_smoothing);
  if (smoothing == 0 && options.class_weights.empty() && !any_ignored(y->array))
    return reduced(apply(CrossEntropy<T>{y}, {std::move(logits)}, at), options.reduction, at);
  const Array<T> weights = sample_weights<T>(y->array, options.class_weights);
  Variable<T> spread;
  if (smoothing > 0) {
    // Ignored rows are masked before and after: they may hold NaN, which a zero gradient would not stop.
    Mask mask = considered(y->array);
    mask.reshape(with_axis(mask.shape()));
    const bool masked = any_ignored(y->array);
    spread = log_softmax(masked ? where(mask, logits, 0, at) : logits, -1, at);
    spread = mul(std::move(spread), weights_row<T>(options.class_weights, shape.back()), at);
    if (masked) spread = where(mask, std::move(spread), 0, at);
    spread = sum(std::move(spread), {-1}, {}, at);
    spread = mul(std::move(spread), -smoothing / static_cast<T>(shape.back()), at);
  }
  Variable<T> loss = mul(apply(CrossEntropy<T>{y}, {std::move(logits)}, at), weights, at);
  if (smoothing > 0) loss = add(mul(std::move(loss), 1 - smoothing, at), std::move(spread), at);
  return reduced(std::move(loss), weights, options.reduction, at);
} catch (Error& error) {
  called(error, at);
}

template <class T>
Variable<T> cross_entropy(Variable<T> logits, std::type_identity_t<Variable<T>> probabilities, CrossEntropyOptions options,
                          Where at) try {
  // Of a class with probability 0 nothing is left, also where its logarithm is infinite.
  static const auto op = elementwise(
      "cross_entropy",
      [](auto l, auto p, auto weight) {
        return where(p == 0 && l == -std::numeric_limits<double>::infinity(), 0, -(weight * p * l));
      },
      [](auto g, auto, auto p, auto weight) { return -(g * weight * p); },
      [](auto g, auto l, auto, auto weight) { return -(g * weight * l); },
      [](auto g, auto l, auto p, auto) { return -(g * p * l); });
  const Shape shape = shape_of(logits, at);
  placed(at, "cross_entropy", [&] {
    if (shape.empty() || shape_of(probabilities, at) != shape)
      throw ShapeError(fmt::format("logits are {}, probabilities are {}; they must be equal, with an axis for the classes",
                                   to_string(shape), to_string(shape_of(probabilities, at))));
    check_weights(options.class_weights, shape);
    check_smoothing(options.label_smoothing);
    if (options.ignore_index)
      throw ValueError("ignore_index is given with probabilities; it must not be, for only labels can be ignored");
    return 0;
  });
  if (options.label_smoothing > 0)
    probabilities = add(mul(std::move(probabilities), 1 - options.label_smoothing, at),
                        options.label_smoothing / static_cast<double>(shape.back()), at);
  Variable<T> loss =
      op(log_softmax(std::move(logits), -1, at), std::move(probabilities), weights_row<T>(options.class_weights, shape.back()), at);
  return reduced(sum(std::move(loss), {-1}, {}, at), options.reduction, at);
} catch (Error& error) {
  called(error, at);
}

template <class T>
Variable<T> nll_loss(Variable<T> log_probabilities, const Indices& labels, NllLossOptions options, Where at) try {
  const SharedLabels y = placed(at, "nll_loss", [&] {
    const Shape& shape = shape_of(log_probabilities, at);
    SharedLabels shared = checked(labels.values(), shape, "log_probabilities", options.ignore_index);
    check_weights(options.class_weights, shape);
    return shared;
  });
  Variable<T> loss = apply(NllLoss<T>{y}, {std::move(log_probabilities)}, at);
  if (options.class_weights.empty() && !any_ignored(y->array)) return reduced(std::move(loss), options.reduction, at);
  const Array<T> weights = sample_weights<T>(y->array, options.class_weights);
  return reduced(mul(std::move(loss), weights, at), weights, options.reduction, at);
} catch (Error& error) {
  called(error, at);
}

template <class T>
Variable<T> multi_margin_loss(Variable<T> scores, const Indices& labels, MultiMarginOptions options, Where at) try {
  static const auto hinge = elementwise("multi_margin_loss", [](auto x, auto minus_own, auto other, auto margin) {
    return where(other != 0, relu(margin + x + minus_own), 0);
  });
  const Shape shape = shape_of(scores, at);
  const SharedLabels y = placed(at, "multi_margin_loss", [&] {
    SharedLabels shared = checked(labels.values(), shape, "scores");
    check_weights(options.class_weights, shape);
    if (options.p != 1 && options.p != 2) throw ValueError(fmt::format("p is {}; it must be 1 or 2", options.p));
    return shared;
  });
  Variable<T> minus_own = reshape(apply(NllLoss<T>{y}, {scores}, at), with_axis(rows_of(shape)), at);
  Variable<T> loss = hinge(std::move(scores), std::move(minus_own), one_hot<T>(y->array, shape, 0, 1), options.margin, at);
  if (options.p == 2) loss = square(std::move(loss), at);
  loss = sum(std::move(loss), {-1}, {}, at);
  if (options.per_class) loss = div(std::move(loss), static_cast<T>(shape.back()), at);
  if (!options.class_weights.empty()) loss = mul(std::move(loss), sample_weights<T>(y->array, options.class_weights), at);
  return reduced(std::move(loss), options.reduction, at);
} catch (Error& error) {
  called(error, at);
}

#define XGRAD_INSTANTIATE(T)                                                                      \
  template Variable<T> cross_entropy<T>(Variable<T>, const Indices&, CrossEntropyOptions, Where); \
  template Variable<T> cross_entropy<T>(Variable<T>, Variable<T>, CrossEntropyOptions, Where);    \
  template Variable<T> nll_loss<T>(Variable<T>, const Indices&, NllLossOptions, Where);           \
  template Variable<T> multi_margin_loss<T>(Variable<T>, const Indices&, MultiMarginOptions, Where);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad

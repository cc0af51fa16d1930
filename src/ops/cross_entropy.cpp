#include <limits>

#include <xgrad/graph/apply.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/loss.hpp>
#include <xgrad/ops/shape.hpp>

#include "../kernels/array/softmax.hpp"
#include "nll_loss.hpp"
#include "routine.hpp"

namespace xgrad {
using namespace detail;

namespace {

constexpr ReduceOptions keep{.keepdims = true};

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

void check_smoothing(double smoothing) {
  if (!(smoothing >= 0 && smoothing <= 1))
    throw ValueError(fmt::format("label_smoothing is {}; it must be from 0 to 1", smoothing));
}

}  // namespace

template <class T>
Variable<T> cross_entropy(Variable<T> logits, const Indices& labels, CrossEntropyOptions options, Where at) try {
  const Shape shape = shape_of(logits, at);
  const auto [y, masked] = placed(at, "cross_entropy", [&] {
    CheckedLabels result = checked(labels.values(), shape, "logits", options.ignore_index);
    check_weights(options.class_weights, shape);
    check_smoothing(options.label_smoothing);
    return result;
  });
  const T smoothing = static_cast<T>(options.label_smoothing);
  if (smoothing == 0 && options.class_weights.empty() && !masked)
    return reduced(apply(CrossEntropy<T>{y}, {std::move(logits)}, at), options.reduction, at);
  const Array<T> weights = sample_weights<T>(y->array, options.class_weights);
  Variable<T> spread;
  if (smoothing > 0) {
    // Ignored rows are masked before and after: they may hold NaN, which a zero gradient would not stop.
    Mask mask = considered(y->array);
    mask.reshape(with_axis(mask.shape()));
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
SharedLabels detail::labels_of(const Event<T>& event) {
  if (event.describe == &describe_op<CrossEntropy<T>>) return static_cast<const CrossEntropy<T>*>(event.described)->labels;
  if (event.describe == &describe_op<NllLoss<T>>) return static_cast<const NllLoss<T>*>(event.described)->labels;
  return {};
}
XGRAD_BOTH(detail::labels_of);

#define XGRAD_INSTANTIATE(T)                                                                      \
  template Variable<T> cross_entropy<T>(Variable<T>, const Indices&, CrossEntropyOptions, Where); \
  template Variable<T> cross_entropy<T>(Variable<T>, Variable<T>, CrossEntropyOptions, Where);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad

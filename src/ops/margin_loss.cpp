#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/loss.hpp>
#include <xgrad/ops/shape.hpp>

#include "nll_loss.hpp"

namespace xgrad {
using namespace detail;

template <class T>
Variable<T> multi_margin_loss(Variable<T> scores, const Indices& labels, MultiMarginOptions options, Where at) try {
  static const auto hinge = elementwise("multi_margin_loss", [](auto x, auto minus_own, auto other, auto margin) {
    return where(other != 0, relu(margin + x + minus_own), 0);
  });
  const Shape shape = shape_of(scores, at);
  const SharedLabels y = placed(at, "multi_margin_loss", [&] {
    SharedLabels shared = checked(labels.values(), shape, "scores").shared;
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

#define XGRAD_INSTANTIATE(T) template Variable<T> multi_margin_loss<T>(Variable<T>, const Indices&, MultiMarginOptions, Where);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad

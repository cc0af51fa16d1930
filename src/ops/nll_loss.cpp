#include "nll_loss.hpp"

#include <xgrad/ops/arithmetic.hpp>
#include <xgrad/ops/loss.hpp>

namespace xgrad {
using namespace detail;

template <class T>
Variable<T> nll_loss(Variable<T> log_probabilities, const Indices& labels, NllLossOptions options, Where at) try {
  const auto [y, masked] = placed(at, "nll_loss", [&] {
    const Shape& shape = shape_of(log_probabilities, at);
    CheckedLabels result = checked(labels.values(), shape, "log_probabilities", options.ignore_index);
    check_weights(options.class_weights, shape);
    return result;
  });
  Variable<T> loss = apply(NllLoss<T>{y}, {std::move(log_probabilities)}, at);
  if (options.class_weights.empty() && !masked) return reduced(std::move(loss), options.reduction, at);
  const Array<T> weights = sample_weights<T>(y->array, options.class_weights);
  return reduced(mul(std::move(loss), weights, at), weights, options.reduction, at);
} catch (Error& error) {
  called(error, at);
}

#define XGRAD_INSTANTIATE(T) template Variable<T> nll_loss<T>(Variable<T>, const Indices&, NllLossOptions, Where);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad

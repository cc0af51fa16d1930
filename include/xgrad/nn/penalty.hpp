#pragma once
/// Penalties on weights.
#include <span>

#include <xgrad/state/state.hpp>

namespace xgrad::nn {

struct PenaltyOptions {
  double l1 = 0;  ///< times Σ |w|
  double l2 = 0;  ///< times Σ w²
};

namespace detail {
XGRAD_API Variable<float> penalty(State<float> parameters, PenaltyOptions options, Where at);
XGRAD_API Variable<double> penalty(State<double> parameters, PenaltyOptions options, Where at);
}  // namespace detail

/// l1 Σ |w| + l2 Σ w² over a network's weights: the parameters with two axes or more. Biases and the scales of norms have one, and
/// are left out. It is a number, to be added to the loss; its gradient is l1 sign(w) + 2 l2 w, with sign(0) = 0. Both together are
/// the elastic net (Zou & Hastie 2005).
///
/// There are two conventions for L2. This one is λ Σ w², whose gradient is 2 λ w. The other is λ/2 Σ w², whose gradient is λ w:
/// that is what `weight_decay = λ` of an optimiser adds, so l2 = λ/2 is the same as a coupled weight decay of λ.
///
///     auto loss = cross_entropy(net(images), labels) + xg::nn::penalty(net, {.l2 = 1e-4});
///
/// Frozen parameters are no part of it. Throws ValueError for l1 or l2 that are negative or not finite, and as named_parameters.
template <class Net>
Variable<real_of<Net>> penalty(const Net& net, PenaltyOptions options = {}, Where at = Where::current()) {
  const auto parameters = detail::collect(net, detail::Wanted::parameters, "penalty", at);
  return detail::penalty(std::span(parameters), options, at);
}

}  // namespace xgrad::nn

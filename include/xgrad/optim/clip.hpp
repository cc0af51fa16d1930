#pragma once
/// What may be done to gradients before a step, and to weights after it.
#include <cstddef>
#include <vector>

#include <xgrad/graph/variable.hpp>
#include <xgrad/state/state.hpp>

namespace xgrad::optim {

/// Scales the gradients of all parameters by one factor, so that their norm, taken as that of one long vector, becomes at most
/// max_norm: by max_norm / (norm + 1e-6) where that is below 1 (Pascanu et al. 2013). Gives the norm before. `p` is 2, another
/// positive number, or infinity for the largest absolute value. Parameters without a gradient count as 0.
///
///     backward(loss);
///     xg::optim::clip_grad_norm(opt.parameters(), 1);
///     opt.step();
///
/// Throws ValueError, and changes nothing, when the norm is not finite, and for arguments that are not positive.
template <class T>
XGRAD_API double clip_grad_norm(const std::vector<Variable<T>>& parameters, double max_norm, double p = 2,
                                Where at = Where::current());

/// Brings every element of the gradients between -value and value. NaN stays. Throws ValueError for a value that is not positive.
template <class T>
XGRAD_API void clip_grad_value(const std::vector<Variable<T>>& parameters, double value, Where at = Where::current());

namespace detail {
/// a ← decay · a + (1 - decay) · x
template <class T>
XGRAD_API void average(std::vector<NamedVariable<T>> averages, const std::vector<NamedVariable<T>>& present, double decay,
                       Where at);
}  // namespace detail

/// The exponential moving average of a network's weights (Polyak averaging), which often does better on new data than the weights:
/// every parameter of `average` becomes decay · average + (1 - decay) · net; buffers, such as running means, are copied.
///
///     auto smooth = xg::nn::clone(net);
///     …
///       opt.step();
///       xg::optim::update_average(smooth, net, 0.999);
///
/// Throws ValueError when the networks' names differ or decay is not from 0 to 1, ShapeError when shapes do.
template <class Net>
void update_average(const Net& average, const Net& net, double decay, Where at = Where::current()) {
  detail::average(nn::named_state(average, at), nn::named_state(net, at), decay, at);
}

}  // namespace xgrad::optim

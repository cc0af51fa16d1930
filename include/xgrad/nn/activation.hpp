#pragma once
/// Activations as layers, for containers: `nn::ReLU{}`, `nn::LeakyReLU{.slope = 0.2}`. Each calls the operation of its name.
#include <cstddef>
#include <utility>

#include <xgrad/core/fields.hpp>
#include <xgrad/nn/init.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/shape.hpp>

namespace xgrad::nn {

/// A layer without options, which calls a function of x.
#define XGRAD_LAYER(Layer, function)                                   \
  struct Layer {                                                       \
    template <class X>                                                 \
    VariableOf<X> operator()(X x, Where at = Where::current()) const { \
      return function(VariableOf<X>(std::move(x)), at);                \
    }                                                                  \
  }
/// ... with one option, its default, and how the function takes it.
#define XGRAD_LAYER_WITH(Layer, function, Type, option, otherwise, ...) \
  struct Layer {                                                        \
    Type option = otherwise;                                            \
    template <class X>                                                  \
    VariableOf<X> operator()(X x, Where at = Where::current()) const {  \
      return function(VariableOf<X>(std::move(x)), __VA_ARGS__, at);    \
    }                                                                   \
    XGRAD_CONSTANTS(option)                                             \
  }

XGRAD_LAYER(ReLU, relu);
XGRAD_LAYER(ReLU6, relu6);
XGRAD_LAYER(SELU, selu);
XGRAD_LAYER(SiLU, silu);
XGRAD_LAYER(Mish, mish);
XGRAD_LAYER(Sigmoid, sigmoid);
XGRAD_LAYER(LogSigmoid, log_sigmoid);
XGRAD_LAYER(Tanh, tanh);
XGRAD_LAYER(Softsign, softsign);
XGRAD_LAYER(Hardswish, hardswish);
XGRAD_LAYER_WITH(LeakyReLU, leaky_relu, double, slope, 0.01, slope);
XGRAD_LAYER_WITH(ELU, elu, double, alpha, 1, alpha);
XGRAD_LAYER_WITH(Softplus, softplus, double, beta, 1, beta);
XGRAD_LAYER_WITH(GELU, gelu, bool, approximate, false, {approximate});
XGRAD_LAYER_WITH(Softmax, softmax, int, axis, -1, axis);
XGRAD_LAYER_WITH(LogSoftmax, log_softmax, int, axis, -1, axis);
/// Merges the axes from `from` on: (n, h, w, c) to (n, h·w·c).
XGRAD_LAYER_WITH(Flatten, flatten, int, from, 1, from);

#undef XGRAD_LAYER
#undef XGRAD_LAYER_WITH

/// min(max(x, min_val), max_val); see hardtanh.
struct Hardtanh {
  double min_val = -1, max_val = 1;
  template <class X>
  VariableOf<X> operator()(X x, Where at = Where::current()) const {
    return hardtanh(VariableOf<X>(std::move(x)), {min_val, max_val}, at);
  }
  XGRAD_CONSTANTS(min_val, max_val)
};

/// What comes in goes out.
struct Identity {
  template <class X>
  X operator()(X x, Where = Where::current()) const {
    return x;
  }
};

/// A leaky ReLU whose slopes are learned: one, or one for each of so many channels; see prelu. They are 1/4 at first.
template <class T = float>
class PReLU {
 public:
  Variable<T> weight;  ///< (channels)

  XGRAD_API explicit PReLU(std::size_t channels = 1, Where at = Where::current());
  Variable<T> operator()(Variable<T> x, Where at = Where::current()) const { return prelu(std::move(x), weight, at); }
  XGRAD_API void reset_parameters(Generator&);

  XGRAD_FIELDS(weight)
};

}  // namespace xgrad::nn

#pragma once
/// The linear layer.
#include <cstddef>
#include <utility>

#include <xgrad/core/fields.hpp>
#include <xgrad/core/random.hpp>
#include <xgrad/nn/init.hpp>
#include <xgrad/ops/linalg.hpp>

namespace xgrad::nn {

struct LinearOptions {
  bool bias = true;
  Init init = nn::init::kaiming_uniform();
};

/// x wᵀ + b: (…, in) to (…, out). Weights are drawn by `init` from the default generator, biases are 0.
template <class T = float>
class Linear {
 public:
  Variable<T> weight;  ///< (out, in)
  Variable<T> bias;    ///< (out), or undefined
  Init init;

  XGRAD_API Linear(std::size_t in, std::size_t out, LinearOptions options = {}, Where at = Where::current());

  Variable<T> operator()(Variable<T> x, Where at = Where::current()) const { return linear(std::move(x), weight, bias, at); }

  XGRAD_API void reset_parameters(Generator& generator);

  XGRAD_FIELDS(weight, bias)
};

}  // namespace xgrad::nn

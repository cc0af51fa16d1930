#pragma once
/// Layers that normalise.
#include <cstddef>
#include <utility>

#include <xgrad/core/fields.hpp>
#include <xgrad/core/random.hpp>
#include <xgrad/ops/norm.hpp>

namespace xgrad::nn {

struct BatchNormLayerOptions {
  double momentum = 0.1;  ///< how much of the running statistics a batch replaces
  double eps = 1e-5;
  bool affine = true;  ///< weight and bias to learn
};
/// Batch normalisation of (…, channels); see batch_norm. Weights are 1, biases 0, running means 0 and variances 1 at first. A call
/// in training changes the running statistics, also those of copies; `nn::eval` makes it use them.
template <class T = float>
class BatchNorm {
 public:
  Variable<T> weight, bias;               ///< (channels), or undefined
  Variable<T> running_mean, running_var;  ///< (channels), buffers: saved, not trained
  bool training = true;
  double momentum, eps;

  XGRAD_API explicit BatchNorm(std::size_t channels, BatchNormLayerOptions o = {}, Where at = Where::current());

  Variable<T> operator()(Variable<T> x, Where at = Where::current()) const {
    return batch_norm(std::move(x), weight, bias, running_mean, running_var, {training, momentum, eps}, at);
  }

  XGRAD_API void reset_parameters(Generator&);

  XGRAD_FIELDS(weight, bias, running_mean, running_var, training)
};

struct NormLayerOptions {
  double eps = 1e-5;
  bool affine = true;  ///< weight and bias to learn
};
/// Layer normalisation over the last axes, whose shape is given: LayerNorm(64), LayerNorm(Shape{8, 64}); see layer_norm. Weights
/// are 1, biases 0 at first. Throws ShapeError for the shape (), ValueError for an eps that is negative or not finite.
template <class T = float>
class LayerNorm {
 public:
  Variable<T> weight, bias;  ///< of that shape, or undefined
  LayerNormOptions options;

  XGRAD_API explicit LayerNorm(const Shape& shape, NormLayerOptions o = {}, Where at = Where::current());
  explicit LayerNorm(std::size_t features, NormLayerOptions o = {}, Where at = Where::current())
      : LayerNorm(Shape{features}, o, at) {}

  Variable<T> operator()(Variable<T> x, Where at = Where::current()) const {
    return layer_norm(std::move(x), weight, bias, options, at);
  }
  XGRAD_API void reset_parameters(Generator&);

  XGRAD_FIELDS(weight, bias)
};

/// x divided by its root mean square over the last axis, times a weight, 1 at first; see rms_norm. Throws ValueError for an eps
/// that is negative or not finite.
template <class T = float>
class RMSNorm {
 public:
  Variable<T> weight;  ///< (features), or undefined
  double eps;

  XGRAD_API explicit RMSNorm(std::size_t features, NormLayerOptions o = {}, Where at = Where::current());

  Variable<T> operator()(Variable<T> x, Where at = Where::current()) const {
    return rms_norm(std::move(x), weight, {.eps = eps}, at);
  }
  XGRAD_API void reset_parameters(Generator&);

  XGRAD_FIELDS(weight)
};

/// Group normalisation of (n, …, channels); see group_norm. Weights are 1, biases 0 at first. Throws ValueError unless the groups
/// divide the channels, and for an eps that is negative or not finite.
template <class T = float>
class GroupNorm {
 public:
  int groups;
  Variable<T> weight, bias;  ///< (channels), or undefined
  double eps;

  XGRAD_API GroupNorm(int group_count, std::size_t channels, NormLayerOptions o = {}, Where at = Where::current());

  Variable<T> operator()(Variable<T> x, Where at = Where::current()) const {
    return group_norm(std::move(x), groups, weight, bias, {eps}, at);
  }
  XGRAD_API void reset_parameters(Generator&);

  XGRAD_FIELDS(weight, bias)
};

/// x divided by a power of what its neighbouring channels have: (…, c) to the same; see local_response_norm.
struct LocalResponseNorm {
  int size;
  LocalResponseNormOptions options = {};
  template <class X>
  VariableOf<X> operator()(X x, Where at = Where::current()) const {
    return local_response_norm(VariableOf<X>(std::move(x)), size, options, at);
  }
  XGRAD_CONSTANTS(size, options)
};

}  // namespace xgrad::nn

#pragma once
/// Batch normalisation over the batches of all ranks.
#include <cstddef>
#include <memory>
#include <utility>

#include <xgrad/core/fields.hpp>
#include <xgrad/mpi/world.hpp>
#include <xgrad/nn/norm.hpp>

namespace xgrad::mpi {

/// nn::BatchNorm whose mean and variance are, in training, those of the values of all ranks together, which must have as many each.
/// So what ranks compute is what one program computes with the whole batch. Every call sends two small messages, and backward two
/// more; running statistics are the same everywhere. Names in files are those of nn::BatchNorm.
template <class T = float>
class BatchNorm {
 public:
  Variable<T> weight, bias;               ///< (channels), or undefined
  Variable<T> running_mean, running_var;  ///< (channels), buffers: saved, not trained
  bool training = true;
  double momentum, eps;

  /// The World must outlive it.
  XGRAD_API BatchNorm(World& world, std::size_t channels, nn::BatchNormLayerOptions o = {}, Where at = Where::current());

  XGRAD_API Variable<T> operator()(Variable<T> x, Where at = Where::current()) const;

  XGRAD_FIELDS(weight, bias, running_mean, running_var, training)

 private:
  World* world_;
};

}  // namespace xgrad::mpi

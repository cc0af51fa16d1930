#pragma once
/// Layers that normalise, drop or remember.
#include <cstddef>
#include <utility>

#include <xgrad/core/random.hpp>
#include <xgrad/core/fields.hpp>
#include <xgrad/ops/norm.hpp>
#include <xgrad/ops/sequence.hpp>

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

  XGRAD_API explicit BatchNorm(std::size_t channels, BatchNormLayerOptions o = {}, Where where = Where::current());

  Variable<T> operator()(Variable<T> x, Where where = Where::current()) const {
    return batch_norm(std::move(x), weight, bias, running_mean, running_var, {training, momentum, eps}, where);
  }

  XGRAD_API void reset_parameters(Generator&);

  XGRAD_FIELDS(weight, bias, running_mean, running_var, training)
};

struct NormLayerOptions {
  double eps = 1e-5;
  bool affine = true;  ///< weight and bias to learn
};
/// Layer normalisation over the last axes, whose shape is given: LayerNorm(64), LayerNorm(Shape{8, 64}); see layer_norm. Weights
/// are 1, biases 0 at first.
template <class T = float>
class LayerNorm {
 public:
  Variable<T> weight, bias;  ///< of that shape, or undefined
  LayerNormOptions options;

  XGRAD_API explicit LayerNorm(const Shape& shape, NormLayerOptions o = {}, Where where = Where::current());
  explicit LayerNorm(std::size_t features, NormLayerOptions o = {}, Where where = Where::current())
      : LayerNorm(Shape{features}, o, where) {}

  Variable<T> operator()(Variable<T> x, Where where = Where::current()) const {
    return layer_norm(std::move(x), weight, bias, options, where);
  }
  XGRAD_API void reset_parameters(Generator&);

  XGRAD_FIELDS(weight, bias)
};

/// x divided by its root mean square over the last axis, times a weight, 1 at first; see rms_norm.
template <class T = float>
class RMSNorm {
 public:
  Variable<T> weight;  ///< (features), or undefined
  double eps;

  XGRAD_API explicit RMSNorm(std::size_t features, NormLayerOptions o = {}, Where where = Where::current());

  Variable<T> operator()(Variable<T> x, Where where = Where::current()) const {
    return rms_norm(std::move(x), weight, {.eps = eps}, where);
  }
  XGRAD_API void reset_parameters(Generator&);

  XGRAD_FIELDS(weight)
};

/// Group normalisation of (n, …, channels); see group_norm. Weights are 1, biases 0 at first.
template <class T = float>
class GroupNorm {
 public:
  int groups;
  Variable<T> weight, bias;  ///< (channels), or undefined
  double eps;

  XGRAD_API GroupNorm(int group_count, std::size_t channels, NormLayerOptions o = {}, Where where = Where::current());

  Variable<T> operator()(Variable<T> x, Where where = Where::current()) const {
    return group_norm(std::move(x), groups, weight, bias, {eps}, where);
  }
  XGRAD_API void reset_parameters(Generator&);

  XGRAD_FIELDS(weight, bias)
};

/// Drops elements in training, with numbers from the thread's default generator; see dropout.
class Dropout {
 public:
  double p;
  bool training = true;

  XGRAD_API explicit Dropout(double probability = 0.5, Where where = Where::current());

  template <class T>
  Variable<T> operator()(Variable<T> x, Where where = Where::current()) const {
    return dropout(std::move(x), p, {training}, default_generator(), where);
  }

  XGRAD_FIELDS(training)
};
/// Drops whole channels; see dropout2d.
class Dropout2d {
 public:
  double p;
  bool training = true;

  XGRAD_API explicit Dropout2d(double probability = 0.5, Where where = Where::current());

  template <class T>
  Variable<T> operator()(Variable<T> x, Where where = Where::current()) const {
    return dropout2d(std::move(x), p, {training}, default_generator(), where);
  }

  XGRAD_FIELDS(training)
};

/// One step of a recurrent network: weights and biases of `gates` gates, drawn uniformly from ±1/√hidden as PyTorch does.
template <class T>
class RecurrentCell {
 public:
  Variable<T> w_ih, w_hh;  ///< (gates·hidden, in) and (gates·hidden, hidden)
  Variable<T> b_ih, b_hh;  ///< (gates·hidden), or undefined

  XGRAD_API void reset_parameters(Generator& generator);
  std::size_t hidden() const { return w_hh.shape()[1]; }

 protected:
  Variable<T> zeros_for(std::size_t batch, Where where) const { return full<T>(Shape{batch, hidden()}, 0, where, "zero_state"); }
  XGRAD_API RecurrentCell(std::size_t gates, std::size_t in, std::size_t hidden_size, bool bias, Where where);
};

struct RecurrentOptions {
  bool bias = true;
};
/// One step of an LSTM; see lstm_cell.
///
///     auto state = cell.zero_state(batch);
///     for (const auto& x : sequence) state = cell(x, state);
template <class T = float>
class LSTMCell : public RecurrentCell<T> {
 public:
  using Base = RecurrentCell<T>;
  using Base::b_hh, Base::b_ih, Base::w_hh, Base::w_ih;

  LSTMCell(std::size_t in, std::size_t hidden, RecurrentOptions o = {}, Where where = Where::current())
      : Base(4, in, hidden, o.bias, where) {}

  LSTMState<T> operator()(Variable<T> x, LSTMState<T> state, Where where = Where::current()) const {
    return lstm_cell(std::move(x), std::move(state), w_ih, w_hh, b_ih, b_hh, where);
  }
  /// Zeros for a batch.
  LSTMState<T> zero_state(std::size_t batch, Where where = Where::current()) const {
    return {Base::zeros_for(batch, where), Base::zeros_for(batch, where)};
  }

  XGRAD_FIELDS(w_ih, w_hh, b_ih, b_hh)
};
/// One step of a GRU; see gru_cell.
template <class T = float>
class GRUCell : public RecurrentCell<T> {
 public:
  using Base = RecurrentCell<T>;
  using Base::b_hh, Base::b_ih, Base::w_hh, Base::w_ih;

  GRUCell(std::size_t in, std::size_t hidden, RecurrentOptions o = {}, Where where = Where::current())
      : Base(3, in, hidden, o.bias, where) {}

  Variable<T> operator()(Variable<T> x, Variable<T> h, Where where = Where::current()) const {
    return gru_cell(std::move(x), std::move(h), w_ih, w_hh, b_ih, b_hh, where);
  }
  /// Zeros for a batch.
  Variable<T> zero_state(std::size_t batch, Where where = Where::current()) const { return Base::zeros_for(batch, where); }

  XGRAD_FIELDS(w_ih, w_hh, b_ih, b_hh)
};

}  // namespace xgrad::nn

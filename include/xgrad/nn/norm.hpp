#pragma once
/// Layers that normalise, drop or remember.
#include <cmath>
#include <cstddef>

#include <xgrad/nn/fields.hpp>
#include <xgrad/ops/norm.hpp>
#include <xgrad/ops/sequence.hpp>

namespace xgrad::nn {

namespace detail {
/// Ones and zeros, where they are defined.
template <class T>
void reset_affine(Variable<T>& weight, Variable<T>& bias) {
  if (weight.defined()) weight.update([](Array<T>& w) { w.fill(1); });
  if (bias.defined()) bias.update([](Array<T>& b) { b.fill(0); });
}
}  // namespace detail

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

  explicit BatchNorm(std::size_t channels, BatchNormLayerOptions o = {}, Where where = Where::current())
      : running_mean(zeros<T>(Shape{channels})), running_var(ones<T>(Shape{channels})), momentum(o.momentum), eps(o.eps) {
    if (!o.affine) return;
    weight = Variable<T>(ones<T>(Shape{channels}), true, where);
    bias = Variable<T>(zeros<T>(Shape{channels}), true, where);
  }

  Variable<T> operator()(Variable<T> x, Where where = Where::current()) const {
    return batch_norm(std::move(x), weight, bias, running_mean, running_var, {training, momentum, eps}, where);
  }

  void reset_parameters(Generator&) {
    detail::reset_affine(weight, bias);
    detail::reset_affine(running_var, running_mean);
  }

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

  explicit LayerNorm(const Shape& shape, NormLayerOptions o = {}, Where where = Where::current())
      : options{static_cast<int>(shape.size()), o.eps} {
    if (!o.affine) return;
    weight = Variable<T>(ones<T>(shape), true, where);
    bias = Variable<T>(zeros<T>(shape), true, where);
  }
  explicit LayerNorm(std::size_t features, NormLayerOptions o = {}, Where where = Where::current())
      : LayerNorm(Shape{features}, o, where) {}

  Variable<T> operator()(Variable<T> x, Where where = Where::current()) const {
    return layer_norm(std::move(x), weight, bias, options, where);
  }
  void reset_parameters(Generator&) { detail::reset_affine(weight, bias); }

  XGRAD_FIELDS(weight, bias)
};

/// x divided by its root mean square over the last axis, times a weight, 1 at first; see rms_norm.
template <class T = float>
class RMSNorm {
 public:
  Variable<T> weight;  ///< (features), or undefined
  double eps;

  explicit RMSNorm(std::size_t features, NormLayerOptions o = {}, Where where = Where::current()) : eps(o.eps) {
    if (o.affine) weight = Variable<T>(ones<T>(Shape{features}), true, where);
  }

  Variable<T> operator()(Variable<T> x, Where where = Where::current()) const {
    return rms_norm(std::move(x), weight, {.eps = eps}, where);
  }
  void reset_parameters(Generator&) {
    if (weight.defined()) weight.update([](Array<T>& w) { w.fill(1); });
  }

  XGRAD_FIELDS(weight)
};

/// Group normalisation of (n, …, channels); see group_norm. Weights are 1, biases 0 at first.
template <class T = float>
class GroupNorm {
 public:
  int groups;
  Variable<T> weight, bias;  ///< (channels), or undefined
  double eps;

  GroupNorm(int group_count, std::size_t channels, NormLayerOptions o = {}, Where where = Where::current())
      : groups(group_count), eps(o.eps) {
    if (!o.affine) return;
    weight = Variable<T>(ones<T>(Shape{channels}), true, where);
    bias = Variable<T>(zeros<T>(Shape{channels}), true, where);
  }

  Variable<T> operator()(Variable<T> x, Where where = Where::current()) const {
    return group_norm(std::move(x), groups, weight, bias, {eps}, where);
  }
  void reset_parameters(Generator&) { detail::reset_affine(weight, bias); }

  XGRAD_FIELDS(weight, bias)
};

/// Drops elements in training, with numbers from the thread's default generator; see dropout.
class Dropout {
 public:
  double p;
  bool training = true;

  explicit Dropout(double probability = 0.5) : p(probability) {}

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

  explicit Dropout2d(double probability = 0.5) : p(probability) {}

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

  void reset_parameters(Generator& generator) {
    const double bound = 1 / std::sqrt(static_cast<double>(hidden()));
    for (Variable<T>* v : {&w_ih, &w_hh, &b_ih, &b_hh})
      if (v->defined()) v->update([&](Array<T>& a) { generator.fill_uniform(a, -bound, bound); });
  }
  std::size_t hidden() const { return w_hh.shape()[1]; }

 protected:
  RecurrentCell(std::size_t gates, std::size_t in, std::size_t hidden_size, bool bias, Where where)
      : w_ih(zeros<T>(Shape{gates * hidden_size, in}), true, where),
        w_hh(zeros<T>(Shape{gates * hidden_size, hidden_size}), true, where) {
    if (bias) {
      b_ih = Variable<T>(zeros<T>(Shape{gates * hidden_size}), true, where);
      b_hh = Variable<T>(zeros<T>(Shape{gates * hidden_size}), true, where);
    }
    reset_parameters(default_generator());
  }
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
  LSTMState<T> zero_state(std::size_t batch) const {
    return {zeros<T>(Shape{batch, Base::hidden()}), zeros<T>(Shape{batch, Base::hidden()})};
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
  Variable<T> zero_state(std::size_t batch) const { return zeros<T>(Shape{batch, Base::hidden()}); }

  XGRAD_FIELDS(w_ih, w_hh, b_ih, b_hh)
};

}  // namespace xgrad::nn

#pragma once
/// Recurrent layers, a step at a time.
#include <cstddef>
#include <utility>

#include <xgrad/core/fields.hpp>
#include <xgrad/core/random.hpp>
#include <xgrad/ops/sequence.hpp>

namespace xgrad::nn {

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

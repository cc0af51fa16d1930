#pragma once
/// Recurrent layers: a step at a time, and whole sequences.
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include <xgrad/core/fields.hpp>
#include <xgrad/core/indices.hpp>
#include <xgrad/core/random.hpp>
#include <xgrad/nn/init.hpp>
#include <xgrad/ops/sequence.hpp>

namespace xgrad::nn {

struct RecurrentOptions {
  bool bias = true;
  /// Of the weights; biases are 0 then. Without one, weights and biases are uniform in ±1/√hidden, as PyTorch has them.
  std::optional<Init> init = {};
};

/// One step of a recurrent network: weights and biases of `gates` gates.
template <class T>
class RecurrentCell {
 public:
  Variable<T> weight_ih, weight_hh;  ///< (gates·hidden, in) and (gates·hidden, hidden)
  Variable<T> bias_ih, bias_hh;      ///< (gates·hidden), or undefined
  std::optional<Init> init;

  XGRAD_API void reset_parameters(Generator& generator);
  std::size_t hidden() const { return weight_hh.shape()[1]; }

 protected:
  Variable<T> zeros_for(std::size_t batch, Where at) const { return full<T>(Shape{batch, hidden()}, 0, at, "zero_state"); }
  XGRAD_API RecurrentCell(std::size_t gates, std::size_t in, std::size_t hidden_size, const RecurrentOptions& o, Where at);
};

/// One step of an LSTM; see lstm_cell. `LSTM` does whole sequences.
///
///     auto state = cell.zero_state(batch);
///     for (const auto& x : sequence) state = cell(x, state);
template <class T = float>
class LSTMCell : public RecurrentCell<T> {
 public:
  using Base = RecurrentCell<T>;
  using Base::bias_hh, Base::bias_ih, Base::weight_hh, Base::weight_ih;

  LSTMCell(std::size_t in, std::size_t hidden, RecurrentOptions o = {}, Where at = Where::current()) : Base(4, in, hidden, o, at) {}

  LSTMState<T> operator()(Variable<T> x, LSTMState<T> state, Where at = Where::current()) const {
    return lstm_cell(std::move(x), std::move(state), weight_ih, weight_hh, bias_ih, bias_hh, at);
  }
  /// Zeros for a batch.
  LSTMState<T> zero_state(std::size_t batch, Where at = Where::current()) const {
    return {Base::zeros_for(batch, at), Base::zeros_for(batch, at)};
  }

  XGRAD_FIELDS(weight_ih, weight_hh, bias_ih, bias_hh)
};
/// One step of a GRU; see gru_cell. `GRU` does whole sequences.
template <class T = float>
class GRUCell : public RecurrentCell<T> {
 public:
  using Base = RecurrentCell<T>;
  using Base::bias_hh, Base::bias_ih, Base::weight_hh, Base::weight_ih;

  GRUCell(std::size_t in, std::size_t hidden, RecurrentOptions o = {}, Where at = Where::current()) : Base(3, in, hidden, o, at) {}

  Variable<T> operator()(Variable<T> x, Variable<T> h, Where at = Where::current()) const {
    return gru_cell(std::move(x), std::move(h), weight_ih, weight_hh, bias_ih, bias_hh, at);
  }
  /// Zeros for a batch.
  Variable<T> zero_state(std::size_t batch, Where at = Where::current()) const { return Base::zeros_for(batch, at); }

  XGRAD_FIELDS(weight_ih, weight_hh, bias_ih, bias_hh)
};

struct RecurrentLayerOptions {
  std::size_t layers = 1;      ///< each takes what the one before gives
  bool bidirectional = false;  ///< also from the last step to the first; both results side by side
  bool bias = true;
  double dropout = 0;             ///< between layers, in training
  std::optional<Init> init = {};  ///< as RecurrentOptions's
};

/// What LSTM and GRU have in common.
template <class T>
class RecurrentLayers {
 public:
  /// By PyTorch's names: weight_ih_l0 (gates·hidden, in), weight_hh_l0 (gates·hidden, hidden), bias_ih_l0, bias_hh_l0
  /// (gates·hidden), and so on for l1 …, with _reverse behind them for the other direction.
  std::map<std::string, Variable<T>> weights;
  RecurrentLayerOptions options;
  bool training = true;

  XGRAD_API void reset_parameters(Generator& generator);
  std::size_t hidden() const noexcept { return hidden_; }

 protected:
  XGRAD_API RecurrentLayers(std::size_t gates, std::size_t in, std::size_t hidden, RecurrentLayerOptions o, Where at);
  /// x through all layers, from the states h and, of an LSTM, c, which become the last ones.
  XGRAD_API Variable<T> run(Variable<T> x, Variable<T>& h, Variable<T>& c, const std::optional<Labels>& lengths, Where at) const;

 private:
  std::size_t gates_, in_, hidden_;
};

/// The members of `weights` stand in the place of the map: "lstm.weight_ih_l0".
#define XGRAD_WEIGHTS_BY_NAME                                                            \
  friend struct ::xgrad::detail::fields::Listed;                                         \
  auto xgrad_fields() {                                                                  \
    return [&](auto&& f) -> decltype(auto) { return f(this->weights, this->training); }; \
  }                                                                                      \
  auto xgrad_fields() const {                                                            \
    return [&](auto&& f) -> decltype(auto) { return f(this->weights, this->training); }; \
  }                                                                                      \
  constexpr std::string_view xgrad_names() const { return ", training"; }

/// What a sequence begins with, and how long each is.
template <class T>
struct LSTMOptions {
  LSTMState<T> state = {};       ///< both (layers·directions, n, hidden); zeros where undefined
  OptionalIndices lengths = {};  ///< (n), each from 0 to l: the steps behind it are padding
};
template <class T>
struct LSTMOutput {
  Variable<T> output;  ///< of the last layer, (n, l, directions·hidden); 0 in the padding
  LSTMState<T> state;  ///< each layer's last, (layers·directions, n, hidden); of the reverse direction, at the first step
};
/// Long short-term memories over sequences x (n, l, in), in layers, in one direction or both: PyTorch's LSTM with batch_first, and
/// the names of its weights. See lstm_cell for the formula. What PyTorch gives for packed sequences this gives with lengths: a
/// sequence ends where it is said to, the other direction begins there, and padding, whatever is in it, has no part in anything.
///
///     nn::LSTM<float> lstm(40, 128, {.layers = 2, .bidirectional = true});
///     auto [output, state] = lstm(x, {.lengths = Labels{12, 7, 9}});
///
/// Throws ShapeError when x is not (n, l, in) with l at least 1, or the states or lengths do not fit, ValueError for a length that
/// is not from 0 to l, or without a layer.
template <class T = float>
class LSTM : public RecurrentLayers<T> {
 public:
  LSTM(std::size_t in, std::size_t hidden, RecurrentLayerOptions o = {}, Where at = Where::current())
      : RecurrentLayers<T>(4, in, hidden, o, at) {}
  LSTMOutput<T> operator()(Variable<T> x, LSTMOptions<T> o = {}, Where at = Where::current()) const {
    Variable<T> y = this->run(std::move(x), o.state.h, o.state.c, o.lengths.values(), at);
    return {std::move(y), std::move(o.state)};
  }
  XGRAD_WEIGHTS_BY_NAME
};

template <class T>
struct GRUOptions {
  Variable<T> state = {};  ///< (layers·directions, n, hidden); zeros where undefined
  OptionalIndices lengths = {};
};
template <class T>
struct GRUOutput {
  Variable<T> output, state;  ///< as LSTMOutput's
};
/// Gated recurrent units over sequences; see gru_cell for the formula, and otherwise LSTM.
template <class T = float>
class GRU : public RecurrentLayers<T> {
 public:
  GRU(std::size_t in, std::size_t hidden, RecurrentLayerOptions o = {}, Where at = Where::current())
      : RecurrentLayers<T>(3, in, hidden, o, at) {}
  GRUOutput<T> operator()(Variable<T> x, GRUOptions<T> o = {}, Where at = Where::current()) const {
    Variable<T> none, y = this->run(std::move(x), o.state, none, o.lengths.values(), at);
    return {std::move(y), std::move(o.state)};
  }
  XGRAD_WEIGHTS_BY_NAME
};
#undef XGRAD_WEIGHTS_BY_NAME

}  // namespace xgrad::nn

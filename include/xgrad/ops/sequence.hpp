#pragma once
/// Operations of networks for sequences.
#include <optional>
#include <type_traits>
#include <utility>

#include <xgrad/graph/variable.hpp>

namespace xgrad {

struct AttentionOptions {
  bool causal = false;               ///< place i attends to the places 0 … i alone
  std::optional<double> scale = {};  ///< of the products; 1/√e when not given
  std::optional<Mask> mask = {};     ///< true where a query may attend to a key; broadcasts to (…, l, s)
};

/// softmax(scale · q kᵀ) v (Vaswani et al. 2017): queries q (…, l, e), keys k (…, s, e) and values v (…, s, d) give (…, l, d). The
/// leading axes (batch, heads) broadcast. A query that may attend to no key gets zeros. Throws ShapeError when e or s differ or an
/// operand has less than two axes.
///
/// Shapes: (…, l, e), (…, s, e), (…, s, d) → (…, l, d)
/// Gradient: by way of matmul and softmax
template <class T>
XGRAD_API Variable<T> scaled_dot_product_attention(Variable<T> q, std::type_identity_t<Variable<T>> k,
                                                   std::type_identity_t<Variable<T>> v, AttentionOptions options = {},
                                                   Where where = Where::current());

/// What an LSTM carries from step to step, both (…, hidden).
template <class T>
struct LSTMState {
  Variable<T> h;  ///< its output
  Variable<T> c;  ///< its memory
};
/// One step of a long short-term memory (Hochreiter & Schmidhuber 1997) as in PyTorch: x (…, in), w_ih (4·hidden, in), w_hh
/// (4·hidden, hidden), biases (4·hidden) or undefined; the gates come in the order input, forget, cell, output:
/// c' = σ(f) c + σ(i) tanh(g), h' = σ(o) tanh(c'). Throws ShapeError when shapes do not fit.
///
/// Shapes: (…, in), states (…, hidden) → two of (…, hidden)
/// Gradient: by way of linear and the formula
template <class T>
XGRAD_API LSTMState<T> lstm_cell(Variable<T> x, std::type_identity_t<LSTMState<T>> state, std::type_identity_t<Variable<T>> w_ih,
                                 std::type_identity_t<Variable<T>> w_hh, std::type_identity_t<Variable<T>> b_ih = {},
                                 std::type_identity_t<Variable<T>> b_hh = {}, Where where = Where::current());
/// One step of a gated recurrent unit (Cho et al. 2014) as in PyTorch: x (…, in), h (…, hidden), w_ih (3·hidden, in), w_hh
/// (3·hidden, hidden), biases (3·hidden) or undefined; the gates come in the order reset, update, new: with n = tanh(x_n + σ(r)
/// h_n) the new state is (1 - σ(z)) n + σ(z) h. Throws ShapeError when shapes do not fit.
///
/// Shapes: (…, in), (…, hidden) → (…, hidden)
/// Gradient: by way of linear and the formula
template <class T>
XGRAD_API Variable<T> gru_cell(Variable<T> x, std::type_identity_t<Variable<T>> h, std::type_identity_t<Variable<T>> w_ih,
                               std::type_identity_t<Variable<T>> w_hh, std::type_identity_t<Variable<T>> b_ih = {},
                               std::type_identity_t<Variable<T>> b_hh = {}, Where where = Where::current());

}  // namespace xgrad

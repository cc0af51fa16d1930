#pragma once
/// Operations of networks for sequences.
#include <optional>
#include <type_traits>
#include <utility>

#include <xgrad/graph/variable.hpp>

namespace xgrad {

/// Which keys a query may attend to: an array of bool, true where it may, or of T, which is added to the scaled products and
/// forbids where it is -inf. It broadcasts to (…, l, s). A Variable, such as a bias that is learned, gets a gradient.
template <Real T>
class AttentionMask {
 public:
  AttentionMask() = default;  ///< every query may attend to every key
  template <Expression E>
  AttentionMask(const E& mask) {  // NOLINT(google-explicit-constructor)
    static_assert(ExpressionOf<E, bool> || ExpressionOf<E, T>,
                  "xgrad: an attention mask has elements of bool, true where a query may attend to a key, or of the queries' type, "
                  "to be added to the scores");
    if constexpr (ExpressionOf<E, bool>)
      allowed_ = mask;
    else if constexpr (ExpressionOf<E, T>)
      added_ = Variable<T>(mask);
  }
  AttentionMask(Variable<T> mask) : added_(std::move(mask)) {}  // NOLINT(google-explicit-constructor)

  const std::optional<Mask>& allowed() const noexcept { return allowed_; }
  const Variable<T>& added() const noexcept { return added_; }  ///< undefined for a mask of bool, or none

 private:
  std::optional<Mask> allowed_;
  Variable<T> added_;
};

template <Real T>
struct AttentionOptions {
  bool causal = false;               ///< place i attends to the places 0 … i alone
  std::optional<double> scale = {};  ///< of the products; 1/√e when not given
  AttentionMask<T> mask = {};        ///< of bool or T; with `causal` both hold
  double dropout = 0;                ///< of the softmax's results, with numbers from the thread's default generator
};

/// softmax(scale · q kᵀ) v (Vaswani et al. 2017): queries q (…, l, e), keys k (…, s, e) and values v (…, s, d) give (…, l, d). The
/// leading axes (batch, heads) broadcast. A query that may attend to no key gets zeros, and gives no gradient. Throws ShapeError
/// when e or s differ, an operand has less than two axes, or the mask does not broadcast; ValueError for a scale that is not
/// finite or a dropout that is not from 0 to 1.
///
/// Shapes: (…, l, e), (…, s, e), (…, s, d) → (…, l, d)
/// Gradient: by way of matmul and softmax; 0 where it is forbidden
template <class T>
XGRAD_API Variable<T> scaled_dot_product_attention(Variable<T> q, std::type_identity_t<Variable<T>> k,
                                                   std::type_identity_t<Variable<T>> v,
                                                   std::type_identity_t<AttentionOptions<T>> options = {},
                                                   Where at = Where::current());

/// What an LSTM carries from step to step, both (…, hidden).
template <class T>
struct LSTMState {
  Variable<T> h;  ///< its output
  Variable<T> c;  ///< its memory
};
/// One step of a long short-term memory (Hochreiter & Schmidhuber 1997) as in PyTorch: x (…, in), weight_ih (4·hidden, in),
/// weight_hh (4·hidden, hidden), biases (4·hidden) or undefined; the gates come in the order input, forget, cell, output: c' = σ(f)
/// c + σ(i) tanh(g), h' = σ(o) tanh(c'). Throws ShapeError when shapes do not fit.
///
/// Shapes: (…, in), states (…, hidden) → two of (…, hidden)
/// Gradient: by way of linear and the formula
template <class T>
XGRAD_API LSTMState<T> lstm_cell(Variable<T> x, std::type_identity_t<LSTMState<T>> state,
                                 std::type_identity_t<Variable<T>> weight_ih, std::type_identity_t<Variable<T>> weight_hh,
                                 std::type_identity_t<Variable<T>> bias_ih = {}, std::type_identity_t<Variable<T>> bias_hh = {},
                                 Where at = Where::current());
/// One step of a gated recurrent unit (Cho et al. 2014) as in PyTorch: x (…, in), h (…, hidden), weight_ih (3·hidden, in),
/// weight_hh (3·hidden, hidden), biases (3·hidden) or undefined; the gates come in the order reset, update, new: with n = tanh(x_n
/// + σ(r) h_n) the new state is (1 - σ(z)) n + σ(z) h. Throws ShapeError when shapes do not fit.
///
/// Shapes: (…, in), (…, hidden) → (…, hidden)
/// Gradient: by way of linear and the formula
template <class T>
XGRAD_API Variable<T> gru_cell(Variable<T> x, std::type_identity_t<Variable<T>> h, std::type_identity_t<Variable<T>> weight_ih,
                               std::type_identity_t<Variable<T>> weight_hh, std::type_identity_t<Variable<T>> bias_ih = {},
                               std::type_identity_t<Variable<T>> bias_hh = {}, Where at = Where::current());

}  // namespace xgrad

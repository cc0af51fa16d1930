#pragma once
/// Steps of recurrent networks whose input has been multiplied by its weights already, for all steps at once.
#include <xgrad/ops/sequence.hpp>

namespace xgrad {

/// `of_x` is x weight_ihᵀ + bias_ih. Shapes are not looked at.
template <class T>
LSTMState<T> lstm_step(Variable<T> of_x, LSTMState<T> state, Variable<T> weight_hh, Variable<T> bias_hh, Where at);
template <class T>
Variable<T> gru_step(Variable<T> of_x, Variable<T> h, Variable<T> weight_hh, Variable<T> bias_hh, Where at);

}  // namespace xgrad

#pragma once
#include <xgrad/ops/elementwise.hpp>

namespace xgrad {

/// max(x, 0); NaN stays NaN. The gradient at 0 is 0.
template <class T>
XGRAD_API Variable<T> relu(Variable<T> x, Where where = Where::current());
/// The logistic function 1 / (1 + exp(-x)), without overflow at either end.
template <class T>
XGRAD_API Variable<T> sigmoid(Variable<T> x, Where where = Where::current());
template <class T>
XGRAD_API Variable<T> tanh(Variable<T> x, Where where = Where::current());

/// exp(x) / sum(exp(x)) along an axis, computed after subtracting the largest: logits of ±1e4 and -inf are fine.
/// Throws ShapeError when x has no such axis.
template <class T>
XGRAD_API Variable<T> softmax(Variable<T> x, int axis = -1, Where where = Where::current());
/// log(softmax(x)), stable in the same way.
template <class T>
XGRAD_API Variable<T> log_softmax(Variable<T> x, int axis = -1, Where where = Where::current());

}  // namespace xgrad

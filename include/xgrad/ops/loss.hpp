#pragma once
#include <concepts>
#include <type_traits>

#include <xgrad/graph/variable.hpp>

namespace xgrad {

enum class Reduction {
  mean,  ///< the mean over all samples
  sum,   ///< their sum
  none,  ///< one loss per sample
};

struct LossOptions {
  Reduction reduction = Reduction::mean;
};

/// The negative logarithm of softmax(logits) at each sample's label: logits (…, classes), labels (…). Stable for logits of ±1e4.
/// Throws ShapeError when the shapes do not fit, IndexError for a label out of range.
template <class T>
XGRAD_API Variable<T> cross_entropy(Variable<T> logits, const Labels& labels, LossOptions options = {},
                                    Where where = Where::current());
/// ... with any other integer array as labels.
template <class T, IntegerExpression L>
requires(!std::same_as<L, Labels>) Variable<T> cross_entropy(Variable<T> logits, const L& labels, LossOptions options = {},
                                                             Where where = Where::current()) {
  return cross_entropy(std::move(logits), Labels(labels), options, where);
}

/// Labels are whole numbers. For labels of another kind (one-hot, probabilities) write mean(sum(-p * log_softmax(x), -1)).
template <class T, Expression L>
requires(!IntegerExpression<L>) Variable<T> cross_entropy(Variable<T> logits, const L& labels, LossOptions options = {},
                                                          Where where = Where::current())
= delete;

/// (a - b)², reduced. The operands broadcast. Throws ShapeError when they have as many elements in shapes that would make a third one:
/// that (n, 1) and (n,) make (n, n) is never meant.
template <class T>
XGRAD_API Variable<T> mse_loss(Variable<T> a, std::type_identity_t<Variable<T>> b, LossOptions options = {},
                               Where where = Where::current());

}  // namespace xgrad

#pragma once
/// Variance, norm and their like.
#include <xgrad/core/indices.hpp>
#include <xgrad/graph/variable.hpp>
#include <xgrad/ops/reduce.hpp>

namespace xgrad {

struct VarOptions {
  double ddof = 0;  ///< the sum of squares is divided by the number of elements less this
  bool keepdims = false;
};
/// The variance along `axes`, about the mean in two passes; NaN over no elements. Errors as sum.
///
/// Shapes: (…) → without the axes
/// Gradient: g 2 (x - mean) / (n - ddof)
template <class T>
XGRAD_API Variable<T> var(Variable<T> x, Axes axes = {}, VarOptions options = {}, Where at = Where::current());
/// The standard deviation, the root of var. Its gradient is 0 where it is 0. Call it as xgrad::std. Errors as sum.
///
/// Shapes: (…) → without the axes
/// Gradient: g (x - mean) / ((n - ddof) y)
template <class T>
XGRAD_API Variable<T> std(Variable<T> x, Axes axes = {}, VarOptions options = {}, Where at = Where::current());

/// log(sum(exp(x))) along `axes`, computed after subtracting the largest; -inf over no elements. Errors as sum.
///
/// Shapes: (…) → without the axes
/// Gradient: g softmax(x)
template <class T>
XGRAD_API Variable<T> logsumexp(Variable<T> x, Axes axes = {}, ReduceOptions options = {}, Where at = Where::current());

struct NormOptions {
  double p = 2;  ///< 0, any positive number, or ±infinity
  bool keepdims = false;
};
/// The p-norm along `axes`, (Σ|x|^p)^(1/p): the Frobenius norm of a matrix by default. p = 0 counts the elements that are not 0, p
/// = ∞ takes the largest absolute value and p = -∞ the smallest. The gradient is 0 where the norm is 0, and at elements that are 0.
/// Throws ValueError for another p. Where powers overflow or vanish they are taken in another unit.
///
/// Shapes: (…) → without the axes
/// Gradient: g sign(x) (|x| / y)^(p - 1); g x / y for p = 2
template <class T>
XGRAD_API Variable<T> norm(Variable<T> x, Axes axes = {}, NormOptions options = {}, Where at = Where::current());

}  // namespace xgrad

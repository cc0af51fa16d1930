#pragma once
#include <xgrad/core/indices.hpp>
#include <xgrad/graph/variable.hpp>

namespace xgrad {

struct ReduceOptions {
  /// Reduced axes stay, with length 1.
  bool keepdims = false;
};

/// The sum along `axes` (all of them by default). Sums of many floats are pairwise, so rounding does not grow with their number.
/// Throws ShapeError for an axis out of range or given twice.
///
/// Shapes: (…) → without the axes
/// Gradient: g broadcast
template <class T>
XGRAD_API Variable<T> sum(Variable<T> x, Axes axes = {}, ReduceOptions options = {}, Where at = Where::current());
/// The mean along `axes`; NaN over no elements. Errors as sum.
///
/// Shapes: (…) → without the axes
/// Gradient: g / n broadcast
template <class T>
XGRAD_API Variable<T> mean(Variable<T> x, Axes axes = {}, ReduceOptions options = {}, Where at = Where::current());
/// Undoes a broadcast: sums over the axes along which `shape` was stretched to x's shape. Throws ShapeError when it was not.
///
/// Shapes: (…) → shape
/// Gradient: g broadcast
template <class T>
XGRAD_API Variable<T> sum_to(Variable<T> x, const Shape& shape, Where at = Where::current());

}  // namespace xgrad

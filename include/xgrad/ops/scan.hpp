#pragma once
/// Products, and sums and products up to each place.
#include <xgrad/core/indices.hpp>
#include <xgrad/graph/variable.hpp>
#include <xgrad/ops/reduce.hpp>

namespace xgrad {

/// The product along `axes`; 1 over no elements. The derivatives are right where elements are 0. Errors as sum.
///
/// Shapes: (…) → without the axes
/// Gradient: g times the product of the others
template <class T>
XGRAD_API Variable<T> prod(Variable<T> x, Axes axes = {}, ReduceOptions options = {}, Where at = Where::current());
/// Running sums along an axis. Throws ShapeError when x has no such axis.
///
/// Shapes: (…) → the same
/// Gradient: running sums of g from the end
template <class T>
XGRAD_API Variable<T> cumsum(Variable<T> x, int axis, Where at = Where::current());
/// Running products along an axis. The derivatives are right where elements are 0. Errors as cumsum.
///
/// Shapes: (…) → the same
/// Gradient: a recurrence from the end: no division
template <class T>
XGRAD_API Variable<T> cumprod(Variable<T> x, int axis, Where at = Where::current());

}  // namespace xgrad

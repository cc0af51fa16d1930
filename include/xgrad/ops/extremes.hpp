#pragma once
/// The largest and smallest, and what holds of any or all.
#include <optional>

#include <xgrad/core/indices.hpp>
#include <xgrad/graph/variable.hpp>
#include <xgrad/ops/reduce.hpp>

namespace xgrad {

/// The largest element along `axes`; NaN if any is. Equal ones share the gradient evenly. Throws ShapeError over no elements, and
/// for an axis out of range or given twice.
///
/// Shapes: (…) → without the axes
/// Gradient: g to the largest
template <class T>
XGRAD_API Variable<T> amax(Variable<T> x, Axes axes = {}, ReduceOptions options = {}, Where at = Where::current());
/// The smallest; otherwise as amax, errors too.
///
/// Shapes: (…) → without the axes
/// Gradient: g to the smallest
template <class T>
XGRAD_API Variable<T> amin(Variable<T> x, Axes axes = {}, ReduceOptions options = {}, Where at = Where::current());
/// Where along the axis (in row-major order without one) the first of the largest elements, or the first NaN, is. Throws ShapeError
/// over no elements, and for an axis out of range.
///
/// Shapes: (…) → without the axis
/// Gradient: none: these are labels
template <class T>
XGRAD_API Labels argmax(const Variable<T>& x, std::optional<int> axis = {}, ReduceOptions options = {},
                        Where at = Where::current());
/// ... of the smallest. Errors as argmax.
///
/// Shapes: (…) → without the axis
/// Gradient: none: these are labels
template <class T>
XGRAD_API Labels argmin(const Variable<T>& x, std::optional<int> axis = {}, ReduceOptions options = {},
                        Where at = Where::current());

// These look at values and have no gradient. Of a Variable every element but 0 counts as true, NaN too. Write xgrad::any(mask):
// xtensor has functions of these names that it finds by itself.

/// Whether any element along `axes` is true. Errors as sum.
///
/// Shapes: (…) → without the axes
/// Gradient: none
XGRAD_API Mask any(const Condition& x, Axes axes = {}, ReduceOptions options = {}, Where at = Where::current());
/// Whether all elements along `axes` are true. Errors as sum.
///
/// Shapes: (…) → without the axes
/// Gradient: none
XGRAD_API Mask all(const Condition& x, Axes axes = {}, ReduceOptions options = {}, Where at = Where::current());
/// How many elements along `axes` are true. Errors as sum.
///
/// Shapes: (…) → without the axes
/// Gradient: none
XGRAD_API Labels count_nonzero(const Condition& x, Axes axes = {}, ReduceOptions options = {}, Where at = Where::current());
template <class T>
XGRAD_API Mask any(const Variable<T>& x, Axes axes = {}, ReduceOptions options = {}, Where at = Where::current());
template <class T>
XGRAD_API Mask all(const Variable<T>& x, Axes axes = {}, ReduceOptions options = {}, Where at = Where::current());
template <class T>
XGRAD_API Labels count_nonzero(const Variable<T>& x, Axes axes = {}, ReduceOptions options = {}, Where at = Where::current());

}  // namespace xgrad

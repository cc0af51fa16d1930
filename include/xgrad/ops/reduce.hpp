#pragma once
#include <optional>
#include <type_traits>

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
XGRAD_API Variable<T> sum(Variable<T> x, Axes axes = {}, ReduceOptions options = {}, Where where = Where::current());
/// The mean along `axes`; NaN over no elements.
///
/// Shapes: (…) → without the axes
/// Gradient: g / n broadcast
template <class T>
XGRAD_API Variable<T> mean(Variable<T> x, Axes axes = {}, ReduceOptions options = {}, Where where = Where::current());
/// Undoes a broadcast: sums over the axes along which `shape` was stretched to x's shape. Throws ShapeError when it was not.
///
/// Shapes: (…) → shape
/// Gradient: g broadcast
template <class T>
XGRAD_API Variable<T> sum_to(Variable<T> x, const Shape& shape, Where where = Where::current());

struct VarOptions {
  double ddof = 0;  ///< the sum of squares is divided by the number of elements less this
  bool keepdims = false;
};
/// The variance along `axes`, about the mean in two passes; NaN over no elements.
///
/// Shapes: (…) → without the axes
/// Gradient: g 2 (x - mean) / (n - ddof)
template <class T>
XGRAD_API Variable<T> var(Variable<T> x, Axes axes = {}, VarOptions options = {}, Where where = Where::current());
/// The standard deviation, the root of var. Its gradient is 0 where it is 0. Call it as xgrad::std.
///
/// Shapes: (…) → without the axes
/// Gradient: g (x - mean) / ((n - ddof) y)
template <class T>
XGRAD_API Variable<T> std(Variable<T> x, Axes axes = {}, VarOptions options = {}, Where where = Where::current());

/// The largest element along `axes`; NaN if any is. Equal ones share the gradient evenly. Throws ShapeError over no elements.
///
/// Shapes: (…) → without the axes
/// Gradient: g to the largest
template <class T>
XGRAD_API Variable<T> amax(Variable<T> x, Axes axes = {}, ReduceOptions options = {}, Where where = Where::current());
/// The smallest; otherwise as amax.
///
/// Shapes: (…) → without the axes
/// Gradient: g to the smallest
template <class T>
XGRAD_API Variable<T> amin(Variable<T> x, Axes axes = {}, ReduceOptions options = {}, Where where = Where::current());
/// Where along the axis (in row-major order without one) the first of the largest elements, or the first NaN, is. Throws ShapeError
/// over no elements.
///
/// Shapes: (…) → without the axis
/// Gradient: none: these are labels
template <class T>
XGRAD_API Labels argmax(const Variable<T>& x, std::optional<int> axis = {}, ReduceOptions options = {},
                        Where where = Where::current());
/// ... of the smallest.
///
/// Shapes: (…) → without the axis
/// Gradient: none: these are labels
template <class T>
XGRAD_API Labels argmin(const Variable<T>& x, std::optional<int> axis = {}, ReduceOptions options = {},
                        Where where = Where::current());

/// log(sum(exp(x))) along `axes`, computed after subtracting the largest; -inf over no elements.
///
/// Shapes: (…) → without the axes
/// Gradient: g softmax(x)
template <class T>
XGRAD_API Variable<T> logsumexp(Variable<T> x, Axes axes = {}, ReduceOptions options = {}, Where where = Where::current());

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
XGRAD_API Variable<T> norm(Variable<T> x, Axes axes = {}, NormOptions options = {}, Where where = Where::current());

/// The product along `axes`; 1 over no elements. The derivatives are right where elements are 0.
///
/// Shapes: (…) → without the axes
/// Gradient: g times the product of the others
template <class T>
XGRAD_API Variable<T> prod(Variable<T> x, Axes axes = {}, ReduceOptions options = {}, Where where = Where::current());
/// Running sums along an axis.
///
/// Shapes: (…) → the same
/// Gradient: running sums of g from the end
template <class T>
XGRAD_API Variable<T> cumsum(Variable<T> x, int axis, Where where = Where::current());
/// Running products along an axis. The derivatives are right where elements are 0.
///
/// Shapes: (…) → the same
/// Gradient: a recurrence from the end: no division
template <class T>
XGRAD_API Variable<T> cumprod(Variable<T> x, int axis, Where where = Where::current());

struct SortOptions {
  bool descending = false;
};
/// The elements of an axis in order. NaN counts as largest, and equal elements stay in their order.
///
/// Shapes: (…) → the same
/// Gradient: g back to where each element came from
template <class T>
XGRAD_API Variable<T> sort(Variable<T> x, int axis = -1, SortOptions options = {}, Where where = Where::current());
/// The places from which sort takes its elements.
///
/// Shapes: (…) → the same
/// Gradient: none: these are labels
template <class T>
XGRAD_API Labels argsort(const Variable<T>& x, int axis = -1, SortOptions options = {}, Where where = Where::current());

template <class T>
struct TopK {
  Variable<T> values;
  Labels indices;
};
struct TopKOptions {
  bool largest = true;
};
/// The k largest (or smallest) elements along an axis, best first, and where they are; otherwise as sort. Throws ValueError when k
/// is not from 0 to the axis's length.
///
/// Shapes: (…, n, …) → (…, k, …)
/// Gradient: g back to where each element came from
template <class T>
XGRAD_API TopK<T> topk(Variable<T> x, std::ptrdiff_t k, int axis = -1, TopKOptions options = {}, Where where = Where::current());
/// The median along `axes`; the mean of the middle two of an even number. NaN if any is, or over no elements.
///
/// Shapes: (…) → without the axes
/// Gradient: g to the middle one, or half to each of the middle two
template <class T>
XGRAD_API Variable<T> median(Variable<T> x, Axes axes = {}, ReduceOptions options = {}, Where where = Where::current());

// These look at values and have no gradient. Of a Variable every element but 0 counts as true, NaN too. Write xgrad::any(mask):
// xtensor has functions of these names that it finds by itself.

/// Whether any element along `axes` is true.
///
/// Shapes: (…) → without the axes
/// Gradient: none
XGRAD_API Mask any(const Condition& x, Axes axes = {}, ReduceOptions options = {}, Where where = Where::current());
/// Whether all elements along `axes` are true.
///
/// Shapes: (…) → without the axes
/// Gradient: none
XGRAD_API Mask all(const Condition& x, Axes axes = {}, ReduceOptions options = {}, Where where = Where::current());
/// How many elements along `axes` are true.
///
/// Shapes: (…) → without the axes
/// Gradient: none
XGRAD_API Labels count_nonzero(const Condition& x, Axes axes = {}, ReduceOptions options = {}, Where where = Where::current());
template <class T>
XGRAD_API Mask any(const Variable<T>& x, Axes axes = {}, ReduceOptions options = {}, Where where = Where::current());
template <class T>
XGRAD_API Mask all(const Variable<T>& x, Axes axes = {}, ReduceOptions options = {}, Where where = Where::current());
template <class T>
XGRAD_API Labels count_nonzero(const Variable<T>& x, Axes axes = {}, ReduceOptions options = {}, Where where = Where::current());

}  // namespace xgrad

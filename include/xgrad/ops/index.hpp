#pragma once
#include <cstddef>
#include <optional>
#include <type_traits>
#include <vector>

#include <xgrad/core/indices.hpp>
#include <xgrad/graph/variable.hpp>

namespace xgrad {

/// The part of an axis that Python writes as start:stop:step. Negative bounds count from the end; bounds beyond the ends stop
/// there.
/// `{}` is the whole axis, `{1, 3}` its elements 1 and 2, `{.step = -1}` all of it backwards.
struct Slice {
  std::optional<std::ptrdiff_t> start = {}, stop = {};
  std::ptrdiff_t step = 1;
};

/// Part of x: `slice(x, {{1, 3}, {}, {.step = -2}})`, a Slice for each of the leading axes; the other axes stay whole. Throws
/// ShapeError for more slices than axes, ValueError for a step of 0.
///
/// Shapes: each axis at most as long
/// Gradient: g in its place, 0 elsewhere
template <class T>
XGRAD_API Variable<T> slice(Variable<T> x, const std::vector<Slice>& slices, Where at = Where::current());
/// ... along one axis.
template <class T>
XGRAD_API Variable<T> slice(Variable<T> x, int axis, Slice range, Where at = Where::current());
/// x with `value`, which broadcasts, in place of slice(x, slices). Throws as slice, and ShapeError when the value does not
/// broadcast.
///
/// Shapes: (…) → the same
/// Gradient: g with 0 in the slice for x, the slice of g for value
template <class T>
XGRAD_API Variable<T> slice_update(Variable<T> x, const std::vector<Slice>& slices, std::type_identity_t<Variable<T>> value,
                                   Where at = Where::current());
/// Element `index` of an axis, which goes. A negative index counts from the end. Throws IndexError.
///
/// Shapes: (…) → without the axis
/// Gradient: g in its place, 0 elsewhere
template <class T>
XGRAD_API Variable<T> select(Variable<T> x, int axis, std::ptrdiff_t index, Where at = Where::current());

// A negative index counts from the end, as in NumPy, and out of range they throw an IndexError that names the first bad one. An
// index may come more than once: gradients add up. The labels of embedding and one_hot are no places to count from but names of
// classes, where -1 often stands for none: they are not negative, as in PyTorch.

/// The elements `index` of an axis: index.shape takes the place of that axis. index_select(x, 0, {2, 0, 2}) are three rows.
/// Throws IndexError, and ShapeError when x has no such axis.
///
/// Shapes: (…, n, …) → (…, index.shape, …)
/// Gradient: g added up where each element came from
template <class T>
XGRAD_API Variable<T> index_select(Variable<T> x, int axis, const Indices& index, Where at = Where::current());
/// The rows of `weights` (n, …) that `labels` name: labels.shape + (…). Throws IndexError for a label that is not from 0 to n - 1.
///
/// Shapes: labels (…), weights (n, d) → (…, d)
/// Gradient: g added up in each label's row
template <class T>
XGRAD_API Variable<T> embedding(const Indices& labels, Variable<T> weights, Where at = Where::current());
/// out[i][j][k] = x[index[i][j][k]][j][k] for axis 0, and so on. `index` has as many axes as x and is no longer than x along the
/// others. Throws ShapeError, IndexError.
///
/// Shapes: as the index
/// Gradient: g added up where each element came from
template <class T>
XGRAD_API Variable<T> gather(Variable<T> x, int axis, const Indices& index, Where at = Where::current());
/// gather with x and `index` broadcast along the other axes: what argsort and argmax (with keepdims) give is what it takes.
/// Throws IndexError, and ShapeError when the numbers of axes differ or the other axes do not broadcast.
///
/// Shapes: as the index, broadcast
/// Gradient: g added up where each element came from
template <class T>
XGRAD_API Variable<T> take_along_axis(Variable<T> x, const Indices& index, int axis, Where at = Where::current());
/// x with source[i][j][k] added at [index[i][j][k]][j][k] for axis 0, and so on. `index` has source's shape. Errors as
/// gather.
///
/// Shapes: (…) → the same
/// Gradient: g for x, gather of g for source
template <class T>
XGRAD_API Variable<T> scatter_add(Variable<T> x, int axis, const Indices& index, std::type_identity_t<Variable<T>> source,
                                  Where at = Where::current());

/// The elements where the mask, which broadcasts to x, is true: one axis, in row-major order. Throws ShapeError.
///
/// Shapes: (…) → (number of true)
/// Gradient: g in its place, 0 elsewhere
template <class T>
XGRAD_API Variable<T> masked_select(Variable<T> x, const Condition& mask, Where at = Where::current());
/// x with `value` where the mask is true; mask and value broadcast to x. What is overwritten has gradient 0, NaN or not.
/// Throws ShapeError when they do not broadcast to x.
///
/// Shapes: (…) → the same
/// Gradient: g where the mask is false for x, Σ g where it is true for value
template <class T>
XGRAD_API Variable<T> masked_fill(Variable<T> x, const Condition& mask, std::type_identity_t<Variable<T>> value,
                                  Where at = Where::current());

/// 1 at each label, 0 elsewhere: labels.shape + (classes). Throws IndexError for a label that is not from 0 to classes - 1.
///
/// Shapes: (…) → (…, classes)
/// Gradient: none: labels have none
template <Real T = float>
XGRAD_API Array<T> one_hot(const Indices& labels, std::size_t classes, Where at = Where::current());

/// The lower triangle of the last two axes: 0 above diagonal k (1 is the one above the main diagonal, -1 below). Throws ShapeError
/// for fewer than two axes.
///
/// Shapes: (…, n, m) → the same
/// Gradient: tril(g)
template <class T>
XGRAD_API Variable<T> tril(Variable<T> x, std::ptrdiff_t k = 0, Where at = Where::current());
/// The upper triangle: 0 below diagonal k. Errors as tril.
///
/// Shapes: (…, n, m) → the same
/// Gradient: triu(g)
template <class T>
XGRAD_API Variable<T> triu(Variable<T> x, std::ptrdiff_t k = 0, Where at = Where::current());

}  // namespace xgrad

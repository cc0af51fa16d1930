#pragma once
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <vector>

#include <xgrad/graph/variable.hpp>

namespace xgrad {

/// The lengths to reshape to: `{2, 3}`, `{-1, 10}` or a Shape. One of them may be -1: whatever is left.
class Lengths {
 public:
  template <std::integral... N>
  Lengths(N... lengths) : lengths_{static_cast<std::ptrdiff_t>(lengths)...} {}  // NOLINT(google-explicit-constructor)
  Lengths(const Shape& shape) : lengths_(shape.begin(), shape.end()) {}         // NOLINT(google-explicit-constructor)
  /// The shape for an array of this shape. Throws ShapeError when the sizes differ or -1 does not come out even.
  XGRAD_API Shape resolve(const Shape& from) const;

 private:
  std::vector<std::ptrdiff_t> lengths_;
};

/// The same elements in the same (row-major) order under another shape. Throws ShapeError when the sizes differ.
///
/// Shapes: (…) → lengths
/// Gradient: g in the shape of x
template <class T>
XGRAD_API Variable<T> reshape(Variable<T> x, Lengths lengths, Where at = Where::current());
/// Merges the axes from `from` on into one: (n, h, w, c) becomes (n, h·w·c). flatten(x, 0) gives one axis. Throws
/// ShapeError when x has no axis `from`.
///
/// Shapes: (n, h, w, …) → (n, h·w·…)
/// Gradient: g in the shape of x
template <class T>
XGRAD_API Variable<T> flatten(Variable<T> x, int from = 1, Where at = Where::current());
/// The axes in another order: axis k of the result is axis `axes[k]` of x. Throws ShapeError unless `axes` names each axis once.
///
/// Shapes: axes in another order
/// Gradient: g permuted back
template <class T>
XGRAD_API Variable<T> permute(Variable<T> x, std::vector<std::ptrdiff_t> axes, Where at = Where::current());
/// The axes in reverse order. With a list of axes this is permute, and throws as it does.
///
/// Shapes: axes in reverse, or in another order
/// Gradient: g permuted back
template <class T>
XGRAD_API Variable<T> transpose(Variable<T> x, Where at = Where::current());
/// permute(x, axes), NumPy's name.
template <class T>
XGRAD_API Variable<T> transpose(Variable<T> x, std::vector<std::ptrdiff_t> axes, Where at = Where::current());
/// x repeated along new axes in front and along axes of length 1. Throws ShapeError when x does not broadcast to `shape`.
///
/// Shapes: (…) → shape
/// Gradient: g summed over what was repeated
template <class T>
XGRAD_API Variable<T> broadcast_to(Variable<T> x, const Shape& shape, Where at = Where::current());

/// Without these axes of length 1; without any such axis by default. Throws ShapeError for an axis that is longer.
///
/// Shapes: without axes of length 1
/// Gradient: g in the shape of x
template <class T>
XGRAD_API Variable<T> squeeze(Variable<T> x, Axes axes = {}, Where at = Where::current());
/// With a new axis of length 1, which is axis `axis` of the result. Throws ShapeError.
///
/// Shapes: with one more axis of length 1
/// Gradient: g in the shape of x
template <class T>
XGRAD_API Variable<T> unsqueeze(Variable<T> x, int axis, Where at = Where::current());

/// The arrays one after the other along an axis; the lengths of the other axes must be equal. Throws ShapeError, and ValueError for
/// no arrays. C++ finds a function without its namespace by the types of its arguments, and a list in braces has none: write
/// xgrad::concat({a, b}), or concat(std::vector{a, b}). Likewise for stack.
///
/// Shapes: (…, n, …), (…, m, …) → (…, n + m, …)
/// Gradient: the part of g
template <class T>
XGRAD_API Variable<T> concat(std::vector<Variable<T>> xs, int axis = 0, Where at = Where::current());
template <class T>
Variable<T> concat(std::initializer_list<Variable<T>> xs, int axis = 0, Where at = Where::current()) {
  return concat(std::vector<Variable<T>>(xs), axis, at);
}
/// Arrays of one shape along a new axis, which is axis `axis` of the result. Throws as concat.
///
/// Shapes: k of (…) → (…, k, …)
/// Gradient: the part of g
template <class T>
XGRAD_API Variable<T> stack(std::vector<Variable<T>> xs, int axis = 0, Where at = Where::current());
template <class T>
Variable<T> stack(std::initializer_list<Variable<T>> xs, int axis = 0, Where at = Where::current()) {
  return stack(std::vector<Variable<T>>(xs), axis, at);
}
/// Equal parts along an axis. Throws ShapeError when its length does not divide evenly, ValueError for less than one part.
///
/// Shapes: (…, n + m, …) → (…, n, …), (…, m, …)
/// Gradient: g, zeros around it
template <class T>
XGRAD_API std::vector<Variable<T>> split(Variable<T> x, int parts, int axis = 0, Where at = Where::current());
/// Parts of these lengths, which must add up to the axis. Throws ShapeError.
template <class T>
XGRAD_API std::vector<Variable<T>> split(Variable<T> x, std::vector<std::ptrdiff_t> lengths, int axis = 0,
                                         Where at = Where::current());
template <class T>
std::vector<Variable<T>> split(Variable<T> x, std::initializer_list<std::ptrdiff_t> lengths, int axis = 0,
                               Where at = Where::current()) {
  return split(std::move(x), std::vector<std::ptrdiff_t>(lengths), axis, at);
}

enum class PadMode {
  constant,  ///< PadOptions::value
  reflect,   ///< mirrored at the first and last element: c b | a b c | b a
  edge,      ///< the first and last element: a a | a b c | c c
};
struct PadOptions {
  PadMode mode = PadMode::constant;
  double value = 0;
};
/// How much is added to an axis.
struct PadWidth {
  std::ptrdiff_t before = 0, after = 0;
};
/// x made longer at both ends of each axis: pad(x, {{1, 1}, {0, 2}}). Throws ShapeError unless every axis is given, or where there
/// is nothing to reflect or repeat, ValueError for negative widths.
///
/// Shapes: each axis longer
/// Gradient: the part of g that x became; what was mirrored or repeated adds up
template <class T>
XGRAD_API Variable<T> pad(Variable<T> x, const std::vector<PadWidth>& widths, PadOptions options = {}, Where at = Where::current());
/// ... by the same width everywhere.
template <class T>
XGRAD_API Variable<T> pad(Variable<T> x, int width, PadOptions options = {}, Where at = Where::current());

/// The axes, all of them by default, in reverse. Throws ShapeError for an axis out of range or given twice.
///
/// Shapes: (…) → the same
/// Gradient: g flipped
template <class T>
XGRAD_API Variable<T> flip(Variable<T> x, Axes axes = {}, Where at = Where::current());
/// Elements moved by `shift` places along an axis; what leaves at the end comes in at the front. Without an axis the elements move
/// in row-major order. Throws ShapeError when x has no such axis.
///
/// Shapes: (…) → the same
/// Gradient: g rolled back
template <class T>
XGRAD_API Variable<T> roll(Variable<T> x, std::ptrdiff_t shift, std::optional<int> axis = {}, Where at = Where::current());
/// The whole array repeated along its axes, as np.tile: a shorter list counts for the last axes, a longer one adds axes in front.
/// Throws ValueError for a negative number.
///
/// Shapes: each axis times its number
/// Gradient: g summed over the copies
template <class T>
XGRAD_API Variable<T> tile(Variable<T> x, const std::vector<std::ptrdiff_t>& repeats, Where at = Where::current());
/// Each element repeated `count` times, along an axis or, without one, in a flat array, as np.repeat. Throws ValueError for a
/// negative number.
///
/// Shapes: the axis times count
/// Gradient: g summed over the copies
template <class T>
XGRAD_API Variable<T> repeat(Variable<T> x, std::ptrdiff_t count, std::optional<int> axis = {}, Where at = Where::current());

/// The diagonal of the plane of two axes, as a last axis in their place; offset 1 is the diagonal above the main one. Throws
/// ShapeError unless the axes are two.
///
/// Shapes: (n, m, …) → (…, k)
/// Gradient: g on the diagonal, 0 elsewhere
template <class T>
XGRAD_API Variable<T> diagonal(Variable<T> x, std::ptrdiff_t offset = 0, int axis1 = 0, int axis2 = 1, Where at = Where::current());
/// A matrix with the vector x on diagonal k, or diagonal k of a matrix. Throws ShapeError for anything else.
///
/// Shapes: (n) → (n + |k|, n + |k|), or back
/// Gradient: g on the diagonal, 0 elsewhere; of a matrix made, the diagonal of g
template <class T>
XGRAD_API Variable<T> diag(Variable<T> x, std::ptrdiff_t k = 0, Where at = Where::current());

}  // namespace xgrad

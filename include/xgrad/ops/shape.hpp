#pragma once
#include <concepts>
#include <cstddef>
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
template <class T>
XGRAD_API Variable<T> reshape(Variable<T> x, Lengths lengths, Where where = Where::current());
/// Merges the axes from `from` on into one: (n, h, w, c) becomes (n, h·w·c). flatten(x, 0) gives one axis.
template <class T>
XGRAD_API Variable<T> flatten(Variable<T> x, int from = 1, Where where = Where::current());
/// The axes in another order: axis k of the result is axis `axes[k]` of x. Throws ShapeError unless `axes` names each axis once.
template <class T>
XGRAD_API Variable<T> permute(Variable<T> x, std::vector<std::ptrdiff_t> axes, Where where = Where::current());
/// The axes in reverse order.
template <class T>
XGRAD_API Variable<T> transpose(Variable<T> x, Where where = Where::current());
/// permute(x, axes), NumPy's name.
template <class T>
Variable<T> transpose(Variable<T> x, std::vector<std::ptrdiff_t> axes, Where where = Where::current()) {
  return permute(std::move(x), std::move(axes), where);
}
/// x repeated along new axes in front and along axes of length 1. Throws ShapeError when x does not broadcast to `shape`.
template <class T>
XGRAD_API Variable<T> broadcast_to(Variable<T> x, const Shape& shape, Where where = Where::current());

}  // namespace xgrad

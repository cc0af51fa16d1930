#pragma once
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <string_view>
#include <vector>

#include <xgrad/core/array.hpp>
#include <xgrad/core/error.hpp>

namespace xgrad {

/// The axes an operation works along: `0`, `-1`, `{0, 1}`, or all of them, which is the default and what `{}` means. Negative ones
/// count from the end. A list that was computed, `Axes(list)`, means what is in it: if it is empty, no axis, as NumPy's `axis=()`.
/// A reduction along no axis is that of each element alone.
class Axes {
 public:
  Axes() noexcept : all_(true) {}
  Axes(std::integral auto axis) : axes_{static_cast<std::ptrdiff_t>(axis)} {}  // NOLINT(google-explicit-constructor): sum(x, 0)
  Axes(std::initializer_list<std::ptrdiff_t> axes) : axes_(axes) {}
  explicit Axes(std::vector<std::ptrdiff_t> axes) : axes_(std::move(axes)) {}

  bool all() const noexcept { return all_; }
  /// One flag per axis of an array with `rank` axes. Throws ShapeError for an axis out of range or given twice.
  XGRAD_API std::vector<bool> flags(std::size_t rank) const;

 private:
  std::vector<std::ptrdiff_t> axes_;
  bool all_ = false;
};

/// `axis` counted from the front. Throws ShapeError when it is not in [-rank, rank).
XGRAD_API std::size_t normalise_axis(std::ptrdiff_t axis, std::size_t rank);

namespace detail {
[[noreturn]] XGRAD_API void uncountable(const Shape& shape);
}

/// The product of the lengths of axes first … last - 1. Throws ShapeError when it does not fit in a std::size_t, which an array
/// without elements may lead to.
inline std::size_t size_of(const Shape& shape, std::size_t first, std::size_t last) {
  std::size_t n = 1;
  bool overflow = false, empty = false;
  for (std::size_t k = first; k < last; ++k) {
    empty |= shape[k] == 0;
    overflow |= __builtin_mul_overflow(n, shape[k], &n);
  }
  if (overflow && !empty) detail::uncountable(shape);
  return empty ? 0 : n;
}
/// The number of elements. Throws ShapeError when it does not fit in a std::size_t.
inline std::size_t size_of(const Shape& shape) { return size_of(shape, 0, shape.size()); }

/// Wide enough for any sum of a few products of two users' numbers.
__extension__ using Wide = __int128;
/// A length that was computed. Throws ShapeError when it is negative or no machine could hold so many elements.
XGRAD_API std::size_t length_of(Wide length);

/// The common shape of NumPy's broadcasting. Throws ShapeError, naming the operands "a" and "b".
XGRAD_API Shape broadcast_shapes(const Shape& a, const Shape& b);
/// Whether two shapes have a common shape.
XGRAD_API bool can_broadcast(const Shape& a, const Shape& b);
/// Whether an array of shape `from` can be broadcast to shape `to`.
XGRAD_API bool broadcasts_to(const Shape& from, const Shape& to);

}  // namespace xgrad

#pragma once
/// Which axes an operation reduces, and how an array is reduced along them.
#include <algorithm>
#include <cstddef>
#include <vector>

#include <xgrad/core/fields.hpp>
#include <xgrad/core/shape.hpp>

namespace xgrad::detail {

struct Reduced {
  std::vector<bool> reduced;
  Shape kept;    ///< the input's shape with the reduced axes of length 1
  Shape result;  ///< ... or without them

  Reduced(const Shape& shape, std::vector<bool> flags, bool keepdims) : reduced(std::move(flags)), kept(shape) {
    for (std::size_t k = 0; k < shape.size(); ++k) {
      if (reduced[k]) kept[k] = 1;
      if (keepdims || !reduced[k]) result.push_back(kept[k]);
    }
  }
  Reduced(const Shape& shape, const Axes& axes, bool keepdims) : Reduced(shape, axes.flags(shape.size()), keepdims) {}

  /// The reduced axes again, as they were given.
  Axes axes() const {
    std::vector<std::ptrdiff_t> list;
    for (std::size_t k = 0; k < reduced.size(); ++k)
      if (reduced[k]) list.push_back(static_cast<std::ptrdiff_t>(k));
    return Axes(std::move(list));
  }
  /// Elements that become one.
  std::size_t count(const Shape& shape) const {
    Shape gone;
    for (std::size_t k = 0; k < shape.size(); ++k)
      if (reduced[k]) gone.push_back(shape[k]);
    return size_of(gone);
  }
  XGRAD_FIELDS(reduced, result, kept)
};

/// Reduces the flagged axes of `x` into an array of shape `result`: one run of neighbouring axes after the other, from the last.
/// `reduce(x, out, outer, middle, inner)` does one run.
template <class T, class Reduce>
Array<T> reduce_axes(const Array<T>& x, const std::vector<bool>& reduced, const Shape& result, Reduce reduce) {
  const Shape& shape = x.shape();
  Array<T> out = make_array<T>(result), partial;
  if (out.size() == 0) return out;
  const T* source = x.data();
  std::size_t inner = 1;
  for (std::size_t end = shape.size(), begin = end; end > 0; end = begin) {
    while (begin > 0 && reduced[begin - 1] == reduced[end - 1]) --begin;
    const std::size_t middle = size_of(shape, begin, end);
    if (!reduced[end - 1]) {
      inner *= middle;
      continue;
    }
    const std::size_t outer = size_of(shape, 0, begin);
    if (std::none_of(reduced.begin(), reduced.begin() + static_cast<std::ptrdiff_t>(begin), [](bool r) { return r; })) {
      reduce(source, out.data(), outer, middle, inner);
      return out;
    }
    Array<T> next = make_array<T>(Shape{outer, inner});
    reduce(source, next.data(), outer, middle, inner);
    partial = std::move(next);
    source = partial.data();
  }
  std::copy_n(source, out.size(), out.data());  // no axis was flagged
  return out;
}

/// An array as (outer, length, inner) around one axis.
struct Around {
  std::size_t outer = 1, length = 1, inner = 1;
  /// `outer` of an array without elements is 0: loops over it end at once, whatever its other lengths are. Out of line: when it is
  /// inlined, g++ 14 warns that a Shape is uninitialised.
  [[gnu::noinline]] Around(const Shape& shape, std::size_t axis)
      : outer(size_of(shape) == 0 ? 0 : size_of(shape, 0, axis)),
        length(shape[axis]),
        inner(size_of(shape, axis + 1, shape.size())) {}
};

}  // namespace xgrad::detail

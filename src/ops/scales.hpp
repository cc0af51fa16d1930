#pragma once
/// Sums of squares of numbers whose squares overflow or vanish.
#include <algorithm>
#include <cmath>
#include <limits>

#include <xgrad/core/array.hpp>

#include "../kernels/array/reduce.hpp"
#include "axes.hpp"

namespace xgrad::detail {

/// Whether a sum of squares, to which `floor` is added, has lost nothing to the ends of T's range.
template <class T>
bool in_range(T squares, T floor = 0) {
  constexpr T least = std::numeric_limits<T>::min() / std::numeric_limits<T>::epsilon() / std::numeric_limits<T>::epsilon();
  return squares + floor >= least && squares <= std::numeric_limits<T>::max();
}

/// A power of two that brings numbers of this size, or the root of `floor` if that is more, near 1; 1 for 0, infinity and NaN.
template <class T>
T scale_for(T size, T floor = 0) {
  constexpr int limit = std::numeric_limits<T>::max_exponent - 2;
  if (size == 0 || !std::isfinite(size)) return 1;
  return std::ldexp(T(1), std::clamp(-std::ilogb(std::max(size, std::sqrt(floor))), -limit, limit));
}

/// What to multiply x with before its squares are summed along the axes, of x's shape with those of length 1; an empty array where
/// the sums of squares without it, `squares`, were in range.
template <class T>
Array<T> scales_of(const Array<T>& x, const Reduced& axes, const Array<T>& squares, T floor = 0) {
  if (std::all_of(squares.data(), squares.data() + squares.size(), [&](T v) { return in_range(v, floor); }))
    return make_array<T>(Shape{0});
  const Array<T> high = reduce_axes(x, axes.reduced, axes.kept, kernels::largest<T>);
  const Array<T> low = reduce_axes(x, axes.reduced, axes.kept, kernels::smallest<T>);
  Array<T> scales = make_array<T>(axes.kept);
  bool any = false;
  for (std::size_t k = 0; k < scales.size(); ++k) {
    scales.data()[k] =
        in_range(squares.data()[k], floor) ? T(1) : scale_for(std::max(std::abs(high.data()[k]), std::abs(low.data()[k])), floor);
    any |= scales.data()[k] != 1;
  }
  return any ? scales : make_array<T>(Shape{0});
}

}  // namespace xgrad::detail

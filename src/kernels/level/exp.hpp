#pragma once
/// exp for kernels. For kernel files only.
#include <cstdint>
#include <limits>

#include "vec.hpp"

namespace xgrad::kernels::XGRAD_LEVEL {
namespace {

#if XGRAD_SIMD
/// 2^n for whole n from -126 to 127: the sum's last bits are n + 127, and move into the exponent.
inline Vec<float> power_of_two(Vec<float> n) {
  const auto bits = bits_as<std::int32_t>(n + Vec<float>(12582912.F + 127.F));
  return bits_as<float>(bits << 23);
}

/// Of floats, within 1 unit of the last place: with n the nearest whole number to x / ln 2, 2^n times a polynomial in the rest.
/// 2^n takes two steps, as 2^128 and 2^-149 cannot be made of bits alone. Where x is known not to be positive and denormal results
/// may be 0, it takes one.
template <bool negative>
Vec<float> exponential_of(Vec<float> x) {
  using V = Vec<float>;
  const V magic(12582912.F);  // 1.5 * 2^23: what is added to it becomes whole
  const V n = multiply_add(x, V(1.44269504F), magic) - magic;
  const V r = sub_multiply(n, V(-2.12194440e-4F), sub_multiply(n, V(0.693359375F), x));
  V p = multiply_add(V(1.38145979e-3F), r, V(8.36871693e-3F));
  p = multiply_add(p, r, V(4.16683881e-2F));
  p = multiply_add(p, r, V(1.66665206e-1F));
  p = multiply_add(p, r, V(4.99999934e-1F));
  p = multiply_add(p, r * r, r) + V(1.F);
  if constexpr (negative) {
    return select(x < V(-87.3365448F), V(0.F), p * power_of_two(n));  // of a NaN, p is NaN
  } else {
    const V half = multiply_add(n, V(0.5F), magic) - magic;
    const V y = p * power_of_two(half) * power_of_two(n - half);
    return select(x > V(88.7228394F), V(std::numeric_limits<float>::infinity()), select(x < V(-103.972084F), V(0.F), y));
  }
}
#endif

template <bool negative, class T>
Vec<T> exponential(Vec<T> x) {
#if XGRAD_SIMD
  if constexpr (sizeof(T) == 4) return exponential_of<negative>(x);
#endif
  return exp(x);
}

}  // namespace
}  // namespace xgrad::kernels::XGRAD_LEVEL

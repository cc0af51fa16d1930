#pragma once
/// A number with its first and second derivatives by two variables, in long double. Each function has its derivatives in a form
/// that loses no digits at any size.
#include <cmath>
#include <numbers>

namespace xgrad_test {

using L = long double;

struct Jet {
  L v = 0, a = 0, b = 0, aa = 0, ab = 0, bb = 0;
  Jet(L value = 0) : v(value) {}  // NOLINT(google-explicit-constructor): numbers are constants
  Jet(L value, L a_, L b_, L aa_, L ab_, L bb_) : v(value), a(a_), b(b_), aa(aa_), ab(ab_), bb(bb_) {}
};

/// 0 is 0, times anything.
inline L times(L x, L y) { return x == 0 || y == 0 ? 0 : x * y; }

/// f(x) of which value, slope and curvature are given.
inline Jet chain(const Jet& x, L f, L slope, L curve) {
  return {f,
          times(slope, x.a),
          times(slope, x.b),
          times(slope, x.aa) + times(curve, times(x.a, x.a)),
          times(slope, x.ab) + times(curve, times(x.a, x.b)),
          times(slope, x.bb) + times(curve, times(x.b, x.b))};
}
inline Jet operator-(const Jet& x) { return {-x.v, -x.a, -x.b, -x.aa, -x.ab, -x.bb}; }
inline Jet operator+(const Jet& x, const Jet& y) {
  return {x.v + y.v, x.a + y.a, x.b + y.b, x.aa + y.aa, x.ab + y.ab, x.bb + y.bb};
}
inline Jet operator-(const Jet& x, const Jet& y) { return x + -y; }
inline Jet operator*(const Jet& x, const Jet& y) {
  return {times(x.v, y.v),
          times(x.a, y.v) + times(x.v, y.a),
          times(x.b, y.v) + times(x.v, y.b),
          times(x.aa, y.v) + 2 * times(x.a, y.a) + times(x.v, y.aa),
          times(x.ab, y.v) + times(x.a, y.b) + times(x.b, y.a) + times(x.v, y.ab),
          times(x.bb, y.v) + 2 * times(x.b, y.b) + times(x.v, y.bb)};
}
inline Jet inverse(const Jet& x) { return chain(x, 1 / x.v, -1 / x.v / x.v, 2 / x.v / x.v / x.v); }
inline Jet operator/(const Jet& x, const Jet& y) { return x * inverse(y); }

inline Jet sqrt(const Jet& x) {
  const L y = std::sqrt(x.v);
  return chain(x, y, 0.5L / y, -0.25L / y / x.v);
}
inline Jet exp(const Jet& x) {
  const L y = std::exp(x.v);
  return chain(x, y, y, y);
}
inline Jet expm1(const Jet& x) { return chain(x, std::expm1(x.v), std::exp(x.v), std::exp(x.v)); }
inline Jet log(const Jet& x) { return chain(x, std::log(x.v), 1 / x.v, -1 / x.v / x.v); }
inline Jet log1p(const Jet& x) { return chain(x, std::log1p(x.v), 1 / (1 + x.v), -1 / (1 + x.v) / (1 + x.v)); }
inline Jet sin(const Jet& x) { return chain(x, std::sin(x.v), std::cos(x.v), -std::sin(x.v)); }
inline Jet cos(const Jet& x) { return chain(x, std::cos(x.v), -std::sin(x.v), -std::cos(x.v)); }
inline Jet tan(const Jet& x) {
  const L t = std::tan(x.v), c = 1 / std::cos(x.v);
  return chain(x, t, c * c, 2 * t * c * c);
}
inline Jet asin(const Jet& x) {
  const L w = (1 - x.v) * (1 + x.v);
  return chain(x, std::asin(x.v), 1 / std::sqrt(w), x.v / w / std::sqrt(w));
}
inline Jet acos(const Jet& x) {
  const Jet y = -asin(x);
  return {std::acos(x.v), y.a, y.b, y.aa, y.ab, y.bb};
}
inline Jet atan(const Jet& x) {
  const L w = 1 + x.v * x.v;
  return chain(x, std::atan(x.v), 1 / w, -2 * x.v / w / w);
}
inline Jet sinh(const Jet& x) { return chain(x, std::sinh(x.v), std::cosh(x.v), std::sinh(x.v)); }
inline Jet cosh(const Jet& x) { return chain(x, std::cosh(x.v), std::sinh(x.v), std::cosh(x.v)); }
inline Jet tanh(const Jet& x) {
  const L t = std::tanh(x.v), c = 1 / std::cosh(x.v);
  return chain(x, t, c * c, -2 * t * c * c);
}
inline Jet asinh(const Jet& x) {
  const L w = std::hypot(1.0L, x.v);
  return chain(x, std::asinh(x.v), 1 / w, -(x.v / w) / w / w);
}
inline Jet acosh(const Jet& x) {
  const L w = std::sqrt(x.v - 1) * std::sqrt(x.v + 1);
  return chain(x, std::acosh(x.v), 1 / w, -(x.v / w) / w / w);
}
inline Jet atanh(const Jet& x) {
  const L w = (1 - x.v) * (1 + x.v);
  return chain(x, std::atanh(x.v), 1 / w, 2 * x.v / w / w);
}
inline Jet erf(const Jet& x) {
  const L slope = 2 * std::numbers::inv_sqrtpi_v<L> * std::exp(-x.v * x.v);
  return chain(x, std::erf(x.v), slope, -2 * times(x.v, slope));
}
inline Jet erfc(const Jet& x) {
  const Jet y = -erf(x);
  return {std::erfc(x.v), y.a, y.b, y.aa, y.ab, y.bb};
}
/// Derivative number `n` (0, 1, 2 or 3) of digamma: recurrence up to where three terms of the series are exact, reflection below 0.
inline L polygamma(int n, L x) {
  const L pi = std::numbers::pi_v<L>;
  if (x <= 0) {
    const L c = 1 / std::tan(pi * (x - std::nearbyint(x))), d = 1 + c * c;  // derivatives of cot
    const L cot[]{c, -pi * d, 2 * pi * pi * c * d, -2 * pi * pi * pi * d * (1 + 3 * c * c)};
    return (n % 2 == 0 ? 1 : -1) * polygamma(n, 1 - x) - pi * cot[n];
  }
  const L factorial[]{1, 1, 2, 6, 24};
  L result = 0;
  for (; x < 1000; x += 1) result += factorial[n] / std::pow(x, n + 1.0L);
  const L z = 1 / x / x;
  const L series[]{std::log(x) - 0.5L / x - z / 12 + z * z / 120 - z * z * z / 252,
                   1 / x + z / 2 + z / x / 6 - z * z / x / 30 + z * z * z / x / 42, -z - z / x - z * z / 2 + z * z * z / 6,
                   2 * z / x + 3 * z * z + 2 * z * z / x - z * z * z / x};
  return series[n] + (n % 2 == 0 ? -result : result);
}
inline Jet lgamma(const Jet& x) { return chain(x, std::lgamma(x.v), polygamma(0, x.v), polygamma(1, x.v)); }
inline Jet digamma(const Jet& x) { return chain(x, polygamma(0, x.v), polygamma(1, x.v), polygamma(2, x.v)); }
inline Jet hypot(const Jet& x, const Jet& y) {
  const Jet squares = x * x + y * y;
  return squares.v == 0 ? Jet() : sqrt(squares);
}
/// 1 / (1 + exp(-x))
inline Jet logistic(const Jet& x) {
  const L z = std::exp(-std::fabs(x.v)), left = x.v >= 0 ? 1 / (1 + z) : z / (1 + z), right = x.v >= 0 ? z / (1 + z) : 1 / (1 + z);
  return chain(x, left, left * right, left * right * (right - left));
}
/// log(1 + exp(x))
inline Jet softplus(const Jet& x) {
  const Jet slope = logistic(Jet(x.v, 1, 0, 0, 0, 0));
  return chain(x, std::fmax(x.v, 0.0L) + std::log1p(std::exp(-std::fabs(x.v))), slope.v, slope.a);
}

}  // namespace xgrad_test

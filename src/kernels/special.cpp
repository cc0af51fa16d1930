// Primitives element by element. xsimd 8.1 has some of these too, but its pow, lgamma, acosh and erf are wrong at the edges.
#include "special.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <type_traits>

namespace xgrad::kernels {
namespace {

/// Bit 0 of `scalars`: a is one value; bit 1: b is. `f` may look at the element's operands alone.
template <class T, class F, unsigned scalars>
void kernel(T* d, const T* a, const T* b, const T*, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    if constexpr (std::is_invocable_v<F, T>)
      d[i] = F{}(a[i]);
    else
      d[i] = F{}(a[(scalars & 1) != 0 ? 0 : i], b[(scalars & 2) != 0 ? 0 : i]);
  }
}

/// pow with one exponent for all elements: the everyday ones need no library call.
template <class T>
void pow_scalar(T* d, const T* a, const T* b, const T* c, std::size_t n) {
  const auto each = [&](auto f) {
    for (std::size_t i = 0; i < n; ++i) d[i] = f(a[i]);
  };
  if (*b == 0) return each([](T) { return T(1); });
  if (*b == 1) return each([](T x) { return x; });
  if (*b == 2) return each([](T x) { return x * x; });
  if (*b == 3) return each([](T x) { return x * x * x; });
  if (*b == -1) return each([](T x) { return T(1) / x; });
  if (*b == T(0.5))
    return each([](T x) { return std::isinf(x) ? std::abs(x) : std::sqrt(x) + T(0); });  // as pow has it for -inf and -0
  const auto general = [](T x, T y) { return std::pow(x, y); };
  kernel<T, decltype(general), 2>(d, a, b, c, n);
}

double lgamma(double x) {
#if defined(__GLIBC__)
  int sign = 0;
  return ::lgamma_r(x, &sign);  // std::lgamma writes the sign into a global
#else
  return std::lgamma(x);
#endif
}

/// Bernoulli numbers B₂, B₄, …
constexpr std::array bernoulli{1.0 / 6,       -1.0 / 30, 1.0 / 42,      -1.0 / 30,    5.0 / 66,
                               -691.0 / 2730, 7.0 / 6,   -3617.0 / 510, 43867.0 / 798};

double factorial(int n) { return n < 2 ? 1 : n * factorial(n - 1); }

/// Abramowitz & Stegun 6.3.18, after stepping up to where the series is exact.
double digamma_positive(double x) {
  double result = 0;
  for (; x < 10; x += 1) result -= 1 / x;
  const double z = 1 / (x * x);
  double power = z, series = 0;
  for (std::size_t k = 0; k < bernoulli.size(); ++k, power *= z) series += bernoulli[k] / (2 * static_cast<double>(k) + 2) * power;
  return result + std::log(x) - 0.5 / x - series;
}

/// Abramowitz & Stegun 6.4.11, n > 0, without the sign (-1)ⁿ⁺¹.
double polygamma_positive(int n, double x) {
  double result = 0;
  for (; x < 10 + n; x += 1) result += std::pow(x, -n - 1);
  result *= factorial(n);
  result += factorial(n - 1) * std::pow(x, -n) * (1 + 0.5 * n / x);
  double term = factorial(n - 1) * std::pow(x, -n);  // (2k + n - 1)! / (2k)! x^-(2k + n), for k = 0
  for (int k = 1; k <= static_cast<int>(bernoulli.size()); ++k) {
    term *= (2 * k + n - 2) * (2 * k + n - 1) / (2.0 * k * (2 * k - 1) * x * x);
    result += bernoulli[static_cast<std::size_t>(k - 1)] * term;
  }
  return result;
}

/// Derivative number n of cot at an angle whose cotangent is c: a polynomial in c, for cot' = -(1 + cot²).
double cot_derivative(int n, double c) {
  std::array<double, 64> p{0, 1}, next;
  for (int k = 0; k < n; ++k) {
    next.fill(0);
    for (std::size_t j = 1; j < static_cast<std::size_t>(k) + 2; ++j) {
      next[j - 1] -= static_cast<double>(j) * p[j];
      next[j + 1] -= static_cast<double>(j) * p[j];
    }
    p = next;
  }
  double result = 0;
  for (std::size_t j = p.size(); j-- > 0;) result = result * c + p[j];
  return result;
}

template <class T>
void fill(Table<T>& table) {
  using P = Primitive;
  const auto unary = [&]<class F>(P op, F) { table.formula[static_cast<std::size_t>(op)][0] = kernel<T, F, 0>; };
  const auto binary = [&]<class F>(P op, F) {
    auto& row = table.formula[static_cast<std::size_t>(op)];
    row[0] = kernel<T, F, 0>;
    row[1] = kernel<T, F, 1>;
    row[2] = kernel<T, F, 2>;
  };
  unary(P::log2, [](T x) { return std::log2(x); });
  unary(P::log10, [](T x) { return std::log10(x); });
  unary(P::tan, [](T x) { return std::tan(x); });
  unary(P::asin, [](T x) { return std::asin(x); });
  unary(P::acos, [](T x) { return std::acos(x); });
  unary(P::atan, [](T x) { return std::atan(x); });
  unary(P::sinh, [](T x) { return std::sinh(x); });
  unary(P::cosh, [](T x) { return std::cosh(x); });
  unary(P::asinh, [](T x) { return std::asinh(x); });
  unary(P::acosh, [](T x) { return std::acosh(x); });
  unary(P::atanh, [](T x) { return std::atanh(x); });
  unary(P::lgamma, [](T x) { return static_cast<T>(lgamma(static_cast<double>(x))); });
  binary(P::atan2, [](T a, T b) { return std::atan2(a, b); });
  binary(P::hypot, [](T a, T b) { return std::hypot(a, b); });
  binary(P::fmod, [](T a, T b) { return std::fmod(a, b); });
  binary(P::polygamma, [](T a, T b) { return static_cast<T>(polygamma(static_cast<int>(a), static_cast<double>(b))); });
  binary(P::pow, [](T a, T b) { return std::pow(a, b); });
  table.formula[static_cast<std::size_t>(P::pow)][2] = pow_scalar<T>;
}

}  // namespace

double polygamma(int n, double x) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  if (std::isnan(x) || n < 0 || n > 60 || x == -inf) return nan;
  if (x == inf) return n == 0 ? inf : 0;
  const double sign = n % 2 == 0 ? -1 : 1;
  if (x > 0) return n == 0 ? digamma_positive(x) : sign * polygamma_positive(n, x);
  if (n == 0 && x == 0) return std::copysign(inf, -x);
  const double rest = x - std::nearbyint(x);  // exact, and cot has period π
  if (rest == 0) return n % 2 == 0 ? nan : inf;
  const double mirrored = n == 0 ? digamma_positive(1 - x) : sign * polygamma_positive(n, 1 - x);
  return -sign * mirrored - std::pow(std::numbers::pi, n + 1) * cot_derivative(n, 1 / std::tan(std::numbers::pi * rest));
}

void fill_special(Table<float>& table) { fill(table); }
void fill_special(Table<double>& table) { fill(table); }

}  // namespace xgrad::kernels

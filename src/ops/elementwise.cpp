#include <xgrad/ops/elementwise.hpp>

#include <algorithm>
#include <limits>

#include "formulas.hpp"

namespace xgrad {
using namespace detail;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// d logaddexp(x, y) / dx. Of equal infinities each has a half.
template <class S>
S share(S x, S y) {
  return where(x == y && abs(x) == infinity, 0.5, sigmoid(x - y));
}

}  // namespace

/// A function of two and its operator.
#define XGRAD_OPERATOR(name, expression)                                               \
  namespace {                                                                          \
  const auto& name##_formula() {                                                       \
    static const auto& op = lasting(#name, [](auto x, auto y) { return expression; }); \
    return op;                                                                         \
  }                                                                                    \
  }                                                                                    \
  template <class T>                                                                   \
  Variable<T> name(Variable<T> a, std::type_identity_t<Variable<T>> b, Where at) {     \
    return call<T>(name##_formula(), at, std::move(a), std::move(b));                  \
  }                                                                                    \
  template <class T>                                                                   \
  Variable<T> detail::name(Operand<T>& a, Operand<T>& b) {                             \
    return call<T>(name##_formula(), b.where, a.take(), b.take());                     \
  }                                                                                    \
  template Variable<float> name<float>(Variable<float>, Variable<float>, Where);       \
  template Variable<double> name<double>(Variable<double>, Variable<double>, Where);   \
  template Variable<float> detail::name<float>(Operand<float>&, Operand<float>&);      \
  template Variable<double> detail::name<double>(Operand<double>&, Operand<double>&)

XGRAD_OPERATOR(add, x + y);
XGRAD_OPERATOR(sub, x - y);
XGRAD_OPERATOR(mul, x* y);
XGRAD_OPERATOR(div, x / y);
XGRAD_BINARY(maximum, maximum(x, y));
XGRAD_BINARY(minimum, minimum(x, y));
XGRAD_BINARY(pow, pow(x, y));
XGRAD_BINARY(fmod, fmod(x, y));
XGRAD_BINARY(hypot, hypot(x, y));
XGRAD_BINARY(atan2, atan2(x, y));
// The maximum's derivative is not right at a tie, where this is smooth.
XGRAD_BINARY(
    logaddexp, where(x == y && abs(x) == infinity, x, maximum(x, y) + softplus(-abs(x - y))),
    [](auto g, auto x, auto y) { return g * share(x, y); }, [](auto g, auto x, auto y) { return g * share(y, x); });
XGRAD_BINARY(
    heaviside, where(x > 0, 1, where(x < 0, 0, where(x == 0, y, x))), [](auto, auto, auto) { return 0; },
    [](auto, auto, auto) { return 0; });

XGRAD_UNARY(neg, -a);
XGRAD_UNARY(abs, abs(a));
XGRAD_UNARY(square, square(a));
XGRAD_UNARY(sqrt, sqrt(a));
XGRAD_UNARY(rsqrt, rsqrt(a));
XGRAD_UNARY(reciprocal, reciprocal(a));
XGRAD_UNARY(exp, exp(a));
XGRAD_UNARY(expm1, expm1(a));
XGRAD_UNARY(log, log(a));
XGRAD_UNARY(log1p, log1p(a));
XGRAD_UNARY(log2, log2(a));
XGRAD_UNARY(log10, log10(a));
XGRAD_UNARY(sin, sin(a));
XGRAD_UNARY(cos, cos(a));
XGRAD_UNARY(tan, tan(a));
XGRAD_UNARY(asin, asin(a));
XGRAD_UNARY(acos, acos(a));
XGRAD_UNARY(atan, atan(a));
XGRAD_UNARY(sinh, sinh(a));
XGRAD_UNARY(cosh, cosh(a));
XGRAD_UNARY(asinh, asinh(a));
XGRAD_UNARY(acosh, acosh(a));
XGRAD_UNARY(atanh, atanh(a));
XGRAD_UNARY(erf, erf(a));
XGRAD_UNARY(lgamma, lgamma(a));
XGRAD_UNARY(digamma, digamma(a));
XGRAD_UNARY(sign, sign(a));
XGRAD_UNARY(floor, floor(a));
XGRAD_UNARY(ceil, ceil(a));
XGRAD_UNARY(round, round(a));

template <class T>
Variable<T> clamp(Variable<T> x, std::type_identity_t<Variable<T>> low, std::type_identity_t<Variable<T>> high, Where at) {
  static const auto op = elementwise("clamp", [](auto a, auto b, auto c) { return clamp(a, b, c); });
  return op(std::move(x), std::move(low), std::move(high), at);
}
XGRAD_BOTH(clamp);

template <class T>
Variable<T> lerp(Variable<T> a, std::type_identity_t<Variable<T>> b, std::type_identity_t<Variable<T>> weight, Where at) {
  static const auto op =
      elementwise("lerp", [](auto x, auto y, auto w) { return where(w < 0.5, x + w * (y - x), y - (1 - w) * (y - x)); });
  return op(std::move(a), std::move(b), std::move(weight), at);
}
XGRAD_BOTH(lerp);

template <class T>
Variable<T> nan_to_num(Variable<T> x, NanToNumOptions options, Where at) {
  static const auto op = elementwise("nan_to_num", [](auto a, auto nan, auto posinf, auto neginf) {
    return where(a != a, nan, where(a == infinity, posinf, where(a == -infinity, neginf, a)));
  });
  using Limits = std::numeric_limits<T>;
  return op(std::move(x), options.nan, options.posinf.value_or(Limits::max()), options.neginf.value_or(Limits::lowest()), at);
}
XGRAD_BOTH(nan_to_num);

}  // namespace xgrad

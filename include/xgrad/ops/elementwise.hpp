#pragma once
#include <concepts>
#include <optional>
#include <type_traits>

#include <xgrad/core/indices.hpp>
#include <xgrad/ops/arithmetic.hpp>

namespace xgrad {

// Functions of each element. Where the function is not defined they give NaN, and so does its gradient. Values, first and second
// derivatives are right to 1e-6 (float) of themselves for numbers of every size, up to a third of the largest, unless the function
// says otherwise (tests/magnitudes.cpp has a row for each). Results below the smallest normal number may be 0. Beside a zero that
// is itself no float, as those of sin beyond 0, of lgamma below 0 or where two terms of a derivative are equal, the error is of the
// size of 1e-6 times these terms.

/// |x|. The gradient at 0 is 0.
template <class T>
XGRAD_API Variable<T> abs(Variable<T> x, Where at = Where::current());
template <class T>
XGRAD_API Variable<T> square(Variable<T> x, Where at = Where::current());
/// The square root; NaN below 0. The gradient at 0 is infinite.
template <class T>
XGRAD_API Variable<T> sqrt(Variable<T> x, Where at = Where::current());
/// 1 / sqrt(x)
template <class T>
XGRAD_API Variable<T> rsqrt(Variable<T> x, Where at = Where::current());
/// 1 / x
template <class T>
XGRAD_API Variable<T> reciprocal(Variable<T> x, Where at = Where::current());

/// The exponential function. Where the result would be denormal it is 0, and from x = 88.4 (float) or 709.5 (double) on it is inf.
template <class T>
XGRAD_API Variable<T> exp(Variable<T> x, Where at = Where::current());
/// exp(x) - 1, exact near 0.
template <class T>
XGRAD_API Variable<T> expm1(Variable<T> x, Where at = Where::current());
/// The natural logarithm; -inf at 0 and NaN below. Of denormal numbers it is inexact.
template <class T>
XGRAD_API Variable<T> log(Variable<T> x, Where at = Where::current());
/// log(1 + x), exact near 0; -inf at -1 and NaN below.
template <class T>
XGRAD_API Variable<T> log1p(Variable<T> x, Where at = Where::current());
template <class T>
XGRAD_API Variable<T> log2(Variable<T> x, Where at = Where::current());
template <class T>
XGRAD_API Variable<T> log10(Variable<T> x, Where at = Where::current());

// Angles are in radians.

template <class T>
XGRAD_API Variable<T> sin(Variable<T> x, Where at = Where::current());
template <class T>
XGRAD_API Variable<T> cos(Variable<T> x, Where at = Where::current());
/// sin x / cos x.
template <class T>
XGRAD_API Variable<T> tan(Variable<T> x, Where at = Where::current());
/// From -π/2 to π/2; NaN outside of [-1, 1]. The gradient at the ends is infinite.
template <class T>
XGRAD_API Variable<T> asin(Variable<T> x, Where at = Where::current());
/// From 0 to π; otherwise as asin.
template <class T>
XGRAD_API Variable<T> acos(Variable<T> x, Where at = Where::current());
template <class T>
XGRAD_API Variable<T> atan(Variable<T> x, Where at = Where::current());
template <class T>
XGRAD_API Variable<T> sinh(Variable<T> x, Where at = Where::current());
template <class T>
XGRAD_API Variable<T> cosh(Variable<T> x, Where at = Where::current());
template <class T>
XGRAD_API Variable<T> asinh(Variable<T> x, Where at = Where::current());
/// NaN below 1. The gradient at 1 is infinite.
template <class T>
XGRAD_API Variable<T> acosh(Variable<T> x, Where at = Where::current());
/// NaN outside of [-1, 1], infinite at the ends.
template <class T>
XGRAD_API Variable<T> atanh(Variable<T> x, Where at = Where::current());

/// The error function.
template <class T>
XGRAD_API Variable<T> erf(Variable<T> x, Where at = Where::current());
/// log |gamma(x)|; inf at 0, -1, -2, …
template <class T>
XGRAD_API Variable<T> lgamma(Variable<T> x, Where at = Where::current());
/// The derivative of lgamma; -inf at 0, inf at -0 and NaN at -1, -2, …
template <class T>
XGRAD_API Variable<T> digamma(Variable<T> x, Where at = Where::current());

// Steps: their gradient is 0 everywhere.

/// -1, 0 or 1; NaN stays NaN.
template <class T>
XGRAD_API Variable<T> sign(Variable<T> x, Where at = Where::current());
/// 0 below 0, 1 above, and `value` at 0; NaN stays NaN. Neither operand gets a gradient other than 0.
///
/// Gradient: 0
template <class T>
XGRAD_API Variable<T> heaviside(Variable<T> x, std::type_identity_t<Variable<T>> value, Where at = Where::current());
XGRAD_LEFT_OPERAND(heaviside)
/// The largest whole number that is not above x.
template <class T>
XGRAD_API Variable<T> floor(Variable<T> x, Where at = Where::current());
/// The smallest whole number that is not below x.
template <class T>
XGRAD_API Variable<T> ceil(Variable<T> x, Where at = Where::current());
/// To the nearest whole number; halves to the even one, as NumPy does.
template <class T>
XGRAD_API Variable<T> round(Variable<T> x, Where at = Where::current());

/// min(max(x, low), high); NaN stays NaN. Bounds are numbers, arrays or Variables and broadcast; an infinite one bounds nothing. At
/// a bound the whole gradient goes to x, beyond one to the bound. Where low > high the result is high.
///
/// Gradient: g for x inside, for the bound outside
template <class T>
XGRAD_API Variable<T> clamp(Variable<T> x, std::type_identity_t<Variable<T>> low, std::type_identity_t<Variable<T>> high,
                            Where at = Where::current());

struct NanToNumOptions {
  double nan = 0;                     ///< stands in for NaN …
  std::optional<double> posinf = {};  ///< … for inf; the largest finite number if not given …
  std::optional<double> neginf = {};  ///< … and for -inf; the lowest
};
/// x with finite numbers for NaN and infinities. What was replaced has gradient 0.
///
/// Gradient: g where x is finite, else 0
template <class T>
XGRAD_API Variable<T> nan_to_num(Variable<T> x, NanToNumOptions options = {}, Where at = Where::current());

/// The larger of a and b; NaN where either is NaN. Where they are equal each gets half of the gradient.
template <class T>
XGRAD_API Variable<T> maximum(Variable<T> a, std::type_identity_t<Variable<T>> b, Where at = Where::current());
/// The smaller of a and b; ties and NaN as maximum.
template <class T>
XGRAD_API Variable<T> minimum(Variable<T> a, std::type_identity_t<Variable<T>> b, Where at = Where::current());
XGRAD_LEFT_OPERAND(maximum)
XGRAD_LEFT_OPERAND(minimum)

namespace detail {
template <class T>
XGRAD_API Variable<T> select(const Mask& condition, Variable<T> a, Variable<T> b, Where at);
}  // namespace detail

/// a where the condition is true, b elsewhere; all three broadcast. The gradient goes to the branch taken alone: a NaN or an
/// infinity in the other one does not reach it. Either branch may be a number or an array. Throws ShapeError where the shapes do
/// not broadcast.
///
/// Shapes: three that broadcast → their common shape
/// Gradient: g where the condition holds for a, g elsewhere for b, 0 for the other
template <class T, AnyArray C>
Variable<T> where(const C& condition, Variable<T> a, std::type_identity_t<Variable<T>> b, Where at = Where::current()) {
  return detail::select<T>(Condition(condition).mask(), std::move(a), std::move(b), at);
}
template <class T, AnyArray C, class L>
requires(Scalar<L> || ExpressionOf<L, T>) Variable<T> where(const C& condition, const L& a, Variable<T> b,
                                                            Where at = Where::current()) {
  return detail::select<T>(Condition(condition).mask(), Variable<T>(a), std::move(b), at);
}

}  // namespace xgrad

#pragma once
#include <concepts>
#include <type_traits>

#include <xgrad/ops/arithmetic.hpp>

namespace xgrad {

/// |x|. The gradient at 0 is 0.
template <class T>
XGRAD_API Variable<T> abs(Variable<T> x, Where where = Where::current());
template <class T>
XGRAD_API Variable<T> square(Variable<T> x, Where where = Where::current());
/// The square root; NaN below 0.
template <class T>
XGRAD_API Variable<T> sqrt(Variable<T> x, Where where = Where::current());
/// The exponential function. Where the result would be denormal it is 0, and from x = 88.4 (float) or 709.5 (double) on it is inf.
template <class T>
XGRAD_API Variable<T> exp(Variable<T> x, Where where = Where::current());
/// The natural logarithm; -inf at 0 and NaN below. Of denormal numbers it is inexact.
template <class T>
XGRAD_API Variable<T> log(Variable<T> x, Where where = Where::current());

/// The larger of a and b; NaN where either is NaN. Where they are equal each gets half of the gradient.
template <class T>
XGRAD_API Variable<T> maximum(Variable<T> a, std::type_identity_t<Variable<T>> b, Where where = Where::current());
template <class T, class L>
requires(Scalar<L> || ExpressionOf<L, T>) Variable<T> maximum(const L& a, Variable<T> b, Where where = Where::current()) {
  return maximum(Variable<T>(a), std::move(b), where);
}
/// The smaller of a and b; otherwise as maximum.
template <class T>
XGRAD_API Variable<T> minimum(Variable<T> a, std::type_identity_t<Variable<T>> b, Where where = Where::current());
template <class T, class L>
requires(Scalar<L> || ExpressionOf<L, T>) Variable<T> minimum(const L& a, Variable<T> b, Where where = Where::current()) {
  return minimum(Variable<T>(a), std::move(b), where);
}

namespace detail {
template <class T>
XGRAD_API Variable<T> select(const Mask& condition, Variable<T> a, Variable<T> b, Where where);
}

/// a where the condition is true, b elsewhere; all three broadcast. The gradient goes to the branch taken alone: a NaN or an
/// infinity in the other one does not reach it. Either branch may be a number or an array.
template <class T, ExpressionOf<bool> C>
Variable<T> where(const C& condition, Variable<T> a, std::type_identity_t<Variable<T>> b, Where where = Where::current()) {
  return detail::select<T>(condition, std::move(a), std::move(b), where);
}
template <class T, ExpressionOf<bool> C, class L>
requires(Scalar<L> || ExpressionOf<L, T>) Variable<T> where(const C& condition, const L& a, Variable<T> b,
                                                            Where where = Where::current()) {
  return detail::select<T>(condition, Variable<T>(a), std::move(b), where);
}

}  // namespace xgrad

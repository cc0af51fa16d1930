#pragma once
#include <type_traits>
#include <utility>

#include <xgrad/ops/formula.hpp>

namespace xgrad {

// Two operands broadcast as in NumPy; where shapes do not fit, these throw ShapeError. Either of them may be a number or an array.

/// A function of two Variables also with a number or an array on the left.
#define XGRAD_LEFT_OPERAND(function)                                                                                \
  template <class T, class L>                                                                                       \
  requires(Scalar<L> || ExpressionOf<L, T>) auto function(const L& a, Variable<T> b, Where at = Where::current()) { \
    return function(Variable<T>(a), std::move(b), at);                                                              \
  }

/// a + b
template <class T>
XGRAD_API Variable<T> add(Variable<T> a, std::type_identity_t<Variable<T>> b, Where at = Where::current());
/// a - b
template <class T>
XGRAD_API Variable<T> sub(Variable<T> a, std::type_identity_t<Variable<T>> b, Where at = Where::current());
/// a * b, element by element
template <class T>
XGRAD_API Variable<T> mul(Variable<T> a, std::type_identity_t<Variable<T>> b, Where at = Where::current());
/// a / b
template <class T>
XGRAD_API Variable<T> div(Variable<T> a, std::type_identity_t<Variable<T>> b, Where at = Where::current());
/// -x
template <class T>
XGRAD_API Variable<T> neg(Variable<T> x, Where at = Where::current());
XGRAD_LEFT_OPERAND(add)
XGRAD_LEFT_OPERAND(sub)
XGRAD_LEFT_OPERAND(mul)
XGRAD_LEFT_OPERAND(div)

/// a to the power b. 1 for b = 0, also of 0; NaN for a negative a and a b that is not whole. The gradients are right at a = 0: that
/// for a is b aᵇ⁻¹ with 0 for b = 0, and that for b, aᵇ log a, is 0 there (and NaN for negative a). Derivatives of order n are
/// right to n 2e-6 (float) where aᵇ⁻ⁿ neither overflows nor vanishes, because b - n is rounded, which changes the power log a times
/// as much.
template <class T>
XGRAD_API Variable<T> pow(Variable<T> a, std::type_identity_t<Variable<T>> b, Where at = Where::current());
/// The remainder of a / b, with the sign of a, exactly: a - trunc(a / b) b. NaN for b = 0. Its gradients, 1 and -trunc(a / b), do
/// not see the jumps.
template <class T>
XGRAD_API Variable<T> fmod(Variable<T> a, std::type_identity_t<Variable<T>> b, Where at = Where::current());
/// sqrt(a² + b²), without overflow. The gradients at a = b = 0 are 0. Second derivatives are right to a rounding of 1 / y,
/// because they are what is left of such numbers where one operand is far larger.
template <class T>
XGRAD_API Variable<T> hypot(Variable<T> a, std::type_identity_t<Variable<T>> b, Where at = Where::current());
/// The angle of the point (x, y), from -π to π. The gradients at the origin, where there is no angle, are NaN. Second
/// derivatives are right to a rounding of 1 / (x² + y²), of which they are differences.
template <class T>
XGRAD_API Variable<T> atan2(Variable<T> y, std::type_identity_t<Variable<T>> x, Where at = Where::current());
/// log(exp(a) + exp(b)), without overflow; infinite operands are fine.
///
/// Gradient: g sigmoid(a - b) for a, g sigmoid(b - a) for b
template <class T>
XGRAD_API Variable<T> logaddexp(Variable<T> a, std::type_identity_t<Variable<T>> b, Where at = Where::current());
XGRAD_LEFT_OPERAND(pow)
XGRAD_LEFT_OPERAND(fmod)
XGRAD_LEFT_OPERAND(hypot)
XGRAD_LEFT_OPERAND(atan2)
XGRAD_LEFT_OPERAND(logaddexp)

/// a + weight (b - a), exactly a at weight 0 and b at weight 1, and right to a rounding of the larger of a and b.
///
/// Gradient: g (1 - weight) for a, g weight for b, g (b - a) for the weight
template <class T>
XGRAD_API Variable<T> lerp(Variable<T> a, std::type_identity_t<Variable<T>> b, std::type_identity_t<Variable<T>> weight,
                           Where at = Where::current());

// Comparisons look at values and have no gradient. NaN compares as in C++. They throw ShapeError where shapes do not broadcast.

template <class T>
XGRAD_API Mask less(const Variable<T>& a, const std::type_identity_t<Variable<T>>& b, Where at = Where::current());
template <class T>
XGRAD_API Mask less_equal(const Variable<T>& a, const std::type_identity_t<Variable<T>>& b, Where at = Where::current());
template <class T>
XGRAD_API Mask greater(const Variable<T>& a, const std::type_identity_t<Variable<T>>& b, Where at = Where::current());
template <class T>
XGRAD_API Mask greater_equal(const Variable<T>& a, const std::type_identity_t<Variable<T>>& b, Where at = Where::current());
template <class T>
XGRAD_API Mask equal(const Variable<T>& a, const std::type_identity_t<Variable<T>>& b, Where at = Where::current());
template <class T>
XGRAD_API Mask not_equal(const Variable<T>& a, const std::type_identity_t<Variable<T>>& b, Where at = Where::current());
XGRAD_LEFT_OPERAND(less)
XGRAD_LEFT_OPERAND(less_equal)
XGRAD_LEFT_OPERAND(greater)
XGRAD_LEFT_OPERAND(greater_equal)
XGRAD_LEFT_OPERAND(equal)
XGRAD_LEFT_OPERAND(not_equal)

}  // namespace xgrad

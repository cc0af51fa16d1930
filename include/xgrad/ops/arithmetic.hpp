#pragma once
#include <type_traits>

#include <xgrad/ops/formula.hpp>

namespace xgrad {

// Two operands broadcast as in NumPy; where shapes do not fit, these throw ShapeError. One of them may be a number or an array.

/// a + b
template <class T>
XGRAD_API Variable<T> add(Variable<T> a, std::type_identity_t<Variable<T>> b, Where where = Where::current());
/// a - b
template <class T>
XGRAD_API Variable<T> sub(Variable<T> a, std::type_identity_t<Variable<T>> b, Where where = Where::current());
/// a * b, element by element
template <class T>
XGRAD_API Variable<T> mul(Variable<T> a, std::type_identity_t<Variable<T>> b, Where where = Where::current());
/// a / b
template <class T>
XGRAD_API Variable<T> div(Variable<T> a, std::type_identity_t<Variable<T>> b, Where where = Where::current());
/// -x
template <class T>
XGRAD_API Variable<T> neg(Variable<T> x, Where where = Where::current());

// Comparisons look at values and have no gradient. NaN compares as in C++.

template <class T>
XGRAD_API Mask less(const Variable<T>& a, const std::type_identity_t<Variable<T>>& b, Where where = Where::current());
template <class T>
XGRAD_API Mask less_equal(const Variable<T>& a, const std::type_identity_t<Variable<T>>& b, Where where = Where::current());
template <class T>
XGRAD_API Mask equal(const Variable<T>& a, const std::type_identity_t<Variable<T>>& b, Where where = Where::current());
template <class T>
XGRAD_API Mask not_equal(const Variable<T>& a, const std::type_identity_t<Variable<T>>& b, Where where = Where::current());

}  // namespace xgrad

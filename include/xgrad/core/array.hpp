#pragma once
/// The one place that names the xtensor container.
#include <concepts>
#include <cstdint>
#include <string>
#include <type_traits>

#if __has_include(<xtensor/containers/xarray.hpp>)
#include <xtensor/containers/xarray.hpp>  // xtensor 0.26 and later
#else
#include <xtensor/xarray.hpp>
#endif

#include <xgrad/core/memory.hpp>
#include <xgrad/core/where.hpp>

namespace xgrad {

/// Lengths of the axes. Up to four live without an allocation.
using Shape = xt::svector<std::size_t, 4, std::allocator<std::size_t>, true>;

/// An xtensor container: row-major, any number of axes, on the pool. Unlike xt::xarray it is one type whatever XTENSOR_USE_XSIMD
/// says.
///
/// `{1, 2}` is a vector and `{{1, 2}, {3, 4}}` a matrix. A column, `Array<double>{{1.5}, {2.5}}`, is ambiguous to C++, where
/// `{1.5}` may be a list or a number, as in every xtensor container whose number of axes is not part of its type. Name that number:
/// `xt::xtensor<double, 2>{{1.5}, {2.5}}` goes wherever an Array does.
template <class T>
using Array =
    xt::xarray_container<xt::uvector<T, memory::Allocator<T>>, xt::layout_type::row_major, Shape, xt::xtensor_expression_tag>;

using Labels = Array<std::int64_t>;
using Mask = Array<bool>;

template <class T>
class Variable;

template <class T>
inline constexpr bool is_variable = false;
template <class T>
inline constexpr bool is_variable<Variable<T>> = true;

/// float and double: the types that have gradients.
template <class T>
concept Real = std::same_as<T, float> || std::same_as<T, double>;
/// A number on its own, as in `2 * x`.
template <class S>
concept Scalar = std::is_arithmetic_v<S> && !std::same_as<S, bool>;
/// An xtensor container, view or lazy expression.
template <class E>
concept Expression = xt::is_xexpression<std::remove_cvref_t<E>>::value;
/// ... with exactly this value type: xtensor itself would convert silently.
template <class E, class T>
concept ExpressionOf = Expression<E> && std::same_as<std::remove_cv_t<typename std::remove_cvref_t<E>::value_type>, T>;
template <class E>
concept IntegerExpression = Expression<E> && std::integral<typename std::remove_cvref_t<E>::value_type> &&
    !std::same_as<typename std::remove_cvref_t<E>::value_type, bool>;

/// A row-major container of xtensor: Arrays, and others that own what they hold or are told where it is.
template <class E>
concept Container = Expression<E> && std::derived_from<E, xt::xcontainer<E>> && E::static_layout == xt::layout_type::row_major;

/// "(64, 400)"; "(5,)" for one axis and "()" for none, as NumPy writes it.
XGRAD_API std::string to_string(const Shape& shape);

/// Throws ShapeError when an array of this shape, whose elements have so many bytes each, is larger than this machine's memory or
/// its lengths do not multiply to a number.
XGRAD_API void check_size(const Shape& shape, std::size_t element_bytes = 1, Where at = {}, const char* op = "");

/// An Array of this shape whose elements are not set: the one way to make the result of an operation. Throws ShapeError as
/// check_size does, before anything is allocated. `where` and `op` are left out where `apply` fills them in. Out of line: when it
/// is inlined, g++ 12 warns that an empty Shape is uninitialised.
template <class T>
[[gnu::noinline]] Array<T> make_array(const Shape& shape, Where at = {}, const char* op = "") {
  check_size(shape, sizeof(T), at, op);
  return Array<T>(shape);
}

/// An Array of this shape filled with one value. Throws as make_array does.
template <class T>
Array<T> full(const Shape& shape, T value, Where at = Where::current(), const char* op = "full") {
  Array<T> result = make_array<T>(shape, at, op);
  result.fill(value);
  return result;
}
template <class T>
Array<T> zeros(const Shape& shape, Where at = Where::current()) {
  return full<T>(shape, T(0), at, "zeros");
}
template <class T>
Array<T> ones(const Shape& shape, Where at = Where::current()) {
  return full<T>(shape, T(1), at, "ones");
}

}  // namespace xgrad

// xtensor's forwarding operators match `variable + array` better than ours. Its own way to say "no such operator" is a missing
// `type` here; `tests/mixed_operands` holds that every mixed pair of operands reaches our operators.
namespace xt::detail {
template <class F, class A, class B>
requires(xgrad::is_variable<std::remove_cvref_t<A>> || xgrad::is_variable<std::remove_cvref_t<B>>) struct xfunction_type<F, A, B> {
};
template <class F, class A, class B, class C>
requires(xgrad::is_variable<std::remove_cvref_t<A>> || xgrad::is_variable<std::remove_cvref_t<B>> ||
         xgrad::is_variable<std::remove_cvref_t<C>>) struct xfunction_type<F, A, B, C> {
};
}  // namespace xt::detail

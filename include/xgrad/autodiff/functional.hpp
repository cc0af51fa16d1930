#pragma once
/// Derivatives of functions. The function takes one to eight Variables, or a vector of them, and returns one; it may use others
/// besides. The inputs need not require a gradient, and count as independent of one another however they were computed. Each
/// function comes in two forms: for one input, and for several in braces or in a vector.
///
///     auto [y, dy] = xg::value_and_grad([](auto x) { return sum(square(x)); }, x);
///     auto [z, dz] = xg::value_and_grad([](auto x, auto w) { return sum(matmul(x, w)); }, {x, w});   // dz[0], dz[1]
///
/// A function that does not depend on an input has a derivative of zeros for it. Throws GraphError for an undefined input or
/// result and where a result must have one element but does not, ShapeError for vectors that do not fit, ValueError for a
/// function of another number of inputs.
#include <initializer_list>
#include <type_traits>
#include <vector>

#include <xgrad/autodiff/function.hpp>

namespace xgrad {

struct FunctionalOptions {
  /// Record the computation, so that value and derivative can be differentiated again: for the inputs where they require a
  /// gradient, and for whatever else the function uses.
  bool create_graph = false;
};

/// What a function returned, and its derivative: `auto [value, derivative] = …`.
template <class T, class D>
struct WithValue {
  Variable<T> value;
  D derivative;
};

namespace detail {
template <class T>
using Variables = std::vector<Variable<T>>;

template <class T>
XGRAD_API WithValue<T, Variables<T>> value_and_grad(const VectorFunction<T>& f, const Variables<T>& x, FunctionalOptions options,
                                                    Where at);
template <class T>
XGRAD_API WithValue<T, Variables<T>> vjp(const VectorFunction<T>& f, const Variables<T>& x, const Variable<T>& v,
                                         FunctionalOptions options, Where at);
template <class T>
XGRAD_API WithValue<T, Variable<T>> jvp(const VectorFunction<T>& f, const Variables<T>& x, const Variables<T>& v,
                                        FunctionalOptions options, Where at);
template <class T>
XGRAD_API WithValue<T, Variables<T>> hvp(const VectorFunction<T>& f, const Variables<T>& x, const Variables<T>& v,
                                         FunctionalOptions options, Where at);
template <class T>
XGRAD_API Variables<T> jacobian(const VectorFunction<T>& f, const Variables<T>& x, FunctionalOptions options, Where at);
template <class T>
XGRAD_API std::vector<Variables<T>> hessian(const VectorFunction<T>& f, const Variables<T>& x, FunctionalOptions options, Where at);

template <class T>
WithValue<T, Variable<T>> only(WithValue<T, Variables<T>> of_one) {
  return {std::move(of_one.value), std::move(of_one.derivative[0])};
}
}  // namespace detail

/// The function's value, of one element, and its gradient for each input.
template <class T, class F>
auto value_and_grad(const F& f, const Variable<T>& x, FunctionalOptions options = {}, Where at = Where::current()) {
  return detail::only(detail::value_and_grad<T>(detail::vector_function<T>(f, "value_and_grad", at), {x}, options, at));
}
template <class T, class F>
auto value_and_grad(const F& f, const std::vector<Variable<T>>& x, FunctionalOptions options = {}, Where at = Where::current()) {
  return detail::value_and_grad<T>(detail::vector_function<T>(f, "value_and_grad", at), x, options, at);
}
template <class T, class F>
auto value_and_grad(const F& f, std::initializer_list<Variable<T>> x, FunctionalOptions options = {}, Where at = Where::current()) {
  return detail::value_and_grad<T>(detail::vector_function<T>(f, "value_and_grad", at), x, options, at);
}

/// The function's value and, for each input, the product of `v` (of the value's shape) and the Jacobian.
template <class T, class F>
auto vjp(const F& f, const Variable<T>& x, const std::type_identity_t<Variable<T>>& v, FunctionalOptions options = {},
         Where at = Where::current()) {
  return detail::only(detail::vjp<T>(detail::vector_function<T>(f, "vjp", at), {x}, v, options, at));
}
template <class T, class F>
auto vjp(const F& f, const std::vector<Variable<T>>& x, const std::type_identity_t<Variable<T>>& v, FunctionalOptions options = {},
         Where at = Where::current()) {
  return detail::vjp<T>(detail::vector_function<T>(f, "vjp", at), x, v, options, at);
}
template <class T, class F>
auto vjp(const F& f, std::initializer_list<Variable<T>> x, const std::type_identity_t<Variable<T>>& v,
         FunctionalOptions options = {}, Where at = Where::current()) {
  return detail::vjp<T>(detail::vector_function<T>(f, "vjp", at), x, v, options, at);
}

/// The function's value and the product of the Jacobian and `v`, one vector of each input's shape: the derivative along v.
/// Two reverse sweeps: the gradient is linear in its seed, and its own gradient for the seed is this product.
template <class T, class F>
auto jvp(const F& f, const Variable<T>& x, const std::type_identity_t<Variable<T>>& v, FunctionalOptions options = {},
         Where at = Where::current()) {
  return detail::jvp<T>(detail::vector_function<T>(f, "jvp", at), {x}, {v}, options, at);
}
template <class T, class F>
auto jvp(const F& f, const std::vector<Variable<T>>& x, const std::type_identity_t<std::vector<Variable<T>>>& v,
         FunctionalOptions options = {}, Where at = Where::current()) {
  return detail::jvp<T>(detail::vector_function<T>(f, "jvp", at), x, v, options, at);
}
template <class T, class F>
auto jvp(const F& f, std::initializer_list<Variable<T>> x, const std::type_identity_t<std::vector<Variable<T>>>& v,
         FunctionalOptions options = {}, Where at = Where::current()) {
  return detail::jvp<T>(detail::vector_function<T>(f, "jvp", at), x, v, options, at);
}

/// The function's value, of one element, and the product of its Hessian and `v`, one vector of each input's shape.
template <class T, class F>
auto hvp(const F& f, const Variable<T>& x, const std::type_identity_t<Variable<T>>& v, FunctionalOptions options = {},
         Where at = Where::current()) {
  return detail::only(detail::hvp<T>(detail::vector_function<T>(f, "hvp", at), {x}, {v}, options, at));
}
template <class T, class F>
auto hvp(const F& f, const std::vector<Variable<T>>& x, const std::type_identity_t<std::vector<Variable<T>>>& v,
         FunctionalOptions options = {}, Where at = Where::current()) {
  return detail::hvp<T>(detail::vector_function<T>(f, "hvp", at), x, v, options, at);
}
template <class T, class F>
auto hvp(const F& f, std::initializer_list<Variable<T>> x, const std::type_identity_t<std::vector<Variable<T>>>& v,
         FunctionalOptions options = {}, Where at = Where::current()) {
  return detail::hvp<T>(detail::vector_function<T>(f, "hvp", at), x, v, options, at);
}

/// All first derivatives: for y = f(x) of shape s and an input of shape t an array of shape s + t. A reverse sweep per entry of
/// y, or where x is much smaller a jvp per entry of x.
template <class T, class F>
Variable<T> jacobian(const F& f, const Variable<T>& x, FunctionalOptions options = {}, Where at = Where::current()) {
  return detail::jacobian<T>(detail::vector_function<T>(f, "jacobian", at), {x}, options, at)[0];
}
template <class T, class F>
std::vector<Variable<T>> jacobian(const F& f, const std::vector<Variable<T>>& x, FunctionalOptions options = {},
                                  Where at = Where::current()) {
  return detail::jacobian<T>(detail::vector_function<T>(f, "jacobian", at), x, options, at);
}
template <class T, class F>
std::vector<Variable<T>> jacobian(const F& f, std::initializer_list<Variable<T>> x, FunctionalOptions options = {},
                                  Where at = Where::current()) {
  return detail::jacobian<T>(detail::vector_function<T>(f, "jacobian", at), x, options, at);
}

/// All second derivatives of a function whose value has one element: for inputs of shapes s and t an array of shape s + t, for
/// several inputs `hessian(f, x)[i][j]`.
template <class T, class F>
Variable<T> hessian(const F& f, const Variable<T>& x, FunctionalOptions options = {}, Where at = Where::current()) {
  return detail::hessian<T>(detail::vector_function<T>(f, "hessian", at), {x}, options, at)[0][0];
}
template <class T, class F>
std::vector<std::vector<Variable<T>>> hessian(const F& f, const std::vector<Variable<T>>& x, FunctionalOptions options = {},
                                              Where at = Where::current()) {
  return detail::hessian<T>(detail::vector_function<T>(f, "hessian", at), x, options, at);
}
template <class T, class F>
std::vector<std::vector<Variable<T>>> hessian(const F& f, std::initializer_list<Variable<T>> x, FunctionalOptions options = {},
                                              Where at = Where::current()) {
  return detail::hessian<T>(detail::vector_function<T>(f, "hessian", at), x, options, at);
}

}  // namespace xgrad

#pragma once
/// Elementwise operations in a line each. A formula is made at its operation's first call.
#include <utility>

#include <xgrad/ops/formula.hpp>

#include "support.hpp"

namespace xgrad::detail {

/// One of the library's own formulas. It is never destroyed: static Variables may compute to the end.
template <class... F>
const auto& lasting(std::string_view name, const F&... lambdas) {
  return *new auto(elementwise(name, lambdas...));
}

/// As the formula's operator(), with fewer moves.
template <class T, class F, class... X>
Variable<T> call(const F& formula, Where at, X&&... operands) {
  Variable<T> inputs[]{std::forward<X>(operands)...};
  return call<T>(formula.routine(), inputs, sizeof...(X), at);
}

}  // namespace xgrad::detail

/// XGRAD_UNARY(softsign, a / (1 + abs(a)))
#define XGRAD_UNARY(name, expression)                                          \
  template <class T>                                                           \
  Variable<T> name(Variable<T> x, Where at) {                                  \
    static const auto& op = lasting(#name, [](auto a) { return expression; }); \
    return call<T>(op, at, std::move(x));                                      \
  }                                                                            \
  XGRAD_BOTH(name)

/// XGRAD_BINARY(hypot, hypot(x, y)); where the derivatives that are found will not do, they follow, one per operand.
#define XGRAD_BINARY(name, expression, ...)                                                                       \
  template <class T>                                                                                              \
  Variable<T> name(Variable<T> a, std::type_identity_t<Variable<T>> b, Where at) {                                \
    static const auto& op = lasting(#name, [](auto x, auto y) { return expression; } __VA_OPT__(, ) __VA_ARGS__); \
    return call<T>(op, at, std::move(a), std::move(b));                                                           \
  }                                                                                                               \
  template Variable<float> name<float>(Variable<float>, Variable<float>, Where);                                  \
  template Variable<double> name<double>(Variable<double>, Variable<double>, Where)

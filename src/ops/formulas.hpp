#pragma once
/// Elementwise operations in a line each. A formula is made at its operation's first call.
#include <utility>

#include <xgrad/ops/formula.hpp>

#include "support.hpp"

/// XGRAD_UNARY(softsign, a / (1 + abs(a)))
#define XGRAD_UNARY(name, expression)                                                         \
  template <class T>                                                                          \
  Variable<T> name(Variable<T> x, Where at) {                                                 \
    static const auto& op = *new auto(elementwise(#name, [](auto a) { return expression; })); \
    return op(std::move(x), at);                                                              \
  }                                                                                           \
  XGRAD_BOTH(name)

/// XGRAD_BINARY(hypot, hypot(x, y)); where the derivatives that are found will not do, they follow, one per operand.
#define XGRAD_BINARY(name, expression, ...)                                                                                      \
  template <class T>                                                                                                             \
  Variable<T> name(Variable<T> a, std::type_identity_t<Variable<T>> b, Where at) {                                               \
    static const auto& op = *new auto(elementwise(#name, [](auto x, auto y) { return expression; } __VA_OPT__(, ) __VA_ARGS__)); \
    return op(std::move(a), std::move(b), at);                                                                                   \
  }                                                                                                                              \
  template Variable<float> name<float>(Variable<float>, Variable<float>, Where);                                                 \
  template Variable<double> name<double>(Variable<double>, Variable<double>, Where)

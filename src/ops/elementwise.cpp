#include <xgrad/ops/elementwise.hpp>

#include <algorithm>

#include <xgrad/ops/activation.hpp>

#include "support.hpp"

namespace xgrad {

// Each op is a formula, made at its first call and never destroyed: the destructors of static objects may still use it.

#define XGRAD_UNARY(name, expression)                                                         \
  template <class T>                                                                          \
  Variable<T> name(Variable<T> x, Where where) {                                              \
    static const auto& op = *new auto(elementwise(#name, [](auto a) { return expression; })); \
    return op(std::move(x), where);                                                           \
  }                                                                                           \
  XGRAD_BOTH(name)

#define XGRAD_BINARY(name, expression)                                                                \
  template <class T>                                                                                  \
  Variable<T> name(Variable<T> a, std::type_identity_t<Variable<T>> b, Where where) {                 \
    static const auto& op = *new auto(elementwise(#name, [](auto x, auto y) { return expression; })); \
    return op(std::move(a), std::move(b), where);                                                     \
  }                                                                                                   \
  template Variable<float> name<float>(Variable<float>, Variable<float>, Where);                      \
  template Variable<double> name<double>(Variable<double>, Variable<double>, Where)

#define XGRAD_COMPARISON(name, condition)                                                                         \
  template <class T>                                                                                              \
  Mask name(const Variable<T>& a, const std::type_identity_t<Variable<T>>& b, Where at) {                         \
    static const auto& op = *new auto(elementwise(#name, [](auto x, auto y) { return where(condition, 1, 0); })); \
    return to_mask(op(a.detach(), b.detach(), at).value());                                                       \
  }                                                                                                               \
  XGRAD_BOTH(name)

namespace {
template <class T>
Mask to_mask(const Array<T>& values) {
  Mask mask(values.shape());
  std::transform(values.data(), values.data() + values.size(), mask.data(), [](T x) { return x != 0; });
  return mask;
}
}  // namespace

XGRAD_BINARY(add, x + y);
XGRAD_BINARY(sub, x - y);
XGRAD_BINARY(mul, x* y);
XGRAD_BINARY(div, x / y);
XGRAD_BINARY(maximum, maximum(x, y));
XGRAD_BINARY(minimum, minimum(x, y));

XGRAD_COMPARISON(less, x < y);
XGRAD_COMPARISON(less_equal, x <= y);
XGRAD_COMPARISON(equal, x == y);
XGRAD_COMPARISON(not_equal, x != y);

XGRAD_UNARY(neg, -a);
XGRAD_UNARY(abs, abs(a));
XGRAD_UNARY(square, square(a));
XGRAD_UNARY(sqrt, sqrt(a));
XGRAD_UNARY(exp, exp(a));
XGRAD_UNARY(log, log(a));
XGRAD_UNARY(relu, relu(a));
XGRAD_UNARY(sigmoid, sigmoid(a));
XGRAD_UNARY(tanh, tanh(a));

template <class T>
Variable<T> detail::select(const Mask& condition, Variable<T> a, Variable<T> b, Where at) {
  static const auto& op = *new auto(elementwise("where", [](auto mask, auto x, auto y) { return where(mask != 0, x, y); }));
  Array<T> mask(condition.shape());
  std::copy_n(condition.data(), condition.size(), mask.data());
  return op(Variable<T>(std::move(mask)), std::move(a), std::move(b), at);
}
XGRAD_BOTH(detail::select);

}  // namespace xgrad

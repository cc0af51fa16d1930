#pragma once
/// Elementwise operations in a line each. A formula is made at its operation's first call.
#include <utility>

#include <xgrad/ops/formula.hpp>

#include "support.hpp"

namespace xgrad::detail {

/// One of the library's own formulas, whose references nobody counts.
template <class... F>
const auto& lasting(std::string_view name, const F&... lambdas) {
  const auto& formula = *new auto(elementwise(name, lambdas...));
  formula.routine()->references.lasting = true;
  return formula;
}

/// As the formula's operator(), with fewer moves.
template <class T, class F, class... X>
Variable<T> call(const F& formula, Where at, X&&... operands) {
  Variable<T> inputs[]{std::forward<X>(operands)...};
  return call<T>(formula.routine(), inputs, sizeof...(X), at);
}

/// The two sides of an operator, as inputs. Those that are lent are not counted.
template <class T>
class Sides {
 public:
  Sides(Operand<T>& a, Operand<T>& b)
      : lent_((a.lent() ? 1U : 0U) | (b.lent() ? 2U : 0U)), inputs_{a.lent() ? look(a) : a.take(), b.lent() ? look(b) : b.take()} {}
  ~Sides() {
    for (std::size_t i = 0; i < 2; ++i)
      if (lent_ >> i & 1) inputs_[i].forget();
  }
  Sides(const Sides&) = delete;
  Sides& operator=(const Sides&) = delete;

  template <class F>
  Variable<T> call(const F& formula, Where at) {
    return detail::call<T>(formula.routine(), inputs_, 2, at, lent_);
  }

 private:
  static Variable<T> look(const Operand<T>& x) { return Variable<T>::uncounted(x.variable()); }

  std::uint32_t lent_;
  Variable<T> inputs_[2];
};

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

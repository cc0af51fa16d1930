#include <xgrad/ops/activation.hpp>

#include <numbers>

#include "formulas.hpp"

namespace xgrad {
using namespace detail;

namespace {

constexpr double selu_alpha = 1.6732632423543772848, selu_scale = 1.0507009873554804934;

}  // namespace

XGRAD_UNARY(relu, relu(a));
XGRAD_UNARY(relu6, where(a <= 0, 0, where(a >= 6, 6, a)));
XGRAD_UNARY(selu, selu_scale* where(a > 0, a, selu_alpha* expm1(a)));
XGRAD_UNARY(sigmoid, sigmoid(a));
XGRAD_UNARY(log_sigmoid, -softplus(-a));
XGRAD_UNARY(tanh, tanh(a));
XGRAD_UNARY(mish, a* tanh(softplus(a)));
XGRAD_UNARY(hardswish, where(a <= -3, 0, where(a >= 3, a, a*(a + 3) / 6)));

template <class T>
Variable<T> softsign(Variable<T> x, Where at) {
  static const auto op = elementwise(
      "softsign", [](auto a) { return a / (1 + abs(a)); }, [](auto g, auto a) { return g / square(1 + abs(a)); });
  return op(std::move(x), at);
}
XGRAD_BOTH(softsign);

template <class T>
Variable<T> silu(Variable<T> x, Where at) {
  static const auto op = elementwise(
      "silu", [](auto a) { return a * sigmoid(a); }, [](auto g, auto a) { return g * (sigmoid(a) * (1 + a * (1 - sigmoid(a)))); });
  return op(std::move(x), at);
}
XGRAD_BOTH(silu);

template <class T>
Variable<T> hardtanh(Variable<T> x, HardtanhOptions options, Where at) {
  static const auto op = elementwise("hardtanh", [](auto a, auto b, auto c) { return where(a <= b, b, where(a >= c, c, a)); });
  return op(std::move(x), options.min_val, options.max_val, at);
}
XGRAD_BOTH(hardtanh);

template <class T>
Variable<T> prelu(Variable<T> x, std::type_identity_t<Variable<T>> slope, Where at) {
  static const auto op = elementwise("prelu", [](auto a, auto s) { return where(a > 0, a, s * a); });
  return op(std::move(x), std::move(slope), at);
}
XGRAD_BOTH(prelu);

template <class T>
Variable<T> leaky_relu(Variable<T> x, double slope, Where at) {
  static const auto op = elementwise("leaky_relu", [](auto a, auto s) { return where(a > 0, a, s * a); });
  return op(std::move(x), slope, at);
}
XGRAD_BOTH(leaky_relu);

template <class T>
Variable<T> elu(Variable<T> x, double alpha, Where at) {
  static const auto op = elementwise("elu", [](auto a, auto s) { return where(a > 0, a, s * expm1(a)); });
  return op(std::move(x), alpha, at);
}
XGRAD_BOTH(elu);

template <class T>
Variable<T> softplus(Variable<T> x, double beta, Where at) {
  static const auto plain = elementwise("softplus", [](auto a) { return softplus(a); });
  static const auto scaled = elementwise("softplus", [](auto a, auto b) { return softplus(a * b) / b; });
  return beta == 1 ? plain(std::move(x), at) : scaled(std::move(x), beta, at);
}
XGRAD_BOTH(softplus);

template <class T>
Variable<T> gelu(Variable<T> x, GeluOptions options, Where at) {
  using std::numbers::inv_sqrtpi, std::numbers::sqrt2;
  static const auto exact = elementwise("gelu", [](auto a) { return a * ndtr(a); });
  // (1 + tanh(u / 2)) / 2 is sigmoid(u), of whose left tail no digits are lost. Outside of ±30 it is 0 or 1, and a³ would overflow.
  static constexpr double slope = 2 * sqrt2 * inv_sqrtpi, cubic = 0.044715 * slope;
  static const auto by_tanh = elementwise(
      "gelu",
      [](auto a) {
        const auto c = clamp(a, -30, 30);
        return a * sigmoid(c * (slope + cubic * square(c)));
      },
      [](auto g, auto a) {
        const auto c = clamp(a, -30, 30), s = sigmoid(c * (slope + cubic * square(c)));
        return g * (s * (1 + c * (slope + 3 * cubic * square(c)) * (1 - s)));
      });
  return options.approximate ? by_tanh(std::move(x), at) : exact(std::move(x), at);
}
XGRAD_BOTH(gelu);

}  // namespace xgrad

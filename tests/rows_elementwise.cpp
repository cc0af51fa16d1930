// Rows of the elementwise operations and activations beyond op_table.hpp's.
#include "naive_special.hpp"
#include "op_table.hpp"

namespace op_table {

std::vector<Row> elementwise_rows() {
  using S = std::span<const double>;
  const Domain positive{0.3, 2}, away{0.5, 2}, inside{-0.9, 0.9}, steps{0.1, 0.4}, not_zero{-2, 2, 0};
  Rows add_row;
  add_row(
      "rsqrt", "rsqrt", [](const auto& x) { return rsqrt(x[0]); }, [](S x) { return 1 / std::sqrt(x[0]); },
      Details{.kept = {y}, .domains = {positive}});
  add_row(
      "reciprocal", "reciprocal", [](const auto& x) { return reciprocal(x[0]); }, [](S x) { return 1 / x[0]; },
      Details{.kept = {y}, .domains = {away}});
  add_row(
      "expm1", "expm1", [](const auto& x) { return expm1(x[0]); }, [](S x) { return std::expm1(x[0]); }, Details{.kept = {a}});
  add_row(
      "log1p", "log1p", [](const auto& x) { return log1p(x[0]); }, [](S x) { return std::log1p(x[0]); },
      Details{.kept = {a}, .domains = {{-0.6, 3}}});
  add_row(
      "log2", "log2", [](const auto& x) { return log2(x[0]); }, [](S x) { return std::log2(x[0]); },
      Details{.kept = {a}, .domains = {positive}});
  add_row(
      "log10", "log10", [](const auto& x) { return log10(x[0]); }, [](S x) { return std::log10(x[0]); },
      Details{.kept = {a}, .domains = {positive}});
  add_row(
      "sin", "sin", [](const auto& x) { return sin(x[0]); }, [](S x) { return std::sin(x[0]); }, Details{.kept = {a}});
  add_row(
      "cos", "cos", [](const auto& x) { return cos(x[0]); }, [](S x) { return std::cos(x[0]); }, Details{.kept = {a}});
  add_row(
      "tan", "tan", [](const auto& x) { return tan(x[0]); }, [](S x) { return std::tan(x[0]); },
      Details{.kept = {y}, .domains = {{-1, 1}}});
  add_row(
      "asin", "asin", [](const auto& x) { return asin(x[0]); }, [](S x) { return std::asin(x[0]); },
      Details{.kept = {a}, .domains = {inside}});
  add_row(
      "acos", "acos", [](const auto& x) { return acos(x[0]); }, [](S x) { return std::acos(x[0]); },
      Details{.kept = {a}, .domains = {inside}});
  add_row(
      "atan", "atan", [](const auto& x) { return atan(x[0]); }, [](S x) { return std::atan(x[0]); }, Details{.kept = {a}});
  add_row(
      "sinh", "sinh", [](const auto& x) { return sinh(x[0]); }, [](S x) { return std::sinh(x[0]); }, Details{.kept = {a}});
  add_row(
      "cosh", "cosh", [](const auto& x) { return cosh(x[0]); }, [](S x) { return std::cosh(x[0]); }, Details{.kept = {a}});
  add_row(
      "asinh", "asinh", [](const auto& x) { return asinh(x[0]); }, [](S x) { return std::asinh(x[0]); }, Details{.kept = {a}});
  add_row(
      "acosh", "acosh", [](const auto& x) { return acosh(x[0]); }, [](S x) { return std::acosh(x[0]); },
      Details{.kept = {a}, .domains = {{1.3, 4}}});
  add_row(
      "atanh", "atanh", [](const auto& x) { return atanh(x[0]); }, [](S x) { return std::atanh(x[0]); },
      Details{.kept = {a}, .domains = {{-0.8, 0.8}}});
  add_row(
      "erf", "erf", [](const auto& x) { return erf(x[0]); }, [](S x) { return std::erf(x[0]); }, Details{.kept = {a}});
  add_row(
      "lgamma", "lgamma", [](const auto& x) { return lgamma(x[0]); }, [](S x) { return std::lgamma(x[0]); },
      Details{.kept = {a}, .domains = {{0.4, 4}}});
  add_row(
      "lgamma", "lgamma of negative", [](const auto& x) { return lgamma(x[0]); }, [](S x) { return std::lgamma(x[0]); },
      Details{.kept = {a}, .domains = {{-1.8, -1.2}}});
  add_row(
      "digamma", "digamma", [](const auto& x) { return digamma(x[0]); }, [](S x) { return naive_special::digamma(x[0]); },
      Details{.kept = {a}, .domains = {{0.4, 14}}});
  add_row(
      "digamma", "digamma of negative", [](const auto& x) { return digamma(x[0]); },
      [](S x) { return naive_special::digamma(x[0]); }, Details{.kept = {a}, .domains = {{-1.8, -1.2}}});
  add_row(
      "sign", "sign", [](const auto& x) { return sign(x[0]); }, [](S x) { return x[0] > 0 ? 1. : -1.; },
      Details{.kept = {none}, .domains = {not_zero}, .allow_zero = true});
  add_row(
      "floor", "floor", [](const auto& x) { return floor(x[0] * 2); }, [](S x) { return std::floor(x[0] * 2); },
      Details{.kept = {none}, .domains = {steps}, .allow_zero = true});
  add_row(
      "ceil", "ceil", [](const auto& x) { return ceil(x[0] * 2); }, [](S x) { return std::ceil(x[0] * 2); },
      Details{.kept = {none}, .domains = {steps}, .allow_zero = true});
  add_row(
      "round", "round", [](const auto& x) { return round(x[0]); }, [](S x) { return std::nearbyint(x[0]); },
      Details{.kept = {none}, .domains = {steps}, .allow_zero = true});
  add_row(
      "heaviside", "heaviside", [](const auto& x) { return heaviside(x[0], x[1]); }, [](S x) { return x[0] > 0 ? 1. : 0.; },
      Details{.kept = {none, none}, .domains = {not_zero}, .allow_zero = true});
  add_row(
      "nan_to_num", "nan_to_num", [](const auto& x) { return nan_to_num(x[0]); }, [](S x) { return x[0]; }, Details{.kept = {a}});
  add_row(
      "clamp", "clamp from below", [](const auto& x) { return clamp(x[0], -0.5, 9); }, [](S x) { return std::max(x[0], -0.5); },
      Details{.kept = {a}, .domains = {{-2, 2, -0.5}}, .allow_zero = true});
  add_row(
      "clamp", "clamp from above", [](const auto& x) { return clamp(x[0], -9, 0.5); }, [](S x) { return std::min(x[0], 0.5); },
      Details{.kept = {a}, .domains = {{-2, 2, 0.5}}, .allow_zero = true});
  add_row(
      "clamp", "clamp to Variables", [](const auto& x) { return clamp(x[0], x[1], x[2]); },
      [](S x) { return std::min(std::max(x[0], x[1]), x[2]); },
      Details{.kept = {a | b | c, a | b | c, a | b | c}, .distinct = true, .allow_zero = true});

  add_row(
      "pow", "pow(a, b)", [](const auto& x) { return pow(x[0], x[1]); }, [](S x) { return std::pow(x[0], x[1]); },
      Details{.kept = {a | b, a | b | y}, .domains = {positive, {}}});
  for (const double exponent : {3., 2., 1., -1., 0.5, -2.5, 2.5, 7.})
    add_row(
        "pow", "pow(a, " + std::to_string(exponent) + ")", [exponent](const auto& x) { return pow(x[0], exponent); },
        [exponent](S x) { return std::pow(x[0], exponent); }, Details{.kept = {a}, .domains = {positive}});
  add_row(
      "pow", "pow(a, 3) of any sign", [](const auto& x) { return pow(x[0], 3); }, [](S x) { return x[0] * x[0] * x[0]; },
      Details{.kept = {a}});
  add_row(
      "pow", "pow(a, -2) of negative", [](const auto& x) { return pow(x[0], -2); }, [](S x) { return 1 / (x[0] * x[0]); },
      Details{.kept = {a}, .domains = {{-2, -0.5}}});
  add_row(
      "pow", "pow(a, 0)", [](const auto& x) { return pow(x[0], 0); }, [](S) { return 1.; },
      Details{.kept = {a}, .domains = {away}, .allow_zero = true});
  add_row(
      "pow", "pow(2, a)", [](const auto& x) { return pow(2, x[0]); }, [](S x) { return std::exp2(x[0]); },
      Details{.kept = {a | y}});
  add_row(
      "pow", "pow(array, a)", [](const auto& x) { return pow(full<Real<decltype(x)>>(Shape{}, 1.5), x[0]); },
      [](S x) { return std::pow(1.5, x[0]); }, Details{.kept = {a | y}});
  add_row(
      "fmod", "fmod", [](const auto& x) { return fmod(x[0], x[1]); }, [](S x) { return x[0] - 2 * x[1]; },
      Details{.kept = {none, a | b | y}, .domains = {{2.9, 3.2}, {1.1, 1.4}}});
  add_row(
      "fmod", "fmod(-7, a)", [](const auto& x) { return fmod(-7, x[0]); }, [](S x) { return 3 * x[0] - 7; },
      Details{.kept = {a | y}, .domains = {{1.8, 2.3}}});
  add_row(
      "hypot", "hypot", [](const auto& x) { return hypot(x[0], x[1]); }, [](S x) { return std::sqrt(x[0] * x[0] + x[1] * x[1]); },
      Details{.kept = {a | y, b | y}, .domains = {away}});
  add_row(
      "hypot", "hypot(1, a)", [](const auto& x) { return hypot(1, x[0]); }, [](S x) { return std::sqrt(1 + x[0] * x[0]); },
      Details{.kept = {a | y}});
  add_row(
      "atan2", "atan2", [](const auto& x) { return atan2(x[0], x[1]); },
      [](S x) { return std::atan(x[0] / x[1]) - (x[0] > 0 ? -1 : 1) * std::acos(-1.0); },
      Details{.kept = {a | b, a | b}, .domains = {not_zero, {-2, -0.5}}});
  add_row(
      "atan2", "atan2(1, a)", [](const auto& x) { return atan2(1, x[0]); },
      [](S x) { return std::acos(x[0] / std::sqrt(1 + x[0] * x[0])); }, Details{.kept = {a}});
  add_row(
      "logaddexp", "logaddexp", [](const auto& x) { return logaddexp(x[0], x[1]); },
      [](S x) { return std::log(std::exp(x[0]) + std::exp(x[1])); }, Details{.kept = {a | b, a | b}});
  add_row(
      "logaddexp", "logaddexp(a, a)", [](const auto& x) { return logaddexp(x[0], x[0]); }, [](S x) { return x[0] + std::log(2.0); },
      Details{.kept = {a}});
  add_row(
      "logaddexp", "logaddexp(0, a)", [](const auto& x) { return logaddexp(0, x[0]); },
      [](S x) { return naive_special::softplus(x[0]); }, Details{.kept = {a}});
  add_row(
      "lerp", "lerp", [](const auto& x) { return lerp(x[0], x[1], x[2]); }, [](S x) { return x[0] * (1 - x[2]) + x[1] * x[2]; },
      Details{.kept = {c, c, a | b | c}});
  add_row(
      "lerp", "lerp by a number", [](const auto& x) { return lerp(x[0], x[1], 0.75); },
      [](S x) { return 0.25 * x[0] + 0.75 * x[1]; }, Details{.kept = {none, none}});
  add_row(
      "add", "add(2, a)", [](const auto& x) { return add(2, x[0]); }, [](S x) { return x[0] + 2; }, Details{.kept = {none}});
  add_row(
      "sub", "sub(2, a)", [](const auto& x) { return sub(2, x[0]); }, [](S x) { return 2 - x[0]; }, Details{.kept = {none}});
  add_row(
      "mul", "mul(array, a)", [](const auto& x) { return mul(full<Real<decltype(x)>>(Shape{}, 2), x[0]); },
      [](S x) { return 2 * x[0]; }, Details{.kept = {none}});
  add_row(
      "div", "div(2, a)", [](const auto& x) { return div(2, x[0]); }, [](S x) { return 2 / x[0]; },
      Details{.kept = {a | y}, .domains = {away}});
  return std::move(add_row.rows);
}

std::vector<Row> activation_rows() {
  using S = std::span<const double>;
  const Domain not_zero{-2, 2, 0};
  const double alpha = 1.6732632423543772848, scale = 1.0507009873554804934;
  Rows add_row;
  add_row(
      "relu6", "relu6", [](const auto& x) { return relu6(x[0]); }, [](S x) { return std::min(std::max(x[0], 0.), 6.); },
      Details{.kept = {a}, .domains = {not_zero}, .allow_zero = true});
  add_row(
      "relu6", "relu6 above", [](const auto& x) { return relu6(x[0]); }, [](S x) { return std::min(std::max(x[0], 0.), 6.); },
      Details{.kept = {a}, .domains = {{4, 8, 6}}, .allow_zero = true});
  add_row(
      "hardtanh", "hardtanh", [](const auto& x) { return hardtanh(x[0]); }, [](S x) { return std::min(std::max(x[0], -1.), 1.); },
      Details{.kept = {a}, .domains = {{-2, 0.5, -1}}, .allow_zero = true});
  add_row(
      "hardtanh", "hardtanh(-3, 1.5)", [](const auto& x) { return hardtanh(x[0], {.min_val = -3, .max_val = 1.5}); },
      [](S x) { return std::min(x[0], 1.5); }, Details{.kept = {a}, .domains = {{-2, 2, 1.5}}, .allow_zero = true});
  add_row(
      "leaky_relu", "leaky_relu", [](const auto& x) { return leaky_relu(x[0]); }, [](S x) { return x[0] > 0 ? x[0] : 0.01 * x[0]; },
      Details{.kept = {a}, .domains = {not_zero}});
  add_row(
      "leaky_relu", "leaky_relu 0.2", [](const auto& x) { return leaky_relu(x[0], 0.2); },
      [](S x) { return x[0] > 0 ? x[0] : 0.2 * x[0]; }, Details{.kept = {a}, .domains = {not_zero}});
  add_row(
      "prelu", "prelu", [](const auto& x) { return prelu(x[0], x[1]); }, [](S x) { return x[0] > 0 ? x[0] : x[1] * x[0]; },
      Details{.kept = {a | b, a}, .domains = {not_zero, {0.1, 0.5}}, .allow_zero = true});
  add_row(
      "prelu", "prelu by a number", [](const auto& x) { return prelu(x[0], 0.3); },
      [](S x) { return x[0] > 0 ? x[0] : 0.3 * x[0]; }, Details{.kept = {a}, .domains = {not_zero}});
  add_row(
      "elu", "elu", [](const auto& x) { return elu(x[0]); }, [](S x) { return x[0] > 0 ? x[0] : std::exp(x[0]) - 1; },
      Details{.kept = {a}, .domains = {not_zero}});
  add_row(
      "elu", "elu 0.5", [](const auto& x) { return elu(x[0], 0.5); },
      [](S x) { return x[0] > 0 ? x[0] : 0.5 * std::exp(x[0]) - 0.5; }, Details{.kept = {a}, .domains = {not_zero}});
  add_row(
      "selu", "selu", [](const auto& x) { return selu(x[0]); },
      [=](S x) { return scale * (x[0] > 0 ? x[0] : alpha * (std::exp(x[0]) - 1)); }, Details{.kept = {a}, .domains = {not_zero}});
  add_row(
      "log_sigmoid", "log_sigmoid", [](const auto& x) { return log_sigmoid(x[0]); },
      [](S x) { return std::log(naive_special::sigmoid(x[0])); }, Details{.kept = {a}});
  add_row(
      "softplus", "softplus", [](const auto& x) { return softplus(x[0]); }, [](S x) { return naive_special::softplus(x[0]); },
      Details{.kept = {a}});
  add_row(
      "softplus", "softplus 2.5", [](const auto& x) { return softplus(x[0], 2.5); },
      [](S x) { return naive_special::softplus(2.5 * x[0]) / 2.5; }, Details{.kept = {a}});
  add_row(
      "softsign", "softsign", [](const auto& x) { return softsign(x[0]); }, [](S x) { return x[0] / (1 + std::abs(x[0])); },
      Details{.kept = {a}, .domains = {not_zero}});
  add_row(
      "silu", "silu", [](const auto& x) { return silu(x[0]); }, [](S x) { return x[0] * naive_special::sigmoid(x[0]); },
      Details{.kept = {a}});
  add_row(
      "mish", "mish", [](const auto& x) { return mish(x[0]); }, [](S x) { return x[0] * std::tanh(naive_special::softplus(x[0])); },
      Details{.kept = {a}});
  add_row(
      "hardswish", "hardswish", [](const auto& x) { return hardswish(x[0]); }, [](S x) { return x[0] * (x[0] + 3) / 6; },
      Details{.kept = {a}});
  add_row(
      "hardswish", "hardswish at the ends", [](const auto& x) { return hardswish(x[0]); },
      [](S x) { return x[0] * std::min(std::max(x[0] + 3, 0.), 6.) / 6; }, Details{.kept = {a}, .domains = {{2, 4, 3}}});
  add_row(
      "hardswish", "hardswish at the other", [](const auto& x) { return hardswish(x[0]); },
      [](S x) { return x[0] * std::min(std::max(x[0] + 3, 0.), 6.) / 6; },
      Details{.kept = {a}, .domains = {{-4, -2, -3}}, .allow_zero = true});
  add_row(
      "gelu", "gelu", [](const auto& x) { return gelu(x[0]); }, [](S x) { return x[0] * naive_special::phi(x[0]); },
      Details{.kept = {a}});
  add_row(
      "gelu", "gelu by tanh", [](const auto& x) { return gelu(x[0], {.approximate = true}); },
      [](S x) { return 0.5 * x[0] * (1 + std::tanh(std::sqrt(2 / std::acos(-1.0)) * (x[0] + 0.044715 * x[0] * x[0] * x[0]))); },
      Details{.kept = {a}});
  return std::move(add_row.rows);
}

}  // namespace op_table

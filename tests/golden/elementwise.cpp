#include "table.hpp"

namespace golden {

void unary_rows(Table& table) {
  const std::string plain = "matrix, number, ones, empty", extreme = plain + ", extreme", both = extreme + ", kink",
                    far = plain + ", far";
  ROW("neg", extreme, neg(x[0]));
  ROW("abs", both + ", nan", abs(x[0]));
  ROW("square", extreme, square(x[0]));
  ROW("sqrt", extreme, sqrt(x[0]));
  ROW("rsqrt", extreme, rsqrt(x[0]));
  ROW("reciprocal", extreme, reciprocal(x[0]));
  ROW("exp", extreme, exp(x[0]));
  ROW("expm1", extreme, expm1(x[0]));
  ROW("log", extreme, log(x[0]));
  ROW("log1p", extreme, log1p(x[0]));
  ROW("log2", extreme, log2(x[0]));
  ROW("log10", extreme, log10(x[0]));
  ROW("sin", extreme, sin(x[0]));
  ROW("cos", extreme, cos(x[0]));
  ROW("tan", extreme, tan(x[0]));
  ROW("asin", extreme, asin(x[0]));
  ROW("acos", extreme, acos(x[0]));
  ROW("atan", extreme, atan(x[0]));
  ROW("sinh", extreme, sinh(x[0]));
  ROW("cosh", extreme, cosh(x[0]));
  ROW("tanh", extreme, tanh(x[0]));
  ROW("asinh", extreme, asinh(x[0]));
  ROW("acosh", extreme, acosh(x[0]));
  ROW("atanh", extreme, atanh(x[0]));
  ROW("erf", extreme, erf(x[0]));
  ROW("lgamma", extreme, lgamma(x[0]));
  ROW("digamma", extreme, digamma(x[0]));
  ROW("sign", extreme, sign(x[0]));
  ROW("floor", extreme, floor(x[0]));
  ROW("ceil", extreme, ceil(x[0]));
  ROW("round", extreme, round(x[0]));
  ROW("nan_to_num", extreme, nan_to_num(x[0], {.nan = 0.5, .posinf = 100, .neginf = -100}));

  ROW("sigmoid", extreme, sigmoid(x[0]));
  ROW("relu", both, relu(x[0]));
  ROW("relu6", both, relu6(x[0]));
  ROW("hardtanh", plain + ", kink", hardtanh(x[0], {.max_val = 0.5}));
  ROW("leaky_relu", both, leaky_relu(x[0], 0.125));
  ROW("elu", far + ", kink", elu(x[0], 0.75));
  ROW("selu", far, selu(x[0]));
  ROW("log_sigmoid", far, log_sigmoid(x[0]));
  ROW("softplus", far + ", infinite", softplus(x[0], 2));
  ROW("softsign", both, softsign(x[0]));
  ROW("silu", extreme, silu(x[0]));
  ROW("mish", far, mish(x[0]));
  ROW("hardswish", both, hardswish(x[0]));
  ROW("gelu", far, gelu(x[0]));
  ROW("gelu tanh", far, gelu(x[0], {.approximate = true}));
  ROW("prelu", "number, channels, empty, kink, first gradient", prelu(x[0], x[1]));
}

void binary_rows(Table& table) {
  const std::string plain = "same, row, column, outer, number, ranks, ones, empty", extreme = plain + ", extreme";
  ROW("add", extreme, add(x[0], x[1]));
  ROW("sub", extreme, sub(x[0], x[1]));
  ROW("mul", extreme, mul(x[0], x[1]));
  ROW("div", extreme, div(x[0], x[1]));
  ROW("pow", extreme + ", zero base, negative base", pow(x[0], x[1]));
  ROW("pow", "number 0, 0 to the 0", pow(x[0], 0));
  ROW("pow", "number 1, 0 to the 1", pow(x[0], 1));
  ROW("pow", "number 2, 0 to the 2", pow(x[0], 2));
  ROW("pow", "number 3, 0 to the 3", pow(x[0], 3));
  ROW("pow", "number -1", pow(x[0], -1));
  ROW("pow", "number -2", pow(x[0], -2));
  ROW("pow", "number 0.5", pow(x[0], 0.5));
  ROW("pow", "number 2.5", pow(x[0], 2.5));
  ROW("pow", "number base", pow(3, x[0]));
  ROW("fmod", extreme, fmod(x[0], x[1]));
  ROW("hypot", extreme + ", origin", hypot(x[0], x[1]));
  ROW("atan2", extreme, atan2(x[0], x[1]));
  ROW("logaddexp", extreme + ", far", logaddexp(x[0], x[1]));
  ROW("maximum", extreme + ", kink, nan", maximum(x[0], x[1]));
  ROW("minimum", extreme + ", kink, nan", minimum(x[0], x[1]));
  ROW("heaviside", "same, row", heaviside(x[0], x[1]));
  const std::string compared = "same, outer, empty";
  ROW("less", compared, less(x[0], x[1]));
  ROW("less_equal", compared, less_equal(x[0], x[1]));
  ROW("greater", compared, greater(x[0], x[1]));
  ROW("greater_equal", compared, greater_equal(x[0], x[1]));
  ROW("equal", compared, equal(x[0], x[1]));
  ROW("not_equal", compared, not_equal(x[0], x[1]));
  const std::string three = "same, broadcast, number, empty";
  ROW("lerp", three + ", ends", lerp(x[0], x[1], x[2]));
  ROW("clamp", three, clamp(x[0], x[1], x[2]));
  ROW("clamp", "numbers, kink, extreme, nan", clamp(x[0], -0.75, 1.25));
  ROW("where", three + ", nan not taken", where(x[0] > 0, x[1], x[2]));
}

}  // namespace golden

// Every elementwise operation in float, with its first and second derivatives, over the whole range of finite numbers, against the
// same in long double, which nothing here overflows. What an operation does not promise stands in its row.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include <xgrad/xgrad.hpp>

#include "jet.hpp"
#include "support.hpp"

using namespace xgrad;
using namespace xgrad_test;

namespace {

using V = Variable<float>;

/// Parts of a derivative of which an error is not relative to the whole: it may be off by 2e-7 times this. [0] for the value, [1]
/// for first, [2] for second derivatives.
struct Lost {
  std::function<L(L, L)> part[3];
};

struct Row {
  const char* name;
  std::function<V(const V&, const V&)> op;
  std::function<Jet(const Jet&, const Jet&)> exact;
  bool binary = false;
  std::function<bool(L, L)> in = [](L, L) { return true; };  ///< where it is defined, smooth and promised
  std::vector<L> relative{1e-6L, 1e-6L, 1e-6L};              ///< errors of value, first and second derivatives
  Lost lost{};
};

constexpr L pi = std::numbers::pi_v<long double>, sqrt2 = std::numbers::sqrt2_v<long double>;

bool positive(L x, L) { return x > 0; }
bool nonzero(L x, L) { return x != 0; }
bool inside(L x, L) { return std::fabs(x) < 1; }
bool other_nonzero(L, L y) { return y != 0; }
bool not_origin(L x, L y) { return x != 0 && y != 0; }
bool unequal(L x, L y) { return x != y; }
const std::vector<L> exact{1e-6L, 1e-6L, 1e-6L};
bool everywhere(L, L) { return true; }
L one(L, L) { return 1; }
L larger(L x, L y) { return std::fmax(std::fabs(x), std::fabs(y)); }

/// Derivatives that are found from a result which has become 1 are lost there. Those of a tail that vanishes keep their digits, but
/// for terms that cancel: of sigmoid, silu and mish they are like eˣ, of gelu by tanh like eᵘ.
L sigmoid_slope(L x, L) { return x > 0 ? 1 : 0; }
L sigmoid_bend(L x, L) { return x > 0 ? 1 : std::exp(x); }
L silu_slope(L x, L) { return x > 0 ? 1 : std::exp(x) * (1 - x); }
L silu_bend(L x, L) { return x > 0 ? std::fmin(x, 100) : std::exp(x) * (1 - x); }
L gelu_tail(L x) {
  const L u = 2 * std::sqrt(2 / pi) * (x + 0.044715L * x * x * x), slope = 2 * std::sqrt(2 / pi) * (1 + 3 * 0.044715L * x * x);
  return std::exp(u) * (1 - x * slope) * (1 + slope);
}
L gelu_slope(L x, L) { return x > 0 ? 1 : gelu_tail(x); }
L gelu_bend(L x, L) { return x > 0 ? std::fmin(x, 100) : gelu_tail(x); }

/// Φ and the density, of which gelu's derivatives are made.
L share(L x, L) { return 0.5L * std::erfc(-x / sqrt2) + std::exp(-x * x / 2); }
bool no_pole(L x, L) { return x > 0 || x != std::floor(x); }
/// Φ
Jet normal(const Jet& x) { return 0.5L * erfc(-x / sqrt2); }
Jet length(L x, L y) {
  const L h = std::hypot(x, y), a = x / h, b = y / h;
  return {h, a, b, b / h * b, -(a / h * b), a / h * a};
}
Jet remainder(L x, L y) { return {std::fmod(x, y), 1, -std::trunc(x / y), 0, 0, 0}; }
Jet angle(L y, L x) {
  const L h = std::hypot(x, y), s = y / h, c = x / h;
  return {std::atan2(y, x), c / h, -s / h, -2 * s / h * c / h, (s - c) / h * ((s + c) / h), 2 * s / h * c / h};
}
/// A value and derivatives that are constant pieces.
Jet piece(const Jet& x, L value, L slope) { return chain(x, value, slope, 0); }

std::vector<Row> rows() {
  return {
#define ROW(name, call, formula, ...)                                     \
  Row{name, [](const V& x, [[maybe_unused]] const V& y) { return call; }, \
      [](const Jet& x, [[maybe_unused]] const Jet& y) -> Jet { return formula; }, __VA_ARGS__}
      // clang-format off
      ROW("neg", -x, -x, false),
      ROW("abs", abs(x), x.v < 0 ? -x : x, false, nonzero),
      ROW("square", square(x), x * x, false),
      ROW("sqrt", sqrt(x), sqrt(x), false, positive),
      ROW("rsqrt", rsqrt(x), 1 / sqrt(x), false, positive),
      ROW("reciprocal", reciprocal(x), 1 / x, false, nonzero),
      ROW("exp", exp(x), exp(x), false),
      ROW("expm1", expm1(x), expm1(x), false),
      ROW("log", log(x), log(x), false, positive),
      ROW("log1p", log1p(x), log1p(x), false, [](L v, L) { return v > -1; }),
      ROW("log2", log2(x), log(x) / std::log(2.0L), false, positive),
      ROW("log10", log10(x), log(x) / std::log(10.0L), false, positive),
      ROW("sin", sin(x), sin(x), false),
      ROW("cos", cos(x), cos(x), false),
      ROW("tan", tan(x), tan(x), false),
      ROW("asin", asin(x), asin(x), false, inside),
      ROW("acos", acos(x), acos(x), false, inside),
      ROW("atan", atan(x), atan(x), false),
      ROW("sinh", sinh(x), sinh(x), false),
      ROW("cosh", cosh(x), cosh(x), false),
      ROW("asinh", asinh(x), asinh(x), false),
      ROW("acosh", acosh(x), acosh(x), false, [](L v, L) { return v > 1; }),
      ROW("atanh", atanh(x), atanh(x), false, inside),
      ROW("erf", erf(x), erf(x), false),
      ROW("lgamma", lgamma(x), lgamma(x), false, no_pole),
      ROW("digamma", digamma(x), digamma(x), false, no_pole),
      ROW("tanh", tanh(x), tanh(x), false, everywhere, exact, Lost{{nullptr, one, one}}),
      ROW("sigmoid", sigmoid(x), logistic(x), false, everywhere, exact, Lost{{nullptr, sigmoid_slope, sigmoid_bend}}),
      ROW("log_sigmoid", log_sigmoid(x), -softplus(-x), false),
      ROW("softplus", softplus(x), softplus(x), false),
      ROW("softplus of 0.5 x", softplus(x, 0.5), softplus(x * 0.5L) / 0.5L, false),
      ROW("silu", silu(x), x * logistic(x), false, everywhere, exact, Lost{{nullptr, silu_slope, silu_bend}}),
      ROW("mish", mish(x), x * tanh(softplus(x)), false, everywhere, exact, Lost{{nullptr, silu_slope, silu_bend}}),
      ROW("softsign", softsign(x), chain(x, x.v / (1 + std::fabs(x.v)), 1 / (1 + std::fabs(x.v)) / (1 + std::fabs(x.v)),
                                         -2 * std::copysign(1.0L, x.v) / (1 + std::fabs(x.v)) / (1 + std::fabs(x.v)) / (1 + std::fabs(x.v))), false, nonzero),
      ROW("elu", elu(x), x.v > 0 ? x : expm1(x), false, nonzero),
      ROW("elu of alpha 0.5", elu(x, 0.5), x.v > 0 ? x : 0.5L * expm1(x), false, nonzero),
      ROW("selu", selu(x), 1.0507009873554804934L * (x.v > 0 ? x : 1.6732632423543772848L * expm1(x)), false, nonzero),
      ROW("gelu", gelu(x), x * normal(x), false, everywhere, exact, Lost{{nullptr, share, share}}),
      ROW("gelu by tanh", gelu(x, {.approximate = true}), x * logistic(2 * std::sqrt(2 / pi) * (x + 0.044715L * x * x * x)), false, everywhere, std::vector<L>{2e-5L, 2e-5L, 2e-5L}, Lost{{nullptr, gelu_slope, gelu_bend}}),
      ROW("relu", relu(x), x.v > 0 ? x : 0 * x, false),
      ROW("relu6", relu6(x), x.v <= 0 ? piece(x, 0, 0) : x.v >= 6 ? piece(x, 6, 0) : x, false),
      ROW("hardtanh", hardtanh(x), x.v <= -1 ? piece(x, -1, 0) : x.v >= 1 ? piece(x, 1, 0) : x, false),
      ROW("hardswish", hardswish(x), x.v <= -3 ? piece(x, 0, 0) : x.v >= 3 ? x : x * (x + 3) / 6, false),
      ROW("leaky_relu", leaky_relu(x), x.v > 0 ? x : 0.01L * x, false),
      ROW("clamp", clamp(x, -2, 30), x.v < -2 ? piece(x, -2, 0) : x.v > 30 ? piece(x, 30, 0) : x, false),
      ROW("nan_to_num", nan_to_num(x), x, false),
      ROW("sign", sign(x), piece(x, x.v > 0 ? 1 : x.v < 0 ? -1 : 0, 0), false),
      ROW("floor", floor(x), piece(x, std::floor(x.v), 0), false),
      ROW("ceil", ceil(x), piece(x, std::ceil(x.v), 0), false),
      ROW("round", round(x), piece(x, std::nearbyint(x.v), 0), false),
      ROW("pow(x, 0.3)", pow(x, 0.3), exp(L(0.3F) * log(x)), false, positive, std::vector<L>{1e-6L, 3e-6L, 6e-6L}),
      ROW("pow(x, 3)", pow(x, 3), x * x * x, false),
      ROW("where, less", where(x < y, x, y), x.v < y.v ? x : y, true),
      ROW("where, less_equal", where(x <= y, x, y), x.v <= y.v ? x : y, true),
      ROW("where, greater", where(x > y, x, y), x.v > y.v ? x : y, true),
      ROW("where, greater_equal", where(x >= y, x, y), x.v >= y.v ? x : y, true),
      ROW("where, equal", where(equal(x, y), 2 * x, y), x.v == y.v ? 2 * x : y, true),
      ROW("where, not_equal", where(not_equal(x, y), x, 2 * y), x.v != y.v ? x : 2 * y, true),
      ROW("add", x + y, x + y, true),
      ROW("sub", x - y, x - y, true),
      ROW("mul", x * y, x * y, true),
      ROW("div", x / y, x / y, true, other_nonzero),
      ROW("maximum", maximum(x, y), x.v > y.v ? x : y, true, unequal),
      ROW("minimum", minimum(x, y), x.v < y.v ? x : y, true, unequal),
      ROW("pow", pow(x, y), exp(y * log(x)), true, [](L v, L w) { return v >= 1e-10L && v <= 1e10L && std::fabs(w) <= 100; },
          std::vector<L>{1e-6L, 3e-6L, 6e-6L}),
      ROW("hypot", hypot(x, y), length(x.v, y.v), true, not_origin, exact,
          Lost{{nullptr, nullptr, [](L v, L w) { return 1 / std::hypot(v, w); }}}),
      ROW("atan2", atan2(x, y), angle(x.v, y.v), true, not_origin, exact,
          Lost{{nullptr, nullptr, [](L v, L w) { return 1 / std::hypot(v, w) / std::hypot(v, w); }}}),
      ROW("logaddexp", logaddexp(x, y), x.v > y.v ? x + softplus(y - x) : y + softplus(x - y), true),
      ROW("fmod", fmod(x, y), remainder(x.v, y.v), true, [](L v, L w) { return std::fabs(v) < std::fabs(w) * 1e38L; }),
      ROW("lerp", lerp(x, y, 0.25), 0.75L * x + 0.25L * y, true, everywhere, exact, Lost{{larger, nullptr, nullptr}}),
      ROW("prelu", prelu(x, y), x.v > 0 ? x : x * y, true, [](L v, L) { return v != 0; }),
      ROW("heaviside", heaviside(x, y), piece(x, x.v > 0 ? 1 : 0, 0), true, [](L v, L) { return v != 0; }),
      ROW("mse_loss", mse_loss(x, y, {.reduction = Reduction::none}), (x - y) * (x - y), true),
      ROW("l1_loss", l1_loss(x, y, {.reduction = Reduction::none}), x.v > y.v ? x - y : y - x, true, unequal),
      ROW("smooth_l1_loss", smooth_l1_loss(x, y, {.reduction = Reduction::none}),
          std::fabs(x.v - y.v) < 1 ? 0.5L * (x - y) * (x - y) : x.v > y.v ? x - y - 0.5L : y - x - 0.5L, true),
      ROW("huber_loss", huber_loss(x, y, {.reduction = Reduction::none}),
          std::fabs(x.v - y.v) <= 1 ? 0.5L * (x - y) * (x - y) : x.v > y.v ? x - y - 0.5L : y - x - 0.5L, true),
      ROW("hinge_loss", hinge_loss(x, y, {.reduction = Reduction::none}), 1 - x.v * y.v > 0 ? 1 - x * y : 0 * x, true,
          [](L v, L w) { return std::fabs(v * w - 1) > 1e-3L; }, exact, Lost{{one, nullptr, nullptr}}),
      ROW("binary_cross_entropy_with_logits", binary_cross_entropy_with_logits(x, y, {.reduction = Reduction::none}),
          x.v > 0 ? softplus(-x) + (1 - y) * x : softplus(x) - y * x, true, [](L, L t) { return t >= 0 && t <= 1; }),
      ROW("binary_cross_entropy", binary_cross_entropy(x, y, {.reduction = Reduction::none}), -(y * log(x) + (1 - y) * log1p(-x)), true,
          [](L p, L t) { return p > 1e-11L && p < 1 && t >= 0 && t <= 1; }, exact,
          Lost{{nullptr, one, [](L p, L t) { return 1 / p / (1 - p) + std::fabs(p - t) / p / (1 - p) / p / (1 - p); }}}),
      ROW("gaussian_nll_loss", gaussian_nll_loss(x, 0.5, y, {.reduction = Reduction::none}), 0.5L * (log(y) + (x - 0.5L) * (x - 0.5L) / y), true,
          [](L, L v) { return v > 1e-5L; }, exact,
          Lost{{[](L d, L v) { return std::fabs(std::log(v)) + (d - 0.5L) / v * (d - 0.5L); }, [](L d, L v) { return (1 + (d - 0.5L) / v * (d - 0.5L)) / v; },
                [](L d, L v) { return (1 + (d - 0.5L) / v * (d - 0.5L)) / v / v; }}}),
      ROW("kl_div", kl_div(x, y, {.reduction = Reduction::none}), y * (log(y) - x), true, [](L, L t) { return t > 0; }, exact,
          Lost{{[](L v, L t) { return std::fabs(t * std::log(t)) + std::fabs(t * v); }, [](L v, L t) { return std::fabs(std::log(t)) + std::fabs(v); }, nullptr}}),
      ROW("kl_div of log_target", kl_div(x, y, {.reduction = Reduction::none, .log_target = true}), exp(y) * (y - x), true,
          [](L, L t) { return std::fabs(t) < 80; }),
      ROW("poisson_nll_loss", poisson_nll_loss(x, y, {.reduction = Reduction::none}), exp(x) - y * x, true, [](L v, L) { return v < 80; }, exact,
          Lost{{[](L v, L t) { return std::exp(v) + std::fabs(t * v); }, [](L v, L t) { return std::exp(v) + std::fabs(t); }, nullptr}}),
  // clang-format on
#undef ROW
  };
}

/// Sizes at which something may overflow, vanish, or change its branch; both signs of each, and 0.
std::vector<float> magnitudes(bool binary) {
  std::vector<float> sizes{1e-38F, 1e-25F, 1e-10F, 1e-3F, 0.3F, 0.9F, 2.5F, 20, 100, 1e10F, 1e25F, 1e38F};
  if (!binary)
    for (const float x : {2e-38F, 1e-30F, 1e-20F, 1e-19F, 1e-15F, 1e-7F, 1e-5F, 0.01F, 0.1F,  0.5F,  0.75F, 1.5F, 2.F,
                          3.5F,   4.3F,   5.F,    6.5F,   8.F,    9.1F,  12.7F, 10.F,  12.F,  15.F,  30.F,  40.F, 60.F,
                          80.F,   86.F,   1e3F,   1e4F,   1e5F,   1e7F,  1e15F, 1e18F, 1e19F, 1e20F, 1e30F})
      sizes.push_back(x);
  std::vector<float> result{0.F};
  for (const float x : sizes) {
    result.push_back(x);
    result.push_back(-x);
  }
  return result;
}

/// Whether a float is the true number, up to what float can hold.
bool close(float found, L truth, L tolerance) {
  constexpr L largest = std::numeric_limits<float>::max(), least = std::numeric_limits<float>::min();
  const L value = found;
  if (tolerance >= largest) return !std::isnan(found);
  if (std::fabs(truth) > largest * (1 - 1e-6L))
    return std::isinf(found) ? (found > 0) == (truth > 0) : std::fabs(value - truth) <= 1e-6L * std::fabs(truth);
  return std::fabs(value - truth) <= std::fmax(tolerance, 2 * least);
}

}  // namespace

TEST_CASE("magnitudes: every elementwise operation, to second order, over the whole range of float") {
  for (const Row& row : rows()) {
    std::vector<double> xs, ys;
    for (const float x : magnitudes(row.binary))
      for (const float y : row.binary ? magnitudes(true) : std::vector<float>{1}) {
        if (!row.in(x, y)) continue;
        xs.push_back(double{x});
        ys.push_back(double{y});
      }
    const V x = leaf<float>(xs), y = leaf<float>(ys), z = row.op(x, y);
    std::vector<V> inputs{x};
    if (row.binary) inputs.push_back(y);
    std::vector<Array<float>> found{z.value()};
    std::vector<V> slopes = grad(sum(z), inputs, {.create_graph = true, .allow_unused = true});
    for (const V& slope : slopes) found.push_back(slope.value());
    for (std::size_t i = 0; i < slopes.size(); ++i)
      for (std::size_t j = i; j < slopes.size(); ++j)
        found.push_back(slopes[i].requires_grad()
                            ? grad(sum(slopes[i]), {inputs[j]}, {.retain_graph = true, .allow_unused = true})[0].value()
                            : zeros<float>(x.shape()));
    int wrong = 0;
    for (std::size_t k = 0; k < xs.size(); ++k) {
      const Jet truth = row.exact(Jet{L(xs[k]), 1, 0, 0, 0, 0}, row.binary ? Jet{L(ys[k]), 0, 1, 0, 0, 0} : Jet{L(ys[k])});
      const std::vector<L> parts = row.binary ? std::vector<L>{truth.v, truth.a, truth.b, truth.aa, truth.ab, truth.bb}
                                              : std::vector<L>{truth.v, truth.a, truth.aa};
      for (std::size_t p = 0; p < parts.size(); ++p) {
        const std::size_t order = p == 0 ? 0 : p < 1 + inputs.size() ? 1 : 2;
        const auto& part = row.lost.part[order];
        const L tolerance =
            std::fmax(row.relative[order] * std::fabs(parts[p]), part ? 2e-7L * std::fabs(part(L(xs[k]), L(ys[k]))) : 0);
        if (close(found[p].data()[k], parts[p], tolerance)) continue;
        if (++wrong > 6) continue;
        const std::string what = std::string(row.name) + ", part " + std::to_string(p);
        CAPTURE(what);
        CAPTURE(xs[k]);
        CAPTURE(ys[k]);
        CHECK(found[p].data()[k] == static_cast<double>(parts[p]));
      }
    }
    CHECK_MESSAGE(wrong == 0, row.name);
  }
}

TEST_CASE("magnitudes: values at infinities") {
  const V ends = leaf<float>({-inf, inf});
  const auto at_ends = [&](const V& y, double low, double high) { return is(y.value(), {low, high}, 1e-6); };
  const double half_pi = std::acos(0.0);
  CHECK(at_ends(abs(ends), inf, inf));
  CHECK(at_ends(square(ends), inf, inf));
  CHECK(at_ends(reciprocal(ends), 0, 0));
  CHECK(at_ends(exp(ends), 0, inf));
  CHECK(at_ends(expm1(ends), -1, inf));
  CHECK(at_ends(atan(ends), -half_pi, half_pi));
  CHECK(at_ends(sinh(ends), -inf, inf));
  CHECK(at_ends(cosh(ends), inf, inf));
  CHECK(at_ends(asinh(ends), -inf, inf));
  CHECK(at_ends(erf(ends), -1, 1));
  CHECK(at_ends(tanh(ends), -1, 1));
  CHECK(at_ends(sigmoid(ends), 0, 1));
  CHECK(at_ends(log_sigmoid(ends), -inf, 0));
  CHECK(at_ends(softplus(ends), 0, inf));
  CHECK(at_ends(relu(ends), 0, inf));
  CHECK(at_ends(relu6(ends), 0, 6));
  CHECK(at_ends(hardtanh(ends), -1, 1));
  CHECK(at_ends(hardswish(ends), 0, inf));
  CHECK(at_ends(leaky_relu(ends), -inf, inf));
  CHECK(at_ends(elu(ends), -1, inf));
  CHECK(at_ends(selu(ends), -1.7580993408473766, inf));
  CHECK(at_ends(sign(ends), -1, 1));
  CHECK(at_ends(floor(ends), -inf, inf));
  CHECK(at_ends(clamp(ends, -2, 3), -2, 3));
  CHECK(at_ends(logaddexp(ends, 1), 1, inf));
  CHECK(at_ends(hypot(ends, 1), inf, inf));
  CHECK(at_ends(atan2(ends, 1), -half_pi, half_pi));
  const V wanted = leaf<float>({0, 1}), all = leaf<float>({-inf, -1});
  const V loss = binary_cross_entropy_with_logits(ends, wanted, {.reduction = Reduction::none});
  CHECK(at_ends(loss, 0, 0));
  CHECK(is(gradient(loss, ends), {0, 0}));
  CHECK(at_ends(binary_cross_entropy_with_logits(ends, 1 - wanted, {.reduction = Reduction::none}), inf, inf));
  const V divergence = kl_div(leaf<float>({-3, -1}), all, {.reduction = Reduction::none, .log_target = true});
  CHECK(at_ends(divergence, 0, 0));
  CHECK(gradient(divergence, all)(0) == 0);
  CHECK(at_ends(kl_div(leaf<float>({-inf, 0}), leaf<float>({0, 1}), {.reduction = Reduction::none}), 0, 0));
}

TEST_CASE_TEMPLATE("magnitudes: an infinite score is all of the probability", T, float, double) {
  const auto x = leaf<T>(Shape{2, 3}, {1, inf, -inf, inf, 0, inf});
  CHECK(is(softmax(x).value(), {0, 1, 0, 0.5, 0, 0.5}));
  CHECK(is(log_softmax(x).value(), {-inf, 0, -inf, -std::log(2.0), -inf, -std::log(2.0)}, 1e-7));
  const auto loss = cross_entropy(x, Labels{1, 2}, {.reduction = Reduction::none});
  CHECK(is(loss.value(), {0, std::log(2.0)}, 1e-7));
  CHECK(is(gradient(loss, x), {0, 0, 0, 0.5, 0, -0.5}));
  CHECK(std::isinf(cross_entropy(x, Labels{0, 2}, {.reduction = Reduction::none}).value()(0)));
}

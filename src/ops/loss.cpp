// Losses of each element: formulas, reduced.
#include <xgrad/ops/loss.hpp>

#include <fmt/format.h>
#include <cmath>
#include <limits>
#include <numbers>

#include <xgrad/ops/arithmetic.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/shape.hpp>

#include "formulas.hpp"
#include "loss_support.hpp"
#include "scales.hpp"

namespace xgrad {
using namespace detail;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// Throws ValueError unless `fits`.
void check_option(bool fits, Where at, std::string_view op, std::string_view option, double value, std::string_view must) {
  if (!fits) throw ValueError(at, op, fmt::format("{} is {}; it must {}", option, value, must));
}

}  // namespace

template <class T>
Variable<T> mse_loss(Variable<T> a, std::type_identity_t<Variable<T>> b, LossOptions options, Where at) {
  if (a.defined() && b.defined() && a.size() > 1 && a.size() == b.size() && !broadcasts_to(a.shape(), b.shape()) &&
      !broadcasts_to(b.shape(), a.shape()))
    throw ShapeError(at, "mse_loss",
                     fmt::format("a is {}, b is {}, as many elements in another shape; the shapes must be equal: use reshape",
                                 to_string(a.shape()), to_string(b.shape())));
  static const auto op = elementwise("mse_loss", [](auto x, auto y) { return square(x - y); });
  return reduced(op(std::move(a), std::move(b), at), options.reduction, at);
}

template <class T>
Variable<T> l1_loss(Variable<T> a, std::type_identity_t<Variable<T>> b, LossOptions options, Where at) {
  static const auto op = elementwise("l1_loss", [](auto x, auto y) { return abs(x - y); });
  return reduced(op(std::move(a), std::move(b), at), options.reduction, at);
}

template <class T>
Variable<T> smooth_l1_loss(Variable<T> a, std::type_identity_t<Variable<T>> b, SmoothL1Options options, Where at) {
  check_option(options.beta >= 0, at, "smooth_l1_loss", "beta", options.beta, "not be negative");
  static const auto op = elementwise("smooth_l1_loss", [](auto x, auto y, auto beta) {
    const auto d = x - y;
    return where(abs(d) < beta, 0.5 * square(d) / beta, abs(d) - 0.5 * beta);
  });
  return reduced(op(std::move(a), std::move(b), options.beta, at), options.reduction, at);
}

template <class T>
Variable<T> huber_loss(Variable<T> a, std::type_identity_t<Variable<T>> b, HuberOptions options, Where at) {
  check_option(options.delta > 0, at, "huber_loss", "delta", options.delta, "be positive");
  static const auto op = elementwise("huber_loss", [](auto x, auto y, auto delta) {
    const auto d = x - y;
    return where(abs(d) <= delta, 0.5 * square(d), delta * (abs(d) - 0.5 * delta));
  });
  return reduced(op(std::move(a), std::move(b), options.delta, at), options.reduction, at);
}

template <class T>
Variable<T> binary_cross_entropy(Variable<T> p, std::type_identity_t<Variable<T>> target, LossOptions options, Where at) {
  static const auto bounded_log = [](auto l) { return where(l < -100, -100, l); };
  static const auto op = elementwise(
      "binary_cross_entropy", [](auto x, auto y) { return -(y * bounded_log(log(x)) + (1 - y) * bounded_log(log1p(-x))); },
      [](auto g, auto x, auto y) { return g * (x - y) / maximum(x * (1 - x), 1e-12); },
      [](auto g, auto x, auto) { return g * (bounded_log(log1p(-x)) - bounded_log(log(x))); });
  return reduced(op(std::move(p), std::move(target), at), options.reduction, at);
}

template <class T>
Variable<T> binary_cross_entropy_with_logits(Variable<T> logits, std::type_identity_t<Variable<T>> target,
                                             BinaryCrossEntropyOptions options, Where at) {
  // Two terms that are not negative: no digits are lost for large logits. What has factor 0 is nothing, also where it is infinite.
  static const auto op = elementwise(
      "binary_cross_entropy_with_logits",
      [](auto x, auto y, auto weight) {
        return xgrad::where(y == 0, 0, weight * y * softplus(-x)) + xgrad::where(y == 1, 0, (1 - y) * softplus(x));
      },
      [](auto g, auto x, auto y, auto weight) { return g * ((1 - y) * sigmoid(x) - weight * y * sigmoid(-x)); },
      [](auto g, auto x, auto, auto weight) { return g * (xgrad::where(weight == 1, 0, (weight - 1) * softplus(-x)) - x); },
      [](auto g, auto x, auto y, auto) { return g * xgrad::where(y == 0, 0, y * softplus(-x)); });
  return reduced(op(std::move(logits), std::move(target), options.pos_weight, at), options.reduction, at);
}

template <class T>
Variable<T> hinge_loss(Variable<T> scores, std::type_identity_t<Variable<T>> target, HingeOptions options, Where at) {
  static const auto op = elementwise("hinge_loss", [](auto x, auto y, auto margin) { return relu(margin - x * y); });
  return reduced(op(std::move(scores), std::move(target), options.margin, at), options.reduction, at);
}

template <class T>
Variable<T> kl_div(Variable<T> x, std::type_identity_t<Variable<T>> target, KlDivOptions options, Where at) {
  // What has no probability counts nothing, whatever its logarithm.
  static const auto plain = elementwise(
      "kl_div", [](auto a, auto t) { return where(t == 0, 0, t * (log(t) - a)); }, [](auto g, auto, auto t) { return -(g * t); },
      [](auto g, auto a, auto t) { return where(t == 0, 0, g * (log(t) - a + 1)); });
  static const auto log_target = elementwise(
      "kl_div", [](auto a, auto t) { return where(t == -infinity, 0, exp(t) * (t - a)); },
      [](auto g, auto, auto t) { return -(g * exp(t)); },
      [](auto g, auto a, auto t) { return where(t == -infinity, 0, g * (exp(t) * (t - a + 1))); });
  Variable<T> loss =
      options.log_target ? log_target(std::move(x), std::move(target), at) : plain(std::move(x), std::move(target), at);
  return reduced(std::move(loss), options.reduction, at);
}

template <class T>
Variable<T> poisson_nll_loss(Variable<T> x, std::type_identity_t<Variable<T>> target, PoissonNllOptions options, Where at) {
  static const auto of_log = elementwise("poisson_nll_loss", [](auto a, auto t) { return exp(a) - t * a; });
  static const auto of_rate = elementwise("poisson_nll_loss", [](auto a, auto t, auto eps) { return a - t * log(a + eps); });
  static const auto stirling =
      elementwise("poisson_nll_loss", [](auto t) { return where(t > 1, t * log(t) - t + 0.5 * log(2 * std::numbers::pi * t), 0); });
  Variable<T> loss = options.log_input ? of_log(std::move(x), target, at) : of_rate(std::move(x), target, options.eps, at);
  if (options.full) loss = add(std::move(loss), stirling(std::move(target), at), at);
  return reduced(std::move(loss), options.reduction, at);
}

template <class T>
Variable<T> gaussian_nll_loss(Variable<T> x, std::type_identity_t<Variable<T>> target, std::type_identity_t<Variable<T>> variance,
                              GaussianNllOptions options, Where at) {
  // The square might overflow.
  static const auto op = elementwise(
      "gaussian_nll_loss", [](auto a, auto t, auto v) { return 0.5 * (log(v) + (a - t) / v * (a - t)); },
      [](auto g, auto a, auto t, auto v) { return g * ((a - t) / v); },
      [](auto g, auto a, auto t, auto v) { return g * ((t - a) / v); },
      [](auto g, auto a, auto t, auto v) { return g * (0.5 * (1 / v - square((a - t) / v))); });
  static const auto bounded = elementwise("gaussian_nll_loss", [](auto v, auto eps) { return where(v < eps, eps, v); });
  const Array<T>& v = value_of(variance, at);
  for (std::size_t k = 0; k < v.size(); ++k)
    if (v.data()[k] < 0)
      throw ValueError(at, "gaussian_nll_loss", fmt::format("variance {} at index {}; it must not be negative", v.data()[k], k));
  Variable<T> loss = op(std::move(x), std::move(target), bounded(std::move(variance), options.eps, at), at);
  if (options.full) loss = add(std::move(loss), static_cast<T>(0.5 * std::log(2 * std::numbers::pi)), at);
  return reduced(std::move(loss), options.reduction, at);
}

template <class T>
Variable<T> cosine_similarity(Variable<T> a, std::type_identity_t<Variable<T>> b, int axis, CosineSimilarityOptions options,
                              Where at) try {
  static const auto op = elementwise("cosine_similarity", [](auto ab, auto aa, auto bb, auto eps_a, auto eps_b) {
    const auto inverse = [](auto s, auto eps) { return where(sqrt(s) > eps, rsqrt(s), 1 / eps); };  // of the norm; flat near 0
    return ab * inverse(aa, eps_a) * inverse(bb, eps_b);
  });
  const Shape shape = placed(at, "cosine_similarity", [&] {
    const Shape common = broadcast_shapes(shape_of(a, at), shape_of(b, at));
    normalise_axis(axis, common.size());
    return common;
  });
  a = broadcast_to(std::move(a), shape, at);
  b = broadcast_to(std::move(b), shape, at);
  const Reduced reduced(shape, Axes(axis), false);
  // Where a square overflows or vanishes, the vector and the least norm are taken in another unit.
  const auto squares = [&](Variable<T>& x, Variable<T>& eps) {
    Variable<T> result = sum(square(x, at), axis, {}, at);
    Array<T> scales = scales_of(x.value(), reduced, result.value(), eps.item() * eps.item());
    if (scales.size() == 0) return result;
    x = mul(std::move(x), scales, at);
    scales.reshape(reduced.result);
    eps = mul(std::move(eps), scales, at);
    return sum(square(x, at), axis, {}, at);
  };
  Variable<T> eps_a(static_cast<T>(options.eps)), eps_b = eps_a, aa = squares(a, eps_a), bb = squares(b, eps_b);
  return op(sum(mul(std::move(a), std::move(b), at), axis, {}, at), std::move(aa), std::move(bb), std::move(eps_a),
            std::move(eps_b), at);
} catch (Error& error) {
  called(error, at);
}

XGRAD_BOTH(mse_loss);
XGRAD_BOTH(l1_loss);
XGRAD_BOTH(smooth_l1_loss);
XGRAD_BOTH(huber_loss);
XGRAD_BOTH(binary_cross_entropy);
XGRAD_BOTH(binary_cross_entropy_with_logits);
XGRAD_BOTH(hinge_loss);
XGRAD_BOTH(kl_div);
XGRAD_BOTH(poisson_nll_loss);
XGRAD_BOTH(gaussian_nll_loss);
XGRAD_BOTH(cosine_similarity);

}  // namespace xgrad

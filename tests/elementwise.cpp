// Elementwise operations, activations and losses at kinks, poles, NaN and infinities, and what they say when something does not
// fit.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <xgrad/xgrad.hpp>

#include "support.hpp"

using namespace xgrad;

using namespace xgrad_test;

namespace {

template <class T>
Array<T> second(const Variable<T>& y, const Variable<T>& x) {
  return gradient(grad(sum(y), {x}, {.create_graph = true})[0], x);
}

}  // namespace

TEST_CASE_TEMPLATE("elementwise: kinks", T, float, double) {
  const auto x = leaf<T>({-4, -3, -1, 0, 1, 3, 6, 7});
  CHECK(is(gradient(relu6(x), x), {0, 0, 0, 0, 1, 1, 0, 0}));
  CHECK(is(gradient(hardtanh(x), x), {0, 0, 0, 1, 0, 0, 0, 0}));
  CHECK(is(gradient(clamp(x, -1, 1), x), {0, 0, 1, 1, 1, 0, 0, 0}));
  CHECK(is(gradient(leaky_relu(x, 0.25), x), {0.25, 0.25, 0.25, 0.25, 1, 1, 1, 1}));
  CHECK(is(gradient(prelu(x, 0.25), x), {0.25, 0.25, 0.25, 0.25, 1, 1, 1, 1}));
  const auto slope = leaf<T>(Shape{}, {0.25});
  CHECK(is(gradient(prelu(x, slope), slope), {-8}));
  CHECK(gradient(elu(x, 0.5), x)(3) == T(0.5));
  CHECK(gradient(softsign(x), x)(3) == 1);
  CHECK(is(gradient(hardswish(x), x), {0, 0, T(1) / 6, 0.5, T(5) / 6, 1, 1, 1}, 1e-6));
  CHECK(is(gradient(sign(x), x), std::vector<double>(8, 0)));
  CHECK(is(gradient(floor(x), x), std::vector<double>(8, 0)));
  // smooth there, though written with abs and maximum
  CHECK(gradient(softplus(x), x) == sigmoid(x).value());
  CHECK(second(softplus(x), x)(3) == T(0.25));
  CHECK(gradient(mish(x), x)(3) == doctest::Approx(0.6));
  const auto a = leaf<T>({2, inf, -inf, inf}), b = leaf<T>({2, inf, -inf, -inf});
  CHECK(is(logaddexp(a, b).value(), {2 + std::log(2.0), inf, -inf, inf}, 1e-6));
  CHECK(is(gradient(logaddexp(a, b), a), {0.5, 0.5, 0.5, 1}));
  CHECK(second(logaddexp(a, b), a)(0) == T(0.25));
  const auto zero = leaf<T>({0, 3}), other = leaf<T>({0, 4});
  CHECK(is(gradient(hypot(zero, other), zero), {0, 0.6}, 1e-6));
  CHECK(is(gradient(l1_loss(zero, other), zero), {0, -0.5}));
}

TEST_CASE_TEMPLATE("elementwise: clamp's gradient goes where its value comes from", T, float, double) {
  const auto x = leaf<T>({-2, -1, 0, 1, 2}), low = leaf<T>(Shape{}, {-1}), high = leaf<T>(Shape{}, {1});
  CHECK(is(gradient(clamp(x, low, high), low), {1}));
  CHECK(is(gradient(clamp(x, low, high), high), {1}));
  CHECK(is(clamp(x, high, low).value(), {-1, -1, -1, -1, -1}));  // bounds in the wrong order: the upper one
  CHECK(is(gradient(clamp(x, high, low), low), {5}));
  CHECK(is(gradient(clamp(x, high, low), high), {0}));
  CHECK(is(gradient(clamp(x, high, low), x), {0, 0, 0, 0, 0}));
  CHECK(is(clamp(leaf<T>({na, inf, -inf, 5}), -inf, 3).value(), {na, 3, -inf, 3}));
}

TEST_CASE_TEMPLATE("elementwise: pow at base 0", T, float, double) {
  const auto x = leaf<T>({0, 0, 0, 0, 0, 0}), b = leaf<T>({0, 1, 2, 3, 0.5, -1});
  CHECK(is(pow(x, b).value(), {1, 0, 0, 0, 0, inf}));
  CHECK(is(gradient(pow(x, b), x), {0, 1, 0, 0, inf, -inf}));
  CHECK(is(second(pow(x, b), x), {0, 0, 2, 0, -inf, inf}));
  CHECK(is(gradient(pow(x, b), b), {0, 0, 0, 0, 0, -inf}));
  for (const int n : {0, 1, 2, 3, 4}) {
    const auto z = leaf<T>({0, -2, 1});
    const double m = n;
    CHECK(is(pow(z, n).value(), {n == 0 ? 1. : 0., std::pow(-2, m), 1}));
    CHECK(is(gradient(pow(z, n), z), {n == 1 ? 1. : 0., m == 0 ? 0. : m * std::pow(-2, m - 1), m}));
    CHECK(is(second(pow(z, n), z), {n == 2 ? 2. : 0., n < 2 ? 0. : m * (m - 1) * std::pow(-2, m - 2), m * (m - 1)}));
  }
  // the exponents that have a way of their own say the same as those that are arrays
  const auto z = leaf<T>({-inf, -2, -0.0, 0, 1, 2.5, inf, na});
  for (const double n : {0., 1., 2., 3., -1., 0.5}) {
    std::vector<double> expected;
    for (const T v : z.value()) expected.push_back(static_cast<double>(std::pow(v, static_cast<T>(n))));
    CHECK(is(pow(z, n).value(), expected, 1e-5));
    CHECK(is(pow(z, full<T>(Shape{8}, static_cast<T>(n))).value(), expected, 1e-5));
  }
  CHECK(is(pow(2, leaf<T>({3, -1, 0})).value(), {8, 0.5, 1}));
  const auto mixed = leaf<T>({2}), exponent = leaf<T>({0});  // d²/da db at b = 0 is 1 / a
  CHECK(is(gradient(grad(sum(pow(mixed, exponent)), {mixed}, {.create_graph = true})[0], exponent), {0.5}));
}

TEST_CASE_TEMPLATE("elementwise: special values", T, float, double) {
  const T largest = std::numeric_limits<T>::max();
  CHECK(is(sign(leaf<T>({-3, -0.0, 0, 2, na})).value(), {-1, 0, 0, 1, na}));
  CHECK(is(heaviside(leaf<T>({-3, 0, 2, na}), 0.5).value(), {0, 0.5, 1, na}));
  const auto half = leaf<T>({0.5}), at_zero = leaf<T>({0});
  CHECK(is(gradient(heaviside(at_zero, half), half), {0}));
  CHECK(is(round(leaf<T>({0.5, 1.5, 2.5, -0.5, 2.6, inf, na})).value(), {0, 2, 2, 0, 3, inf, na}));
  CHECK(is(floor(leaf<T>({0.5, -0.5, 2, -inf, na})).value(), {0, -1, 2, -inf, na}));
  CHECK(is(ceil(leaf<T>({0.5, -0.5, 2, inf, na})).value(), {1, 0, 2, inf, na}));
  const auto bad = leaf<T>({na, inf, -inf, 2});
  CHECK(is(nan_to_num(bad).value(), {0, static_cast<double>(largest), static_cast<double>(-largest), 2}));
  CHECK(is(nan_to_num(bad, {.nan = 7, .posinf = 8, .neginf = -9}).value(), {7, 8, -9, 2}));
  CHECK(is(gradient(nan_to_num(bad), bad), {0, 0, 0, 1}));
  CHECK(is(fmod(leaf<T>({7, -7, 7, 1, inf}), leaf<T>({3, 3, -3, 0, 2})).value(), {1, -1, 1, na, na}));
  CHECK(is(fmod(leaf<T>({7}), leaf<T>({0.5})).value(), {0}));
  CHECK(is(lerp(leaf<T>({1e9, 3}), leaf<T>({-7, 5}), leaf<T>({1, 0})).value(), {-7, 3}));
  CHECK(is(hypot(leaf<T>({largest / 2, 3, inf}), leaf<T>({largest / 2, 4, 1})).value(),
           {static_cast<double>(largest) * std::sqrt(0.5), 5, inf}, static_cast<double>(largest) * 1e-6));
  CHECK(is(lgamma(leaf<T>({1, 2, 0, -1, inf, na, 0.5})).value(), {0, 0, inf, inf, inf, na, 0.5723649429247001}, 1e-6));
  CHECK(is(digamma(leaf<T>({1, 0, -0.0, -1, inf, -inf, na})).value(), {-0.5772156649015329, -inf, inf, na, inf, na, na}, 1e-6));
  CHECK(is(erf(leaf<T>({0, inf, -inf, na, 1})).value(), {0, 1, -1, na, 0.8427007929497149}, 1e-6));
  CHECK(is(asin(leaf<T>({1, 2, na})).value(), {std::asin(1.0), na, na}, 1e-6));
  CHECK(is(acosh(leaf<T>({1, 0.5})).value(), {0, na}));
  CHECK(is(atanh(leaf<T>({1, -1, 2})).value(), {inf, -inf, na}));
  CHECK(is(atan2(leaf<T>({0, 1, -0.0}), leaf<T>({-1, 0, -1})).value(), {std::acos(-1.0), std::acos(0.0), -std::acos(-1.0)}, 1e-6));
  CHECK(is(log2(leaf<T>({8, 0, -1})).value(), {3, -inf, na}));
  CHECK(is(log10(leaf<T>({1000, 0, -1})).value(), {3, -inf, na}));
  // nothing overflows on the way
  const auto far = leaf<T>({-1e4, 1e4, -inf, inf, na});
  CHECK(is(softplus(far).value(), {0, 1e4, 0, inf, na}));
  CHECK(is(softplus(far, 10).value(), {0, 1e4, 0, inf, na}));
  CHECK(is(gradient(softplus(far), far), {0, 1, 0, 1, na}));
  CHECK(is(log_sigmoid(far).value(), {-1e4, 0, -inf, 0, na}));
  CHECK(is(elu(far).value(), {-1, 1e4, -1, inf, na}));
  CHECK(is(gradient(elu(far), far), {0, 1, 0, 1, na}));
  const auto finite = leaf<T>({-1e4, 1e4, na});
  for (const auto& y : {silu(finite), mish(finite), gelu(finite), gelu(finite, {.approximate = true}), relu6(finite) * T(1e4 / 6),
                        leaky_relu(finite, 0), hardswish(finite)})
    CHECK(is(y.value(), {0, 1e4, na}, 1e-2));
  CHECK(is(gradient(silu(finite), finite), {0, 1, na}));
  CHECK(is(gradient(gelu(finite), finite), {0, 1, na}));
}

TEST_CASE_TEMPLATE("elementwise: comparisons of numbers and arrays on either side", T, float, double) {
  const auto x = leaf<T>({1, 2, na});
  CHECK(greater(x, 1) == Mask{false, true, false});
  CHECK(greater_equal(x, 2) == Mask{false, true, false});
  CHECK(less(1, x) == Mask{false, true, false});
  CHECK(less_equal(2, x) == Mask{false, true, false});
  CHECK(greater(2, x) == Mask{true, false, false});
  CHECK(greater_equal(1, x) == Mask{true, false, false});
  CHECK(equal(2, x) == Mask{false, true, false});
  CHECK(not_equal(Array<T>{1, 1, 1}, x) == Mask{false, true, true});
  CHECK(greater(x, Array<T>{0, 3, 0}) == Mask{true, false, false});
}

TEST_CASE_TEMPLATE("losses: extreme arguments", T, float, double) {
  const auto logits = leaf<T>(Shape{2, 3}, {1e4, -1e4, 0, -inf, 0, 0});
  const Labels labels{0, 1};
  const auto loss = cross_entropy(logits, labels, {.reduction = Reduction::none, .class_weights = {1, 2, 3}});
  CHECK(is(loss.value(), {0, 2 * std::log(2.0)}, 1e-6));
  CHECK(is(gradient(loss, logits), {0, 0, 0, 0, -1, 1}, 1e-6));
  const auto probabilities = leaf<T>(Shape{2, 3}, {1, 0, 0, 0, 1, 0});
  const auto soft = [&] { return cross_entropy(logits, probabilities, {.reduction = Reduction::none}); };
  CHECK(is(soft().value(), {0, std::log(2.0)}, 1e-6));
  CHECK(is(gradient(soft(), logits), {0, 0, 0, 0, -0.5, 0.5}, 1e-6));
  CHECK(is(gradient(soft(), probabilities), {0, 2e4, 1e4, inf, std::log(2.0), std::log(2.0)}, 1e-3));
  // what is ignored may be anything
  const auto dirty = leaf<T>(Shape{2, 2}, {na, inf, 0, 0});
  const auto clean = cross_entropy(dirty, Labels{9, 1}, {.ignore_index = 9, .label_smoothing = 0.5});
  CHECK(is(clean.value(), {std::log(2.0)}, 1e-6));
  CHECK(is(gradient(clean, dirty), {0, 0, 0.25, -0.25}, 1e-6));
  CHECK(is(cross_entropy(dirty, Labels{9, 9}, {.ignore_index = 9}).value(), {na}));
  CHECK(is(gradient(nll_loss(dirty, Labels{9, 1}, {.ignore_index = 9}), dirty), {0, 0, 0, -1}));

  const auto p = leaf<T>({0, 1, 0, 1});
  const auto bce = binary_cross_entropy(p, Array<T>{0, 1, 1, 0}, {.reduction = Reduction::none});
  CHECK(is(bce.value(), {0, 0, 100, 100}));
  CHECK(is(gradient(bce, p), {0, 0, -1e12, 1e12}, 1e6));
  const auto z = leaf<T>({-100, 100, -100, 100});
  const auto with_logits = binary_cross_entropy_with_logits(z, Array<T>{0, 1, 1, 0}, {.reduction = Reduction::none});
  CHECK(is(with_logits.value(), {0, 0, 100, 100}, 1e-37));
  CHECK(is(gradient(with_logits, z), {0, 0, -1, 1}, 1e-37));
  const auto target = leaf<T>({0, 0.5});
  CHECK(is(kl_div(leaf<T>({-inf, 0}), target, {.reduction = Reduction::none}).value(), {0, 0.5 * std::log(0.5)}, 1e-6));
  CHECK(gradient(kl_div(leaf<T>({-1, 0}), target), target)(0) == 0);
  const auto d = leaf<T>({0});  // the bottom of the bowl is not flat
  CHECK(is(second(huber_loss(d, 0), d), {1}));
  CHECK(is(second(smooth_l1_loss(d, 0, {.beta = 0.5}), d), {2}));
  const auto kink = leaf<T>({1, 0.5, 2});
  CHECK(is(gradient(hinge_loss(kink, 1, {.reduction = Reduction::sum}), kink), {0, -1, 0}));
  const auto none = leaf<T>({0, 0}), some = leaf<T>({3, 4});
  CHECK(is(cosine_similarity(none, some).value(), {0}));
  CHECK(is(gradient(cosine_similarity(none, some, -1, {.eps = 0.1}), none), {6, 8}, 1e-4));
  CHECK(is(cosine_similarity(some, some).value(), {1}, 1e-6));
}

TEST_CASE("elementwise: what does not fit is said, with the line") {
  const auto x23 = leaf(Shape{2, 3}, {1, 2, 3, 4, 5, 6}), x4 = leaf({1, 2, 3, 4}), number = leaf(Shape{}, {1});
  // clang-format off
  const std::string pair = "a is (2, 3), b is (4,): lengths 3 and 4 of axis -1 do not broadcast; they must be equal, or one of them 1";
  CHECK(error(__LINE__, [&] { pow(x23, x4); }) == "pow: " + pair);
  CHECK(error(__LINE__, [&] { fmod(x23, x4); }) == "fmod: " + pair);
  CHECK(error(__LINE__, [&] { hypot(x23, x4); }) == "hypot: " + pair);
  CHECK(error(__LINE__, [&] { atan2(x23, x4); }) == "atan2: " + pair);
  CHECK(error(__LINE__, [&] { logaddexp(x23, x4); }) == "logaddexp: " + pair);
  CHECK(error(__LINE__, [&] { heaviside(x23, x4); }) == "heaviside: " + pair);
  CHECK(error(__LINE__, [&] { add(x23.value(), x4); }) == "add: " + pair);
  CHECK(error(__LINE__, [&] { static_cast<void>(greater(x23.value(), x4)); }) == "greater: " + pair);
  CHECK(error(__LINE__, [&] { lerp(x23, x4, 1); }).rfind("lerp: the inputs are (2, 3), (4,)", 0) == 0);
  CHECK(error(__LINE__, [&] { clamp(x23, x4, 1); }).rfind("clamp: the inputs are (2, 3), (4,)", 0) == 0);
  CHECK(error(__LINE__, [&] { prelu(x23, x4); }) == "prelu: " + pair);
  CHECK(error(__LINE__, [&] { l1_loss(x23, x4); }) == "l1_loss: " + pair);
  CHECK(error(__LINE__, [&] { smooth_l1_loss(x23, x4); }).rfind("smooth_l1_loss: the inputs are (2, 3), (4,)", 0) == 0);
  CHECK(error(__LINE__, [&] { huber_loss(x23, x4); }).rfind("huber_loss: the inputs are (2, 3), (4,)", 0) == 0);
  CHECK(error(__LINE__, [&] { binary_cross_entropy(x23, x4); }) == "binary_cross_entropy: " + pair);
  CHECK(error(__LINE__, [&] { binary_cross_entropy_with_logits(x23, x4); }).rfind("binary_cross_entropy_with_logits: the inputs are (2, 3), (4,)", 0) == 0);
  CHECK(error(__LINE__, [&] { hinge_loss(x23, x4); }).rfind("hinge_loss: the inputs are (2, 3), (4,)", 0) == 0);
  CHECK(error(__LINE__, [&] { kl_div(x23, x4); }) == "kl_div: " + pair);
  CHECK(error(__LINE__, [&] { poisson_nll_loss(x23, x4); }) == "poisson_nll_loss: " + pair);
  CHECK(error(__LINE__, [&] { gaussian_nll_loss(x23, x4, 1); }).rfind("gaussian_nll_loss: the inputs are (2, 3), (4,)", 0) == 0);
  CHECK(error(__LINE__, [&] { cosine_similarity(x23, x4); }) == "cosine_similarity: " + pair);
  CHECK(error(__LINE__, [&] { cosine_similarity(x23, x23, 2); }) == "cosine_similarity: axis 2 is out of range; for an array of 2 axes it must be from -2 to 1");
  CHECK(error(__LINE__, [&] { smooth_l1_loss(x23, x23, {.beta = -1}); }) == "smooth_l1_loss: beta is -1; it must not be negative");
  CHECK(error(__LINE__, [&] { huber_loss(x23, x23, {.delta = 0}); }) == "huber_loss: delta is 0; it must be positive");
  CHECK(error(__LINE__, [&] { gaussian_nll_loss(x4, x4, leaf({1, 2, -3, 4})); }) == "gaussian_nll_loss: variance -3 at index 2; it must not be negative");
  CHECK(error(__LINE__, [&] { nll_loss(x23, Labels{0}); }) == "nll_loss: log_probabilities are (2, 3), labels are (1,); log_probabilities must have the labels' axes and one more for the classes");
  CHECK(error(__LINE__, [&] { nll_loss(x23, Labels{0, 3}); }) == "nll_loss: label 3 at index 1 is out of range; of 3 classes it must be from 0 to 2");
  CHECK(error(__LINE__, [&] { nll_loss(x23, Labels{0, 3}, {.ignore_index = -1}); }) == "nll_loss: label 3 at index 1 is out of range; of 3 classes it must be from 0 to 2");
  CHECK(error(__LINE__, [&] { nll_loss(x23, Labels{0, 1}, {.class_weights = {1, 2}}); }) == "nll_loss: there are 2 class weights for 3 classes; there must be one per class");
  CHECK(error(__LINE__, [&] { multi_margin_loss(x23, Labels{0, 3}); }) == "multi_margin_loss: label 3 at index 1 is out of range; of 3 classes it must be from 0 to 2");
  CHECK(error(__LINE__, [&] { multi_margin_loss(number, Labels{0}); }) == "multi_margin_loss: scores are (), labels are (1,); scores must have the labels' axes and one more for the classes");
  CHECK(error(__LINE__, [&] { multi_margin_loss(x23, Labels{0, 1}, {.p = 3}); }) == "multi_margin_loss: p is 3; it must be 1 or 2");
  CHECK(error(__LINE__, [&] { multi_margin_loss(x23, Labels{0, 1}, {.class_weights = {1}}); }) == "multi_margin_loss: there are 1 class weights for 3 classes; there must be one per class");
  CHECK(error(__LINE__, [&] { cross_entropy(x23, Labels{0, 1}, {.class_weights = {1}}); }) == "cross_entropy: there are 1 class weights for 3 classes; there must be one per class");
  CHECK(error(__LINE__, [&] { cross_entropy(x23, Labels{0, 1}, {.label_smoothing = 1.5}); }) == "cross_entropy: label_smoothing is 1.5; it must be from 0 to 1");
  CHECK(error(__LINE__, [&] { cross_entropy(x23, Labels{0, -100}, {.ignore_index = -1}); }) == "cross_entropy: label -100 at index 1 is out of range; of 3 classes it must be from 0 to 2");
  CHECK(error(__LINE__, [&] { cross_entropy(x23, x4); }) == "cross_entropy: logits are (2, 3), probabilities are (4,); they must be equal, with an axis for the classes");
  CHECK(error(__LINE__, [&] { cross_entropy(x23, x23, {.class_weights = {1}}); }) == "cross_entropy: there are 1 class weights for 3 classes; there must be one per class");
  CHECK(error(__LINE__, [&] { cross_entropy(x23, x23, {.label_smoothing = -1}); }) == "cross_entropy: label_smoothing is -1; it must be from 0 to 1");
  CHECK(error(__LINE__, [&] { cross_entropy(x23, x23, {.ignore_index = 0}); }) == "cross_entropy: ignore_index is given with probabilities; it must not be, for only labels can be ignored");
  // clang-format on
  CHECK_THROWS_AS(nll_loss(x23, Labels{0, 3}), IndexError);
  CHECK_THROWS_AS(huber_loss(x23, x23, {.delta = 0}), ValueError);
  CHECK_THROWS_AS(cross_entropy(x23, x4), ShapeError);
}

TEST_CASE("elementwise: masks whose numbers memory could not hold") {
  // nothing in it, but as numbers its other lengths are more bytes than can be counted
  const Mask mask = full<bool>(Shape{1, 0, std::size_t{1} << 62}, true);
  const Variable<float> x(ones<float>(Shape{1}));
  const auto refused = [](auto&& call, const std::string& name) {
    try {
      call();
    } catch (const ShapeError& error) {
      const std::string text = error.what();
      return text.find("elementwise.cpp:") != std::string::npos && text.find(name + ": ") != std::string::npos;
    }
    return false;
  };
  CHECK(refused([&] { where(mask, x, x); }, "where"));
  CHECK(refused([&] { xgrad::count_nonzero(mask); }, "count_nonzero"));
  CHECK(refused([&] { xgrad::any(mask); }, "any"));
  CHECK(refused([&] { xgrad::all(mask); }, "all"));
}

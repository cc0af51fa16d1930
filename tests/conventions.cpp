// What the operations do at kinks, ties, NaN, infinities and empty arrays, and what they say when shapes do not fit.
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

TEST_CASE_TEMPLATE("conventions: kinks", T, float, double) {
  const auto x = leaf<T>({-1, 0, -0.0, 2});
  CHECK(is(gradient(relu(x), x), {0, 0, 0, 1}));
  CHECK(is(gradient(abs(x), x), {-1, 0, 0, 1}));
  // the same where the op writes over its argument
  CHECK(is(gradient(relu(x * 1), x), {0, 0, 0, 1}));
  CHECK(is(gradient(abs(x * 1), x), {-1, 0, 0, 1}));
  const auto a = leaf<T>({1, 2, 3}), b = leaf<T>({3, 2, 1});
  CHECK(is(gradient(maximum(a, b), a), {0, 0.5, 1}));
  CHECK(is(gradient(maximum(a, b), b), {1, 0.5, 0}));
  CHECK(is(gradient(minimum(a, b), a), {1, 0.5, 0}));
  CHECK(is(gradient(minimum(a, b), b), {0, 0.5, 1}));
  CHECK(is(gradient(maximum(a, a), a), {1, 1, 1}));
  CHECK(is(gradient(maximum(a, 2), a), {0, 0.5, 1}));
  const auto clipped = elementwise("clipped", [](auto v) { return clamp(v, 1, 3); });
  const auto bounds = leaf<T>({0, 1, 2, 3, 4});
  CHECK(is(gradient(clipped(bounds), bounds), {0, 1, 1, 1, 0}));
  const auto one = leaf<T>(Shape{}, {2});
  CHECK(is(gradient(maximum(a, one), one), {1.5}));
}

TEST_CASE_TEMPLATE("conventions: NaN goes through", T, float, double) {
  const auto x = leaf<T>({na, 1, -1});
  CHECK(is(relu(x).value(), {na, 1, 0}));
  CHECK(is(abs(x).value(), {na, 1, 1}));
  CHECK(is(sigmoid(x).value(), {na, 1 / (1 + std::exp(-1.0)), 1 / (1 + std::exp(1.0))}, 1e-6));
  CHECK(is(tanh(x).value(), {na, std::tanh(1.0), -std::tanh(1.0)}, 1e-6));
  CHECK(is(maximum(x, leaf<T>({0, na, 0})).value(), {na, na, 0}));
  CHECK(is(minimum(x, leaf<T>({0, na, 0})).value(), {na, na, -1}));
  CHECK(is(sum(x).value(), {na}));
  CHECK(is(softmax(x).value(), {na, na, na}));
  CHECK(is(matmul(x, leaf<T>({0, 1, 2})).value(), {na}));
  CHECK(is(log(leaf<T>({-1, 0, 1})).value(), {na, -inf, 0}));
  CHECK(is(sqrt(leaf<T>({-1, 0, 4})).value(), {na, 0, 2}));
  // 37 elements: whole vectors and a rest
  std::vector<double> many(37, -1), expected(37, 0);
  for (std::size_t k : {0u, 8u, 35u, 36u}) many[k] = expected[k] = na;
  CHECK(is(relu(leaf<T>(many)).value(), expected));
  CHECK(is(maximum(leaf<T>(many), 0).value(), expected));
}

TEST_CASE_TEMPLATE("conventions: where keeps the other branch out of the gradient", T, float, double) {
  const auto x = leaf<T>({-1, 0, 4});
  const Mask positive = x > 0;
  CHECK(positive == Mask{false, false, true});
  const auto y = where(positive, sqrt(x), 0);
  CHECK(is(y.value(), {0, 0, 2}));
  // sqrt' is NaN at -1 and infinite at 0. Inside a formula nothing of that arrives; between operations the branch's zero meets it.
  const auto safe = elementwise("safe_sqrt", [](auto v) { return where(v > 0, sqrt(v), 0); });
  CHECK(is(gradient(safe(x), x), {0, 0, 0.25}));
  const auto safe_log = elementwise("safe_log", [](auto v) { return where(v > 0, log(v), v); });
  CHECK(is(gradient(safe_log(x), x), {1, 1, 0.25}));
  const auto a = leaf<T>({na, inf, 1}), b = leaf<T>({1, 2, na});
  const Mask last{false, false, true};
  CHECK(is(where(last, a, b).value(), {1, 2, 1}));
  CHECK(is(gradient(where(last, a, b), a), {0, 0, 1}));
  CHECK(is(gradient(where(last, a, b), b), {1, 1, 0}));
  const auto g = grad(sum(where(last, a, b)), {a, b}, {.create_graph = true});
  CHECK(is(g[0].value(), {0, 0, 1}));
}

TEST_CASE_TEMPLATE("conventions: comparisons", T, float, double) {
  const auto a = leaf<T>({1, 2, na, 3}), b = leaf<T>({2, 2, 1, na});
  CHECK(less(a, b) == Mask{true, false, false, false});
  CHECK(less_equal(a, b) == Mask{true, true, false, false});
  CHECK(equal(a, b) == Mask{false, true, false, false});
  CHECK(not_equal(a, b) == Mask{true, false, true, true});
  CHECK((a < b) == less(a, b));
  CHECK((a <= b) == less_equal(a, b));
  CHECK((a > b) == Mask{false, false, false, false});
  CHECK((a >= b) == Mask{false, true, false, false});
  CHECK((2 > a) == Mask{true, false, false, false});
  CHECK(less(leaf<T>(Shape{2, 1}, {0, 5}), leaf<T>({1, 2})) == Mask{{true, true}, {false, false}});
  CHECK(less(leaf<T>(Shape{0}, {}), T(1)).size() == 0);
}

TEST_CASE_TEMPLATE("conventions: softmax and its losses are stable", T, float, double) {
  const double eps = std::is_same_v<T, float> ? 1e-6 : 1e-14;
  const auto large = leaf<T>(Shape{2, 3}, {1e4, 0, -1e4, -1e4, -1e4, -1e4});
  const double third = 1.0 / 3, ln3 = std::log(3.0);
  CHECK(is(softmax(large).value(), {1, 0, 0, third, third, third}, eps));
  CHECK(is(log_softmax(large).value(), {0, -1e4, -2e4, -ln3, -ln3, -ln3}, 2 * eps));
  CHECK(is(gradient(log_softmax(large), large), {-2, 1, 1, 0, 0, 0}, eps));
  const auto masked = leaf<T>({0, -inf, 0});
  CHECK(is(softmax(masked).value(), {0.5, 0, 0.5}, eps));
  CHECK(is(log_softmax(masked).value(), {-std::log(2.0), -inf, -std::log(2.0)}, eps));
  CHECK(is(gradient(square(softmax(masked)), masked), {0, 0, 0}, eps));
  const Labels labels{2, 0};
  const auto logits = leaf<T>(Shape{2, 3}, {1e4, 0, -1e4, -1e4, -inf, -1e4});
  CHECK(is(cross_entropy(logits, labels, {.reduction = Reduction::none}).value(), {2e4, std::log(2.0)}, eps));
  CHECK(is(gradient(cross_entropy(logits, labels), logits), {0.5, 0, -0.5, -0.25, 0, 0.25}, eps));
  CHECK(is(cross_entropy(leaf<T>(Shape{1, 2}, {0, -inf}), Labels{1}).value(), {inf}));
  CHECK(is(sigmoid(leaf<T>({1e4, -1e4, inf, -inf})).value(), {1, 0, 1, 0}));
  const auto s = leaf<T>({1e4, -1e4, 200, -200});
  CHECK(is(gradient(sigmoid(s), s), {0, 0, 0, 0}, 1e-80));
  CHECK(is(tanh(leaf<T>({1e4, -1e4, inf, -inf})).value(), {1, -1, 1, -1}));
}

TEST_CASE("conventions: labels are integers of any kind") {
  const auto logits = leaf(Shape{2, 3}, {1, 2, 3, 4, 5, 7});
  const auto expected = cross_entropy(logits, Labels{2, 0}).item();
  CHECK(cross_entropy(logits, xt::xarray<int>{2, 0}).item() == expected);
  CHECK(cross_entropy(logits, xt::xarray<std::uint8_t>{2, 0}).item() == expected);
  CHECK(cross_entropy(logits, xt::xarray<std::size_t>{2, 0}).item() == expected);
  CHECK(cross_entropy(logits, Array<std::int16_t>{2, 0}).item() == expected);
  CHECK(cross_entropy(logits, xt::xarray<int>{3, 1} - 1).item() == expected);
  CHECK(std::isnan(cross_entropy(leaf(Shape{0, 3}, {}), Labels(Shape{0})).item()));  // the mean of no losses
}

TEST_CASE_TEMPLATE("conventions: pooling takes the first of equals, and NaN", T, float, double) {
  const auto ties = leaf<T>(Shape{1, 2, 4, 1}, {1, 1, 0, 2, 1, 1, 2, 2});
  CHECK(is(max_pool2d(ties, 2).value(), {1, 2}));
  CHECK(is(gradient(max_pool2d(ties, 2), ties), {1, 0, 0, 1, 0, 0, 0, 0}));
  const auto with_nan = leaf<T>(Shape{1, 2, 4, 1}, {1, na, 5, 6, na, 9, 7, 8});
  CHECK(is(max_pool2d(with_nan, 2).value(), {na, 8}));
  CHECK(is(gradient(max_pool2d(with_nan, 2), with_nan), {0, 1, 0, 0, 0, 0, 0, 1}));
  // windows that share an element add up
  const auto shared = leaf<T>(Shape{1, 1, 3, 1}, {0, 9, 0});
  CHECK(is(gradient(max_pool2d(shared, {1, 2}, {.stride = 1}), shared), {0, 2, 0}));
  const auto lowest = leaf<T>(Shape{1, 2, 2, 1}, {-inf, -inf, -inf, -inf});
  CHECK(is(max_pool2d(lowest, 2).value(), {-inf}));
  CHECK(is(gradient(max_pool2d(lowest, 2), lowest), {1, 0, 0, 0}));
}

TEST_CASE("conventions: sums of many floats") {
  const std::size_t n = 10'000'000;
  Generator generator(1);
  Array<float> x(Shape{n});
  double exact = 0;
  for (std::size_t k = 0; k < n; ++k) {
    x.data()[k] = static_cast<float>(1 + 0.1 * generator.normal());
    exact += static_cast<double>(x.data()[k]);
  }
  exact /= static_cast<double>(n);
  const auto error_of = [&](const Variable<float>& m) { return std::abs(static_cast<double>(*m.value().data()) - exact) / exact; };
  const Variable<float> v(std::move(x));
  CHECK(error_of(mean(v)) < 1e-6);
  CHECK(error_of(mean(reshape(v, {-1, 1}), 0)) < 1e-6);
  CHECK(error_of(mean(reshape(v, {1000, 10000}))) < 1e-6);
  CHECK(error_of(mean(mean(reshape(v, {100000, 100}), 0))) < 1e-6);
}

TEST_CASE("conventions: sums of equal floats, whose rounding errors do not cancel") {
  for (const float value : {0.1F, 1.0F / 3, 0.7F})
    for (const std::size_t n : std::vector<std::size_t>{999, 4096 + 63, 65'536 - 1, 1'000'000, 3'333'333, 10'000'000}) {
      CAPTURE(value);
      CAPTURE(n);
      const Variable<float> x(full<float>({n}, value));
      const auto error_of = [&](const Variable<float>& m) {
        return std::abs(static_cast<double>(m.item()) / static_cast<double>(value) - 1);
      };
      CHECK(error_of(mean(x)) < 1e-6);
      CHECK(error_of(mean(reshape(x, {-1, 1}), 0)) < 1e-6);
      if (n % 1000 == 0) CHECK(error_of(mean(mean(reshape(x, {-1, 1000}), 0))) < 1e-6);
    }
}

TEST_CASE("conventions: sums of every shape") {
  Generator generator(3);
  for (const std::size_t outer : std::vector<std::size_t>{1, 2, 5})
    for (const std::size_t middle : std::vector<std::size_t>{1, 2, 63, 64, 65, 130, 255, 1000})
      for (const std::size_t inner : std::vector<std::size_t>{1, 2, 3, 7, 16, 100, 257, 300}) {
        Array<double> x(Shape{outer, middle, inner});
        generator.fill_uniform(x, 0, 1);
        std::vector<double> expected(outer * inner, 0);
        for (std::size_t k = 0; k < x.size(); ++k) expected[k / (middle * inner) * inner + k % inner] += x.data()[k];
        CAPTURE(to_string(x.shape()));
        CHECK(is(sum(Variable<double>(x), 1).value(), expected, 1e-10));
      }
}

TEST_CASE_TEMPLATE("conventions: no elements, no axes", T, float, double) {
  const auto none = leaf<T>(Shape{0, 3}, {});
  CHECK(is(sum(none).value(), {0}));
  CHECK(is(sum(none, 0).value(), {0, 0, 0}));
  CHECK(sum(none, 1).shape() == Shape{0});
  CHECK(is(mean(none).value(), {na}));
  CHECK(is(mean(none, 0).value(), {na, na, na}));
  CHECK((none + leaf<T>({1, 2, 3})).shape() == Shape{0, 3});
  CHECK(matmul(none, leaf<T>(Shape{3, 2}, {1, 2, 3, 4, 5, 6})).shape() == Shape{0, 2});
  CHECK(is(matmul(leaf<T>(Shape{2, 0}, {}), leaf<T>(Shape{0, 2}, {})).value(), {0, 0, 0, 0}));
  CHECK(is(matmul(leaf<T>(Shape{0}, {}), leaf<T>(Shape{0}, {})).value(), {0}));
  CHECK(reshape(none, {3, 0, 5}).shape() == Shape{3, 0, 5});
  CHECK(transpose(none).shape() == Shape{3, 0});
  CHECK(flatten(none).shape() == Shape{0, 3});
  CHECK(flatten(leaf<T>(Shape{}, {1}), 0).shape() == Shape{1});
  CHECK(softmax(none).shape() == Shape{0, 3});
  CHECK(conv2d(leaf<T>(Shape{0, 4, 4, 1}, {}), leaf<T>(Shape{1, 1, 1, 1}, {1})).shape() == Shape{0, 4, 4, 1});
  const auto weights = leaf<T>(Shape{3, 2}, {1, 2, 3, 4, 5, 6});
  CHECK(is(gradient(matmul(none, weights), weights), {0, 0, 0, 0, 0, 0}));
  const auto number = leaf<T>(Shape{}, {3});
  CHECK(is(gradient(number * none, number), {0}));
  CHECK(is(sum(number).value(), {3}));
  CHECK(is(mean(number).value(), {3}));
  CHECK((number * number).shape() == Shape{});
  CHECK(permute(number, {}).shape() == Shape{});
  CHECK(broadcast_to(number, {2, 0}).shape() == Shape{2, 0});
}

TEST_CASE("conventions: += binds the handle anew") {
  const auto x = leaf({1, 2});
  auto y = x;
  y += 1;
  y *= x;
  y -= leaf({1, 1});
  y /= 2;
  CHECK(is(x.value(), {1, 2}));
  CHECK(is(y.value(), {0.5, 2.5}));
  CHECK(is(gradient(y, x), {1.5, 2.5}));
}

TEST_CASE("conventions: what does not fit is said, with the line") {
  const auto x23 = leaf(Shape{2, 3}, {1, 2, 3, 4, 5, 6}), x4 = leaf({1, 2, 3, 4}), number = leaf(Shape{}, {1});
  const auto image = leaf(Shape{1, 3, 3, 2}, std::vector<double>(18, 1)), w = leaf(Shape{2, 2, 2, 2}, std::vector<double>(16, 1));
  const Variable<double> undefined;
  const auto formula = elementwise("mine", [](auto a, auto b) { return a * b; });
  // clang-format off
  const std::string pair = "a is (2, 3), b is (4,): lengths 3 and 4 of axis -1 do not broadcast; they must be equal, or one of them 1";
  CHECK(error(__LINE__, [&] { x23 + x4; }) == "add: " + pair);
  CHECK(error(__LINE__, [&] { x23 - x4; }) == "sub: " + pair);
  CHECK(error(__LINE__, [&] { x23 * x4; }) == "mul: " + pair);
  CHECK(error(__LINE__, [&] { x23 / x4; }) == "div: " + pair);
  CHECK(error(__LINE__, [&] { auto y = x23; y += x4; }) == "add: " + pair);
  CHECK(error(__LINE__, [&] { maximum(x23, x4); }) == "maximum: " + pair);
  CHECK(error(__LINE__, [&] { minimum(x23, x4); }) == "minimum: " + pair);
  CHECK(error(__LINE__, [&] { formula(x23, x4); }) == "mine: " + pair);
  CHECK(error(__LINE__, [&] { mse_loss(x23, x4); }) == "mse_loss: " + pair);
  CHECK(error(__LINE__, [&] { mse_loss(reshape(x4, {4, 1}), x4); }) == "mse_loss: a is (4, 1), b is (4,), as many elements in another shape; the shapes must be equal: use reshape");
  CHECK(error(__LINE__, [&] { static_cast<void>(x23 < x4); }) == "less: " + pair);
  CHECK(error(__LINE__, [&] { where(Mask{true, false}, x4, 0); }) == "where: the condition is (2,), the choices are (4,) and (); they must broadcast to one shape");
  CHECK(error(__LINE__, [&] { relu(undefined); }) == "relu: input 0 is an undefined Variable; it must have a value before it is used");
  CHECK(error(__LINE__, [&] { x4 * undefined; }) == "mul: input 1 is an undefined Variable; it must have a value before it is used");
  CHECK(error(__LINE__, [&] { sum(x23, 2); }) == "sum: axis 2 is out of range; for an array of 2 axes it must be from -2 to 1");
  CHECK(error(__LINE__, [&] { sum(x23, {0, -2}); }) == "sum: axis 0 is given twice; each must be given once");
  CHECK(error(__LINE__, [&] { mean(x23, -3); }) == "mean: axis -3 is out of range; for an array of 2 axes it must be from -2 to 1");
  CHECK(error(__LINE__, [&] { sum(number, 0); }) == "sum: axis 0 of an array without axes; it must have one");
  CHECK(error(__LINE__, [&] { sum_to(x23, {2}); }) == "sum_to: x is (2, 3); (2,) must broadcast to it");
  CHECK(error(__LINE__, [&] { reshape(x23, {4, 2}); }) == "reshape: x is (2, 3) with 6 elements, the new shape (4, 2) has 8; they must be equal");
  CHECK(error(__LINE__, [&] { reshape(x23, {4, -1}); }) == "reshape: x is (2, 3); its 6 elements must divide evenly by the other lengths of (4, -1)");
  CHECK(error(__LINE__, [&] { reshape(x23, {-1, -1}); }).rfind("reshape: length -1 of axis 1", 0) == 0);
  CHECK(error(__LINE__, [&] { flatten(x23, 3); }) == "flatten: axis 3 is out of range; for an array of 2 axes it must be from -2 to 1");
  CHECK(error(__LINE__, [&] { permute(x23, {0}); }) == "permute: 1 axes are given for an array of 2; each axis must be named once");
  CHECK(error(__LINE__, [&] { permute(x23, {0, 0}); }) == "permute: axis 0 is given twice; each must be given once");
  CHECK(error(__LINE__, [&] { broadcast_to(x23, {3, 2}); }).rfind("broadcast_to: x is (2, 3), which does not broadcast to (3, 2)", 0) == 0);
  CHECK(error(__LINE__, [&] { matmul(x23, x23); }) == "matmul: a is (2, 3), b is (2, 3); a.shape[1] = 3 must equal b.shape[0] = 2");
  CHECK(error(__LINE__, [&] { matmul(x23, x23, {.transpose_a = true, .transpose_b = true}); }) == "matmul: a is (2, 3), b is (2, 3); a.shape[0] = 2 must equal b.shape[1] = 3");
  CHECK(error(__LINE__, [&] { matmul(x23, x4); }) == "matmul: a is (2, 3), b is (4,); a.shape[1] = 3 must equal b.shape[0] = 4");
  CHECK(error(__LINE__, [&] { matmul(x23, number); }) == "matmul: a is (2, 3), b is (); both must have at least one axis: multiply by a number with *");
  CHECK(error(__LINE__, [&] { matmul(x4, x4, {.transpose_b = true}); }) == "matmul: a is (4,), b is (4,); the flag must be left out: a vector has no transpose");
  CHECK(error(__LINE__, [&] { linear(x23, x23, x4); }) == "linear: w is (2, 3), b is (4,); b must be (2,), one number per output");
  CHECK(error(__LINE__, [&] { linear(x4, x23); }) == "linear: x is (4,), w is (2, 3); w must be (out, in) with in equal to x's last axis");
  CHECK(error(__LINE__, [&] { conv2d(x23, w); }) == "conv2d: x is (2, 3), w is (2, 2, 2, 2); x must be (n, h, w, c) and w (o, kh, kw, c)");
  CHECK(error(__LINE__, [&] { conv2d(leaf(Shape{1, 3, 3, 1}, std::vector<double>(9, 1)), w); }) == "conv2d: x is (1, 3, 3, 1), w is (2, 2, 2, 2); x.shape[3] = 1 must equal w.shape[3] = 2");
  CHECK(error(__LINE__, [&] { conv2d(image, w, {.stride = {1, 0}}); }) == "conv2d: stride 0 along the width; it must be at least 1");
  CHECK(error(__LINE__, [&] { conv2d(image, w, {.padding = -1}); }) == "conv2d: padding -1 along the height; it must not be negative");
  CHECK(error(__LINE__, [&] { conv2d(image, w, x4); }) == "conv2d: w is (2, 2, 2, 2), bias is (4,); the bias must be (2,), one number per output channel");
  CHECK(error(__LINE__, [&] { conv2d(image, leaf(Shape{1, 4, 2, 2}, std::vector<double>(16, 1))); }) == "conv2d: the kernel's height is 4; it must be from 1 to the padded image's 3");
  CHECK(error(__LINE__, [&] { conv2d_input_grad(image, w, {1, 3, 3, 2}); }) == "conv2d_input_grad: g is (1, 3, 3, 2); conv2d of x (1, 3, 3, 2) and w (2, 2, 2, 2) gives what it must be, (1, 2, 2, 2)");
  CHECK(error(__LINE__, [&] { conv2d_weight_grad(image, image, {2, 2, 2, 2}); }) == "conv2d_weight_grad: g is (1, 3, 3, 2); conv2d of x (1, 3, 3, 2) and w (2, 2, 2, 2) gives what it must be, (1, 2, 2, 2)");
  CHECK(error(__LINE__, [&] { max_pool2d(x23, 2); }) == "max_pool2d: x is (2, 3); it must be (n, h, w, c)");
  CHECK(error(__LINE__, [&] { max_pool2d(image, {4, 2}); }) == "max_pool2d: x is (1, 3, 3, 2), the window's height is 4; it must be from 1 to 3");
  CHECK(error(__LINE__, [&] { max_pool2d(image, 2, {.stride = 0}); }) == "max_pool2d: stride 0 along the height; it must be at least 1");
  CHECK(error(__LINE__, [&] { softmax(x23, 2); }) == "softmax: axis 2 is out of range; for an array of 2 axes it must be from -2 to 1");
  CHECK(error(__LINE__, [&] { log_softmax(number); }) == "log_softmax: axis -1 of an array without axes; it must have one");
  CHECK(error(__LINE__, [&] { cross_entropy(x23, Labels{0, 1, 2}); }) == "cross_entropy: logits are (2, 3), labels are (3,); logits must have the labels' axes and one more for the classes");
  CHECK(error(__LINE__, [&] { cross_entropy(x23, Labels{0, 3}); }) == "cross_entropy: label 3 at index 1 is out of range; of 3 classes it must be from 0 to 2");
  CHECK(error(__LINE__, [&] { cross_entropy(x23, xt::xarray<int>{-1, 0}); }) == "cross_entropy: label -1 at index 0 is out of range; of 3 classes it must be from 0 to 2");
  // clang-format on
  CHECK_THROWS_AS(cross_entropy(x23, Labels{0, 3}), IndexError);
  CHECK_THROWS_AS(x23 + x4, ShapeError);
  CHECK_THROWS_AS(conv2d(image, w, {.stride = 0}), ValueError);
}

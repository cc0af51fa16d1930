// What an argument is taken for: labels, indices, masks, probabilities, axes, lists.
#include <doctest/doctest.h>

#if __has_include(<xtensor/containers/xtensor.hpp>)
#include <xtensor/containers/xtensor.hpp>
#include <xtensor/views/xview.hpp>
#else
#include <xtensor/xtensor.hpp>
#include <xtensor/xview.hpp>
#endif

#include "support.hpp"

using namespace xgrad;
using namespace xgrad_test;

TEST_CASE_TEMPLATE("arguments: arrays of floating-point numbers are probabilities, integers of any kind are labels", T, float,
                   double) {
  const auto logits = leaf<T>(Shape{2, 3}, {1, 2, 3, 4, 5, 7});
  const Array<T> p{{T(0.5), T(0.25), T(0.25)}, {0, 0, 1}};
  const T expected = cross_entropy(logits, Variable<T>(p)).item();
  CHECK(cross_entropy(logits, p).item() == expected);
  CHECK(cross_entropy(logits, Array<T>(p)).item() == expected);
  CHECK(cross_entropy(logits, p * T(1)).item() == expected);
  CHECK(cross_entropy(logits, xt::view(p, xt::all(), xt::all())).item() == expected);
  CHECK(cross_entropy(logits, xt::xtensor<T, 2>(p), {.reduction = Reduction::sum}).item() == doctest::Approx(2 * expected));
  CHECK(is(gradient(cross_entropy(logits, p), logits), std::vector<double>(6, 0), 1));
  // one-hot numbers are the same as labels, and those are integers of any kind
  const T of_labels = cross_entropy(logits, Labels{2, 0}).item();
  CHECK(cross_entropy(logits, one_hot<T>(Labels{2, 0}, 3)).item() == doctest::Approx(of_labels));
  CHECK(cross_entropy(logits, xt::xarray<int>{2, 0}).item() == of_labels);
  CHECK(cross_entropy(logits, xt::xtensor<std::int64_t, 1>{2, 0}).item() == of_labels);
  CHECK(cross_entropy(logits, xt::xarray<int>{3, 1} - 1).item() == of_labels);
  const Labels more{2, 0, 1};
  CHECK(cross_entropy(logits, xt::view(more, xt::range(0, 2))).item() == of_labels);
  const auto log_p = log_softmax(logits);
  CHECK(nll_loss(log_p, {2, 0}).item() == doctest::Approx(of_labels));
  CHECK(nll_loss(log_p, xt::xtensor<int, 1>{2, 0}).item() == doctest::Approx(of_labels));
  CHECK(multi_margin_loss(logits, xt::view(more, xt::range(0, 2))).item() == multi_margin_loss(logits, {2, 0}).item());
}

TEST_CASE("arguments: masks are expressions of bool") {
  const auto x = leaf({1, 2, 3});
  const xt::xtensor<bool, 1> fixed{true, false, true};
  CHECK(is(where(fixed, x, 0).value(), {1, 0, 3}));
  CHECK(is(where(!fixed, x, 0).value(), {0, 2, 0}));
  CHECK(is(where(x.value() > 1.5, 7, x).value(), {1, 7, 7}));
  CHECK(is(where(x > 1.5, x, 0).value(), {0, 2, 3}));
  CHECK(is(masked_fill(x, x.value() > 2, 0).value(), {1, 2, 0}));
  CHECK(is(masked_select(x, fixed).value(), {1, 3}));
  CHECK(xgrad::any(x.value() > 2)() == true);
  CHECK(xgrad::all(fixed)() == false);
  CHECK(xgrad::count_nonzero(fixed || x.value() > 0)() == 3);
}

TEST_CASE_TEMPLATE("arguments: negative indices count from the end", T, float, double) {
  const auto x = leaf<T>(Shape{2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK(is(index_select(x, 1, {-1, 0, -3}).value(), {3, 1, 1, 6, 4, 4}));
  CHECK(is(index_select(x, 0, {-1}).value(), {4, 5, 6}));
  CHECK(is(gradient(index_select(x, 1, {-1, 2, -3}), x), {1, 0, 2, 1, 0, 2}));
  CHECK(is(gather(x, 0, Labels{{-1, -2, 1}}).value(), {4, 2, 6}));
  CHECK(is(gradient(gather(x, 1, Labels{{-1, 2}, {-3, 1}}), x), {0, 0, 2, 1, 1, 0}));
  CHECK(is(take_along_axis(x, xt::xtensor<std::int64_t, 2>{{-1}, {0}}, 1).value(), {3, 4}));
  CHECK(is(scatter_add(x, 1, Labels{{-1, -1}, {-3, 2}}, leaf<T>(Shape{2, 2}, {10, 20, 30, 40})).value(), {1, 2, 33, 34, 5, 46}));
  for (const std::int64_t outside :
       {std::int64_t{-4}, std::int64_t{3}, std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
    CHECK_THROWS_AS(index_select(x, 1, {outside}), IndexError);
    CHECK_THROWS_AS(gather(x, 1, full<std::int64_t>({1, 1}, outside)), IndexError);
    CHECK_THROWS_AS(scatter_add(x, 1, full<std::int64_t>({1, 1}, outside), leaf<T>(Shape{1, 1}, {1})), IndexError);
  }
  // labels are names, not places
  CHECK_THROWS_AS(embedding({-1}, x), IndexError);
  CHECK_THROWS_AS(one_hot({-1}, 3), IndexError);
  CHECK_THROWS_AS(nll_loss(x, {-1, 0}), IndexError);
}

TEST_CASE_TEMPLATE("arguments: an attention mask of bool or of numbers", T, float, double) {
  const double eps = 1e-6;
  const auto q = leaf<T>(Shape{2, 1}, {0.5, -1}), k = leaf<T>(Shape{3, 1}, {1, 2, -1}), v = leaf<T>(Shape{3, 1}, {1, 10, 100});
  const T minus = -std::numeric_limits<T>::infinity();
  const Mask allowed{{true, false, true}, {true, true, false}};
  const Array<T> added{{0, minus, 0}, {0, 0, minus}};
  const auto as_bool = scaled_dot_product_attention(q, k, v, {.mask = allowed});
  const std::vector<double> expected(as_bool.value().begin(), as_bool.value().end());
  CHECK(is(scaled_dot_product_attention(q, k, v, {.mask = added}).value(), expected, 100 * eps));
  CHECK(is(scaled_dot_product_attention(q, k, v, {.mask = added * T(1)}).value(), expected, 100 * eps));
  CHECK(is(scaled_dot_product_attention(q, k, v, {.mask = Variable<T>(added)}).value(), expected, 100 * eps));
  CHECK(is(scaled_dot_product_attention(q, k, v, {.mask = !(!allowed)}).value(), expected));
  // zeros forbid nothing
  const auto plain = scaled_dot_product_attention(q, k, v).value();
  CHECK(is(scaled_dot_product_attention(q, k, v, {.mask = zeros<T>({2, 3})}).value(), {plain.begin(), plain.end()}));
  // numbers are added to the scaled scores
  const auto biased = scaled_dot_product_attention(leaf<T>(Shape{1, 1}, {0}), k, v, {.mask = Array<T>{T(std::log(2.0)), 0, minus}});
  CHECK(is(biased.value(), {2.0 / 3 + 10.0 / 3}, 10 * eps));
  // a row that is forbidden as a whole: zeros and no gradient, also where -inf and `causal` or a finite number come together
  const Array<T> none{{minus, minus, minus}, {0, minus, minus}};
  const auto bias = Variable<T>(none, true);
  const auto y = scaled_dot_product_attention(q, k, v, {.mask = bias});
  CHECK(is(y.value(), {0, 1}));
  const auto g = grad(sum(square(y)), {q, k, v, bias}, {.create_graph = true});
  for (const auto& each : g)
    for (const T value : each.value()) CHECK(std::isfinite(value));
  CHECK(is(g[2].value(), {2, 0, 0}));
  CHECK(is(scaled_dot_product_attention(q, k, v, {.causal = true, .mask = Array<T>{minus, 0, 0}}).value(), {0, 10}));
  const T lowest = std::numeric_limits<T>::lowest();
  CHECK(is(scaled_dot_product_attention(q, k, v, {.mask = Array<T>{minus, lowest, lowest}}).value(), {55, 55}, 1e-4));
  // of one dimension, or none
  CHECK(is(scaled_dot_product_attention(q, k, v, {.mask = Mask{false, true, false}}).value(), {10, 10}));
  CHECK(is(scaled_dot_product_attention(q, k, v, {.mask = full<bool>({}, false)}).value(), {0, 0}));
}

TEST_CASE_TEMPLATE("arguments: a list of axes that is empty means none, the default all", T, float, double) {
  const auto x = leaf<T>(Shape{2, 2}, {1, -2, 0, 4});
  const Axes none(std::vector<std::ptrdiff_t>{});
  CHECK(!none.all());
  CHECK(Axes().all());
  CHECK(Axes{}.all());
  CHECK(!Axes(std::initializer_list<std::ptrdiff_t>{}).all());
  const std::vector<double> same{1, -2, 0, 4}, size{1, 2, 0, 4};
  const auto each = [&](const Variable<T>& y, const std::vector<double>& expected, const std::vector<double>& slope) {
    CHECK(y.shape() == x.shape());
    CHECK(is(y.value(), expected, 1e-6));
    CHECK(is(gradient(y, x), slope, 1e-6));
  };
  each(sum(x, none), same, {1, 1, 1, 1});
  each(sum(x, none, {.keepdims = true}), same, {1, 1, 1, 1});
  each(mean(x, none), same, {1, 1, 1, 1});
  each(var(x, none), {0, 0, 0, 0}, {0, 0, 0, 0});
  each(xgrad::std(x, none), {0, 0, 0, 0}, {0, 0, 0, 0});
  each(amax(x, none), same, {1, 1, 1, 1});
  each(amin(x, none), same, {1, 1, 1, 1});
  each(logsumexp(x, none), same, {1, 1, 1, 1});
  each(prod(x, none), same, {1, 1, 1, 1});
  each(median(x, none), same, {1, 1, 1, 1});
  each(norm(x, none), size, {1, -1, 0, 1});
  each(norm(x, none, {.p = 1}), size, {1, -1, 0, 1});
  each(norm(x, none, {.p = 3}), size, {1, -1, 0, 1});
  each(norm(x, none, {.p = inf}), size, {1, -1, 0, 1});
  each(norm(x, none, {.p = -inf}), size, {1, -1, 0, 1});
  CHECK(is(norm(x, none, {.p = 0}).value(), {1, 1, 0, 1}));
  each(flip(x, none), same, {1, 1, 1, 1});
  CHECK(is(flip(x).value(), {4, 0, -2, 1}));
  CHECK(squeeze(reshape(x, {1, 4, 1}), none).shape() == Shape{1, 4, 1});
  CHECK(squeeze(reshape(x, {1, 4, 1})).shape() == Shape{4});
  CHECK(xgrad::any(x, none) == Mask{{true, true}, {false, true}});
  CHECK(xgrad::all(x, none) == Mask{{true, true}, {false, true}});
  CHECK(xgrad::count_nonzero(x, none) == Labels{{1, 1}, {0, 1}});
  CHECK(sum(x).shape() == Shape{});
  CHECK(sum(x, {}).shape() == Shape{});
  CHECK(sum(x, {}, {.keepdims = true}).shape() == Shape{1, 1});
  // no elements stay none, and NaN stays NaN
  CHECK(amax(leaf<T>(Shape{0, 3}, {}), none).shape() == Shape{0, 3});
  CHECK(is(mean(leaf<T>({na, 1}), none).value(), {na, 1}));
  CHECK(is(logsumexp(leaf<T>({inf, -inf}), none).value(), {inf, -inf}));
}

TEST_CASE("arguments: lists of Variables") {
  const auto a = leaf({1, 2}), b = leaf({3, 4});
  CHECK(is(xgrad::concat({a, b}).value(), {1, 2, 3, 4}));
  CHECK(xgrad::stack({a, b}, -1).shape() == Shape{2, 2});
  // a list that says what it is is found without the namespace
  CHECK(is([&] { return concat(std::vector{a, b}, -1); }().value(), {1, 2, 3, 4}));
  CHECK(is(stack(std::vector{a, b}, -1).value(), {1, 3, 2, 4}));
}

TEST_CASE("arguments: arrays of one column") {
  CHECK(Array<double>{{1.5, 2}, {3, 4}}.shape() == Shape{2, 2});
  // {{1.5}, {2.5}} is ambiguous for an Array
  const xt::xtensor<double, 2> column{{1.5}, {2.5}};
  CHECK(Variable<double>(column).shape() == Shape{2, 1});
  CHECK(is(Array<double>(column), {1.5, 2.5}));
  CHECK(is(unsqueeze(Variable<double>(Array<double>{1.5, 2.5}), 1).value(), {1.5, 2.5}));
}

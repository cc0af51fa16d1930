// Reductions, orders, movements and indices: ties, NaN, infinities, no elements, what takes what, and what the errors say. Values
// and derivatives elsewhere are in rows_reduce.cpp and rows_index.cpp.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <xgrad/xgrad.hpp>

#include "support.hpp"

using namespace xgrad;

using namespace xgrad_test;

namespace {

/// xtensor cannot tell {{1}, {0}} from a copy.
Labels column(std::initializer_list<std::int64_t> values) {
  Labels result(Shape{values.size(), 1});
  std::copy(values.begin(), values.end(), result.data());
  return result;
}

}  // namespace

TEST_CASE_TEMPLATE("index: ties of amax and amin share evenly", T, float, double) {
  const auto x = leaf<T>(Shape{2, 4}, {3, 1, 3, 3, 1, 1, 2, 1});
  const double third = static_cast<double>(T(1) / T(3));
  CHECK(is(gradient(amax(x, 1), x), {third, 0, third, third, 0, 0, 1, 0}));
  CHECK(is(gradient(amin(x, 1), x), {0, 1, 0, 0, third, third, 0, third}));
  CHECK(is(gradient(amin(x), x), {0, 0.25, 0, 0, 0.25, 0.25, 0, 0.25}));
  CHECK(is(gradient(amax(x, 0, {.keepdims = true}) * T(2), x), {2, 1, 2, 2, 0, 1, 0, 0}));
}

TEST_CASE_TEMPLATE("index: NaN goes through amax and amin", T, float, double) {
  const auto x = leaf<T>(Shape{3, 3}, {1, na, 2, 3, 4, 5, na, na, 0});
  CHECK(is(amax(x, 1).value(), {na, 5, na}));
  CHECK(is(amin(x, 1).value(), {na, 3, na}));
  CHECK(is(amax(x, 0).value(), {na, na, 5}));
  CHECK(is(amin(x, 0).value(), {na, na, 0}));
  CHECK(is(amax(x).value(), {na}));
  CHECK(is(gradient(amax(x, 1), x), {0, 1, 0, 0, 0, 1, 0.5, 0.5, 0}));  // to what made it NaN
  // wherever in a long row it stands
  for (const std::size_t place : {0u, 1u, 31u, 32u, 63u, 64u, 70u, 99u}) {
    std::vector<double> row(100, -1);
    row[place] = na;
    CHECK(is(amax(leaf<T>(row)).value(), {na}));
    CHECK(is(amin(leaf<T>(row)).value(), {na}));
    row[place] = 7;
    CHECK(is(amax(leaf<T>(row)).value(), {7}));
    CHECK(argmax(leaf<T>(row))() == static_cast<std::int64_t>(place));
    row[place] = -7;
    CHECK(is(amin(leaf<T>(row)).value(), {-7}));
    CHECK(argmin(leaf<T>(row))() == static_cast<std::int64_t>(place));
  }
  CHECK(is(amax(leaf<T>({-inf, -inf})).value(), {-inf}));
  CHECK(is(amin(leaf<T>({inf, inf})).value(), {inf}));
  // long enough for threads
  Array<T> many(Shape{100'000});
  for (std::size_t k = 0; k < many.size(); ++k) many.data()[k] = static_cast<T>(k % 1000);
  many.data()[77'777] = 5000;
  CHECK(amax(Variable<T>(many)).item() == 5000);
  CHECK(argmax(Variable<T>(many))() == 77'777);
  many.data()[50'000] = static_cast<T>(na);
  CHECK(std::isnan(amin(Variable<T>(many)).item()));
}

TEST_CASE_TEMPLATE("index: argmax and argmin take the first, and NaN before all", T, float, double) {
  const auto x = leaf<T>(Shape{3, 4}, {1, 3, 3, 2, 0, na, 5, na, -1, -1, -1, -1});
  CHECK(argmax(x, 1) == Labels{1, 1, 0});
  CHECK(argmin(x, 1) == Labels{0, 1, 0});
  CHECK(argmax(x, 0) == Labels{0, 1, 1, 1});
  CHECK(argmin(x, 0) == Labels{2, 1, 2, 1});
  CHECK(argmax(x)() == 5);
  CHECK(argmax(x, -1, {.keepdims = true}) == column({1, 1, 0}));
  CHECK(argmax(x, {}, {.keepdims = true}).shape() == Shape{1, 1});
  CHECK(argmax(leaf<T>(Shape{}, {4}))() == 0);
  CHECK(argmax(leaf<T>(Shape{0, 3}, {}), 1).shape() == Shape{0});
  const auto wide = leaf<T>(Shape{2, 3, 2}, {1, 9, 4, 8, 4, 9, 0, 0, 0, 1, -1, 1});
  CHECK(argmax(wide, 1) == Labels{{1, 0}, {0, 1}});
  CHECK(argmin(wide, 1) == Labels{{0, 1}, {2, 0}});
  // with keepdims it is what take_along_axis takes
  CHECK(is(take_along_axis(wide, argmax(wide, 1, {.keepdims = true}), 1).value(), {4, 9, 0, 1}));
}

TEST_CASE_TEMPLATE("index: norm and std have gradient 0 at 0", T, float, double) {
  const auto x = leaf<T>(Shape{2, 2}, {0, 0, 3, 4});
  CHECK(is(norm(x, 1).value(), {0, 5}));
  CHECK(is(gradient(norm(x, 1), x), {0, 0, T(0.6), T(0.8)}, 1e-7));
  const auto nothing = leaf<T>({0, 0, 0});
  for (const double p : {0.0, 0.5, 1.0, 1.5, 2.0, 3.0, inf, -inf}) {
    CAPTURE(p);
    CHECK(norm(nothing, {}, {.p = p}).item() == 0);
    CHECK(is(gradient(norm(nothing, {}, {.p = p}), nothing), {0, 0, 0}));
    const auto g = grad(norm(nothing, {}, {.p = p}), {nothing}, {.create_graph = true})[0];
    CHECK(is(grad(sum(square(g + nothing)), {nothing})[0].value(), {0, 0, 0}));
  }
  const auto sparse = leaf<T>({0, 2, 0});  // elements that are 0
  for (const double p : {0.5, 1.0, 1.5, 2.0, 3.0, inf}) {
    CAPTURE(p);
    CHECK(norm(sparse, {}, {.p = p}).item() == doctest::Approx(2));
    CHECK(is(gradient(norm(sparse, {}, {.p = p}), sparse), {0, 1, 0}, 1e-6));
  }
  CHECK(norm(sparse, {}, {.p = 0}).item() == 1);
  const auto y = leaf<T>(Shape{2, 3}, {7, 7, 7, 1, 2, 3});
  CHECK(is(xgrad::std(y, 1).value(), {0, std::sqrt(2.0 / 3)}, 1e-7));
  const double slope = 1 / std::sqrt(6.0);
  CHECK(is(gradient(xgrad::std(y, 1), y), {0, 0, 0, -slope, 0, slope}, 1e-7));
  const auto g = grad(sum(xgrad::std(y, 1)), {y}, {.create_graph = true})[0];
  const Array<T> second = grad(sum(square(g)), {y})[0].value();
  for (const T v : second) CHECK(std::isfinite(v));
}

TEST_CASE_TEMPLATE("index: equal elements have no deviation, also where their mean is rounded", T, float, double) {
  for (const std::size_t n : std::initializer_list<std::size_t>{3, 7, 100, 1001})
    for (const double value : {0.1, -0.7, 1e20, 3e-9}) {
      CAPTURE(n);
      CAPTURE(value);
      Array<T> x = full<T>(Shape{n, 2}, static_cast<T>(value));
      for (std::size_t k = 0; k < n; ++k) x(k, 1) = static_cast<T>(k);  // a neighbour that does deviate
      const Variable<T> v(x, true), deviation = xgrad::std(v, 0);
      CHECK(deviation.value()(0) == 0);
      CHECK(deviation.value()(1) == doctest::Approx(std::sqrt((static_cast<double>(n * n) - 1) / 12)));
      CHECK(var(v, 0).value()(0) == 0);
      const Array<T> g = gradient(deviation, v);
      for (std::size_t k = 0; k < n; ++k) CHECK(g(k, 0) == 0);
    }
  // and hardly any where there is hardly any
  const T eps = std::numeric_limits<T>::epsilon();
  CHECK(xgrad::std(leaf<T>({1, 1 + static_cast<double>(eps)})).item() ==
        doctest::Approx(static_cast<double>(eps) / 2).epsilon(1e-3));
}

TEST_CASE_TEMPLATE("index: logsumexp with infinities", T, float, double) {
  const double ln2 = std::log(2.0);
  CHECK(is(logsumexp(leaf<T>({1e4, 1e4})).value(), {1e4 + ln2}, 1e-3));
  CHECK(is(logsumexp(leaf<T>({-1e4, -1e4})).value(), {-1e4 + ln2}, 1e-3));
  const auto x = leaf<T>(Shape{4, 2}, {-inf, 1, -inf, -inf, inf, 0, na, 0});
  CHECK(is(logsumexp(x, 1).value(), {1, -inf, inf, na}));
  CHECK(is(gradient(logsumexp(x, 1), x), {0, 1, 0, 0, 1, 0, na, na}));
}

TEST_CASE("index: products with zeros, to third order") {
  const auto x = leaf(Shape{3, 3}, {0, 1.5, -2, 0, 0.5, 0, 2, 3, 0.7});
  CHECK(is(gradient(prod(x, 1), x), {-3, 0, 0, 0, 0, 0, 2.1, 1.4, 6}, 1e-14));
  using V = Variable<double>;
  for (const auto& f : std::vector<std::function<V(const V&)>>{
           [](const V& v) { return prod(v, 1); }, [](const V& v) { return prod(v, 0); }, [](const V& v) { return prod(v); },
           [](const V& v) { return cumprod(v, 1); }, [](const V& v) { return cumprod(v, 0); }}) {
    const auto report = gradcheck(f, {x}, {.order = 3, .allow_zero = true});
    CHECK_MESSAGE(report.ok(), to_string(report));
  }
  CHECK(is(cumprod(x, 1).value(), {0, 0, 0, 0, 0, 0, 2, 6, 4.2}, 1e-14));
  CHECK(is(gradient(cumprod(x, 1), x), {1 + 1.5 - 3, 0, 0, 1.5, 0, 0, 1 + 3 + 2.1, 2 + 1.4, 6}, 1e-14));
}

TEST_CASE_TEMPLATE("index: sums of long axes", T, float, double) {
  std::vector<double> values(70'001, 1);
  const auto y = cumsum(leaf<T>(values), 0).value();
  CHECK(y.data()[70'000] == 70'001);
  const auto columns = cumsum(leaf<T>(Shape{200, 400}, std::vector<double>(80'000, 1)), 0).value();
  CHECK(columns(199, 399) == 200);
  CHECK(columns(0, 0) == 1);
}

TEST_CASE_TEMPLATE("index: order, NaN last, equal ones as they were", T, float, double) {
  const auto x = leaf<T>({2, na, 1, 2, -inf, na, 1, inf});
  CHECK(argsort(x) == Labels{4, 2, 6, 0, 3, 7, 1, 5});
  CHECK(argsort(x, -1, {.descending = true}) == Labels{1, 5, 7, 0, 3, 2, 6, 4});
  CHECK(is(sort(x).value(), {-inf, 1, 1, 2, 2, inf, na, na}));
  CHECK(is(sort(x, 0, {.descending = true}).value(), {na, na, inf, 2, 2, 1, 1, -inf}));
  CHECK(argsort(leaf<T>(Shape{2, 2}, {2, 1, 1, 2}), 0) == Labels{{1, 0}, {0, 1}});
  const auto [values, indices] = topk(x, 3, 0, {.largest = false});
  CHECK(is(values.value(), {-inf, 1, 1}));
  CHECK(indices == Labels{4, 2, 6});
  CHECK(topk(x, 3).indices == Labels{1, 5, 7});
  std::vector<double> many(1000);  // few of many
  for (std::size_t k = 0; k < many.size(); ++k) many[k] = static_cast<double>(k * 7919 % 100);
  const auto best = topk(leaf<T>(many), 5);
  CHECK(is(best.values.value(), {99, 99, 99, 99, 99}));
  const Labels full_order = argsort(leaf<T>(many), -1, {.descending = true});
  for (std::size_t k = 0; k < 5; ++k) CHECK(best.indices(k) == full_order(k));
  CHECK(is(gradient(topk(x, 2, 0, {.largest = false}).values, x), {0, 0, 1, 0, 1, 0, 0, 0}));
}

TEST_CASE_TEMPLATE("index: median", T, float, double) {
  CHECK(is(median(leaf<T>({3, 1, 2})).value(), {2}));
  CHECK(is(median(leaf<T>({4, 1, 3, 2})).value(), {2.5}));
  CHECK(is(median(leaf<T>({4, na, 3})).value(), {na}));
  CHECK(is(median(leaf<T>({4, na, 3, 5})).value(), {na}));
  CHECK(is(median(leaf<T>(Shape{0}, {})).value(), {na}));
  const auto x = leaf<T>({4, 1, 3, 2});
  CHECK(is(gradient(median(x), x), {0, 0, 0.5, 0.5}));
  const auto ties = leaf<T>({1, 2, 2, 2, 3});
  CHECK(is(gradient(median(ties), ties), {0, 0, 1, 0, 0}));
  const double most = static_cast<double>(std::numeric_limits<T>::max());
  CHECK(is(median(leaf<T>({most, most, most})).value(), {most}));
}

TEST_CASE_TEMPLATE("index: statistics of nothing and of little", T, float, double) {
  CHECK(is(var(leaf<T>(Shape{0, 2}, {}), 0).value(), {na, na}));
  CHECK(is(var(leaf<T>({5}), {}, {.ddof = 1}).value(), {na}));
  CHECK(is(xgrad::std(leaf<T>(Shape{0}, {})).value(), {na}));
  CHECK(is(prod(leaf<T>(Shape{0}, {})).value(), {1}));
  CHECK(is(logsumexp(leaf<T>(Shape{0}, {})).value(), {-inf}));
  CHECK(is(norm(leaf<T>(Shape{0}, {}), {}, {.p = 3}).value(), {0}));
  // two passes: the mean does not swallow the deviations
  const auto far = leaf<T>({1e6 + 1, 1e6 + 2, 1e6 + 3});
  CHECK(is(var(far).value(), {2.0 / 3}, 1e-6));
}

TEST_CASE_TEMPLATE("index: any, all and count_nonzero", T, float, double) {
  const Mask mask{{true, false, true}, {false, false, false}};
  CHECK(xgrad::any(mask, 1) == Mask{true, false});
  CHECK(xgrad::all(mask, 0) == Mask{false, false, false});
  CHECK(xgrad::count_nonzero(mask, 0) == Labels{1, 0, 1});
  CHECK(xgrad::any(mask)() == true);
  CHECK(xgrad::all(mask)() == false);
  CHECK(xgrad::count_nonzero(mask)() == 2);
  CHECK(xgrad::count_nonzero(mask, -1, {.keepdims = true}) == column({2, 0}));
  const auto x = leaf<T>(Shape{2, 2}, {0, na, -1, 2});
  CHECK(any(x, 0) == Mask{true, true});
  CHECK(all(x, 1) == Mask{false, true});
  CHECK(count_nonzero(x)() == 3);
  const Mask nothing(Shape{0, 2});
  CHECK(xgrad::any(nothing, 0) == Mask{false, false});
  CHECK(xgrad::all(nothing, 0) == Mask{true, true});
  CHECK(xgrad::count_nonzero(nothing, 0) == Labels{0, 0});
  CHECK(xgrad::any(x > 1)() == true);
}

TEST_CASE("index: indices and masks of any kind") {
  const auto x = leaf(Shape{3, 2}, {1, 2, 3, 4, 5, 6});
  const std::vector<double> rows{5, 6, 1, 2};
  CHECK(is(index_select(x, 0, {2, 0}).value(), rows));
  CHECK(is(index_select(x, 0, Labels{2, 0}).value(), rows));
  CHECK(is(index_select(x, 0, xt::xarray<int>{2, 0}).value(), rows));
  CHECK(is(index_select(x, 0, xt::xarray<std::uint8_t>{2, 0}).value(), rows));
  CHECK(is(index_select(x, 0, xt::xarray<std::size_t>{2, 0}).value(), rows));
  CHECK(is(index_select(x, 0, xt::xarray<int>{3, 1} - 1).value(), rows));
  CHECK(is(embedding(xt::xarray<int>{2, 0}, x).value(), rows));
  CHECK(embedding(xt::xarray<int>{{2, 0}, {1, 1}, {0, 0}}, x).shape() == Shape{3, 2, 2});
  CHECK(is(gather(x, 1, column({1, 0, 1})).value(), {2, 3, 6}));
  CHECK(is(masked_select(x, xt::xarray<bool>{true, false}).value(), {1, 3, 5}));
  CHECK(is(masked_select(x, x > 3).value(), {4, 5, 6}));
  CHECK(is(masked_fill(x, x > 3, 0).value(), {1, 2, 3, 0, 0, 0}));
  CHECK(is(masked_fill(x, x > 3, xt::xarray<double>{7, 8}).value(), {1, 2, 3, 8, 7, 8}));
  CHECK(is(slice_update(x, {{0, 1}}, Array<double>{7, 8}).value(), {7, 8, 3, 4, 5, 6}));
  CHECK(is(scatter_add(x, 0, xt::xarray<int>{{1, 1}, {1, 0}}, Array<double>{{10, 20}, {30, 40}}).value(), {1, 42, 43, 24, 5, 6}));
  CHECK(one_hot<double>({1, 0}, 3) == Array<double>{{0, 1, 0}, {1, 0, 0}});
  CHECK(one_hot(column({1, 0}), 2) == Array<float>(reshape(Variable<float>(Array<float>{{0, 1}, {1, 0}}), {2, 1, 2}).value()));
  CHECK(one_hot(Labels(Shape{0}), 2).shape() == Shape{0, 2});
}

TEST_CASE_TEMPLATE("index: gradients of rows that come often add up", T, float, double) {
  const auto weights = leaf<T>(Shape{3, 2}, {1, 2, 3, 4, 5, 6});
  CHECK(is(gradient(embedding({1, 1, 2, 1}, weights), weights), {0, 0, 3, 3, 1, 1}));
  const auto x = leaf<T>({1, 2});
  CHECK(is(gradient(gather(x, 0, Labels(zeros<std::int64_t>({2}))), x), {2, 0}));
  // many of them, in threads
  Labels often(Shape{100'000});
  for (std::size_t k = 0; k < often.size(); ++k) often.data()[k] = static_cast<std::int64_t>(k % 3);
  CHECK(is(gradient(embedding(often, weights), weights), {33'334, 33'334, 33'333, 33'333, 33'333, 33'333}));
}

TEST_CASE_TEMPLATE("index: what is overwritten has no say in the gradient", T, float, double) {
  const auto x = leaf<T>({na, 1, inf});
  CHECK(is(gradient(masked_fill(x, Mask{true, false, true}, 0) * T(2), x), {0, 2, 0}));
  CHECK(is(gradient(slice_update(x, {{0, 1}}, 5) * T(3), x), {0, 3, 3}));
  CHECK(is(tril(leaf<T>(Shape{2, 2}, {1, na, 2, 3})).value(), {1, 0, 2, 3}));
  CHECK(is(triu(leaf<T>(Shape{2, 2}, {1, 2, na, 3})).value(), {1, 2, 0, 3}));
}

TEST_CASE("index: what becomes of buffers") {
  const auto x = leaf(Shape{2, 2}, {1, 2, 3, 4});
  const Variable<double> shared = x * 2;
  CHECK(is(slice_update(shared, {{0, 1}}, 0).value(), {0, 0, 6, 8}));
  CHECK(is(shared.value(), {2, 4, 6, 8}));
  CHECK(is(slice_update(shared, {{0, 1}}, slice(shared, {{1, 2}})).value(), {6, 8, 6, 8}));
  CHECK(is(scatter_add(shared, 0, Labels{{1, 1}}, leaf(Shape{1, 2}, {1, 1})).value(), {2, 4, 7, 9}));
  CHECK(is(shared.value(), {2, 4, 6, 8}));
}

TEST_CASE("index: errors say what is and what must be, and where") {
  const auto number = leaf(Shape{}, {1}), x4 = leaf({1, 2, 3, 4}), x23 = leaf(Shape{2, 3}, {1, 2, 3, 4, 5, 6});
  const auto none = leaf(Shape{0, 3}, {}), x123 = leaf(Shape{1, 2, 3}, {1, 2, 3, 4, 5, 6});
  const Labels grid = {{0, 1, 1}, {1, 0, 2}};
  // clang-format off
  CHECK(error(__LINE__, [&] { var(x23, 2); }) == "var: axis 2 is out of range; for an array of 2 axes it must be from -2 to 1");
  CHECK(error(__LINE__, [&] { xgrad::std(x23, 2); }) == "std: axis 2 is out of range; for an array of 2 axes it must be from -2 to 1");
  CHECK(error(__LINE__, [&] { logsumexp(x23, {0, 0}); }) == "logsumexp: axis 0 is given twice; each must be given once");
  CHECK(error(__LINE__, [&] { norm(x23, 2); }) == "norm: axis 2 is out of range; for an array of 2 axes it must be from -2 to 1");
  CHECK(error(__LINE__, [&] { norm(x23, 1, {.p = -1}); }) == "norm: p is -1; it must be 0, positive, or infinite");
  CHECK(error(__LINE__, [&] { norm(none, 0, {.p = inf}); }) == "norm: x is (0, 3); it must have elements where a largest is sought");
  CHECK(error(__LINE__, [&] { prod(x23, -3); }) == "prod: axis -3 is out of range; for an array of 2 axes it must be from -2 to 1");
  CHECK(error(__LINE__, [&] { amax(x23, 2); }) == "amax: axis 2 is out of range; for an array of 2 axes it must be from -2 to 1");
  CHECK(error(__LINE__, [&] { amax(none); }) == "amax: x is (0, 3); it must have elements where a largest or smallest is sought");
  CHECK(error(__LINE__, [&] { amin(none, 0); }) == "amin: x is (0, 3); it must have elements where a largest or smallest is sought");
  CHECK(error(__LINE__, [&] { argmax(none, 0); }) == "argmax: x is (0, 3); it must have elements where a largest or smallest is sought");
  CHECK(error(__LINE__, [&] { argmin(x23, 2); }) == "argmin: axis 2 is out of range; for an array of 2 axes it must be from -2 to 1");
  CHECK(error(__LINE__, [&] { cumsum(number, 0); }) == "cumsum: axis 0 of an array without axes; it must have one");
  CHECK(error(__LINE__, [&] { cumprod(x23, 2); }) == "cumprod: axis 2 is out of range; for an array of 2 axes it must be from -2 to 1");
  CHECK(error(__LINE__, [&] { sort(number); }) == "sort: axis -1 of an array without axes; it must have one");
  CHECK(error(__LINE__, [&] { argsort(x23, 2); }) == "argsort: axis 2 is out of range; for an array of 2 axes it must be from -2 to 1");
  CHECK(error(__LINE__, [&] { topk(x23, 4); }) == "topk: k is 4; for axis 1 of x it must be from 0 to 3");
  CHECK(error(__LINE__, [&] { topk(x23, -1, 0); }) == "topk: k is -1; for axis 0 of x it must be from 0 to 2");
  CHECK(error(__LINE__, [&] { median(x23, 2); }) == "median: axis 2 is out of range; for an array of 2 axes it must be from -2 to 1");
  CHECK(error(__LINE__, [&] { any(x23, 2); }) == "any: axis 2 is out of range; for an array of 2 axes it must be from -2 to 1");
  CHECK(error(__LINE__, [&] { xgrad::all(Mask{true}, 1); }) == "all: axis 1 is out of range; for an array of 1 axes it must be from -1 to 0");
  CHECK(error(__LINE__, [&] { count_nonzero(x23, 2); }) == "count_nonzero: axis 2 is out of range; for an array of 2 axes it must be from -2 to 1");

  CHECK(error(__LINE__, [&] { squeeze(x123, 1); }) == "squeeze: x is (1, 2, 3), axis 1 has length 2; it must be 1 to go");
  CHECK(error(__LINE__, [&] { unsqueeze(x4, 3); }) == "unsqueeze: axis 3 is out of range; for an array of 2 axes it must be from -2 to 1");
  CHECK(error(__LINE__, [&] { concat(std::vector<Variable<double>>{}); }) == "concat: no arrays are given; there must be at least one");
  CHECK(error(__LINE__, [&] { concat({x23, x4}); }) == "concat: array 0 is (2, 3), array 1 is (4,); all axes but axis 0 must be equal");
  CHECK(error(__LINE__, [&] { concat({x23, x23, x123}, 1); }) == "concat: array 0 is (2, 3), array 2 is (1, 2, 3); all axes but axis 1 must be equal");
  CHECK(error(__LINE__, [&] { concat({number, number}); }) == "concat: axis 0 of an array without axes; it must have one");
  CHECK(error(__LINE__, [&] { stack({x23, x4}, 1); }) == "stack: array 0 is (2, 3), array 1 is (4,); all must be equal");
  CHECK(error(__LINE__, [&] { stack({x4}, 2); }) == "stack: axis 2 is out of range; for an array of 2 axes it must be from -2 to 1");
  CHECK(error(__LINE__, [&] { split(x23, 2, 1); }) == "split: x is (2, 3); the 3 elements of axis 1 must divide evenly into 2 parts, or the lengths be given");
  CHECK(error(__LINE__, [&] { split(x23, 0); }) == "split: 0 parts; there must be at least 1");
  CHECK(error(__LINE__, [&] { split(x23, {1, 3}, 1); }) == "split: x is (2, 3), the parts of axis 1 are (1, 3); none may be negative, and together they must be 3");
  CHECK(error(__LINE__, [&] { split(x23, {4, -1}, 1); }) == "split: x is (2, 3), the parts of axis 1 are (4, -1); none may be negative, and together they must be 3");
  CHECK(error(__LINE__, [&] { pad(x23, {{1, 1}}); }) == "pad: x is (2, 3), 1 widths are given; there must be one per axis");
  CHECK(error(__LINE__, [&] { pad(x23, -1); }) == "pad: the widths of axis 0 are -1 and -1; they must not be negative");
  CHECK(error(__LINE__, [&] { pad(none, 1, {.mode = PadMode::edge}); }) == "pad: x is (0, 3); axis 0 must have something to repeat: pad it with a constant");
  CHECK(error(__LINE__, [&] { flip(x23, 2); }) == "flip: axis 2 is out of range; for an array of 2 axes it must be from -2 to 1");
  CHECK(error(__LINE__, [&] { roll(x23, 1, 2); }) == "roll: axis 2 is out of range; for an array of 2 axes it must be from -2 to 1");
  CHECK(error(__LINE__, [&] { tile(x23, {2, -1}); }) == "tile: the repeats are (2, -1); they must not be negative");
  CHECK(error(__LINE__, [&] { repeat(x23, -1); }) == "repeat: count is -1; it must not be negative");
  CHECK(error(__LINE__, [&] { repeat(x23, 2, 2); }) == "repeat: axis 2 is out of range; for an array of 2 axes it must be from -2 to 1");
  CHECK(error(__LINE__, [&] { diagonal(x23, 0, 1, -1); }) == "diagonal: axis 1 is given twice; the two must differ");
  CHECK(error(__LINE__, [&] { diagonal(x4); }) == "diagonal: axis 1 is out of range; for an array of 1 axes it must be from -1 to 0");
  CHECK(error(__LINE__, [&] { diag(x123); }) == "diag: x is (1, 2, 3); it must be a vector or a matrix");

  CHECK(error(__LINE__, [&] { slice(x23, {{}, {}, {}}); }) == "slice: 3 slices are given, x is (2, 3); there must be at most one per axis");
  CHECK(error(__LINE__, [&] { slice(x23, {{}, {.step = 0}}); }) == "slice: the step of axis 1 is 0; it must be positive or negative");
  CHECK(error(__LINE__, [&] { slice(x23, 2, {0, 1}); }) == "slice: axis 2 is out of range; for an array of 2 axes it must be from -2 to 1");
  CHECK(error(__LINE__, [&] { slice_update(x23, {{0, 1}}, x4); }) == "slice_update: value is (4,), the slice is (1, 3); the value must broadcast to the slice");
  CHECK(error(__LINE__, [&] { slice_update(x4, {{}, {}}, 1); }) == "slice_update: 2 slices are given, x is (4,); there must be at most one per axis");
  CHECK(error(__LINE__, [&] { select(x23, 1, 3); }) == "select: index 3 is out of range; for axis 1 of 3 elements it must be from -3 to 2");
  CHECK(error(__LINE__, [&] { select(x23, 0, -3); }) == "select: index -3 is out of range; for axis 0 of 2 elements it must be from -2 to 1");
  CHECK(error(__LINE__, [&] { select(none, 0, 0); }) == "select: index 0 is out of range; axis 0 must have elements");
  CHECK(error(__LINE__, [&] { index_select(x23, 0, {1, 2, 9}); }) == "index_select: index 2 at (1,) is out of range; axis 0 of x has 2 elements, so it must be from -2 to 1");
  CHECK(error(__LINE__, [&] { index_select(x23, 0, {0, -3}); }) == "index_select: index -3 at (1,) is out of range; axis 0 of x has 2 elements, so it must be from -2 to 1");
  CHECK(error(__LINE__, [&] { index_select(none, 0, {0}); }) == "index_select: index 0 at (0,) is out of range; axis 0 of x has no elements, so it must not be there");
  CHECK(error(__LINE__, [&] { index_select(x23, 2, {0}); }) == "index_select: axis 2 is out of range; for an array of 2 axes it must be from -2 to 1");
  CHECK(error(__LINE__, [&] { embedding(grid, x23); }) == "embedding: index 2 at (1, 2) is out of range; weights are (2, 3), so it must be from 0 to 1");
  CHECK(error(__LINE__, [&] { embedding({0}, number); }) == "embedding: weights are (); they must have a row for each label");
  CHECK(error(__LINE__, [&] { gather(x23, 0, grid); }) == "gather: index 2 at (1, 2) is out of range; axis 0 of x has 2 elements, so it must be from -2 to 1");
  CHECK(error(__LINE__, [&] { gather(x23, 0, {0}); }) == "gather: x is (2, 3), index is (1,); index must have as many axes and be no longer along any but axis 0");
  CHECK(error(__LINE__, [&] { gather(x23, 0, Labels{{0, 0, 0, 0}}); }) == "gather: x is (2, 3), index is (1, 4); index must have as many axes and be no longer along any but axis 0");
  CHECK(error(__LINE__, [&] { take_along_axis(x23, grid - 3, 0); }) == "take_along_axis: index -3 at (0, 0) is out of range; axis 0 of x has 2 elements, so it must be from -2 to 1");
  CHECK(error(__LINE__, [&] { take_along_axis(x23, Labels{{0, 0}}, 0); }) == "take_along_axis: x is (2, 3), index is (1, 2); they must have as many axes, and broadcast along all but axis 0");
  CHECK(error(__LINE__, [&] { scatter_add(x23, 0, grid, x23); }) == "scatter_add: index 2 at (1, 2) is out of range; axis 0 of x has 2 elements, so it must be from -2 to 1");
  CHECK(error(__LINE__, [&] { scatter_add(x23, 1, grid, x4); }) == "scatter_add: x is (2, 3), index is (2, 3), source is (4,); index and source must have one shape, and be no longer than x along any but axis 1");
  CHECK(error(__LINE__, [&] { masked_select(x23, Mask{true, false}); }) == "masked_select: x is (2, 3), the mask is (2,); the mask must broadcast to x");
  CHECK(error(__LINE__, [&] { masked_fill(x23, x4 > 0, 0); }) == "masked_fill: x is (2, 3), the mask is (4,), the value is (); mask and value must broadcast to x");
  CHECK(error(__LINE__, [&] { masked_fill(x23, x23 > 0, x4); }) == "masked_fill: x is (2, 3), the mask is (2, 3), the value is (4,); mask and value must broadcast to x");
  CHECK(error(__LINE__, [&] { one_hot({0, 3}, 3); }) == "one_hot: index 3 at (1,) is out of range; there are 3 classes, so it must be from 0 to 2");
  CHECK(error(__LINE__, [&] { tril(x4); }) == "tril: x is (4,); it must have at least two axes");
  CHECK(error(__LINE__, [&] { triu(number, 1); }) == "triu: x is (); it must have at least two axes");
  // clang-format on
  CHECK_THROWS_AS(embedding(grid, x23), IndexError);
  CHECK_THROWS_AS(select(x23, 0, 2), IndexError);
  CHECK_THROWS_AS(concat({x23, x4}), ShapeError);
  CHECK_THROWS_AS(topk(x23, 4), ValueError);
}

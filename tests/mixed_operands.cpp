// Every mixed pair of Variables, numbers, Arrays, xtensor containers and expressions: what type comes out, and does it know the
// line. xtensor's own operators would match some of these better than ours (see core/array.hpp).
#include <doctest/doctest.h>

#include <cmath>

#include <xgrad/xgrad.hpp>

// A user's program includes these as well.
#if __has_include(<xtensor/core/xmath.hpp>)
#include <xtensor/core/xmath.hpp>
#include <xtensor/generators/xbuilder.hpp>
#include <xtensor/views/xview.hpp>
#else
#include <xtensor/xbuilder.hpp>
#include <xtensor/xmath.hpp>
#include <xtensor/xtensor.hpp>
#include <xtensor/xview.hpp>
#endif

namespace xg = xgrad;
using V = xg::Variable<float>;

namespace {

struct Fixture {
  V x{xg::Array<float>{{1, 2, 3}, {4, 5, 6}}, true}, y{xg::Array<float>{{3, 2, 1}, {6, 5, 4}}, true};
  xg::Array<float> a = xg::full<float>({2, 3}, 2);
  xt::xarray<float> u = xt::ones<float>({2, 3}) * 2;
  xt::xtensor<float, 2> t = xt::ones<float>({2, 3}) * 2;
  float s = 2;
};

}  // namespace

/// The expression is a Variable<float>, recorded on this line, with this element (0, 1).
#define XGRAD_GIVES(expression, expected)                                                 \
  do {                                                                                    \
    auto result = expression;                                                             \
    static_assert(std::is_same_v<decltype(result), V>, #expression);                      \
    CHECK(result.value().data()[result.size() > 1 ? 1 : 0] == doctest::Approx(expected)); \
    CHECK(result.node()->where().line() == __LINE__);                                     \
    CHECK(xg::to_string(result.node()->where()).substr(0, 14) == "mixed_operands");       \
  } while (false)

/// The expression is a Mask with this element (0, 1).
#define XGRAD_MASK(expression, expected)                                    \
  do {                                                                      \
    auto result = expression;                                               \
    static_assert(std::is_same_v<decltype(result), xg::Mask>, #expression); \
    CHECK(result(0, 1) == (expected));                                      \
  } while (false)

TEST_CASE_FIXTURE(Fixture, "formulas, whose first operand says of what type they are") {
  const auto product = xg::elementwise("product", [](auto v, auto w) { return v * w; });
  XGRAD_GIVES(product(x, y), 4);
  XGRAD_GIVES(product(x, a), 4);
  XGRAD_GIVES(product(a, x), 4);
  XGRAD_GIVES(product(u, x), 4);
  XGRAD_GIVES(product(t, x), 4);
  XGRAD_GIVES(product(t + u, x), 8);
  XGRAD_GIVES(product(xt::view(u, 1), x), 4);
  const auto twice = xg::elementwise("twice", [](auto v) { return 2 * v; });
  static_assert(std::is_same_v<decltype(twice(a)), V>);
  CHECK(twice(a).value()(0, 1) == 4);
  CHECK_FALSE(twice(a).requires_grad());
}

TEST_CASE_FIXTURE(Fixture, "operators") {
  XGRAD_GIVES(x + y, 4);
  XGRAD_GIVES(x + 2, 4);
  XGRAD_GIVES(2 * x, 4);
  XGRAD_GIVES(2.5 * x + y, 7);
  XGRAD_GIVES(s - x, 0);
  XGRAD_GIVES(1 / x, 0.5);
  XGRAD_GIVES(x / 4, 0.5);
  XGRAD_GIVES(-x, -2);
  XGRAD_GIVES(-(x * y), -4);
  XGRAD_GIVES(x + a, 4);
  XGRAD_GIVES(a + x, 4);
  XGRAD_GIVES(a - x, 0);
  XGRAD_GIVES(x + u, 4);
  XGRAD_GIVES(u + x, 4);
  XGRAD_GIVES(u / x, 1);
  XGRAD_GIVES(t * x, 4);
  XGRAD_GIVES(x * t, 4);
  XGRAD_GIVES(x * (u + u), 8);
  XGRAD_GIVES((u * 2.F) * x, 8);
  XGRAD_GIVES((u - t) + x, 2);
  XGRAD_GIVES(x - xt::view(u, 0, xt::all()), 0);
  XGRAD_GIVES(xt::view(u, 0, xt::all()) - x, 0);
  XGRAD_GIVES(x + xt::ones<float>({3}), 3);
  XGRAD_GIVES(sum(x), 21);
  XGRAD_GIVES((x * y + u) / (s + x) - 1, 0.5);
  XGRAD_GIVES(x + u, 4);
}

TEST_CASE_FIXTURE(Fixture, "compound assignment binds the handle anew") {
  const V before = x;
  x += u;
  CHECK(x.node()->where().line() == __LINE__ - 1);
  CHECK(x.value()(0, 1) == 4);
  CHECK(before.value()(0, 1) == 2);
  x -= 1;
  x *= y;
  x /= a;
  CHECK(x.value()(0, 1) == 3);
}

// Operators look at named Variables where they are, without a reference of their own.
TEST_CASE_FIXTURE(Fixture, "an operand with a name stays as it is") {
  const auto untouched = [&] {
    CHECK(x.value() == xg::Array<float>{{1, 2, 3}, {4, 5, 6}});
    CHECK(y.value() == xg::Array<float>{{3, 2, 1}, {6, 5, 4}});
  };
  for (const bool gradients : {false, true}) {
    x = V(xg::Array<float>(x.value()), gradients);  // the only handle: nothing but its name keeps the buffer
    y = V(xg::Array<float>(y.value()), gradients);
    CHECK((x + y).value()(0, 1) == 4);
    CHECK((x * x).value()(0, 1) == 4);
    CHECK((1 - x).value()(0, 1) == -1);
    CHECK((x / u).value()(0, 1) == 1);
    CHECK(((x + y) * x).value()(0, 1) == 8);
    CHECK((x * (x + y)).value()(0, 1) == 8);
    untouched();
    CHECK_THROWS_AS(x + xt::ones<float>({5}), xg::ShapeError);
    CHECK_THROWS_AS(xt::ones<float>({5}) * x, xg::ShapeError);
    CHECK_THROWS_AS(x - V(), xg::GraphError);
    untouched();
  }
  const V product = x * y * x;
  x = V(xg::zeros<float>({2, 3}), true);  // the graph has references of its own
  backward(sum(product));
  CHECK(y.grad()(1, 2) == 36);
}

TEST_CASE_FIXTURE(Fixture, "an operand may be bound anew by what it is in") {
  x *= x;
  CHECK(x.value()(0, 1) == 4);
  x = x + x;
  CHECK(x.value()(0, 1) == 8);
  x -= x;
  CHECK(x.value()(0, 1) == 0);
  const std::size_t before = xg::memory::stats().in_use;
  for (int i = 0; i < 100; ++i) {
    V z(xg::zeros<float>({1000}));
    z = z * z + z;
    CHECK_THROWS(z += u);
  }
  CHECK(xg::memory::stats().in_use == before);
}

TEST_CASE_FIXTURE(Fixture, "comparisons give masks") {
  XGRAD_MASK(x > 1, true);
  XGRAD_MASK(x < y, false);
  XGRAD_MASK(x <= y, true);
  XGRAD_MASK(x >= u, true);
  XGRAD_MASK(u > x, false);
  XGRAD_MASK(2 <= x, true);
  XGRAD_MASK(a < x, false);
  XGRAD_MASK(t >= x, true);
  XGRAD_MASK(equal(x, y), true);
  XGRAD_MASK(not_equal(x, 2), false);
  const float nan = std::nanf("");
  const V n(xg::Array<float>{{nan, nan}});
  XGRAD_MASK(n < 1, false);
  XGRAD_MASK(n >= 1, false);
  XGRAD_MASK(not_equal(n, n), true);
}

TEST_CASE_FIXTURE(Fixture, "functions of two") {
  XGRAD_GIVES(maximum(x, y), 2);
  XGRAD_GIVES(maximum(x, 3), 3);
  XGRAD_GIVES(maximum(3, x), 3);
  XGRAD_GIVES(maximum(x, u), 2);
  XGRAD_GIVES(maximum(u, x), 2);
  XGRAD_GIVES(minimum(a, x), 2);
  XGRAD_GIVES(minimum(x, u + u), 2);
  XGRAD_GIVES(xg::maximum(x, 0), 2);
  XGRAD_GIVES(where(x > 3, x, y), 2);
  XGRAD_GIVES(where(x > 1, x, 0), 2);
  XGRAD_GIVES(where(x > 1, 7, x), 7);
  XGRAD_GIVES(where(u > 0.F, x, y), 2);
  XGRAD_GIVES(where(x > 3, u, y), 2);
  XGRAD_GIVES(matmul(x, xt::xarray<float>(xt::ones<float>({3, 2}))), 6);
  XGRAD_GIVES(matmul(x, xg::Array<float>{1, 0, 0}), 4);
  XGRAD_GIVES(mse_loss(x, u), (1 + 0 + 1 + 4 + 9 + 16) / 6.0);
}

TEST_CASE_FIXTURE(Fixture, "functions of one") {
  XGRAD_GIVES(relu(x), 2);
  XGRAD_GIVES(abs(-x), 2);
  XGRAD_GIVES(exp(x), std::exp(2.0));
  XGRAD_GIVES(sum(x, 0), 7);
  XGRAD_GIVES(sum(x, {0}), 7);
  XGRAD_GIVES(mean(x, {0, 1}, {.keepdims = true}), 3.5);
  XGRAD_GIVES(transpose(x), 4);
  XGRAD_GIVES(reshape(x, {3, -1}), 2);
  XGRAD_GIVES(xg::relu(V(a, true)), 2);
  const xg::nn::Linear<float> fc(3, 2);
  XGRAD_GIVES(fc(x), fc(x).value().data()[1]);
  XGRAD_GIVES(fc(u), fc(V(u)).value().data()[1]);
  XGRAD_GIVES(fc(a), fc(V(a)).value().data()[1]);
}

namespace {
template <class A, class B>
concept Addable = requires(A a, B b) {
  a + b;
};
template <class A, class B>
concept LabelsFor = requires(A a, B b) {
  cross_entropy(a, b);
};
template <class A, class B>
concept HasPower = requires(A a, B b) {
  pow(a, b);
};
template <class A, class B>
concept Comparable = requires(A a, B b) {
  a == b;
};
}  // namespace

TEST_CASE_FIXTURE(Fixture, "xtensor's own functions take Arrays") {
  CHECK(xt::mean(a)() == 2);
  CHECK(xt::sum(a)() == 12);
  CHECK(xt::variance(a)() == 0);
  CHECK(xt::stddev(a)() == 0);
  CHECK(xt::average(a)() == 2);
  CHECK(xt::amax(a)() == 2);
  CHECK(xt::mean(xt::view(a, 0, xt::all()))() == 2);
  const xg::Labels guess{1, 2, 3, 4}, truth{1, 2, 0, 4};
  CHECK(xt::mean(xt::cast<double>(xt::equal(guess, truth)))() == 0.75);
  CHECK(xt::maximum(a, u)(0, 0) == 2);
  CHECK(xt::exp(a)(0, 0) == doctest::Approx(std::exp(2.0)));
}

TEST_CASE("what must not compile does not") {
  using Doubles = xt::xarray<double>;
  CHECK_FALSE(Addable<V, Doubles>);
  CHECK_FALSE(Addable<Doubles, V>);
  CHECK_FALSE(Addable<V, xg::Variable<double>>);
  CHECK_FALSE(Addable<V, xg::Labels>);
  CHECK(LabelsFor<V, xt::xarray<int>>);
  CHECK(HasPower<xg::Sym, int>);
  CHECK(HasPower<xg::Sym, double>);
  CHECK_FALSE(Comparable<V, V>);  // equal() compares values
  CHECK(Addable<V, double>);
  CHECK(Addable<Doubles, Doubles>);  // xtensor's own still work
  CHECK(Addable<xt::xarray<float>, float>);
}

TEST_CASE("a container of layers takes an Array, a constant") {
  namespace nn = xg::nn;
  const nn::Sequential net{nn::Flatten{}, nn::Residual{nn::Linear<double>(4, 4)}, nn::Concat{nn::ReLU{}, nn::Identity{}}};
  const xg::Array<double> x = xg::normal<double>({3, 2, 2, 1});
  CHECK(net(x).value() == net(xg::Variable<double>(x)).value());
  CHECK(net(x).shape() == xg::Shape{3, 8});
  CHECK(nn::Residual{nn::ReLU{}}(x).shape() == x.shape());
  CHECK(nn::Concat{nn::ReLU{}, nn::ReLU{}}(x).shape() == xg::Shape{3, 2, 2, 2});
}

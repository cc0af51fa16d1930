// Derivatives of functions, to any order.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>

#include <xgrad/xgrad.hpp>

#include "support.hpp"

namespace xg = xgrad;
using xg::Array;
using xg::Shape;
using V = xg::Variable<double>;

using namespace xgrad_test;

namespace {

Array<double> random(const Shape& shape, std::uint64_t seed, double low = -1, double high = 1) {
  Array<double> x(shape);
  xg::Generator(seed).fill_uniform(x, low, high);
  return x;
}
V leaf(const Shape& shape, std::uint64_t seed) { return V(random(shape, seed), true); }

double distance(const V& a, const V& b) {
  if (a.shape() != b.shape()) return INFINITY;
  double largest = 1, apart = 0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    apart = std::max(apart, std::abs(a.value().data()[k] - b.value().data()[k]));
    largest = std::max(largest, std::abs(b.value().data()[k]));
  }
  return apart / largest;
}

/// (3), (2, 4) to (2, 3): curved in both, and not symmetric in anything.
V curved(const V& a, const V& b) { return tanh(matmul(b, V(random({4, 3}, 99)))) * exp(a) + square(a); }

/// The Jacobian of f by central differences over four points, for input k.
template <class F>
Array<double> by_differences(const F& f, std::vector<V> x, std::size_t k) {
  const V y = f(x);
  Shape shape = y.shape();
  for (std::size_t n : x[k].shape()) shape.push_back(n);
  Array<double> result(shape);
  const std::size_t columns = x[k].size();
  const double h = 1e-3;
  for (std::size_t j = 0; j < columns; ++j) {
    const auto at = [&](double t) {
      std::vector<V> moved = x;
      Array<double> value = x[k].value();
      value.data()[j] += t;
      moved[k] = V(std::move(value), true);
      return f(moved).value();
    };
    const Array<double> a = at(-2 * h), b = at(-h), c = at(h), d = at(2 * h);
    for (std::size_t i = 0; i < y.size(); ++i)
      result.data()[i * columns + j] = (a.data()[i] - d.data()[i] + 8 * (c.data()[i] - b.data()[i])) / (12 * h);
  }
  return result;
}

}  // namespace

TEST_CASE("value_and_grad, of one and of several") {
  const V x(Array<double>{1, 2, 3});  // needs no gradient itself
  const auto [y, dy] = xg::value_and_grad([](const V& v) { return sum(v * v); }, x);
  CHECK(y.item() == 14);
  CHECK(dy.value() == Array<double>{2, 4, 6});
  CHECK_FALSE(y.requires_grad());
  CHECK_FALSE(dy.requires_grad());
  const auto [z, dz] = xg::value_and_grad([](auto a, auto b) { return sum(a * b); }, {x, x});  // the same one twice: independent
  CHECK(z.item() == 14);
  REQUIRE(dz.size() == 2);
  CHECK(dz[0].value() == x.value());
  CHECK(dz[1].value() == x.value());
  const std::vector<V> many(12, V(2.0));
  const auto product = [](const std::vector<V>& v) {
    V p = 1;
    for (const V& factor : v) p = p * factor;
    return p;
  };
  CHECK(xg::value_and_grad(product, many).derivative[11].item() == 2048);
}

TEST_CASE("vjp and jvp agree with the Jacobian, and that with differences") {
  const V a = leaf({3}, 1), b = leaf({2, 4}, 2), u(random({2, 3}, 3)), va(random({3}, 4)), vb(random({2, 4}, 5));
  const auto rows = xg::jacobian(curved, {a, b});
  REQUIRE(rows.size() == 2);
  const auto f = [](const std::vector<V>& x) { return curved(x[0], x[1]); };
  CHECK(distance(rows[0], by_differences(f, {a, b}, 0)) < 1e-10);
  CHECK(distance(rows[1], by_differences(f, {a, b}, 1)) < 1e-10);
  const auto flat = [](const V& x, std::ptrdiff_t m) { return reshape(x, {m, -1}); };
  const auto [y, left] = xg::vjp(curved, {a, b}, u);
  CHECK(distance(y, curved(a, b)) == 0);
  CHECK(distance(flat(left[0], 1), matmul(flat(u, 1), flat(rows[0], 6))) < 1e-14);
  CHECK(distance(flat(left[1], 1), matmul(flat(u, 1), flat(rows[1], 6))) < 1e-14);
  const auto [z, along] = xg::jvp(curved, {a, b}, {va, vb});
  CHECK(distance(z, y) == 0);
  CHECK(along.shape() == Shape{2, 3});
  CHECK(distance(reshape(along, {6, 1}), matmul(flat(rows[0], 6), flat(va, 3)) + matmul(flat(rows[1], 6), flat(vb, 8))) < 1e-14);
  CHECK_FALSE(a.has_grad());
}

TEST_CASE("a tall Jacobian is found by columns") {
  const V x = leaf({2}, 6);
  const auto f = [](const V& v) { return tanh(matmul(V(random({9, 2}, 7)), v)) * sum(v * v); };
  const V tall = xg::jacobian(f, x);
  CHECK(tall.shape() == Shape{9, 2});
  CHECK(distance(tall, by_differences([&](const std::vector<V>& v) { return f(v[0]); }, {x}, 0)) < 1e-10);
  CHECK(distance(tall, xg::jacobian(f, x, {.create_graph = true})) < 1e-14);  // those are rows
}

/// The Jacobian, a row at a time.
Array<double> by_rows(const std::function<V(const V&)>& f, const V& x) {
  const Shape shape = f(x).shape();
  const std::size_t rows = xg::size_of(shape);
  Array<double> result(Shape{rows, x.size()});
  for (std::size_t k = 0; k < rows; ++k) {
    Array<double> seed = xg::zeros<double>(shape);
    seed.data()[k] = 1;
    const V row = xg::vjp(f, x, V(seed)).derivative;
    std::copy_n(row.value().data(), row.size(), result.data() + k * x.size());
  }
  return result;
}
void check_rows(const std::function<V(const V&)>& f, const V& x) {
  const Array<double> expected = by_rows(f, x);
  const auto flat = [&](const V& whole) { return reshape(whole, Shape{expected.shape()[0], expected.shape()[1]}); };
  CHECK(distance(flat(xg::jacobian(f, x)), V(expected)) < 1e-14);
  CHECK(distance(flat(xg::jacobian(f, x, {.create_graph = true})), V(expected)) < 1e-14);
}

TEST_CASE("many rows of a Jacobian in one sweep are the rows one by one") {
  const V cube = leaf({2, 3, 4}, 30), w(random({3, 4}, 31)), few = leaf({2}, 32);
  const auto wide = [](const V& v) { return reshape(v, {2, 1}) * V(random({2, 12}, 33)); };  // of two inputs, so by columns
  for (const bool columns : {false, true}) {
    const V& x = columns ? few : cube;
    const auto check = [&](const std::function<V(const V&)>& f) {
      check_rows([&](const V& v) { return f(columns ? reshape(tanh(wide(v)), {2, 3, 4}) : square(v)); }, x);
    };
    check([](const V& v) { return slice(v, {{}, {2, {}, -2}, {1, 3}}); });
    check([](const V& v) { return select(flip(v, 1), 1, -1) + select(v, 1, 0); });
    check([](const V& v) { return pad(v, {{0, 1}, {2, 0}, {0, 0}}); });
    check([](const V& v) { return slice_update(v, std::vector{xg::Slice{1, 2}}, select(v, 0, 0)); });
    check([](const V& v) { return permute(v, {2, 0, 1}) * reshape(v, {4, 2, 3}); });
    check([](const V& v) { return broadcast_to(sum(v, 1, {.keepdims = true}), {3, 2, 2, 4}); });
    check([](const V& v) { return sum(v, {0, 2}) / mean(v); });
    check([](const V& v) { return mean(v, 1) * exp(sum(v)); });
    check([&](const V& v) { return v * w + where(v > 0, v, -w) + floor(v) * abs(select(v, 0, 0)); });
    check([&](const V& v) { return linear(v, w, select(w, 1, 0)); });
    check([&](const V& v) { return linear(w, select(v, 0, 0), select(select(v, 0, 1), 1, 2)); });
    for (const bool ta : {false, true})
      for (const bool tb : {false, true}) {
        const auto turned = [](const V& v, bool turn) { return turn ? permute(v, {0, 2, 1}) : v; };
        check([&](const V& v) {
          return matmul(turned(v, ta), turned(permute(exp(v), {0, 2, 1}), tb), {.transpose_a = ta, .transpose_b = tb});
        });
        check([&](const V& v) {  // batches of different ranks
          return matmul(ta ? transpose(select(v, 0, 1)) : select(v, 0, 1), turned(permute(v, {0, 2, 1}), tb),
                        {.transpose_a = ta, .transpose_b = tb});
        });
      }
    // operations that do one gradient at a time
    check([](const V& v) { return softmax(v) * layer_norm(v); });
    check([](const V& v) {
      return cumsum(v, 1) + reshape(conv2d(reshape(v, {1, 2, 3, 4}), V(random({1, 1, 1, 4}, 34))), {2, 3, 1});
    });
    check([](const V& v) { return xg::concat({select(v, 0, 0), select(v, 0, 1)}, 1); });
    check([](const V& v) { return xg::checkpoint([](const V& a) { return tanh(a); }, v); });
  }
}

TEST_CASE("a Jacobian of large arrays is found a row at a time") {
  const V x = leaf({3}, 35), large(random({3, 100'000}, 36));
  const auto f = [&](const V& v) { return sum(square(reshape(v, {3, 1}) * large), 1); };
  check_rows(f, x);
}

TEST_CASE("a Jacobian of many parts of one array, and of a product that is summed over a batch") {
  const V x = leaf({40}, 38), w = leaf({4, 3}, 39), right(random({3, 3, 1}, 40)), left(random({3, 1, 4}, 41));
  const auto parts = [](const V& v) {
    std::vector<V> all;
    for (int k = 0; k < 30; ++k) all.push_back(square(slice(v, {{k, k + 2}})) * static_cast<double>(k));
    return xg::concat(all, 0);
  };
  check_rows(parts, x);
  check_rows([&](const V& v) { return matmul(v, right) * sum(v); }, w);
  check_rows([&](const V& v) { return matmul(left, square(v)); }, w);
}

TEST_CASE("a Jacobian of gradients of slices that overlap, and of derivatives") {
  const V x = leaf({6}, 31);
  const auto f = [](const V& a) {  // the sum of the cubes of the sums of three neighbours
    V total = V(0.0);
    for (std::ptrdiff_t k = 0; k < 4; ++k) {
      const V s = sum(slice(a, 0, {k, k + 3}));
      total = total + s * s * s;
    }
    return total;
  };
  Array<double> expected = xg::zeros<double>({6, 6});
  for (std::size_t k = 0; k < 4; ++k) {
    const double s = x.value()(k) + x.value()(k + 1) + x.value()(k + 2);
    for (std::size_t i = k; i < k + 3; ++i)
      for (std::size_t j = k; j < k + 3; ++j) expected(i, j) += 6 * s;
  }
  CHECK(distance(xg::hessian(f, x), V(expected)) < 1e-14);
  const auto gradient = [&](const V& a) { return xg::value_and_grad(f, a, {.create_graph = true}).derivative; };
  CHECK(distance(xg::jacobian(gradient, x), V(expected)) < 1e-14);
}

TEST_CASE("hooks and observers see the gradients of a Jacobian one by one") {
  const V x = leaf({3}, 37);
  int calls = 0;
  const auto f = [&](const V& v) {
    V y = square(v);
    y.on_grad([&](const V& g) {
      ++calls;
      CHECK(g.shape() == Shape{3});
      return 2 * g;
    });
    return y * y;
  };
  check_rows(f, x);
  CHECK(calls == 9);  // three by vjp, three by jacobian, three with create_graph
  calls = 0;
  {
    const xg::Observe observe([&](const auto& event) {
      if (event.what != xg::Seen::input_gradient) return;
      ++calls;
      CHECK(event.value.shape() == Shape{3});
    });
    xg::jacobian([](const V& v) { return v * v; }, x);
  }
  CHECK(calls > 0);
}

TEST_CASE("inputs count as independent, whatever they were computed from") {
  const V x(3.0, true), y = x * x;
  const auto f = [](const V& a, const V& b) { return a * b; };
  for (const bool record : {false, true}) {
    const auto g = xg::value_and_grad(f, {x, y}, {.create_graph = record}).derivative;
    CHECK(g[0].item() == 9);
    CHECK(g[1].item() == 3);
    CHECK(g[0].requires_grad() == record);
  }
  const V dy = xg::value_and_grad(f, {x, y}, {.create_graph = true}).derivative[1];  // = x
  CHECK(grad(dy * y, {x})[0].item() == 27);                                          // and behind it the way to x goes on
}

TEST_CASE("derivatives are differentiable with create_graph") {
  const V x = leaf({3}, 8), w = leaf({3, 3}, 9), v(random({3}, 10));
  const auto f = [&](const V& a) { return tanh(matmul(w, a)) * a; };
  const auto s = [&](const V& a) { return sum(f(a)); };
  const auto check = [&](const auto& g, double rtol = 1e-7) {
    const auto report = xg::gradcheck(g, {x, w}, {.rtol = rtol});
    CHECK_MESSAGE(report.ok(), to_string(report));
  };
  check([&](const V& a, const V&) { return xg::jvp(f, a, v, {.create_graph = true}).derivative; });
  check([&](const V& a, const V&) { return xg::vjp(f, a, v, {.create_graph = true}).derivative; });
  check([&](const V& a, const V&) { return xg::hvp(s, a, v, {.create_graph = true}).derivative; });
  check([&](const V& a, const V&) { return xg::jacobian(f, a, {.create_graph = true}); });
  check([&](const V& a, const V&) { return xg::hessian(s, a, {.create_graph = true}); });
  check([&](const V& a, const V&) { return xg::value_and_grad(s, a, {.create_graph = true}).derivative; });
  const V g = sum(square(xg::jacobian(f, x, {.create_graph = true})));
  CHECK(xg::grad(g, {x, w}).size() == 2);
  CHECK(xg::gradcheck([&](const V& a) { return xg::jacobian(f, a, {.create_graph = true}); }, {x}, {.order = 2}).ok());
  const auto third =
      xg::gradcheck([&](const V& a) { return square(xg::jacobian(f, a, {.create_graph = true})); }, {x}, {.order = 3});
  CHECK_MESSAGE(third.ok(), to_string(third));
}

TEST_CASE("the Hessian of a small perceptron is the differences of its gradient") {
  const V x(random({5, 3}, 11));
  const xg::Labels labels{0, 1, 1, 0, 1};
  const std::vector<V> weights{leaf({4, 3}, 12), leaf({4}, 13), leaf({2, 4}, 14), leaf({2}, 15)};
  const auto loss = [&](const std::vector<V>& w) { return cross_entropy(linear(tanh(linear(x, w[0], w[1])), w[2], w[3]), labels); };
  const auto h = xg::hessian(loss, weights);
  for (std::size_t i = 0; i < weights.size(); ++i)
    for (std::size_t j = 0; j < weights.size(); ++j)
      CHECK(distance(h[i][j], by_differences([&](const std::vector<V>& w) { return grad(loss(w), w)[i]; }, weights, j)) < 1e-9);
  std::vector<V> v;
  for (std::size_t k = 0; k < weights.size(); ++k) v.emplace_back(random(weights[k].shape(), 20 + k));
  const auto [value, product] = xg::hvp(loss, weights, v);
  CHECK(value.item() == loss(weights).item());
  for (std::size_t i = 0; i < weights.size(); ++i) {
    V expected = V(xg::zeros<double>({weights[i].size(), 1}));
    for (std::size_t j = 0; j < weights.size(); ++j)
      expected += matmul(reshape(h[i][j], {static_cast<std::ptrdiff_t>(weights[i].size()), -1}), reshape(v[j], {-1, 1}));
    CHECK(distance(reshape(product[i], {-1, 1}), expected) < 1e-13);
  }
}

TEST_CASE("the Hessian of a small convolutional network is the differences of its gradient") {
  const V x(random({2, 6, 6, 1}, 31));
  const xg::Labels labels{1, 0};
  const std::vector<V> weights{leaf({2, 3, 3, 1}, 32), leaf({2}, 33), leaf({2, 8}, 34)};
  const auto loss = [&](const std::vector<V>& w) {
    return cross_entropy(linear(flatten(max_pool2d(tanh(conv2d(x, w[0], w[1])), 2)), w[2]), labels);
  };
  const auto h = xg::hessian(loss, weights);
  for (std::size_t i = 0; i < weights.size(); ++i)
    for (std::size_t j = 0; j < weights.size(); ++j)
      CHECK(distance(h[i][j], by_differences([&](const std::vector<V>& w) { return grad(loss(w), w)[i]; }, weights, j)) < 1e-9);
}

TEST_CASE("third derivatives") {
  const V x(random({4}, 41, 0.3, 0.9), true), y(random({4}, 42, 0.3, 0.9), true);
  const auto check = [](const char* name, const auto& f, const std::vector<V>& inputs) {
    const auto report = xg::gradcheck(f, inputs, {.order = 3});
    CHECK_MESSAGE(report.ok(), name, "\n", to_string(report));
  };
  // clang-format off
  check("mul", [](auto a, auto b) { return a * b; }, {x, y});
  check("div", [](auto a, auto b) { return a / b; }, {x, y});
  check("exp", [](auto a) { return exp(a); }, {x});
  check("log", [](auto a) { return log(a); }, {x});
  check("sqrt", [](auto a) { return sqrt(a); }, {x});
  check("square", [](auto a) { return square(a); }, {x});
  check("tanh", [](auto a) { return tanh(a); }, {x});
  check("sigmoid", [](auto a) { return sigmoid(a); }, {x});
  check("relu", [](auto a) { return relu(a) * a * a; }, {x});
  check("maximum", [](auto a, auto b) { return maximum(a, b * b) * a * b; }, {x, y});
  // clang-format on
  const V images = leaf({1, 4, 4, 2}, 43), w = leaf({2, 3, 3, 2}, 44);
  check("conv2d", [](auto a, auto b) { return conv2d(a, b, {.stride = 1, .padding = 1}); }, {images, w});
  check("conv2d of tanh", [](auto a, auto b) { return conv2d(tanh(a), exp(b), {.stride = 2, .padding = 1}); }, {images, w});
}

TEST_CASE("a function that does not depend on an input has a derivative of zeros") {
  const V x(Array<double>{1, 2}), y(Array<double>{3, 4});
  const auto first = [](const V& a, const V&) { return sum(a); };
  CHECK(xg::value_and_grad(first, {x, y}).derivative[1].value() == Array<double>{0, 0});
  const auto constant = [](const V&) { return V(1.0); };
  CHECK(xg::value_and_grad(constant, x).derivative.value() == Array<double>{0, 0});
  CHECK(xg::hessian([](const V& a) { return sum(a); }, x).value() == Array<double>{{0, 0}, {0, 0}});
  CHECK(xg::jvp(constant, x, y).derivative.item() == 0);
  CHECK(xg::jacobian([](const V& a) { return a; }, x).value() == Array<double>{{1, 0}, {0, 1}});
  CHECK(xg::jacobian([](const V& a) { return a; }, V(xg::zeros<double>({0}))).shape() == Shape{0, 0});
}

TEST_CASE("inside NoGrad, too, and in float") {
  const xg::NoGrad no_grad;
  const V x(Array<double>{1, 2}, true);
  const auto [y, dy] = xg::value_and_grad([](const V& a) { return sum(a * a); }, x, {.create_graph = true});
  CHECK(dy.value() == Array<double>{2, 4});
  CHECK_FALSE(dy.requires_grad());
  CHECK_FALSE(xg::recording());
  const xg::Variable<float> z(Array<float>{1, 2});
  CHECK(xg::hessian([](const auto& a) { return sum(a * a * a); }, z).value() == Array<float>{{6, 0}, {0, 12}});
}

// These tests name their own lines.
// clang-format off
TEST_CASE("misuse is an error with the user's line") {
  const V x(Array<double>{1, 2});
  const auto square_of = [](const V& a) { return a * a; };
  const auto here = [](unsigned line) { return "derivatives.cpp:" + std::to_string(line) + ": "; };
  CHECK(error_of([&] { xg::value_and_grad(square_of, x); }) == here(__LINE__) + "value_and_grad: the function's result has shape (2,); it must have one element");
  CHECK(error_of([&] { xg::hessian(square_of, x); }) == here(__LINE__) + "hessian: the function's result has shape (2,); it must have one element");
  CHECK(error_of([&] { xg::hvp(square_of, x, x); }) == here(__LINE__) + "hvp: the function's result has shape (2,); it must have one element");
  CHECK(error_of([&] { xg::vjp(square_of, x, V(1.0)); }) == here(__LINE__) + "vjp: v has shape (), the function's result (2,); they must be equal");
  CHECK(error_of([&] { xg::jvp(square_of, x, V(1.0)); }) == here(__LINE__) + "jvp: v[0] has shape (), x[0] (2,); they must be equal");
  CHECK(error_of([&] { xg::jvp(square_of, {x}, {x, x}); }) == here(__LINE__) + "jvp: there are 1 inputs and 2 vectors; there must be one per input");
  CHECK(error_of([&] { xg::jacobian(square_of, V()); }) == here(__LINE__) + "jacobian: x[0] is an undefined Variable; it must have a value before it is used");
  CHECK(error_of([&] { xg::jacobian([](const V&) { return V(); }, x); }) == here(__LINE__) + "jacobian: the function returned an undefined Variable; it must have a value");
  CHECK(error_of([&] { xg::jacobian(square_of, {x, x}); }) == here(__LINE__) + "jacobian: 2 inputs are given; the function must take as many");
  CHECK(error_of([&] { xg::jacobian(square_of, std::vector<V>()); }) == here(__LINE__) + "jacobian: there are no inputs to differentiate for; there must be at least one");
  CHECK(has(error_of([&] { xg::jacobian([](const V& a) { return a + V(Array<double>{1, 2, 3}); }, x); }), here(__LINE__) + "add: a is (2,), b is (3,)"));
}
// clang-format on

// The gradient of a part of an array: it is added to the part, and comes to what zeros with the part in them would.
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include <xgrad/xgrad.hpp>

#include "support.hpp"

namespace xg = xgrad;
using xg::Array;
using xg::Labels;
using xg::Shape;
template <class T>
using Var = xg::Variable<T>;
using V = Var<double>;

using namespace xgrad_test;

namespace {

template <class T>
Var<T> noise(const Shape& shape, std::uint64_t seed, bool requires_grad = false) {
  Array<T> x(shape);
  xg::Generator(seed).fill_uniform(x, -2, 2);
  return Var<T>(std::move(x), requires_grad);
}

/// xtensor cannot tell {{1}, {0}} from a copy.
Labels column(std::initializer_list<std::int64_t> values) {
  Labels result(Shape{values.size(), 1});
  std::copy(values.begin(), values.end(), result.data());
  return result;
}

template <class T>
using Reader = std::function<Var<T>(const Var<T>&)>;

/// Whatever reads a part of x (8, 6).
template <class T>
std::vector<Reader<T>> readers() {
  return {[](const Var<T>& x) {
            return slice(x, {{1, 3}, {0, 5}});
          },
          [](const Var<T>& x) {
            return slice(x, {{6, {}, -2}});
          },
          [](const Var<T>& x) {
            return slice(x, {{3, 3}});
          },
          [](const Var<T>& x) { return select(x, 1, 2); },
          [](const Var<T>& x) { return split(x, 3, 1)[1]; },
          [](const Var<T>& x) { return flip(x, 1); },
          [](const Var<T>& x) { return diagonal(x, -1); },
          [](const Var<T>& x) { return diag(x, 2); },
          [](const Var<T>& x) {
            return index_select(x, 0, {2, -1, 2, 2});
          },  // more than a quarter
          [](const Var<T>& x) {
            return index_select(x, 0, {2, -1});
          },
          [](const Var<T>& x) {
            return embedding({5, 5}, x);
          },
          [](const Var<T>& x) {
            return gather(x, 1, Labels{{1, 1, 0}, {3, 3, -1}});
          },
          [](const Var<T>& x) {
            return take_along_axis(x, column({4, 4, 0, 1, 2, -6, 3, 3}), 1);
          },
          [](const Var<T>& x) { return masked_select(x, x > 1.5); },
          [](const Var<T>& x) { return topk(x, 1, 1).values; },
          [](const Var<T>& x) {
            return slice(select(x, 0, 4), {{2, 5}});
          },
          [](const Var<T>& x) {
            return slice_update(x, {{1, 2}}, xg::Variable<T>(3));
          },
          [](const Var<T>& x) { return x * T(0.5); }};
}

/// Of all parts, each once or twice, in an order of their own.
template <class T>
Var<T> of_parts(const Var<T>& x) {
  const auto parts = readers<T>();
  Var<T> total = 0;
  for (std::size_t k = 0; k < 2 * parts.size(); ++k) {
    const Var<T> part = parts[k * 7 % parts.size()](x);
    total = total + sum(part * noise<T>(part.shape(), 10 + k) + square(part));
  }
  return total;
}

/// Where somebody looks, each gradient is one by itself.
template <class F>
auto separately(F f) {
  const xg::Observe observe([](const auto&) {});
  return f();
}

}  // namespace

TEST_CASE_TEMPLATE("parts: gradients are bit for bit those that are made separately", T, float, double) {
  const auto x = noise<T>({8, 6}, 1, true);
  const auto together = [&] { return grad(of_parts(x), {x})[0].value(); };
  CHECK(together() == separately(together));
  const auto through_result = [&] {
    const Var<T> h = x * T(3);
    return grad(of_parts(h), {h, x});
  };
  const auto direct = through_result(), apart = separately(through_result);
  CHECK(direct[0].value() == apart[0].value());
  CHECK(direct[1].value() == apart[1].value());
  const auto recorded = [&] { return grad(of_parts(x), {x}, {.create_graph = true})[0].value(); };
  CHECK(recorded() == together());
  // a leaf that has a gradient
  backward(of_parts(x));
  CHECK(x.grad() == together());
  backward(of_parts(x), {.retain_graph = true});
  CHECK(x.grad() == Array<T>(together() * T(2)));
}

TEST_CASE_TEMPLATE("parts: rows that come more than once, with any number of threads", T, float, double) {
  const int before = xg::num_threads();
  const auto table = noise<T>({4000, 24}, 1, true);
  Labels index(Shape{900});
  xg::Generator generator(2);
  for (std::size_t k = 0; k < index.size(); ++k)
    index(k) = static_cast<std::int64_t>(k % 3 == 0 ? 7 : static_cast<std::size_t>(generator.uniform(0, 4000)));
  const auto r = noise<T>({900, 24}, 3);
  const auto gradient_of = [&] {
    const auto once = sum(slice(table, {{5, 400}})), twice = sum(embedding(index, table) * r);
    return grad(once + twice, {table})[0].value();
  };
  xg::set_num_threads(1);
  const Array<T> one = gradient_of();
  CHECK(one == separately(gradient_of));
  xg::set_num_threads(3);
  CHECK(gradient_of() == one);
  xg::set_num_threads(before);
}

TEST_CASE("parts: to the third order") {
  const auto x = noise<double>({6, 4}, 5, true);
  const auto f = [](const V& v) {
    const V a = slice(v, {{0, 2}, {1, 3}}), b = index_select(v, 0, {1}), c = diagonal(v), d = gather(v, 1, column({2, 2}));
    const V e = slice_update(v, {{}, {1, 2}}, sum(a));
    return xg::concat(
        {reshape(a * a * a, {-1}), reshape(b * b * b, {-1}), c * c * c, reshape(exp(d), {-1}), reshape(e * e * e, {-1})});
  };
  const auto report = xg::gradcheck(f, {x}, {.order = 3});
  CHECK_MESSAGE(report.ok(), to_string(report));
}

TEST_CASE("parts: nobody else's numbers are written to") {
  V x = leaf({1, 2, 3, 4, 5, 6});
  // the gradient of h, which is that of a sum, is seen by others before parts are added to it
  V h = x * 2;
  V a = h + 0;
  Array<double> seen;
  V kept;
  a.on_grad([&](const V& g) {
    kept = g;
    seen = g.value();
  });
  const V seed(Array<double>{1, 1, 1, 1, 1, 1});
  const V part = sum(slice(h, {{0, 2}}) * V(Array<double>{10, 20}));
  backward(a + part, seed);
  CHECK(is(x.grad(), {122, 242, 2, 2, 2, 2}));
  CHECK(kept.value() == seen);
  CHECK(is(seed.value(), {1, 1, 1, 1, 1, 1}));
  // a gradient that has been handed out
  x.zero_grad();
  backward(sum(slice(x, {{1, 3}}) * 2 + slice(x, {{2, 4}})));
  const Array<double>& first = x.grad();
  const V copy = x.node()->gradient;
  CHECK(is(first, {0, 2, 3, 1, 0, 0}));
  backward(sum(slice(x, {{1, 2}})) + sum(slice(x, {{1, 3}})));
  CHECK(is(copy.value(), {0, 2, 3, 1, 0, 0}));
  CHECK(is(x.grad(), {0, 4, 4, 1, 0, 0}));
}

TEST_CASE("parts: hooks, observers and retained graphs see what they saw") {
  V x = leaf({1, 2, 3, 4});
  const V h = x * 3;
  std::vector<Array<double>> hooked;
  h.on_grad([&](const V& g) {
    hooked.push_back(g.value());
    return g * 2;
  });
  x.on_grad([&](const V& g) { hooked.push_back(g.value()); });
  const V y = sum(slice(h, {{0, 2}})) + sum(slice(h, {{1, 3}})) + sum(slice(x, {{3, 4}}));
  for (int run = 0; run < 2; ++run) {
    hooked.clear();
    x.zero_grad();
    backward(y, {.retain_graph = true});
    REQUIRE(hooked.size() == 2);
    CHECK(is(hooked[0], {1, 2, 1, 0}));
    CHECK(is(hooked[1], {6, 12, 6, 1}));
    CHECK(is(x.grad(), {6, 12, 6, 1}));
  }
  std::vector<Array<double>> seen;
  {
    const xg::Observe observe([&](const auto& event) {
      if constexpr (std::is_same_v<std::remove_cvref_t<decltype(event)>, xg::Event<double>>)
        if (event.what == xg::Seen::input_gradient && event.op == "slice") seen.push_back(event.value.value());
    });
    grad(y, {x});
  }
  REQUIRE(seen.size() == 3);
  for (const auto& part : seen) CHECK(part.shape() == Shape{4});
  const xg::DetectAnomaly detect;
  CHECK(has(error_of([&] {
              grad(sum(sqrt(slice(x, {{0, 1}}) * 0)) + sum(slice(x, {{0, 2}})), {x});
            }),
            "in the gradient of input 0"));
}

namespace {

/// Reads the first half.
struct Half {
  static constexpr std::string_view name = "half";
  static constexpr std::array uses{xg::use::none};
  enum class Way { right, shape, undefined, throws } way;
  xg::Result<double> forward(xg::Inputs<double> in) {
    Array<double> out(Shape{in[0].size() / 2});
    std::copy_n(in[0].data(), out.size(), out.data());
    return out;
  }
  V vjp(const xg::Context<double>&, const V& g, std::size_t) const { return xg::concat({g, g * 0}); }
  V add_vjp(const xg::Context<double>& c, const V& g, std::size_t i, V sum) const {
    if (way == Way::throws) throw xg::ValueError("not today");
    if (way == Way::shape) return g;
    if (way == Way::undefined) return {};
    return std::move(sum) + vjp(c, g, i);
  }
};

}  // namespace

TEST_CASE("parts: an operation of the user's, and its mistakes") {
  const V x = leaf({1, 2, 3, 4}), w = leaf({5, 6, 7, 8});
  const auto half = [](const V& v, Half::Way way) { return apply(Half{way}, {V(v)}, xg::Where::current()); };
  const auto twice = [&](Half::Way way) {
    const V h = x * w;
    return sum(half(h, way)) + sum(half(h, way)) + sum(half(x, way)) + sum(half(x, way));
  };
  backward(twice(Half::Way::right));
  CHECK(is(x.grad(), {12, 14, 0, 0}));
  CHECK(is(w.grad(), {2, 4, 0, 0}));
  for (const Half::Way way : {Half::Way::throws, Half::Way::shape, Half::Way::undefined}) {
    const V y = twice(way);
    const std::string text = error_of([&] { backward(y, {.retain_graph = true}); });
    CHECK(has(text, way == Half::Way::throws  ? "not today"
                    : way == Half::Way::shape ? "half: vjp for input 0 returned shape (2,); it must be shape (4,)"
                                              : "half: vjp for input 0 returned an undefined Variable; it must be shape (4,)"));
    CHECK(is(x.grad(), {12, 14, 0, 0}));  // all leaves or none
    CHECK(is(w.grad(), {2, 4, 0, 0}));
    CHECK(is(grad(sum(half(x, Half::Way::right)), {x})[0].value(), {1, 1, 0, 0}));  // and no node is left claimed
    backward(sum(x * w) - sum(x * w));
  }
}

TEST_CASE("parts: many of them, from one array") {
  const V x = leaf({1, 2, 3, 4});
  V y = 0;
  for (std::ptrdiff_t k = 0; k < 30000; ++k) y = y + select(x, 0, k % 4);
  CHECK(is(grad(y, {x})[0].value(), {7500, 7500, 7500, 7500}));
  V z = 0;
  for (std::ptrdiff_t k = 0; k < 30000; ++k) z = z + square(select(x, 0, k % 4));
  const V g = grad(z, {x}, {.create_graph = true})[0];
  CHECK(is(g.value(), {15000, 30000, 45000, 60000}));
  CHECK(is(grad(sum(g), {x})[0].value(), {15000, 15000, 15000, 15000}));
}

TEST_CASE("parts: their gradients take no memory of their own") {
  const std::size_t n = 1'000'000, bytes = n * sizeof(float);
  Var<float> x(xg::zeros<float>({n}), true);
  for (int run = 0; run < 2; ++run) {
    Var<float> y = 0.F;
    for (std::ptrdiff_t k = 0; k < 20; ++k) y = y + sum(slice(x, 0, {100 * k, 100 * k + 150}));
    y = y + sum(embedding({5, 6, 5}, reshape(x, {-1, 10})));
    x.zero_grad();
    const std::size_t before = xg::memory::stats().in_use;
    xg::memory::reset_peak();
    backward(y);
    CHECK(xg::memory::stats().peak - before < bytes + bytes / 2);
  }
  CHECK(x.grad()(120) == 2);
  CHECK(x.grad()(55) == 3);
}

namespace {

/// Leaves nothing alone.
struct Shrinking {
  double lr = 0.5;
  template <class X>
  struct State {};
  template <class X>
  X step(X w, X g, State<X>&, const xg::optim::Now<X>& now) const {
    return w * 0.5 - now.lr * g;
  }
};

template <class Rule>
Array<float> after_a_step(const Var<float>& initial, const Labels& rows, Rule rule) {
  const Var<float> table(Array<float>(initial.value()), true);
  xg::optim::Optimizer opt(std::vector{table}, rule);
  backward(sum(embedding(rows, table)));
  opt.step();
  return table.value();
}

}  // namespace

TEST_CASE("parts: a step of SGD changes the rows that were looked up, and leaves others as they are") {
  const std::size_t rows = 150'000, width = 8;
  Var<float> initial = noise<float>({rows, width}, 1);
  initial.update([](Array<float>& w) {
    w(3, 1) = static_cast<float>(na);
    w(4, 1) = static_cast<float>(inf);
  });
  const Labels index{5, 77'777, 5, 149'999, 3};
  const auto expected = [&](float keep, float rate) {
    Array<float> w = initial.value();
    for (float& x : w) x *= keep;
    for (const std::int64_t row : index)
      for (std::size_t k = 0; k < width; ++k) w(static_cast<std::size_t>(row), k) -= rate;
    return w;
  };
  const auto same = [](const Array<float>& a, const Array<float>& b) {
    for (std::size_t k = 0; k < a.size(); ++k)
      if (!(std::abs(a.data()[k] - b.data()[k]) < 1e-6F || (!std::isfinite(a.data()[k]) && !std::isfinite(b.data()[k]))))
        return false;
    return true;
  };
  CHECK(same(after_a_step(initial, index, xg::optim::SGD{.lr = 0.25}), expected(1, 0.25F)));
  CHECK(same(after_a_step(initial, index, xg::optim::SGD{.lr = 0.5, .momentum = 0.9}), expected(1, 0.5F)));
  CHECK(same(after_a_step(initial, index, xg::optim::SGD{.lr = 0.5, .weight_decay = 0.5}), expected(0.75F, 0.5F)));
  CHECK(same(after_a_step(initial, index, Shrinking{}), expected(0.5F, 0.5F)));
}

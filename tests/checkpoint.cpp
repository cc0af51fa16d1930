// Recomputing instead of keeping.
#include <doctest/doctest.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <xgrad/xgrad.hpp>

#include "support.hpp"

namespace xg = xgrad;
using xg::Array;
using xg::Shape;
using V = xg::Variable<double>;

using namespace xgrad_test;

namespace {

Array<double> random(const Shape& shape, std::uint64_t seed) {
  Array<double> x(shape);
  xg::Generator(seed).fill_uniform(x, -1, 1);
  return x;
}

/// Drops half of x, by the default generator.
V drop(const V& x) {
  Array<double> mask(x.shape());
  xg::default_generator().fill_uniform(mask, 0, 1);
  std::transform(mask.data(), mask.data() + mask.size(), mask.data(), [](double u) { return u < 0.5 ? 0.0 : 2.0; });
  return x * mask;
}

struct Layer {
  V w = V(random({4, 4}, 3), true), b = V(random({4}, 4), true);
  V operator()(const V& x) const { return drop(tanh(linear(x, w, b))); }
};

}  // namespace

TEST_CASE("values and gradients are the same to the bit, with dropout and captured parameters") {
  const V x(random({3, 4}, 1), true), y(random({3, 4}, 2), true);
  const Layer layer;
  const V scale(1.5, true);
  const auto run = [&](bool keep) {
    const V earlier = scale * scale;  // captured, with a history
    const auto segment = [&](const V& a, const V& b) { return layer(layer(a * earlier) + b) * a; };
    xg::seed(5);
    V h = drop(keep ? segment(x, y) : xg::checkpoint(segment, {x, y}));
    h = keep ? segment(h, x) : xg::checkpoint(segment, {h, x});
    const V loss = sum(drop(h));
    const double after = xg::default_generator().uniform();
    auto g = grad(loss, {x, y, layer.w, layer.b, scale, earlier}, {.retain_graph = true});
    CHECK(xg::default_generator().next() != 0);
    for (V leaf : {x, y, layer.w, layer.b, scale}) leaf.zero_grad();
    backward(loss);
    for (const V& leaf : {x, y, layer.w, layer.b, scale}) g.emplace_back(leaf.grad());
    g.push_back(loss);
    g.emplace_back(after);
    return g;
  };
  const auto kept = run(true), again = run(false);
  REQUIRE(kept.size() == again.size());
  for (std::size_t k = 0; k < kept.size(); ++k) {
    CAPTURE(k);
    CHECK(kept[k].value() == again[k].value());
  }
}

TEST_CASE("the backward does not disturb the default generator") {
  const V x(random({3, 4}, 1), true);
  xg::seed(1);
  const V y = sum(xg::checkpoint(drop, x));
  const std::uint64_t expected = xg::Generator(xg::default_generator()).next();
  backward(y);
  CHECK(xg::default_generator().next() == expected);
}

TEST_CASE("higher orders go through a checkpoint") {
  const V x(random({3}, 6), true), w(random({3, 3}, 7), true);
  const auto segment = [&](const V& a) { return tanh(matmul(w, a)) * a; };
  const auto checked = [&](const V& a, const V&) { return xg::checkpoint(segment, xg::checkpoint(segment, a)); };
  const auto report = xg::gradcheck(checked, {x, w}, {.order = 3});
  CHECK_MESSAGE(report.ok(), to_string(report));
  // the same Variable twice, captured and given: each use counts once
  const auto twice = [&](const V& a) { return xg::checkpoint([a](const V& b, const V& c) { return b * c * a; }, {a, a}); };
  const auto cube = xg::gradcheck(twice, {x}, {.order = 3});
  CHECK_MESSAGE(cube.ok(), to_string(cube));
  const V third(3.0, true), square_of = third * third;  // one input computed from the other
  const auto product = [](const V& a, const V& b) { return a * b; };
  V g = grad(xg::checkpoint(product, {third, square_of}), {third}, {.create_graph = true})[0];
  CHECK(g.item() == 27);
  CHECK(grad(g, {third})[0].item() == 18);
}

TEST_CASE("only what needs a gradient gets one, and no graph without") {
  const V x(random({3, 4}, 1)), w(random({4, 4}, 2), true);
  const V y = xg::checkpoint([](const V& a, const V& b) { return matmul(a, b); }, {x, w});
  backward(sum(y));
  CHECK(w.has_grad());
  CHECK_FALSE(xg::checkpoint([](const V& a) { return a * a; }, x).requires_grad());
  const xg::NoGrad no_grad;
  CHECK_FALSE(xg::checkpoint([](const V& a) { return a * a; }, w).requires_grad());
}

TEST_CASE("an input that the result does not depend on has gradient 0") {
  const V x(random({3}, 1), true), unused(random({2}, 2), true);
  const V y = xg::checkpoint([](const V& a, const V&) { return sin(a); }, {x, unused});
  const auto g = grad(sum(y), {x, unused});
  CHECK(is(g[1].value(), {0, 0}));
  CHECK(g[0].value() == gradient(sin(x), x));
}

TEST_CASE("the peak memory of 64 layers in segments of 8 is that of 16") {
  constexpr std::size_t size = 64 * 1024;
  const auto layers = [](V x, int n) {
    for (int k = 0; k < n; ++k) x = tanh(std::move(x));
    return x;
  };
  const auto peak_of = [&](const auto& f) {
    const V x(xg::full<double>({size}, 0.5), true);
    const std::size_t before = xg::memory::stats().in_use;
    xg::memory::reset_peak();
    backward(sum(f(x)));
    return static_cast<double>(xg::memory::stats().peak - before) / (size * sizeof(double));
  };
  const double kept = peak_of([&](const V& x) { return layers(x, 64); });
  const double recomputed = peak_of([&](V x) {
    for (int s = 0; s < 8; ++s) x = xg::checkpoint([&](const V& h) { return layers(h, 8); }, x);
    return x;
  });
  MESSAGE("activations at the peak: ", kept, " kept, ", recomputed, " recomputed");
  CHECK(kept > 63);
  CHECK(recomputed < 22);  // 8 segments' results, 8 activations of one, gradients
}

// These tests name their own lines.
// clang-format off
TEST_CASE("what cannot be run again is an error, not a wrong gradient") {
  const V x(Array<double>{0, 1}, true), w(2.0, true), data(Array<double>{1, 2});
  const auto here = [](unsigned line) { return "checkpoint.cpp:" + std::to_string(line) + ": "; };
  const auto text_of = [](const V& y) { return error_of([&] { backward(sum(y)); }); };
  xg::Generator own(3);
  const std::string other = text_of(xg::checkpoint([&](const V& a) { return a * own.uniform(); }, x));
  CHECK(has(other, "checkpoint: the function returned other values when it was run again; it must depend on its inputs, on values that stay as they are, and on the default generator alone"));
  CHECK(has(other, here(__LINE__ - 2)));
  std::size_t calls = 0;
  CHECK(has(text_of(xg::checkpoint([&](const V& a) { return calls++ ? sum(a) : a; }, x)), "the function returned shape () when it was run again, not shape (2,)"));
  V y = xg::checkpoint([&](const V& a) { return a * w; }, x);
  V(w).assign(xg::full<double>({}, 3.0));
  const std::string assigned = text_of(y);
  CHECK(has(assigned, "a value that the function of checkpoint (" + here(__LINE__ - 3).substr(0, here(__LINE__ - 3).size() - 2) + ")"));
  CHECK(has(assigned, "captured was assigned since; forward must run again"));
  const auto at_zero = [&](const V& a) { return a * data; };  // 0 * 5 is 0, too
  const V zero(Array<double>{0, 0}, true);
  y = xg::checkpoint(at_zero, zero);
  V(data).assign(Array<double>{5, 6});
  CHECK(has(text_of(y), "captured was assigned since; forward must run again"));
  y = xg::checkpoint([&](const V& a) { return a * a; }, x);
  V(x).assign(Array<double>{5, 6});
  CHECK(has(text_of(y), "input 0 kept by checkpoint"));
  y = xg::checkpoint([&](const V& a) { return a * a; }, x);
  backward(sum(y));
  CHECK(has(text_of(y), "checkpoint recorded at " + here(__LINE__ - 2).substr(0, here(__LINE__ - 2).size() - 2) + " was freed by an earlier backward"));
  CHECK(error_of([&] { xg::checkpoint([](const V& a) { return a; }, V()); }) == here(__LINE__) + "checkpoint: input 0 is an undefined Variable; it must have a value before it is used");
  CHECK(error_of([&] { xg::checkpoint([](const V&) { return V(); }, x); }) == here(__LINE__) + "checkpoint: the function returned an undefined Variable; it must have a value");
  CHECK(error_of([&] { xg::checkpoint([](const std::vector<V>& a) { return a[0]; }, std::vector<V>(31, x)); }) == here(__LINE__) + "checkpoint: there are 31 inputs; there must be at most 30");
  CHECK(has(error_of([&] { xg::checkpoint([](const V& a) { return a + V(Array<double>{1, 2, 3}); }, x); }), here(__LINE__) + "add: a is (2,), b is (3,)"));
}
// clang-format on

namespace {

using Net = std::pair<xg::nn::Linear<double>, xg::nn::BatchNorm<double>>;

/// A layer with a buffer of its own, which it reads and then writes.
struct Normed {
  V w = V(random({4, 4}, 3), true), largest = V(1.0), sum_of = V(xg::zeros<double>({4}));
  V operator()(const V& x) const {
    const V y = matmul(x, w) / largest.value()();
    V(largest).update([&](Array<double>& a) { a() = 2 * a() + 1; });
    V(sum_of).update([&](Array<double>& a) { a += xt::sum(x.value(), {0}); });
    V(sum_of).assign(Array<double>(sum_of.value() * 0.5));
    return y * sum_of;  // a value that was written here is read here
  }
};

}  // namespace

TEST_CASE("what a layer writes is written once") {
  const V x(random({6, 4}, 1), true);
  const auto run = [&](bool keep, int depth) {
    xg::seed(3);
    const Net net{{4, 4}, xg::nn::BatchNorm<double>(4)};
    const auto inner = [&](const V& h) { return tanh(net.second(net.first(h))); };
    const auto outer = [&](const V& h) { return depth == 1 ? inner(h) : xg::checkpoint(inner, inner(h)); };
    V loss = sum(keep ? depth == 1 ? inner(x) : inner(inner(x)) : xg::checkpoint(outer, x));
    const Array<double> after = net.second.running_mean.value();
    const V g = grad(loss, {x}, {.create_graph = true})[0];
    CHECK(net.second.running_mean.value() == after);
    backward(sum(g * g));  // and once more
    CHECK(net.second.running_mean.value() == after);
    std::vector<Array<double>> all{g.value(), net.second.running_mean.value(), net.second.running_var.value()};
    for (const auto& p : xg::nn::parameters(net))
      if (p.has_grad()) all.push_back(p.grad());
    return all;
  };
  for (const int depth : {1, 2}) {
    CAPTURE(depth);
    const auto kept = run(true, depth), again = run(false, depth);
    REQUIRE(kept.size() == again.size());
    for (std::size_t k = 0; k < kept.size(); ++k) CHECK(kept[k] == again[k]);
  }
}

TEST_CASE("a user's buffers are what they were when the function runs again, and what they are afterwards") {
  const V x(random({6, 4}, 1), true);
  const auto run = [&](bool keep) {
    const Normed layer;
    const auto outer = [&](const V& h) { return xg::checkpoint(layer, h) * h; };
    const V y = keep ? layer(x) * x : xg::checkpoint(outer, x);
    const auto before = layer.largest.value()();
    CHECK(before == 3);
    std::vector<Array<double>> all{grad(sum(y), {x}, {.retain_graph = true})[0].value()};
    all.push_back(grad(sum(y), {layer.w})[0].value());
    CHECK(layer.largest.value()() == before);
    all.push_back(layer.sum_of.value());
    return all;
  };
  const auto kept = run(true), again = run(false);
  for (std::size_t k = 0; k < kept.size(); ++k) CHECK(kept[k] == again[k]);

  // written in between by another call, which a graph without checkpoint would not have minded
  const V scale(1.0);
  const auto f = [&](const V& h) {
    const V y = h * scale.value()();
    V(scale).update([](Array<double>& a) { a() += 1; });
    return y;
  };
  const V once = xg::checkpoint(f, x), twice = xg::checkpoint(f, x);
  CHECK(gradient(twice, x)(0, 0) == 2);
  CHECK(gradient(once, x)(0, 0) == 1);
  CHECK(scale.item() == 3);

  // without recording there is one run anyway
  const xg::NoGrad no_grad;
  xg::checkpoint(f, x);
  CHECK(scale.item() == 4);
}

TEST_CASE("a float buffer of a double function") {
  const V x(random({4}, 1), true);
  const xg::Variable<float> count(0.0F);
  const V y = xg::checkpoint(
      [&](const V& h) {
        xg::Variable<float>(count).update([](Array<float>& a) { a() += 1; });
        return exp(h);
      },
      x);
  backward(sum(y));
  CHECK(count.item() == 1);
}

TEST_CASE("what the function made and wrote for itself is no business of anybody's") {
  const V x(random({4}, 1), true);
  const auto f = [](const V& h) {
    V mine(xg::ones<double>({4}));
    mine.update([](Array<double>& a) { a *= 3; });
    return h * mine * h;
  };
  const auto nested = [&](const V& h) { return xg::checkpoint(f, h) * f(h); };
  const std::size_t before = xg::memory::stats().in_use;
  {
    const V y = xg::checkpoint(nested, x);
    CHECK(gradient(y, x) == gradient(f(x) * f(x), x));
  }
  CHECK(xg::memory::stats().in_use == before);
}

TEST_CASE("an exception in the second run leaves what was written in the first") {
  const V x(random({6, 4}, 1), true);
  const xg::nn::BatchNorm<double> norm(4);
  const V buffer(0.0);
  bool fail = false;
  const V y = xg::checkpoint(
      [&](const V& h) {
        V(buffer).update([](Array<double>& a) { a() += 1; });
        const V z = norm(drop(h));
        if (fail) throw std::runtime_error("enough");
        return z;
      },
      x);
  const Array<double> mean = norm.running_mean.value();
  const auto generator = xg::default_generator();
  fail = true;
  CHECK_THROWS_AS(backward(sum(y), {.retain_graph = true}), std::runtime_error);
  CHECK(buffer.item() == 1);
  CHECK(norm.running_mean.value() == mean);
  CHECK(xg::Generator(xg::default_generator()).next() == xg::Generator(generator).next());
  CHECK_FALSE(xg::recomputing());
  CHECK_FALSE(x.has_grad());
  fail = false;
  backward(sum(y));
  CHECK(buffer.item() == 1);
  CHECK(norm.running_mean.value() == mean);
  // and in the first: there it is as without checkpoint
  fail = true;
  CHECK_THROWS_AS(xg::checkpoint(
                      [&](const V& h) {
                        V(buffer).update([](Array<double>& a) { a() += 1; });
                        if (fail) throw std::runtime_error("enough");
                        return h;
                      },
                      x),
                  std::runtime_error);
  CHECK(buffer.item() == 2);
  V(buffer).assign(xg::zeros<double>({}));  // nobody listens any more
  CHECK(buffer.item() == 0);
}

TEST_CASE("a function can ask whether it runs again, and hooks are set once") {
  const V x(random({4}, 1), true), w(random({4}, 2), true);
  int runs = 0, counted = 0, hooked = 0;
  const auto inner = [&](const V& h) {
    ++runs;
    if (!xg::recomputing()) ++counted;
    w.on_grad([&](const V&) { ++hooked; });
    return h * w;
  };
  const V y = xg::checkpoint(inner, x);
  CHECK_FALSE(xg::recomputing());
  backward(sum(y));
  CHECK(runs == 2);
  CHECK(counted == 1);
  CHECK(hooked == 1);
  w.on_grad([&](const V&) { hooked += 10; });
  backward(sum(w));
  CHECK(hooked == 12);
}

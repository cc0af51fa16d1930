// Recomputing instead of keeping.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

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
  CHECK(has(assigned, "captured was assigned since; run forward again"));
  const auto at_zero = [&](const V& a) { return a * data; };  // 0 * 5 is 0, too
  const V zero(Array<double>{0, 0}, true);
  y = xg::checkpoint(at_zero, zero);
  V(data).assign(Array<double>{5, 6});
  CHECK(has(text_of(y), "captured was assigned since; run forward again"));
  y = xg::checkpoint([&](const V& a) { return a * a; }, x);
  V(x).assign(Array<double>{5, 6});
  CHECK(has(text_of(y), "input 0 kept by checkpoint"));
  y = xg::checkpoint([&](const V& a) { return a * a; }, x);
  backward(sum(y));
  CHECK(has(text_of(y), "checkpoint recorded at " + here(__LINE__ - 2).substr(0, here(__LINE__ - 2).size() - 2) + " was freed by an earlier backward"));
  CHECK(error_of([&] { xg::checkpoint([](const V& a) { return a; }, V()); }) == here(__LINE__) + "checkpoint: input 0 is an undefined Variable: give it a value before it is used");
  CHECK(error_of([&] { xg::checkpoint([](const V&) { return V(); }, x); }) == here(__LINE__) + "checkpoint: the function returned an undefined Variable");
  CHECK(error_of([&] { xg::checkpoint([](const std::vector<V>& a) { return a[0]; }, std::vector<V>(31, x)); }) == here(__LINE__) + "checkpoint: there are 31 inputs; at most 30 can be kept");
  CHECK(has(error_of([&] { xg::checkpoint([](const V& a) { return a + V(Array<double>{1, 2, 3}); }, x); }), here(__LINE__) + "add: a is (2,), b is (3,)"));
}
// clang-format on

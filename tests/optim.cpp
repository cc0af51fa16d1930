// Optimisers and schedules against their formulas written out.
#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include <xgrad/xgrad.hpp>

#include "support.hpp"

namespace xg = xgrad;
using V = xg::Variable<double>;

using namespace xgrad_test;

namespace {

/// Minimises Σ (w - 1)²·k with SGD, and the same by hand.
void compare(xg::optim::SGDOptions options) {
  CAPTURE(options.momentum);
  CAPTURE(options.weight_decay);
  CAPTURE(options.nesterov);
  xg::Array<double> start(xg::Shape{5});
  xg::Generator(1).fill_normal(start, 0, 1);
  const V k(xg::Array<double>{1, 2, 3, 4, 5});
  V w(start, true);
  xg::optim::SGD<double> opt({w}, options);
  std::vector<double> mine(start.begin(), start.end()), m(5);
  for (int step = 0; step < 20; ++step) {
    opt.zero_grad();
    backward(sum(square(w - 1) * k));
    opt.step();
    for (std::size_t i = 0; i < 5; ++i) {
      const double g = 2 * (mine[i] - 1) * static_cast<double>(i + 1) + options.weight_decay * mine[i];
      m[i] = options.momentum * m[i] + g;
      mine[i] -= options.lr * (options.nesterov ? g + options.momentum * m[i] : m[i]);
      CHECK(w.value()(i) == doctest::Approx(mine[i]).epsilon(1e-12));
    }
  }
}
}  // namespace

TEST_CASE("SGD") {
  compare({.lr = 0.01});
  compare({.lr = 0.01, .weight_decay = 0.1});
  compare({.lr = 0.01, .momentum = 0.9});
  compare({.lr = 0.01, .momentum = 0.9, .weight_decay = 0.1});
  compare({.lr = 0.01, .momentum = 0.9, .weight_decay = 0.1, .nesterov = true});
}

TEST_CASE("SGD on float, long enough for several threads") {
  for (const double momentum : {0.0, 0.5}) {
    xg::Variable<float> w(xg::full<float>({300'003}, 1), true);
    xg::optim::SGD<float> opt({w}, {.lr = 0.5, .momentum = momentum});
    backward(sum(w * 0.5));
    opt.step();
    opt.step();
    for (float x : w.value()) REQUIRE(x == (momentum > 0 ? 0.375F : 0.5F));
  }
}

TEST_CASE("SGD moves what has a gradient, and only that") {
  V a(1.0, true), b(1.0, true);
  xg::optim::SGD<double> opt({a, b}, {.lr = 0.1});
  backward(a * 2);
  opt.step();
  CHECK(a.item() == doctest::Approx(0.8));
  CHECK(b.item() == 1);
  opt.zero_grad();
  CHECK_FALSE(a.has_grad());
  opt.set_lr(0.5);
  CHECK(opt.lr() == 0.5);
}

TEST_CASE("a momentum without gradient ends at 0, not in denormal numbers") {
  xg::Variable<float> w(xg::full<float>({100}, 0), true);
  xg::optim::SGD<float> opt({w}, {.lr = 1, .momentum = 0.9});
  backward(sum(w));
  opt.step();
  w.zero_grad();
  backward(sum(w * 0));
  for (int step = 0; step < 1500; ++step) opt.step();
  w.assign(xg::full<float>({100}, 0));
  opt.set_lr(1e38);
  opt.step();
  for (float x : w.value()) REQUIRE(x == 0);
}

// These tests name their own lines.
// clang-format off
TEST_CASE("SGD refuses what it cannot train") {
  const V a(1.0, true);
  CHECK(error_of([&] { xg::optim::SGD<double> opt(std::vector<V>{}); }).find("SGD: there are no parameters") != std::string::npos);
  CHECK(error_of([&] { xg::optim::SGD<double> opt({a, V(1.0)}); }).find("optim.cpp:" + std::to_string(__LINE__) + ": SGD: parameter 1 needs no gradient") != std::string::npos);
  CHECK(error_of([&] { xg::optim::SGD<double> opt({a * 2}); }).find("parameter 0 is the result of an operation") != std::string::npos);
  CHECK(error_of([&] { xg::optim::SGD<double> opt({V()}); }).find("parameter 0 is an undefined Variable") != std::string::npos);
  CHECK(error_of([&] { xg::optim::SGD<double> opt({a, a}); }).find("parameter 1 has been given before") != std::string::npos);
  CHECK(error_of([&] { xg::optim::SGD<double> opt({a}, {.lr = -1}); }).find("lr is -1; it must") != std::string::npos);
  CHECK(error_of([&] { xg::optim::SGD<double>({a}).set_lr(std::nan("")); }).find("lr is nan") != std::string::npos);
  CHECK(error_of([&] { xg::optim::SGD<double> opt({a}, {.weight_decay = -3}); }).find("weight_decay is -3; it must") != std::string::npos);
  CHECK(error_of([&] { xg::optim::SGD<double> opt({a}, {.momentum = 1}); }).find("momentum is 1; it must") != std::string::npos);
  CHECK(error_of([&] { xg::optim::SGD<double> opt({a}, {.nesterov = true}); }).find("nesterov is set and momentum is 0; it must") != std::string::npos);
}
// clang-format on

TEST_CASE("one cycle rises to the maximum and falls to almost nothing") {
  const xg::optim::OneCycle schedule(100, 0.05);
  CHECK(schedule(0) == doctest::Approx(0.05 / 25));
  CHECK(schedule(29) == doctest::Approx(0.05));  // 0.3 · 100 - 1
  CHECK(schedule(99) == doctest::Approx(0.05 / 25 / 1e4));
  CHECK(schedule(1000) == schedule(99));
  // half-way up and down a cosine is half-way between the ends
  CHECK(xg::optim::OneCycle(101, 1, {.warm_up = 0.5})(74) == doctest::Approx(0.5 * (1 + 0.04 / 1e4)).epsilon(0.03));
  for (std::size_t step = 1; step < 100; ++step) CHECK((step <= 29) == (schedule(step) > schedule(step - 1)));
  CHECK(schedule(14) + schedule(15) == doctest::Approx(0.05 * 1.04).epsilon(1e-9));
  CHECK(xg::optim::OneCycle(1, 0.1)(0) > 0);
  CHECK(xg::optim::OneCycle(10, 0.1, {.warm_up = 0.1})(0) == 0.1);  // a rise of one step
  CHECK(error_of([] { xg::optim::OneCycle(0, 0.1); }).find("OneCycle: steps is 0; it must be positive") != std::string::npos);
}

TEST_CASE("initialisers have the variance they promise") {
  xg::Generator g(1);
  xg::Array<double> w(xg::Shape{64, 5, 5, 16});
  const auto variance = [&] {
    double total = 0;
    for (double x : w) total += x * x;
    return total / static_cast<double>(w.size());
  };
  CHECK(xg::nn::fans(w.shape()).in == 400);
  CHECK(xg::nn::fans(w.shape()).out == 1600);
  xg::nn::kaiming_uniform(w, g);
  CHECK(variance() == doctest::Approx(2.0 / 400).epsilon(0.03));
  xg::nn::kaiming_normal(w, g);
  CHECK(variance() == doctest::Approx(2.0 / 400).epsilon(0.03));
  xg::nn::xavier_uniform(w, g);
  CHECK(variance() == doctest::Approx(2.0 / 2000).epsilon(0.03));
  xg::nn::xavier_normal(w, g);
  CHECK(variance() == doctest::Approx(2.0 / 2000).epsilon(0.03));
  xg::Array<double> vector(xg::Shape{3});
  CHECK(error_of([&] { xg::nn::kaiming_uniform(vector, g); }).find("the weight is (3,)") != std::string::npos);
}

namespace {
struct Net {
  xg::nn::Conv2d<double> conv{1, 2, 3};
  std::vector<xg::nn::Linear<double>> layers{{4, 3}, {3, 2, {.bias = false}}};
};
}  // namespace

TEST_CASE("layers draw from the default generator; initialise draws again from any") {
  xg::seed(11);
  const Net a;
  xg::seed(11);
  const Net b;
  CHECK(a.conv.weight.value() == b.conv.weight.value());
  CHECK(a.layers[1].weight.value() == b.layers[1].weight.value());
  Net c;
  CHECK(c.conv.weight.value() != a.conv.weight.value());
  c.layers[0].bias.update([](auto& x) { x.fill(3); });
  xg::Generator g(11);
  xg::nn::initialise(c, g);
  CHECK(c.conv.weight.value() == a.conv.weight.value());
  CHECK(c.layers[1].weight.value() == a.layers[1].weight.value());
  CHECK(c.layers[0].bias.value() == xg::zeros<double>({3}));
  CHECK_FALSE(c.layers[1].bias.defined());
  CHECK(xg::nn::parameter_count(c) == 2 * 9 + 2 + 15 + 6);
}

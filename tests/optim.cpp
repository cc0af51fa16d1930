// Optimisers: what all rules have in common. rules.cpp has the rules and the schedules.
#include <doctest/doctest.h>

#include <fmt/format.h>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <xgrad/xgrad.hpp>

#include "directory.hpp"
#include "support.hpp"

namespace xg = xgrad;
using V = xg::Variable<double>;

using namespace xgrad_test;

namespace {

/// Minimises Σ (w - 1)²·k with SGD, and the same by hand.
void compare(xg::optim::SGD rule) {
  CAPTURE(rule.momentum);
  CAPTURE(rule.weight_decay);
  CAPTURE(rule.nesterov);
  xg::Array<double> start(xg::Shape{5});
  xg::Generator(1).fill_normal(start, 0, 1);
  const V k(xg::Array<double>{1, 2, 3, 4, 5});
  V w(start, true);
  xg::optim::Optimizer opt(std::vector{w}, rule);
  std::vector<double> mine(start.begin(), start.end()), m(5);
  for (int step = 0; step < 20; ++step) {
    opt.zero_grad();
    backward(sum(square(w - 1) * k));
    opt.step();
    for (std::size_t i = 0; i < 5; ++i) {
      const double g = 2 * (mine[i] - 1) * static_cast<double>(i + 1) + rule.weight_decay * mine[i];
      m[i] = rule.momentum * m[i] + g;
      mine[i] -= rule.lr * (rule.nesterov ? g + rule.momentum * m[i] : m[i]);
      CHECK(w.value()(i) == doctest::Approx(mine[i]).epsilon(1e-12));
    }
  }
}

/// A user's rule, and states of every kind.
struct Own {
  double lr = 0.1, share = 0.5;
  bool extra = false;

  template <class X>
  struct State {
    X m, count, unused;
  };
  template <class X>
  X step(X w, X g, State<X>& s, const xg::optim::Now<X>& now) const {
    s.m = share * s.m + g;
    s.count = s.count + 2 * now.t;  // the same for all elements
    if (extra) s.unused = g;
    return w - now.lr * s.m * s.count;
  }
};

/// Steps of length lr, by a direction that the rule computes; `forgets`: whose step does not read what the direction does.
struct Unit {
  double lr = 0.5;
  bool forgets = false, asks_itself = false;

  template <class X>
  struct State {
    X m;
  };
  template <class X>
  X direction(X, X g, State<X>& s, const xg::optim::Now<X>& now) const {
    s.m = s.m + g;
    if (asks_itself) return s.m / now.step_norm;
    return 2 * s.m;
  }
  template <class X>
  X step(X w, X g, State<X>& s, const xg::optim::Now<X>& now) const {
    if (forgets) return w - g / now.step_norm;
    return w - now.lr * direction(w, g, s, now) / now.step_norm;
  }
};

struct NoDirection {
  double lr = 0.5;

  template <class X>
  struct State {
    X m;
  };
  template <class X>
  X step(X w, X g, State<X>& s, const xg::optim::Now<X>& now) const {
    s.m = s.m + g;
    return w - now.lr * s.m / now.step_norm;
  }
};

struct Pair {
  V weight{xg::Array<double>{{1, 2}, {3, 4}}, true}, bias{xg::Array<double>{5, 6}, true};
  V loss() const { return sum(square(weight)) + sum(square(bias)); }
};

struct Training {
  Pair net{};
  xg::optim::Optimizer<double, xg::optim::Adam> opt{xg::nn::named_parameters(net), {.lr = 0.1}};

  void step() {
    opt.zero_grad();
    backward(net.loss());
    opt.step();
  }
};

}  // namespace

TEST_CASE("SGD") {
  compare({.lr = 0.01});
  compare({.lr = 0.01, .weight_decay = 0.1});
  compare({.lr = 0.01, .momentum = 0.9});
  compare({.lr = 0.01, .momentum = 0.9, .weight_decay = 0.1});
  compare({.lr = 0.01, .momentum = 0.9, .weight_decay = 0.1, .nesterov = true});
}

TEST_CASE("optimisers on float, long enough for several threads") {
  for (const std::size_t n : std::vector<std::size_t>{1, 15, 1000, 300'003}) {
    for (const double momentum : {0.0, 0.5}) {
      xg::Variable<float> w(xg::full<float>({n}, 1), true);
      xg::optim::Optimizer opt(std::vector{w}, xg::optim::SGD{.lr = 0.5, .momentum = momentum});
      backward(sum(w * 0.5));
      opt.step();
      opt.step();
      for (float x : w.value()) REQUIRE(x == (momentum > 0 ? 0.375F : 0.5F));
    }
    xg::Variable<float> w(xg::full<float>({n}, 1), true);
    xg::optim::Optimizer opt(std::vector{w}, xg::optim::Adam{.lr = 0.25, .eps = 0});
    backward(sum(w * 0.5));
    opt.step();
    opt.step();
    for (float x : w.value()) REQUIRE(x == doctest::Approx(0.5).epsilon(1e-6));  // of gradients that stay, Adam sees the sign
  }
}

TEST_CASE("an optimiser moves what has a gradient, and only that; each parameter counts its steps") {
  V a(1.0, true), b(1.0, true);
  xg::optim::Optimizer opt(std::vector{a, b}, xg::optim::SGD{.lr = 0.1});
  backward(a * 2);
  opt.step();
  CHECK(a.item() == doctest::Approx(0.8));
  CHECK(b.item() == 1);
  CHECK(opt.steps() == xg::Labels{1, 0});
  opt.zero_grad();
  CHECK_FALSE(a.has_grad());
  opt.options.lr = 0.5;
  backward(a * 2);
  opt.step();
  CHECK(a.item() == doctest::Approx(-0.2));

  // Adam's first step is by lr, whenever it comes
  V late(1.0, true);
  xg::optim::Optimizer adam(std::vector{a, late}, xg::optim::Adam{.lr = 0.1});
  for (int step = 0; step < 5; ++step) adam.step();
  backward(late * 7);
  adam.step();
  CHECK(late.item() == doctest::Approx(0.9));
}

TEST_CASE("state ends at 0, not in denormal numbers") {
  const auto fades = [](auto rule) {
    xg::Variable<float> w(xg::full<float>({100}, 0), true);
    xg::optim::Optimizer opt(std::vector{w}, rule);
    backward(sum(w));
    opt.step();
    w.zero_grad();
    backward(sum(w * 0));
    for (int step = 0; step < 2500; ++step) {
      opt.step();
      for (const auto& [name, array] : opt.state())
        for (float x : array) REQUIRE((x == 0 || std::abs(x) >= std::numeric_limits<float>::min()));
    }
  };
  fades(xg::optim::SGD{.lr = 1, .momentum = 0.9});
  fades(xg::optim::Adam{.beta2 = 0.9});
  fades(xg::optim::NAdam{.beta2 = 0.9});
  fades(xg::optim::RMSprop{.alpha = 0.9, .momentum = 0.9, .centered = true});
}

TEST_CASE("a rule of one's own: what it keeps of each element, of all together, and not at all") {
  V w(xg::Array<double>{1, 2, 3}, true);
  xg::optim::Optimizer opt(std::vector{xg::NamedVariable<double>{"w", w}}, Own{});
  std::vector<double> mine{1, 2, 3}, m(3);
  double count = 0;
  for (int t = 1; t <= 6; ++t) {
    if (t == 4) opt.options.share = 0.25;  // records the formula anew
    if (t == 5) opt.options.extra = true;
    opt.zero_grad();
    backward(sum(square(w)));
    opt.step();
    count += 2 * t;
    for (std::size_t i = 0; i < 3; ++i) {
      m[i] = (t < 4 ? 0.5 : 0.25) * m[i] + 2 * mine[i];
      mine[i] -= 0.1 * m[i] * count;
      CHECK(w.value()(i) == doctest::Approx(mine[i]).epsilon(1e-12));
    }
    CHECK(opt.state().contains("w.unused") == (t >= 5));
  }
  CHECK(opt.state().at("w.m").shape() == xg::Shape{3});
  CHECK(opt.state().at("w.count").shape() == xg::Shape{});
  CHECK(opt.state().at("w.count")() == count);
}

TEST_CASE("a rule of one's own that needs the length of its direction") {
  V w(xg::Array<double>{1, 2, 2}, true);
  xg::optim::Optimizer opt(std::vector{w}, Unit{});
  std::vector<double> mine{1, 2, 2}, m(3);
  for (int t = 1; t <= 5; ++t) {
    opt.zero_grad();
    backward(sum(square(w)));
    opt.step();
    double length = 0;
    for (std::size_t i = 0; i < 3; ++i) length = std::hypot(length, m[i] += 2 * mine[i]);
    for (std::size_t i = 0; i < 3; ++i) {
      mine[i] -= 0.5 * m[i] / length;
      CHECK(w.value()(i) == doctest::Approx(mine[i]).epsilon(1e-12));
      CHECK(opt.state().at("0.m")(i) == doctest::Approx(m[i]).epsilon(1e-12));
    }
  }
  CHECK(error_of([&] {
          xg::optim::Optimizer(std::vector{w}, Unit{.forgets = true});
        }).find("Unit: direction reads m of State, and step does not; it must, too") != std::string::npos);
  CHECK(error_of([&] {
          xg::optim::Optimizer(std::vector{w}, Unit{.asks_itself = true});
        }).find("Unit: direction reads step_norm, which is its own length; it must not") != std::string::npos);
  CHECK(error_of([&] {
          xg::optim::Optimizer(std::vector{w}, NoDirection{});
        }).find("NoDirection: step reads step_norm, and the rule has no direction; it must have one") != std::string::npos);
}

TEST_CASE("decay where it belongs, and a part for each optimiser") {
  Pair net;
  const auto parameters = xg::nn::named_parameters(net);
  xg::optim::Optimizer weights(parameters, xg::optim::SGD{.lr = 0.5, .weight_decay = 1}, {.decay = xg::optim::weights_only});
  backward(net.loss() * 0);
  weights.step();
  CHECK(net.weight.value() == xg::Array<double>{{0.5, 1}, {1.5, 2}});
  CHECK(net.bias.value() == xg::Array<double>{5, 6});
  xg::optim::Optimizer by_name(parameters, xg::optim::AdamW{.lr = 0.5, .weight_decay = 1},
                               {.decay = [](const auto& p) { return p.name == "bias"; }});
  by_name.step();
  CHECK(net.weight.value() == xg::Array<double>{{0.5, 1}, {1.5, 2}});
  CHECK(net.bias.value() == xg::Array<double>{2.5, 3});

  xg::optim::Optimizer first(std::vector{net.weight}, xg::optim::SGD{.lr = 1}),
      second(std::vector{net.bias}, xg::optim::SGD{.lr = 0.1});
  net.weight.zero_grad();
  net.bias.zero_grad();
  backward(net.loss());
  first.step();
  CHECK(net.weight.value() == xg::Array<double>{{-0.5, -1}, {-1.5, -2}});
  CHECK(net.bias.value() == xg::Array<double>{2.5, 3});
  second.step();
  CHECK(net.bias.value()(0) == doctest::Approx(2));
}

TEST_CASE("several backward calls before a step are one batch") {
  Pair one, several;
  xg::optim::Optimizer a(xg::nn::parameters(one), xg::optim::Adam{.lr = 0.1});
  xg::optim::Optimizer b(xg::nn::parameters(several), xg::optim::Adam{.lr = 0.1});
  for (int step = 0; step < 3; ++step) {
    a.zero_grad();
    backward(one.loss());
    a.step();
    b.zero_grad();
    for (int part = 0; part < 4; ++part) backward(several.loss() / 4);
    b.step();
  }
  CHECK(one.weight.value() == several.weight.value());
}

TEST_CASE("an optimiser's state is saved, loaded and cloned with what holds it") {
  Training run;
  for (int step = 0; step < 3; ++step) run.step();
  const Directory directory;
  const std::string path = directory.file("run.safetensors");
  xg::nn::save(run, path);
  Training other = xg::nn::clone(run);
  const xg::Array<double> here = run.net.weight.value();
  for (int step = 0; step < 3; ++step) other.step();
  CHECK(run.net.weight.value() == here);  // a clone trains its own network
  CHECK(other.net.weight.value() != here);
  for (int step = 0; step < 3; ++step) run.step();
  CHECK(run.net.weight.value() == other.net.weight.value());
  Training loaded;
  xg::nn::load(loaded, path);
  CHECK(loaded.net.weight.value() == here);
  for (int step = 0; step < 3; ++step) loaded.step();
  CHECK(loaded.net.weight.value() == run.net.weight.value());
  CHECK(loaded.opt.state() == run.opt.state());
  CHECK(loaded.opt.steps() == run.opt.steps());
}

TEST_CASE("an average follows the weights") {
  Pair net;
  const Pair smooth = xg::nn::clone(net);
  net.weight.update([](auto& w) { w.fill(11); });
  xg::optim::update_average(smooth, net, 0.9);
  CHECK(smooth.weight.value()(0, 0) == doctest::Approx(2));
  CHECK(smooth.bias.value() == net.bias.value());
  xg::nn::BatchNorm<double> a(2), b(2);
  b.running_mean.update([](auto& mean) { mean.fill(3); });
  xg::optim::update_average(a, b, 0.9);
  CHECK(a.running_mean.value()(0) == 3);
  CHECK(error_of([&] { xg::optim::update_average(smooth, net, 2); }).find("decay is 2; it must be from 0 to 1") !=
        std::string::npos);
  CHECK(error_of([&] { xg::optim::update_average(a, xg::nn::BatchNorm<double>(3), 0.5); }).find("they must be equal") !=
        std::string::npos);
}

// As docs/training.md has it.
TEST_CASE("a loss that is not finite is no error by itself, and is told where one asks") {
  const auto run = [](auto look) {
    struct Net {
      V scale{2.0, true}, shift{1.0, true};
    } net;
    xg::optim::Optimizer opt(xg::nn::named_parameters(net), xg::optim::Adam{.lr = 0.1});
    xg::Progress progress({.samples = 3});
    for (const double x : {1.0, -1.0, 1.0}) {
      const V loss = square(log(V(x)) * net.scale) + square(net.shift);
      opt.zero_grad();
      backward(loss);
      look(loss, net, [&] { opt.step(); });
      progress.step(1, {{"loss", loss.item()}});
    }
    return std::pair(std::array{net.scale.item(), net.shift.item()}, progress.line());
  };
  // nobody looks: what the loss depends on is lost, and the line says so
  const auto [lost, line] = run([](const V&, const auto&, const auto& step) { step(); });
  CHECK(std::isnan(lost[0]));
  CHECK(std::isfinite(lost[1]));  // its own part of the sum is finite
  CHECK(line.find("loss nan") != std::string::npos);
  // a step that is left out leaves weights and state as they were
  const auto [kept, other_line] = run([](const V& loss, const auto&, const auto& step) {
    if (std::isfinite(loss.item())) step();
  });
  CHECK(kept[0] == 2);
  CHECK(kept[1] == doctest::Approx(0.8).epsilon(1e-3));
  // clipping says it before the step, DetectAnomaly at the operation
  CHECK(error_of([&] {
          run([](const V&, const auto& net, const auto& step) {
            xg::optim::clip_grad_norm(xg::nn::parameters(net), 1.0);
            step();
          });
        }).find("clip_grad_norm: the norm of the gradients is nan; it must be finite") != std::string::npos);
  const xg::DetectAnomaly detect;
  CHECK(error_of([&] { run([](const V&, const auto&, const auto& step) { step(); }); }).find("log: ") != std::string::npos);
}

// These tests name their own lines.
// clang-format off
TEST_CASE("an optimiser refuses what it cannot train") {
  using xg::optim::Optimizer, xg::optim::SGD, xg::optim::Adam;
  const V a(1.0, true);
  using L = std::vector<V>;
  CHECK(error_of([&] { Optimizer opt(L{}, SGD{}); }).find("SGD: there are no parameters") != std::string::npos);
  CHECK(error_of([&] { Optimizer opt(L{a, V(1.0)}, Adam{}); }).find("optim.cpp:" + std::to_string(__LINE__) + ": Adam: parameter 1 needs no gradient") != std::string::npos);
  CHECK(error_of([&] { Optimizer opt(L{a * 2}, SGD{}); }).find("parameter 0 is the result of an operation") != std::string::npos);
  CHECK(error_of([&] { Optimizer opt(L{V()}, SGD{}); }).find("parameter 0 is an undefined Variable") != std::string::npos);
  CHECK(error_of([&] { Optimizer opt(L{a, a}, SGD{}); }).find("parameter 1 has been given before") != std::string::npos);
  CHECK(error_of([&] { Optimizer opt(L{a}, SGD{.lr = -1}); }).find("lr is -1; it must") != std::string::npos);
  CHECK(error_of([&] { Optimizer opt(L{a}, SGD{.weight_decay = -3}); }).find("weight_decay is -3; it must") != std::string::npos);
  CHECK(error_of([&] { Optimizer opt(L{a}, SGD{.momentum = 1}); }).find("momentum is 1; it must") != std::string::npos);
  CHECK(error_of([&] { Optimizer opt(L{a}, SGD{.nesterov = true}); }).find("optim.cpp:" + std::to_string(__LINE__) + ": SGD: nesterov is set and momentum is 0; it must") != std::string::npos);
  CHECK(error_of([&] { Optimizer opt(L{a}, Adam{.beta2 = 1}); }).find("beta2 is 1; it must be from 0 to less than 1") != std::string::npos);
  CHECK(error_of([&] { Optimizer opt(L{a}, Own{.share = std::nan("")}); }).find("Own: share is nan; it must be finite") != std::string::npos);
  CHECK(error_of([&] { Optimizer opt(L{a}, xg::optim::Rprop{.eta_plus = 0.5}); }).find("eta_minus and eta_plus are") != std::string::npos);
  CHECK(error_of([&] { Optimizer opt(std::vector<xg::NamedVariable<double>>{{"w", a}, {"w", V(1.0, true)}}, SGD{}); }).find("two parameters are called w") != std::string::npos);
  CHECK(error_of([&] { Optimizer opt(std::vector<xg::NamedVariable<double>>{{"w", a}}, Own{}, {.decay = xg::optim::weights_only}); }).find("the rule has no weight_decay") != std::string::npos);
  Optimizer opt(L{a}, SGD{});
  backward(square(a));
  opt.options.lr = std::nan("");
  CHECK(error_of([&] { opt.step(); }).find("optim.cpp:" + std::to_string(__LINE__) + ": SGD: lr is nan; it must be from 0 up and finite") != std::string::npos);
  CHECK(a.item() == 1);
}
// clang-format on

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
  xg::nn::init::kaiming_uniform()(w, g);
  CHECK(variance() == doctest::Approx(2.0 / 400).epsilon(0.03));
  xg::nn::init::kaiming_normal()(w, g);
  CHECK(variance() == doctest::Approx(2.0 / 400).epsilon(0.03));
  xg::nn::init::xavier_uniform()(w, g);
  CHECK(variance() == doctest::Approx(2.0 / 2000).epsilon(0.03));
  xg::nn::init::xavier_normal()(w, g);
  CHECK(variance() == doctest::Approx(2.0 / 2000).epsilon(0.03));
  xg::Array<double> vector(xg::Shape{3});
  CHECK(error_of([&] { xg::nn::init::kaiming_uniform()(vector, g); }).find("the weight is (3,)") != std::string::npos);
}

namespace {
struct Net {
  xg::nn::Conv2d<double> conv{1, 2, 3};
  std::vector<xg::nn::Linear<double>> layers{{4, 3}, {3, 2, {.bias = false}}};
};
}  // namespace

TEST_CASE("layers draw from the default generator; initialize draws again from any") {
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
  xg::nn::initialize(c, g);
  CHECK(c.conv.weight.value() == a.conv.weight.value());
  CHECK(c.layers[1].weight.value() == a.layers[1].weight.value());
  CHECK(c.layers[0].bias.value() == xg::zeros<double>({3}));
  CHECK_FALSE(c.layers[1].bias.defined());
  CHECK(xg::nn::parameter_count(c) == 2 * 9 + 2 + 15 + 6);
}

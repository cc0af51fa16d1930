// The optimisers' rules and the schedules against PyTorch's (golden/optim.jsonl, made by golden/make_optim.py) and, where PyTorch
// has none, against their formulas written out.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <xgrad/xgrad.hpp>

#include "support.hpp"

namespace xg = xgrad;
using V = xg::Variable<double>;
using namespace xg::optim;
using namespace xgrad_test;

namespace {

/// As in golden/make_optim.py.
xg::Array<double> numbers(const xg::Shape& shape, std::size_t salt) {
  xg::Array<double> result(shape);
  for (std::size_t k = 0; k < result.size(); ++k) result.data()[k] = (static_cast<double>((k * 37 + salt * 11) % 29) - 14) / 16;
  return result;
}

/// A network of two layers, its data, and how far it has come.
struct Small {
  V w1{numbers({4, 3}, 0), true}, b1{numbers({4}, 1), true}, w2{numbers({2, 4}, 2), true}, b2{numbers({2}, 3), true};

  void gradients() const {
    const V x(numbers({5, 3}, 5)), y(numbers({5, 2}, 6));
    backward(mse_loss(linear(tanh(linear(x, w1, b1)), w2, b2), y));
  }
  std::vector<double> weights() const {
    std::vector<double> all;
    for (const V& p : {w1, b1, w2, b2}) all.insert(all.end(), p.value().begin(), p.value().end());
    return all;
  }
};

/// The weights after steps 1, 2, 7 and 100.
using Run = std::vector<std::vector<double>>;

template <class Rule>
Run train(Rule rule, OptimizerOptions<double> options = {}, const std::function<void(const std::vector<V>&)>& before = {}) {
  Small net;
  Optimizer opt(xg::nn::named_parameters(net), rule, options);
  Run found;
  for (int step = 1; step <= 100; ++step) {
    opt.zero_grad();
    net.gradients();
    if (before) before(opt.parameters());
    opt.step();
    if (step == 1 || step == 2 || step == 7 || step == 100) found.push_back(net.weights());
  }
  return found;
}

double difference(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  double most = 0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    const double d = std::abs(a[k] - b[k]) / (1 + std::abs(b[k]));
    most = d <= most ? most : d;  // NaN counts
  }
  return most;
}
double difference(const Run& a, const Run& b) {
  double most = a.size() == b.size() ? 0 : std::numeric_limits<double>::infinity();
  for (std::size_t k = 0; k < std::min(a.size(), b.size()); ++k) most = std::max(most, difference(a[k], b[k]));
  return most;
}

std::vector<nlohmann::json> golden(const std::string& kind) {
  std::vector<nlohmann::json> lines;
  std::ifstream file(XGRAD_TEST_DATA "/optim.jsonl");
  for (std::string line; std::getline(file, line);)
    if (auto json = nlohmann::json::parse(line); json.contains(kind)) lines.push_back(std::move(json));
  REQUIRE(!lines.empty());
  return lines;
}

}  // namespace

TEST_CASE("rules follow PyTorch's for 100 steps") {
  const std::map<std::string, std::function<Run()>> rules{
      {"SGD", [] { return train(SGD{.lr = 0.1}); }},
      {"SGD momentum", [] { return train(SGD{.lr = 0.05, .momentum = 0.9}); }},
      {"SGD dampening", [] { return train(SGD{.lr = 0.05, .momentum = 0.9, .dampening = 0.5}); }},
      {"SGD nesterov decay", [] { return train(SGD{.lr = 0.05, .momentum = 0.9, .weight_decay = 0.01, .nesterov = true}); }},
      {"Rprop", [] { return train(Rprop{}); }},
      {"Rprop etas",
       [] { return train(Rprop{.lr = 0.02, .eta_minus = 0.4, .eta_plus = 1.1, .step_min = 1e-4, .step_max = 0.05}); }},
      {"Adagrad", [] { return train(Adagrad{.lr = 0.1}); }},
      {"Adagrad all",
       [] {
         return train(Adagrad{.lr = 0.1, .lr_decay = 0.01, .weight_decay = 0.01, .initial_accumulator_value = 0.1, .eps = 1e-3});
       }},
      {"Adadelta", [] { return train(Adadelta{}); }},
      {"Adadelta all", [] { return train(Adadelta{.lr = 0.5, .rho = 0.8, .eps = 1e-4, .weight_decay = 0.01}); }},
      {"RMSprop", [] { return train(RMSprop{}); }},
      {"RMSprop all",
       [] {
         return train(RMSprop{.lr = 1e-3, .alpha = 0.9, .eps = 1e-4, .weight_decay = 0.01, .momentum = 0.9, .centered = true});
       }},
      {"Adam", [] { return train(Adam{.lr = 0.01}); }},
      {"Adam all", [] { return train(Adam{.lr = 0.01, .beta1 = 0.8, .beta2 = 0.99, .eps = 1e-4, .weight_decay = 0.01}); }},
      {"Adam amsgrad", [] { return train(Adam{.lr = 0.01, .amsgrad = true}); }},
      {"AdamW", [] { return train(AdamW{.lr = 0.01}); }},
      {"AdamW all",
       [] { return train(AdamW{.lr = 0.01, .beta1 = 0.8, .beta2 = 0.99, .eps = 1e-4, .weight_decay = 0.1, .amsgrad = true}); }},
      {"AdamW weights", [] { return train(AdamW{.lr = 0.01, .weight_decay = 0.1}, {.decay = weights_only}); }},
      {"Adamax", [] { return train(Adamax{}); }},
      {"Adamax all", [] { return train(Adamax{.lr = 0.01, .beta1 = 0.8, .beta2 = 0.99, .eps = 1e-4, .weight_decay = 0.01}); }},
      {"NAdam", [] { return train(NAdam{}); }},
      {"NAdam all",
       [] {
         return train(NAdam{.lr = 0.01, .beta1 = 0.8, .beta2 = 0.99, .eps = 1e-4, .weight_decay = 0.01, .momentum_decay = 0.02});
       }},
      {"RAdam", [] { return train(RAdam{.lr = 0.01}); }},
      {"RAdam all", [] { return train(RAdam{.lr = 0.01, .beta1 = 0.8, .beta2 = 0.99, .eps = 1e-4, .weight_decay = 0.01}); }},
  };
  const auto lines = golden("rule");
  CHECK(lines.size() == rules.size());
  for (const auto& line : lines) {
    const std::string name = line.at("rule");
    REQUIRE_MESSAGE(rules.contains(name), name);
    const double d = difference(rules.at(name)(), line.at("weights").get<Run>());
    CHECK_MESSAGE(d < 1e-10, name, " differs by ", d);
  }
}

TEST_CASE("clipping follows PyTorch's") {
  using P = const std::vector<V>&;
  const std::map<std::string, std::function<void(P)>> clips{
      {"clip_grad_norm", [](P p) { clip_grad_norm(p, 0.3); }},
      {"clip_grad_norm 1", [](P p) { clip_grad_norm(p, 0.3, 1); }},
      {"clip_grad_norm inf", [](P p) { clip_grad_norm(p, 0.05, std::numeric_limits<double>::infinity()); }},
      {"clip_grad_value", [](P p) { clip_grad_value(p, 0.05); }},
  };
  const auto lines = golden("clip");
  CHECK(lines.size() == clips.size());
  for (const auto& line : lines) {
    const std::string name = line.at("clip");
    REQUIRE_MESSAGE(clips.contains(name), name);
    const double d = difference(train(SGD{.lr = 0.5}, {}, clips.at(name)), line.at("weights").get<Run>());
    CHECK_MESSAGE(d < 1e-10, name, " differs by ", d);
  }

  V a(3.0, true), b(4.0, true), without(1.0, true);
  backward(square(a) / 2 + square(b) / 2);
  CHECK(clip_grad_norm(std::vector{a, b, without}, 10) == doctest::Approx(5).epsilon(1e-12));
  CHECK(a.grad()() == 3);
  CHECK(clip_grad_norm(std::vector{a, b, without}, 1) == doctest::Approx(5).epsilon(1e-12));
  CHECK(a.grad()() == doctest::Approx(0.6).epsilon(1e-6));
  V bad(1.0, true);
  backward(bad * std::numeric_limits<double>::quiet_NaN());
  CHECK(error_of([&] {
          clip_grad_norm(std::vector{a, bad}, 0.1);
        }).find("the norm of the gradients is nan; it must be finite") != std::string::npos);
  CHECK(a.grad()() == doctest::Approx(0.6).epsilon(1e-6));
  CHECK(error_of([&] { clip_grad_norm(std::vector{a}, -1); }).find("max_norm is -1; it must be positive") != std::string::npos);
  CHECK(error_of([&] { clip_grad_value(std::vector{a}, 0); }).find("value is 0; it must be positive") != std::string::npos);
}

TEST_CASE("schedules follow PyTorch's") {
  const std::map<std::string, Schedule> schedules{
      {"step_decay", step_decay(0.1, 7, 0.5)},
      {"multi_step", multi_step(0.1, {3, 10, 11})},
      {"exponential", exponential(0.1, 0.9)},
      {"linear_factor", linear_factor(0.1, 0.25, 0.75, 12)},
      {"polynomial", polynomial(0.1, 20, 2)},
      {"cosine", cosine(0.1, 30, 0.01)},
      {"cosine_restarts", cosine_restarts(0.1, 4, {.factor = 2, .least = 0.01})},
      {"cosine_restarts 1", cosine_restarts(0.1, 7)},
      {"warm_up", warm_up(exponential(0.1, 0.9), 5, 0.2)},
      {"chained", chained({linear_factor(0.1, 0.5, 1, 4), exponential(1, 0.9)})},
      {"one_cycle", one_cycle(31, 0.4)},
      {"one_cycle linear", one_cycle(31, 0.4, {.pct_start = 0.25, .div_factor = 10, .final_div_factor = 100, .linear = true})},
      {"one_cycle_momentum", one_cycle_momentum(31)},
      {"one_cycle_momentum linear",
       one_cycle_momentum(31, {.pct_start = 0.25, .linear = true, .base_momentum = 0.7, .max_momentum = 0.9})},
  };
  const auto lines = golden("schedule");
  CHECK(lines.size() == schedules.size());
  for (const auto& line : lines) {
    const std::string name = line.at("schedule");
    REQUIRE_MESSAGE(schedules.contains(name), name);
    std::vector<double> found;
    for (std::size_t step = 0; step < line.at("values").size(); ++step) found.push_back(schedules.at(name)(step));
    const double d = difference(found, line.at("values").get<std::vector<double>>());
    CHECK_MESSAGE(d < 1e-12, name, " differs by ", d);
  }
}

TEST_CASE("Plateau follows PyTorch's, and its state is saved") {
  const std::map<std::string, PlateauOptions> options{
      {"Plateau", {.factor = 0.5, .patience = 2}},
      {"Plateau max", {.factor = 0.3, .patience = 3, .threshold = 0.1, .maximise = true, .cooldown = 2}},
      {"Plateau absolute", {.factor = 0.5, .patience = 1, .threshold = 0.5, .absolute = true, .least = 0.01}},
  };
  for (const auto& line : golden("plateau")) {
    const std::string name = line.at("plateau");
    REQUIRE_MESSAGE(options.contains(name), name);
    Plateau plateau(0.1, options.at(name));
    std::vector<double> found;
    for (const auto& result : line.at("results")) found.push_back(plateau(result.get<double>()));
    const double d = difference(found, line.at("values").get<std::vector<double>>());
    CHECK_MESSAGE(d < 1e-8, name, " differs by ", d);  // PyTorch passes over changes of less than 1e-8
  }
  CHECK(xg::nn::state_entries(Plateau(0.1)).size() == 4);
  Plateau nan(1, {.patience = 0});
  CHECK(nan(std::nan("")) == doctest::Approx(0.1));
  CHECK(error_of([] { Plateau(0.1, {.factor = 1}); }).find("Plateau: factor is 1; it must be from 0 to less than 1") !=
        std::string::npos);
}

TEST_CASE("schedules that PyTorch lacks, and how they end") {
  CHECK(constant(0.3)(7) == 0.3);
  CHECK(inverse_time(0.1, 0.5)(4) == doctest::Approx(0.1 / 3));
  CHECK(exponential(0.1, std::exp(-0.25))(8) == doctest::Approx(0.1 * std::exp(-2.0)));
  CHECK(cosine(0.1, 10, 0.01)(11) == doctest::Approx(0.01));
  CHECK(polynomial(0.1, 10)(1000) == 0);
  CHECK(one_cycle(10, 1)(1000) == one_cycle(10, 1)(9));
  CHECK(one_cycle(1, 0.1)(0) > 0);
  CHECK(one_cycle(10, 0.1, {.pct_start = 0.1})(0) == 0.1);  // a rise of one step
  CHECK(cosine_restarts(0.1, 3, {.factor = 2})(3) == doctest::Approx(0.1));
  CHECK(cosine_restarts(0.1, 3, {.factor = 2})(9) == doctest::Approx(0.1));
  const Schedule both = sequential({constant(1), [](std::size_t step) { return static_cast<double>(step); }, constant(-1)}, {3, 6});
  const std::vector<double> wanted{1, 1, 1, 0, 1, 2, -1, -1};
  for (std::size_t step = 0; step < wanted.size(); ++step) CHECK(both(step) == wanted[step]);
  // clang-format off
  CHECK(error_of([] { step_decay(0.1, 0); }).find("rules.cpp:" + std::to_string(__LINE__) + ": step_decay: step_size is 0; it must be positive") != std::string::npos);
  CHECK(error_of([] { multi_step(0.1, {3, 3}); }).find("multi_step: milestone 1 is 3, after 3; they must rise") != std::string::npos);
  CHECK(error_of([] { sequential({constant(1)}, {3}); }).find("there are 1 schedules and 1 milestones; there must be one milestone fewer") != std::string::npos);
  CHECK(error_of([] { chained({}); }).find("there are no schedules") != std::string::npos);
  CHECK(error_of([] { warm_up(Schedule(), 3); }).find("schedule 0 is an empty function") != std::string::npos);
  CHECK(error_of([] { one_cycle_momentum(0); }).find("one_cycle_momentum: steps is 0; it must be positive") != std::string::npos);
  CHECK(error_of([] { one_cycle_momentum(9, {.pct_start = 1}); }).find("pct_start is 1; it must be between 0 and 1") != std::string::npos);
  CHECK(error_of([] { one_cycle_momentum(9, {.base_momentum = std::nan("")}); }).find("base_momentum is nan; it must be finite") != std::string::npos);
  CHECK(error_of([] { cosine_restarts(0.1, 9, {.factor = 0}); }).find("cosine_restarts: factor is 0; it must be positive") != std::string::npos);
  CHECK(error_of([] { cosine(std::nan(""), 3); }).find("cosine: value is nan; it must be finite") != std::string::npos);
  // clang-format on
}

namespace {

/// One number's state, for formulas written out: g, w and up to three values kept from step to step.
struct Kept {
  double a = 0, b = 0, c = 0;
};

/// Trains one network by the optimiser and one by step(w, g, k, t), which changes the elements w of parameter k, and compares them.
template <class Rule, class F>
void check_beside(Small& net, Optimizer<double, Rule>& opt, int steps, double least, const F& step) {
  Small mine;
  for (int t = 1; t <= steps; ++t) {
    opt.zero_grad();
    net.gradients();
    opt.step();
    for (V p : {mine.w1, mine.b1, mine.w2, mine.b2}) p.zero_grad();
    mine.gradients();
    std::size_t k = 0;
    for (V p : {mine.w1, mine.b1, mine.w2, mine.b2}) {
      const xg::Array<double> g = p.grad();
      p.update([&](xg::Array<double>& w) { step(w, g, k, t); });
      ++k;
    }
  }
  const double d = difference(net.weights(), mine.weights());
  CHECK_MESSAGE(d < least, "differs by ", d);
}

/// Trains with a rule and with the same written as a plain loop over the numbers: f(w, g, kept, t) is the new w.
template <class Rule, class F>
void check_plain(const Rule& rule, const F& f, int steps = 100, double least = 1e-12) {
  Small net;
  Optimizer opt(xg::nn::parameters(net), rule);
  std::vector<std::vector<Kept>> kept(4);
  check_beside(net, opt, steps, least, [&](xg::Array<double>& w, const xg::Array<double>& g, std::size_t k, int t) {
    kept[k].resize(w.size());
    for (std::size_t i = 0; i < w.size(); ++i) w.data()[i] = f(w.data()[i], g.data()[i], kept[k][i], t);
  });
}

}  // namespace

TEST_CASE("rules and forms that PyTorch lacks, against plain loops") {
  SUBCASE("the lecture's: epsilon inside the root, no correction of the bias") {
    check_plain(Adagrad{.lr = 0.1, .eps = 1e-7, .eps_inside = true}, [](double w, double g, Kept& k, int) {
      k.a += g * g;
      return w - 0.1 * g / std::sqrt(k.a + 1e-7);
    });
    for (const double zeta : {0.99, 0.9})
      check_plain(
          RMSprop{.lr = 0.01, .alpha = zeta, .eps = 1e-7, .eps_inside = true},
          [&](double w, double g, Kept& k, int) {
            k.a = zeta * k.a + (1 - zeta) * g * g;
            return w - 0.01 * g / std::sqrt(k.a + 1e-7);
          },
          20);  // later it dances around the minimum, and what was rounded grows
    check_plain(Adam{.lr = 0.01, .eps = 1e-7, .bias_correction = false, .eps_inside = true}, [](double w, double g, Kept& k, int) {
      k.b = 0.9 * k.b + 0.1 * g;
      k.a = 0.999 * k.a + 0.001 * g * g;
      return w - 0.01 * k.b / std::sqrt(k.a + 1e-7);
    });
    check_plain(Adam{.lr = 0.01, .eps = 1e-7, .eps_inside = true}, [](double w, double g, Kept& k, int t) {
      k.b = 0.9 * k.b + 0.1 * g;
      k.a = 0.999 * k.a + 0.001 * g * g;
      return w - 0.01 * k.b / (1 - std::pow(0.9, t)) / std::sqrt(k.a / (1 - std::pow(0.999, t)) + 1e-7);
    });
  }
  SUBCASE("momentum with the rate inside") {
    check_plain(SGD{.lr = 0.05, .momentum = 0.9, .rate_inside = true}, [](double w, double g, Kept& k, int) {
      k.a = 0.9 * k.a + 0.05 * g;
      return w - k.a;
    });
    check_plain(SGD{.lr = 0.05, .momentum = 0.9, .nesterov = true, .rate_inside = true}, [](double w, double g, Kept& k, int) {
      k.a = 0.9 * k.a + 0.05 * g;
      return w - (0.05 * g + 0.9 * k.a);
    });
  }
  SUBCASE("decoupled decay") {
    check_plain(SGD{.lr = 0.05, .momentum = 0.9, .weight_decay = 0.1, .decoupled = true}, [](double w, double g, Kept& k, int) {
      k.a = 0.9 * k.a + g;
      return w - 0.05 * 0.1 * w - 0.05 * k.a;
    });
  }
  SUBCASE("Lion") {
    check_plain(
        Lion{.lr = 0.01, .weight_decay = 0.1},
        [](double w, double g, Kept& k, int) {
          const double c = 0.9 * k.a + 0.1 * g, direction = c > 0 ? 1 : c < 0 ? -1 : 0;
          k.a = 0.99 * k.a + 0.01 * g;
          return w - 0.01 * (direction + 0.1 * w);
        },
        100, 1e-10);
  }
}

TEST_CASE("LARS: a rate for each parameter, by norms") {
  V w(xg::Array<double>{3, 4}, true), zero(xg::Array<double>{0, 0, 0}, true);
  Optimizer opt(std::vector{w, zero}, LARS{.lr = 0.5, .momentum = 0.9, .weight_decay = 0.1, .trust = 0.2, .eps = 0});
  std::vector<double> mine{3, 4}, m(2);
  double other = 0, other_m = 0;
  for (int t = 0; t < 5; ++t) {
    opt.zero_grad();
    backward(sum(w * V(xg::Array<double>{2, 0})) + sum(zero));
    opt.step();
    const double norm = std::hypot(mine[0], mine[1]), rate = 0.2 * norm / (2 + 0.1 * norm);
    for (std::size_t i = 0; i < 2; ++i) {
      m[i] = 0.9 * m[i] + 0.5 * rate * ((i == 0 ? 2 : 0) + 0.1 * mine[i]);
      mine[i] -= m[i];
    }
    const double length = std::abs(other) * std::sqrt(3.0);
    const double other_rate = length > 0 ? 0.2 * length / (std::sqrt(3.0) + 0.1 * length) : 1;
    other_m = 0.9 * other_m + 0.5 * other_rate * (1 + 0.1 * other);
    other -= other_m;
    for (std::size_t i = 0; i < 2; ++i) CHECK(w.value()(i) == doctest::Approx(mine[i]).epsilon(1e-12));
    for (double x : zero.value()) CHECK(x == doctest::Approx(other).epsilon(1e-12));
  }
}

TEST_CASE("LAMB: Adam's step at a rate for each parameter, by the norms of weights and step") {
  const LAMB rule{.lr = 0.02, .beta1 = 0.8, .beta2 = 0.99, .eps = 1e-4, .weight_decay = 0.1};
  for (const bool decays : {true, false}) {
    Small net;
    Optimizer opt(xg::nn::parameters(net), rule, {.decay = [&](const auto&) { return decays; }});
    const double decay = decays ? 0.1 : 0;
    std::vector<std::vector<double>> m(4), v(4);
    check_beside(net, opt, 100, 1e-10, [&](xg::Array<double>& w, const xg::Array<double>& g, std::size_t k, int t) {
      m[k].resize(g.size());
      v[k].resize(g.size());
      std::vector<double> r(w.size());
      double w2 = 0, r2 = 0;
      for (std::size_t i = 0; i < w.size(); ++i) {
        m[k][i] = 0.8 * m[k][i] + 0.2 * g.data()[i];
        v[k][i] = 0.99 * v[k][i] + 0.01 * g.data()[i] * g.data()[i];
        r[i] = m[k][i] / (1 - std::pow(0.8, t)) / (std::sqrt(v[k][i] / (1 - std::pow(0.99, t))) + 1e-4) + decay * w.data()[i];
        w2 += w.data()[i] * w.data()[i];
        r2 += r[i] * r[i];
      }
      for (std::size_t i = 0; i < w.size(); ++i) w.data()[i] -= 0.02 * std::sqrt(w2) / std::sqrt(r2) * r[i];
    });
  }
  // weights that are all 0 move by the step itself, and without a gradient nothing moves
  V zero(xg::Array<double>{0, 0, 0}, true), still(xg::Array<double>{1, 2}, true);
  Optimizer opt(std::vector{zero, still}, LAMB{.lr = 0.5, .eps = 0.25});
  backward(sum(zero) + sum(still * 0));
  opt.step();
  for (double x : zero.value()) CHECK(x == doctest::Approx(-0.5 / 1.25).epsilon(1e-12));
  CHECK(still.value() == xg::Array<double>{1, 2});
}

TEST_CASE("rules that read norms: a step for which there is no memory changes nothing") {
  const auto refuses = [](auto rule) {
    V small(xg::Array<double>{1, 2, 3}, true), large(xg::ones<double>({20'000}), true);
    Optimizer opt(std::vector{small, large}, rule);
    V a(small.value(), true), b(large.value(), true);
    Optimizer other(std::vector{a, b}, rule);
    for (int step = 0; step < 2; ++step) {
      opt.zero_grad();
      backward(sum(square(small)) + sum(square(large)));
      other.zero_grad();
      backward(sum(square(a)) + sum(square(b)));
      other.step();
      const auto was = small.value();
      const auto state = opt.state();
      xg::memory::set_limit(4096);
      CHECK_THROWS_AS(opt.step(), xg::MemoryError);
      xg::memory::set_limit(0);
      CHECK(small.value() == was);
      CHECK(opt.state() == state);
      CHECK(opt.steps() == xg::Labels{step, step});
      opt.step();
      CHECK(small.value() == a.value());
      CHECK(large.value() == b.value());
    }
  };
  refuses(LAMB{.lr = 0.02, .weight_decay = 0.1});
}

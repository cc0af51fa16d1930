// Optimisation: numerical gradients, the rules written out, decay, second order.
#include "lecture.hpp"

using namespace lecture;

TEST_CASE("lectures: the numerical gradient of a loss, and a step along it") {
  const auto loss = [](double w) { return number(square(V(w))); };
  CHECK(loss(10) == 100);
  CHECK(loss(10.01) == doctest::Approx(100.2001).epsilon(1e-9));
  const double slope = (loss(10.01) - loss(10)) / 0.01;
  CHECK(slope == doctest::Approx(20.01).epsilon(1e-9));
  CHECK(10 - 0.1 * slope == doctest::Approx(7.999).epsilon(1e-9));
  // always against the analytic one
  CHECK(gradcheck([](const V& w) { return square(w); }, {leaf({10})}).ok());
}

TEST_CASE("lectures: a linear layer of one input and two classes, its loss and gradients") {
  const V x = matrix(1, {0.1854}), w = matrix(1, {-0.8399, -0.6943}), b = leaf({0.28702, -0.36638});
  const auto loss = [&] { return cross_entropy(linear(x, w, b), {0}); };
  CHECK(is(linear(x, w, b).value(), {0.1313, -0.4951}, 5e-5));
  CHECK(number(loss()) == doctest::Approx(0.42821).epsilon(1e-5));
  const auto g = grad(loss(), {w})[0];
  CHECK(is(g.value(), {-0.06458, 0.06458}, 5e-6));
  // a lecture prints a loss of 0.78581595, with which these gradients, x (e^-loss - 1), would be 0.10090
  const auto slope = [](double at) { return 0.1854 * (std::exp(-at) - 1); };
  CHECK(number(g, 0, 0) == doctest::Approx(slope(number(loss()))).epsilon(1e-9));
  CHECK(slope(0.78581595) == doctest::Approx(-0.10090).epsilon(1e-4));
  const double h = 1e-5, before = number(loss());
  for (std::size_t k = 0; k < 2; ++k) {
    V(w).update([&](auto& a) { a.data()[k] += h; });
    CHECK((number(loss()) - before) / h == doctest::Approx(number(g, k, 0)).epsilon(1e-4));
    V(w).update([&](auto& a) { a.data()[k] -= h; });
  }
}

TEST_CASE("lectures: random search finds something, following the gradient finds more") {
  Generator generator(1);
  const Labels labels = randint({60}, 0, 3, generator);
  const V centres(normal<double>({3, 5}, 0, 1, generator)),
      x = V(index_select(centres, 0, labels).value() + normal<double>({60, 5}, 0, 1, generator));
  const auto loss = [&](const V& w) { return number(cross_entropy(linear(x, w), labels)); };
  V best = V(normal<double>({3, 5}, 0, 1, generator), true);
  const double first = loss(best);
  for (int k = 0; k < 200; ++k) {
    const V w(normal<double>({3, 5}, 0, 1, generator), true);
    if (loss(w) < loss(best)) best = w;
  }
  const V w = V(zeros<double>({3, 5}), true);
  for (int k = 0; k < 50; ++k) V(w).assign((w - 0.5 * grad(cross_entropy(linear(x, w), labels), {w})[0]).value());
  CHECK(loss(best) < first);
  CHECK(loss(w) < 0.9 * loss(best));
}

TEST_CASE("lectures: the gradient of a batch is the mean of those of its parts") {
  const V x = noise({8, 3}, 1), w = noise({2, 3}, 2);
  const Labels labels{0, 1, 1, 0, 1, 0, 0, 1};
  const V whole = grad(cross_entropy(linear(x, w), labels), {w})[0];
  V parts(zeros<double>({2, 3}));
  for (const std::ptrdiff_t from : {0, 2, 4, 6}) {
    const Labels some{labels(static_cast<std::size_t>(from)), labels(static_cast<std::size_t>(from) + 1)};
    parts = parts + grad(cross_entropy(linear(slice(x, 0, {from, from + 2}), w), some), {w})[0] / 4;
  }
  CHECK(lecture::near(parts, whole));
}

namespace {

/// Beale's function; its minimum is 0 at (3, 0.5).
V beale(const V& p) {
  const V x = select(p, 0, 0), y = select(p, 0, 1);
  return square(1.5 - x + x * y) + square(2.25 - x + x * square(y)) + square(2.625 - x + x * pow(y, 3));
}

/// Steps of a rule on Beale's function from (1, 1.5) against a rule written out: step(w, g, t) is the new weight k.
template <class Rule, class F>
void against(Rule rule, F step, optim::Schedule rate = optim::constant(1e-3), int steps = 20) {
  const V w = leaf({1, 1.5});
  optim::Optimizer opt(std::vector<V>{w}, rule);
  std::vector<double> mine{1, 1.5};
  for (int t = 0; t < steps; ++t) {
    const auto g = grad(beale(w), {w})[0];
    const V at = leaf(mine), slope = grad(beale(at), {at})[0];
    opt.options.lr = rate(static_cast<std::size_t>(t));
    opt.zero_grad();
    backward(beale(w));
    opt.step();
    for (std::size_t k = 0; k < 2; ++k) mine[k] = step(k, mine[k], number(slope, k), opt.options.lr);
    CHECK(is(w.value(), mine, 1e-9));
  }
}

}  // namespace

TEST_CASE("lectures: momentum with the rate outside and inside, equal until the rate decays; Nesterov") {
  const double m = 0.9, decay = 0.0005;
  const auto falling = optim::step_decay(1e-3, 5, 0.5);
  // Δw = -∂L - λ w + m Δw, w ← w + η Δw
  std::vector<double> outside{0, 0}, inside{0, 0}, ahead{0, 0};
  const optim::SGD sgd{.momentum = m, .weight_decay = decay};
  against(
      sgd,
      [&](std::size_t k, double w, double g, double eta) {
        outside[k] = -g - decay * w + m * outside[k];
        return w + eta * outside[k];
      },
      falling);
  // m ← α m + λ ∂L, W ← W - m
  against(
      optim::SGD{.momentum = m, .rate_inside = true},
      [&](std::size_t k, double w, double g, double eta) {
        inside[k] = m * inside[k] + eta * g;
        return w - inside[k];
      },
      falling);
  // Nesterov's in the form that is used today: the step looks ahead along m
  against(optim::SGD{.momentum = m, .nesterov = true}, [&](std::size_t k, double w, double g, double eta) {
    ahead[k] = m * ahead[k] + g;
    return w - eta * (g + m * ahead[k]);
  });
  const auto ends = [&](bool rate_inside, const optim::Schedule& rate) {
    const V w = leaf({1, 1.5});
    optim::Optimizer opt(std::vector<V>{w}, optim::SGD{.momentum = m, .rate_inside = rate_inside});
    for (std::size_t t = 0; t < 20; ++t) {
      opt.options.lr = rate(t);
      opt.zero_grad();
      backward(beale(w));
      opt.step();
    }
    return w;
  };
  CHECK(lecture::near(ends(false, optim::constant(1e-3)), ends(true, optim::constant(1e-3)), 1e-9));
  CHECK_FALSE(lecture::near(ends(false, falling), ends(true, falling), 1e-3));
}

TEST_CASE("lectures: AdaGrad, RMSProp, Adam with ε inside the root and without correction; Rprop") {
  std::vector<double> kappa{0, 0}, m{0, 0};
  against(
      optim::Adagrad{.eps = 1e-7, .eps_inside = true},
      [&](std::size_t k, double w, double g, double lambda) {
        kappa[k] += g * g;
        return w - lambda * g / std::sqrt(kappa[k] + 1e-7);
      },
      optim::constant(0.1));
  for (const double zeta : {0.99, 0.9}) {
    kappa = {0, 0};
    against(
        optim::RMSprop{.alpha = zeta, .eps = 1e-7, .eps_inside = true},
        [&](std::size_t k, double w, double g, double lambda) {
          kappa[k] = zeta * kappa[k] + (1 - zeta) * g * g;
          return w - lambda * g / std::sqrt(kappa[k] + 1e-7);
        },
        optim::constant(0.01));
  }
  const double alpha = 0.9, zeta = 0.999;
  kappa = {0, 0};
  against(
      optim::Adam{.beta1 = alpha, .beta2 = zeta, .eps = 1e-7, .bias_correction = false, .eps_inside = true},
      [&](std::size_t k, double w, double g, double lambda) {
        m[k] = alpha * m[k] + (1 - alpha) * g;
        kappa[k] = zeta * kappa[k] + (1 - zeta) * g * g;
        return w - lambda * m[k] / std::sqrt(kappa[k] + 1e-7);
      },
      optim::constant(0.01));
  // by the sign alone: as far wherever the gradient is steep or flat, farther where the sign stays, back to half where it changes
  const V w = leaf({5, 5}), steepness(Array<double>{1e-4, 1e4});
  optim::Optimizer opt(std::vector<V>{w}, optim::Rprop{.lr = 0.1});
  const std::vector<double> path{4.9, 4.78, 4.636};
  for (const double at : path) {
    opt.zero_grad();
    backward(sum(steepness * w));
    opt.step();
    CHECK(is(w.value(), {at, at}, 1e-12));
  }
}

TEST_CASE("lectures: decay of the rate") {
  const auto half = optim::step_decay(0.1, 3, 0.5);
  const auto exponential = optim::exponential(0.1, std::exp(-0.2));
  const auto inverse = optim::inverse_time(0.1, 0.2);
  for (const std::size_t t : {0UL, 1UL, 3UL, 10UL}) {
    const double time = static_cast<double>(t);
    CHECK(half(t) == doctest::Approx(0.1 * std::pow(0.5, std::floor(time / 3))));
    CHECK(exponential(t) == doctest::Approx(0.1 * std::exp(-0.2 * time)));
    CHECK(inverse(t) == doctest::Approx(0.1 / (1 + 0.2 * time)));
  }
}

TEST_CASE("lectures: the defaults of the lecture train: rate 0.01, decay 0.0005, momentum 0.9, leaky ReLU") {
  seed(1);
  nn::Sequential net{nn::Linear<double>(2, 8), nn::LeakyReLU{}, nn::Linear<double>(8, 2)};
  const V x = matrix(2, {0, 0, 0, 1, 1, 0, 1, 1});
  optim::Optimizer opt(nn::parameters(net), optim::SGD{.lr = 0.01, .momentum = 0.9, .weight_decay = 0.0005});
  for (int step = 0; step < 1500; ++step) {
    opt.zero_grad();
    backward(cross_entropy(net(x), {0, 1, 1, 0}));
    opt.step();
  }
  CHECK(number(cross_entropy(net(x), {0, 1, 1, 0})) < 0.1);
}

namespace {
/// w ← w - H⁻¹ g with the exact Hessian, which goes to where the gradient is 0, be it a minimum or not.
V newton(const std::function<V(const V&)>& f, V w, int steps) {
  for (; steps > 0; --steps) w = V((w - solve(hessian(f, w), grad(f(w), {w})[0])).value(), true);
  return w;
}
}  // namespace

TEST_CASE("lectures: Newton's method: one step on a quadratic; a saddle of Beale's function, and its minimum") {
  const V a = matrix(2, {3, 1, 1, 2}), b = leaf({1, -2});
  const auto quadratic = [&](const V& w) { return sum(w * matmul(a, w)) / 2 - sum(b * w); };
  const V one = newton(quadratic, leaf({7, -9}), 1);
  CHECK(lecture::near(one, solve(a, b).detach(), 1e-12));

  const V saddle = newton(beale, leaf({1, 1.5}), 20);
  CHECK(is(saddle.value(), {0, 1}, 1e-9));
  CHECK(number(beale(saddle)) == doctest::Approx(14.203125));
  CHECK(number(det(hessian(beale, saddle))) < 0);  // neither a minimum nor a maximum
  const V minimum = newton(beale, leaf({2.5, 0.3}), 20);
  CHECK(is(minimum.value(), {3, 0.5}, 1e-9));
  // with a line search, which goes down, it does not end there
  for (const auto& found : {optim::minimise(beale, Array<double>{2.5, 0.3}, optim::BFGS{}),
                            optim::minimise(beale, Array<double>{2.5, 0.3}, optim::LBFGS{})})
    CHECK(is(found.x, {3, 0.5}, 1e-5));
}

TEST_CASE("lectures: nearest neighbours, and their number by cross-validation") {
  Generator generator(2);
  const std::size_t n = 60;
  const Labels truth = randint({n}, 0, 2, generator);
  const V centres = matrix(2, {0, 0, 2, 0}), x(index_select(centres, 0, truth).value() + normal<double>({n, 2}, 0, 1, generator));
  // |a - b|² = |a|² - 2 a·b + |b|²
  const V norms = sum(square(x), -1);
  V distances = unsqueeze(norms, 1) - 2 * matmul(x, x, {.transpose_b = true}) + norms;
  distances = distances + V(1e9 * eye<double>(static_cast<std::ptrdiff_t>(n)));  // leave one out: nobody is its own neighbour
  const auto right = [&](int k) {
    const Labels nearest = topk(-distances, k).indices;
    std::size_t count = 0;
    for (std::size_t i = 0; i < n; ++i) {
      int votes = 0;
      for (std::size_t j = 0; j < static_cast<std::size_t>(k); ++j)
        votes += truth(static_cast<std::size_t>(nearest(i, j))) == 1 ? 1 : -1;
      count += (votes > 0) == (truth(i) == 1);
    }
    return count;
  };
  CHECK(right(1) > n / 2);
  CHECK(right(9) > right(1));  // of noisy points one neighbour is a bad adviser
}

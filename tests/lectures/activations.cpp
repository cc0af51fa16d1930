// Activations: linear, logistic, tanh, ReLU and its kin, binarize; saturation.
#include "lecture.hpp"

using namespace lecture;

TEST_CASE("lectures: the logistic function, its slope, and saturation") {
  const V x = leaf({-1, 2, 5});
  CHECK(is(sigmoid(x).value(), {0.26894142, 0.88079708, 0.99330715}, 5e-9));
  CHECK(is(gradient(sigmoid(x), x), {0.19661193, 0.10499359, 0.00664806}, 5e-9));
  const V y = sigmoid(x);
  CHECK(is(gradient(sigmoid(x), x),
           {number(y, 0) * (1 - number(y, 0)), number(y, 1) * (1 - number(y, 1)), number(y, 2) * (1 - number(y, 2))}, 1e-15));
  const auto far = leaf<float>({50, 100, 200});
  CHECK(is(sigmoid(far).value(), {1, 1, 1}));
  CHECK(is(gradient(sigmoid(far), far), {0, 0, 0}, 1e-20));
  // tanh is the logistic function of twice x, stretched
  CHECK(lecture::near(tanh(x), 2 * sigmoid(2 * x) - 1, 1e-15));
  CHECK(is(gradient(tanh(x), x), {1 - std::pow(std::tanh(1), 2), 1 - std::pow(std::tanh(2), 2), 1 - std::pow(std::tanh(5), 2)},
           1e-15));
}

TEST_CASE("lectures: ReLU three ways, leaky ReLU") {
  const V h = leaf({-3, -0.5, 0.25, 2});
  const auto masked = [](const V& v) {  // h[h < 0] = 0
    return masked_fill(v, v < 0, 0);
  };
  const auto product = [](const V& v) {  // h · (h ≥ 0)
    return v * heaviside(v, 1).detach();
  };
  for (const V& y : {relu(h), maximum(h, 0), masked(h), product(h)}) {
    CHECK(is(y.value(), {0, 0, 0.25, 2}));
    CHECK(is(gradient(y, h), {0, 0, 1, 1}));
  }
  CHECK(is(leaky_relu(h, 0.1).value(), {-0.3, -0.05, 0.25, 2}, 1e-15));
  CHECK(is(gradient(leaky_relu(h, 0.1), h), {0.1, 0.1, 1, 1}, 1e-15));
}

TEST_CASE("lectures: binarize passes no gradient, so what is before it does not learn") {
  const V x = matrix(2, {1, -2, 3, 0.5, -1, -1});
  const V w1 = noise({4, 2}, 1), w2 = noise({4, 4}, 2), w3 = noise({3, 4}, 3);
  CHECK(is(heaviside(leaf({-2, 0, 3}), 0).value(), {0, 0, 1}));
  const auto binarize = [](const V& v) { return heaviside(v, 0); };
  const V shallow = linear(binarize(linear(x, w1)), w3), deep = linear(binarize(linear(binarize(linear(x, w1)), w2)), w3);
  for (const V& y : {shallow, deep}) {
    const auto g = grad(cross_entropy(y, {0, 1, 2}), {w1, w3}, {.retain_graph = true});
    CHECK(amax(abs(g[0])).item() == 0);
    CHECK(amax(abs(g[1])).item() > 0);
  }
  CHECK(amax(abs(grad(sum(square(deep)), {w2})[0])).item() == 0);
}

TEST_CASE("lectures: noisy ReLU, and sigmoids in steps, whose sum is nearly softplus") {
  // max(0, x + N(0, σ(x))), the variance (Nair & Hinton 2010)
  const std::size_t n = 200000;
  for (const double at : {-1.0, 0.0, 2.0}) {
    Generator generator(5);
    const V x(full<double>({n}, at), true), noise(normal<double>({n}, 0, 1, generator));
    const V before = x + noise * sqrt(sigmoid(x)), y = relu(before);
    CHECK(number(mean(before)) == doctest::Approx(at).epsilon(0.01));
    CHECK(number(var(before)) == doctest::Approx(1 / (1 + std::exp(-at))).epsilon(0.02));
    CHECK(amin(y).item() == 0);
    // of a sum of many binary units with biases -½, -3/2, …, which share their weights, it is an approximation
    CHECK(number(mean(y)) == doctest::Approx(std::log1p(std::exp(at))).epsilon(0.35));
    CHECK(gradient(y, x).size() == n);
  }
  const auto steps = [](double x) {
    double sum = 0;
    for (int i = 1; i <= 60; ++i) sum += number(sigmoid(V(x - i + 0.5)));
    return sum;
  };
  CHECK(steps(0) == doctest::Approx(0.682569).epsilon(1e-6));
  CHECK(steps(1) == doctest::Approx(1.305029).epsilon(1e-6));
  CHECK(steps(3) == doctest::Approx(3.046745).epsilon(1e-6));
  CHECK(is(softplus(leaf({0, 1, 3})).value(), {0.693147, 1.313262, 3.048587}, 5e-7));
}

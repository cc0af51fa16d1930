// Losses and regularisers.
#include "lecture.hpp"

using namespace lecture;

namespace {

constexpr Reduction none = Reduction::none;

/// The sum of the margins, not divided by the number of classes.
V hinge(const V& scores, const Labels& labels) {
  return multi_margin_loss(scores, labels, {.reduction = none, .per_class = false});
}
V entropy(const V& scores, const Labels& labels) { return cross_entropy(scores, labels, {.reduction = none}); }

}  // namespace

TEST_CASE("lectures: softmax of three scores, and its loss") {
  const V scores = matrix(3, {3.2, 5.1, -1.7});
  CHECK(is(exp(scores).value(), {24.5, 164.0, 0.18}, 0.05));
  CHECK(is(softmax(scores).value(), {0.1300, 0.8690, 0.0010}, 5e-5));
  CHECK(is(entropy(scores, {0}).value(), {2.040355}, 5e-7));
  // with the rounded probability 2.040221; a lecture prints 0.89, which is the logarithm to base ten
  CHECK(-std::log(0.13) == doctest::Approx(2.040221).epsilon(1e-6));
  CHECK(number(-log10(softmax(scores)), 0, 0) == doctest::Approx(0.886).epsilon(1e-3));
  for (const std::size_t classes : {2UL, 10UL, 1000UL})
    CHECK(number(cross_entropy(V(zeros<double>({1, classes})), {1})) == doctest::Approx(std::log(static_cast<double>(classes))));
  CHECK(number(cross_entropy(matrix(2, {100, 0}), {0})) < 1e-40);  // the minimum is 0
  CHECK(number(cross_entropy(matrix(2, {0, 1e6}), {0})) == 1e6);   // there is no maximum
}

TEST_CASE("lectures: ten classes, three images") {
  // airplane automobile bird cat deer dog frog horse ship truck
  const V scores = matrix(10, {-3.45, -8.87, 0.09, 2.9,   4.48,  8.02, 3.78,  1.06,  -0.36, -0.72,   // a cat
                               -0.51, 6.04,  5.31, -4.22, -4.19, 3.58, 4.49,  -4.37, -2.09, -2.93,   // an automobile
                               3.42,  4.64,  2.65, 5.1,   2.64,  5.55, -4.34, -1.5,  -4.79, 6.14});  // a frog
  const Labels labels{3, 1, 6};
  CHECK(is(entropy(scores, labels).value(), {5.16984, 0.57748, 11.29448}, 5e-6));
  CHECK(is(hinge(scores, labels).value(), {10.58, 0.27, 71.91}, 1e-10));
}

TEST_CASE("lectures: the support vector machine's hinge loss and softmax on the same scores") {
  const V scores = matrix(3, {3.2, 5.1, -1.7, 1.3, 4.9, 2.0, 2.2, 2.5, -3.1});
  const Labels labels{0, 1, 2};
  CHECK(is(hinge(scores, labels).value(), {2.9, 0, 12.9}, 1e-14));
  CHECK(is(entropy(scores, labels).value(), {2.040355, 0.079132, 6.156477}, 5e-7));
  // L = 1/N Σ_i Σ_{j ≠ y_i} max(0, f_j - f_{y_i} + Δ) + λ R(W), written out
  const nn::Linear<double> net(4, 3);
  const V x = noise({3, 4}), f = net(x);
  double expected = 0;
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j)
      if (j != i) expected += std::max(0.0, number(f, i, j) - number(f, i, i) + 1) / 3;
  expected += 0.1 * number(sum(square(net.weight)));
  CHECK(number(multi_margin_loss(f, labels, {.per_class = false}) + nn::penalty(net, {.l2 = 0.1})) == doctest::Approx(expected));
  // the library's default is divided by the number of classes, as PyTorch's is
  CHECK(number(multi_margin_loss(scores, labels)) == doctest::Approx(15.8 / 9));
}

TEST_CASE("lectures: two weights with the same score: L2 prefers the spread one, L1 does not care") {
  struct Weight {
    V weight;
  };
  const V x = matrix(4, {1, 1, 1, 1});
  const Weight w1{matrix(4, {1, 0, 0, 0})}, w2{matrix(4, {0.25, 0.25, 0.25, 0.25})};
  CHECK(number(linear(x, w1.weight)) == number(linear(x, w2.weight)));
  CHECK(number(nn::penalty(w1, {.l2 = 1})) == 1);
  CHECK(number(nn::penalty(w2, {.l2 = 1})) == 0.25);
  CHECK(number(nn::penalty(w1, {.l1 = 1})) == 1);
  CHECK(number(nn::penalty(w2, {.l1 = 1})) == 1);
}

TEST_CASE("lectures: L2, L1, elastic net, and the two conventions of weight decay") {
  struct Weight {
    V weight = matrix(2, {2, -3, 0.5, 0});
  } net;
  const double lambda = 0.1, beta = 0.7;
  const auto slope = [&](nn::PenaltyOptions options) { return gradient(nn::penalty(net, options), net.weight); };
  CHECK(is(slope({.l2 = lambda}), {2 * lambda * 2, 2 * lambda * -3, 2 * lambda * 0.5, 0}, 1e-15));  // λ Σ W²: 2 λ W
  CHECK(is(slope({.l1 = lambda}), {lambda, -lambda, lambda, 0}, 1e-15));
  CHECK(number(nn::penalty(net, {.l1 = 1, .l2 = beta})) == doctest::Approx(beta * (4 + 9 + 0.25) + 5.5));  // Σ (β W² + |W|)
  // λ/2 ‖w‖² makes a step of -η λ w, which is what weight_decay = λ adds
  const double eta = 0.01;
  optim::Optimizer opt(nn::parameters(net), optim::SGD{.lr = eta, .weight_decay = lambda});
  backward(0 * sum(net.weight));
  opt.step();
  CHECK(is(net.weight.value(), {2 - eta * lambda * 2, -3 + eta * lambda * 3, 0.5 - eta * lambda * 0.5, 0}, 1e-15));
}

TEST_CASE("lectures: dropout, batch normalisation, local response normalisation by their formulas") {
  Generator generator(3);
  const V x = V(normal<double>({400, 50}, 3, 2, generator), true);
  const V dropped = dropout(x, 0.25, {}, generator);
  std::size_t zero = 0;
  for (std::size_t k = 0; k < x.size(); ++k) {
    const double kept = dropped.value().data()[k];
    zero += kept == 0;
    if (kept != 0) CHECK(kept == doctest::Approx(x.value().data()[k] / 0.75));
    if (k > 200) break;
  }
  CHECK(number(mean(dropped)) == doctest::Approx(3).epsilon(0.03));  // the mean stays
  CHECK(zero > 20);
  CHECK(lecture::near(dropout(x, 0.25, {.training = false}), x));

  const V scale = noise({50}, 1), shift = noise({50}, 2), mu = mean(x, 0), variance = mean(square(x - mu), 0);
  CHECK(lecture::near(batch_norm(x, scale, shift, {}, {}, {.eps = 1e-5}), (x - mu) / sqrt(variance + 1e-5) * scale + shift, 1e-12));

  // Krizhevsky et al.: b_i = a_i / (k + α Σ_{j = i - n/2}^{i + n/2} a_j²)^β, n = 5, k = 2, α = 1e-4, β = 0.75; the library's α is
  // divided by n
  const V a = noise({2, 3, 3, 8});
  const V b = local_response_norm(a, 5, {.alpha = 5e-4, .beta = 0.75, .k = 2});
  for (std::size_t i = 0; i < 8; ++i) {
    double squares = 0;
    for (std::size_t j = i < 2 ? 0 : i - 2; j <= std::min<std::size_t>(7, i + 2); ++j)
      squares += std::pow(a.value()(1, 2, 0, j), 2);
    CHECK(b.value()(1, 2, 0, i) == doctest::Approx(a.value()(1, 2, 0, i) / std::pow(2 + 1e-4 * squares, 0.75)).epsilon(1e-12));
  }
}

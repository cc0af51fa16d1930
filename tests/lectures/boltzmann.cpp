// The restricted Boltzmann machine (Nair & Hinton 2010).
#include "lecture.hpp"

#include "../../models/rbm.hpp"

using namespace lecture;

namespace {

/// Strokes: one row or one column of a square of `side` pixels is on.
Array<float> strokes(std::size_t n, std::size_t side) {
  Array<float> result = zeros<float>({n, side * side});
  const Labels which = randint({n}, 0, static_cast<std::int64_t>(2 * side));
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t k = 0; k < side; ++k) {
      const auto w = static_cast<std::size_t>(which(i));
      result(i, w < side ? w * side + k : k * side + w - side) = 1;
    }
  return result;
}

}  // namespace

TEST_CASE("lectures: a Boltzmann machine's probabilities are those of its energy") {
  // E(v, h) = -b′·v - b·h - v w h, p(v, h) ~ exp(-E), all of it summed up for 3 visible and 2 hidden units
  seed(1);
  models::RBM<double> net(3, 2);
  for (V p : nn::parameters(net)) p.assign(normal<double>(p.shape()));
  const auto energy = [&](std::size_t v, std::size_t h) {
    double e = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      e -= number(net.visible_bias, i) * double(v >> i & 1);
      for (std::size_t j = 0; j < 2; ++j) e -= number(net.weight, i, j) * double(v >> i & 1) * double(h >> j & 1);
    }
    for (std::size_t j = 0; j < 2; ++j) e -= number(net.hidden_bias, j) * double(h >> j & 1);
    return std::exp(-e);
  };
  for (std::size_t v = 0; v < 8; ++v) {
    const V units = matrix(3, {double(v & 1), double(v >> 1 & 1), double(v >> 2 & 1)});
    const double all = energy(v, 0) + energy(v, 1) + energy(v, 2) + energy(v, 3);
    CHECK(number(net.hidden(units), 0, 0) == doctest::Approx((energy(v, 1) + energy(v, 3)) / all));
    CHECK(number(net.hidden(units), 0, 1) == doctest::Approx((energy(v, 2) + energy(v, 3)) / all));
    CHECK(number(exp(-net.free_energy(units)), 0) == doctest::Approx(all));
  }
  for (std::size_t h = 0; h < 4; ++h) {
    double on = 0, all = 0;
    for (std::size_t v = 0; v < 8; ++v) {
      all += energy(v, h);
      if (v & 2) on += energy(v, h);
    }
    CHECK(number(net.visible(matrix(2, {double(h & 1), double(h >> 1)})), 0, 1) == doctest::Approx(on / all));
  }
}

TEST_CASE("lectures: the free energy's gradient is contrastive divergence") {
  seed(2);
  models::RBM<float> net(16, 12);
  for (Variable<float> p : nn::parameters(net)) p.assign(normal<float>(p.shape(), 0, 0.5));
  const Variable<float> data(strokes(20, 4)), recon = net.reconstruct(data);
  const auto g = grad(mean(net.free_energy(data)) - mean(net.free_energy(recon)), nn::parameters(net));
  const auto formula = net.divergence(data, recon);
  for (std::size_t k = 0; k < 3; ++k) {
    CHECK(g[k].shape() == formula[k].shape());
    CHECK(amax(abs(g[k] + formula[k])).item() < 1e-6F);
    CHECK(amax(abs(formula[k])).item() > 1e-3F);
  }
  models::RBM<double> exact(6, 4);
  for (V p : nn::parameters(exact)) p.assign(normal<double>(p.shape()));
  const V v = lecture::noise({3, 6});
  auto inputs = nn::named_parameters(exact);
  inputs.push_back({"v", v});
  const auto report = gradcheck([&] { return exact.free_energy(v); }, inputs, {.order = 2});
  CHECK_MESSAGE(report.ok(), to_string(report));
}

TEST_CASE("lectures: it samples, and learns strokes by contrastive divergence") {
  seed(3);
  const Array<float> half = full<float>({1, 10000}, 0.25F);
  CHECK(mean(Variable<float>(bernoulli(half))).item() == doctest::Approx(0.25).epsilon(0.05));
  models::RBM<float> net(16, 24);
  const Variable<float> test(strokes(100, 4));
  const auto error = [&] { return mse_loss(net.reconstruct(test), test).item(); };
  const double before = error();
  for (int step = 0; step < 1000; ++step) net.learn(Variable<float>(strokes(20, 4)), 0.2);
  MESSAGE("mean squared error of reconstructions: ", before, " before, ", error(), " after");
  CHECK(before > 0.2);
  CHECK(error() < 0.2 * before);
  // it takes strokes for likelier than as many pixels anywhere
  Array<float> scattered = zeros<float>({100, 16});
  for (std::size_t i = 0; i < 100; ++i) {
    const Labels order = permutation(16);
    for (std::size_t k = 0; k < 4; ++k) scattered(i, static_cast<std::size_t>(order(k))) = 1;
  }
  CHECK(mean(net.free_energy(test)).item() < mean(net.free_energy(Variable<float>(scattered))).item() - 1);
}

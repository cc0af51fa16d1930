// Minimisation: problems whose minima are known, and why it stops.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <xgrad/xgrad.hpp>

#include "support.hpp"

namespace xg = xgrad;
using V = xg::Variable<double>;
using namespace xg::optim;
using namespace xgrad_test;

namespace {

const auto rosenbrock = [](const V& x) {  // (1, 1)
  const V a = slice(x, 0, {0, 1}), b = slice(x, 0, {1, 2});
  return sum(100 * square(b - square(a)) + square(1 - a));
};
const auto beale = [](const V& x) {  // (3, 0.5)
  const V a = slice(x, 0, {0, 1}), b = slice(x, 0, {1, 2});
  return sum(square(1.5 - a + a * b) + square(2.25 - a + a * square(b)) + square(2.625 - a + a * b * square(b)));
};

double farthest(const xg::Array<double>& x, const std::vector<double>& wanted) {
  double most = x.size() == wanted.size() ? 0 : std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < x.size(); ++i) most = std::fmax(most, std::abs(x.data()[i] - wanted[i]));
  return most;
}

template <class Method>
void finds(const Method& method, std::size_t most_steps) {
  const auto a = minimise(rosenbrock, xg::Array<double>{-1.2, 1}, method);
  INFO(to_string(a.report));
  CHECK(a.report.converged());
  CHECK(farthest(a.x, {1, 1}) < 1e-5);
  CHECK(a.report.iterations <= most_steps);
  const auto b = minimise(beale, xg::Array<double>{1, 1}, method);
  INFO(to_string(b.report));
  CHECK(b.report.converged());
  CHECK(farthest(b.x, {3, 0.5}) < 1e-5);
  CHECK(b.report.value < 1e-10);
}

}  // namespace

TEST_CASE("the minima of Rosenbrock's and Beale's functions are found") {
  SUBCASE("BFGS") { finds(BFGS{}, 60); }
  SUBCASE("L-BFGS") { finds(LBFGS{}, 80); }
  SUBCASE("L-BFGS with a short memory") { finds(LBFGS{.history = 3}, 80); }
  SUBCASE("Newton") { finds(Newton{}, 40); }
}

TEST_CASE("every step meets the strong Wolfe conditions") {
  // They hold for the step s as for any multiple of the direction: f(x + s) <= f(x) + 1e-4 g.s and |g'.s| <= 0.9 |g.s|.
  const auto check = [](const auto& f, const auto& value, const xg::Array<double>& start, const auto& method, std::size_t least) {
    const auto at = [&](const xg::Array<double>& x) { return xg::value_and_grad(value, V(x)); };
    xg::Array<double> x = start;
    std::size_t steps = 0;
    while (steps < 60) {
      const auto next = minimise(f, start, method, {.max_iter = steps + 1});
      const auto [before, g] = at(x);
      const auto [after, g_next] = at(next.x);
      if (next.report.iterations <= steps || next.report.gradient < 1e-4) break;  // over, or near where rounding decides
      double slope = 0, slope_next = 0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double s = next.x.data()[i] - x.data()[i];
        slope += g.value().data()[i] * s;
        slope_next += g_next.value().data()[i] * s;
      }
      CAPTURE(steps);
      CHECK(slope < 0);
      CHECK(after.item() <= before.item() + 1e-4 * slope);
      CHECK(std::abs(slope_next) <= 0.9 * std::abs(slope) * (1 + 1e-9));
      x = next.x;
      ++steps;
    }
    CHECK(steps >= least);
  };
  for (const xg::Array<double>& start : {xg::Array<double>{-1.2, 1}, xg::Array<double>{3, -7}, xg::Array<double>{0.3, 40}}) {
    check(rosenbrock, rosenbrock, start, BFGS{}, 10);
    check(rosenbrock, rosenbrock, start, LBFGS{.history = 3}, 10);
    check(rosenbrock, rosenbrock, start, Newton{}, 5);
  }
  check(beale, beale, xg::Array<double>{1, 1}, BFGS{}, 5);
  check(beale, beale, xg::Array<double>{-2, 2}, LBFGS{}, 5);
  const auto residuals = [](const V& x) {
    const V a = slice(x, 0, {0, 1}), b = slice(x, 0, {1, 2});
    return concat(std::vector<V>{10 * (b - square(a)), 1 - a}, 0);
  };
  const auto half = [&](const V& x) { return sum(square(residuals(x))) / 2; };
  check(residuals, half, xg::Array<double>{-1.2, 1}, GaussNewton{}, 2);
}

TEST_CASE("one step of Newton's method is enough for a quadratic, on matrices too") {
  const auto f = [](const V& x) {
    return sum(square(x - V(xg::Array<double>{{1, 2}, {3, 4}})) * V(xg::Array<double>{{1, 10}, {100, 1000}}));
  };
  const auto found = minimise(f, xg::Array<double>{{0, 0}, {0, 0}}, Newton{});
  CHECK(found.report.iterations == 1);
  CHECK(found.report.stop == Stop::gradient);
  CHECK(farthest(found.x, {1, 2, 3, 4}) < 1e-12);
  // the Hessian at the start is not positive definite
  const auto wave = minimise([](const V& x) { return sum(cos(x)); }, xg::Array<double>{0.5, -1}, Newton{});
  CHECK(wave.report.converged());
  CHECK(wave.report.value == doctest::Approx(-2));
}

TEST_CASE("Gauss-Newton fits a curve") {
  const V t(xg::Array<double>{0, 1, 2, 3, 4});
  const V data(xg::Array<double>{2, 2 * std::exp(-0.5), 2 * std::exp(-1.0), 2 * std::exp(-1.5), 2 * std::exp(-2.0)});
  const auto residuals = [&](const V& x) { return slice(x, 0, {0, 1}) * exp(-slice(x, 0, {1, 2}) * t) - data; };
  const auto found = minimise(residuals, xg::Array<double>{1, 1}, GaussNewton{});
  INFO(to_string(found.report));
  CHECK(found.report.converged());
  CHECK(farthest(found.x, {2, 0.5}) < 1e-7);
  CHECK(found.report.iterations < 15);
}

TEST_CASE("a network on all of its data, by L-BFGS") {
  xg::seed(3);
  struct Net {
    xg::nn::Linear<double> a{2, 8}, b{8, 1};
    V operator()(const V& x) const { return b(tanh(a(x))); }
  };
  const Net net;
  const V x(xg::Array<double>{{0, 0}, {0, 1}, {1, 0}, {1, 1}}), y(xg::Array<double>(xg::Shape{4, 1}));
  V(y).update([](auto& v) { v(1, 0) = v(2, 0) = 1, v(0, 0) = v(3, 0) = 0; });
  const auto loss = [&] { return mse_loss(net(x), y); };
  const auto report = minimise(loss, xg::nn::parameters(net), LBFGS{}, {.max_iter = 500});
  INFO(to_string(report));
  CHECK(report.converged());
  CHECK(loss().item() == report.value);
  CHECK(report.value < 1e-8);
  for (const V& p : xg::nn::parameters(net)) CHECK_FALSE(p.has_grad());
}

TEST_CASE("minimise says why it stopped") {
  const auto square_of = [](const V& x) { return sum(square(x)); };
  const xg::Array<double> start{3, 4};
  CHECK(minimise(square_of, xg::Array<double>{0, 0}, BFGS{}).report.iterations == 0);
  CHECK(minimise(square_of, start, BFGS{}).report.stop == Stop::gradient);
  CHECK(minimise(rosenbrock, xg::Array<double>{-1.2, 1}, BFGS{}, {.max_iter = 3}).report.stop == Stop::iterations);
  CHECK(minimise([](const V& x) { return sum(log(x)); }, xg::Array<double>{-1}, BFGS{}).report.stop == Stop::not_finite);
  const auto flat =
      minimise([](const V& x) { return sum(square(square(x))); }, start, BFGS{}, {.tolerance_grad = 0, .tolerance_change = 1e-6});
  CHECK(flat.report.stop == Stop::change);
  // a gradient of the wrong sign: nothing along the direction is lower
  const auto wrong = [](const V& x) { return 2 * sum(square(x.detach())) - sum(square(x)); };
  const auto stuck = minimise(wrong, start, BFGS{});
  CHECK(stuck.report.stop == Stop::line_search);
  CHECK(farthest(stuck.x, {3, 4}) == 0);
  CHECK(to_string(stuck.report).find("stopped after 0 iterations") == 0);
  // steps where the function has no value are taken back
  const auto edge = minimise([](const V& x) { return sum(x - log(x)); }, xg::Array<double>{1e-3, 50}, BFGS{});
  CHECK(edge.report.converged());
  CHECK(farthest(edge.x, {1, 1}) < 1e-6);
  // clang-format off
  CHECK(error_of([&] { minimise(square_of, start, BFGS{}, {.tolerance_grad = -1}); }).find("minimise.cpp:" + std::to_string(__LINE__) + ": minimise: tolerance_grad is -1; it must be from 0 up") != std::string::npos);
  CHECK(error_of([&] { minimise(square_of, start, LBFGS{.history = 0}); }).find("history is 0; it must be positive") != std::string::npos);
  CHECK(error_of([&] { minimise([](const V& x) { return square(x); }, start, BFGS{}); }).find("minimise.cpp:" + std::to_string(__LINE__)) != std::string::npos);
  // clang-format on
}

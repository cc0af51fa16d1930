// What holds of every network, on random ones.
//
// XGRAD_GRAPHS=2000 build/tests/properties    that many graphs (the seeds 1, 2, …) instead of 2000
// XGRAD_GRAPH=17 build/tests/properties       the graph with seed 17 alone; where it has a wrong gradient, of which operation
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include <xgrad/xgrad.hpp>

#include "random_graph.hpp"

using namespace xgrad;
using random_graph::Formulas, random_graph::leaves, random_graph::V;

namespace {

const char* alone() { return std::getenv("XGRAD_GRAPH"); }

/// f(seed) for every seed, or for each `step`-th of them.
template <class F>
std::size_t each_graph(F f, std::uint64_t step = 1) {
  const char* many = std::getenv("XGRAD_GRAPHS");
  const std::uint64_t first = alone() ? std::strtoull(alone(), nullptr, 10) : step, last = alone() ? first
                                                                                           : many ? std::strtoull(many, nullptr, 10)
                                                                                                  : 2000;
  REQUIRE(first <= last);
  std::size_t count = 0;
  for (std::uint64_t seed = first; seed <= last; seed += step, ++count) {
    INFO("random graph ", seed, "; XGRAD_GRAPH=", seed, " runs it alone");
    try {
      f(seed);
    } catch (const std::exception& error) {
      FAIL_CHECK(std::string(error.what()));
    }
  }
  return count;
}

double norm_of(const std::vector<V>& x) {
  double sum = 0;
  for (const V& v : x)
    for (const double e : std::span(v.value().data(), v.size())) sum += e * e;
  return std::sqrt(sum);
}
double distance(const std::vector<V>& x, const std::vector<V>& y) {
  REQUIRE(x.size() == y.size());
  std::vector<V> difference;
  const NoGrad no_grad;
  for (std::size_t k = 0; k < x.size(); ++k) difference.push_back(x[k] - y[k]);
  return norm_of(difference);
}

/// A random direction in which all leaves move, of length 1.
std::vector<V> direction(const std::vector<V>& x, std::uint64_t seed) {
  Generator random(seed * 2 + 100001);
  std::vector<V> u;
  for (const V& v : x) {
    Array<double> d(v.shape());
    random.fill_uniform(d, -1, 1);
    u.emplace_back(std::move(d));
  }
  const NoGrad no_grad;
  const double length = norm_of(u);
  for (V& d : u) d = d / length;
  return u;
}
std::vector<V> moved(const std::vector<V>& x, const std::vector<V>& u, double t) {
  std::vector<V> result;
  const NoGrad no_grad;
  for (std::size_t k = 0; k < x.size(); ++k) result.emplace_back(Array<double>((x[k] + t * u[k]).value()), true);
  return result;
}
V product(const std::vector<V>& x, const std::vector<V>& y) {
  V total = 0;
  for (std::size_t k = 0; k < x.size(); ++k) total += sum(x[k] * y[k]);
  return total;
}
std::vector<V> gradient(const V& y, const std::vector<V>& x, bool record = false) {
  return grad(y, x, {.create_graph = record, .allow_unused = true});
}

enum class Verdict { agrees, kink, differs };

/// Holds a derivative of f at 0 against differences over four points, with smaller and smaller steps: where f has a kink (a jump, a
/// tie) close by, one is small enough not to meet it. A kink at the point itself is one where the slopes on the two sides differ,
/// and the derivative is between them. Where f multiplies its rounding so that no two steps agree, differences say nothing.
Verdict verdict(const std::function<double(double)>& f, double analytic, std::string& numbers) {
  const double centre = f(0);
  double left = 0, right = 0, allowed = 0, last = std::numeric_limits<double>::infinity();
  bool settled = false;
  for (double h = 2e-3; h > 1e-7; h /= 6) {
    const double l2 = f(-2 * h), l1 = f(-h), r1 = f(h), r2 = f(2 * h);
    const double numeric = (l2 - r2 + 8 * (r1 - l1)) / (12 * h);
    left = (3 * centre - 4 * l1 + l2) / (2 * h);
    right = (4 * r1 - 3 * centre - r2) / (2 * h);
    const double noise = 100 * std::numeric_limits<double>::epsilon() * std::max(1.0, std::abs(centre)) / h;
    const double size = std::max(std::abs(numeric), std::abs(last)), apart = std::abs(numeric - last);
    const bool close = apart < 1e-3 * size;
    settled = settled || close || size < noise;
    // no more can be asked of the agreement with a third number than two steps have with each other
    allowed = 1e-6 * std::max(std::abs(numeric), std::abs(analytic)) + noise + (close ? 3 * apart : 0);
    if (std::abs(numeric - analytic) <= allowed) return Verdict::agrees;
    numbers += " " + std::to_string(numeric);
    last = numeric;
  }
  const auto [low, high] = std::minmax(left, right);
  numbers += ", from the left " + std::to_string(left) + ", from the right " + std::to_string(right);
  const bool between = analytic >= low - allowed && analytic <= high + allowed;
  return !settled || (between && high - low > 4 * allowed) ? Verdict::kink : Verdict::differs;
}

/// The first operation in the graph whose own result has a wrong gradient.
std::string first_wrong(std::uint64_t seed, const std::vector<V>& x, const std::vector<V>& u) {
  const auto all = random_graph::results(seed, x);
  for (std::size_t k = 0; k < all.size(); ++k) {
    Array<double> weights(all[k].value.shape());
    Generator(k).fill_uniform(weights, -1, 1);
    const V y = sum(all[k].value * weights);
    const double analytic = y.requires_grad() ? product(grad(y, x, {.retain_graph = true, .allow_unused = true}), u).item() : 0;
    std::string numbers;
    const auto f = [&](double t) { return sum(random_graph::results(seed, moved(x, u, t))[k].value * weights).item(); };
    if (verdict(f, analytic, numbers) == Verdict::differs)
      return "the first wrong gradient is that of result " + std::to_string(k) + ", " + all[k].operation + " " +
             to_string(all[k].value.shape()) + ": " + std::to_string(analytic) + ", by differences" + numbers;
  }
  return "no single result has a wrong gradient";
}

/// Counts kinks among graphs; too many of them would prove nothing.
struct Kinks {
  std::size_t count = 0;
  void judge(Verdict v, double analytic, const std::string& numbers) {
    count += v == Verdict::kink;
    CHECK_MESSAGE(v != Verdict::differs, "the derivative is ", analytic, ", by differences", numbers);
  }
  void conclude(std::size_t graphs) const {
    MESSAGE(graphs, " graphs, ", count, " of them left out: they have a kink there, or multiply their rounding");
    if (!alone()) CHECK(count * 100 <= graphs);
  }
};

}  // namespace

TEST_CASE("properties: gradients are those of differences") {
  Kinks kinks;
  kinks.conclude(each_graph([&](std::uint64_t seed) {
    const std::vector<V> x = leaves(seed), u = direction(x, seed);
    const double analytic = product(gradient(random_graph::run(seed, x), x), u).item();
    std::string numbers;
    const auto f = [&](double t) {
      const NoGrad no_grad;
      return random_graph::run(seed, moved(x, u, t)).item();
    };
    const Verdict found = verdict(f, analytic, numbers);
    if (found == Verdict::differs) MESSAGE(first_wrong(seed, x, u));
    kinks.judge(found, analytic, numbers);
  }));
}

TEST_CASE("properties: second derivatives are those of differences of gradients") {
  Kinks kinks;
  kinks.conclude(each_graph(
      [&](std::uint64_t seed) {
        const std::vector<V> x = leaves(seed), u = direction(x, seed), w = direction(x, seed + 1);
        const V slope = product(gradient(random_graph::run(seed, x), x, true), w);
        const double analytic = slope.requires_grad() ? product(gradient(slope, x), u).item() : 0;
        std::string numbers;
        const auto f = [&](double t) {
          const std::vector<V> at = moved(x, u, t);
          return product(gradient(random_graph::run(seed, at), at), w).item();
        };
        kinks.judge(verdict(f, analytic, numbers), analytic, numbers);
      },
      2));
}

TEST_CASE("properties: backward is grad, and recording the gradient changes nothing") {
  each_graph([&](std::uint64_t seed) {
    const std::vector<V> x = leaves(seed);
    const V y = random_graph::run(seed, x);
    const std::vector<V> plain = grad(y, x, {.retain_graph = true, .allow_unused = true}), recorded = gradient(y, x, true);
    backward(y);
    std::vector<V> left;
    for (const V& v : x) left.emplace_back(v.has_grad() ? Array<double>(v.grad()) : zeros<double>(v.shape()));
    CHECK(distance(left, plain) == 0);
    CHECK(distance(recorded, plain) <= 1e-7 * (1 + norm_of(plain)));  // other kernels round otherwise, and graphs may multiply that
  });
}

TEST_CASE("properties: formulas that run as programs are their replay on Variables") {
  each_graph([&](std::uint64_t seed) {
    const std::vector<V> x = leaves(seed);
    const V y = random_graph::run(seed, x), z = random_graph::run(seed, x, Formulas::replayed);
    CHECK(std::abs(y.item() - z.item()) <= 1e-10 * (1 + std::abs(y.item())));
    const std::vector<V> g = gradient(y, x);
    CHECK(distance(gradient(z, x), g) <= 1e-9 * (1 + norm_of(g)));
  });
}

TEST_CASE("properties: results do not depend on the number of threads beyond rounding") {
  const int before = num_threads();
  each_graph(
      [&](std::uint64_t seed) {
        const std::vector<V> x = leaves(seed, true);
        REQUIRE(x[0].size() > parallel_threshold);
        std::vector<std::vector<V>> results;
        for (const int threads : {1, 2, 3, 3}) {
          set_num_threads(threads);
          const V y = random_graph::run(seed, x);
          results.push_back(gradient(y, x));
          results.back().push_back(y.detach());
        }
        for (const auto& result : results) CHECK(distance(result, results[0]) <= 1e-10 * (1 + norm_of(results[0])));
        CHECK(distance(results[2], results[3]) == 0);  // the same number of threads, the same bits
      },
      25);
  set_num_threads(before);
}

TEST_CASE("properties: the graphs have every operation in them") {
  std::set<std::string> left = random_graph::all_operations();
  each_graph([&](std::uint64_t seed) {
    for (const auto& result : random_graph::results(seed, leaves(seed))) left.erase(result.operation);
  });
  if (!alone())
    for (const std::string& name : left) FAIL_CHECK((name + " is in no graph"));
}

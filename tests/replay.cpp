// A formula runs as one program, and its derivatives are programs made from it. Here the same formula is replayed on Variables,
// a node per primitive, and differentiated by the graph: two ways to the same values, gradients and second derivatives.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <xgrad/xgrad.hpp>

#include "replay.hpp"

using namespace xgrad;
using replay_test::random_formula, replay_test::replayed, replay_test::V;

namespace {

std::vector<V> random_leaves(std::size_t n, std::uint64_t seed, double low = -2, double high = 2) {
  Generator generator(seed);
  std::vector<V> x;
  for (std::size_t k = 0; k < n; ++k) {
    Array<double> value(Shape{19});
    generator.fill_uniform(value, low, high);
    x.emplace_back(std::move(value), true);
  }
  return x;
}

bool close(const V& got, const V& expected) {
  for (std::size_t k = 0; k < expected.size(); ++k) {
    const double g = got.value().data()[got.size() == 1 ? 0 : k], e = expected.value().data()[k];
    if (!(std::abs(g - e) <= 1e-10 * (1 + std::abs(e)))) {
      MESSAGE("element ", k, " is ", g, ", expected ", e);
      return false;
    }
  }
  return true;
}

/// Value, gradients and gradients of a function of the gradients.
std::vector<V> derivatives(const V& y, const std::vector<V>& x) {
  std::vector<V> result{y};
  if (!y.requires_grad()) return result;
  V second = 0;
  for (const V& g : grad(sum(tanh(y)), x, {.create_graph = true, .allow_unused = true})) {
    result.push_back(g);
    second += sum(square(g));
  }
  if (second.requires_grad())
    for (const V& g : grad(second, x, {.allow_unused = true})) result.push_back(g);
  return result;
}
template <std::size_t N, class F>
void check(const std::string& what, const F& f, std::vector<V> x) {
  const Program traced = trace<N>(f);
  const auto formula = elementwise("formula", f);
  const auto call = [&]<std::size_t... I>(std::index_sequence<I...>) { return formula(x[I]...); };
  const V y = call(std::make_index_sequence<N>());
  const auto fused = derivatives(y, x);
  for (const Program& program : {traced, optimise(traced)}) {
    const auto graph = derivatives(replayed(program, x), x);
    bool same = fused.size() == graph.size();
    for (std::size_t k = 0; same && k < fused.size(); ++k) same = close(graph[k], fused[k]);
    CHECK_MESSAGE(same, what, ": ", to_string(program));
  }
}

}  // namespace

TEST_CASE("replay: the formulas of the library's operations") {
  const auto x1 = random_leaves(1, 1), positive = random_leaves(1, 2, 0.2, 3), x2 = random_leaves(2, 3);
  const auto one = [&](const char* what, const auto& f) { check<1>(what, f, x1); };
  const auto two = [&](const char* what, const auto& f) { check<2>(what, f, x2); };
  one("neg", [](auto a) { return -a; });
  one("abs", [](auto a) { return abs(a); });
  one("square", [](auto a) { return square(a); });
  check<1>(
      "sqrt", [](auto a) { return sqrt(a); }, positive);
  check<1>(
      "log", [](auto a) { return log(a); }, positive);
  one("exp", [](auto a) { return exp(a); });
  one("relu", [](auto a) { return relu(a); });
  one("sigmoid", [](auto a) { return sigmoid(a); });
  one("tanh", [](auto a) { return tanh(a); });
  two("add", [](auto a, auto b) { return a + b; });
  two("sub", [](auto a, auto b) { return a - b; });
  two("mul", [](auto a, auto b) { return a * b; });
  two("div", [](auto a, auto b) { return a / b; });
  two("maximum", [](auto a, auto b) { return maximum(a, b); });
  two("minimum", [](auto a, auto b) { return minimum(a, b); });
  two("mse_loss", [](auto a, auto b) { return square(a - b); });
  check<3>(
      "where", [](auto a, auto b, auto c) { return where(a != 0, b, c); }, random_leaves(3, 4));
}

TEST_CASE("replay: random formulas") {
  for (std::uint64_t seed = 1; seed <= 150; ++seed)
    check<3>(
        "seed " + std::to_string(seed),
        [&](auto a, auto b, auto c) {
          Generator generator(seed);
          return random_formula(generator, a, b, c);
        },
        random_leaves(3, seed));
}

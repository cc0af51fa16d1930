// A formula runs as one program, and its derivatives are programs made from it. Here the same formula is replayed on Variables,
// a node per primitive, and differentiated by the graph: two ways to the same values, gradients and second derivatives.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <xgrad/xgrad.hpp>

#include "../src/graph/program.hpp"

using namespace xgrad;

namespace {

using V = Variable<double>;
using Operands = std::span<const V>;

/// One node for one primitive.
V primitive_node(Primitive op, Operands x) {
  using P = Primitive;
  using Call = std::function<V(Operands)>;
  const auto one = [](auto f) -> Call { return [f = elementwise("one", f)](Operands v) { return f(v[0]); }; };
  const auto two = [](auto f) -> Call { return [f = elementwise("two", f)](Operands v) { return f(v[0], v[1]); }; };
  const auto three = [](auto f) -> Call { return [f = elementwise("three", f)](Operands v) { return f(v[0], v[1], v[2]); }; };
  static const std::map<Primitive, Call> nodes{
      {P::neg, one([](auto a) { return -a; })},
      {P::abs, one([](auto a) { return abs(a); })},
      {P::sign, one([](auto a) { return sign(a); })},
      {P::square, one([](auto a) { return square(a); })},
      {P::sqrt, one([](auto a) { return sqrt(a); })},
      {P::rsqrt, one([](auto a) { return rsqrt(a); })},
      {P::reciprocal, one([](auto a) { return reciprocal(a); })},
      {P::exp, one([](auto a) { return exp(a); })},
      {P::expm1, one([](auto a) { return expm1(a); })},
      {P::log, one([](auto a) { return log(a); })},
      {P::log1p, one([](auto a) { return log1p(a); })},
      {P::sin, one([](auto a) { return sin(a); })},
      {P::cos, one([](auto a) { return cos(a); })},
      {P::tanh, one([](auto a) { return tanh(a); })},
      {P::sigmoid, one([](auto a) { return sigmoid(a); })},
      {P::relu, one([](auto a) { return relu(a); })},
      {P::softplus, one([](auto a) { return softplus(a); })},
      {P::tan, one([](auto a) { return tan(a); })},
      {P::atan, one([](auto a) { return atan(a); })},
      {P::sinh, one([](auto a) { return sinh(a); })},
      {P::cosh, one([](auto a) { return cosh(a); })},
      {P::asinh, one([](auto a) { return asinh(a); })},
      {P::erf, one([](auto a) { return erf(a); })},
      {P::logical_not, one([](auto a) { return where(a != 0, 0, 1); })},
      {P::add, two([](auto a, auto b) { return a + b; })},
      {P::sub, two([](auto a, auto b) { return a - b; })},
      {P::mul, two([](auto a, auto b) { return a * b; })},
      {P::div, two([](auto a, auto b) { return a / b; })},
      {P::maximum, two([](auto a, auto b) { return maximum(a, b); })},
      {P::minimum, two([](auto a, auto b) { return minimum(a, b); })},
      {P::pow, two([](auto a, auto b) { return pow(a, b); })},
      {P::hypot, two([](auto a, auto b) { return hypot(a, b); })},
      {P::atan2, two([](auto a, auto b) { return atan2(a, b); })},
      {P::less, two([](auto a, auto b) { return where(a < b, 1, 0); })},
      {P::less_equal, two([](auto a, auto b) { return where(a <= b, 1, 0); })},
      {P::equal, two([](auto a, auto b) { return where(a == b, 1, 0); })},
      {P::not_equal, two([](auto a, auto b) { return where(a != b, 1, 0); })},
      {P::logical_and, two([](auto a, auto b) { return where(a != 0 && b != 0, 1, 0); })},
      {P::logical_or, two([](auto a, auto b) { return where(a != 0 || b != 0, 1, 0); })},
      {P::where, three([](auto a, auto b, auto c) { return where(a != 0, b, c); })},
      {P::clamp, three([](auto a, auto b, auto c) { return clamp(a, b, c); })},
      {P::fma, three([](auto a, auto b, auto c) { return a * b + c; })},
      {P::fms, three([](auto a, auto b, auto c) { return a * b - c; })},
      {P::fnma, three([](auto a, auto b, auto c) { return c - a * b; })},
  };
  REQUIRE_MESSAGE(nodes.contains(op), name(op), " has no entry in the table of replayed primitives");
  return nodes.at(op)(x);
}

V replayed(const Program& program, const std::vector<V>& x) {
  return replay<V>(program, x, [](const Instr& instr, Operands operands) {
    return instr.op == Primitive::constant ? V(instr.constant) : primitive_node(instr.op, operands);
  });
}

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

/// A program of random operations that stays finite and, with it, differentiable nearly everywhere.
Sym random_formula(Generator& generator, Sym a, Sym b, Sym c) {
  std::vector<Sym> values{a, b, c};
  const auto any = [&] { return values[generator.below(values.size())]; };
  for (std::size_t n = 4 + generator.below(10); n > 0; --n) {
    const Sym u = any(), v = any(), w = any();
    switch (generator.below(28)) {
      case 0:
        values.push_back(u + v);
        break;
      case 1:
        values.push_back(u - v);
        break;
      case 2:
        values.push_back(tanh(u) * v);
        break;
      case 3:
        values.push_back(u / (1 + square(v)));
        break;
      case 4:
        values.push_back(maximum(u, v));
        break;
      case 5:
        values.push_back(minimum(u, 0.5 * v));
        break;
      case 6:
        values.push_back(where(u < v, v, w));
        break;
      case 7:
        values.push_back(where(u <= 0 || !(v > w), u * 2, w));
        break;
      case 8:
        values.push_back(clamp(u, -1.5, tanh(v) + 2));
        break;
      case 9:
        values.push_back(sin(u));
        break;
      case 10:
        values.push_back(cos(u) * 0.7);
        break;
      case 11:
        values.push_back(sigmoid(u) - 0.25);
        break;
      case 12:
        values.push_back(relu(u));
        break;
      case 13:
        values.push_back(abs(u));
        break;
      case 14:
        values.push_back(exp(-square(u)));
        break;
      case 15:
        values.push_back(log1p(square(u)));
        break;
      case 16:
        values.push_back(log(1 + abs(u)));
        break;
      case 17:
        values.push_back(sqrt(square(u) + 0.5));
        break;
      case 18:
        values.push_back(rsqrt(1 + square(v)) * w);
        break;
      case 19:
        values.push_back(expm1(sin(u)));
        break;
      case 20:
        values.push_back(pow(tanh(u), 3) + sign(v) * w);
        break;
      case 21:
        values.push_back(softplus(u) - v);
        break;
      case 22:
        values.push_back(erf(u) * v);
        break;
      case 23:
        values.push_back(atan(u) + sinh(tanh(v)));
        break;
      case 24:
        values.push_back(pow(1.5 + tanh(u), tanh(v)));
        break;
      case 25:
        values.push_back(hypot(u, 1 + square(v)) - w);
        break;
      case 26:
        values.push_back(atan2(u, 1 + square(v)) + asinh(w) - cosh(tanh(u)));
        break;
      default:
        values.push_back(tanh(u) * tanh(v) - w + tan(tanh(w)));
        break;
    }
  }
  return values.back();
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

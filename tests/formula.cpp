// Formula programs: recording, optimising, differentiating and running them.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <xgrad/core/parallel.hpp>
#include <xgrad/core/random.hpp>
#include <xgrad/core/shape.hpp>

#include "../src/formula/program.hpp"
#include "../src/kernels/table.hpp"

using namespace xgrad;

namespace {

template <class T>
using Arrays = std::vector<Array<T>>;

// Folds constants, so it calls a kernel before main.
const Program traced_before_main = trace<1>([](auto x) {
  const Sym two(x.program(), x.program()->constant(2));
  return x * exp(two);
});

template <class T>
Array<T> random_array(const Shape& shape, double low = -2, double high = 2, std::uint64_t seed = 1) {
  Generator generator(seed);
  Array<T> result(shape);
  generator.fill_uniform(result, low, high);
  return result;
}

template <class T>
Array<T> array_of(const std::vector<double>& values) {
  Array<T> result(Shape{values.size()});
  std::transform(values.begin(), values.end(), result.data(), [](double x) { return static_cast<T>(x); });
  return result;
}

template <class T>
Array<T> evaluate(const Program& program, const Shape& shape, const Arrays<T>& inputs) {
  std::vector<ProgramInput<T>> operands;
  for (const Array<T>& input : inputs) operands.push_back({input.data(), &input.shape()});
  Array<T> result(shape);
  run<T>(program, result.data(), shape, operands);
  return result;
}
template <class T>
Array<T> evaluate(const Program& program, const Arrays<T>& inputs) {
  return evaluate(program, inputs[0].shape(), inputs);
}

bool same(double a, double b) { return (std::isnan(a) && std::isnan(b)) || a == b; }

/// Distance in units of the last place of `want`, as a T.
template <class T>
double ulps(T got, double want) {
  if (same(got, want) || same(got, static_cast<T>(want))) return 0;
  const double unit = std::max<double>(
      std::nextafter(std::abs(static_cast<T>(want)), std::numeric_limits<T>::infinity()) - std::abs(static_cast<T>(want)),
      std::numeric_limits<T>::min() * std::numeric_limits<T>::epsilon());
  return std::abs(got - want) / unit;
}

std::size_t count(const Program& program, Primitive op) {
  return static_cast<std::size_t>(
      std::count_if(program.code.begin(), program.code.end(), [&](const xgrad::detail::Instr& i) { return i.op == op; }));
}

struct Unary {
  std::string name;
  Program program;
  double (*reference)(double);
  double low, high;
  double max_ulps = 0;
  bool smooth = true;
};

const std::vector<Unary>& unaries() {
  // clang-format off
  static const std::vector<Unary> table{
      {"neg", trace<1>([](auto x) { return -x; }), [](double x) { return -x; }, -9, 9},
      {"abs", trace<1>([](auto x) { return abs(x); }), [](double x) { return std::abs(x); }, 0.1, 9},
      {"abs of negative", trace<1>([](auto x) { return abs(x); }), [](double x) { return std::abs(x); }, -9, -0.1},
      {"sign", trace<1>([](auto x) { return sign(x); }), [](double x) { return x > 0 ? 1. : x < 0 ? -1. : x; }, 0.1, 9},
      {"square", trace<1>([](auto x) { return square(x); }), [](double x) { return x * x; }, -9, 9},
      {"sqrt", trace<1>([](auto x) { return sqrt(x); }), [](double x) { return std::sqrt(x); }, 0.1, 9},
      {"rsqrt", trace<1>([](auto x) { return rsqrt(x); }), [](double x) { return 1 / std::sqrt(x); }, 0.1, 9, 1.5},
      {"reciprocal", trace<1>([](auto x) { return reciprocal(x); }), [](double x) { return 1 / x; }, 0.2, 9},
      {"exp", trace<1>([](auto x) { return exp(x); }), [](double x) { return std::exp(x); }, -80, 80, 3},
      {"expm1", trace<1>([](auto x) { return expm1(x); }), [](double x) { return std::expm1(x); }, -5, 5, 3},
      {"log", trace<1>([](auto x) { return log(x); }), [](double x) { return std::log(x); }, 0.1, 99, 3},
      {"log1p", trace<1>([](auto x) { return log1p(x); }), [](double x) { return std::log1p(x); }, -0.9, 9, 3},
      {"sin", trace<1>([](auto x) { return sin(x); }), [](double x) { return std::sin(x); }, -9, 9, 3},
      {"cos", trace<1>([](auto x) { return cos(x); }), [](double x) { return std::cos(x); }, -9, 9, 3},
      {"sin of large", trace<1>([](auto x) { return sin(x); }), [](double x) { return std::sin(x); }, 1e6, 1e9, 3, false},
      {"cos of large", trace<1>([](auto x) { return cos(x); }), [](double x) { return std::cos(x); }, 1e6, 1e9, 3, false},
      {"tanh", trace<1>([](auto x) { return tanh(x); }), [](double x) { return std::tanh(x); }, -5, 5, 3},
      {"sigmoid", trace<1>([](auto x) { return sigmoid(x); }), [](double x) { return 1 / (1 + std::exp(-x)); }, -20, 20, 5},
      {"relu", trace<1>([](auto x) { return relu(x); }), [](double x) { return x <= 0 ? 0 : x; }, 0.1, 9},
      {"relu of negative", trace<1>([](auto x) { return relu(x); }), [](double x) { return x <= 0 ? 0 : x; }, -9, -0.1},
      {"pow 5", trace<1>([](auto x) { return pow(x, 5); }), [](double x) { return std::pow(x, 5); }, -3, 3, 4},
      {"pow -3", trace<1>([](auto x) { return pow(x, -3); }), [](double x) { return std::pow(x, -3); }, 0.3, 3, 4},
      {"pow 0", trace<1>([](auto x) { return pow(x, 0); }), [](double) { return 1.; }, -3, 3},
  };
  // clang-format on
  return table;
}

struct Many {
  std::string name;
  Program program;
  std::function<double(const std::vector<double>&)> reference;
};

/// Primitives of two and three operands, and compositions.
const std::vector<Many>& formulas() {
  using V = const std::vector<double>&;
  // clang-format off
  static const std::vector<Many> table{
      {"add", trace<2>([](auto a, auto b) { return a + b; }), [](V v) { return v[0] + v[1]; }},
      {"sub", trace<2>([](auto a, auto b) { return a - b; }), [](V v) { return v[0] - v[1]; }},
      {"mul", trace<2>([](auto a, auto b) { return a * b; }), [](V v) { return v[0] * v[1]; }},
      {"div", trace<2>([](auto a, auto b) { return a / (b + 3); }), [](V v) { return v[0] / (v[1] + 3); }},
      {"maximum", trace<2>([](auto a, auto b) { return maximum(a, b); }), [](V v) { return std::max(v[0], v[1]); }},
      {"minimum", trace<2>([](auto a, auto b) { return minimum(a, b); }), [](V v) { return std::min(v[0], v[1]); }},
      {"less", trace<2>([](auto a, auto b) { return where(a < b, 1, 0); }), [](V v) { return v[0] < v[1] ? 1. : 0.; }},
      {"where", trace<3>([](auto a, auto b, auto c) { return where(a >= 0, b, c); }), [](V v) { return v[0] >= 0 ? v[1] : v[2]; }},
      {"logic", trace<2>([](auto a, auto b) { return where((a > 0 && !(b > 0)) || b > 1, a, 2 * b); }),
       [](V v) { return (v[0] > 0 && !(v[1] > 0)) || v[1] > 1 ? v[0] : 2 * v[1]; }},
      {"equalities", trace<2>([](auto a, auto b) { return where(a == b, 1, where(a != 0, a, b)) + where(0 == b || not_equal(a, b), b, 7); }),
       [](V v) { return (v[0] == v[1] ? 1 : v[0] != 0 ? v[0] : v[1]) + (v[1] == 0 || v[0] != v[1] ? v[1] : 7); }},
      {"clamp", trace<3>([](auto x, auto l, auto h) { return clamp(x, l * 0.2 - 1, h * 0.2 + 1); }),
       [](V v) { return std::min(std::max(v[0], v[1] * 0.2 - 1), v[2] * 0.2 + 1); }},
      {"clamp to numbers", trace<1>([](auto x) { return clamp(x, -1, 1.5) * x; }), [](V v) { return std::clamp(v[0], -1., 1.5) * v[0]; }},
      {"fma", trace<3>([](auto a, auto b, auto c) { return a * b + c; }), [](V v) { return v[0] * v[1] + v[2]; }},
      {"fms", trace<3>([](auto a, auto b, auto c) { return a * b - c; }), [](V v) { return v[0] * v[1] - v[2]; }},
      {"fnma", trace<3>([](auto a, auto b, auto c) { return c - a * b; }), [](V v) { return v[2] - v[0] * v[1]; }},
      {"softsign", trace<1>([](auto x) { return x / (1 + abs(x)); }), [](V v) { return v[0] / (1 + std::abs(v[0])); }},
      {"gelu", trace<1>([](auto x) { return 0.5 * x * (1 + tanh(0.797885 * (x + 0.044715 * x * x * x))); }),
       [](V v) { return 0.5 * v[0] * (1 + std::tanh(0.797885 * (v[0] + 0.044715 * v[0] * v[0] * v[0]))); }},
      {"silu with a local", trace<1>([](auto x) { auto s = 1 / (1 + exp(-x)); return x * s; }), [](V v) { return v[0] / (1 + std::exp(-v[0])); }},
      {"loop", trace<2>([](auto x, auto y) { auto s = x; for (int k = 1; k < 6; ++k) { s *= x / k; s += y; } s -= 1; s /= 7; return s; }),
       [](V v) { double s = v[0]; for (int k = 1; k < 6; ++k) s = s * (v[0] / k) + v[1]; return (s - 1) / 7; }},
      {"result is used inside", trace<2>([](auto x, auto y) { auto e = exp(x * y); auto dead = log(e); (void)dead; return e; }),
       [](V v) { return std::exp(v[0] * v[1]); }},
      {"hypot", trace<2>([](auto x, auto y) { return sqrt(square(x) + square(y) + 1); }), [](V v) { return std::sqrt(v[0] * v[0] + v[1] * v[1] + 1); }},
      {"quotient of its own", trace<2>([](auto x, auto y) { return exp(x) / (exp(x) + exp(y)); }), [](V v) { return std::exp(v[0]) / (std::exp(v[0]) + std::exp(v[1])); }},
      {"identity", trace<2>([](auto, auto y) { return y; }), [](V v) { return v[1]; }},
      {"number", trace<1>([](auto) { return 3; }), [](V) { return 3.; }},
  };
  // clang-format on
  return table;
}

Arrays<double> random_inputs(const Program& program, std::size_t n) {
  Arrays<double> inputs;
  for (std::size_t k = 0; k < program.inputs; ++k) inputs.push_back(random_array<double>(Shape{n}, -2, 2, 10 + k));
  return inputs;
}

/// Runs a derivative on what it reads of (g, x..., y).
Array<double> evaluate(const Derivative& d, const Array<double>& g, const Arrays<double>& x, const Array<double>& y) {
  Arrays<double> inputs;
  for (std::size_t k : d.reads) inputs.push_back(k == 0 ? g : k <= x.size() ? x[k - 1] : y);
  return evaluate(d.program, g.shape(), inputs);
}

/// Slope of `f` along input k by the four-point stencil.
Array<double> slope(const std::function<Array<double>(const Arrays<double>&)>& f, Arrays<double> x, std::size_t k) {
  const double h = 1e-3;
  const Array<double> x0 = x[k];
  const auto at = [&](double step) {
    for (std::size_t i = 0; i < x0.size(); ++i) x[k].data()[i] = x0.data()[i] + step;
    return f(x);
  };
  const Array<double> p2 = at(2 * h), p1 = at(h), m1 = at(-h), m2 = at(-2 * h);
  Array<double> result(p1.shape());
  for (std::size_t i = 0; i < result.size(); ++i)
    result.data()[i] = (8 * (p1.data()[i] - m1.data()[i]) - (p2.data()[i] - m2.data()[i])) / (12 * h);
  return result;
}

/// Entries that differ by more than finite differences excuse. At a kink in reach of the stencil they may.
std::size_t mismatches(const Array<double>& got, const Array<double>& want, double tolerance) {
  std::size_t bad = 0;
  for (std::size_t i = 0; i < got.size(); ++i)
    if (!(std::abs(got.data()[i] - want.data()[i]) <= tolerance * (1 + std::abs(want.data()[i])))) ++bad;
  return bad;
}

/// First and second derivatives against finite differences.
void check_derivatives(const Program& program, const Arrays<double>& x, std::size_t may_miss) {
  const Array<double> g = random_array<double>(x[0].shape(), -1, 1, 77), one = ones<double>(x[0].shape());
  const auto value = [&](const Arrays<double>& at) { return evaluate(program, at); };
  const Array<double> y = value(x);
  for (std::size_t k = 0; k < x.size(); ++k) {
    const Derivative d = differentiate(program, k);
    const auto first = [&](const Arrays<double>& at) { return evaluate(d, g, at, value(at)); };
    Array<double> want = slope(value, x, k);
    for (std::size_t i = 0; i < want.size(); ++i) want.data()[i] *= g.data()[i];
    CHECK(mismatches(first(x), want, 1e-8) <= may_miss);

    // The total change of d(g, x, y(x)) along x[j]: through x[j] itself and through y.
    Arrays<double> d_inputs;
    for (std::size_t r : d.reads) d_inputs.push_back(r == 0 ? g : r <= x.size() ? x[r - 1] : y);
    for (std::size_t j = 0; j < x.size(); ++j) {
      Array<double> second = zeros<double>(g.shape());
      const Array<double> dy = evaluate(differentiate(program, j), one, x, y);
      for (std::size_t r = 0; r < d.reads.size(); ++r) {
        if (d.reads[r] != 1 + j && d.reads[r] != 1 + x.size()) continue;
        const Array<double> part = evaluate(differentiate(d.program, r), one, d_inputs, first(x));
        for (std::size_t i = 0; i < part.size(); ++i) second.data()[i] += part.data()[i] * (d.reads[r] == 1 + j ? 1 : dy.data()[i]);
      }
      CHECK(mismatches(second, slope(first, x, j), 1e-7) <= may_miss);
    }
  }
}

template <class T>
void check_unary(const Unary& u) {
  for (std::size_t n : std::vector<std::size_t>{1, 2, 15, 16, 17, 63, 64, 1023, 1025, 6145}) {
    const Array<T> x = random_array<T>(Shape{n}, u.low, u.high, n);
    const Array<T> y = evaluate<T>(u.program, {x});
    double worst = 0;
    for (std::size_t i = 0; i < n; ++i) worst = std::max(worst, ulps(y(i), u.reference(static_cast<double>(x(i)))));
    CHECK_MESSAGE(worst <= u.max_ulps + 0.5, u.name, " n = ", n, ": ", worst, " ulp");
  }
}

}  // namespace

TEST_CASE("formula: values of every primitive of one operand") {
  MESSAGE("kernels of level ", std::string(kernels::level_name()));
  for (const Unary& u : unaries()) {
    CAPTURE(u.name);
    check_unary<double>(u);
    check_unary<float>(u);
  }
}

TEST_CASE("formula: values of the others, float agrees with double") {
  for (const Many& m : formulas()) {
    CAPTURE(m.name);
    for (const Program& program : {m.program, optimise(m.program)}) {
      const Arrays<double> x = random_inputs(program, 1000);
      const Array<double> y = evaluate(program, x);
      Arrays<float> xf;
      for (const auto& a : x) xf.emplace_back(xt::cast<float>(a));
      const Array<float> yf = evaluate(program, xf);
      std::size_t bad = 0, bad_float = 0;
      for (std::size_t i = 0; i < y.size(); ++i) {
        std::vector<double> v;
        for (const auto& a : x) v.push_back(a(i));
        const double want = m.reference(v);
        bad += !(std::abs(y(i) - want) <= 1e-13 * (1 + std::abs(want)));
        bad_float += !(std::abs(static_cast<double>(yf(i)) - want) <= 1e-5 * (1 + std::abs(want)));
      }
      CHECK(bad == 0);
      CHECK(bad_float == 0);
    }
  }
}

TEST_CASE("formula: derivatives, first and second") {
  for (const Unary& u : unaries())
    if (u.smooth) {
      CAPTURE(u.name);
      // The stencil wants moderate values.
      check_derivatives(u.program, {random_array<double>(Shape{200}, std::max(u.low, -4.) + 0.05, std::min(u.high, 4.) - 0.01)}, 0);
    }
  check_derivatives(trace<1>([](auto x) { return flush(x) * x; }), {random_array<double>(Shape{200}, 0.5, 3)}, 0);
  for (const Many& m : formulas()) {
    CAPTURE(m.name);
    check_derivatives(m.program, random_inputs(m.program, 200), 2);
  }
}

TEST_CASE_TEMPLATE("formula: special values", T, float, double) {
  const double inf = INFINITY, nan = NAN;
  const auto check = [&](const std::string& what, const Program& program, const std::vector<double>& x,
                         const std::vector<double>& want) {
    const Array<T> y = evaluate<T>(program, {array_of<T>(x)});
    for (std::size_t i = 0; i < x.size(); ++i)
      CHECK_MESSAGE((same(y(i), static_cast<T>(want[i])) && (want[i] != 0 || std::signbit(y(i)) == std::signbit(want[i]))), what,
                    " of ", x[i], " is ", y(i));
  };
  // clang-format off
  check("exp", trace<1>([](auto x) { return exp(x); }), {0, -0., inf, -inf, nan, 2000, -2000}, {1, 1, inf, 0, nan, inf, 0});
  check("expm1", trace<1>([](auto x) { return expm1(x); }), {0, -0., inf, -inf, nan, -200}, {0, -0., inf, -1, nan, -1});
  check("log", trace<1>([](auto x) { return log(x); }), {0, -0., 1, inf, -1, -inf, nan}, {-inf, -inf, 0, inf, nan, nan, nan});
  check("log1p", trace<1>([](auto x) { return log1p(x); }), {0, -0., -1, inf, -2, nan}, {0, -0., -inf, inf, nan, nan});
  check("tanh", trace<1>([](auto x) { return tanh(x); }), {0, -0., inf, -inf, nan, 400, -400}, {0, -0., 1, -1, nan, 1, -1});
  check("sigmoid", trace<1>([](auto x) { return sigmoid(x); }), {0, 50, 200, 2000, -2000, inf, -inf, nan}, {.5, 1, 1, 1, 0, 1, 0, nan});
  check("sin", trace<1>([](auto x) { return sin(x); }), {0, -0., inf, -inf, nan}, {0, -0., nan, nan, nan});
  check("cos", trace<1>([](auto x) { return cos(x); }), {0, -0., inf, -inf, nan}, {1, 1, nan, nan, nan});
  check("sqrt", trace<1>([](auto x) { return sqrt(x); }), {0, -0., inf, -1, nan}, {0, -0., inf, nan, nan});
  check("rsqrt", trace<1>([](auto x) { return rsqrt(x); }), {0, inf, -1, nan, 4}, {inf, 0, nan, nan, .5});
  check("reciprocal", trace<1>([](auto x) { return 1 / x; }), {0, -0., inf, -inf, nan}, {inf, -inf, 0, -0., nan});
  check("abs", trace<1>([](auto x) { return abs(x); }), {-0., -inf, nan}, {0, inf, nan});
  check("sign", trace<1>([](auto x) { return sign(x); }), {0, inf, -inf, nan, 1e-40}, {0, 1, -1, nan, 1});
  check("relu", trace<1>([](auto x) { return relu(x); }), {0, inf, -inf, nan, -3}, {0, inf, 0, nan, 0});
  check("maximum", trace<1>([](auto x) { return maximum(x, 1); }), {nan, inf, -inf, 2}, {nan, inf, 1, 2});
  check("maximum", trace<1>([](auto x) { return maximum(NAN, x); }), {nan, inf, -inf, 2}, {nan, nan, nan, nan});
  check("minimum", trace<1>([](auto x) { return minimum(1, x); }), {nan, inf, -inf, 2}, {nan, 1, -inf, 1});
  check("equal", trace<1>([](auto x) { return where(x == x, 1, 0); }), {nan, inf, 2}, {0, 1, 1});
  check("not_equal", trace<1>([](auto x) { return where(x != 1, 1, 0); }), {nan, inf, 1}, {1, 1, 0});
  check("less", trace<1>([](auto x) { return where(x < 1, 1, 0) + where(x >= 1, 2, 0); }), {nan, inf, 1, 0}, {0, 2, 2, 1});
  check("not less", trace<1>([](auto x) { return where(!(x < 1), 1, 0); }), {nan, 1, 0}, {1, 1, 0});
  check("clamp", trace<1>([](auto x) { return clamp(x, -1, 1); }), {nan, inf, -inf, .5}, {nan, 1, -1, .5});
  check("x * 0", trace<1>([](auto x) { return x * 0; }), {nan, inf, 2}, {nan, nan, 0});
  check("x - x", trace<1>([](auto x) { return x - x; }), {nan, inf, 2}, {nan, nan, 0});
  check("where", trace<1>([](auto x) { return where(x > 0, log(x), -1); }), {nan, -1, 1}, {-1, -1, 0});
  // clang-format on
  const Array<T> tiny = evaluate<T>(trace<1>([](auto x) { return sigmoid(x); }), {array_of<T>({-80, -100, -200})});
  CHECK(ulps(tiny(0), std::exp(-80.)) < 4);
  CHECK((tiny(1) >= 0 && tiny(1) < T(1e-40)));
  CHECK((tiny(2) >= 0 && tiny(2) < T(1e-40)));
}

TEST_CASE("formula: gradients at kinks, ties and undefined places") {
  const double inf = INFINITY, nan = NAN;
  const auto gradient = [&](const Program& program, Arrays<double> x, std::size_t wrt = 0) {
    const Array<double> d = evaluate(differentiate(program, wrt), full<double>(x[0].shape(), 3), x, evaluate(program, x));
    return std::vector<double>(d.data(), d.data() + d.size());
  };
  const auto at = [](std::vector<double> values) { return array_of<double>(values); };
  using List = std::vector<double>;
  CHECK(gradient(trace<1>([](auto x) { return relu(x); }), {at({-1, 0, 2})}) == List{0, 0, 3});
  CHECK(gradient(trace<1>([](auto x) { return abs(x); }), {at({-1, 0, 2})}) == List{-3, 0, 3});
  CHECK(gradient(trace<1>([](auto x) { return clamp(x, -1, 1); }), {at({-2, -1, 0, 1, 2})}) == List{0, 3, 3, 3, 0});
  for (std::size_t wrt : {0u, 1u}) {
    CHECK(gradient(trace<2>([](auto a, auto b) { return maximum(a, b); }), {at({1, 2, 2}), at({1, 1, 3})}, wrt) ==
          (wrt == 0 ? List{1.5, 3, 0} : List{1.5, 0, 3}));
    CHECK(gradient(trace<2>([](auto a, auto b) { return minimum(a, b); }), {at({1, 2, 2}), at({1, 1, 3})}, wrt) ==
          (wrt == 0 ? List{1.5, 0, 3} : List{1.5, 3, 0}));
  }
  // The branch not taken has infinite or undefined derivatives there.
  CHECK(gradient(trace<1>([](auto x) { return where(x > 0, sqrt(x), 0); }), {at({-1, 0, 4, nan})}) == List{0, 0, 0.75, 0});
  CHECK(gradient(trace<1>([](auto x) { return where(x > 0, log(x) * x, 2 * x) + x; }), {at({-inf, 0, 1})}) == List{9, 9, 6});
  CHECK(gradient(trace<1>([](auto x) { return exp(where(x < 9, x, 0)); }), {at({0, 1000})}) == List{3, 0});
  CHECK(gradient(trace<1>([](auto x) { return sign(x); }), {at({-1, 0, 4})}) == List{0, 0, 0});
}

TEST_CASE("formula: what derivatives read") {
  using Reads = std::vector<std::uint8_t>;
  const auto reads = [](const Program& program, std::size_t wrt = 0) { return differentiate(program, wrt).reads; };
  CHECK(reads(trace<1>([](auto x) { return relu(x); })) == Reads{0, 2});
  CHECK(reads(trace<1>([](auto x) { return exp(x); })) == Reads{0, 2});
  CHECK(reads(trace<1>([](auto x) { return tanh(x); })) == Reads{0, 2});
  CHECK(reads(trace<1>([](auto x) { return sigmoid(x); })) == Reads{0, 2});
  CHECK(reads(trace<1>([](auto x) { return sqrt(x); })) == Reads{0, 2});
  CHECK(reads(trace<1>([](auto x) { return log(x); })) == Reads{0, 1});
  CHECK(reads(trace<1>([](auto x) { return 2 * x; })) == Reads{0});
  CHECK(reads(trace<1>([](auto) { return 2; })) == Reads{});
  CHECK(reads(trace<2>([](auto a, auto b) { return a * b; }), 0) == Reads{0, 2});
  CHECK(reads(trace<2>([](auto a, auto b) { return a * b; }), 1) == Reads{0, 1});
  CHECK(reads(trace<2>([](auto a, auto b) { return a / b; }), 0) == Reads{0, 2});
  CHECK(reads(trace<2>([](auto a, auto b) { return a / b; }), 1) == Reads{0, 2, 3});
  CHECK(reads(trace<2>([](auto a, auto) { return a; }), 1) == Reads{});
  for (std::size_t k : {0u, 1u}) CHECK(is_input(differentiate(trace<2>([](auto a, auto b) { return a + b; }), k).program, 0));
  CHECK(is_input(differentiate(trace<1>([](auto x) { return x; }), 0).program, 0));
  CHECK(!is_input(differentiate(trace<1>([](auto x) { return -x; }), 0).program, 0));
  const Derivative given = compact(trace<3>([](auto g, auto, auto y) { return y * g; }));
  CHECK(given.reads == Reads{0, 2});
  CHECK(given.program.inputs == 2);
}

TEST_CASE("formula: programs are simplified") {
  using P = Primitive;
  const auto text = [](const Program& program) { return to_string(optimise(program)); };
  CHECK(text(trace<1>([](auto x) { return (x + 1) * (1 + x); })) ==
        "v0 = input 0; v1 = constant 1; v2 = add v0 v1; v3 = square v2; v3");
  CHECK(text(trace<1>([](auto x) { return -(-(x * 1 + 0 - 0) / 1); })) == "v0 = input 0; v0");
  CHECK(text(trace<1>([](auto x) { return x / 4; })) == "v0 = input 0; v1 = constant 0.25; v2 = mul v0 v1; v2");
  CHECK(count(optimise(trace<1>([](auto x) { return x / 3; })), P::div) == 1);
  CHECK(count(optimise(trace<1>([](auto x) { return x * 0 + (x - x); })), P::mul) == 0);  // in the fma
  CHECK(count(optimise(trace<1>([](auto x) { return x * 0 + (x - x); })), P::fma) == 1);
  CHECK(text(traced_before_main).find("mul") != std::string::npos);
  CHECK(traced_before_main.code.size() == 4);  // x, 2, exp(2), the product

  CHECK(count(optimise(trace<2>([](auto x, auto y) {
                auto unused = exp(x);
                (void)unused;
                return y;
              })),
              P::exp) == 0);
  const Program f = optimise(trace<3>([](auto a, auto b, auto c) { return (a * b + c) * (c - a * a); }));
  CHECK(count(f, P::fma) == 1);
  CHECK(count(f, P::fnma) == 1);
  CHECK(count(f, P::mul) == 1);
  // A product that is needed anyway stays, and a difference of two products is rounded evenly.
  CHECK(count(optimise(trace<3>([](auto a, auto b, auto c) {
                auto p = a * b;
                return p / (p + c);
              })),
              P::fma) == 0);
  CHECK(count(optimise(trace<2>([](auto a, auto b) { return a * a - b * b; })), P::fms) == 0);
  // A polynomial is one chain: it needs no slot however long it is. With a sine in each step it needs one.
  const auto polynomial = [](auto each) {
    return optimise(trace<1>([&](auto x) {
      auto s = 0.5 * x;
      for (int k = 1; k < 20; ++k) s = each(s) * x + k;
      return s;
    }));
  };
  const Program p = polynomial([](auto s) { return s; });
  CHECK(p.slots == 0);
  CHECK(polynomial([](auto s) { return sin(s); }).slots == 1);
  CHECK(count(p, P::fma) == 19);
}

TEST_CASE("formula: replay gives what run gives") {
  for (const Many& m : formulas()) {
    const Arrays<double> x = random_inputs(m.program, 1);
    std::vector<double> values;
    for (const auto& a : x) values.push_back(a(0));
    const Program program = optimise(m.program);
    const double replayed = replay<double>(program, std::span<const double>(values),
                                           [](const xgrad::detail::Instr& instr, std::span<const double> operands) {
                                             if (instr.op == Primitive::constant) return instr.constant;
                                             Program single(operands.size());
                                             const int k[3] = {0, operands.size() > 1 ? 1 : -1, operands.size() > 2 ? 2 : -1};
                                             single.code.push_back({.op = instr.op, .a = k[0], .b = k[1], .c = k[2]});
                                             single.result = static_cast<int>(operands.size());
                                             Arrays<double> inputs;
                                             for (double v : operands) inputs.push_back(full<double>(Shape{}, v));
                                             return evaluate(single, Shape{}, inputs)();
                                           });
    CHECK_MESSAGE(replayed == evaluate(program, x)(0), m.name);
  }
}

TEST_CASE("formula: every kernel that a plan can ask for is there") {
  for (std::size_t op = 2; op < primitive_count; ++op) {
    CAPTURE(std::string(name(static_cast<Primitive>(op))));
    const std::size_t masks = op < static_cast<std::size_t>(Primitive::add)     ? 1
                              : op < static_cast<std::size_t>(Primitive::where) ? 3
                                                                                : 7;
    for (std::size_t mask = 0; mask < masks; ++mask) {
      CHECK((kernels::table<float>().formula[op][mask] != nullptr));
      CHECK((kernels::table<double>().formula[op][mask] != nullptr));
    }
  }
}

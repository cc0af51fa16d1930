// gradcheck finds the gradients that are wrong, names them, and leaves everything as it was.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include <xgrad/xgrad.hpp>

using namespace xgrad;

namespace {

using V = Variable<double>;

V random_leaf(const Shape& shape, double low = -1, double high = 1, std::uint64_t seed = 1) {
  Generator generator(seed);
  Array<double> value(shape);
  generator.fill_uniform(value, low, high);
  return V(std::move(value), true);
}
V leaf(std::initializer_list<double> values) {
  Array<double> value(Shape{values.size()});
  std::copy(values.begin(), values.end(), value.data());
  return V(std::move(value), true);
}

/// a * b * b, with a mistake.
enum class Mistake { none, sign, factor, missing_term, one_entry, second_order, nan, shape };
template <class T>
struct Faulty {
  static constexpr std::string_view name = "faulty";
  static constexpr std::array uses{use::input(1), use::input(0) | use::input(1)};
  Mistake mistake;

  Result<T> forward(Inputs<T> in) {
    Array<T> out(in[0].shape());
    for (std::size_t k = 0; k < out.size(); ++k) out.data()[k] = in[0].data()[k] * in[1].data()[k] * in[1].data()[k];
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t i) const {
    const Variable<T> b = c.input(1);
    if (i == 0) {
      if (mistake == Mistake::sign) return -g * b * b;
      if (mistake == Mistake::missing_term) return g * b;
      if (mistake == Mistake::nan) return g * log(0 * b - 1);
      return g * b * b;
    }
    const Variable<T> a = c.input(0);
    if (mistake == Mistake::factor) return g * a * b;
    if (mistake == Mistake::second_order) return g * 2 * a * b.detach();
    Variable<T> result = g * 2 * a * b;
    if (mistake == Mistake::one_entry) {
      Array<T> factor = ones<T>(result.shape());
      factor.data()[factor.size() * 3 / 4] = T(1.001);
      result *= factor;
    }
    return result;
  }
};
template <class T>
Variable<T> faulty(Variable<T> a, std::type_identity_t<Variable<T>> b, Mistake mistake, Where where = Where::current()) {
  return apply(Faulty<T>{mistake}, {std::move(a), std::move(b)}, where);
}

struct DetachedSquare {
  static constexpr std::string_view name = "detached_square";
  static constexpr std::array uses{use::input(0)};
  Result<double> forward(Inputs<double> in) { return Array<double>(in[0] * in[0]); }
  V vjp(const Context<double>& c, const V& g, std::size_t) const { return 2 * g * c.input(0).detach(); }
};

GradcheckReport check_faulty(Mistake mistake, const Shape& shape, GradcheckOptions options = {}) {
  return gradcheck([&](V a, V b) { return faulty(a, b, mistake); },
                   {random_leaf(shape, 0.5, 1.5, 1), random_leaf(shape, 0.5, 1.5, 2)}, options);
}

std::string error_of(const auto& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}
bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("gradcheck: right gradients pass, closely, to third order") {
  const V x = random_leaf({2, 3}), w = random_leaf({3, 2}, -1, 1, 2);
  for (const int order : {1, 2, 3}) {
    const auto report = gradcheck([](V a, V b) { return tanh(matmul(a, b)); }, {x, w}, {.order = order});
    INFO(to_string(report));
    CHECK(report.ok());
    CHECK(report.inputs.size() == static_cast<std::size_t>(3 * order - 1));
    for (const auto& input : report.inputs) {
      CHECK(input.error < 2e-9);
      CHECK(input.entries == size_of(input.shape));
    }
  }
  for (const Mistake none : {Mistake::none})
    for (const Shape& shape : {Shape{}, Shape{4}, Shape{3000}}) CHECK(check_faulty(none, shape, {.order = 2}).ok());
}

TEST_CASE("gradcheck: the ways to call it") {
  V x = random_leaf({3}), y = random_leaf({3}, -1, 1, 2);
  const auto passes = [](const GradcheckReport& report) { return report.ok() && report.where.line() != 0; };
  CHECK(passes(gradcheck([](V a) { return exp(a); }, {x})));
  CHECK(passes(gradcheck([](auto a) { return exp(a); }, {x})));
  CHECK(passes(gradcheck([](auto a, auto b) { return a * b; }, {x, y})));
  CHECK(passes(gradcheck([](const V& a, const V& b) { return a * b; }, std::vector<V>{x, y})));
  CHECK(passes(gradcheck([](const std::vector<V>& all) { return all[0] * all[1]; }, {x, y})));
  const std::function<V(const std::vector<V>&)> function = [](const std::vector<V>& all) { return square(all[0]); };
  CHECK(passes(gradcheck(function, {x})));
  const auto closure = gradcheck([&] { return sum(x * y); }, {x, y});
  CHECK(passes(closure));
  CHECK(closure.inputs[1].name == "parameter 1");
  const auto named = gradcheck([&] { return sum(x * y); }, std::vector<NamedVariable<double>>{{"first", x}, {"second", y}});
  CHECK(passes(named));
  CHECK(named.inputs[1].name == "second");
  const auto formula = elementwise("f", [](auto a, auto b) { return a / (1 + square(b)); });
  CHECK(passes(gradcheck([&](V a, V b) { return formula(a, b); }, {x, y}, {.order = 2})));
  const NoGrad no_grad;  // does not reach inside
  CHECK(passes(gradcheck([](V a) { return exp(a); }, {x})));
}

TEST_CASE("gradcheck: a wrong vjp is found and its input named") {
  struct Case {
    Mistake mistake;
    std::size_t input;
  };
  for (const Case& each :
       {Case{Mistake::sign, 0}, Case{Mistake::missing_term, 0}, Case{Mistake::factor, 1}, Case{Mistake::one_entry, 1}})
    for (const Shape& shape : {Shape{}, Shape{3, 4}, Shape{40, 100}}) {
      const Mistake mistake = each.mistake;
      const std::size_t wrong = each.input;
      CAPTURE(static_cast<int>(mistake));
      const auto report = check_faulty(mistake, shape);
      INFO(to_string(report));
      CHECK(!report.ok());
      CHECK(!report.inputs[wrong].ok);
      CHECK(report.inputs[1 - wrong].ok);
      CHECK(!report.inputs[wrong].kink);
      CHECK(std::abs(report.inputs[wrong].analytic - report.inputs[wrong].numeric) > 0);
      if (mistake != Mistake::one_entry || shape.size() == 0) continue;
      // the wrong entry itself, in the large input too, where only a few entries are sampled
      CHECK(report.inputs[1].located);
      CHECK(report.inputs[1].index == (shape[0] == 3 ? Shape{2, 1} : Shape{30, 0}));
      CHECK(report.inputs[1].error == doctest::Approx(1e-3).epsilon(0.01));
      CHECK(report.inputs[1].analytic / report.inputs[1].numeric == doctest::Approx(1.001).epsilon(1e-6));
    }
}

TEST_CASE("gradcheck: a gradient right once but not twice is found at order 2") {
  for (const Shape& shape : {Shape{3}, Shape{2000}}) {
    CHECK(check_faulty(Mistake::second_order, shape).ok());
    const auto report = check_faulty(Mistake::second_order, shape, {.order = 2});
    INFO(to_string(report));
    CHECK(!report.ok());
    for (const auto& input : report.inputs) CHECK(input.ok == !(input.order == 2 && input.name == "input 1"));
  }
  // detached whole
  const V x = random_leaf({3});
  CHECK(gradcheck([](V v) { return apply(DetachedSquare{}, {std::move(v)}, Where::current()); }, {x}).ok());
  const auto report = gradcheck([](V v) { return apply(DetachedSquare{}, {std::move(v)}, Where::current()); }, {x}, {.order = 2});
  CHECK(!report.ok());
  CHECK(report.inputs[1].analytic == 0);
  CHECK(contains(to_string(report), "something is detached"));
}

TEST_CASE("gradcheck: kinks") {
  const auto at_kink = gradcheck([](V x) { return relu(x); }, {leaf({1, 0, -1})});
  INFO(to_string(at_kink));
  CHECK(!at_kink.ok());
  const auto& input = at_kink.inputs[0];
  CHECK(input.kink);
  CHECK(input.index == Shape{1});
  CHECK(input.result_index == Shape{1});
  CHECK(input.point == 0);
  CHECK(input.left == 0);
  CHECK(input.right == doctest::Approx(1));
  CHECK(
      contains(to_string(at_kink), "kink? The entry is 0. The slope is 0 on the left and 1 on the right; check at another point"));
  // near a kink the steps shrink until they miss it
  CHECK(gradcheck([](V x) { return relu(x); }, {leaf({1e-5, -1e-4, 1})}).ok());
  CHECK(gradcheck([](V x) { return abs(x); }, {leaf({3e-6, -1e-4, 1})}).ok());
  // a jump
  CHECK(gradcheck([](V x) { return where(x.value() < 0, x, x + 1); }, {leaf({0, 1})}).inputs[0].kink);
  // near the end of the domain, and where the function changes quickly
  CHECK(gradcheck([](V x) { return log(x); }, {leaf({1e-3, 1e-4, 1})}).ok());
  CHECK(gradcheck([](V x) { return sqrt(x); }, {leaf({1e-3, 1e-4, 1})}).ok());
  CHECK(gradcheck([](V x) { return exp(x); }, {leaf({-20, 1e-9, 20})}).ok());
  CHECK(gradcheck([](V x) { return exp(20 * tanh(x)); }, {leaf({-0.5, 0.1})}, {.order = 2}).ok());
  CHECK(gradcheck([](V x) { return softmax(x); }, {leaf({1e4, 1e4 + 1, -1e4})}).ok());
}

TEST_CASE("gradcheck: gradients that are all zero") {
  const V x = leaf({-1, -2}), unused = leaf({1});
  const auto zero = gradcheck([](V v) { return relu(v); }, {x});
  CHECK(!zero.ok());
  CHECK(contains(zero.inputs[0].note, "all zero, which proves nothing"));
  CHECK(gradcheck([](V v) { return relu(v); }, {x}, {.allow_zero = true}).ok());
  const auto independent = gradcheck([](V v, V) { return exp(v); }, {x, unused});
  CHECK(independent.inputs[0].ok);
  CHECK(!independent.inputs[1].ok);
  CHECK(contains(independent.inputs[1].note, "does not depend on it"));
  CHECK(gradcheck([](V v, V) { return exp(v); }, {x, unused}, {.order = 2, .allow_zero = true}).ok());
  // second derivatives of linear functions are zero: no reason to complain
  CHECK(gradcheck([](V v) { return 3 * v; }, {x}, {.order = 3}).ok());
  const auto detached = gradcheck([](V v) { return exp(v.detach()); }, {x}, {.allow_zero = true});
  CHECK(!detached.ok());
  CHECK(contains(detached.inputs[0].note, "something is detached"));
  CHECK(!gradcheck([](V v) { return v * 1; }, {V(zeros<double>({0, 2}), true)}).ok());
  CHECK(gradcheck([](V v) { return v * 1; }, {V(zeros<double>({0, 2}), true)}, {.order = 2, .allow_zero = true}).ok());
}

TEST_CASE("gradcheck: NaN and infinity") {
  const auto analytic = check_faulty(Mistake::nan, {2});
  CHECK(!analytic.ok());
  CHECK(analytic.inputs[0].note == "analytic is nan");
  const auto numeric = gradcheck([](V x) { return log(x); }, {leaf({-1})});
  CHECK(!numeric.ok());
  const auto large = check_faulty(Mistake::nan, {3000});
  CHECK(!large.ok());
  CHECK(large.inputs[0].note == "analytic is nan");
  CHECK(std::isinf(large.inputs[0].error));
  const double inf = std::numeric_limits<double>::infinity();
  CHECK(!gradcheck([&](V x) { return x * inf; }, {leaf({1})}).ok());
}

TEST_CASE("gradcheck: functions that are not deterministic") {
  int calls = 0;
  const auto report = gradcheck([&](V x) { return x * ++calls; }, {leaf({1, 2})});
  CHECK(!report.ok());
  CHECK(report.inputs.empty());
  CHECK(contains(to_string(report), "not deterministic: called twice at the same point, entry (0,) of its result was 1 and 2"));
  Generator generator(1);
  CHECK(!gradcheck([&](V x) { return x * (generator.uniform() < 0.5 ? 0 : 2) + generator.uniform(); }, {leaf({1, 2})}).ok());
}

TEST_CASE("gradcheck: everything is put back") {
  V x = random_leaf({3, 3});
  const Array<double> before = x.value();
  const V kept = sum(square(x));  // its graph must stay good
  CHECK(gradcheck([](V v) { return exp(v); }, {x}, {.order = 2}).ok());
  CHECK(x.value() == before);
  CHECK(!x.has_grad());
  CHECK(recording());
  backward(kept);
  CHECK(x.grad() == Array<double>(2 * before));

  x.zero_grad();
  for (int last : {1, 3, 4, 5, 20}) {
    int calls = 0;
    CHECK_THROWS_AS(gradcheck(
                        [&](V v) {
                          if (++calls == last) throw std::runtime_error("enough");
                          return exp(v);
                        },
                        {x}),
                    std::runtime_error);
    CHECK(x.value() == before);
    CHECK(!x.has_grad());
  }
  const V again = sum(square(x));
  backward(again);
  CHECK(x.grad() == Array<double>(2 * before));
}

TEST_CASE("gradcheck: errors name the user's line") {
  const V x = leaf({1, 2});
  const auto f = [](V v) { return exp(v); };
  const V y = exp(x);
  const std::string recorded = "gradcheck.cpp:" + std::to_string(__LINE__ - 1);
  int calls = 0;
  std::uint32_t line = 0;
  std::string error;
  const auto expect = [&](const std::string& message) {
    CHECK(error == "gradcheck.cpp:" + std::to_string(line) + ": gradcheck: " + message);
  };
  // clang-format off
  line = __LINE__; error = error_of([&] { gradcheck(f, {V(Array<double>(x.value()))}); });
  expect("input 0 needs no gradient; it must be made with requires_grad = true, or captured in the function instead");
  line = __LINE__; error = error_of([&] { gradcheck(f, {V()}); });
  expect("input 0 is an undefined Variable; it must have a value before it is used");
  line = __LINE__; error = error_of([&] { gradcheck(f, {y}); });
  expect("input 0 is the result of exp recorded at " + recorded + ", so its value cannot be moved; it must be a leaf: Variable(x.value(), true)");
  line = __LINE__; error = error_of([&] { gradcheck(f, {x, x}); });
  expect("the function takes 1 Variable; 2 inputs must not be given to it");
  line = __LINE__; error = error_of([&] { gradcheck(f, {x}, {.order = 0}); });
  expect("order is 0; it must be at least 1");
  line = __LINE__; error = error_of([&] { gradcheck(f, {x}, {.rtol = 0}); });
  expect("rtol is 0, atol 0; rtol must be above 0 and atol not below");
  line = __LINE__; error = error_of([&] { gradcheck([&] { return exp(x); }, std::vector<V>{}); });
  expect("there are no inputs to check; there must be at least one");
  line = __LINE__; error = error_of([&] { gradcheck([&](V) { return V(); }, {x}); });
  expect("the function returned an undefined Variable; it must have a value");
  line = __LINE__; error = error_of([&] { gradcheck([&](V v) { return ++calls > 4 ? sum(v) : v; }, {x}); });
  expect("the function's result was (2,) and is now (); it must keep its shape");
  line = __LINE__; error = error_of([&] { gradcheck([](V v) { return matmul(v, zeros<double>({3, 3})); }, {x}); });
  // clang-format on
  CHECK(contains(error, "gradcheck.cpp:" + std::to_string(line) + ": matmul: a is (2,)"));
}

TEST_CASE("gradcheck: the report") {
  GradcheckReport report;
  report.where = Where::current("dir/net.cpp", 31);
  report.method = "the result's only entry";
  GradcheckInput good;
  good.name = "conv1.weight";
  good.shape = {6, 5, 5, 1};
  good.entries = 150;
  good.index = {3, 0, 2, 0};
  good.located = true;
  good.analytic = 0.0123456789;
  good.numeric = 0.01234567891;
  good.error = 8.1e-10;
  GradcheckInput bad = good;
  bad.name = "fc1.weight";
  bad.shape = {120, 400};
  bad.entries = 32;
  bad.directions = 4;
  bad.index = {7, 12};
  bad.analytic = -1;
  bad.numeric = 2;
  bad.error = 1.5;
  bad.ok = false;
  bad.note = "some hint";
  report.inputs = {good, bad};
  CHECK(to_string(report) ==
        "gradcheck at net.cpp:31 FAILED for 1 of 2, the result's only entry\n"
        "  order  input         shape         checked                    worst at          analytic       numeric  rel. error\n"
        "  1      conv1.weight  (6, 5, 5, 1)  all 150                    (3, 0, 2, 0)  0.0123456789  0.0123456789     8.1e-10  ok\n"
        "  1      fc1.weight    (120, 400)    32 of 48000, 4 directions  (7, 12)                 -1             2     1.5e+00  "
        "FAILED\n"
        "         some hint");
  CHECK(fmt::format("{}", report) == to_string(report));
  report.inputs = {good};
  CHECK(contains(to_string(report), "gradcheck at net.cpp:31: ok, the result's only entry\n"));
}

namespace {
template <class T = float>
struct SmallNet {
  struct Conv {
    Variable<T> weight, bias;
  };
  Conv conv1, conv2;
  Variable<T> w, b;
};
}  // namespace

TEST_CASE("gradcheck: a convolutional network, by the names of its parameters") {
  SmallNet<double> net;
  net.conv1 = {random_leaf({4, 3, 3, 1}, -0.5, 0.5, 1), random_leaf({4}, -0.5, 0.5, 2)};
  net.conv2 = {random_leaf({8, 3, 3, 4}, -0.3, 0.3, 3), random_leaf({8}, -0.5, 0.5, 4)};
  net.w = random_leaf({10, 72}, -0.2, 0.2, 5);
  net.b = random_leaf({10}, -0.5, 0.5, 6);
  const V images = random_leaf({2, 12, 12, 1}, 0, 1, 7).detach();
  const Labels labels{3, 8};
  const auto loss = [&] {
    V x = max_pool2d(relu(conv2d(images, net.conv1.weight, net.conv1.bias, {.padding = 1})), 2);
    x = max_pool2d(relu(conv2d(x, net.conv2.weight, net.conv2.bias, {.padding = 1})), 2);
    return cross_entropy(linear(flatten(x), net.w, net.b), labels);
  };
  const auto report = gradcheck(loss, nn::named_parameters(net), {.order = 2, .max_entries = 300});
  INFO(to_string(report));
  CHECK(report.ok());
  CHECK(report.inputs[0].name == "conv1.weight");
  CHECK(report.inputs[4].name == "w");
  CHECK(report.inputs[4].directions == 4);
}

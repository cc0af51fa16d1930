// gradcheck at all scales: small inputs, large values beside small ones, many parameters; what it sees, and what may escape it.
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <xgrad/xgrad.hpp>

#include "support.hpp"

using namespace xgrad;
using namespace xgrad_test;

namespace {

using V = Variable<double>;

V random_leaf(const Shape& shape, double low = -1, double high = 1, std::uint64_t seed = 1) {
  Generator generator(seed);
  Array<double> value(shape);
  generator.fill_uniform(value, low, high);
  return V(std::move(value), true);
}

/// x, with a gradient that is wrong at some elements: by so much, relative to it.
struct Off {
  static constexpr std::string_view name = "off";
  static constexpr std::array uses{use::none};
  std::vector<std::pair<std::size_t, double>> errors;

  Result<double> forward(Inputs<double> in) { return Array<double>(in[0]); }
  V vjp(const Context<double>&, const V& g, std::size_t) const {
    Array<double> factor = ones<double>(g.shape());
    for (const auto& [k, error] : errors) factor.data()[k] += error;
    return g * factor;
  }
};
V off(V x, std::vector<std::pair<std::size_t, double>> errors) {
  return apply(Off{std::move(errors)}, {std::move(x)}, Where::current());
}

template <class F>
void passes(F f, const V& x, GradcheckOptions options = {}) {
  const auto report = gradcheck(f, {x}, options);
  CHECK_MESSAGE(report.ok(), to_string(report));
}

struct Branch {
  nn::Linear<double> in{6, 2}, out{2, 4};
};
struct Net {
  nn::Linear<double> first{5, 6}, last{6, 4};
  Branch branch;
  V scale = V(1.5, true);

  V operator()(const V& x) const {
    const V h = tanh(first(x));
    return last(h) * scale + branch.out(relu(branch.in(h)-100));  // the branch is dead
  }
};

}  // namespace

TEST_CASE("gradcheck: functions that change on the scale of their small inputs") {
  for (const double x : {1e-3, 1e-6, 1e-9, 1e-12, 1e-30, 1e-100}) {
    CAPTURE(x);
    for (const int order : {1, 2}) {
      passes([](const V& v) { return log(v); }, leaf({x, 1, 2 * x, 50}), {.order = order});
      passes([](const V& v) { return sqrt(v); }, leaf({x, 1, 2 * x, 50}), {.order = order});
      passes([](const V& v) { return 1 / v; }, leaf({x, 1, -2 * x, 50}), {.order = order});
      passes([](const V& v) { return pow(v, 1.5) * log(v); }, leaf({x, 1, 2 * x, 50}));
    }
  }
  // among many, which move together
  Array<double> many = random_leaf({3000}, 0.5, 1.5).value();
  many(7) = 1e-6;
  many(2000) = 3e-7;
  passes([](const V& v) { return log(v); }, V(many, true));
  passes([](const V& v) { return sum(sqrt(v)); }, V(many, true));
  passes([](const V& v) { return 1 / v; }, V(many, true));
  // and what is wrong there is found
  for (const double x : {1e-3, 1e-6, 1e-9, 1e-100})
    CHECK_FALSE(gradcheck([](const V& v) { return log(off(v, {{1, 1e-5}})); }, {leaf({x, x, 1})}).ok());
  CHECK_FALSE(gradcheck([](const V& v) { return log(off(v, {{2000, 1e-3}})); }, {V(many, true)}).ok());
  CHECK_FALSE(gradcheck([](const V& v) { return log(off(v, {{2001, 1e-1}})); }, {V(many, true)}).ok());
}

TEST_CASE("gradcheck: a large value does not hide an error in another") {
  for (const double large : {1e9, -1e9, 1e15}) {
    CAPTURE(large);
    const V x = leaf({large, 1, 2});
    passes([](const V& v) { return v * 3; }, x);
    const auto beside = gradcheck([](const V& v) { return off(v, {{2, 1e-4}}); }, {x});
    CHECK_FALSE(beside.ok());
    CHECK(beside.inputs[0].index == Shape{2});
    CHECK_FALSE(gradcheck([](const V& v) { return off(v, {{0, 1e-4}}); }, {x}).ok());
    // a large value that is no input
    const Array<double> offset{large, 0, 0};
    CHECK_FALSE(gradcheck([&](const V& v) { return off(v, {{2, 1e-4}}) + offset; }, {leaf({1, 1, 2})}).ok());
    // a result too large to be checked entry by entry, and an input too
    for (const std::size_t n : {40U, 3000U}) {
      CAPTURE(n);
      Array<double> values = random_leaf({n}, 0.5, 1.5).value();
      values(3) = large;
      const V many(values, true);
      passes([](const V& v) { return v * v; }, many);
      const auto found = gradcheck([](const V& v) { return off(v, {{20, 1e-3}}); }, {many});
      CHECK_FALSE(found.ok());
      CHECK(found.inputs[0].index == Shape{20});
      // a gradient that is so large
      const auto slope = gradcheck([&](const V& v) { return off(v, {{20, 1e-3}}) * values; }, {random_leaf({n}, 0.5, 1.5)});
      CHECK_FALSE(slope.ok());
      CHECK(slope.inputs[0].index == Shape{20});
    }
  }
  // rounding inside, that the entry itself does not show, is allowed for
  passes([](const V& v) { return concat({v + 1e6, (v + 1e6) - 1e6}); }, leaf({0.3, 0.7}));
}

TEST_CASE("gradcheck: what the directions see for certain, and what may escape them") {
  constexpr std::size_t n = 4000;
  const V x = random_leaf({n}, 0.5, 1.5);
  const auto check = [&](std::vector<std::pair<std::size_t, double>> errors, GradcheckOptions options) {
    options.samples = 0;
    return gradcheck([&](const V& v) { return sum(off(v, errors) * v); }, {x}, options);
  };
  int large = 0, small = 0, cancelled = 0, often = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const auto clean = check({}, {.seed = seed});
    CHECK(clean.ok());
    const double visible = clean.inputs[0].visible;
    CHECK(visible > 0);
    CHECK(visible < 1e-4);
    const std::size_t k = static_cast<std::size_t>(seed) * 97, j = k + 11;
    const double error = 2 * visible / x.value()(k), same = error * x.value()(k) / x.value()(j);
    large += !check({{k, error}}, {.seed = seed}).ok();
    small += !check({{k, error / 1000}}, {.seed = seed}).ok();
    cancelled += check({{k, error}, {j, same}}, {.seed = seed, .directions = 1}).ok();
    often += check({{k, error}, {j, same}}, {.seed = seed}).ok();
  }
  CHECK(large == 40);
  CHECK(small == 0);
  CHECK(cancelled > 10);  // a half is expected
  CHECK(cancelled < 30);
  CHECK(often < 8);  // a sixteenth
  CHECK(has(to_string(check({}, {})), "4 directions (errors above "));
}

TEST_CASE("gradcheck: all parameters together") {
  seed(2);
  const nn::Linear<double> a(100, 200), b(200, 150), c(150, 10);
  const V images = random_leaf({8, 100}).detach();
  const Labels labels{0, 1, 2, 3, 4, 5, 6, 7};
  std::vector<NamedVariable<double>> named;
  for (const auto& [layer, name] : {std::pair(&a, "a"), std::pair(&b, "b"), std::pair(&c, "c")}) {
    named.push_back({std::string(name) + ".weight", layer->weight});
    named.push_back({std::string(name) + ".bias", layer->bias});
  }
  int calls = 0;
  std::vector<std::pair<std::size_t, double>> errors;
  std::size_t wrong = 0;
  const auto loss = [&] {
    ++calls;
    std::vector<V> w;
    for (std::size_t k = 0; k < named.size(); ++k)
      w.push_back(!errors.empty() && k == wrong ? off(named[k].variable, errors) : named[k].variable);
    return cross_entropy(linear(tanh(linear(tanh(linear(images, w[0], w[1])), w[2], w[3])), w[4], w[5]), labels);
  };
  const auto report = gradcheck(loss, named, {.order = 2, .joint = true});
  CHECK_MESSAGE(report.ok(), to_string(report));
  CHECK(calls < 400);
  REQUIRE(report.inputs.size() == 2);
  CHECK(report.inputs[0].name == "all 6 together");
  CHECK(report.inputs[0].shape == Shape{100 * 200 + 200 + 200 * 150 + 150 + 150 * 10 + 10});
  CHECK(report.inputs[0].directions >= 4);
  CHECK(report.inputs[0].visible > 0);
  CHECK(report.inputs[1].order == 2);
  for (wrong = 0; wrong < named.size(); ++wrong) {
    CAPTURE(wrong);
    const std::size_t k = named[wrong].variable.size() / 3;
    errors = {{k, 10.0}};
    const auto found = gradcheck(loss, named, {.joint = true});
    INFO(to_string(found));
    CHECK_FALSE(found.ok());
    REQUIRE(found.inputs.size() == 2);
    CHECK_FALSE(found.inputs[0].ok);
    CHECK(found.inputs[1].name == named[wrong].name);
    CHECK(found.inputs[1].located);
    const Shape& shape = found.inputs[1].shape;
    CHECK(found.inputs[1].index == (shape.size() == 1 ? Shape{k} : Shape{k / shape[1], k % shape[1]}));
    CHECK(found.inputs[1].error == doctest::Approx(10.0 / 11).epsilon(0.02));
  }
  // a whole parameter slightly wrong; second derivatives; everything is put back
  wrong = 2;
  errors.clear();
  for (std::size_t k = 0; k < named[2].variable.size(); ++k) errors.emplace_back(k, 1e-4);
  CHECK_FALSE(gradcheck(loss, named, {.joint = true}).ok());
  errors.clear();
  const Array<double> before = a.weight.value();
  const V x = random_leaf({50, 50});
  const auto once = [&] { return sum(square(x) * x.detach()); };  // right to first order
  const auto twice = gradcheck(once, std::vector<V>{x}, {.order = 2, .joint = true});
  CHECK_FALSE(twice.ok());
  CHECK(a.weight.value() == before);
}

TEST_CASE("gradcheck: gradients that may be zero, by name") {
  seed(1);
  const Net net;
  const V x = random_leaf({3, 5}).detach();
  const auto loss = [&] { return sum(square(net(x))); };
  const auto named = nn::named_parameters(net);
  for (const bool joint : {false, true}) {
    CAPTURE(joint);
    const auto dead = gradcheck(loss, named, {.joint = joint});
    CHECK_FALSE(dead.ok());
    Labels failed = zeros<std::int64_t>({1});
    for (const auto& input : dead.inputs)
      if (!input.ok) {
        ++failed(0);
        CHECK(has(input.note, "pass {.allow_zero = {\"" + input.name + "\"}}"));
      }
    CHECK(failed(0) == 3);  // not the bias behind it
    const auto allowed = gradcheck(loss, named, {.order = 2, .allow_zero = {"branch.in", "branch.out.weight"}, .joint = joint});
    CHECK_MESSAGE(allowed.ok(), to_string(allowed));
    CHECK(gradcheck(loss, named, {.allow_zero = {"branch"}, .joint = joint}).ok());
    CHECK(gradcheck(loss, named, {.allow_zero = true, .joint = joint}).ok());
    CHECK_FALSE(gradcheck(loss, named, {.allow_zero = {"branch.in"}, .joint = joint}).ok());
    CHECK_FALSE(gradcheck(loss, named, {.allow_zero = {"scale"}, .joint = joint}).ok());
  }
  CHECK(gradcheck([](const V& a, const V&) { return exp(a); }, {leaf({1}), leaf({2})}, {.allow_zero = {"input 1"}}).ok());
  // clang-format off
  CHECK(error(__LINE__, [&] { gradcheck(loss, named, {.allow_zero = {"branc"}}); }) == "gradcheck: allow_zero has branc; it must be the name of an input, or of a layer");
  CHECK(error(__LINE__, [&] { gradcheck(loss, named, {.directions = 0, .joint = true}); }) == "gradcheck: directions is 0; it must be at least 1 for a joint check");
  // clang-format on
}

TEST_CASE("gradcheck: running statistics are put back too") {
  const nn::BatchNorm<double> norm(3);
  const V x = random_leaf({5, 3});
  passes([&](const V& v) { return norm(v); }, x, {.order = 2});
  CHECK(norm.running_mean.value() == zeros<double>({3}));
  CHECK(norm.running_var.value() == ones<double>({3}));
}

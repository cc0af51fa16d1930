// DetectAnomaly reports the first value that is not finite, forward and backward.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include <xgrad/xgrad.hpp>

#include "support.hpp"

namespace xg = xgrad;
using xg::Array;
using V = xg::Variable<double>;

using namespace xgrad_test;

namespace {

constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

std::string here(unsigned line) { return "anomaly.cpp:" + std::to_string(line) + ": "; }

/// Passes values on; its gradient is not finite where x is not positive. `elsewhere` lets a public op inside the vjp be the
/// culprit.
struct Rotten {
  static constexpr std::string_view name = "rotten";
  static constexpr std::array uses{xg::use::input(0)};
  bool elsewhere = false;
  xg::Result<double> forward(xg::Inputs<double> in) { return Array<double>(in[0]); }
  V vjp(const xg::Context<double>& c, const V& g, std::size_t) const {
    if (elsewhere) return g * log(c.input(0));
    Array<double> bad = c.input(0).value();
    for (std::size_t k = 0; k < bad.size(); ++k) bad.data()[k] = std::log(bad.data()[k]);
    return V(std::move(bad));
  }
};

}  // namespace

// These tests name their own lines.
// clang-format off
TEST_CASE("forward: the op, the line, the place, the inputs' ranges") {
  const V x(Array<double>{{0.5, -0.2, 3.1}, {1, 2, -0.1}}, true), y(Array<double>{0.5, 0, 2});
  const xg::DetectAnomaly detect;
  CHECK(error_of([&] { log(x); }) == here(__LINE__) + "log: 2 of 6 values are not finite, first at (0, 1) = nan, from input in [-0.2, 3.1]");
  CHECK(error_of([&] { x / y; }) == here(__LINE__) + "div: 2 of 6 values are not finite, first at (0, 1) = -inf, from input 0 in [-0.2, 3.1] and input 1 in [0, 2]");
  CHECK(error_of([&] { exp(V(1000.0)); }) == here(__LINE__) + "exp: 1 of 1 values is not finite, first at () = inf, from input in [1000, 1000]");
  const V rotten(Array<double>{nothing, 1, inf, 2}), gone(Array<double>{nothing, nothing});
  CHECK(error_of([&] { rotten * 2; }) == here(__LINE__) + "mul: 2 of 4 values are not finite, first at (0,) = nan, from input 0 in [1, 2] and 1 nan and 1 inf and input 1 in [2, 2]");
  CHECK(error_of([&] { neg(gone); }) == here(__LINE__) + "neg: 2 of 2 values are not finite, first at (0,) = nan, from input of 2 nan");
  CHECK(sum(V(xg::zeros<double>({0, 3}))).item() == 0);
  CHECK(tanh(x).requires_grad());
  CHECK(has(error_of([&] { log(xg::Variable<float>(-1.0F)); }), "log: 1 of 1 values is not finite"));
}

TEST_CASE("a buffer that would be reused is kept, so that its range can be told") {
  const xg::DetectAnomaly detect;
  CHECK(has(error_of([&] { log(V(Array<double>{-1, 2})); }), here(__LINE__) + "log: 1 of 2 values is not finite, first at (0,) = nan, from input in [-1, 2]"));
}

TEST_CASE("backward: the forward line, the gradient, and the line of the backward") {
  const V x(Array<double>{4, 0}, true);
  const auto rotten = [&](bool elsewhere, xg::Where where = xg::Where::current()) { return xg::apply(Rotten{elsewhere}, {V(x)}, where); };
  const xg::DetectAnomaly detect;
  const V root = sum(sqrt(x));
  const std::string found = error_of([&] { backward(root); });
  CHECK(has(found, here(__LINE__ - 2) + "sqrt: in the gradient of input 0, 1 of 2 values is not finite, first at (1,) = inf, from the result's gradient in [1, 1]"));
  CHECK(has(found, "(in the backward of anomaly.cpp:" + std::to_string(__LINE__ - 2) + ")"));
  CHECK_FALSE(x.has_grad());
  CHECK(has(error_of([&] { grad(sum(sqrt(x)), {x}); }), here(__LINE__) + "sqrt: in the gradient of input 0"));
  CHECK(has(error_of([&] { grad(sum(sqrt(x)), {x}, {.create_graph = true}); }), here(__LINE__) + "sqrt"));
  CHECK(has(error_of([&] { backward(sum(rotten(false))); }), here(__LINE__) + "rotten: in the gradient of input 0, 1 of 2 values is not finite, first at (1,) = -inf, from the result's gradient in [1, 1] and input 0 in [0, 4]"));
  CHECK(has(error_of([&] { backward(sum(rotten(true))); }), here(__LINE__) + "log: 1 of 2 values is not finite, first at (1,) = -inf, from input in [0, 4]"));
  const V big(1.0, true);
  CHECK(has(error_of([&] { backward(big * 1.0, V(1.7e308)); backward(big * 1e0 + big * 1e0, V(1.7e308)); }), "leaf: in the gradient of the result, 1 of 1 values is not finite, first at () = inf"));
}
// clang-format on

TEST_CASE("masks of -inf: NaN alone may be asked for") {
  const V x(Array<double>{1, 2, 3}, true), mask(Array<double>{0, -inf, 0});
  const xg::DetectAnomaly detect(xg::Anomaly::nan);
  const V y = softmax(x + mask);
  CHECK(y.value()(1) == 0);
  backward(sum(square(y)));
  CHECK(std::isfinite(x.grad()(1)));
  CHECK(has(error_of([&] { log(x - 2); }), "log: 1 of 3 values is nan, first at (0,) = nan"));
}

TEST_CASE("a scope ends, nests, and concerns its thread") {
  const V x(-1.0, true);
  {
    const xg::DetectAnomaly detect;
    {
      const xg::DetectAnomaly pause(xg::Anomaly::none);
      CHECK(std::isnan(log(x).item()));
    }
    CHECK(error_of([&] { log(x); }) != "");
    CHECK(error_of([&] { log(x); }) != "");  // an error does not end it
  }
  CHECK(std::isnan(log(x).item()));
}

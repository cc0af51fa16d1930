// arange, linspace and eye, as NumPy has them.
#include <doctest/doctest.h>
#include <cmath>
#include <limits>
#include <xgrad/xgrad.hpp>

#include "support.hpp"

namespace xg = xgrad;
using xg::Array, xg::Shape;

TEST_CASE("ranges: arange") {
  CHECK(xg::arange<float>(0, 1, 0.25) == Array<float>{0, 0.25F, 0.5F, 0.75F});
  CHECK(xg::arange<double>(3) == Array<double>{0, 1, 2});
  CHECK(xg::arange<std::int64_t>(5, -1, -2) == xg::Labels{5, 3, 1});
  CHECK(xg::arange<double>(0, 0.95, 0.1).size() == 10);
  CHECK(xg::arange<double>(2, 2).shape() == Shape{0});
  CHECK(xg::arange<double>(2, 0).shape() == Shape{0});
  CHECK(xg::arange<float>(-3).shape() == Shape{0});
  CHECK(xg::arange<double>(1, 1.7, 0.7) == Array<double>{1});  // `stop` is never among them
  CHECK(xg::arange<double>(1, 7, 0.3).size() == 20);
  const double most = std::numeric_limits<double>::max();
  CHECK(xg::arange<double>(-most, most, most) == Array<double>{-most, 0});
}

TEST_CASE("ranges: linspace") {
  CHECK(xg::linspace<double>(-1, 1, 5) == Array<double>{-1, -0.5, 0, 0.5, 1});
  CHECK(xg::linspace<double>(0, 1, 4, {.endpoint = false}) == Array<double>{0, 0.25, 0.5, 0.75});
  CHECK(xg::linspace<double>(7, 9, 1) == Array<double>{7});
  CHECK(xg::linspace<double>(7, 9, 0).shape() == Shape{0});
  const auto x = xg::linspace<double>(0.1, 0.3, 1001);
  CHECK(x(0) == 0.1);
  CHECK(x(1000) == 0.3);
  CHECK(xg::linspace<float>(0, 1).size() == 50);
  const double most = std::numeric_limits<double>::max();
  CHECK(xg::linspace<double>(-most, most, 3) == Array<double>{-most, 0, most});
  CHECK(xg::linspace<double>(1.7, 1.7, 50) == xg::full<double>({50}, 1.7));
  CHECK(xg::linspace<double>(1, 100, 100) == xg::arange<double>(1, 101));
}

TEST_CASE("ranges: eye") {
  CHECK(xg::eye<double>(2) == Array<double>{{1, 0}, {0, 1}});
  CHECK(xg::eye<double>(2, {.columns = 3, .k = 1}) == Array<double>{{0, 1, 0}, {0, 0, 1}});
  CHECK(xg::eye<float>(3, {.columns = 2, .k = -2}) == Array<float>{{0, 0}, {0, 0}, {1, 0}});
  for (const std::ptrdiff_t k : {std::numeric_limits<std::ptrdiff_t>::min(), std::numeric_limits<std::ptrdiff_t>::max(),
                                 std::ptrdiff_t{-2}, std::ptrdiff_t{2}})
    CHECK(xg::eye<double>(2, {.k = k}) == xg::zeros<double>({2, 2}));
  CHECK(xg::eye<double>(0).shape() == Shape{0, 0});
}

TEST_CASE("ranges: errors have the user's line") {
  const double inf = std::numeric_limits<double>::infinity();
  const auto message = [](auto&& f) {
    try {
      f();
    } catch (const xg::Error& error) {
      return std::string(error.what());
    }
    return std::string("nothing was thrown");
  };
  const auto has = [](const std::string& text, const std::string& part) {
    INFO(text);
    CHECK(text.find(part) != std::string::npos);
    CHECK(text.find("ranges.cpp:") != std::string::npos);
  };
  has(message([] { xg::arange<double>(0, 1, 0); }), "arange: step is 0; it must lead from start to stop");
  has(message([&] { xg::arange<double>(0, inf); }), "arange: stop is inf; it must be finite");
  has(message([] { xg::arange<double>(0, 1e300); }), "arange");
  has(message([] { xg::arange<float>(0, 1, 1e-300); }), "arange");
  has(message([] { xg::arange<float>(1e18); }), "arange");
  has(message([] { xg::arange<double>(5, 6, 1e-310); }), "arange");
  has(message([] { xg::arange<std::int64_t>(1e19, 1e19 + 4096, 2048); }), "arange: a number is 1e+19; it must fit into 64 bits");
  has(message([] { xg::linspace<double>(0, 1, -1); }), "linspace: count is -1; it must not be negative");
  has(message([&] { xg::linspace<double>(std::nan(""), 1); }), "linspace: start is nan; it must be finite");
  has(message([] { xg::eye<double>(-1); }), "eye: rows is -1; it must not be negative");
  has(message([] { xg::eye<double>(2, {.columns = -3}); }), "eye: columns is -3; it must not be negative");
  has(message([] { xg::eye<double>(std::numeric_limits<std::ptrdiff_t>::max()); }), "eye");
}

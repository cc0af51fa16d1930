// The primitives of src/kernels/special.cpp: how exact they are, at every length and with one operand for all elements.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <xgrad/core/random.hpp>

#include "../src/kernels/table.hpp"
#include "guarded.hpp"

using namespace xgrad;

namespace {

using P = Primitive;

/// Runs a kernel; an operand of one element is the same for all.
template <class T>
std::vector<T> apply(P op, const std::vector<T>& a, const std::vector<T>& b = {}) {
  const std::size_t n = std::max(a.size(), b.size());
  const xgrad_test::Guarded<T> pa(a, true), pb(b, true);
  xgrad_test::Guarded<T> out(n, true);
  const unsigned mask = b.empty() || n == 1 ? 0u : (a.size() == 1 ? 1u : 0u) | (b.size() == 1 ? 2u : 0u);
  kernels::table<T>().formula[static_cast<std::size_t>(op)][mask](out.data(), pa.data(), pb.data(), pb.data(), n);
  return {out.data(), out.data() + n};
}

template <class T>
double ulps(T got, long double want) {
  const T near = static_cast<T>(want);
  if (got == near || (std::isnan(got) && std::isnan(near))) return 0;
  const T unit = std::max(std::nextafter(std::abs(near), std::numeric_limits<T>::infinity()) - std::abs(near),
                          std::numeric_limits<T>::denorm_min());
  return static_cast<double>(std::abs(static_cast<long double>(got) - want) / static_cast<long double>(unit));
}

template <class T>
std::vector<T> uniform(std::size_t n, double low, double high, std::uint64_t seed) {
  Generator generator(seed);
  std::vector<T> x(n);
  for (T& v : x) v = static_cast<T>(generator.uniform(low, high));
  return x;
}

using Reference = std::function<long double(long double, long double)>;
struct Case {
  std::string name;
  P op;
  double low, high, low_b, high_b;
  Reference reference;
};

const std::vector<Case>& cases() {
  const auto one = [](long double (*f)(long double)) -> Reference { return [f](long double x, long double) { return f(x); }; };
  // clang-format off
  static const std::vector<Case> table{
      {"log2", P::log2, 0, 9, 0, 0, one(std::log2)}, {"log10", P::log10, 0, 9, 0, 0, one(std::log10)},
      {"tan", P::tan, -9, 9, 0, 0, one(std::tan)}, {"asin", P::asin, -1, 1, 0, 0, one(std::asin)},
      {"acos", P::acos, -1, 1, 0, 0, one(std::acos)}, {"atan", P::atan, -9, 9, 0, 0, one(std::atan)},
      {"sinh", P::sinh, -50, 50, 0, 0, one(std::sinh)}, {"cosh", P::cosh, -50, 50, 0, 0, one(std::cosh)},
      {"asinh", P::asinh, -9, 9, 0, 0, one(std::asinh)}, {"acosh", P::acosh, 1, 9, 0, 0, one(std::acosh)},
      {"atanh", P::atanh, -1, 1, 0, 0, one(std::atanh)}, {"erf", P::erf, -6, 6, 0, 0, one(std::erf)},
      {"erf near 0", P::erf, -1e-3, 1e-3, 0, 0, one(std::erf)}, {"lgamma", P::lgamma, 3, 90, 0, 0, one(std::lgamma)},
      {"ndtr", P::ndtr, -12.5, 6, 0, 0, [](long double x, long double) { return 0.5L * std::erfc(-x * std::sqrt(0.5L)); }},
      {"ndtr near 0", P::ndtr, -1.5, 1.5, 0, 0, [](long double x, long double) { return 0.5L * std::erfc(-x * std::sqrt(0.5L)); }},
      {"gaussian", P::gaussian, 1, 1, -9.2, 9.2, [](long double a, long double x) { return std::exp(-a * x * x); }},
      {"gaussian of a half", P::gaussian, 0.5, 0.5, -13, 13, [](long double a, long double x) { return std::exp(-a * x * x); }},
      {"floor", P::floor, -9, 9, 0, 0, one(std::floor)}, {"ceil", P::ceil, -9, 9, 0, 0, one(std::ceil)},
      {"round", P::round, -9, 9, 0, 0, one(std::nearbyint)},
      {"softplus", P::softplus, -80, 80, 0, 0, [](long double x, long double) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }},
      {"pow", P::pow, 0, 9, -9, 9, [](long double x, long double y) { return std::pow(x, y); }},
      {"pow near 1", P::pow, 0.99, 1.01, -4000, 4000, [](long double x, long double y) { return std::pow(x, y); }},
      {"atan2", P::atan2, -9, 9, -9, 9, [](long double x, long double y) { return std::atan2(x, y); }},
      {"hypot", P::hypot, -9, 9, -9, 9, [](long double x, long double y) { return std::hypot(x, y); }},
      {"fmod", P::fmod, -99, 99, -3, 3, [](long double x, long double y) { return std::fmod(x, y); }},
  };
  // clang-format on
  return table;
}

}  // namespace

TEST_CASE_TEMPLATE("special: within a few units of the last place", T, float, double) {
  for (const Case& c : cases()) {
    CAPTURE(c.name);
    const bool two = c.op >= P::add;
    for (const std::size_t n : {1u, 2u, 7u, 16u, 33u, 4001u}) {
      const auto a = uniform<T>(n, c.low, c.high, n), b = two ? uniform<T>(n, c.low_b, c.high_b, n + 1) : std::vector<T>{};
      double worst = 0;
      const auto compare = [&](const std::vector<T>& x, const std::vector<T>& z) {
        const auto got = apply<T>(c.op, x, z);
        for (std::size_t k = 0; k < got.size(); ++k)
          worst = std::max(worst, ulps(got[k], c.reference(x[x.size() == 1 ? 0 : k], two ? z[z.size() == 1 ? 0 : k] : T(0))));
      };
      compare(a, b);
      if (two) {
        compare({a[0]}, b);
        compare(a, {b[0]});
      }
      CHECK_MESSAGE(worst <= (c.op == P::ndtr ? 5 : 3), n, " elements: ", worst);
    }
  }
}

TEST_CASE_TEMPLATE("special: everyday exponents are as exact as others", T, float, double) {
  const auto x = uniform<T>(1000, -5, 5, 3);
  for (const double exponent : {0., 1., 2., 3., -1., 0.5}) {
    const auto got = apply<T>(P::pow, x, {static_cast<T>(exponent)});
    double worst = 0;
    for (std::size_t k = 0; k < x.size(); ++k)
      worst = std::max(worst, ulps(got[k], std::pow(static_cast<long double>(x[k]), static_cast<long double>(exponent))));
    CHECK(worst <= 1.5);
  }
}

TEST_CASE("special: polygamma") {
  const long double pi = std::acos(-1.0L), zeta3 = 1.2020569031595942854L;
  const auto at = [](int n, double x) { return apply<double>(P::polygamma, {static_cast<double>(n)}, {x})[0]; };
  CHECK(ulps(at(0, 1), -0.57721566490153286061L) < 4);
  CHECK(ulps(at(0, 0.5), -1.9635100260214234794L) < 4);
  CHECK(ulps(at(0, 100), 4.6001618527380874002L) < 4);
  CHECK(at(0, -0.5) == doctest::Approx(0.036489973978576520559).epsilon(1e-13));
  CHECK(ulps(at(1, 1), pi * pi / 6) < 4);
  CHECK(ulps(at(1, 0.5), pi * pi / 2) < 4);
  CHECK(ulps(at(1, -0.5), pi * pi / 2 + 4) < 8);
  CHECK(ulps(at(2, 1), -2 * zeta3) < 4);
  CHECK(ulps(at(2, 0.5), -14 * zeta3) < 4);
  CHECK(ulps(at(3, 1), pi * pi * pi * pi / 15) < 8);
  CHECK(at(0, 1.4616321449683623) == doctest::Approx(0).epsilon(1e-15));
  Generator generator(5);  // psi_n(x + 1) = psi_n(x) + (-1)^n n! / x^(n + 1), also across 0
  for (int n = 0; n <= 8; ++n)
    for (int k = 0; k < 200; ++k) {
      const double x = generator.uniform(-12, 30);
      if (std::abs(x - std::nearbyint(x)) < 0.02) continue;
      const double step = (n % 2 == 0 ? 1 : -1) * std::tgamma(n + 1) / std::pow(x, n + 1);
      const double size = std::max({std::abs(at(n, x)), std::abs(step), std::abs(at(n, x + 1))});
      CHECK(std::abs(at(n, x + 1) - at(n, x) - step) <= 1e-12 * std::max(size, 1e-3));
    }
  const double inf = std::numeric_limits<double>::infinity();
  CHECK(at(0, inf) == inf);
  CHECK(at(1, inf) == 0);
  CHECK(at(1, 0) == inf);
  CHECK(at(1, -3) == inf);
  CHECK(std::isnan(at(2, -3)));
  CHECK(std::isnan(at(61, 1)));
  CHECK(std::isnan(at(1, std::nan(""))));
}

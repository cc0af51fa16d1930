// Sums of squares at the ends of a type's range, sums of very many terms, and what is left of large numbers that are equal.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <xgrad/xgrad.hpp>

#include "support.hpp"

using namespace xgrad;
using namespace xgrad_test;

namespace {

template <class T>
using Function = std::function<Variable<T>(const Variable<T>&)>;

/// Whether two arrays are equal up to rounding, relative to the largest of the second.
template <class T>
bool near(const Array<T>& x, const Array<T>& y, double factor = 1) {
  double size = 0, error = 0;
  for (std::size_t k = 0; k < y.size(); ++k) {
    size = std::max(size, std::abs(static_cast<double>(y.data()[k])));
    const double away = std::abs(static_cast<double>(x.data()[k]) / factor - static_cast<double>(y.data()[k]));
    error = away <= error ? error : away;  // NaN stays
  }
  return error <= 20 * static_cast<double>(std::numeric_limits<T>::epsilon()) * size;
}

}  // namespace

TEST_CASE_TEMPLATE("numbers: norms and deviations do not depend on the unit", T, float, double) {
  // f of numbers times a scale is f of the numbers times scale^degree, and their gradients have one degree less
  struct Row {
    const char* name;
    Function<T> f;
    int degree;
  };
  const auto weight = leaf<T>({0.5, -1, 2, 1.5}), two = leaf<T>({0.5, 2});
  const auto other = leaf<T>(Shape{2, 4}, {1, 2, -1, 0.5, 3, -2, 1, 1});
  const std::vector<Row> rows{
      {"norm", [](const auto& x) { return norm(x, {-1}); }, 1},
      {"norm of p = 3", [](const auto& x) { return norm(x, {-1}, {.p = 3}); }, 1},
      {"std", [](const auto& x) { return xgrad::std(x, {-1}); }, 1},
      {"normalize", [](const auto& x) { return normalize(x, {.eps = 0}); }, 0},
      {"cosine_similarity", [&](const auto& x) { return cosine_similarity(x, other, {.eps = 0}); }, 0},
      {"cosine_similarity, second operand", [&](const auto& x) { return cosine_similarity(other, x, {.eps = 0}); }, 0},
      {"layer_norm", [&](const auto& x) { return layer_norm(x, weight, weight, {.eps = 0}); }, 0},
      {"rms_norm", [&](const auto& x) { return rms_norm(x, weight, {.eps = 0}); }, 0},
      {"rms_norm without a weight", [&](const auto& x) { return rms_norm(x, {}, {.eps = 0}); }, 0},
      {"batch_norm",
       [&](const auto& x) {
         return batch_norm(reshape(x, {4, 2}), two, two, {}, {}, {.eps = 0});
       },
       0},
      {"group_norm",
       [&](const auto& x) {
         return group_norm(reshape(x, {1, 2, 4}), 2, weight, weight, {.eps = 0});
       },
       0},
      {"instance_norm",
       [&](const auto& x) {
         return instance_norm(reshape(x, {1, 4, 2}), two, two, {.eps = 0});
       },
       0},
  };
  const std::vector<double> numbers{1, 2.5, -3, 0.25, -1.5, 4, 2, 1};
  const int half = std::numeric_limits<T>::max_exponent * 3 / 4;
  for (const Row& row : rows)
    for (const int exponent : {half, -half}) {
      const T scale = std::ldexp(T(1), exponent);
      std::vector<double> scaled = numbers;
      for (double& x : scaled) x *= static_cast<double>(scale);
      const auto x = leaf<T>(Shape{2, 4}, numbers), far = leaf<T>(Shape{2, 4}, scaled);
      const Variable<T> y = row.f(x), z = row.f(far);
      const std::string what = std::string(row.name) + " at 2^" + std::to_string(exponent);
      CAPTURE(what);
      CHECK(near(z.value(), y.value(), row.degree == 1 ? static_cast<double>(scale) : 1.0));
      // of normalised numbers the sum of squares is constant, hence cubes
      const auto total = [](const Variable<T>& v) { return sum(v * v.detach() * v.detach()); };
      const bool keeps = row.degree == 1;
      const Array<T> gx = grad(keeps ? sum(y) : total(y), {x}, {.create_graph = true})[0].value();
      const Array<T> gz = grad(keeps ? sum(z) : total(z), {far}, {.create_graph = true})[0].value();
      CHECK(near(gz, gx, keeps ? 1.0 : 1 / static_cast<double>(scale)));
      const Array<T> plain = grad(keeps ? sum(row.f(far)) : total(row.f(far)), {far})[0].value();
      CHECK(near(plain, gx, keeps ? 1.0 : 1 / static_cast<double>(scale)));
    }
}

TEST_CASE("numbers: deviations and norms of everyday sizes beyond float's squares") {
  const auto x = leaf<float>({1e19, -1e19, 3e19, 0}), y = leaf<float>({1e-30, -1e-30, 3e-30, 0});
  CHECK(xgrad::std(x).item() / 1e19F == doctest::Approx(1.4790199).epsilon(1e-6));
  CHECK(xgrad::std(y).item() / 1e-30F == doctest::Approx(1.4790199).epsilon(1e-6));
  CHECK(norm(x).item() / 1e19F == doctest::Approx(std::sqrt(11.0)).epsilon(1e-6));
  CHECK(norm(leaf<float>({0, 0})).item() == 0);
  CHECK(std::isinf(norm(leaf<float>({inf, 1})).item()));
  CHECK(std::isnan(norm(leaf<float>({na, 1e30})).item()));
  // with the usual eps small rows are flat, large ones are not
  const auto rows = leaf<float>(Shape{2, 2}, {1e25, 3e25, 1e-25, 3e-25});
  CHECK(is(layer_norm(rows).value(), {-1, 1, 0, 0}, 1e-6));
  CHECK(is(normalize(rows).value(), {1 / std::sqrt(10.0), 3 / std::sqrt(10.0), 0, 0}, 1e-6));
  CHECK(is(cosine_similarity(rows, rows).value(), {1, 0}, 1e-6));
}

TEST_CASE_TEMPLATE("numbers: equal numbers are normalised to nothing, however large", T, float, double) {
  for (const std::size_t count : {2UL, 3UL, 100UL, 1000UL, 5000UL})
    for (const double value : {100.1, -1e5 / 3, 1e10 / 7}) {
      const Variable<T> row(full<T>(Shape{3, count}, static_cast<T>(value)), true),
          image(full<T>(Shape{2, count, 6}, static_cast<T>(value)));
      CAPTURE(count);
      CAPTURE(value);
      const auto zero = [](const Variable<T>& y) { return amax(abs(y)).item() == 0; };
      CHECK(zero(layer_norm(row)));
      CHECK(zero(batch_norm(transpose(row), {}, {}, {}, {})));
      CHECK(zero(group_norm(image, 2)));
      CHECK(zero(instance_norm(image)));
      CHECK(zero(var(row, {-1})));
      CHECK(zero(xgrad::std(row, {-1})));
      const auto g = grad(sum(layer_norm(row) * row), {row}, {.create_graph = true})[0];
      CHECK(std::isfinite(amax(abs(g)).item()));
    }
}

TEST_CASE_TEMPLATE("numbers: logsumexp's gradient sums to 1", T, float, double) {
  for (const double size : {0.0, 1e3, 1e6, -1e6, 1e30}) {
    const auto x = leaf<T>({size, size, size});
    const auto g = grad(logsumexp(x), {x}, {.create_graph = true})[0];
    CHECK(is(g.value(), {1 / 3.0, 1 / 3.0, 1 / 3.0}, 1e-7));
    CHECK(is(gradient(g * leaf<T>({1, 2, 4}), x), {-4 / 9.0, -1 / 9.0, 5 / 9.0}, 1e-6));
  }
  const auto x = leaf<T>({-inf, -inf}), y = leaf<T>({inf, inf, 1});
  CHECK(is(gradient(logsumexp(x), x), {0, 0}));
  CHECK(is(gradient(logsumexp(y), y), {0.5, 0.5, 0}));
}

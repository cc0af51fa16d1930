// Linear algebra, normalisation and sequences: worked numbers, state, randomness, limits, errors, layers. Values and gradients of
// many shapes are in rows_linalg.cpp and rows_norm.cpp.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <xgrad/xgrad.hpp>

#include "support.hpp"

using namespace xgrad;

using namespace xgrad_test;

namespace {

/// Numbers without a pattern, around `mean`.
template <class T = double>
Variable<T> noise(const Shape& shape, std::uint64_t seed = 1, double mean = 0) {
  Generator generator(seed);
  Array<T> value(shape);
  generator.fill_normal(value, mean, 1);
  return Variable<T>(std::move(value), true);
}
template <class T>
bool near(const Array<T>& x, const Array<T>& y, double tolerance) {
  return x.shape() == y.shape() && is(x, std::vector<double>(y.data(), y.data() + y.size()), tolerance);
}
Variable<double> identity(std::size_t n) {
  Array<double> x = zeros<double>({n, n});
  for (std::size_t k = 0; k < n; ++k) x.data()[k * (n + 1)] = 1;
  return x;
}
/// Symmetric and positive definite.
Variable<double> positive(const Shape& shape) {
  const Variable<double> x = noise(shape);
  return matmul(x, x, {.transpose_b = true}).detach() + 0.1 * identity(shape.back());
}

}  // namespace

TEST_CASE("linalg: what belongs together") {
  const auto a = noise({2, 40, 40}), b = noise({2, 40, 3}, 2);
  CHECK(near(matmul(a, solve(a, b)).value(), b.value(), 1e-10));
  CHECK(near(matmul(inverse(a), a).value(), broadcast_to(identity(40), {2, 40, 40}).value(), 1e-10));
  const auto [sign, size] = slogdet(a);
  const Array<double> d = det(a).value();
  for (std::size_t k = 0; k < 2; ++k) {
    CHECK(sign.value().data()[k] == (d.data()[k] > 0 ? 1 : -1));
    CHECK(size.value().data()[k] == doctest::Approx(std::log(std::abs(d.data()[k]))));
  }
  CHECK(!sign.requires_grad());
  const auto s = positive({2, 30, 30});
  const auto l = cholesky(s);
  CHECK(near(matmul(l, l, {.transpose_b = true}).value(), s.value(), 1e-12));
  for (std::size_t k = 0; k < 30; ++k) CHECK(l.value()(1, k, 29) == (k == 29 ? l.value()(1, 29, 29) : 0));
  const auto x = noise({2, 30, 2}, 3);
  CHECK(near(triangular_solve(l, matmul(l, x)).value(), x.value(), 1e-9));
  // a row exchange flips the sign
  CHECK(det(leaf({2, 2}, {0, 1, 1, 0})).item() == -1);
  CHECK(slogdet(leaf({2, 2}, {0, 1, 1, 0})).sign.item() == -1);
  // far beyond what a double holds
  CHECK(logdet(identity(2) * 1e200).item() == doctest::Approx(2 * std::log(1e200)));
  CHECK(logdet(broadcast_to(identity(300) * 0.001, {1, 300, 300})).value()(0) == doctest::Approx(300 * std::log(0.001)));
}

TEST_CASE("linalg: a singular matrix has a gradient of its determinant, and no second derivative") {
  const auto a = leaf<double>({2, 2}, {1, 2, 2, 4});
  const Variable<double> g = grad(det(a), {a}, {.create_graph = true})[0];
  CHECK(is(g.value(), {4, -2, -2, 1}));
  CHECK_THROWS_WITH_AS(grad(sum(g * g), {a}), doctest::Contains("a is singular; it must be regular for a second derivative of det"),
                       ValueError);
}

TEST_CASE_TEMPLATE("linalg: worked numbers", T, float, double) {
  const auto a = leaf<T>({2, 2}, {2, 1, 1, 3});
  const double eps = std::is_same_v<T, float> ? 1e-6 : 1e-15;
  CHECK(is(inverse(a).value(), {0.6, -0.2, -0.2, 0.4}, eps));
  CHECK(is(solve(a, leaf<T>({3, 5})).value(), {0.8, 1.4}, eps));
  CHECK(is(det(a).value(), {5}, 5 * eps));
  CHECK(is(logdet(a).value(), {std::log(5.0)}, 2 * eps));
  CHECK(is(gradient(logdet(a), a), {0.6, -0.2, -0.2, 0.4}, eps));
  CHECK(is(gradient(det(a), a), {3, -1, -1, 2}, 10 * eps));
  CHECK(is(cholesky(leaf<T>({2, 2}, {4, 2, 2, 10})).value(), {2, 0, 1, 3}, eps));
  CHECK(is(trace(a).value(), {5}));
  CHECK(is(outer(leaf<T>({1, 2}), leaf<T>({3, 4})).value(), {3, 4, 6, 8}));
  CHECK(is(dot(leaf<T>({1, 2}), leaf<T>({3, 4})).value(), {11}));
  CHECK(is(einsum("ij,kj->ki", {a, a}).value(), {5, 5, 5, 10}));
  CHECK(is(einsum("i", {leaf<T>({1, 2})}).value(), {1, 2}));
  // the gradient of the upper triangle is the lower one's: only the symmetric part counts
  const auto s = leaf<T>({2, 2}, {4, 2, 2, 10});
  const Array<T> g = gradient(cholesky(s), s);
  CHECK(g.data()[1] == g.data()[2]);
  // what lies in the triangle that is not read does not matter, NaN included
  const auto lower = leaf<T>({2, 2}, {2, na, 1, 4}), upper = leaf<T>({2, 2}, {2, 1, na, 4}),
             unit = leaf<T>({2, 2}, {na, na, 1, na});
  CHECK(is(triangular_solve(lower, leaf<T>({2, 9})).value(), {1, 2}));
  CHECK(is(triangular_solve(upper, leaf<T>({4, 8}), {.lower = false}).value(), {1, 2}));
  CHECK(is(triangular_solve(lower, leaf<T>({4, 8}), {.transpose = true}).value(), {1, 2}));
  CHECK(is(triangular_solve(unit, leaf<T>({1, 3}), {.unit_diagonal = true}).value(), {1, 2}));
  CHECK(is(gradient(triangular_solve(lower, leaf<T>({2, 9})), lower), {-0.375, 0, -0.25, -0.5}));
}

TEST_CASE("linalg: the gradients of a singular matrix") {
  const auto a = leaf({2, 2, 2}, {1, 0, 0, 1, 1, 2, 2, 4});
  const auto d = det(a);
  CHECK(is(d.value(), {1, 0}));
  CHECK(is(gradient(d, a), {1, 0, 0, 1, 4, -2, -2, 1}));
  const auto g = grad(sum(det(a)), {a}, {.create_graph = true})[0];
  CHECK_THROWS_WITH_AS(grad(sum(g * g), {a}), doctest::Contains("matrix 1 of the batch a is singular"), ValueError);
  const auto [sign, size] = slogdet(a);
  CHECK(is(sign.value(), {1, 0}));
  CHECK(is(size.value(), {0, -inf}));
  CHECK_THROWS_WITH_AS(grad(sum(size), {a}), doctest::Contains("matrix 1 of the batch a is singular"), ValueError);
  CHECK(is(inverse(leaf({1, 1}, {na})).value(), {na}));
  CHECK(std::isinf(inverse(leaf({1, 1}, {1e-310})).value()(0, 0)));  // nearly singular: large numbers
}

TEST_CASE_TEMPLATE("linalg: det's gradient at any rank is the cofactors", T, float, double) {
  for (const std::size_t n : {1UL, 2UL, 3UL, 5UL, 8UL})
    for (std::size_t rank = 0; rank <= n; ++rank) {
      // small whole numbers, so that what is singular is so to the last bit; beside a row of zeros
      Array<T> value = zeros<T>(Shape{2, n, n});
      for (std::size_t i = 0; i < 2 * n * n; ++i)
        value.data()[i] = static_cast<T>(static_cast<int>((i * i * 7 + i * 3 + 2) % 11) - 5);
      for (std::size_t i = rank; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j) value(0, i, j) = i > 0 && rank > 0 && i + 1 == n ? value(0, 0, j) : T(0);
      for (std::size_t j = 0; j < n; ++j) value(1, n / 2, j) = 0;  // the other one has no rank n, and makes all go by cofactors
      const Variable<T> a(value, true);
      const Array<T> found = gradient(det(a), a);
      const double scale = std::pow(10.0, static_cast<double>(n) - 1);
      for (std::size_t m = 0; m < 2; ++m)
        for (std::size_t i = 0; i < n; ++i)
          for (std::size_t j = 0; j < n; ++j) {  // the determinant without row i and column j
            Array<double> minor(Shape{n - 1, n - 1});
            for (std::size_t u = 0; u + 1 < n; ++u)
              for (std::size_t v = 0; v + 1 < n; ++v)
                minor(u, v) = static_cast<double>(value(m, u + (u >= i ? 1 : 0), v + (v >= j ? 1 : 0)));
            const double expected = ((i + j) % 2 == 0 ? 1 : -1) * det(Variable<double>(minor)).item();
            CHECK(std::abs(static_cast<double>(found(m, i, j)) - expected) <=
                  100 * static_cast<double>(std::numeric_limits<T>::epsilon()) * scale);
          }
    }
}

TEST_CASE("linalg: det's recorded gradient is the same beside a matrix that is singular") {
  const auto regular = leaf({1, 3, 3}, {2, 1, 0, -1, 3, 1, 0.5, 1, 4}), singular = leaf({1, 3, 3}, {1, 2, 3, 2, 4, 6, 0, 1, 0});
  const auto first = [&](const Variable<double>& x) { return grad(sum(det(x)), {regular}, {.create_graph = true})[0].value(); };
  const Array<double> alone = first(regular), beside = first(concat({regular, singular}, 0));
  CHECK(is(beside, std::vector<double>(alone.begin(), alone.end()), 1e-12));
}

TEST_CASE("linalg: einsum takes the cheapest product first, and any number of operands") {
  // from the left, this would make 2^24 numbers
  std::vector<Variable<double>> vectors;
  std::string equation;
  for (int k = 0; k < 24; ++k) {
    vectors.push_back(leaf({1, 0.5}));
    equation += (k ? "," : "") + std::string(1, static_cast<char>('a' + k));
  }
  for (int k = 0; k < 24; ++k) {
    vectors.push_back(leaf({1, 0.5}));
    equation += "," + std::string(1, static_cast<char>('a' + k));
  }
  const auto y = einsum(equation + "->", vectors);
  CHECK(y.item() == doctest::Approx(std::pow(1.25, 24)));
  CHECK(is(gradient(y, vectors[30]), {std::pow(1.25, 23), 0.5 * std::pow(1.25, 23)}, 1e-10));
  // an infinity off the diagonal stays out
  CHECK(is(einsum("ii->i", {leaf({2, 2}, {1, inf, na, 2})}).value(), {1, 2}));
  CHECK(trace(leaf({2, 2}, {1, inf, na, 2})).item() == 3);
}

TEST_CASE("linalg: what does not fit is said, with the line") {
  const auto x23 = leaf(Shape{2, 3}, {1, 2, 3, 4, 5, 6}), x4 = leaf({1, 2, 3, 4}), number = leaf(Shape{}, {1});
  const auto a = leaf({2, 2}, {1, 2, 2, 4}), regular = leaf({2, 2}, {1, 0, 0, 1});
  Array<double> many = zeros<double>({2, 3, 2, 2});
  for (std::size_t k = 0; k < 6; ++k) many.data()[4 * k] = many.data()[4 * k + 3] = k == 4 ? 0 : 1;
  const Variable<double> batch(many);
  // clang-format off
  CHECK(error(__LINE__, [&] { inverse(x23); }) == "inverse: a is (2, 3); its last two axes must be a square matrix");
  CHECK(error(__LINE__, [&] { det(x4); }) == "det: a is (4,); its last two axes must be a square matrix");
  CHECK(error(__LINE__, [&] { cholesky(number); }) == "cholesky: a is (); its last two axes must be a square matrix");
  CHECK(error(__LINE__, [&] { inverse(a); }) == "inverse: a is singular, pivot 1 is 0; it must be regular");
  CHECK(error(__LINE__, [&] { inverse(batch); }) == "inverse: matrix (1, 1) of the batch a is singular, pivot 0 is 0; it must be regular");
  CHECK(error(__LINE__, [&] { solve(a, leaf({1, 2})); }) == "solve: a is singular, pivot 1 is 0; it must be regular");
  CHECK(error(__LINE__, [&] { logdet(a); }) == "logdet: a is singular, pivot 1 is 0; it must be regular");
  CHECK(error(__LINE__, [&] { logdet(leaf({2, 2}, {0, 1, 1, 0})); }) == "logdet: a has a negative determinant; it must be positive, or its logarithm is not a real number: use slogdet");
  CHECK(error(__LINE__, [&] { solve(regular, x4); }) == "solve: a is (2, 2), b is (4,); b.shape[0] = 4 must equal the number of a's rows, 2");
  CHECK(error(__LINE__, [&] { solve(regular, reshape(x23, {3, 2})); }) == "solve: a is (2, 2), b is (3, 2); b.shape[0] = 3 must equal the number of a's rows, 2");
  CHECK(error(__LINE__, [&] { solve(regular, number); }) == "solve: b is (); it must be a vector (n,) or matrices (…, n, k)");
  CHECK(error(__LINE__, [&] { solve(x23, x4); }) == "solve: a is (2, 3); its last two axes must be a square matrix");
  CHECK(error(__LINE__, [&] { solve(batch, leaf(Shape{2, 2, 1}, {1, 2, 3, 4})); }).rfind("solve: a is (2, 3), b is (2,): lengths 3 and 2", 0) == 0);
  CHECK(error(__LINE__, [&] { triangular_solve(batch, leaf({1, 2})); }) == "triangular_solve: matrix (1, 1) of the batch a is singular, its diagonal is 0 at 0; it must be regular");
  CHECK(error(__LINE__, [&] { triangular_solve(regular, x4); }) == "triangular_solve: a is (2, 2), b is (4,); b.shape[0] = 4 must equal the number of a's rows, 2");
  CHECK(error(__LINE__, [&] { cholesky(a); }) == "cholesky: a is not positive definite, nor is its leading 2 × 2 block; it must be");
  CHECK(error(__LINE__, [&] { cholesky(batch); }) == "cholesky: matrix (1, 1) of the batch a is not positive definite, nor is its leading 1 × 1 block; it must be");
  CHECK(error(__LINE__, [&] { tensordot(x23, x4, 1); }) == "tensordot: a is (2, 3), b is (4,); a.shape[1] = 3 must equal b.shape[0] = 4");
  CHECK(error(__LINE__, [&] { tensordot(x23, x4); }) == "tensordot: a is (2, 3), b is (4,); each must have the 2 axes to sum over");
  CHECK(error(__LINE__, [&] { tensordot(x23, x4, {0, 1}, {0}); }) == "tensordot: 2 axes of a and 1 axes of b are given; they must be as many");
  CHECK(error(__LINE__, [&] { tensordot(x23, x4, {2}, {0}); }) == "tensordot: axis 2 is out of range; for an array of 2 axes it must be from -2 to 1");
  CHECK(error(__LINE__, [&] { dot(x23, x4); }) == "dot: a is (2, 3), b is (4,); a.shape[1] = 3 must equal b.shape[0] = 4");
  CHECK(error(__LINE__, [&] { einsum("ij,j$", {x23, x4}); }) == "einsum: \"ij,j$\": it has '$'; it must be made of letters, \"...\", commas and one \"->\"");
  CHECK(error(__LINE__, [&] { einsum("ij->j->i", {x23}); }) == "einsum: \"ij->j->i\": it has '-'; it must be made of letters, \"...\", commas and one \"->\"");
  CHECK(error(__LINE__, [&] { einsum("ij", {x23, x4}); }) == "einsum: \"ij\": it names 1 operands, 2 are given; they must be as many");
  CHECK(error(__LINE__, [&] { einsum("ij,j,", {x23, x4}); }) == "einsum: \"ij,j,\": it names 3 operands, 2 are given; they must be as many");
  CHECK(error(__LINE__, [&] { einsum("ijk", {x23}); }) == "einsum: operand 0 is (2, 3); its axes, 2, must be as many as \"ijk\" names 3");
  CHECK(error(__LINE__, [&] { einsum("...ijk", {x23}); }) == "einsum: operand 0 is (2, 3); its axes, 2, must be as many as \"...ijk\" names 3");
  CHECK(error(__LINE__, [&] { einsum("...i...", {x23}); }) == "einsum: \"...i...\": \"...i...\" has \"...\" twice; it must have it once at most");
  CHECK(error(__LINE__, [&] { einsum("ij->ik", {x23}); }) == "einsum: \"ij->ik\": the result has 'k', no operand has; one must have it");
  CHECK(error(__LINE__, [&] { einsum("ij->ii", {x23}); }) == "einsum: \"ij->ii\": the result has 'i' twice; it must have each letter once");
  CHECK(error(__LINE__, [&] { einsum("i...->i", {x23}); }) == "einsum: \"i...->i\": an operand has \"...\", the result has not; it must have it too");
  CHECK(error(__LINE__, [&] { einsum("ij,j", {x23, x4}); }) == "einsum: operand 1 is (4,): the length of its axis 0 is 4, but 'j' has 3 in an operand before; they must be equal, or 1");
  CHECK(error(__LINE__, [&] { einsum("...,...", {x23, x4}); }) == "einsum: operand 1 is (4,): the length of its axis 0 is 4, but this axis of \"...\" has 3 in an operand before; they must be equal, or 1");
  CHECK(error(__LINE__, [&] { einsum("ii", {x23}); }) == "einsum: operand 0 is (2, 3), axes 0 and 1 have one letter; their lengths must be equal");
  // clang-format on
  CHECK_THROWS_AS(inverse(a), ValueError);
  CHECK_THROWS_AS(inverse(x23), ShapeError);
  CHECK_THROWS_AS(einsum("ij->ik", {x23}), ValueError);
}

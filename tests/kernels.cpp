// The library's own loops against plain ones in double precision, at lengths where they change their ways.
#include "support.hpp"

namespace xg = xgrad;
using namespace xgrad_test;

namespace {

template <class T>
xg::Variable<T> noise(const xg::Shape& shape, std::uint64_t seed = 1, double low = -1, double high = 1,
                      bool requires_grad = false) {
  xg::Array<T> x(shape);
  xg::Generator(seed).fill_uniform(x, low, high);
  return xg::Variable<T>(std::move(x), requires_grad);
}

template <class T>
double tolerance(double scale) {
  return scale * (sizeof(T) == 4 ? 1e-6 : 1e-15);
}

/// The sum over the middle axis of (outer, middle, inner).
template <class T>
void check_sum(std::size_t outer, std::size_t middle, std::size_t inner) {
  CAPTURE(outer);
  CAPTURE(middle);
  CAPTURE(inner);
  const auto x = noise<T>({outer, middle, inner}, middle, 0, 1);
  const auto y = sum(x, 1);
  double worst = 0;
  for (std::size_t o = 0; o < outer; ++o)
    for (std::size_t i = 0; i < inner; ++i) {
      long double expected = 0;
      for (std::size_t m = 0; m < middle; ++m) expected += static_cast<long double>(x.value().data()[(o * middle + m) * inner + i]);
      const double got = static_cast<double>(y.value().data()[o * inner + i]);
      worst = std::max(worst, std::abs(got - static_cast<double>(expected)) / std::max(1.0, static_cast<double>(expected)));
    }
  CHECK(worst <= tolerance<T>(1));
}

}  // namespace

TEST_CASE_TEMPLATE("kernels: sums of rows of every length", T, float, double) {
  for (const std::size_t n :
       {1u,   2u,   3u,   4u,   7u,    8u,    15u,   16u,   17u,   31u,    32u,    33u,    63u,    64u,    65u,
        127u, 129u, 255u, 257u, 1023u, 1024u, 1025u, 4095u, 4097u, 16383u, 16385u, 32769u, 70001u, 600001u}) {
    check_sum<T>(1, n, 1);
    check_sum<T>(5, n, 1);
  }
}

TEST_CASE_TEMPLATE("kernels: sums of columns of every width", T, float, double) {
  for (const std::size_t inner : {2u, 3u, 6u, 8u, 10u, 16u, 31u, 64u, 65u, 100u, 130u, 257u, 1000u})
    for (const std::size_t middle : {1u, 2u, 16u, 31u, 32u, 33u, 65u, 700u}) {
      check_sum<T>(1, middle, inner);
      check_sum<T>(5, middle, inner);
    }
  check_sum<T>(1, 16384, 64);
  check_sum<T>(1, 50, 40000);
  check_sum<T>(2, 3, 20000);
}

TEST_CASE("kernels: a sum does not depend on the number of threads") {
  const int before = xg::num_threads();
  for (const xg::Shape& shape : {xg::Shape{3'000'001}, xg::Shape{300, 10007}, xg::Shape{2, 70000, 3}})
    for (int axis = 0; axis < static_cast<int>(shape.size()); ++axis) {
      const auto x = noise<float>(shape);
      xg::set_num_threads(1);
      const auto one = sum(x, axis);
      xg::set_num_threads(3);
      CHECK(sum(x, axis).value() == one.value());
      xg::set_num_threads(before);
    }
}

TEST_CASE("kernels: products of floats of every shape are those of doubles, which the BLAS makes") {
  struct Size {
    std::size_t m, n, k;
  };
  for (const Size& size :
       std::vector<Size>{{1, 1, 1},       {1, 40, 30},    {3, 17, 5},     {33, 6, 25},    {50, 1, 70},  // a column
                         {70, 1, 3000},   {3, 6, 2051},   {4, 40, 2051},  {5, 7, 3000},  // long sums for a few results
                         {16, 150, 2000}, {24, 40, 100},  {40, 17, 450},  {13, 13, 208},  {97, 100, 30},
                         {200, 33, 900},  {520, 529, 64},  // short sums for many
                         {70, 4200, 128}, {33, 256, 1},    // very short ones for long rows
                         {64, 300, 8},    {91, 784, 5},   {129, 2500, 7}, {140, 2060, 2}, {130, 2050, 4},
                         {131, 2100, 6},  {65, 256, 9},   {8, 300, 70},    // and as a gradient
                         {7, 530, 521},   {2, 517, 900},  {8, 2100, 130},  // a few rows and a large matrix
                         {3, 1030, 129},  {515, 520, 514}}) {
    const std::size_t m = size.m, n = size.n, k = size.k;
    CAPTURE(m);
    CAPTURE(n);
    CAPTURE(k);
    const auto a = noise<float>({m, k}, 1, -1, 1, true), b = noise<float>({k, n}, 2, -1, 1, true), bias = noise<float>({n}, 3),
               g = noise<float>({m, n}, 4);
    const auto wide = [](const xg::Variable<float>& x) {
      return xg::Variable<double>(xg::Array<double>(xt::cast<double>(x.value())), true);
    };
    const auto a2 = wide(a), b2 = wide(b), y2 = matmul(a2, b2);
    const auto y = matmul(a, b);
    const auto check = [&](const xg::Variable<float>& x, const xg::Variable<double>& expected, std::size_t terms) {
      double worst = 0;
      for (std::size_t i = 0; i < x.size(); ++i)
        worst = std::max(worst, std::abs(static_cast<double>(x.value().data()[i]) - expected.value().data()[i]));
      CHECK(worst <= 1e-6 * std::sqrt(static_cast<double>(terms)) * 2);
    };
    check(y, y2, k);
    check(matmul(transpose(a), transpose(b), {.transpose_a = true, .transpose_b = true}), y2, k);
    const auto gradients = grad(sum(y * g), {a, b});
    const auto expected = grad(sum(y2 * wide(g)), {a2, b2});
    check(gradients[0], expected[0], n);
    check(gradients[1], expected[1], m);
    check(linear(a, transpose(b), bias), y2 + wide(bias), k);
    const int before = xg::num_threads();
    for (const int threads : {40, 3, 1}) {  // more than there is work for, an odd number, one
      xg::set_num_threads(threads);
      check(matmul(a, b), y2, k);
      check(matmul(transpose(a), b, {.transpose_a = true}), y2, k);
    }
    xg::set_num_threads(before);
  }
}

TEST_CASE("kernels: products of more shapes than plans of oneDNN are kept, and the first ones again") {
  const std::size_t m = 20, k = 40, shapes = 1100;
  const auto a = noise<float>({m, k}, 1), b = noise<float>({400 + shapes, k}, 2);
  const xg::Variable<double> wide_a(xg::Array<double>(xt::cast<double>(a.value()))),
      wide_b(xg::Array<double>(xt::cast<double>(b.value())));
  const auto expected = matmul(wide_a, wide_b, {.transpose_b = true});
  const auto check = [&](std::size_t n) {
    const auto y = matmul(a, slice(b, 0, {0, static_cast<std::ptrdiff_t>(n)}), {.transpose_b = true});
    double worst = 0;
    for (std::size_t i = 0; i < m; ++i)
      for (std::size_t j = 0; j < n; ++j)
        worst = std::max(worst, std::abs(static_cast<double>(y.value()(i, j)) - expected.value()(i, j)));
    return worst;
  };
  double worst = 0;
  for (std::size_t i = 0; i < shapes; ++i) worst = std::max(worst, check(400 + i));
  for (const std::size_t i : {std::size_t{0}, std::size_t{1}, shapes - 1}) worst = std::max(worst, check(400 + i));
  CHECK(worst < 1e-5);
}

TEST_CASE("kernels: a long product does not add small numbers to a large sum one by one") {
  const std::size_t k = 8000;
  const xg::Variable<float> a(xg::full<float>({4, k}, 0.1F)), b(xg::ones<float>({k, 16}));
  const auto y = matmul(a, b), z = matmul(a, xg::Variable<float>(xg::ones<float>({16, k})), {.transpose_b = true});
  for (std::size_t i = 0; i < y.size(); ++i) {
    CHECK(y.value().data()[i] == doctest::Approx(800).epsilon(1e-5));
    CHECK(z.value().data()[i] == doctest::Approx(800).epsilon(1e-5));
  }
}

TEST_CASE("kernels: a NaN anywhere shows in the sum and in the largest") {
  for (const std::size_t n : {1u, 7u, 64u, 1000u, 5000u}) {
    std::size_t wrong = 0;
    for (std::size_t at = 0; at < n; at += std::max<std::size_t>(n / 97, 1)) {
      xg::Array<float> x = xg::full<float>({2, n}, 1);
      x(1, at) = std::numeric_limits<float>::quiet_NaN();
      const xg::Variable<float> v(x);
      wrong += !std::isnan(sum(v, 1).value()(1)) || sum(v, 1).value()(0) != static_cast<float>(n);
      wrong += !std::isnan(sum(v, 0).value()(at)) || !std::isnan(amax(v, 1).value()(1)) || !std::isnan(softmax(v).value()(1, 0));
      wrong += std::isnan(softmax(v).value()(0, at)) || !std::isnan(log_softmax(v).value()(1, n - 1));
      wrong += !std::isnan(cross_entropy(v, xg::Labels{0, 0}, {.reduction = xg::Reduction::none}).value()(1));
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE_TEMPLATE("kernels: transposes of every size", T, float, double) {
  for (const std::size_t rows : {1u, 2u, 3u, 5u, 8u, 15u, 16u, 17u, 33u, 64u, 65u, 130u, 300u})
    for (const std::size_t columns : {1u, 2u, 4u, 7u, 8u, 16u, 19u, 255u, 256u, 257u, 520u}) {
      const auto x = noise<T>({rows, columns});
      const auto y = transpose(x);
      std::size_t wrong = 0;
      for (std::size_t i = 0; i < rows; ++i)
        for (std::size_t j = 0; j < columns; ++j) wrong += x.value()(i, j) != y.value()(j, i);
      CHECK_MESSAGE(wrong == 0, rows, " by ", columns);
    }
  const auto x = noise<T>({3, 37, 41, 18});
  const auto y = permute(x, {0, 3, 1, 2}), z = permute(x, {3, 1, 0, 2});
  std::size_t wrong = 0;
  for (std::size_t n = 0; n < 3; ++n)
    for (std::size_t h = 0; h < 37; ++h)
      for (std::size_t w = 0; w < 41; ++w)
        for (std::size_t c = 0; c < 18; ++c) {
          wrong += x.value()(n, h, w, c) != y.value()(n, c, h, w);
          wrong += x.value()(n, h, w, c) != z.value()(c, h, n, w);
        }
  CHECK(wrong == 0);
}

TEST_CASE("kernels: exp of floats from end to end") {
  constexpr std::size_t n = 200'000;
  xg::Array<float> x(xg::Shape{n});
  xg::Generator(1).fill_uniform(x, -104, 89);
  const auto y = exp(xg::Variable<float>(x));
  double worst = 0;
  for (std::size_t k = 0; k < n; ++k) {
    const double exact = std::exp(static_cast<double>(x.data()[k])), got = static_cast<double>(y.value().data()[k]);
    if (exact > static_cast<double>(std::numeric_limits<float>::max())) {
      if (!std::isinf(got)) worst = inf;
      continue;
    }
    // one unit of the last place; of a denormal result that is always the same
    const double unit = std::max(exact * 1.2e-7, static_cast<double>(std::numeric_limits<float>::denorm_min()));
    worst = std::max(worst, std::abs(got - exact) / unit);
  }
  CHECK(worst <= 1.01);
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  const xg::Array<float> edges{nan, infinity, -infinity, 0, -0.F, 88.72F, 88.73F, -87.34F, -103.9F, -104.1F, 1e30F, -1e30F};
  const auto e = exp(xg::Variable<float>(edges)).value();
  CHECK(std::isnan(e(0)));
  CHECK(std::isinf(e(1)));
  CHECK(e(2) == 0);
  CHECK(e(3) == 1);
  CHECK(e(4) == 1);
  CHECK(std::isfinite(e(5)));
  CHECK(std::isinf(e(6)));
  CHECK(e(7) > 0);
  CHECK(e(8) > 0);
  CHECK(e(9) == 0);
  CHECK(std::isinf(e(10)));
  CHECK(e(11) == 0);
}

TEST_CASE_TEMPLATE("kernels: softmax, its losses and their gradients at every length", T, float, double) {
  constexpr std::size_t rows = 3;
  for (const std::size_t n : {1u, 2u, 5u, 8u, 10u, 16u, 31u, 100u, 1000u, 1025u, 5000u}) {
    CAPTURE(n);
    const auto x = noise<T>({rows, n}, n, -8, 8, true), g = noise<T>({rows, n}, n + 1);
    const xg::Labels labels{0, static_cast<std::int64_t>(n / 2), static_cast<std::int64_t>(n - 1)};
    const auto p = softmax(x), l = log_softmax(x), loss = cross_entropy(x, labels, {.reduction = xg::Reduction::none});
    const auto gp = grad(sum(p * g), {x})[0], gl = grad(sum(l * g), {x})[0], gloss = grad(sum(loss * 3), {x})[0];
    double worst = 0;
    for (std::size_t r = 0; r < rows; ++r) {
      const auto at = [&](const auto& v, std::size_t k) { return static_cast<double>(v.value().data()[r * n + k]); };
      double largest = -inf, total = 0, dot = 0, g_total = 0;
      for (std::size_t k = 0; k < n; ++k) largest = std::max(largest, at(x, k));
      for (std::size_t k = 0; k < n; ++k) total += std::exp(at(x, k) - largest);
      std::vector<double> q(n);
      for (std::size_t k = 0; k < n; ++k) {
        q[k] = std::exp(at(x, k) - largest) / total;
        dot += q[k] * at(g, k);
        g_total += at(g, k);
      }
      const auto label = static_cast<std::size_t>(labels(r));
      const auto see = [&](double got, double expected) {
        worst = std::max(worst, std::abs(got - expected) / (1 + std::abs(expected)));
      };
      for (std::size_t k = 0; k < n; ++k) {
        see(at(p, k), q[k]);
        see(at(l, k), at(x, k) - largest - std::log(total));
        see(at(gp, k), q[k] * (at(g, k) - dot));
        see(at(gl, k), at(g, k) - q[k] * g_total);
        see(at(gloss, k), 3 * (q[k] - (k == label)));
      }
      see(static_cast<double>(loss.value()(r)), largest + std::log(total) - at(x, label));
    }
    CHECK(worst <= tolerance<T>(3));
  }
}

// The ways that a convolution may take agree.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <thread>
#include <type_traits>
#include <vector>

#include <xgrad/xgrad.hpp>

#include "noise.hpp"

using namespace xgrad;

using namespace xgrad_test;

TEST_CASE("convolve: whichever way a float convolution takes, it is that of double; also from several threads at once") {
  struct Case {
    Shape x, w;
    Conv2dOptions options;
  };
  // many and few channels, large and small images, what a stride leaves over, uneven padding, groups
  const std::vector<Case> cases{{{2, 16, 16, 64}, {32, 3, 3, 64}, {.padding = 1}},
                                {{2, 4, 4, 256}, {64, 3, 3, 256}, {.padding = 1}},
                                {{2, 9, 8, 40}, {24, 3, 3, 40}, {.stride = 2, .padding = {1, 0, 2, 1}}},
                                {{3, 12, 12, 3}, {64, 5, 5, 3}, {.stride = 3}},
                                {{2, 10, 10, 64}, {64, 3, 3, 32}, {.padding = 2, .dilation = 2, .groups = 2}},
                                {{2, 6, 6, 128}, {32, 1, 1, 128}, {}},
                                // tiles of 2×2: uneven padding, odd sizes, padding 2, many filters
                                {{4, 9, 7, 32}, {48, 3, 3, 32}, {.padding = {1, 0, 2, 1}}},
                                {{5, 11, 13, 16}, {16, 3, 3, 16}, {}},
                                {{8, 6, 5, 16}, {32, 3, 3, 16}, {.padding = 2}},
                                {{8, 9, 7, 9}, {20, 3, 3, 9}, {.padding = {1, 0, 2, 1}}},
                                {{2, 10, 26, 64}, {32, 3, 3, 64}, {.padding = 1}},
                                {{5, 18, 18, 128}, {144, 3, 3, 128}, {.padding = 1}},
                                {{4, 8, 8, 128}, {160, 3, 3, 128}, {.padding = {0, 3, 1, 1}}}};
  const auto check = [](const Case& c) {
    const auto run = [&]<class T>(T) {
      const auto leaf = [](const Shape& shape, std::uint64_t seed) {  // the same numbers in both
        return Variable<T>(Array<T>(xt::cast<T>(noise<float>(shape, seed).value())), true);
      };
      const Variable<T> x = leaf(c.x, 1), w = leaf(c.w, 2), b = leaf({c.w[0]}, 3), y = conv2d(x, w, b, c.options);
      std::vector<Variable<T>> results = grad(sum(y * leaf(y.shape(), 4)), {x, w, b});
      results.push_back(y);
      return results;
    };
    const auto narrow = run(0.0F);
    const auto wide = run(0.0);
    double worst = 0;
    for (std::size_t k = 0; k < wide.size(); ++k) {
      double largest = 0, apart = 0;
      for (std::size_t i = 0; i < wide[k].size(); ++i) {
        largest = std::max(largest, std::abs(wide[k].value().data()[i]));
        apart = std::max(apart, std::abs(wide[k].value().data()[i] - static_cast<double>(narrow[k].value().data()[i])));
      }
      worst = std::max(worst, apart / largest);
    }
    return worst;
  };
  for (const Case& c : cases) {
    CAPTURE(to_string(c.x));
    CHECK(check(c) < 2e-5);
  }
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&] {
      for (const Case& c : cases) wrong += !(check(c) < 2e-5);
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
#pragma omp parallel for
  for (int t = 0; t < 2; ++t)
    for (const Case& c : cases) wrong += !(check(c) < 2e-5);
  CHECK(wrong == 0);
}

TEST_CASE("convolve: double has the sums of products that define it, whichever way it takes") {
  struct Case {
    Shape x, w;
    Conv2dOptions options;
  };
  for (const Case& c : std::vector<Case>{{{3, 13, 12, 5}, {19, 3, 5, 5}, {.padding = {1, 2, 3, 0}}},
                                         {{2, 17, 19, 10}, {32, 5, 3, 10}, {}},
                                         {{2, 25, 40, 9}, {6, 3, 4, 9}, {.stride = {1, 2}, .padding = 1, .dilation = {2, 1}}},
                                         {{1, 40, 12, 8}, {16, 2, 2, 8}, {.padding = {3, 0, 4, 1}}},
                                         {{2, 17, 19, 10}, {20, 3, 5, 10}, {.padding = {1, 0, 2, 3}}},
                                         {{2, 20, 17, 10}, {6, 3, 3, 10}, {.padding = {2, 1, 1, 1}, .dilation = {2, 1}}},
                                         {{2, 16, 16, 9}, {5, 3, 3, 9}, {.padding = {2, 0, 2, 0}}},
                                         {{2, 16, 16, 9}, {5, 3, 3, 9}, {.padding = {1, 4, 1, 4}}},
                                         {{3, 9, 12, 16}, {32, 3, 3, 16}, {.padding = {1, 0, 2, 0}}},  // tiles
                                         {{2, 20, 20, 3}, {5, 1, 7, 3}, {.stride = {2, 1}}}}) {
    CAPTURE(to_string(c.x));
    const auto x = noise(c.x, 1), w = noise(c.w, 2), b = noise({c.w[0]}, 3), y = conv2d(x, w, b, c.options),
               g = noise(y.shape(), 4);
    Array<double> expected(y.shape()), dx = zeros<double>(c.x), dw = zeros<double>(c.w);
    const auto at = [](auto&& a, std::size_t i, std::size_t j, std::size_t k, std::size_t l) -> decltype(auto) {
      const Shape& s = a.shape();
      return a.data()[((i * s[1] + j) * s[2] + k) * s[3] + l];
    };
    const auto place = [](std::size_t i, std::ptrdiff_t stride, std::size_t k, std::ptrdiff_t dilation, std::ptrdiff_t pad) {
      return static_cast<std::ptrdiff_t>(i) * stride + static_cast<std::ptrdiff_t>(k) * dilation - pad;
    };
    for (std::size_t n = 0; n < y.shape()[0]; ++n)
      for (std::size_t i = 0; i < y.shape()[1]; ++i)
        for (std::size_t j = 0; j < y.shape()[2]; ++j)
          for (std::size_t o = 0; o < y.shape()[3]; ++o) {
            double sum = b.value().data()[o];
            const double slope = at(g.value(), n, i, j, o);
            for (std::size_t u = 0; u < c.w[1]; ++u)
              for (std::size_t v = 0; v < c.w[2]; ++v) {
                const auto row = place(i, c.options.stride.h, u, c.options.dilation.h, c.options.padding.top);
                const auto column = place(j, c.options.stride.w, v, c.options.dilation.w, c.options.padding.left);
                if (row < 0 || column < 0 || row >= static_cast<std::ptrdiff_t>(c.x[1]) ||
                    column >= static_cast<std::ptrdiff_t>(c.x[2]))
                  continue;
                for (std::size_t k = 0; k < c.x[3]; ++k) {
                  const auto r = static_cast<std::size_t>(row), q = static_cast<std::size_t>(column);
                  sum += at(x.value(), n, r, q, k) * at(w.value(), o, u, v, k);
                  at(dx, n, r, q, k) += slope * at(w.value(), o, u, v, k);
                  at(dw, o, u, v, k) += slope * at(x.value(), n, r, q, k);
                }
              }
            at(expected, n, i, j, o) = sum;
          }
    CHECK(same(y.value(), expected, 1e-12));
    const auto gradients = grad(sum(y * g), {x, w});
    CHECK(same(gradients[0].value(), dx, 1e-12));
    CHECK(same(gradients[1].value(), dw, 1e-11));
  }
}

TEST_CASE_TEMPLATE("convolve: large depthwise convolutions agree with groups of two", T, float, double) {
  // A second channel of zeros makes the same convolution go through matrix products.
  const std::size_t c = 33;
  const auto x = noise<T>({2, 20, 19, c}), w = noise<T>({c, 3, 5, 1}, 2);
  Array<T> wide = zeros<T>({2, 20, 19, 2 * c}), weights = zeros<T>({c, 3, 5, 2});
  for (std::size_t k = 0; k < x.value().size(); ++k) wide.data()[2 * k] = x.value().data()[k];
  for (std::size_t k = 0; k < w.value().size(); ++k) weights.data()[2 * k] = w.value().data()[k];
  const Conv2dOptions options{.stride = {1, 2}, .padding = {1, 2}, .groups = static_cast<std::ptrdiff_t>(c)};
  const Variable<T> wide_x(wide, true), wide_w(weights, true);
  const auto y = conv2d(x, w, options), expected = conv2d(wide_x, wide_w, options);
  const double tolerance = std::is_same_v<T, float> ? 2e-5 : 1e-13;
  CHECK(same(y.value(), expected.value(), tolerance));
  const auto g = noise<T>(y.shape(), 3);
  const auto gradients = grad(sum(y * g), {x, w}), wide_gradients = grad(sum(expected * g), {wide_x, wide_w});
  const auto every_other = [](const Array<T>& a, const Shape& shape) {
    Array<T> result(shape);
    for (std::size_t k = 0; k < result.size(); ++k) result.data()[k] = a.data()[2 * k];
    return result;
  };
  CHECK(same(gradients[0].value(), every_other(wide_gradients[0].value(), x.shape()), tolerance));
  CHECK(same(gradients[1].value(), every_other(wide_gradients[1].value(), w.shape()), 10 * tolerance));
}

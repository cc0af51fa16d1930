// The ways that a convolution may take.
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

namespace {

struct Case {
  Shape x, w;
  Conv2dOptions options;
};

/// Numbers for x, w, the bias and the gradient for the result; then the results and the gradients for x and w.
struct Numbers {
  Array<double> x, w, b, g, y, dx, dw;
};

/// Sums of products as they stand in the definition.
Numbers reference(const Case& c) {
  const auto& [stride, padding, dilation, groups] = c.options;
  const auto numbers = [](const Shape& shape, std::uint64_t seed) {
    return Array<double>(xt::cast<double>(noise<float>(shape, seed).value()));
  };
  Numbers a;
  a.x = numbers(c.x, 1);
  a.w = numbers(c.w, 2);
  a.b = numbers({c.w[0]}, 3);
  const Shape result = conv2d(Variable<float>(zeros<float>(c.x)), Variable<float>(zeros<float>(c.w)), c.options).shape();
  a.g = numbers(result, 4);
  a.y = zeros<double>(result);
  a.dx = zeros<double>(c.x);
  a.dw = zeros<double>(c.w);
  const std::size_t channels = c.w[3], per_group = c.w[0] / static_cast<std::size_t>(groups);
  const auto place = [](std::size_t i, std::ptrdiff_t step, std::size_t k, std::ptrdiff_t apart, std::ptrdiff_t pad) {
    return static_cast<std::size_t>(static_cast<std::ptrdiff_t>(i) * step + static_cast<std::ptrdiff_t>(k) * apart - pad);
  };
  std::size_t at = 0;  // in the result
  for (std::size_t n = 0; n < result[0]; ++n)
    for (std::size_t i = 0; i < result[1]; ++i)
      for (std::size_t j = 0; j < result[2]; ++j)
        for (std::size_t o = 0; o < result[3]; ++o, ++at) {
          a.y.data()[at] = a.b.data()[o];
          for (std::size_t u = 0; u < c.w[1]; ++u)
            for (std::size_t v = 0; v < c.w[2]; ++v) {
              const std::size_t row = place(i, stride.h, u, dilation.h, padding.top),
                                column = place(j, stride.w, v, dilation.w, padding.left);
              if (row >= c.x[1] || column >= c.x[2]) continue;  // negative ones wrap around
              const std::size_t pixel = ((n * c.x[1] + row) * c.x[2] + column) * c.x[3] + o / per_group * channels,
                                weight = ((o * c.w[1] + u) * c.w[2] + v) * channels;
              const double *x = a.x.data() + pixel, *w = a.w.data() + weight, slope = a.g.data()[at];
              double *dx = a.dx.data() + pixel, *dw = a.dw.data() + weight, sum = 0;
              for (std::size_t k = 0; k < channels; ++k) {
                sum += x[k] * w[k];
                dx[k] += slope * w[k];
                dw[k] += slope * x[k];
              }
              a.y.data()[at] += sum;
            }
        }
  return a;
}

/// The largest difference of any array, as a part of its largest element.
template <class T>
double distance(const Case& c, const Numbers& expected) {
  const auto leaf = [](const Array<double>& numbers) { return Variable<T>(Array<T>(xt::cast<T>(numbers)), true); };
  const Variable<T> x = leaf(expected.x), w = leaf(expected.w), b = leaf(expected.b), y = conv2d(x, w, b, c.options);
  const std::vector<Variable<T>> gradients = grad(sum(y * leaf(expected.g)), {x, w});
  double worst = 0;
  const auto compare = [&](const Variable<T>& got, const Array<double>& wanted) {
    double largest = 0, apart = got.shape() == wanted.shape() ? 0 : 1e9;
    for (std::size_t i = 0; i < got.size(); ++i) {
      largest = std::max(largest, std::abs(wanted.data()[i]));
      apart = std::max(apart, std::abs(wanted.data()[i] - static_cast<double>(got.value().data()[i])));
    }
    worst = std::max(worst, apart / largest);
  };
  compare(y, expected.y);
  compare(gradients[0], expected.dx);
  compare(gradients[1], expected.dw);
  return worst;
}

}  // namespace

TEST_CASE("convolve: whichever way it takes, it has the sums of products that define it; also from several threads at once") {
  const std::vector<Case> cases{
      // many and few channels, large and small images, what a stride leaves over, uneven padding, groups
      {{2, 16, 16, 64}, {32, 3, 3, 64}, {.padding = 1}},
      {{2, 4, 4, 256}, {64, 3, 3, 256}, {.padding = 1}},
      {{2, 9, 8, 40}, {24, 3, 3, 40}, {.stride = 2, .padding = {1, 0, 2, 1}}},
      {{3, 12, 12, 3}, {64, 5, 5, 3}, {.stride = 3}},
      {{2, 10, 10, 64}, {64, 3, 3, 32}, {.padding = 2, .dilation = 2, .groups = 2}},
      {{2, 6, 6, 128}, {32, 1, 1, 128}, {}},
      // tiles of 2×2: uneven padding, odd sizes, padding 2; in several portions, the last one shorter; many filters, in portions
      // too
      {{4, 9, 7, 32}, {48, 3, 3, 32}, {.padding = {1, 0, 2, 1}}},
      {{5, 11, 13, 16}, {16, 3, 3, 16}, {}},
      {{8, 6, 5, 16}, {32, 3, 3, 16}, {.padding = 2}},
      {{2, 10, 26, 64}, {32, 3, 3, 64}, {.padding = 1}},
      {{3, 18, 20, 128}, {128, 3, 3, 128}, {.padding = 1}},
      {{4, 8, 8, 128}, {160, 3, 3, 128}, {.padding = {0, 3, 1, 1}}},
      // kernel row by kernel row: channels that fill no panel, strides, dilation, images used as they are and cut off
      {{8, 9, 7, 9}, {20, 3, 3, 9}, {.padding = {1, 0, 2, 1}}},
      {{3, 13, 12, 5}, {19, 3, 5, 5}, {.padding = {1, 2, 3, 0}}},
      {{2, 17, 19, 10}, {32, 5, 3, 10}, {}},
      {{2, 25, 40, 9}, {6, 3, 4, 9}, {.stride = {1, 2}, .padding = 1, .dilation = {2, 1}}},
      {{1, 40, 12, 8}, {16, 2, 2, 8}, {.padding = {3, 0, 4, 1}}},
      {{2, 17, 19, 10}, {20, 3, 5, 10}, {.padding = {1, 0, 2, 3}}},
      {{2, 20, 17, 10}, {6, 3, 3, 10}, {.padding = {2, 1, 1, 1}, .dilation = {2, 1}}},
      {{2, 16, 16, 9}, {5, 3, 3, 9}, {.padding = {2, 0, 2, 0}}},
      {{2, 16, 16, 9}, {5, 3, 3, 9}, {.padding = {1, 4, 1, 4}}},
      {{2, 20, 20, 3}, {5, 1, 7, 3}, {.stride = {2, 1}}},
      // results that see padding alone
      {{2, 8, 8, 64}, {32, 1, 1, 64}, {.padding = 1}},
      {{2, 9, 8, 40}, {24, 3, 3, 40}, {.padding = {3, 0, 4, 1}}}};
  std::vector<Numbers> expected;
  for (const Case& c : cases) {
    CAPTURE(to_string(c.x));
    expected.push_back(reference(c));
    CHECK(distance<float>(c, expected.back()) < 2e-5);
    CHECK(distance<double>(c, expected.back()) < 1e-13);
    if (c.w[3] % 16 != 0) continue;
    const int before = num_threads();
    for (const int threads : {1, 3, 20}) {  // also more than there are tiles or filters to share
      CAPTURE(threads);
      set_num_threads(threads);
      CHECK(distance<float>(c, expected.back()) < 2e-5);
    }
    set_num_threads(before);
  }
  std::atomic<int> wrong = 0;
  const auto again = [&] {
    for (std::size_t k = 0; k < cases.size(); ++k) wrong += !(distance<float>(cases[k], expected[k]) < 2e-5);
  };
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) threads.emplace_back(again);
  for (std::thread& thread : threads) thread.join();
#pragma omp parallel for
  for (int t = 0; t < 2; ++t) again();
  CHECK(wrong == 0);
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

TEST_CASE("convolve: filters of one pixel with a stride are products with the pixels that they meet") {
  struct Case {
    std::size_t side, in, out;
    std::ptrdiff_t stride;
  };
  for (const Case& c : {Case{9, 3, 5, 2}, Case{28, 64, 128, 2}, Case{28, 512, 1024, 2}, Case{40, 512, 1024, 3}}) {
    CAPTURE(c.side);
    const auto x = noise<float>({1, c.side, c.side, c.in}), w = noise<float>({c.out, 1, 1, c.in}, 2);
    const auto y = conv2d(x, w, {.stride = c.stride});
    const auto met = slice(x, {{}, {.step = c.stride}, {.step = c.stride}});
    const auto in = static_cast<std::ptrdiff_t>(c.in);
    const auto product = matmul(reshape(met, {-1, in}), reshape(w, {-1, in}), {.transpose_b = true});
    CHECK(same(reshape(y, {-1}).value(), reshape(product, {-1}).value(), 1e-4));
    const auto g = noise<float>(y.shape(), 3);
    const auto gradients = grad(sum(y * g), {x, w}), expected = grad(sum(product * reshape(g, product.shape())), {x, w});
    CHECK(same(gradients[0].value(), expected[0].value(), 1e-4));
    CHECK(same(gradients[1].value(), expected[1].value(), 1e-4));
  }
}

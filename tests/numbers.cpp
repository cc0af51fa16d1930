// Sums of squares at the ends of a type's range, sums of very many terms, and what is left of large numbers that are equal.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
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

TEST_CASE("numbers: the gradient of a norm's weight is the same recorded, also of large numbers") {
  for (const float size : {1.F, 1e30F, 1e-30F}) {
    Array<float> values = {1.F, -2.F, 3.F, 0.5F}, weights = {1.F, 2.F, 3.F, 4.F};
    values *= size;
    const Variable<float> x(values, true), w(weights, true), b(zeros<float>({4}), true);
    const auto loss = [&] { return sum(layer_norm(x, w, b, {.eps = 0}) * w.detach()); };
    const Array<float> plain = grad(loss(), {w})[0].value(), recorded = grad(loss(), {w}, {.create_graph = true})[0].value();
    for (std::size_t k = 0; k < 4; ++k) CHECK(recorded(k) == doctest::Approx(plain(k)).epsilon(1e-5));
  }
}

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
      {"normalize", [](const auto& x) { return normalize(x, -1, {.eps = 0}); }, 0},
      {"cosine_similarity", [&](const auto& x) { return cosine_similarity(x, other, -1, {.eps = 0}); }, 0},
      {"cosine_similarity, second operand", [&](const auto& x) { return cosine_similarity(other, x, -1, {.eps = 0}); }, 0},
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

TEST_CASE("numbers: what varies little is normalised as exactly as its numbers are known") {
  constexpr std::size_t rows = 3, count = 64;
  // half a step of floats, by which rounding the mean may shift all, in deviations
  const double known = std::ldexp(1.0, -24) / (1e-4 / std::sqrt(3.0));
  for (const double middle : {100.1, -1e3, 1e4}) {
    Array<float> values(Shape{rows, count});
    Generator(1).fill_uniform(values, -1, 1);
    for (float& v : values) v = static_cast<float>(middle * (1 + 1e-4 * static_cast<double>(v)));
    const Variable<float> x(values);
    const Variable<double> exact(xt::cast<double>(values));  // the same numbers
    const Array<double> wanted = layer_norm(exact, {}, {}, {.eps = 1e-12}).value();
    const auto right = [&](const Variable<float>& y) {
      double away = 0;
      for (std::size_t k = 0; k < wanted.size(); ++k)
        away = std::max(away, std::abs(static_cast<double>(y.value().data()[k]) - wanted.data()[k]));
      CHECK(away < known);
    };
    CAPTURE(middle);
    const Variable<float> images = reshape(x, {rows, count, 1});
    right(layer_norm(x, {}, {}, {.eps = 1e-12}));
    right(group_norm(images, 1, {}, {}, {.eps = 1e-12}));
    right(instance_norm(images, {}, {}, {.eps = 1e-12}));
    right(transpose(batch_norm(transpose(x), {}, {}, {}, {}, {.eps = 1e-12})));
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

namespace {

/// How far the elements of x are from `truth`, relative to it.
double off(const Array<float>& x, double truth) {
  double worst = 0;
  for (std::size_t k = 0; k < x.size(); ++k) {
    const double error = std::abs(static_cast<double>(x.data()[k]) / truth - 1);
    worst = error <= worst ? worst : error;
  }
  return worst;
}

constexpr float third = 1.F / 3;
constexpr double exact_third = static_cast<double>(third);

Variable<float> thirds(const Shape& shape, bool requires_grad = false) {
  return Variable<float>(full<float>(shape, third), requires_grad);
}

}  // namespace

TEST_CASE("numbers: sums of very many equal terms") {
  constexpr std::size_t many = std::size_t{1} << 24;
  {
    const auto x = thirds({many});
    CHECK(off(sum(x).value(), many * exact_third) < 1e-5);
    CHECK(off(sum(reshape(x, {4, many / 4}), 1).value(), many / 4 * exact_third) < 1e-5);
    CHECK(off(sum(reshape(x, {many / 4, 4}), 0).value(), many / 4 * exact_third) < 1e-5);
    CHECK(off(mean(x).value(), exact_third) < 1e-5);
    const double last = static_cast<double>(cumsum(x, 0).value()(many - 1));
    CHECK(std::abs(last / (many * exact_third) - 1) < 1e-5);
  }
  {
    const auto a = thirds({1, many}), b = thirds({many, 1});
    CHECK(off(matmul(a, b).value(), many * exact_third * exact_third) < 1e-5);
  }
  for (const auto& [rows, columns] : {std::pair(3UL, 5UL), std::pair(64UL, 32UL), std::pair(1UL, 24UL), std::pair(200UL, 100UL)}) {
    const std::size_t m = rows, n = columns, most = m * n > 1000 ? 200000 : 1000000;
    for (const std::size_t k : {std::size_t{30000}, std::size_t{100000}, most}) {
      const double truth = static_cast<double>(k) * exact_third * exact_third;
      CAPTURE(m);
      CAPTURE(k);
      CHECK(off(matmul(thirds({m, k}), thirds({k, n})).value(), truth) < 1e-5);
      CHECK(off(matmul(thirds({k, m}), thirds({n, k}), {.transpose_a = true, .transpose_b = true}).value(), truth) < 1e-5);
      CHECK(off(linear(thirds({m, k}), thirds({n, k}), thirds({n})).value(), truth + exact_third) < 1e-5);
    }
  }
  const Labels same(Shape{many}, 1);
  const auto table = thirds({3}, true);
  const auto row = [&](const Array<float>& g) {
    return off(full<float>(Shape{1}, g(1)), static_cast<double>(many)) < 1e-5 && g(0) == 0;
  };
  CHECK(row(gradient(index_select(table, 0, same), table)));
  CHECK(row(gradient(gather(table, 0, same), table)));
  CHECK(row(scatter_add(Variable<float>(zeros<float>(Shape{3})), 0, same, thirds({many})).value() / third));
}

TEST_CASE("numbers: long sums depend on the number of threads at most in their last bits") {
  constexpr std::size_t many = std::size_t{1} << 19, side = 514;
  const auto random = [](const Shape& shape, std::uint64_t seed) {
    Array<float> x(shape);
    Generator(seed).fill_uniform(x, 0, 1);
    return Variable<float>(std::move(x), true);
  };
  const auto x = random({many}, 1), table = random({5, 2}, 2), image = random({2, side, side, 3}, 3), w = random({4, 3, 3, 3}, 4),
             pixel = random({1, 2, 2, 1}, 5);
  Labels rows(Shape{many / 2});
  for (std::size_t k = 0; k < rows.size(); ++k) rows.data()[k] = static_cast<std::int64_t>(k * k % 5);
  const auto results = [&] {
    const auto of = [](const Variable<float>& y, const Variable<float>& v) { return grad(sum(square(y)), {v})[0].value(); };
    return std::vector<Array<float>>{
        sum(x).value(),
        mean(reshape(x, {-1, 4}), 0).value(),
        matmul(reshape(x, {2, -1}), reshape(x, {-1, 2})).value(),
        of(embedding(rows, table), table),
        of(conv2d(image, w), w),
        of(interpolate(pixel, 700, {.mode = Interpolation::bilinear}), pixel),
        of(layer_norm(reshape(x, {-1, 2}), select(table, 0, 0)), table),
    };
  };
  const int before = num_threads();
  set_num_threads(1);
  const auto alone = results();
  for (const int threads : {2, 3}) {
    set_num_threads(threads);
    const auto together = results();
    for (std::size_t k = 0; k < alone.size(); ++k) {
      double size = 0, away = 0;
      for (std::size_t i = 0; i < alone[k].size(); ++i) {
        size = std::max(size, std::abs(static_cast<double>(alone[k].data()[i])));
        away = std::max(away, std::abs(static_cast<double>(alone[k].data()[i]) - static_cast<double>(together[k].data()[i])));
      }
      CAPTURE(threads);
      CAPTURE(k);
      CHECK(size > 0);
      CHECK(away <= 1e-6 * size);
    }
  }
  set_num_threads(before);
}

TEST_CASE("numbers: rows that come very often among others, whose sums stay what they were") {
  constexpr std::size_t count = 100000;
  for (const std::size_t inner : {1UL, 3UL, 40UL}) {
    Labels labels(Shape{count});
    std::vector<double> times(1000);
    for (std::size_t k = 0; k < count; ++k) {
      labels(k) = static_cast<std::int64_t>(k % 3 == 0 ? 7 : k * k % 1000);
      ++times[static_cast<std::size_t>(labels(k))];
    }
    const auto weights = thirds({1000, inner}, true);
    const Array<float> g = gradient(embedding(labels, weights) * third, weights);
    bool right = true;
    for (std::size_t row = 0; row < 1000; ++row)
      for (std::size_t j = 0; j < inner; ++j)
        right &= std::abs(static_cast<double>(g(row, j)) - times[row] * exact_third) <= 5e-6 * times[row];
    CHECK(right);
  }
}

TEST_CASE("numbers: what images get back from very many places") {
  for (const auto mode : {Interpolation::bilinear, Interpolation::nearest})
    for (const std::size_t side : {1UL, 3UL}) {
      const auto x = thirds({1, side, side, 1}, true);
      const Array<float> g = gradient(interpolate(x, 2048, {.mode = mode}) * third, x);
      double total = 0;
      for (std::size_t k = 0; k < g.size(); ++k) total += static_cast<double>(g.data()[k]);
      CHECK(std::abs(total / (2048. * 2048 * exact_third) - 1) < 1e-5);
    }
  const auto image = thirds({1, 600, 600, 1}, true);
  CHECK(off(avg_pool2d(image, 600).value(), exact_third) < 1e-5);
  const auto small = thirds({1, 120, 120, 1}, true);  // whose middle 3600 windows see
  const Array<float> spread = gradient(avg_pool2d(small, 60, {.stride = 1}) * third, small);
  CHECK(std::abs(static_cast<double>(spread(0, 60, 60, 0)) / exact_third - 1) < 1e-5);
  // one pixel is the best of all windows
  Array<float> peak = zeros<float>(Shape{1, 300, 300, 1});
  peak(0, 150, 150, 0) = 1e6F;
  const Variable<float> peaked(peak, true);
  const auto weights = leaf<float>(Shape{1, 4}, {1e-3, 0, 1e-3, 0});
  const Array<float> best = gradient(distance_transform_pool2d(peaked, weights) * third, peaked);
  CHECK(std::abs(static_cast<double>(best(0, 150, 150, 0)) / (exact_third * 90000) - 1) < 1e-5);
}

TEST_CASE("numbers: the mean of very many pixels, and a depthwise filter as long") {
  constexpr std::size_t many = std::size_t{1} << 24;
  for (const Extent2d size : {Extent2d{1, many}, Extent2d{4096, 4096}, Extent2d{many, 1}}) {
    const auto image = thirds({1, static_cast<std::size_t>(size.h), static_cast<std::size_t>(size.w), 1});
    CAPTURE(size.h);
    CHECK(off(avg_pool2d(image, size).value(), exact_third) < 1e-5);
    CHECK(off(adaptive_avg_pool2d(image, 1).value(), exact_third) < 1e-5);
  }
  for (const std::size_t channels : {5UL, 40UL}) {
    const auto image = thirds({1, 2, std::size_t{1} << 19, channels}), w = thirds({channels, 1, 1, 1}, true);
    CAPTURE(channels);
    CHECK(off(global_avg_pool2d(image).value(), exact_third) < 1e-5);
    CHECK(off(avg_pool2d(image, {2, std::ptrdiff_t{1} << 19}).value(), exact_third) < 1e-5);
    const auto y = conv2d(image, w, {.groups = static_cast<std::ptrdiff_t>(channels)});
    CHECK(off(gradient(y * third, w), 2. * (1 << 19) * exact_third * exact_third) < 1e-5);
  }
}

TEST_CASE("numbers: filters as large as the image") {
  struct Row {
    std::size_t height, width, in, out, groups;
  };
  for (const Row& row : {Row{2, 1 << 19, 5, 5, 5}, Row{2, 1 << 19, 8, 8, 8}, Row{512, 512, 8, 16, 8}, Row{64, 64, 16, 3, 1},
                         Row{512, 512, 16, 16, 1}, Row{700, 700, 3, 8, 1}, Row{700, 700, 6, 8, 2}}) {
    CAPTURE(row.width);
    CAPTURE(row.in);
    CAPTURE(row.groups);
    const auto filter = thirds({row.out, row.height, row.width, row.in / row.groups});
    const double exact = static_cast<double>(row.height * row.width * row.in / row.groups) * exact_third * exact_third;
    const Conv2dOptions options{.groups = static_cast<std::ptrdiff_t>(row.groups)};
    CHECK(off(conv2d(thirds({1, row.height, row.width, row.in}), filter, options).value(), exact) < 1e-5);
    CHECK(off(conv2d(thirds({2, row.height, row.width + 2, row.in}), filter, options).value(), exact) < 1e-5);  // three in a row
  }
}

TEST_CASE("numbers: a filter's gradient from very many places") {
  struct Row {
    std::size_t n, side, in, out;
    Conv2dOptions options;
  };
  for (const Row& row :
       {Row{1, 1100, 1, 1, {}}, Row{1, 1000, 3, 8, {}}, Row{3, 513, 2, 3, {.stride = 1, .dilation = 2}}, Row{1, 800, 16, 16, {}},
        Row{1, 900, 4, 4, {.groups = 4}}, Row{1, 1501, 1, 2, {.stride = 2}}, Row{1, 2050, 1, 1, {}}, Row{1, 420, 16, 16, {}}}) {
    const std::size_t k = 3;
    const auto x = thirds({row.n, row.side, row.side, row.in});
    const auto w = thirds({row.out, k, k, row.in / static_cast<std::size_t>(row.options.groups)}, true);
    const auto b = thirds({row.out}, true);
    const auto y = conv2d(x, w, b, row.options);
    const auto g = grad(sum(y * third), {w, b});
    const double places = static_cast<double>(y.size() / row.out);
    CAPTURE(row.in);
    CAPTURE(row.side);
    CHECK(off(g[0].value(), places * exact_third * exact_third) < 1e-5);
    CHECK(off(g[1].value(), places * exact_third) < 1e-5);
  }
}

TEST_CASE("numbers: a filter's gradient from many places, with few channels") {
  struct Row {
    std::size_t n, side, in, out, k = 3;
  };
  for (const Row& row : {Row{1, 514, 3, 8}, Row{20, 130, 1, 4}, Row{3, 258, 2, 24}, Row{64, 28, 1, 6, 5}, Row{1, 60, 12, 8}}) {
    const auto x = thirds({row.n, row.side, row.side, row.in});
    const auto w = thirds({row.out, row.k, row.k, row.in}, true);
    const auto y = conv2d(x, w);
    const auto g = grad(sum(y * third), {w})[0];
    CAPTURE(row.side);
    CHECK(off(g.value(), static_cast<double>(y.size() / row.out) * exact_third * exact_third) < 5e-5);
  }
}

TEST_CASE("numbers: XGRAD_CONV chooses how convolutions are computed") {
  const char* const value = std::getenv("XGRAD_CONV");
  const std::string way = value ? value : "";
  constexpr std::size_t side = 32, channels = 64;
  Variable<float> x = thirds({1, side, side, channels});
  Array<float> pixels = x.value();
  pixels(0, 8, 8, 0) = 1e6F;
  const auto w = thirds({channels, 3, 3, channels});
  if (way == "no such way") {
    const std::string text = error(__LINE__, [&] { conv2d(Variable<float>(pixels), w); });
    CHECK(text == "conv2d: XGRAD_CONV is no such way; it must be patches, direct, winograd, onednn or blocked");
    return;
  }
  const Array<float> y = conv2d(Variable<float>(pixels), w).value();
  double worst = 0;
  for (std::size_t i = 0; i + 2 < side; ++i)
    for (std::size_t j = 0; j + 2 < side; ++j)
      if (!(i <= 8 && i >= 6 && j <= 8 && j >= 6))  // which see the large one
        worst = std::max(worst, std::abs(static_cast<double>(y(0, i, j, 0)) - 9 * channels * exact_third * exact_third));
  MESSAGE("beside a pixel of 1e6 errors are up to ", worst);
  CHECK(worst < (way == "direct" || way == "patches" || way == "onednn" ? 1e-3 : 1.0));
  // One pixel, seen by a weight of 1/3 in whose neighbourhood one of 1e8 sees nothing: Winograd adds the weights first, nobody
  // else.
  Array<float> pixel = zeros<float>(x.shape()), filters = zeros<float>(w.shape());
  pixel(0, 8, 8, 0) = 1;
  filters(0, 0, 0, 0) = 1e8F;
  filters(0, 1, 1, 0) = third;
  const double lost = std::abs(static_cast<double>(conv2d(Variable<float>(pixel), filters).value()(0, 7, 7, 0)) - exact_third);
  if (way == "winograd") CHECK(lost > 1e-3);
  if (way == "direct" || way == "patches" || way == "onednn") CHECK(lost == 0);
}

// Convolution and pooling: sizes, parameters, what a convolution is as a product, and worked examples.
#include "lecture.hpp"

using namespace lecture;

namespace {

Shape convolved(const Shape& x, const Shape& w, Conv2dOptions options = {}) {
  return conv2d(Variable<float>(zeros<float>(x)), Variable<float>(zeros<float>(w)), options).shape();
}

}  // namespace

TEST_CASE("lectures: the size of a convolution's result is ⌊(N + 2P - K) / S⌋ + 1") {
  const Shape x7{1, 7, 7, 1}, w3{1, 3, 3, 1};
  CHECK(convolved(x7, w3) == Shape{1, 5, 5, 1});
  CHECK(convolved(x7, w3, {.stride = 2}) == Shape{1, 3, 3, 1});
  CHECK(convolved(x7, w3, {.stride = 3}) == Shape{1, 2, 2, 1});  // 2.33 with the remainder
  const nn::Conv2d<float> third(1, 1, 3, {.stride = 3});
  CHECK(nn::summary(third, x7).rows[0].remarks == std::vector<std::string>{"the stride leaves the last 1 row and 1 column out"});
  CHECK(convolved(x7, w3, {.padding = 1}) == x7);
  for (const std::ptrdiff_t k : {3, 5, 7}) {  // P = (K - 1) / 2 preserves the size: 1, 2, 3
    const auto size = static_cast<std::size_t>(k);
    CHECK(convolved(x7, {1, size, size, 1}, {.padding = (k - 1) / 2}) == x7);
  }
  for (std::ptrdiff_t n = 5; n < 12; ++n)
    for (const std::ptrdiff_t k : {1, 2, 3, 5})
      for (const std::ptrdiff_t s : {1, 2, 3})
        for (const std::ptrdiff_t p : {0, 1, 2}) {
          const auto side = static_cast<std::size_t>(n), size = static_cast<std::size_t>(k);
          CHECK(convolved({1, side, side, 1}, {1, size, size, 1}, {.stride = s, .padding = p})[1] ==
                static_cast<std::size_t>((n + 2 * p - k) / s + 1));
        }
  // 5×5 without padding: 32 → 28 → 24
  CHECK(convolved({1, 32, 32, 3}, {6, 5, 5, 3}) == Shape{1, 28, 28, 6});
  CHECK(convolved({1, 28, 28, 6}, {10, 5, 5, 6}) == Shape{1, 24, 24, 10});
}

TEST_CASE("lectures: filters of 5×5 on 32×32×3, K² C1 C2 + C2 parameters") {
  const Variable<float> image(zeros<float>({1, 32, 32, 3}));
  for (const std::size_t filters : {1UL, 5UL, 6UL}) {
    const nn::Conv2d<float> layer(3, filters, 5);
    CHECK(layer(image).shape() == Shape{1, 28, 28, filters});
    CHECK(nn::parameter_count(layer) == 5 * 5 * 3 * filters + filters);
  }
  const nn::Conv2d<float> ten(3, 10, 5, {.padding = 2});
  CHECK(ten(image).shape() == Shape{1, 32, 32, 10});
  CHECK(nn::parameter_count(ten) == 760);
  CHECK(nn::parameter_count(nn::Conv2d<float>(3, 1, 5)) == 76);
  CHECK(nn::summary(ten, {1, 32, 32, 3}).rows[0].field == "5×5");
}

TEST_CASE("lectures: conv2d is cross-correlation; true convolution flips the filter") {
  const auto f = leaf(Shape{1, 1, 4, 1}, {1, 2, 3, 4}), g = leaf(Shape{1, 1, 3, 1}, {1, 10, 100});
  CHECK(is(conv2d(f, g).value(), {321, 432}));
  // (f ∗ g)(i) = Σ f(k) g(i - k): the coefficients of the product of two polynomials
  CHECK(is(conv2d(f, flip(g, {1, 2}), {.padding = {0, 2}}).value(), {1, 12, 123, 234, 340, 400}));
  // ... which is what the transposed convolution gives without a flip
  CHECK(is(conv_transpose2d(f, g).value(), {1, 12, 123, 234, 340, 400}));
}

TEST_CASE("lectures: a sparse linear layer with shared weights does what a convolution does") {
  const std::size_t side = 32, result = 28;
  const auto x = lecture::noise({1, side, side, 3}), w = lecture::noise({1, 5, 5, 3}, 2);
  Array<float> matrix = zeros<float>({result * result, side * side * 3});
  CHECK(matrix.size() == 2'408'448);
  std::size_t entries = 0;
  for (std::size_t i = 0; i < result; ++i)
    for (std::size_t j = 0; j < result; ++j)
      for (std::size_t k = 0; k < 75; ++k, ++entries)
        matrix(i * result + j, ((i + k / 15) * side + j + k / 3 % 5) * 3 + k % 3) =
            static_cast<float>(w.value()(0, k / 15, k / 3 % 5, k % 3));
  CHECK(entries == 784 * 75);  // of which the filter has 75 different ones
  const Variable<float> x_float(xt::cast<float>(x.value()));
  const auto dense = linear(reshape(x_float, {1, -1}), Variable<float>(matrix));
  const auto sparse = reshape(conv2d(x_float, Variable<float>(xt::cast<float>(w.value()))), {1, -1});
  CHECK(amax(abs(dense - sparse)).item() < 1e-5F);
  // the weights of fully connected layers between images
  CHECK(256ULL * 256 * 3 * 128 * 128 * 3 == 9'663'676'416);
  CHECK(256ULL * 256 * 3 * 32 * 32 * 36 == 7'247'757'312);
}

TEST_CASE("lectures: im2col with a patch in each column, and the convolution and its gradients as products with it; a plain loop") {
  const std::size_t h = 5, w = 4, c = 3, kh = 3, kw = 2, oh = 3, ow = 3, o = 4;
  const auto x = lecture::noise({1, h, w, c}), filters = lecture::noise({o, kh, kw, c}, 2),
             delta = lecture::noise({1, oh, ow, o}, 3);
  // a column per patch, within it channel after channel
  Array<double> columns(Shape{c * kh * kw, oh * ow});
  for (std::size_t k = 0; k < c; ++k)
    for (std::size_t u = 0; u < kh; ++u)
      for (std::size_t v = 0; v < kw; ++v)
        for (std::size_t i = 0; i < oh; ++i)
          for (std::size_t j = 0; j < ow; ++j)
            columns.data()[((k * kh + u) * kw + v) * oh * ow + i * ow + j] = x.value().data()[((i + u) * w + j + v) * c + k];
  const auto ours = im2col(x, {kh, kw});
  CHECK(ours.shape() == Shape{oh * ow, kh * kw * c});
  CHECK(lecture::near(reshape(permute(reshape(ours, {oh * ow, kh * kw, c}), {2, 1, 0}), {c * kh * kw, oh * ow}), V(columns), 0));

  // filters × im2col → output; Δfilters = δ × im2colᵀ; input δ = col2im(filtersᵀ × δ)
  const V by_column(columns), filter_rows = reshape(permute(filters, {0, 3, 1, 2}), {o, c * kh * kw});
  const auto y = conv2d(x, filters);
  CHECK(lecture::near(reshape(permute(y, {3, 0, 1, 2}), {o, oh * ow}), matmul(filter_rows, by_column)));
  const auto gradients = grad(sum(y * delta), {x, filters});
  const auto delta_rows = reshape(permute(delta, {3, 0, 1, 2}), {o, oh * ow});
  const auto filter_gradient = matmul(delta_rows, by_column, {.transpose_b = true});
  CHECK(lecture::near(gradients[1], permute(reshape(filter_gradient, {o, c, kh, kw}), {0, 2, 3, 1})));
  const auto back_columns = matmul(filter_rows, delta_rows, {.transpose_a = true});
  const auto back = reshape(permute(reshape(back_columns, {c, kh * kw, oh * ow}), {2, 1, 0}), {oh * ow, kh * kw * c});
  CHECK(lecture::near(gradients[0], col2im(back, {1, h, w, c}, {kh, kw})));

  // and in the library's own layout
  CHECK(lecture::near(y, reshape(matmul(ours, reshape(filters, {o, -1}), {.transpose_b = true}), {1, oh, ow, o})));

  // and a plain loop, forward and backward
  Array<double> sum_y = zeros<double>({1, oh, ow, o}), dx = zeros<double>({1, h, w, c}), df = zeros<double>({o, kh, kw, c});
  for (std::size_t i = 0; i < oh; ++i)
    for (std::size_t j = 0; j < ow; ++j)
      for (std::size_t f = 0; f < o; ++f)
        for (std::size_t u = 0; u < kh; ++u)
          for (std::size_t v = 0; v < kw; ++v)
            for (std::size_t k = 0; k < c; ++k) {
              const double d = delta.value()(0, i, j, f);
              sum_y(0, i, j, f) += x.value()(0, i + u, j + v, k) * filters.value()(f, u, v, k);
              dx(0, i + u, j + v, k) += d * filters.value()(f, u, v, k);
              df(f, u, v, k) += d * x.value()(0, i + u, j + v, k);
            }
  CHECK(lecture::near(y, V(sum_y)));
  CHECK(lecture::near(gradients[0], V(dx)));
  CHECK(lecture::near(gradients[1], V(df)));
}

TEST_CASE("lectures: a 1×1 convolution is a linear layer over channels, and makes the next one cheap") {
  const V x = lecture::noise({2, 5, 4, 6}), w = lecture::noise({3, 1, 1, 6}, 2), b = lecture::noise({3}, 3);
  CHECK(lecture::near(conv2d(x, w, b), reshape(linear(reshape(x, {-1, 6}), reshape(w, {3, 6}), b), {2, 5, 4, 3})));

  const auto totals = [](const auto& net) {
    const nn::Summary summary = nn::summary(net, {1, 28, 28, 256});
    std::size_t multiply_adds = 0;
    for (const auto& row : summary.rows) multiply_adds += row.multiply_adds;
    return std::pair(summary.parameters, multiply_adds);
  };
  const nn::Conv2d<float> direct(256, 256, 3, {.padding = 1});
  const nn::Sequential reduced{nn::Conv2d<float>(256, 64, 1), nn::ReLU{}, nn::Conv2d<float>(64, 256, 3, {.padding = 1})};
  CHECK(totals(direct) == std::pair<std::size_t, std::size_t>(590080, 462422016));
  CHECK(totals(reduced) == std::pair<std::size_t, std::size_t>(164160, 128450560));
}

TEST_CASE_TEMPLATE("lectures: worked examples of pooling", T, float, double) {
  const auto four = leaf<T>(Shape{1, 4, 4, 1}, {1, 1, 2, 4, 5, 6, 7, 8, 3, 2, 1, 0, 1, 2, 3, 4});
  CHECK(is(max_pool2d(four, 2).value(), {6, 8, 3, 4}));
  CHECK(is(min_pool2d(four, 2).value(), {1, 2, 1, 0}));
  CHECK(is(avg_pool2d(four, 2).value(), {3.25, 5.25, 2, 2}));
  const auto eight = leaf<T>(Shape{1, 8, 8, 1}, {-7, 6,  -1, 3,  9,  9,  6,  -9, 3,  -8, 0, 7,  10, 8,  -3, 10,  //
                                                 -4, 2,  -6, 4,  -7, 5,  5,  7,  -3, -9, 1, 8,  -8, 9,  -1, -5,  //
                                                 -7, 10, -9, -5, 9,  -8, -7, 10, -5, 5,  9, 4,  10, -8, 7,  6,   //
                                                 -3, 8,  0,  2,  2,  -3, -2, 5,  4,  -6, 7, -3, 1,  4,  10, 0});
  CHECK(is(max_pool2d(eight, 2).value(), {6, 7, 10, 10, 2, 8, 9, 7, 10, 9, 10, 10, 8, 7, 4, 10}));
  // (W - K) / S + 1; AlexNet: 27×27×128 → 13×13×192 is 0.3477 of the numbers (a lecture's 0.375 is ½ · ½ · 1.5)
  const Shape pooled = max_pool2d(Variable<T>(zeros<T>({1, 27, 27, 2})), 3, {.stride = 2}).shape();
  CHECK(pooled == Shape{1, 13, 13, 2});
  CHECK(13.0 * 13 * 192 / (27.0 * 27 * 128) == doctest::Approx(0.3477).epsilon(1e-3));
}

TEST_CASE(
    "lectures: distance-transform pooling: the best place near by, less the cost of going there; max pooling where it is free") {
  const V x = lecture::noise({1, 6, 7, 2}), w = matrix(4, {0.3, -0.1, 0.2, 0.05, 0.01, 0, 0.02, -0.3});
  const V y = distance_transform_pool2d(x, w);
  for (std::ptrdiff_t i = 0; i < 6; ++i)
    for (std::ptrdiff_t j = 0; j < 7; ++j)
      for (std::size_t c = 0; c < 2; ++c) {
        double best = -1e9;
        for (std::ptrdiff_t dy = -i; dy < 6 - i; ++dy)
          for (std::ptrdiff_t dx = -j; dx < 7 - j; ++dx) {
            const double cost = number(w, c, 0) * static_cast<double>(dx * dx) + number(w, c, 1) * static_cast<double>(dx) +
                                number(w, c, 2) * static_cast<double>(dy * dy) + number(w, c, 3) * static_cast<double>(dy);
            best = std::max(best, x.value()(0, i + dy, j + dx, c) - cost);
          }
        CHECK(y.value()(0, i, j, c) == doctest::Approx(best).epsilon(1e-12));
      }
  const auto report = gradcheck([](const V& a, const V& b) { return distance_transform_pool2d(a, b); }, {x, w});
  CHECK_MESSAGE(report.ok(), to_string(report));
  const V free(zeros<double>({2, 4}));
  CHECK(lecture::near(distance_transform_pool2d(x, free, {.reach = 1}), max_pool2d(x, 3, {.stride = 1, .padding = 1}), 0));
}

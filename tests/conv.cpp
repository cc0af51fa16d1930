// Convolution, pooling and resampling: what relates one op to another, options, kinks, errors, layers. Values and gradients of many
// shapes are in rows_conv.cpp, worked numbers in lectures/convolution.cpp.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <xgrad/xgrad.hpp>

#include "noise.hpp"

using namespace xgrad;

using namespace xgrad_test;

namespace {

/// 0, 1, 2, …
Variable<double> counting(const Shape& shape) {
  Array<double> value(shape);
  for (std::size_t k = 0; k < value.size(); ++k) value.data()[k] = static_cast<double>(k);
  return Variable<double>(std::move(value), true);
}

Shape conv_result(const Shape& x, const Shape& w, Conv2dOptions options = {}) {
  return conv2d(Variable<float>(zeros<float>(x)), Variable<float>(zeros<float>(w)), options).shape();
}

}  // namespace

TEST_CASE("conv: output sizes and parameter counts of dilated, uneven, grouped kernels") {
  const Shape x7{1, 7, 7, 1}, w3{1, 3, 3, 1};
  // a dilated kernel covers dilation * (k - 1) + 1 pixels
  CHECK(conv_result(x7, w3, {.dilation = 2}) == Shape{1, 3, 3, 1});
  CHECK(conv_result(x7, w3, {.dilation = 3}) == Shape{1, 1, 1, 1});
  CHECK(conv_result(x7, w3, {.padding = {1, 0, 0, 3}}) == Shape{1, 6, 8, 1});
  nn::Conv2d<float> without(7, 4, {3, 2}, {.bias = false});
  CHECK(nn::parameter_count(without) == 4 * 3 * 2 * 7);
  nn::Conv2d<float> grouped(96, 256, 5, {.padding = 2, .groups = 2});  // AlexNet's second layer
  CHECK(nn::parameter_count(grouped) == 256 * 5 * 5 * 48 + 256);
  CHECK(grouped(Variable<float>(zeros<float>({1, 27, 27, 96}))).shape() == Shape{1, 27, 27, 256});
}

TEST_CASE("conv: paddings from one number, two and four") {
  CHECK(Padding2d(3) == Padding2d(3, 3, 3, 3));
  CHECK(Padding2d(1, 2) == Padding2d(1, 1, 2, 2));
  CHECK(Padding2d(Extent2d(1, 2)) == Padding2d(1, 2));
  const Conv2dOptions options{.padding = {1, 2, 3, 4}};
  CHECK(options.padding.top == 1);
  CHECK(options.padding.bottom == 2);
  CHECK(options.padding.left == 3);
  CHECK(options.padding.right == 4);
  CHECK(Padding1d(2) == Padding1d(2, 2));
  const auto x = leaf(Shape{1, 1, 1, 1}, {5}), w = leaf(Shape{1, 1, 1, 1}, {1});
  CHECK(is(conv2d(x, w, {.padding = {1, 0, 0, 2}}).value(), {0, 0, 0, 5, 0, 0}));
  CHECK(is(conv2d(x, w, {.padding = {0, 1, 1, 0}}).value(), {0, 5, 0, 0}));
  CHECK(is(conv1d(leaf(Shape{1, 1, 1}, {5}), leaf(Shape{1, 1, 1}, {1}), {.padding = {1, 2}}).value(), {0, 5, 0, 0}));
}

TEST_CASE("conv: groups are convolutions side by side") {
  const auto x = noise({2, 5, 6, 6}), w = noise({9, 3, 2, 2}, 2);
  const Conv2dOptions options{.stride = {1, 2}, .padding = 1, .dilation = {2, 1}};
  Conv2dOptions grouped = options;
  grouped.groups = 3;
  const auto y = conv2d(x, w, grouped);
  const auto channels = [](const Array<double>& a, std::size_t from, std::size_t to) {
    Shape shape = a.shape();
    const std::size_t c = shape[3];
    shape[3] = to - from;
    Array<double> part(shape);
    for (std::size_t k = 0; k < part.size(); ++k) part.data()[k] = a.data()[k / (to - from) * c + from + k % (to - from)];
    return part;
  };
  for (std::size_t g = 0; g < 3; ++g) {
    Array<double> weights(Shape{3, 3, 2, 2});
    std::copy_n(w.value().data() + g * weights.size(), weights.size(), weights.data());
    const auto part = conv2d(channels(x.value(), 2 * g, 2 * g + 2), Variable<double>(weights), options);
    CHECK(same(channels(y.value(), 3 * g, 3 * g + 3), part.value()));
  }
}

TEST_CASE("conv: images may be plain arrays") {
  const Array<double> x = noise({1, 3, 3, 1}).value();
  const auto w = noise({2, 2, 2, 1}, 2), bias = noise({2}, 3);
  CHECK(same(conv2d(x, w).value(), conv2d(Variable<double>(x), w).value(), 0));
  CHECK(same(conv2d(x, w, bias, {.padding = 1}).value(), conv2d(Variable<double>(x), w, bias, {.padding = 1}).value(), 0));
  CHECK(same(conv_transpose2d(x, noise({1, 2, 2, 2}, 2), bias).value(),
             conv_transpose2d(Variable<double>(x), noise({1, 2, 2, 2}, 2), bias).value(), 0));
  CHECK(conv_transpose2d(x, noise({1, 2, 2, 2}), {.stride = 2}).shape() == Shape{1, 6, 6, 2});
  const Array<double> sequence = noise({1, 3, 1}).value();
  const auto taps = noise({2, 2, 1}, 2);
  CHECK(same(conv1d(sequence, taps, bias, {.padding = 1}).value(),
             conv1d(Variable<double>(sequence), taps, bias, {.padding = 1}).value(), 0));
  CHECK(conv1d(sequence, taps).shape() == Shape{1, 2, 2});
  CHECK(distance_transform_pool2d(x, noise({1, 4}), {.reach = 1}).requires_grad());
}

TEST_CASE("conv: nothing to convolve") {
  const auto zero = [](const Shape& shape) { return Variable<double>(zeros<double>(shape), true); };
  const auto w = noise({2, 2, 2, 1});
  const auto no_rows = zero({1, 0, 2, 1}), no_channels = zero({1, 3, 3, 0}), no_weights = zero({4, 2, 2, 0});
  const auto padding_only = conv2d(no_rows, w, {.padding = 1});
  CHECK(padding_only.shape() == Shape{1, 1, 3, 2});
  CHECK(is(padding_only.value(), {0, 0, 0, 0, 0, 0}));
  CHECK(is(gradient(padding_only, w), std::vector<double>(8, 0)));
  // The same with a group for each channel. That places were counted from no address at all only the sanitizers see.
  for (const Shape& none : {Shape{1, 0, 2, 2}, Shape{1, 2, 0, 2}, Shape{1, 0, 0, 2}, Shape{0, 2, 2, 2}}) {
    const Variable<double> x(Array<double>::from_shape(none), true), taps = noise({2, 2, 3, 1});
    const auto y = conv2d(x, taps, {.padding = 2, .groups = 2});
    CHECK(same(y.value(), zeros<double>(y.shape()), 0));
    const auto g = grad(sum(y), {x, taps});
    CHECK(g[0].shape() == none);
    CHECK(is(g[1].value(), std::vector<double>(12, 0)));
  }
  for (const std::ptrdiff_t groups : {1, 2}) {
    CHECK(is(conv2d(no_channels, no_weights, {.groups = groups}).value(), std::vector<double>(16, 0)));
    CHECK(gradient(conv2d(no_channels, no_weights, {.groups = groups}), no_channels).shape() == no_channels.shape());
    CHECK(conv2d(zero({0, 3, 3, 2}), zero({2, 2, 2, 2 / static_cast<std::size_t>(groups)}), {.groups = groups}).shape() ==
          Shape{0, 2, 2, 2});
  }
  CHECK(max_pool2d(no_channels, 2).shape() == Shape{1, 1, 1, 0});
  CHECK(avg_pool2d(no_channels, 2).shape() == Shape{1, 1, 1, 0});
  CHECK(distance_transform_pool2d(no_channels, zero({0, 4})).shape() == Shape{1, 3, 3, 0});
  CHECK(interpolate(no_channels, 2).shape() == Shape{1, 2, 2, 0});
}

TEST_CASE("conv: no outputs, so no gradient for the images, and no bias either") {
  for (const std::ptrdiff_t groups : {1, 2}) {
    const Variable<double> x = noise({1, 4, 4, 2}), w = noise({0, 3, 3, groups == 1 ? std::size_t{2} : std::size_t{1}});
    const auto g = grad(sum(conv2d(x, w, {.groups = groups})), {x});
    CHECK(same(g[0].value(), zeros<double>({1, 4, 4, 2})));
    CHECK_THROWS_AS(conv2d(x, w, noise({5}), {.groups = groups}), ShapeError);
  }
}

TEST_CASE("conv: conv_transpose2d undoes the shape of conv2d") {
  for (const std::ptrdiff_t stride : {1, 2, 3})
    for (const std::ptrdiff_t padding : {0, 1})
      for (const std::size_t side : std::vector<std::size_t>{6, 7, 8}) {
        const Shape small = conv_result({1, side, side, 2}, {3, 3, 3, 2}, {.stride = stride, .padding = padding});
        const auto remainder = (static_cast<std::ptrdiff_t>(side) + 2 * padding - 3) % stride;
        const auto back = conv_transpose2d(noise(small), noise({3, 3, 3, 2}),
                                           {.stride = stride, .padding = padding, .output_padding = remainder});
        CHECK(back.shape() == Shape{1, side, side, 2});
      }
  // each pixel stamps its kernel
  const auto x = leaf(Shape{1, 1, 2, 1}, {1, 2}), w = leaf(Shape{1, 1, 3, 1}, {1, 10, 100});
  CHECK(is(conv_transpose2d(x, w, {.stride = 2}).value(), {1, 10, 102, 20, 200}));
  CHECK(
      is(conv_transpose2d(x, w, {.stride = 2, .padding = {0, 0, 1, 0}, .output_padding = {0, 1}}).value(), {10, 102, 20, 200, 0}));
}

TEST_CASE_TEMPLATE("conv: padding of pools is never chosen and may count", T, float, double) {
  const auto x = leaf<T>(Shape{1, 2, 2, 1}, {-1, -2, -3, -4});
  CHECK(is(max_pool2d(x, 2, {.stride = 1, .padding = 1}).value(), {-1, -1, -2, -1, -1, -2, -3, -3, -4}));
  const auto positive = leaf<T>(Shape{1, 2, 2, 1}, {1, 2, 3, 4});
  CHECK(is(min_pool2d(positive, 2, {.stride = 1, .padding = 1}).value(), {1, 1, 2, 1, 1, 2, 3, 3, 4}));
  CHECK(is(avg_pool2d(positive, 2, {.padding = 1}).value(), {0.25, 0.5, 0.75, 1}));
  CHECK(is(avg_pool2d(positive, 2, {.padding = 1, .count_include_pad = false}).value(), {1, 2, 3, 4}));
  // ceil_mode's overhang beyond the padding does not count
  const auto five = leaf<T>(Shape{1, 1, 5, 1}, {1, 2, 3, 4, 5});
  CHECK(is(avg_pool2d(five, {1, 2}, {.ceil_mode = true}).value(), {1.5, 3.5, 5}));
  CHECK(is(avg_pool2d(five, {1, 3}, {.padding = {0, 0, 0, 1}, .ceil_mode = true}).value(), {2, 3}));
  CHECK(is(avg_pool2d(five, {1, 3}, {.stride = {1, 2}, .padding = {0, 1}}).value(), {1, 3, 3}));
  CHECK(is(max_pool2d(five, {1, 2}).value(), {2, 4}));
  CHECK(is(max_pool2d(five, {1, 2}, {.ceil_mode = true}).value(), {2, 4, 5}));
  // a window that would begin in the padding behind the image is left out
  CHECK(max_pool2d(five, {1, 2}, {.padding = {0, 1}, .ceil_mode = true}).shape() == Shape{1, 1, 3, 1});
}

TEST_CASE_TEMPLATE("conv: the smallest of a window, ties and NaN", T, float, double) {
  const auto ties = leaf<T>(Shape{1, 2, 4, 1}, {1, 1, 2, 0, 1, 1, 0, 0});
  CHECK(is(min_pool2d(ties, 2).value(), {1, 0}));
  CHECK(is(gradient(min_pool2d(ties, 2), ties), {1, 0, 0, 1, 0, 0, 0, 0}));
  CHECK(is(gradient(adaptive_max_pool2d(ties, {1, 2}), ties), {1, 0, 1, 0, 0, 0, 0, 0}));
  const auto with_nan = leaf<T>(Shape{1, 2, 4, 1}, {1, na, 5, 6, na, 9, 7, 8});
  CHECK(is(min_pool2d(with_nan, 2).value(), {na, 5}));
  CHECK(is(gradient(min_pool2d(with_nan, 2), with_nan), {0, 1, 1, 0, 0, 0, 0, 0}));
  CHECK(is(max_pool2d(with_nan, 2, {.padding = 1}).value(), {1, na, 6, na, 9, 8}));
  CHECK(is(avg_pool2d(with_nan, 2).value(), {na, 6.5}));
  CHECK(is(adaptive_max_pool2d(with_nan, {1, 2}).value(), {na, 8}));
  CHECK(is(global_avg_pool2d(with_nan).value(), {na}));
  const auto highest = leaf<T>(Shape{1, 1, 2, 1}, {inf, inf});
  CHECK(is(min_pool2d(highest, {1, 2}).value(), {inf}));
  CHECK(is(gradient(min_pool2d(highest, {1, 2}), highest), {1, 0}));
  // many channels: whole vectors and a rest
  Array<T> many = zeros<T>({1, 1, 2, 37});
  many.data()[3] = many.data()[37 + 20] = static_cast<T>(na);
  many.data()[36] = -1;
  std::vector<double> expected(37, 0);
  expected[3] = expected[20] = na;
  CHECK(is(max_pool2d(Variable<T>(many), {1, 2}).value(), expected));
}

TEST_CASE_TEMPLATE("conv: few channels are pooled as many are", T, float, double) {
  for (const std::size_t c : {std::size_t{1}, std::size_t{3}, std::size_t{15}, std::size_t{16}}) {
    Array<T> values = zeros<T>({2, 9, 11, c});
    for (std::size_t k = 0; k < values.size(); ++k)
      values.data()[k] = k % 53 == 7 ? static_cast<T>(na) : static_cast<T>(k * 7 % 19 % 4);
    const Variable<T> few(values, true);
    const std::size_t copies = 32 / c + 1;
    for (const std::ptrdiff_t size : {1, 2, 3, 4})
      for (const Pool2dOptions& options : std::vector<Pool2dOptions>{
               {.stride = 1}, {.stride = 2}, {.stride = 3}, {.stride = 2, .padding = size / 2}, {.stride = 2, .ceil_mode = true}})
        for (const bool largest : {true, false}) {
          const auto pool = [&](const Variable<T>& x) {
            return largest ? max_pool2d(x, size, options) : min_pool2d(x, size, options);
          };
          const auto y = pool(few), z = pool(concat(std::vector(copies, few), 3));
          Array<T> found = z.value(), wanted = concat(std::vector(copies, y), 3).value();
          for (Array<T>* a : {&found, &wanted})
            std::replace_if(
                a->begin(), a->end(), [](T v) { return std::isnan(v); }, T(100));
          CHECK(same(found, wanted, 0));
          CHECK(same(gradient(z, few), gradient(y * static_cast<T>(copies), few), 0));
        }
  }
}

TEST_CASE_TEMPLATE("conv: few channels are pooled as many are: long rows", T, float, double) {
  for (const Shape& shape : {Shape{1, 3, 80, 15}, Shape{1, 2, 300, 3}, Shape{2, 2, 1100, 1}})
    for (const std::ptrdiff_t stride : {1, 2}) {
      const auto few = noise<T>(shape);
      const auto pool = [&](const Variable<T>& x) { return max_pool2d(x, 2, {.stride = stride}); };
      const std::size_t copies = 32 / shape[3] + 1;
      const auto y = pool(few), z = pool(concat(std::vector(copies, few), 3));
      CHECK(same(z.value(), concat(std::vector(copies, y), 3).value(), 0));
      CHECK(same(gradient(z, few), gradient(y * static_cast<T>(copies), few), 0));
    }
}

TEST_CASE_TEMPLATE("conv: adaptive and global pools", T, float, double) {
  const auto seven = leaf<T>(Shape{1, 1, 7, 1}, {0, 1, 2, 3, 4, 5, 6});
  CHECK(is(adaptive_avg_pool2d(seven, {1, 3}).value(), {1, 3, 5}));  // 0 … 2, 2 … 4, 4 … 6
  CHECK(is(adaptive_max_pool2d(seven, {1, 3}).value(), {2, 4, 6}));
  CHECK(is(adaptive_avg_pool2d(seven, {2, 7}).value(), {0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 5, 6}));
  const auto x = noise<T>({2, 5, 6, 3});
  CHECK(same(reshape(adaptive_avg_pool2d(x, 1), {2, 3}).value(), global_avg_pool2d(x).value(), 1e-6));
  CHECK(same(adaptive_max_pool2d(x, 1).value(), max_pool2d(x, {5, 6}).value(), 0));
  // a mean over a large image does not drift
  const auto large = Variable<T>(full<T>({1, 1500, 1500, 1}, static_cast<T>(0.1)));
  CHECK(std::abs(adaptive_avg_pool2d(large, 1).item() - static_cast<T>(0.1)) < 1e-6);
}

TEST_CASE_TEMPLATE("conv: distance transforms", T, float, double) {
  // one peak of 10 at (0, 2): around it the score falls off by the cost of getting there
  Array<T> peak = zeros<T>({1, 1, 5, 1});
  peak.data()[2] = 10;
  const Variable<T> x(peak, true);
  const auto w = leaf<T>(Shape{1, 4}, {2, 0, 1, 0});
  const auto y = distance_transform_pool2d(x, w);
  CHECK(is(y.value(), {2, 8, 10, 8, 2}));
  const auto gradients = grad(sum(y), {x, w});
  CHECK(is(gradients[0].value(), {0, 0, 5, 0, 0}));
  CHECK(is(gradients[1].value(), {-(4 + 1 + 0 + 1 + 4), -(2 + 1 + 0 - 1 - 2), 0, 0}));
  // dx is counted from the place to the pixel: going right is cheap when b is negative
  const auto right = leaf<T>(Shape{1, 4}, {2, -2, 1, 0});
  CHECK(is(distance_transform_pool2d(x, right).value(), {6, 10, 10, 6, 0}));
  CHECK(is(gradient(distance_transform_pool2d(x, right), right), {-(4 + 1 + 0 + 1 + 0), -(2 + 1 + 0 - 1 + 0), 0, 0}));
  CHECK(is(distance_transform_pool2d(x, right, {.reach = 1}).value(), {0, 10, 10, 6, 0}));
  const auto column = reshape(x, {1, 5, 1, 1});
  CHECK(is(distance_transform_pool2d(column, leaf<T>(Shape{1, 4}, {0, 0, 2, -2}), {.reach = {1, 0}}).value(), {0, 10, 10, 6, 0}));
  CHECK(is(distance_transform_pool2d(x, w, {.stride = 2}).value(), {2, 10, 2}));
  // max pooling is the special case without a cost
  const auto image = noise<T>({2, 6, 5, 3}, 4);
  const Variable<T> free(zeros<T>({3, 4}));
  CHECK(same(distance_transform_pool2d(image, free, {.reach = 1}).value(),
             max_pool2d(image, 3, {.stride = 1, .padding = 1}).value(), 0));
  CHECK(same(distance_transform_pool2d(image, free, {.stride = {6, 5}}).value(), adaptive_max_pool2d(image, 1).value(), 0));
  // ties: the first place in row-major order. NaN before all
  const auto flat = Variable<T>(zeros<T>({1, 2, 2, 1}), true);
  CHECK(is(gradient(distance_transform_pool2d(flat, Variable<T>(zeros<T>({1, 4}))), flat), {4, 0, 0, 0}));
  const auto with_nan = leaf<T>(Shape{1, 2, 2, 1}, {1, 2, 3, na});
  const auto ones_ = leaf<T>(Shape{1, 4}, {1, 0, 1, 0});
  CHECK(is(distance_transform_pool2d(with_nan, ones_).value(), {na, na, na, na}));
  CHECK(is(gradient(distance_transform_pool2d(with_nan, ones_), with_nan), {0, 0, 0, 4}));
}

TEST_CASE_TEMPLATE("conv: interpolation by PyTorch's rules", T, float, double) {
  const auto x = leaf<T>(Shape{1, 2, 2, 1}, {1, 2, 3, 4});
  CHECK(is(interpolate(x, 4).value(), {1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4}));
  const InterpolateOptions bilinear{.mode = Interpolation::bilinear}, corners{Interpolation::bilinear, true};
  CHECK(is(interpolate(x, 4, bilinear).value(), {1, 1.25, 1.75, 2, 1.5, 1.75, 2.25, 2.5, 2.5, 2.75, 3.25, 3.5, 3, 3.25, 3.75, 4},
           1e-6));
  const double t = 1.0 / 3;
  CHECK(is(interpolate(x, {2, 4}, corners).value(), {1, 1 + t, 1 + 2 * t, 2, 3, 3 + t, 3 + 2 * t, 4}, 1e-6));
  CHECK(is(interpolate(x, 3, corners).value(), {1, 1.5, 2, 2, 2.5, 3, 3, 3.5, 4}, 1e-6));
  CHECK(is(interpolate(x, 1, corners).value(), {1}));
  CHECK(is(interpolate(x, 1, bilinear).value(), {2.5}, 1e-6));
  const auto seven = leaf<T>(Shape{1, 1, 7, 1}, {0, 1, 2, 3, 4, 5, 6});
  CHECK(is(interpolate(seven, {1, 3}).value(), {0, 2, 4}));
  CHECK(is(interpolate(seven, {1, 3}, bilinear).value(), {2.0 / 3, 3, 16.0 / 3}, 1e-6));
  // a NaN does not spread beyond the pixels that are mixed with it
  const auto with_nan = leaf<T>(Shape{1, 1, 3, 1}, {na, 1, 2});
  CHECK(is(interpolate(with_nan, {1, 6}).value(), {na, na, 1, 1, 2, 2}));
  CHECK(is(interpolate(with_nan, {1, 5}, corners).value(), {na, na, 1, 1.5, 2}));
  CHECK(is(interpolate(with_nan, {1, 3}, bilinear).value(), {na, 1, 2}));
}

TEST_CASE("conv: layers") {
  seed(1);
  nn::Conv1d<double> sequence(4, 6, 3, {.stride = 2, .padding = {2, 0}, .groups = 2});
  CHECK(sequence.weight.shape() == Shape{6, 3, 2});
  const auto x = noise({2, 7, 4});
  CHECK(sequence(x).shape() == Shape{2, 4, 6});
  CHECK(same(sequence(x).value(), conv1d(x, sequence.weight, {.stride = 2, .padding = {2, 0}, .groups = 2}).value(), 0));
  nn::ConvTranspose2d<double> up(4, 6, {2, 3}, {.stride = 2, .output_padding = {1, 0}, .groups = 2, .bias = false});
  CHECK(up.weight.shape() == Shape{4, 2, 3, 3});
  CHECK(!up.bias.defined());
  CHECK(up(noise({1, 3, 3, 4})).shape() == Shape{1, 7, 7, 6});
  nn::Conv2d<double> depthwise(4, 8, 3, {.padding = {1, 1, 0, 2}, .dilation = {1, 1}, .groups = 4});
  CHECK(depthwise.weight.shape() == Shape{8, 3, 3, 1});
  CHECK(depthwise.bias.shape() == Shape{8});
  CHECK(depthwise(noise({1, 5, 5, 4})).shape() == Shape{1, 5, 5, 8});
  for (const auto& [name, parameter] : nn::named_parameters(depthwise)) CHECK((name == "weight" || name == "bias"));
  const double bound = std::sqrt(6.0 / 9);
  const auto& w = depthwise.weight.value();
  CHECK(*std::max_element(w.data(), w.data() + w.size()) <= bound);
  CHECK(*std::max_element(w.data(), w.data() + w.size()) > bound / 2);
  const std::string divides = "Conv2d: groups is 4; it must divide the inputs, 4, and the outputs, 6";
  CHECK(error(__LINE__, [&] { nn::Conv2d<float>(4, 6, 3, {.groups = 4}); }) == divides);
  CHECK(error(__LINE__, [&] { nn::Conv1d<float>(4, 6, 0); }) == "Conv1d: the kernel's length is 0; it must be at least 1");
}

TEST_CASE("conv: what does not fit is said, with the line") {
  const auto image = counting({1, 3, 3, 4}), w = counting({2, 2, 2, 4}), half = counting({2, 2, 2, 2}), x23 = counting({2, 3});
  const auto sequence = counting({1, 5, 2}), taps = counting({3, 2, 2}), bias = counting({5});
  // clang-format off
  CHECK(error(__LINE__, [&] { conv2d(image, w, {.dilation = {3, 1}}); }) == "conv2d: the kernel's height is 4 (dilation 3); it must be from 1 to the padded image's 3");
  CHECK(error(__LINE__, [&] { conv2d(image, w, {.dilation = {1, 0}}); }) == "conv2d: dilation 0 along the width; it must be at least 1");
  CHECK(error(__LINE__, [&] { conv2d(image, w, {.padding = {0, 0, 0, -2}}); }) == "conv2d: padding -2 along the width; it must not be negative");
  CHECK(error(__LINE__, [&] { conv2d(image, w, {.groups = 0}); }) == "conv2d: groups is 0; it must be at least 1");
  CHECK(error(__LINE__, [&] { conv2d(image, w, {.groups = 2}); }) == "conv2d: x is (1, 3, 3, 4), w is (2, 2, 2, 4); x.shape[3] = 4 must equal 2 groups times w.shape[3] = 4");
  CHECK(error(__LINE__, [&] { conv2d(image, counting({3, 2, 2, 2}), {.groups = 2}); }) == "conv2d: w is (3, 2, 2, 2); w.shape[0] = 3 outputs must divide into 2 groups");
  CHECK(error(__LINE__, [&] { conv2d(x23, half, {.groups = 2}); }) == "conv2d: x is (2, 3), w is (2, 2, 2, 2); x must be (n, h, w, c) and w (o, kh, kw, c / groups)");
  CHECK(error(__LINE__, [&] { conv1d(x23, taps); }) == "conv1d: x is (2, 3), w is (3, 2, 2); x must be (n, l, c) and w (o, k, c)");
  CHECK(error(__LINE__, [&] { conv1d(sequence, taps, {.groups = 2}); }) == "conv1d: x is (1, 5, 2), w is (3, 2, 2); x.shape[2] = 2 must equal 2 groups times w.shape[2] = 2");
  CHECK(error(__LINE__, [&] { conv1d(sequence, taps, {.dilation = 5}); }) == "conv1d: the kernel's length is 6 (dilation 5); it must be from 1 to the padded image's 5");
  CHECK(error(__LINE__, [&] { conv1d(sequence, taps, bias); }) == "conv1d: w is (3, 2, 2), bias is (5,); the bias must be (3,), one number per output channel");
  CHECK(error(__LINE__, [&] { conv_transpose2d(image, w); }) == "conv_transpose2d: x is (1, 3, 3, 4), w is (2, 2, 2, 4); x.shape[3] = 4 must equal w.shape[0] = 2");
  CHECK(error(__LINE__, [&] { conv_transpose2d(x23, w); }) == "conv_transpose2d: x is (2, 3), w is (2, 2, 2, 4); x must be (n, h, w, c) and w (c, kh, kw, o)");
  const auto back = counting({4, 2, 2, 1});
  CHECK(error(__LINE__, [&] { conv_transpose2d(image, back, {.output_padding = {0, 1}}); }) == "conv_transpose2d: output_padding 1 along the width; it must be from 0 to 0, less than the stride");
  CHECK(error(__LINE__, [&] { conv_transpose2d(image, back, {.padding = {2, 2, 0, 0}}); }) == "conv_transpose2d: x is (1, 3, 3, 4), w is (4, 2, 2, 1), the result's height would be 0; the padding must be less");
  CHECK(error(__LINE__, [&] { conv_transpose2d(image, back, {.groups = 3}); }) == "conv_transpose2d: x is (1, 3, 3, 4); x.shape[3] = 4 channels must divide into 3 groups");
  CHECK(error(__LINE__, [&] { conv_transpose2d(image, back, bias); }) == "conv_transpose2d: w is (4, 2, 2, 1), bias is (5,); the bias must be (1,), one number per output channel");
  CHECK(error(__LINE__, [&] { im2col(x23, 2); }) == "im2col: the images are (2, 3); they must be (n, h, w, c)");
  CHECK(error(__LINE__, [&] { im2col(image, {0, 2}); }) == "im2col: the window is 0×2; it must be at least 1×1");
  CHECK(error(__LINE__, [&] { im2col(image, {4, 2}); }) == "im2col: the kernel's height is 4; it must be from 1 to the padded image's 3");
  CHECK(error(__LINE__, [&] { col2im(x23, {1, 3, 3, 4}, 2); }) == "col2im: columns is (2, 3); im2col of images (1, 3, 3, 4) gives what it must be, (4, 16)");
  CHECK(error(__LINE__, [&] { max_pool2d(image, 2, {.padding = 2}); }) == "max_pool2d: padding 2 along the height; it must be less than the window's 2");
  CHECK(error(__LINE__, [&] { min_pool2d(image, 2, {.padding = {0, 0, 0, -1}}); }) == "min_pool2d: padding -1 along the width; it must not be negative");
  CHECK(error(__LINE__, [&] { avg_pool2d(x23, 2); }) == "avg_pool2d: x is (2, 3); it must be (n, h, w, c)");
  CHECK(error(__LINE__, [&] { avg_pool2d(image, {2, 6}, {.padding = 1}); }) == "avg_pool2d: x is (1, 3, 3, 4), the window's width is 6; it must be from 1 to 5");
  CHECK(error(__LINE__, [&] { avg_pool2d(counting({1, 0, 3, 1}), 2, {.padding = 1}); }) == "avg_pool2d: x is (1, 0, 3, 1), the window's height is 2; it must be from 1 to 0");
  CHECK(error(__LINE__, [&] { global_avg_pool2d(counting({1, 0, 3, 1})); }) == "global_avg_pool2d: x is (1, 0, 3, 1); its images must have pixels");
  CHECK(error(__LINE__, [&] { adaptive_avg_pool2d(image, {0, 1}); }) == "adaptive_avg_pool2d: size 0 along the height; it must be at least 1");
  CHECK(error(__LINE__, [&] { adaptive_max_pool2d(x23, 1); }) == "adaptive_max_pool2d: x is (2, 3); it must be (n, h, w, c)");
  CHECK(error(__LINE__, [&] { distance_transform_pool2d(image, x23); }) == "distance_transform_pool2d: x is (1, 3, 3, 4), weights are (2, 3); the weights must be (4, 4), a, b, c, d of each channel");
  CHECK(error(__LINE__, [&] { distance_transform_pool2d(image, counting({4, 4}), {.stride = {0, 1}}); }) == "distance_transform_pool2d: stride 0 along the height; it must be at least 1");
  CHECK(error(__LINE__, [&] { distance_transform_pool2d(image, counting({4, 4}), {.reach = {0, -1}}); }) == "distance_transform_pool2d: reach -1 along the width; it must not be negative");
  CHECK(error(__LINE__, [&] { interpolate(image, {2, 0}); }) == "interpolate: size 0 along the width; it must be at least 1");
  CHECK(error(__LINE__, [&] { interpolate(x23, 2); }) == "interpolate: x is (2, 3); it must be (n, h, w, c)");
  CHECK(error(__LINE__, [&] { interpolate(image, 2, {.align_corners = true}); }) == "interpolate: align_corners is set and the mode is nearest; it must be bilinear then");
  // clang-format on
  CHECK_THROWS_AS(max_pool2d(image, 2, {.padding = 2}), ValueError);
  CHECK_THROWS_AS(conv2d(image, w, {.groups = 2}), ShapeError);
  CHECK_THROWS_AS(conv2d(image, w, {.groups = 0}), ValueError);
}

// Operations written to ONNX files give what they gave here; names and results of what is written.
#include <doctest/doctest.h>

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "../models/lenet.hpp"
#include "onnx_written.hpp"

namespace models = xgrad::models;
namespace nn = xgrad::nn;
namespace onnx = xgrad::onnx;
using xgrad::Array;
using xgrad::Shape;
using xgrad::Variable;
using xgrad_test::check_elsewhere;
using xgrad_test::Directory;
using xgrad_test::distance;
using xgrad_test::Function;
using xgrad_test::Written;
using V = Variable<float>;

TEST_CASE("onnx save: operations") {
  xgrad::seed(2);
  Written written;
  const auto check = [&](const char* name, Shape shape, std::function<V(const V&, const V&)> f) {
    written.check(name, Function{std::move(f)}, std::move(shape));
  };
  const auto elementwise = [&](const char* name, auto f) {
    check(name, {1, 4, 3}, [f](const V& x, const V& w) { return f(x) + w; });
  };
#define ELEMENTWISE(f) elementwise(#f, [](const V& x) { return f(x); })
  // clang-format off
  ELEMENTWISE(abs); ELEMENTWISE(sign); ELEMENTWISE(square); ELEMENTWISE(exp); ELEMENTWISE(expm1); ELEMENTWISE(sin);
  ELEMENTWISE(cos); ELEMENTWISE(tan); ELEMENTWISE(atan); ELEMENTWISE(sinh); ELEMENTWISE(cosh); ELEMENTWISE(asinh);
  ELEMENTWISE(erf); ELEMENTWISE(floor); ELEMENTWISE(ceil); ELEMENTWISE(round); ELEMENTWISE(relu); ELEMENTWISE(relu6);
  ELEMENTWISE(hardtanh); ELEMENTWISE(leaky_relu); ELEMENTWISE(elu); ELEMENTWISE(selu); ELEMENTWISE(sigmoid); ELEMENTWISE(log_sigmoid);
  ELEMENTWISE(tanh); ELEMENTWISE(softplus); ELEMENTWISE(softsign); ELEMENTWISE(silu); ELEMENTWISE(mish); ELEMENTWISE(hardswish);
  ELEMENTWISE(gelu); ELEMENTWISE(reciprocal);
  // clang-format on
#undef ELEMENTWISE
  elementwise("gelu_tanh", [](const V& x) { return gelu(x, {.approximate = true}); });
  elementwise("positive", [](const V& v) {
    const V x = abs(v) + 1;
    return sqrt(x) + rsqrt(x) + log(x) + log2(x) + log10(x) + log1p(x) + acosh(x) + pow(x, 1.5F) + hypot(x, v);
  });
  elementwise("inside", [](const V& v) {
    const V x = v / (1 + abs(v)) * 0.9F;
    return asin(x) + acos(x) + atanh(x) + log1p(x) + log1p(x * 1e-6F) * 1e5F + expm1(x * 1e-6F) * 1e5F + fmod(v, 0.75F);
  });
  elementwise("choices",
              [](const V& x) { return maximum(x, 0.1F) + minimum(x, -x) + clamp(x, -0.5F, 0.25F) + lerp(x, -x, 0.25F); });
  elementwise("operators", [](const V& x) { return (2 - x) / (x * x + 1) - x; });
  elementwise("own formula", [](const V& x) {
    static const auto own =
        xgrad::elementwise("batch_norm", [](auto a, auto b) { return where(a < b && !(a < -1), a * b, a - b); });
    return own(x, x * x);
  });

  check("sums", {1, 4, 3},
        [](const V& x, const V&) { return sum(x, 1) + mean(x, -2) + amax(x, 1) + amin(x, 1) + logsumexp(x, 1); });
  check("products", {1, 4, 3}, [](const V& x, const V&) { return prod(x, {1}, {.keepdims = true}) + cumsum(x, 1); });
  check("moments", {1, 4, 5, 3}, [](const V& x, const V&) {
    return var(x, {1, 2}, {.ddof = 1}) + xgrad::std(x, {1, 2}) + norm(x, {1, 2});
  });
  check("norms", {1, 4, 3}, [](const V& x, const V&) {
    return norm(x, 1, {.p = 1}) + norm(x, 1, {.p = 3}) + norm(x, 1, {.p = std::numeric_limits<double>::infinity()});
  });
  check("everything", {1, 4, 3}, [](const V& x, const V& w) { return sum(x * x) + w; });
  check("softmax", {1, 4, 3}, [](const V& x, const V&) { return softmax(x) + log_softmax(x, 1); });
  check("shapes", {1, 4, 6}, [](const V& x, const V&) {
    return xgrad::concat<float>({reshape(x, {-1, 8, 3}), reshape(permute(x, {0, 2, 1}), {-1, 8, 3})}, 1);
  });
  check("merged", {1, 4, 6}, [](const V& x, const V& w) { return reshape(matmul(reshape(x, {-1, 3}), unsqueeze(w, 1)), {-1, 8}); });
  check("parts", {1, 6, 5}, [](const V& x, const V&) {
    const auto halves = split(x, 2, 1);
    return xgrad::stack<float>({select(halves[0], 1, 2), select(x, 1, -1)}, 1) +
           slice(x, {{}, {.start = 1, .stop = 5, .step = 3}}) + slice(flip(x, 1), {{}, {.start = -1, .stop = 2, .step = -2}});
  });
  check("pads", {1, 2, 3}, [](const V& x, const V&) { return pad(x, {{}, {1, 2}, {0, 1}}, {.value = 0.5}); });
  check("repeats", {1, 3}, [](const V& x, const V& w) { return broadcast_to(unsqueeze(x, 1), Shape{x.shape()[0], 4, 3}) * w; });
  check("grows", {1, 3}, [](const V& x, const V& w) {
    const V start(xgrad::full<float>(Shape{x.shape()[0], 2}, 0.5F, xgrad::Where{}));
    return xgrad::concat<float>({start, x * w, xgrad::concat<float>({start, start}, 1)}, 1);
  });
  check("layer_norm", {1, 4, 3}, [](const V& x, const V& w) { return layer_norm(x, w) + layer_norm(x) + rms_norm(x, w); });
  check("instance_norm", {1, 4, 5, 3}, [](const V& x, const V& w) { return instance_norm(x, w, w); });
  check("norms of sequences", {1, 4, 6}, [](const V& x, const V& w) {
    const V six = xgrad::concat<float>({w, w + 1}, 0);
    return group_norm(x, 2, six, six) + instance_norm(x, six) + group_norm(x, 3, {}, six);
  });
  check("norms of images whose weights are computed of them", {1, 4, 5, 6}, [](const V& x, const V&) {
    const V six = mean(x, {0, 1, 2});
    return group_norm(x, 2, six, six) + instance_norm(x, six) + x * mean(x, {0, 1}) + x * mean(x, {0});
  });
  check("norms of vectors", {1, 6}, [](const V& x, const V& w) {
    const V six = xgrad::concat<float>({w, w + 1}, 0);
    return group_norm(x, 2, six, six) + group_norm(x, 3);
  });
  check("norms of volumes", {1, 2, 3, 4, 6}, [](const V& x, const V& w) {
    return group_norm(x, 2, xgrad::concat<float>({w, w + 1}, 0));
  });
  check("batch_norm", {1, 3}, [](const V& x, const V& w) {
    const V variance(Array<float>{1, 2, 3});
    return batch_norm(x, w, {}, V(Array<float>{1, 0, 2}), variance, {.training = false}) +
           batch_norm(x, {}, w, V(Array<float>{1, 0, 2}), variance, {.training = false, .eps = 0.5});
  });
  check("pools", {1, 8, 9, 3}, [](const V& x, const V&) {
    return max_pool2d(x, 3, {.stride = 2, .padding = 1, .ceil_mode = true}) +
           avg_pool2d(x, 3, {.stride = 2, .padding = 1, .ceil_mode = true, .count_include_pad = false});
  });
  check("pools that count some of the padding", {1, 8, 9, 3},
        [](const V& x, const V&) { return avg_pool2d(x, 3, {.stride = 2, .padding = 1, .ceil_mode = true}); });
  check("adaptive", {1, 8, 6, 3}, [](const V& x, const V&) {
    return adaptive_avg_pool2d(x, {4, 2}) + adaptive_max_pool2d(x, {4, 2});
  });
  check("channels", {1, 4, 5, 3}, [](const V& x, const V& w) {
    const V y = max_pool2d(x, 2);  // in their order from here on
    return xgrad::concat<float>(
               {softmax(y * w), flip(y, -1), slice(pad(y, {{}, {}, {}, {1, 2}}), {{}, {}, {}, {.start = 1, .stop = 3}})}, -1) +
           unsqueeze(amax(y, -1), -1);
  });
  check("attention", {1, 4, 3}, [](const V& x, const V& w) { return scaled_dot_product_attention(x * w, x, x); });
  check("causal", {1, 4, 3}, [](const V& x, const V& w) {
    return scaled_dot_product_attention(x * w, x, x, {.causal = true}) +
           matmul(tril(matmul(x, x, {.transpose_b = true})), triu(x, -1));
  });
  check("masks", {1, 4, 4, 3}, [](const V& x, const V& w) {
    const xgrad::Mask channels{true, false, true};
    const V y = max_pool2d(x, 2);
    return where(channels, y, y * w) + masked_fill(y, !channels, V(2.5F));
  });
  check("first samples", {1, 3}, [](const V& x, const V& w) {
    return slice(xgrad::concat<float>({x, x}, 0), {{.stop = 2}}) * w + mean(x, 0);
  });
  check("transposed", {1, 4, 3}, [](const V& x, const V&) { return matmul(x, x, {.transpose_a = true}); });
  check("tensordot", {1, 4, 3}, [](const V& x, const V& w) { return tensordot(x, w, 1); });
  check("conv1d", {1, 8, 3}, [](const V& x, const V& w) { return conv1d(x, reshape(xgrad::concat<float>({w, w}, 0), {1, 2, 3})); });
  check("squeeze", {1, 1, 3}, [](const V& x, const V& w) { return squeeze(x * w, 1); });
  check("no samples", {1, 3}, [](const V& x, const V& w) {
    return xgrad::concat<float>({slice(x, {{.start = 1}}), slice(x, {{.start = 2}}), x}, 0) * w;
  });
  check("last samples", {1, 3}, [](const V& x, const V& w) { return flip(slice(x, {{.start = 1}}), 0) * w; });
  check("longer", {1, 3}, [](const V& x, const V& w) { return xgrad::concat<float>({x, x, reshape(w, {1, 3})}, 0); });
  check("unchanged", {1, 3}, [](const V& x, const V&) { return x; });
  written.check("unchanged images", Function{[](const V& x, const V&) { return x; }}, {1, 2, 3, 4}, {.channels_first = true});
  check("made", {1, 3}, [](const V& x, const V&) { return V(xgrad::full<float>(Shape{x.shape()[0], 2}, 0.5F, xgrad::Where{})); });
  check("no axis", {1, 4, 3}, [](const V& x, const V&) {
    const xgrad::Axes none(std::vector<std::ptrdiff_t>{});
    return norm(x, none) + norm(x, none, {.p = 3}) + norm(sum(x));
  });
  check("running products", {1, 4, 3}, [](const V& x, const V& w) { return cumprod(x, 1) * cumprod(x * w, 2) + cumprod(x, -1); });
  check("narrow", {1, 4, 1}, [](const V& x, const V&) { return layer_norm(x) + x; });
  check("ddof", {1, 4, 3}, [](const V& x, const V&) { return var(x, 1, {.ddof = 5}) + xgrad::std(x, 1, {.ddof = 4}); });
  static const auto first = xgrad::elementwise("first", [](auto a, auto) { return a; });
  static const auto seven = xgrad::elementwise("seven", [](auto) { return 7; });
  check("unread", {1, 4, 3}, [](const V& x, const V& w) { return first(w * 2, x) + first(sum(x, 1, {.keepdims = true}), x); });
  check("unread images", {1, 4, 4, 3}, [](const V& x, const V&) {
    const V y = max_pool2d(x, 2);
    return first(amax(y, {1, 2}, {.keepdims = true}), y);
  });
  check("constant formula", {1, 4, 3}, [](const V& x, const V&) { return seven(x); });
  // what is made of others, or is a formula
  check("products of many", {1, 4, 3}, [](const V& x, const V& w) {
    return xgrad::einsum("nij,nkj,j->nik", {x, x, w}) + dot(w, w) +
           unsqueeze(outer(sum(w) * slice(w, {{0, 1}}), xgrad::concat<float>({w, slice(w, {{0, 1}})})), 0);
  });
  check("directions", {1, 4, 3},
        [](const V& x, const V& w) { return normalize(x) + unsqueeze(cosine_similarity(x, x * w + 1), -1); });
  elementwise("limits", [](const V& x) { return heaviside(x, V(0.5F)) + nan_to_num(x) + logaddexp(x, -x); });
  check("losses", {1, 4, 3}, [](const V& x, const V& w) {
    const V near = x * 0.5F + w, p = sigmoid(x), q = sigmoid(near);
    return mse_loss(x, near) + l1_loss(x, near) + smooth_l1_loss(x, near) + huber_loss(x, near) +
           kl_div(log_softmax(x), softmax(near)) + binary_cross_entropy(p, q) + binary_cross_entropy_with_logits(x, q) + x * 0;
  });
  check("cells", {1, 3}, [](const V& x, const V& w) {
    const V four = reshape(tile(w, {4 * 3}), {12, 3}) * 0.3F, three = slice(four, {{0, 9}}) + 0.1F;
    const auto state = lstm_cell(x, {x * 0.5F, x * w}, four, four * 0.5F);
    return state.h + state.c + gru_cell(x, state.h, three, three);
  });
  check_elsewhere(written);
}

TEST_CASE("onnx save: operations by index, views, orders, other sizes of images") {
  xgrad::seed(3);
  Written written;
  const auto check = [&](const char* name, Shape shape, std::function<V(const V&, const V&)> f) {
    written.check(name, Function{std::move(f)}, std::move(shape));
  };
  check("index_select", {1, 4, 3}, [](const V& x, const V& w) {
    return index_select(x, 1, {2, 0, -1, 2, 1}) * w + index_select(reshape(w, {1, 1, 3}), 2, {2, 2, 0});
  });
  check("index_select images", {1, 4, 6, 3}, [](const V& x, const V&) {
    const V y = max_pool2d(x, 2);  // in their order from here on
    return index_select(index_select(y, -1, {2, 0, 0, 1}), 2, {1, 2});
  });
  check("index of two axes", {1, 4, 3}, [](const V& x, const V&) {
    xgrad::Labels index(Shape{2, 2});
    for (std::int64_t k = 0; k < 4; ++k) index.data()[k] = 3 - k;
    return index_select(x, 1, index);
  });
  check("embedding", {1, 3}, [](const V& x, const V& w) {
    const xgrad::Mask some{true, false, true};
    return sum(embedding({2, 0, 2}, reshape(sum(x * w, 0), {3, 1}))) + sum(masked_select(sum(x, 0), some)) * x;
  });
  check("gather", {1, 4, 3}, [](const V& x, const V& w) {
    xgrad::Labels index(Shape{x.shape()[0], 2, 3});
    for (std::size_t k = 0; k < index.size(); ++k) index.data()[k] = static_cast<std::int64_t>(k % 6 * 5 % 4);
    return gather(x, 1, index) * w;
  });
  check("take_along_axis", {1, 4, 3}, [](const V& x, const V& w) {
    xgrad::Labels two(Shape{1, 1, 3}), three(Shape{1, 4, 1});
    for (std::size_t k = 0; k < 3; ++k) two.data()[k] = static_cast<std::int64_t>(k + 1) % 3;
    for (std::size_t k = 0; k < 4; ++k) three.data()[k] = static_cast<std::int64_t>(k * k) % 3;
    return take_along_axis(x, two, 2) + take_along_axis(reshape(w, {1, 1, 3}), three, 2);
  });
  check("scatter_add", {1, 4, 3}, [](const V& x, const V& w) {
    xgrad::Labels index(Shape{x.shape()[0], 2, 3});
    for (std::size_t k = 0; k < index.size(); ++k) index.data()[k] = static_cast<std::int64_t>(k % 6 / 5 * 3);
    return scatter_add(x, 1, index, slice(x, {{}, {1, 3}}) * w);
  });
  check("orders", {1, 5, 3}, [](const V& x, const V&) {
    return sort(x, 1) + sort(x, 1, {.descending = true}) + slice(sort(x), {{}, {}, {.step = -1}}) + topk(x, 1, -1).values +
           slice(topk(x, 2, 2, {.largest = false}).values, {{}, {}, {1, 2}});
  });
  check("orders of pairs, along any axis where nothing moves", {1, 2},
        [](const V& x, const V&) { return sort(x) + topk(x, 2).values; });
  check("the first of each row", {1, 3}, [](const V& x, const V&) {
    return gather(x, 1, xgrad::Labels(Shape{x.shape()[0], 1}, std::int64_t{0}));
  });
  check("medians", {1, 4, 3},
        [](const V& x, const V& w) { return median(x, 2, {.keepdims = true}) + median(x, 1, {.keepdims = true}) * w; });
  check("losses of classes", {1, 4, 3}, [](const V& x, const V& w) {
    xgrad::Labels four(Shape{x.shape()[0], 4}), one(Shape{x.shape()[0]}, std::int64_t{2});
    for (std::size_t k = 0; k < four.size(); ++k) four.data()[k] = static_cast<std::int64_t>(k % 4 * 2 % 3);
    constexpr auto none = xgrad::Reduction::none;
    const V rows = cross_entropy(x * w, four, {.reduction = none}) + multi_margin_loss(x, four, {.reduction = none, .p = 2}) +
                   nll_loss(log_softmax(x * w), four, {.reduction = none, .class_weights = {1, 2, 3}, .ignore_index = 1}) +
                   cross_entropy(x, four, {.reduction = none, .ignore_index = 0, .label_smoothing = 0.1});
    return rows + unsqueeze(cross_entropy(sum(x, 1), one, {.reduction = none}), 1) + cross_entropy(sum(x, 1) * w, one);
  });
  check("diagonals", {1, 3, 4}, [](const V& x, const V& w) {
    const V matrix = diag(sum(x, {0, 1}), 1);
    return diagonal(x, 1, 1, 2) + matmul(diagonal(x, 0, 2, 1), diag(w)) + unsqueeze(trace(x, 0, 1, 2), 1) + sum(matrix * matrix) +
           slice(diag(matrix, 1), {{0, 3}});
  });
  check("slice_update", {1, 5, 3}, [](const V& x, const V& w) {
    const V y = slice_update(x, {{}, {.start = 4, .step = -2}, {1, 3}}, reshape(slice(w, {{1, 3}}), {1, 2}));
    return slice_update(y, {{}, {1, 2}}, w) + slice_update(x, {}, w);
  });
  check("rolls", {1, 5, 3}, [](const V& x, const V&) { return roll(x, 2, 1) + roll(x, -7, 2) + roll(x, 3, 2) + roll(x, 1); });
  check("repeats", {1, 2, 3}, [](const V& x, const V& w) { return tile(x, {2, 1}) * w + repeat(repeat(x, 2, 1), 1, 2); });
  check("edges", {1, 4, 5, 3}, [](const V& x, const V&) {
    return pad(max_pool2d(x, 2), {{}, {1, 1}, {2, 0}, {}}, {.mode = xgrad::PadMode::reflect}) +
           pad(max_pool2d(x, 2), {{}, {2, 0}, {0, 2}, {}}, {.mode = xgrad::PadMode::edge});
  });
  check("deformations", {1, 7, 9, 2}, [](const V& x, const V& w) {
    const V costs = abs(reshape(xgrad::concat<float>({w, w, w}, 0), {3, 3})) + 0.25F;  // of two channels, four each
    const V weights = slice(xgrad::concat<float>({costs, -costs}, 1), {{0, 2}, {0, 4}});
    return distance_transform_pool2d(x, weights, {.stride = {2, 1}, .reach = {1, 2}}) +
           distance_transform_pool2d(x * 2, weights, {.stride = {2, 1}});
  });
  check("determinant", {1, 3, 3}, [](const V& x, const V& w) { return det(x) * sum(w); });
  check("its logarithm", {1, 3, 3}, [](const V& x, const V&) {
    const V positive = matmul(x, x, {.transpose_b = true}) / sum(x * x, {1, 2}, {.keepdims = true}) + V(xgrad::eye<float>(3));
    return logdet(positive) + slogdet(-positive).logabsdet;
  });
  check("angles", {1, 4, 3}, [](const V& x, const V& w) { return atan2(x, w) + atan2(w, x) + atan2(abs(x) * 0, abs(x) * 0); });
  for (const auto& way : {std::pair("up", xgrad::Extent2d{8, 15}), std::pair("down", xgrad::Extent2d{3, 2})}) {
    const char* name = way.first;
    const xgrad::Extent2d size = way.second;
    check(fmt::format("nearest {}", name).c_str(), {1, 4, 5, 3}, [size](const V& x, const V&) { return interpolate(x, size); });
    check(fmt::format("bilinear {}", name).c_str(), {1, 4, 5, 3}, [size](const V& x, const V&) {
      return interpolate(x, size, {.mode = xgrad::Interpolation::bilinear}) +
             interpolate(x, size, {.mode = xgrad::Interpolation::bilinear, .align_corners = true});
    });
  }
  check_elsewhere(written);
}

TEST_CASE("onnx save: weights have their paths, nodes their layers") {
  const Directory folder;
  const std::string path = folder.file("a.onnx");
  onnx::save(models::LeNet<>{}, {1, 28, 28, 1}, path);
  const auto net = onnx::load<float>(path);
  std::vector<std::string> names;
  for (const auto& [name, weight] : net.weights) names.push_back(name);
  CHECK(names == std::vector<std::string>{"conv1.bias", "conv1.weight", "conv2.bias", "conv2.weight", "fc1.bias", "fc1.weight",
                                          "fc2.bias", "fc2.weight", "fc3.bias", "fc3.weight"});
  CHECK(net.outputs()[0].name == "output");
  CHECK(net.outputs()[0].shape == std::vector<std::int64_t>{-1, 10});
  const std::string bytes = xgrad_test::contents(path);
  CHECK(bytes.find("conv2/Conv") != std::string::npos);
  CHECK(bytes.find("fc3/Gemm") != std::string::npos);
  const auto count = [&](const std::string& text) {
    std::size_t n = 0;
    for (std::size_t at = bytes.find(text); at != std::string::npos; at = bytes.find(text, at + 1)) ++n;
    return n;
  };
  CHECK(count("\"\x09Transpose") == 2);  // one at each end of the images
  onnx::save(models::LeNet<>{}, {1, 28, 28, 1}, path, {.channels_first = true});
  CHECK(xgrad_test::contents(path).size() < bytes.size());
}

TEST_CASE("onnx save: a network that was read is written again, and gives the same") {
  xgrad::seed(4);
  Written written;
  const Directory folder;
  for (const bool channels_first : {false, true}) {
    const std::string path = folder.file("first.onnx");
    onnx::save(models::LeNet<>{}, {1, 28, 28, 1}, path, {.channels_first = channels_first});
    const auto net = onnx::load<float>(path);
    const std::string name = channels_first ? "channels first" : "channels last";
    written.check(name, net, channels_first ? Shape{1, 1, 28, 28} : Shape{1, 28, 28, 1});
    const auto again = onnx::load<float>(written.folder.file(name + ".onnx"));
    CHECK(nn::parameter_count(again) == nn::parameter_count(net));
  }
  check_elsewhere(written);
}

TEST_CASE("onnx save: several results") {
  const Directory folder;
  const nn::LSTM<float> lstm(3, 4);
  onnx::save(lstm, {1, 5, 3}, folder.file("a.onnx"));
  const auto net = onnx::load<float>(folder.file("a.onnx"));
  REQUIRE(net.outputs().size() == 3);
  CHECK(net.outputs()[0].name == "output");
  CHECK(net.outputs()[1].name == "state.h");
  const V x(Array<float>(xgrad::normal<float>({2, 5, 3})));
  const auto expected = lstm(x);
  const auto results = net.run({x});
  CHECK(distance(std::get<V>(results[0]).value(), expected.output.value()) < 1e-5);
  CHECK(distance(std::get<V>(results[2]).value(), expected.state.c.value()) < 1e-5);
}

TEST_CASE("onnx save: only lengths that are the number of samples are called so") {
  const Directory folder;
  const std::string path = folder.file("a.onnx");
  const auto named = [&](std::function<V(const V&, const V&)> f) {
    onnx::save(Function{std::move(f)}, {1, 3}, path);
    CHECK(onnx::load<float>(path).outputs()[0].shape == std::vector<std::int64_t>{-1, 3});
    const std::string bytes = xgrad_test::contents(path);
    std::size_t n = 0;
    for (std::size_t at = bytes.find("batch"); at != std::string::npos; at = bytes.find("batch", at + 1)) ++n;
    return n;
  };
  CHECK(named([](const V& x, const V& w) { return x * w; }) == 2);
  CHECK(named([](const V& x, const V& w) { return xgrad::concat<float>({x * w, x}, 0); }) == 2);  // not the result, but the product
  CHECK(named([](const V& x, const V& w) { return xgrad::concat<float>({x, reshape(w, {1, 3})}, 0); }) == 1);
}

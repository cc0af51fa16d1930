// Absurd sizes, axes, offsets and options: an error with the user's line, at once, before anything is allocated.
#include <doctest/doctest.h>

#include <cstdint>
#include <functional>
#include <limits>

#include <xgrad/xgrad.hpp>

#include "support.hpp"

using namespace xgrad;
using namespace xgrad_test;
using V = Variable<double>;

namespace {

constexpr std::size_t two31 = std::size_t{1} << 31, two32 = std::size_t{1} << 32, two33 = std::size_t{1} << 33;
constexpr std::ptrdiff_t most = std::numeric_limits<std::ptrdiff_t>::max(), least = std::numeric_limits<std::ptrdiff_t>::min();
constexpr std::ptrdiff_t power(int k) { return std::ptrdiff_t{1} << k; }

V empty(const Shape& shape) { return V(zeros<double>(shape), true); }
V filled(const Shape& shape) { return V(ones<double>(shape), true); }

/// `f`, a call of `op`, stands in line `line` of this file and must throw, before anything large is allocated or counted.
void refused(const std::string& op, std::uint32_t line, const std::function<void()>& f) {
  CAPTURE(op);
  CAPTURE(line);
  try {
    f();
    FAIL_CHECK("nothing was thrown");
  } catch (const Error& error) {
    CHECK_MESSAGE(error.op() == op, error.what());
    CHECK_MESSAGE(error.where().line() == line, error.what());
    CHECK_MESSAGE(has(error.where().file_name(), "sizes.cpp"), error.what());
    CHECK_MESSAGE(dynamic_cast<const MemoryError*>(&error) == nullptr, error.what());
  }
}
#define REFUSED(op, ...) refused(op, __LINE__, [&] { static_cast<void>(__VA_ARGS__); })

}  // namespace

TEST_CASE("products whose result has more elements than there are numbers") {
  const V tall = empty({two33, 0}), wide = empty({0, two33});
  REFUSED("matmul", matmul(tall, wide));
  REFUSED("matmul", matmul(tall, tall, {.transpose_b = true}));
  REFUSED("matmul", matmul(empty({2, two33, 0}), wide));
  REFUSED("linear", linear(tall, tall));
  REFUSED("linear", linear(tall, tall, empty({0})));
  REFUSED("dot", dot(tall, wide));
  REFUSED("tensordot", tensordot(tall, wide, 1));
  REFUSED("tensordot", tensordot(tall, tall, {1}, {1}));
  REFUSED("einsum", einsum("ai,bi->ab", {tall, tall}));
  REFUSED("einsum", einsum("ai,bi", {tall, tall}));
  REFUSED("scaled_dot_product_attention", scaled_dot_product_attention(tall, tall, empty({two33, 0})));
  REFUSED("scaled_dot_product_attention", scaled_dot_product_attention(tall, tall, empty({two33, 0}), {.causal = true}));
  CHECK(matmul(wide, tall).shape() == Shape{0, 0});
}

TEST_CASE("reductions and scans of arrays without elements") {
  REFUSED("ones", ones<double>({two32, 0, two32}));  // nobody can count its strides
  constexpr std::size_t many = std::size_t{1} << 20;
  const V x = empty({many, 0, many});
  REFUSED("prod", prod(x, 1));
  REFUSED("sum", sum(x, 1));
  REFUSED("mean", mean(x, 1));
  REFUSED("var", var(x, 1));
  REFUSED("std", xgrad::std(x, 1));
  REFUSED("logsumexp", logsumexp(x, 1));
  REFUSED("norm", norm(x, 1));
  REFUSED("norm", norm(x, 1, {.p = 1}));
  REFUSED("median", median(x, 1));
  REFUSED("all", all(x, 1));
  REFUSED("any", any(x, 1));
  REFUSED("count_nonzero", count_nonzero(x, 1));
  REFUSED("sum", sum(empty({two32 * two31 / 64, 0}), 1));
  CHECK(sum(x).item() == 0);
  CHECK(prod(x).item() == 1);
  CHECK(cumsum(x, 1).size() == 0);
}

TEST_CASE("long axes of arrays without elements are not walked along") {
  constexpr std::size_t many = std::size_t{1} << 20, more = std::size_t{1} << 50;
  const auto check = [](const V& x, const std::vector<V>& results) {
    for (const V& y : results) {
      CHECK(y.size() == 0);
      CHECK(grad(sum(y), {x})[0].shape() == x.shape());
    }
  };
  const auto pools = [](const V& x) {
    return std::vector<V>{max_pool2d(x, 1),          min_pool2d(x, 1),          avg_pool2d(x, 1),
                          adaptive_avg_pool2d(x, 1), adaptive_max_pool2d(x, 1), interpolate(x, 2)};
  };
  for (const Shape& shape : {Shape{many, 0, many, 1}, Shape{many, many, 1, 0}, Shape{0, many, many, 1}, Shape{1, many, many, 0}}) {
    const V x = empty(shape);
    check(x, {cumsum(x, 0), cumsum(x, 2), cumprod(x, 3), group_norm(x, 1), instance_norm(x), dropout2d(x), roll(x, 3, 1), x + x,
              transpose(x), tril(x)});
    if (shape[3] == 0) check(x, pools(x));  // else an image may not have so many pixels
  }
  const V x = empty({more, 1, 1, 0});
  check(x, pools(x));
  check(x, {cumsum(x, 0),
            cumprod(x, 3),
            roll(x, 3, 1),
            x + x,
            transpose(x),
            tril(x),
            softmax(x, 3),
            log_softmax(x, 3),
            local_response_norm(x, 1),
            flip(x, 3),
            concat({x, x}, 3),
            stack({x, x}, 1),
            sort(x),
            pad(x, {{0, 0}, {1, 1}, {0, 0}, {0, 0}}),
            repeat(x, 2, 1),
            tile(x, {1, 2, 1, 1}),
            index_select(x, 1, {0, 0}),
            gather(x, 3, Labels(Shape{more, 1, 1, 0})),
            select(x, 1, 0),
            slice(x, 0, {1, 5}),
            permute(x, {3, 2, 1, 0}),
            broadcast_to(x, {3, more, 1, 1, 0}),
            where(Array<bool>(Shape{1}), x, 0),
            slice_update(x, {{0, 1}}, 1),
            prelu(x, V(ones<double>({1}), true)),
            dropout(x)});
  const V a = empty({more, 0, 0}), tall = empty({more, 1, 0});
  check(a, {matmul(a, a), inverse(a), cholesky(a), solve(a, a), triangular_solve(a, a), transpose(a), diagonal(a, 0, 1, 2), triu(a),
            einsum("bij,bjk->bik", {a, a}), scaled_dot_product_attention(a, a, a)});
  check(tall, {matmul(tall, empty({more, 0, 0})), linear(tall, empty({0, 0})), conv1d(tall, empty({0, 1, 0}))});
  const V wide = empty({0, more});
  check(wide, {matmul(wide, empty({more, 0})), wide + wide});
}

TEST_CASE("convolutions") {
  const V x = filled({1, 4, 4, 1}), w = filled({1, 3, 3, 1});
  for (const std::ptrdiff_t n : {power(31) - 2, power(31), power(32), power(33), power(62), most}) {
    REFUSED("conv2d", conv2d(x, w, {.padding = n}));
    REFUSED("conv2d", conv2d(x, w, {.padding = {0, n, 0, 0}}));
    REFUSED("conv2d", conv2d(x, w, {.padding = {0, 0, n, n}}));
    REFUSED("conv2d", conv2d(x, w, {.dilation = n}));
    REFUSED("conv1d", conv1d(filled({1, 4, 1}), filled({1, 3, 1}), {.padding = n}));
    REFUSED("conv1d", conv1d(filled({1, 4, 1}), filled({1, 3, 1}), {.dilation = n}));
    REFUSED("im2col", im2col(x, n));
    REFUSED("im2col", im2col(x, 2, {.padding = n}));
    REFUSED("im2col", im2col(x, 2, {.dilation = n}));
    REFUSED("col2im", col2im(filled({9, 4}), {1, 4, 4, 1}, n));
    REFUSED("conv_transpose2d", conv_transpose2d(x, w, {.padding = n}));
    REFUSED("conv_transpose2d", conv_transpose2d(x, w, {.dilation = n}));
    REFUSED("conv_transpose2d", conv_transpose2d(x, w, {.stride = n}));
    REFUSED("conv_transpose2d", conv_transpose2d(x, w, {.groups = n}));
    REFUSED("conv2d", conv2d(x, w, {.groups = n}));
  }
  for (const std::ptrdiff_t n : {std::ptrdiff_t{-1}, least, least + 1}) {
    REFUSED("conv2d", conv2d(x, w, {.padding = n}));
    REFUSED("conv2d", conv2d(x, w, {.dilation = n}));
    REFUSED("conv2d", conv2d(x, w, {.stride = n}));
    REFUSED("conv2d", conv2d(x, w, {.groups = n}));
    REFUSED("conv_transpose2d", conv_transpose2d(x, w, {.padding = n}));
    REFUSED("conv_transpose2d", conv_transpose2d(x, w, {.stride = 1, .output_padding = n}));
    REFUSED("im2col", im2col(x, n));
  }
  // a stride beyond the image leaves one result, whatever it is, and so do the gradients
  for (const std::ptrdiff_t n : {std::ptrdiff_t{2}, power(31), power(32), power(62), most}) {
    const V y = conv2d(x, w, {.stride = n});
    REQUIRE(y.shape() == Shape{1, 1, 1, 1});
    CHECK(y.item() == 9);
    const std::vector<V> g = grad(sum(y), {x, w});
    CHECK(g[0].value()(0, 3, 3, 0) == 0);
    CHECK(sum(g[1]).item() == 9);
  }
  CHECK(conv2d(x, filled({1, 1, 1, 1}), {.dilation = most}).shape() == Shape{1, 4, 4, 1});  // nothing to dilate
}

TEST_CASE("pools and interpolation") {
  const V x = filled({1, 4, 4, 1});
  for (const std::ptrdiff_t n : {power(31), power(40), power(62), most}) {
    REFUSED("interpolate", interpolate(x, n));
    REFUSED("interpolate", interpolate(x, {1, n}));
    REFUSED("interpolate", interpolate(x, n, {.mode = Interpolation::bilinear}));
    REFUSED("adaptive_avg_pool2d", adaptive_avg_pool2d(x, n));
    REFUSED("adaptive_avg_pool2d", adaptive_avg_pool2d(x, {n, 1}));
    REFUSED("adaptive_max_pool2d", adaptive_max_pool2d(x, n));
    REFUSED("max_pool2d", max_pool2d(x, n));
    REFUSED("max_pool2d", max_pool2d(x, 2, {.padding = n}));
    REFUSED("max_pool2d", max_pool2d(x, n, {.stride = 1, .padding = n - 1}));
    REFUSED("avg_pool2d", avg_pool2d(x, n, {.stride = 1, .padding = n - 1}));
    CHECK(max_pool2d(x, 2, {.stride = n}).shape() == Shape{1, 1, 1, 1});
    CHECK(max_pool2d(x, 2, {.stride = n, .ceil_mode = true}).shape() == Shape{1, 1, 1, 1});
    CHECK(distance_transform_pool2d(x, zeros<double>({1, 4}), {.stride = n, .reach = n}).shape() == Shape{1, 1, 1, 1});
  }
  for (const std::ptrdiff_t n : {std::ptrdiff_t{0}, least}) {
    REFUSED("interpolate", interpolate(x, n));
    REFUSED("adaptive_max_pool2d", adaptive_max_pool2d(x, n));
    REFUSED("max_pool2d", max_pool2d(x, n));
    REFUSED("max_pool2d", max_pool2d(x, 2, {.stride = n}));
    REFUSED("distance_transform_pool2d", distance_transform_pool2d(x, zeros<double>({1, 4}), {.stride = n}));
  }
}

TEST_CASE("random arrays and arrays of one number") {
  for (const Shape& shape : {Shape{two32, two32}, Shape{two31, two33}, Shape{two32 * two31}, Shape{two31, two31}}) {
    REFUSED("uniform", uniform<double>(shape));
    REFUSED("normal", normal<float>(shape));
    REFUSED("truncated_normal", truncated_normal<float>(shape));
    REFUSED("bernoulli", bernoulli<double>(shape));
    REFUSED("gumbel", gumbel<double>(shape));
    REFUSED("randint", randint(shape, 0, 2));
    REFUSED("full", full<float>(shape, 1));
    REFUSED("zeros", zeros<bool>(shape));
    REFUSED("ones", ones<double>(shape));
    REFUSED("broadcast_to", broadcast_to(V(1), shape));
  }
  REFUSED("permutation", permutation(most));
  REFUSED("permutation", permutation(least));
  REFUSED("permutation", Generator().permutation(two33 * 1024));
  REFUSED("one_hot", one_hot<double>({0, 1}, two33 * two31));
  REFUSED("one_hot", one_hot<double>({0, 1}, static_cast<std::size_t>(-1)));
  REFUSED("digits", digits(two33 * 1024, 1));
  CHECK(uniform<double>({two31 / 1024, 0, two31 / 1024}).size() == 0);
}

TEST_CASE("shapes, shifts and offsets") {
  const V x(Array<double>{{1, 2, 3}, {4, 5, 6}}, true), line(Array<double>{1, 2, 3}, true);
  for (const std::ptrdiff_t n : {least, least + 1, least + 2, most}) {
    // a shift counts modulo the length
    const auto places = static_cast<std::ptrdiff_t>((Wide{n} % 3 + 3) % 3);
    CHECK(roll(line, n).value() == roll(line, places).value());
    CHECK(grad(sum(roll(line, n) * Array<double>{1, 2, 3}), {line})[0].value() == roll(V(Array<double>{1, 2, 3}), -places).value());
    CHECK(diagonal(x, n).shape() == Shape{0});
    CHECK(trace(x, n).item() == 0);
    CHECK(sum(grad(sum(diagonal(x, n)), {x})[0]).item() == 0);
    CHECK(sum(tril(x, n)).item() == (n < 0 ? 0 : 21));
    CHECK(sum(triu(x, n)).item() == (n < 0 ? 21 : 0));
    REFUSED("diag", diag(line, n));
    REFUSED("reshape", reshape(x, {n, -1}));
    REFUSED("reshape", reshape(x, {n, n}));
    REFUSED("repeat", repeat(x, n));
    REFUSED("repeat", repeat(x, n, 1));
    REFUSED("tile", tile(x, {n}));
    REFUSED("tile", tile(x, {n, n, n}));
    REFUSED("pad", pad(x, {{n, 0}, {0, 0}}));
    REFUSED("pad", pad(x, {{n, n}, {n, n}}));
    REFUSED("pad", pad(x, {{0, 0}, {n, 1}}, {.mode = PadMode::reflect}));
    REFUSED("pad", pad(x, {{0, 0}, {n, n}}, {.mode = PadMode::edge}));
    REFUSED("split", split(x, {n, n}));
    REFUSED("split", split(x, {n, ~n, 3}));  // their sum is 2
    REFUSED("topk", topk(x, n));
    CHECK(slice(x, 1, {.start = n}).shape() == (n < 0 ? Shape{2, 3} : Shape{2, 0}));
    CHECK(slice(x, 1, {.stop = n}).shape() == (n < 0 ? Shape{2, 0} : Shape{2, 3}));
    CHECK(slice(x, 1, {.step = n}).shape() == Shape{2, 1});
  }
  for (const std::ptrdiff_t n : {power(31), power(32), power(40), power(61), power(62)}) {
    REFUSED("reshape", reshape(x, {n, n, 4}));
    REFUSED("diag", diag(line, n));
    REFUSED("repeat", repeat(x, n));
    REFUSED("tile", tile(x, {n, n}));
    REFUSED("pad", pad(x, {{n, n}, {n, n}}));
    REFUSED("pad", pad(x, {{n, 0}, {0, 0}}, {.mode = PadMode::edge}));
  }
  REFUSED("reshape", reshape(V(zeros<double>({6})), {power(32), power(32), 6}));  // the product wraps to 0
  REFUSED("split", split(empty({0}), std::numeric_limits<int>::max()));
  const V line_up = empty({0, two31 * two31 / 8});
  REFUSED("concat", concat(std::vector{line_up, line_up}, 1));
  for (const int axis : {std::numeric_limits<int>::max(), std::numeric_limits<int>::min()}) {
    REFUSED("sum", sum(x, axis));
    REFUSED("softmax", softmax(x, axis));
    REFUSED("cumsum", cumsum(x, axis));
    REFUSED("flatten", flatten(x, axis));
    REFUSED("unsqueeze", unsqueeze(x, axis));
    REFUSED("tensordot", tensordot(x, x, axis));
    REFUSED("layer_norm", layer_norm(x, {}, {}, {.axes = axis}));
  }
}

TEST_CASE("layers and derivatives") {
  REFUSED("Linear", nn::Linear<float>(two33, two33));
  REFUSED("Linear", nn::Linear<float>(two32, two32));
  REFUSED("Conv2d", nn::Conv2d<float>(1, 1, power(32)));
  REFUSED("Conv2d", nn::Conv2d<float>(two33, 1, most));
  REFUSED("Conv1d", nn::Conv1d<float>(two33, two33, 3));
  REFUSED("ConvTranspose2d", nn::ConvTranspose2d<float>(1, two33, power(31)));
  REFUSED("BatchNorm", nn::BatchNorm<float>(two31 * two31));
  REFUSED("LayerNorm", nn::LayerNorm<float>(Shape{two32, two32}));
  REFUSED("RMSNorm", nn::RMSNorm<float>(two31 * two31));
  REFUSED("GroupNorm", nn::GroupNorm<float>(1, two31 * two31));
  REFUSED("LSTMCell", nn::LSTMCell<float>(1, two31 * two31));
  REFUSED("GRUCell", nn::GRUCell<float>(two33, two33));
  REFUSED("zero_state", nn::GRUCell<float>(1, 1).zero_state(two31 * two31));
  const V x = filled({1000, 1000});
  REFUSED("jacobian", jacobian([](const V& v) { return v * 2; }, x));
  REFUSED("hessian", hessian([](const V& v) { return sum(square(v)); }, x));
  const Dataset three{full<std::uint8_t>({3, 1, 1, 1}, 0), Labels{0, 1, 1}, {}, 2};
  CHECK(Loader<double>(three, {.batch_size = static_cast<std::size_t>(-1)}).batch(0, 0).labels.size() == 3);
  Dataset uneven;
  uneven.images = full<std::uint8_t>({10, 28, 28, 1}, 0);
  uneven.labels = zeros<std::int64_t>({5});
  REFUSED("slice", slice(uneven, 0, 5));
}

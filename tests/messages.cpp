// Every public function that can fail is called wrongly. The error must name the function that the user called and the line of the
// call, and be one sentence of one form: what is; what must be.
#include <doctest/doctest.h>

#include <fstream>
#include <functional>
#include <memory>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "support.hpp"

using namespace xgrad;
using namespace xgrad_test;

namespace {

std::set<std::string> called;

/// Calls `f`, which stands in line `line` of this file and must fail in the function `op`.
void fails(const std::string& op, std::uint32_t line, const std::function<void()>& f) {
  called.insert(op);
  CAPTURE(op);
  CAPTURE(line);
  bool failed = false;
  try {
    f();
  } catch (const Error& e) {
    failed = true;
    INFO(e.what());
    CHECK(e.op() == op);
    CHECK(e.where().line() == line);
    CHECK(has(e.where().file_name(), "messages.cpp"));
    CHECK(has(e.message(), "; "));
    CHECK(has(e.message(), "must"));
    CHECK(!has(e.message(), op + ": "));  // the name once
    CHECK(std::string(e.what()).rfind("messages.cpp:" + std::to_string(line) + ": " + op + ": ", 0) == 0);
  } catch (const std::exception& e) {
    FAIL_CHECK("not an error of xgrad: ", e.what());
    failed = true;
  }
  CHECK(failed);
}

#define FAILS(op, ...) fails(op, __LINE__, [&] { static_cast<void>(__VA_ARGS__); })

const Variable<double> u;  // undefined
Variable<double> some(const Shape& shape) { return Variable<double>(full<double>(shape, 0.5), true); }
const Variable<double> number = some({}), x3 = some({3}), x4 = some({4}), x23 = some({2, 3}), x33 = some({3, 3}),
                       image = some({1, 3, 3, 2}), w = some({2, 2, 2, 2}), zero33 = Variable<double>(zeros<double>({3, 3}));

}  // namespace

// clang-format off

TEST_CASE("messages: undefined Variables") {
  FAILS("abs", abs(u)); FAILS("square", square(u)); FAILS("sqrt", sqrt(u)); FAILS("rsqrt", rsqrt(u)); FAILS("reciprocal", reciprocal(u));
  FAILS("exp", exp(u)); FAILS("expm1", expm1(u)); FAILS("log", log(u)); FAILS("log1p", log1p(u)); FAILS("log2", log2(u)); FAILS("log10", log10(u));
  FAILS("sin", sin(u)); FAILS("cos", cos(u)); FAILS("tan", tan(u)); FAILS("asin", asin(u)); FAILS("acos", acos(u)); FAILS("atan", atan(u));
  FAILS("sinh", sinh(u)); FAILS("cosh", cosh(u)); FAILS("asinh", asinh(u)); FAILS("acosh", acosh(u)); FAILS("atanh", atanh(u)); FAILS("tanh", tanh(u));
  FAILS("erf", erf(u)); FAILS("lgamma", lgamma(u)); FAILS("digamma", digamma(u)); FAILS("sign", sign(u)); FAILS("heaviside", heaviside(u, x3)); FAILS("heaviside", heaviside(x3, u));
  FAILS("floor", floor(u)); FAILS("ceil", ceil(u)); FAILS("round", round(u)); FAILS("clamp", clamp(u, 0, 1)); FAILS("nan_to_num", nan_to_num(u)); FAILS("neg", neg(u)); FAILS("neg", -u);
  FAILS("relu", relu(u)); FAILS("relu6", relu6(u)); FAILS("hardtanh", hardtanh(u)); FAILS("leaky_relu", leaky_relu(u)); FAILS("prelu", prelu(u, 1)); FAILS("elu", elu(u)); FAILS("selu", selu(u));
  FAILS("sigmoid", sigmoid(u)); FAILS("log_sigmoid", log_sigmoid(u)); FAILS("softplus", softplus(u)); FAILS("softsign", softsign(u)); FAILS("silu", silu(u)); FAILS("mish", mish(u));
  FAILS("hardswish", hardswish(u)); FAILS("gelu", gelu(u)); FAILS("gelu", gelu(u, {.approximate = true})); FAILS("softmax", softmax(u)); FAILS("log_softmax", log_softmax(u));
  FAILS("add", x3 + u); FAILS("sub", u - x3); FAILS("mul", x3 * u); FAILS("div", 1 / u); FAILS("add", add(u, 1)); FAILS("less", less(u, x3)); FAILS("less", x3 < u); FAILS("greater", x3 > u); FAILS("greater_equal", u >= x3); FAILS("less_equal", u <= x3); FAILS("where", where(Mask{true}, u, 1)); FAILS("where", where(Mask{true}, 1, u));
  FAILS("sum", sum(u)); FAILS("mean", mean(u)); FAILS("sum_to", sum_to(u, {2})); FAILS("var", var(u)); FAILS("std", xgrad::std(u)); FAILS("amax", amax(u)); FAILS("amin", amin(u));
  FAILS("argmax", argmax(u)); FAILS("argmin", argmin(u)); FAILS("logsumexp", logsumexp(u)); FAILS("norm", norm(u)); FAILS("prod", prod(u)); FAILS("cumsum", cumsum(u, 0)); FAILS("cumprod", cumprod(u, 0));
  FAILS("sort", sort(u)); FAILS("argsort", argsort(u)); FAILS("topk", topk(u, 1)); FAILS("median", median(u)); FAILS("any", xgrad::any(u)); FAILS("all", xgrad::all(u)); FAILS("count_nonzero", xgrad::count_nonzero(u));
  FAILS("reshape", reshape(u, {1})); FAILS("flatten", flatten(u)); FAILS("permute", permute(u, {0})); FAILS("transpose", transpose(u)); FAILS("transpose", transpose(u, {0})); FAILS("broadcast_to", broadcast_to(u, {1})); FAILS("squeeze", squeeze(u)); FAILS("unsqueeze", unsqueeze(u, 0));
  FAILS("concat", xgrad::concat({u, x3})); FAILS("concat", xgrad::concat({x3, u})); FAILS("stack", xgrad::stack({u})); FAILS("split", split(u, 1)); FAILS("split", split(u, {1, 2})); FAILS("pad", pad(u, {{1, 1}})); FAILS("pad", pad(u, 1));
  FAILS("flip", flip(u)); FAILS("roll", roll(u, 1)); FAILS("tile", tile(u, {2})); FAILS("repeat", repeat(u, 2)); FAILS("diagonal", diagonal(u)); FAILS("diag", diag(u));
  FAILS("slice", slice(u, {{}})); FAILS("slice", slice(u, 0, {})); FAILS("slice_update", slice_update(u, {{}}, 1)); FAILS("slice_update", slice_update(x3, {{}}, u)); FAILS("select", select(u, 0, 0)); FAILS("index_select", index_select(u, 0, {0}));
  FAILS("embedding", embedding({0}, u)); FAILS("gather", gather(u, 0, {0})); FAILS("take_along_axis", take_along_axis(u, {0}, 0)); FAILS("scatter_add", scatter_add(u, 0, {0}, x3)); FAILS("scatter_add", scatter_add(x3, 0, {0}, u));
  FAILS("masked_select", masked_select(u, Mask{true})); FAILS("masked_fill", masked_fill(u, Mask{true}, 1)); FAILS("masked_fill", masked_fill(x3, Mask{true}, u)); FAILS("tril", tril(u)); FAILS("triu", triu(u));
  FAILS("matmul", matmul(u, x3)); FAILS("matmul", matmul(x3, u)); FAILS("linear", linear(u, x33)); FAILS("linear", linear(x3, u)); FAILS("dot", dot(u, x3)); FAILS("outer", outer(u, x3)); FAILS("tensordot", tensordot(u, x33)); FAILS("tensordot", tensordot(x33, u, {0}, {0}));
  FAILS("einsum", einsum("i->i", {u})); FAILS("trace", trace(u)); FAILS("solve", solve(u, x3)); FAILS("solve", solve(x33, u)); FAILS("triangular_solve", triangular_solve(u, x3)); FAILS("inverse", inverse(u)); FAILS("cholesky", cholesky(u));
  FAILS("det", det(u)); FAILS("logdet", logdet(u)); FAILS("slogdet", slogdet(u));
  FAILS("cross_entropy", cross_entropy(u, {0})); FAILS("cross_entropy", cross_entropy(u, x3)); FAILS("cross_entropy", cross_entropy(x3, u)); FAILS("nll_loss", nll_loss(u, {0})); FAILS("multi_margin_loss", multi_margin_loss(u, {0})); FAILS("hinge_loss", hinge_loss(u, x3));
  FAILS("mse_loss", mse_loss(u, x3)); FAILS("mse_loss", mse_loss(x3, u)); FAILS("l1_loss", l1_loss(u, x3)); FAILS("smooth_l1_loss", smooth_l1_loss(u, x3)); FAILS("huber_loss", huber_loss(u, x3)); FAILS("binary_cross_entropy", binary_cross_entropy(u, x3));
  FAILS("binary_cross_entropy_with_logits", binary_cross_entropy_with_logits(u, x3)); FAILS("kl_div", kl_div(u, x3)); FAILS("poisson_nll_loss", poisson_nll_loss(u, x3)); FAILS("gaussian_nll_loss", gaussian_nll_loss(u, x3, 1)); FAILS("gaussian_nll_loss", gaussian_nll_loss(x3, x3, u)); FAILS("cosine_similarity", cosine_similarity(u, x3));
  FAILS("conv2d", conv2d(u, w)); FAILS("conv2d", conv2d(image, u)); FAILS("conv1d", conv1d(u, w)); FAILS("conv1d", conv1d(x3, u)); FAILS("conv_transpose2d", conv_transpose2d(u, w)); FAILS("conv2d_input_grad", conv2d_input_grad(u, w, {1, 3, 3, 2})); FAILS("conv2d_weight_grad", conv2d_weight_grad(u, image, {2, 2, 2, 2}));
  FAILS("im2col", im2col(u, 2)); FAILS("col2im", col2im(u, {1, 3, 3, 2}, 2)); FAILS("max_pool2d", max_pool2d(u, 2)); FAILS("min_pool2d", min_pool2d(u, 2)); FAILS("avg_pool2d", avg_pool2d(u, 2)); FAILS("global_avg_pool2d", global_avg_pool2d(u));
  FAILS("adaptive_avg_pool2d", adaptive_avg_pool2d(u, 1)); FAILS("adaptive_max_pool2d", adaptive_max_pool2d(u, 1)); FAILS("distance_transform_pool2d", distance_transform_pool2d(u, some({2, 4}))); FAILS("interpolate", interpolate(u, 2));
  FAILS("batch_norm", batch_norm(u, {}, {}, {}, {})); FAILS("layer_norm", layer_norm(u)); FAILS("rms_norm", rms_norm(u)); FAILS("group_norm", group_norm(u, 1)); FAILS("instance_norm", instance_norm(u)); FAILS("local_response_norm", local_response_norm(u, 1)); FAILS("normalize", normalize(u));
  FAILS("dropout", dropout(u)); FAILS("dropout2d", dropout2d(u)); FAILS("scaled_dot_product_attention", scaled_dot_product_attention(u, x33, x33)); FAILS("scaled_dot_product_attention", scaled_dot_product_attention(x33, x33, u)); FAILS("lstm_cell", lstm_cell(u, {x3, x3}, w, w)); FAILS("gru_cell", gru_cell(x3, x3, u, w));
}

TEST_CASE("messages: shapes that do not broadcast") {
  FAILS("add", x3 + x4); FAILS("sub", x3 - x4); FAILS("mul", x3 * x4); FAILS("div", x3 / x4); FAILS("pow", pow(x3, x4)); FAILS("fmod", fmod(x3, x4)); FAILS("hypot", hypot(x3, x4)); FAILS("atan2", atan2(x3, x4)); FAILS("logaddexp", logaddexp(x3, x4)); FAILS("lerp", lerp(x3, x4, 1));
  FAILS("less", x3 < x4); FAILS("less_equal", x3 <= x4); FAILS("greater", x3 > x4); FAILS("greater_equal", x3 >= x4); FAILS("greater", greater(x3, x4)); FAILS("greater_equal", greater_equal(x3, x4)); FAILS("equal", equal(x3, x4)); FAILS("not_equal", not_equal(x3, x4)); FAILS("maximum", maximum(x3, x4)); FAILS("minimum", minimum(x3, x4)); FAILS("heaviside", heaviside(x3, x4));
  FAILS("where", where(Mask{true, false}, x3, 0)); FAILS("clamp", clamp(x3, x4, 1)); FAILS("prelu", prelu(x3, x4)); FAILS("mse_loss", mse_loss(x3, x4)); FAILS("mse_loss", mse_loss(some({3, 1}), x3)); FAILS("l1_loss", l1_loss(x3, x4)); FAILS("smooth_l1_loss", smooth_l1_loss(x3, x4)); FAILS("huber_loss", huber_loss(x3, x4));
  FAILS("binary_cross_entropy", binary_cross_entropy(x3, x4)); FAILS("binary_cross_entropy_with_logits", binary_cross_entropy_with_logits(x3, x4)); FAILS("hinge_loss", hinge_loss(x3, x4)); FAILS("kl_div", kl_div(x3, x4)); FAILS("poisson_nll_loss", poisson_nll_loss(x3, x4)); FAILS("gaussian_nll_loss", gaussian_nll_loss(x3, x4, 1)); FAILS("cosine_similarity", cosine_similarity(x3, x4));
}

TEST_CASE("messages: axes and shapes") {
  FAILS("sum", sum(x3, 1)); FAILS("sum", sum(number, 0)); FAILS("sum", sum(x23, {0, -2})); FAILS("mean", mean(x3, -2)); FAILS("sum_to", sum_to(x23, {2})); FAILS("var", var(x3, 1)); FAILS("std", xgrad::std(x3, 1)); FAILS("amax", amax(x3, 1)); FAILS("amax", amax(some({0}))); FAILS("amin", amin(some({0, 2}), 0));
  FAILS("argmax", argmax(x3, 1)); FAILS("argmin", argmin(some({0}))); FAILS("logsumexp", logsumexp(x3, 1)); FAILS("norm", norm(x3, 1)); FAILS("norm", norm(x3, {}, {.p = -1})); FAILS("norm", norm(some({0}), {}, {.p = inf})); FAILS("prod", prod(x3, 1)); FAILS("cumsum", cumsum(x3, 1)); FAILS("cumprod", cumprod(x3, 1));
  FAILS("sort", sort(x3, 1)); FAILS("argsort", argsort(number)); FAILS("topk", topk(x3, 4)); FAILS("topk", topk(x3, 1, 1)); FAILS("median", median(x3, 1)); FAILS("any", xgrad::any(x3, 1)); FAILS("any", xgrad::any(Mask{true}, 1)); FAILS("all", xgrad::all(x3, 1)); FAILS("count_nonzero", xgrad::count_nonzero(Mask{true}, 1));
  FAILS("reshape", reshape(x3, {2})); FAILS("reshape", reshape(x3, {2, -1})); FAILS("reshape", reshape(x3, {-2})); FAILS("flatten", flatten(x3, 2)); FAILS("permute", permute(x23, {0})); FAILS("permute", permute(x23, {0, 0})); FAILS("transpose", transpose(x23, {0})); FAILS("transpose", transpose(x23, {0, 2})); FAILS("broadcast_to", broadcast_to(x3, {4})); FAILS("squeeze", squeeze(x23, 0)); FAILS("unsqueeze", unsqueeze(x3, 3));
  FAILS("concat", xgrad::concat({x3, x23})); FAILS("concat", xgrad::concat({x3}, 1)); FAILS("concat", concat(std::vector<Variable<double>>{})); FAILS("stack", xgrad::stack({x3, x4})); FAILS("stack", xgrad::stack({x3}, 3)); FAILS("stack", stack(std::vector<Variable<double>>{})); FAILS("split", split(x3, 2)); FAILS("split", split(x3, 0)); FAILS("split", split(x3, {1, 1})); FAILS("split", split(x3, 1, 1));
  FAILS("pad", pad(x3, -1)); FAILS("pad", pad(x23, {{1, 1}})); FAILS("pad", pad(some({0}), 1, {.mode = PadMode::edge})); FAILS("flip", flip(x3, 1)); FAILS("roll", roll(x3, 1, 1)); FAILS("tile", tile(x3, {-1})); FAILS("repeat", repeat(x3, -1)); FAILS("repeat", repeat(x3, 1, 1)); FAILS("diagonal", diagonal(x3)); FAILS("diagonal", diagonal(x33, 0, 1, 1)); FAILS("diag", diag(number));
  FAILS("slice", slice(x3, {{}, {}})); FAILS("slice", slice(x3, {{.step = 0}})); FAILS("slice", slice(x3, 1, {})); FAILS("slice_update", slice_update(x3, {{}}, x4)); FAILS("select", select(x3, 0, 3)); FAILS("select", select(some({0}), 0, 0)); FAILS("index_select", index_select(x3, 0, {3})); FAILS("index_select", index_select(x3, 1, {0})); FAILS("index_select", index_select(some({0}), 0, {0}));
  FAILS("embedding", embedding({-1}, x23)); FAILS("embedding", embedding({0}, number)); FAILS("embedding", embedding({0}, some({0, 1}))); FAILS("gather", gather(x3, 0, {3})); FAILS("gather", gather(x23, 0, {0})); FAILS("take_along_axis", take_along_axis(x3, {3}, 0)); FAILS("take_along_axis", take_along_axis(x23, {0}, 0)); FAILS("scatter_add", scatter_add(x3, 0, {3}, some({1}))); FAILS("scatter_add", scatter_add(x3, 0, {0}, x3));
  FAILS("masked_select", masked_select(x3, Mask{true, false})); FAILS("masked_fill", masked_fill(x3, Mask{true, false}, 0)); FAILS("one_hot", one_hot({3}, 3)); FAILS("one_hot", one_hot({0}, 0)); FAILS("one_hot", one_hot({0, 1}, std::size_t{1} << 63)); FAILS("tril", tril(x3)); FAILS("triu", triu(x3)); FAILS("softmax", softmax(x3, 1)); FAILS("log_softmax", log_softmax(number));
  FAILS("matmul", matmul(x3, x4)); FAILS("matmul", matmul(number, x3)); FAILS("matmul", matmul(x3, x3, {.transpose_a = true})); FAILS("linear", linear(x4, x33)); FAILS("linear", linear(x3, x33, x4)); FAILS("dot", dot(x3, x4)); FAILS("tensordot", tensordot(x3, x4, 1)); FAILS("tensordot", tensordot(x3, x3, 2)); FAILS("tensordot", tensordot(x33, x33, {0}, {0, 1}));
  FAILS("einsum", einsum("ij->i", {x3})); FAILS("einsum", einsum("i,i->", {x3, x4})); FAILS("einsum", einsum("ii->i", {x23})); FAILS("einsum", einsum("ij->k", {x23})); FAILS("einsum", einsum("ij->ii", {x23})); FAILS("einsum", einsum("i$", {x23})); FAILS("einsum", einsum("ij", {x23, x3})); FAILS("einsum", einsum("...i...", {x23})); FAILS("einsum", einsum("i...->i", {x23})); FAILS("trace", trace(x3)); FAILS("solve", solve(x33, x4)); FAILS("solve", solve(zero33, x3)); FAILS("solve", solve(x23, x3)); FAILS("triangular_solve", triangular_solve(zero33, x3)); FAILS("inverse", inverse(x23)); FAILS("inverse", inverse(zero33));
  FAILS("cholesky", cholesky(zero33)); FAILS("cholesky", cholesky(x3)); FAILS("det", det(x23)); FAILS("logdet", logdet(x3)); FAILS("logdet", logdet(Variable<double>(Array<double>{{0, 1}, {1, 0}}))); FAILS("slogdet", slogdet(x23));
}

TEST_CASE("messages: losses, images and networks") {
  FAILS("cross_entropy", cross_entropy(x23, {0})); FAILS("cross_entropy", cross_entropy(x23, {0, 3})); FAILS("cross_entropy", cross_entropy(x23, x3)); FAILS("cross_entropy", cross_entropy(x23, {0, 1}, {.class_weights = {1}})); FAILS("cross_entropy", cross_entropy(x23, {0, 1}, {.label_smoothing = 2})); FAILS("cross_entropy", cross_entropy(x23, x23, {.ignore_index = 1}));
  FAILS("nll_loss", nll_loss(x23, {0, -1})); FAILS("multi_margin_loss", multi_margin_loss(x23, {0, 3})); FAILS("multi_margin_loss", multi_margin_loss(x23, {0, 1}, {.p = 3})); FAILS("smooth_l1_loss", smooth_l1_loss(x3, x3, {.beta = -1})); FAILS("huber_loss", huber_loss(x3, x3, {.delta = 0})); FAILS("gaussian_nll_loss", gaussian_nll_loss(x3, x3, -1)); FAILS("cosine_similarity", cosine_similarity(x3, x3, 1));
  FAILS("conv2d", conv2d(x3, w)); FAILS("conv2d", conv2d(some({1, 3, 3, 1}), w)); FAILS("conv2d", conv2d(image, w, x3)); FAILS("conv2d", conv2d(image, w, {.stride = 0})); FAILS("conv2d", conv2d(image, w, {.padding = -1})); FAILS("conv2d", conv2d(image, w, {.dilation = 0})); FAILS("conv2d", conv2d(image, w, {.dilation = 9})); FAILS("conv2d", conv2d(image, w, {.groups = 0})); FAILS("conv2d", conv2d(image, w, {.groups = 3})); FAILS("conv2d", conv2d(some({1, 3, 3, 4}), some({3, 2, 2, 2}), {.groups = 2})); FAILS("conv2d", conv2d(image, some({2, 4, 2, 2})));
  FAILS("conv2d_input_grad", conv2d_input_grad(image, w, {1, 3, 3, 2})); FAILS("conv2d_weight_grad", conv2d_weight_grad(image, image, {2, 2, 2, 2})); FAILS("conv1d", conv1d(x3, x3)); FAILS("conv1d", conv1d(some({1, 3, 2}), some({1, 2, 3}))); FAILS("conv1d", conv1d(some({1, 3, 2}), some({1, 2, 2}), {.stride = 0})); FAILS("conv_transpose2d", conv_transpose2d(x3, w)); FAILS("conv_transpose2d", conv_transpose2d(image, some({3, 2, 2, 2}))); FAILS("conv_transpose2d", conv_transpose2d(image, w, {.padding = 9})); FAILS("conv_transpose2d", conv_transpose2d(image, w, {.output_padding = 1}));
  FAILS("im2col", im2col(x3, 2)); FAILS("im2col", im2col(image, 4)); FAILS("im2col", im2col(image, 0)); FAILS("col2im", col2im(image, {1, 3, 3, 2}, 2)); FAILS("max_pool2d", max_pool2d(x3, 2)); FAILS("max_pool2d", max_pool2d(image, 4)); FAILS("max_pool2d", max_pool2d(image, 2, {.stride = 0})); FAILS("max_pool2d", max_pool2d(image, 2, {.padding = 2})); FAILS("min_pool2d", min_pool2d(image, 0)); FAILS("avg_pool2d", avg_pool2d(image, 4)); FAILS("global_avg_pool2d", global_avg_pool2d(x3));
  FAILS("adaptive_avg_pool2d", adaptive_avg_pool2d(image, 0)); FAILS("adaptive_max_pool2d", adaptive_max_pool2d(x3, 1)); FAILS("distance_transform_pool2d", distance_transform_pool2d(image, x3)); FAILS("interpolate", interpolate(x3, 2)); FAILS("interpolate", interpolate(image, 0)); FAILS("interpolate", interpolate(image, 2, {.mode = Interpolation::nearest, .align_corners = true}));
  FAILS("batch_norm", batch_norm(x23, x4, {}, {}, {})); FAILS("batch_norm", batch_norm(some({1, 3}), {}, {}, {}, {})); FAILS("batch_norm", batch_norm(x23, {}, {}, {}, {}, {.training = false})); FAILS("batch_norm", batch_norm(x23, {}, {}, x3, x3)); FAILS("batch_norm", batch_norm(x23, {}, {}, {}, {}, {.momentum = 2})); FAILS("batch_norm", batch_norm(x23, {}, {}, {}, {}, {.eps = -1})); FAILS("batch_norm", batch_norm(number, {}, {}, {}, {}));
  FAILS("layer_norm", layer_norm(x23, x4)); FAILS("layer_norm", layer_norm(x23, {}, {}, {.axes = 3})); FAILS("rms_norm", rms_norm(x23, x4)); FAILS("group_norm", group_norm(x23, 2)); FAILS("group_norm", group_norm(x23, 0)); FAILS("group_norm", group_norm(x3, 1)); FAILS("instance_norm", instance_norm(x3)); FAILS("instance_norm", instance_norm(x23, x4)); FAILS("local_response_norm", local_response_norm(x23, 0)); FAILS("normalize", normalize(x23, 2)); FAILS("normalize", normalize(x23, -1, {.p = 3}));
  FAILS("dropout", dropout(x3, 2)); FAILS("dropout2d", dropout2d(image, -1)); FAILS("dropout2d", dropout2d(x3)); FAILS("scaled_dot_product_attention", scaled_dot_product_attention(x3, x3, x3)); FAILS("scaled_dot_product_attention", scaled_dot_product_attention(x33, x33, x33, {.mask = Mask{true, false}})); FAILS("scaled_dot_product_attention", scaled_dot_product_attention(x33, x33, x33, {.mask = x4})); FAILS("scaled_dot_product_attention", scaled_dot_product_attention(x33, x33, x33, {.scale = na}));
  FAILS("lstm_cell", lstm_cell(x23, {x23, x3}, w, w)); FAILS("lstm_cell", lstm_cell(number, {x23, x23}, w, w)); FAILS("gru_cell", gru_cell(x23, x23, w, w));
}

TEST_CASE("messages: arrays") {
  const Shape huge{std::size_t{1} << 40, std::size_t{1} << 40};
  FAILS("full", full<float>(huge, 1)); FAILS("zeros", zeros<bool>(huge)); FAILS("ones", ones<double>(huge)); FAILS("zero_state", nn::GRUCell<float>(1, 1).zero_state(huge[0] * 1024)); FAILS("zero_state", nn::LSTMCell<float>(1, 1).zero_state(huge[0] * 1024)); FAILS("summary", nn::summary(nn::Linear<float>(2, 2), huge));
}

TEST_CASE("messages: functions made of others, whose intermediate results are too large") {
  constexpr std::size_t many = std::size_t{1} << 33;
  const auto tall = some({many, 0}), wide = some({0, many});
  FAILS("dot", dot(tall, wide)); FAILS("einsum", einsum("ai,bi->ab", {tall, tall})); FAILS("einsum", einsum("ai,bi", {tall, tall})); FAILS("tensordot", tensordot(tall, wide, 1)); FAILS("tensordot", tensordot(tall, tall, {1}, {1})); FAILS("scaled_dot_product_attention", scaled_dot_product_attention(tall, tall, tall));
}

TEST_CASE("messages: random arrays") {
  FAILS("uniform", uniform({2}, 1, 0)); FAILS("uniform", uniform({2}, 0, inf)); FAILS("normal", normal({2}, 0, -1)); FAILS("normal", normal({2}, 0, inf)); FAILS("normal", normal({2}, na, 1)); FAILS("truncated_normal", truncated_normal({2}, 0, 0)); FAILS("truncated_normal", truncated_normal({2}, 0, 1, 2, 1)); FAILS("truncated_normal", truncated_normal({2}, inf, 1));
  FAILS("bernoulli", bernoulli({2}, 2)); FAILS("bernoulli", bernoulli(Array<double>{2})); FAILS("randint", randint({2}, 1, 1)); FAILS("permutation", permutation(-1)); FAILS("permutation", permutation(std::int64_t{1} << 62)); FAILS("permutation", permutation(std::numeric_limits<std::int64_t>::max())); FAILS("categorical", categorical(full<double>({}, 1))); FAILS("categorical", categorical(Array<double>{-inf, -inf}));
}

TEST_CASE("messages: every operation of the library is among them") {
  std::ifstream file(std::string(XGRAD_TEST_DATA) + "/../../docs/operations.md");
  REQUIRE(file.good());
  const std::regex entry("^\\| `(\\w+)\\(");
  std::size_t count = 0;
  for (std::string line; std::getline(file, line);) {
    std::smatch match;
    if (!std::regex_search(line, match, entry)) continue;
    ++count;
    if (match[1] == "gumbel") continue;  // whatever its shape, but for its size: tests/memory.cpp
    CAPTURE(match[1].str());
    CHECK(called.contains(match[1]));
  }
  CHECK(count > 150);
}

TEST_CASE("messages: Variables and derivatives") {
  auto leaf_ = some({3});
  FAILS("shape", u.shape()); FAILS("value", u.value()); FAILS("size", u.size()); FAILS("item", u.item()); FAILS("item", x3.item()); FAILS("grad", u.grad()); FAILS("grad", leaf_.grad()); FAILS("grad", leaf_.detach().grad()); FAILS("grad", (leaf_ * 2).grad()); FAILS("update_grad", u.detach().update_grad([](auto&) {})); FAILS("update_grad", leaf_.update_grad([](auto&) {})); FAILS("update_grad", leaf_.detach().update_grad([](auto&) {})); FAILS("update_grad", (leaf_ * 2).update_grad([](auto&) {}));
  FAILS("assign", leaf_.assign(zeros<double>({2}))); FAILS("assign", (leaf_ * 2).assign(zeros<double>({3}))); FAILS("assign", Variable<double>().assign(zeros<double>({3}))); FAILS("update", (leaf_ * 2).update([](auto&) {})); FAILS("on_grad", leaf_.detach().on_grad([](const auto&) {})); FAILS("on_grad", u.on_grad([](const auto&) {}));
  FAILS("backward", backward(u)); FAILS("backward", backward(leaf_.detach())); FAILS("backward", backward(leaf_ * 2)); FAILS("backward", backward(leaf_ * 2, x4)); FAILS("backward", backward(leaf_ * 2, u));
  FAILS("grad", grad(u, {leaf_})); FAILS("grad", grad(sum(leaf_), {u})); FAILS("grad", grad(sum(leaf_), {leaf_.detach()})); FAILS("grad", grad(sum(leaf_), {x4})); FAILS("grad", grad(leaf_ * 2, {leaf_})); FAILS("grad", grad(leaf_ * 2, {leaf_}, x4));
  const auto once = sum(square(leaf_));
  backward(once);
  FAILS("backward", backward(once)); FAILS("grad", grad(once, {leaf_}));
  const auto f = [](const auto& v) { return sum(v); };
  const auto same = [](const auto& v) { return v * 2; };
  const auto none = [](const auto&) { return Variable<double>(); };
  FAILS("value_and_grad", value_and_grad(f, u)); FAILS("value_and_grad", value_and_grad(same, x3)); FAILS("value_and_grad", value_and_grad(none, x3)); FAILS("vjp", vjp(same, x3, x4)); FAILS("vjp", vjp(same, x3, u)); FAILS("jvp", jvp(same, x3, x4)); FAILS("hvp", hvp(f, x3, x4)); FAILS("hvp", hvp(same, x3, x3)); FAILS("jacobian", jacobian(same, u)); FAILS("hessian", hessian(same, x3));
  FAILS("checkpoint", checkpoint(same, u)); FAILS("checkpoint", checkpoint(none, x3)); FAILS("to_dot", xgrad::to_dot(u));
  const auto derivative = elementwise("f", [](auto v) { return v * v; }, [](auto, auto v) { return 2 * v; });
  FAILS("f", derivative(leaf_)); FAILS("f", derivative(u)); FAILS("f", elementwise("f", [](auto a, auto b) { return a * b; })(x3, x4));
}

namespace {
struct Net {
  nn::Linear<double> layer{2, 3};
};
struct Computed {
  Variable<double> weight = some({3}) * 2;
};
struct Chain {
  Variable<double> weight = some({3});
  std::shared_ptr<Chain> next;
};
}  // namespace

TEST_CASE("messages: layers and networks") {
  constexpr std::size_t huge = std::size_t{1} << 40;
  FAILS("Linear", nn::Linear<double>(huge, huge)); FAILS("Conv2d", nn::Conv2d<double>(huge, huge, 3)); FAILS("Conv2d", nn::Conv2d<double>(1, 1, 0)); FAILS("Conv2d", nn::Conv2d<double>(3, 4, 1, {.groups = 2})); FAILS("Conv2d", nn::Conv2d<double>(4, 4, 1, {.groups = 0})); FAILS("Conv1d", nn::Conv1d<double>(1, 1, -1)); FAILS("Conv1d", nn::Conv1d<double>(huge, huge, 1)); FAILS("ConvTranspose2d", nn::ConvTranspose2d<double>(1, 1, {1, 0})); FAILS("ConvTranspose2d", nn::ConvTranspose2d<double>(huge, huge, 1));
  FAILS("BatchNorm", nn::BatchNorm<double>(4, {.momentum = 2})); FAILS("BatchNorm", nn::BatchNorm<double>(4, {.eps = -1})); FAILS("LayerNorm", nn::LayerNorm<double>(4, {.eps = na})); FAILS("LayerNorm", nn::LayerNorm<double>(Shape{})); FAILS("LayerNorm", nn::LayerNorm<double>(Shape{huge, huge})); FAILS("RMSNorm", nn::RMSNorm<double>(4, {.eps = inf})); FAILS("GroupNorm", nn::GroupNorm<double>(3, 4)); FAILS("GroupNorm", nn::GroupNorm<double>(0, 4)); FAILS("GroupNorm", nn::GroupNorm<double>(2, 4, {.eps = -1})); FAILS("Dropout", nn::Dropout(1.5)); FAILS("Dropout2d", nn::Dropout2d(na)); FAILS("LSTMCell", nn::LSTMCell<double>(huge, huge)); FAILS("GRUCell", nn::GRUCell<double>(huge, huge));
  FAILS("Embedding", nn::Embedding<double>(huge, huge)); FAILS("Embedding", nn::Embedding<double>(2, 2, {.padding_idx = 2})); FAILS("PReLU", nn::PReLU<double>(huge * 1024)); FAILS("LSTM", nn::LSTM<double>(huge, huge)); FAILS("LSTM", nn::LSTM<double>(2, 2, {.layers = 0})); FAILS("GRU", nn::GRU<double>(2, 2, {.dropout = na})); FAILS("LSTM", nn::LSTM<double>(2, 2)(some({2, 2}))); FAILS("GRU", nn::GRU<double>(2, 2)(some({2, 2}))); FAILS("MultiheadAttention", nn::MultiheadAttention<double>(4, 3)); FAILS("MultiheadAttention", nn::MultiheadAttention<double>(4, 2)(some({4}))); FAILS("LearnedPositions", nn::LearnedPositions<double>(huge, huge)); FAILS("sinusoidal_positions", nn::sinusoidal_positions<double>(huge, huge)); FAILS("SinusoidalPositions", nn::SinusoidalPositions{}(some({4}))); FAILS("padding_mask", nn::padding_mask({2}, 1)); FAILS("penalty", nn::penalty(Net(), {.l1 = na}));
  Array<double> vector(Shape{3});
  Generator generator(1);
  FAILS("fans", nn::fans({3})); FAILS("kaiming_uniform", nn::init::kaiming_uniform()(vector, generator)); FAILS("kaiming_normal", nn::init::kaiming_normal()(vector, generator)); FAILS("xavier_uniform", nn::init::xavier_uniform()(vector, generator)); FAILS("xavier_normal", nn::init::xavier_normal()(vector, generator));
  const Computed computed;
  FAILS("parameters", nn::parameters(computed)); FAILS("named_parameters", nn::named_parameters(computed)); FAILS("named_state", nn::named_state(computed)); FAILS("parameter_count", nn::parameter_count(computed)); FAILS("clone", nn::clone(computed)); FAILS("save", nn::save(computed, "never.safetensors")); FAILS("load", nn::load(computed, "never.safetensors")); FAILS("copy_state", nn::copy_state(computed, computed));
  FAILS("copy_state", nn::copy_state(Net(), Chain()));
  Chain chain;
  chain.next = std::make_shared<Chain>();
  chain.next->next = chain.next;
  FAILS("parameters", nn::parameters(chain)); FAILS("train", nn::train(chain)); FAILS("eval", nn::eval(chain)); FAILS("zero_grad", nn::zero_grad(chain));
  chain.next->next.reset();
}

TEST_CASE("messages: optimisers and data") {
  using optim::Adam, optim::Optimizer, optim::SGD;
  using L = std::vector<Variable<double>>;
  const L leaves{some({3})};
  FAILS("SGD", Optimizer(L{}, SGD{})); FAILS("SGD", Optimizer(L{u}, SGD{})); FAILS("Adam", Optimizer(L{some({3}).detach()}, Adam{})); FAILS("SGD", Optimizer(L{some({3}) * 2}, SGD{})); FAILS("SGD", Optimizer(L{leaves[0], leaves[0]}, SGD{}));
  Optimizer opt(leaves, SGD{});
  for (const double bad : {-1.0, inf, na}) {
    FAILS("SGD", Optimizer(leaves, SGD{.lr = bad})); FAILS("SGD", Optimizer(leaves, SGD{.weight_decay = bad})); FAILS("SGD", Optimizer(leaves, SGD{.momentum = bad})); FAILS("Adam", Optimizer(leaves, Adam{.beta1 = bad}));
    opt.options.lr = bad;
    FAILS("SGD", opt.step());
    FAILS("one_cycle", optim::one_cycle(10, bad)); FAILS("one_cycle", optim::one_cycle(10, 1, {.pct_start = bad})); FAILS("one_cycle", optim::one_cycle(10, 1, {.div_factor = bad})); FAILS("one_cycle", optim::one_cycle(10, 1, {.final_div_factor = bad}));
    FAILS("clip_grad_norm", optim::clip_grad_norm(leaves, bad == inf ? 0 : bad)); FAILS("clip_grad_value", optim::clip_grad_value(leaves, bad == inf ? 0 : bad)); FAILS("inverse_time", optim::inverse_time(1, bad)); FAILS("Plateau", optim::Plateau(bad));
  }
  FAILS("SGD", Optimizer(std::vector{Variable<float>(1, true)}, SGD{.lr = 1e39})); FAILS("SGD", Optimizer(leaves, SGD{.momentum = 1})); FAILS("SGD", Optimizer(leaves, SGD{.nesterov = true})); FAILS("one_cycle", optim::one_cycle(0, 1)); FAILS("one_cycle", optim::one_cycle(10, 0)); FAILS("one_cycle", optim::one_cycle(10, 1, {.pct_start = 1})); FAILS("one_cycle", optim::one_cycle(10, 1e300, {.div_factor = 1e-300}));
  const Dataset none;
  FAILS("channel_moments", channel_moments(none)); FAILS("channel_moments", channel_moments(Dataset{Array<std::uint8_t>(Shape{0, 2, 2, 1}), Labels(Shape{0}), {}, {}})); FAILS("slice", slice(none, 0, 0)); FAILS("Source", Source<double>(none));
  const Dataset two{Array<std::uint8_t>(Shape{2, 1, 1, 1}), Labels{0, 1}, {}, 2};
  const Dataset three{Array<std::uint8_t>(Shape{2, 1, 2, 1}), Labels{0, 1}, {}, 2}, many{Array<std::uint8_t>(Shape{2, 1, 1, 1}), Labels{0, 1}, {}, 3}, wrong{Array<std::uint8_t>(Shape{2, 1, 1, 1}), Labels{0, 2}, {}, 2};
  FAILS("slice", slice(two, 1, 3)); FAILS("slice", slice(two, 2, 1)); FAILS("subset", subset(two, std::vector<std::size_t>{2})); FAILS("concat", concat(two, three)); FAILS("concat", concat(two, many)); FAILS("split", split(two, 1.5)); FAILS("split", split(wrong, 0.5)); FAILS("folds", folds(two, 1)); FAILS("folds", folds(two, 3)); FAILS("folds", folds(wrong, 2));
  const Source<double> source(two);
  FAILS("subset", subset(source, {2})); FAILS("concat", concat(source, Source<double>(many))); FAILS("Source", Source<double>(Array<double>(Shape{2}), Labels{1}));
  FAILS("Loader", Loader<double>(two, {.batch_size = 0})); FAILS("Loader", Loader<double>(two, {.ahead = 0})); FAILS("Loader", Loader<double>(two, {.std = {0}})); FAILS("Loader", Loader<double>(two, {.mean = {inf}})); FAILS("Loader", Loader<double>(two, {.batch_size = 3, .drop_last = true})); FAILS("Loader", Loader<double>(two, {.part = 1})); FAILS("Loader", Loader<double>(two).batch(0, 1)); FAILS("Loader", Loader<double>(two, {.mean = {1, 2}}).batch(0, 0)); FAILS("augment::Flip", Loader<double>(two, {.augment = {augment::Flip{2}}}).batch(0, 0));
  FAILS("mixup", augment::mixup(Array<double>(Shape{2, 1}), Labels{1}, 2, 1)); FAILS("mixup", augment::mixup(Array<double>(Shape{1, 1}), Labels{2}, 2, 1)); FAILS("mixup", augment::mixup(Array<double>(Shape{1, 1}), Labels{1}, 2, 0));
  FAILS("Metrics", Metrics().add(Array<double>(Shape{2, 2}), Labels{1})); FAILS("Metrics", Metrics().add(Array<double>(Shape{1, 2}), Labels{2}));
}
// clang-format on

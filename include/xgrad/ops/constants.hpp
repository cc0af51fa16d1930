#pragma once
// clang-format off
/// Operations of an Array, which is a constant: relu(array), mse_loss(array, y), linear(array, weight). What is said of each where it is
/// declared for Variables holds. Where xtensor has a function of the same name, such as exp or sum, an Array is xtensor's, and an operation
/// needs a Variable: `exp(Variable<T>(array))`. In a list of operands the type is named: `concat<float>({array, x})`.
// Written by scripts/generate_constants.py from the other headers of this folder. The tests check that it is up to date.
#include <concepts>
#include <utility>

#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/arithmetic.hpp>
#include <xgrad/ops/conv.hpp>
#include <xgrad/ops/dropout.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/index.hpp>
#include <xgrad/ops/interpolate.hpp>
#include <xgrad/ops/linalg.hpp>
#include <xgrad/ops/loss.hpp>
#include <xgrad/ops/norm.hpp>
#include <xgrad/ops/pool.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/sequence.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/sort.hpp>
#include <xgrad/ops/statistics.hpp>

namespace xgrad {

namespace detail {
/// An Array itself: nothing is made one, or a call that names T could mean both an Array and a Variable.
template <class A, class T>
concept Constant = Real<T> && std::same_as<A, Array<T>>;
}  // namespace detail

template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> relu(const A& x, Where at = Where::current()) {
  return relu(Variable<T>(x), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> relu6(const A& x, Where at = Where::current()) {
  return relu6(Variable<T>(x), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> hardtanh(const A& x, HardtanhOptions options = {}, Where at = Where::current()) {
  return hardtanh(Variable<T>(x), std::move(options), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> leaky_relu(const A& x, double slope = 0.01, Where at = Where::current()) {
  return leaky_relu(Variable<T>(x), slope, at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> prelu(const A& x, std::type_identity_t<Variable<T>> slope, Where at = Where::current()) {
  return prelu(Variable<T>(x), std::move(slope), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> elu(const A& x, double alpha = 1, Where at = Where::current()) {
  return elu(Variable<T>(x), alpha, at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> selu(const A& x, Where at = Where::current()) {
  return selu(Variable<T>(x), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> sigmoid(const A& x, Where at = Where::current()) {
  return sigmoid(Variable<T>(x), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> log_sigmoid(const A& x, Where at = Where::current()) {
  return log_sigmoid(Variable<T>(x), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> softplus(const A& x, double beta = 1, Where at = Where::current()) {
  return softplus(Variable<T>(x), beta, at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> softsign(const A& x, Where at = Where::current()) {
  return softsign(Variable<T>(x), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> silu(const A& x, Where at = Where::current()) {
  return silu(Variable<T>(x), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> mish(const A& x, Where at = Where::current()) {
  return mish(Variable<T>(x), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> hardswish(const A& x, Where at = Where::current()) {
  return hardswish(Variable<T>(x), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> gelu(const A& x, GeluOptions options = {}, Where at = Where::current()) {
  return gelu(Variable<T>(x), std::move(options), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> softmax(const A& x, int axis = -1, Where at = Where::current()) {
  return softmax(Variable<T>(x), axis, at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> log_softmax(const A& x, int axis = -1, Where at = Where::current()) {
  return log_softmax(Variable<T>(x), axis, at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> neg(const A& x, Where at = Where::current()) {
  return neg(Variable<T>(x), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> lerp(const A& a, std::type_identity_t<Variable<T>> b, std::type_identity_t<Variable<T>> weight, Where at = Where::current()) {
  return lerp(Variable<T>(a), std::move(b), std::move(weight), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> conv2d_input_grad(const A& g, std::type_identity_t<Variable<T>> w, const Shape& shape, Conv2dOptions options = {}, Where at = Where::current()) {
  return conv2d_input_grad(Variable<T>(g), std::move(w), shape, std::move(options), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> conv2d_weight_grad(const A& x, std::type_identity_t<Variable<T>> g, const Shape& shape, Conv2dOptions options = {}, Where at = Where::current()) {
  return conv2d_weight_grad(Variable<T>(x), std::move(g), shape, std::move(options), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> im2col(const A& x, Extent2d size, Im2colOptions options = {}, Where at = Where::current()) {
  return im2col(Variable<T>(x), std::move(size), std::move(options), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> col2im(const A& columns, const Shape& shape, Extent2d size, Im2colOptions options = {}, Where at = Where::current()) {
  return col2im(Variable<T>(columns), shape, std::move(size), std::move(options), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> dropout(const A& x, double p = 0.5, DropoutOptions options = {}, Generator& generator = default_generator(), Where at = Where::current()) {
  return dropout(Variable<T>(x), p, std::move(options), generator, at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> dropout2d(const A& x, double p = 0.5, DropoutOptions options = {}, Generator& generator = default_generator(), Where at = Where::current()) {
  return dropout2d(Variable<T>(x), p, std::move(options), generator, at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> rsqrt(const A& x, Where at = Where::current()) {
  return rsqrt(Variable<T>(x), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> reciprocal(const A& x, Where at = Where::current()) {
  return reciprocal(Variable<T>(x), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> digamma(const A& x, Where at = Where::current()) {
  return digamma(Variable<T>(x), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> clamp(const A& x, std::type_identity_t<Variable<T>> low, std::type_identity_t<Variable<T>> high, Where at = Where::current()) {
  return clamp(Variable<T>(x), std::move(low), std::move(high), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> slice(const A& x, const std::vector<Slice>& slices, Where at = Where::current()) {
  return slice(Variable<T>(x), slices, at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> slice(const A& x, int axis, Slice range, Where at = Where::current()) {
  return slice(Variable<T>(x), axis, std::move(range), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> slice_update(const A& x, const std::vector<Slice>& slices, std::type_identity_t<Variable<T>> value, Where at = Where::current()) {
  return slice_update(Variable<T>(x), slices, std::move(value), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> select(const A& x, int axis, std::ptrdiff_t index, Where at = Where::current()) {
  return select(Variable<T>(x), axis, index, at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> index_select(const A& x, int axis, const Indices& index, Where at = Where::current()) {
  return index_select(Variable<T>(x), axis, index, at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> embedding(const Indices& labels, const A& weights, Where at = Where::current()) {
  return embedding(labels, Variable<T>(weights), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> gather(const A& x, int axis, const Indices& index, Where at = Where::current()) {
  return gather(Variable<T>(x), axis, index, at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> take_along_axis(const A& x, const Indices& index, int axis, Where at = Where::current()) {
  return take_along_axis(Variable<T>(x), index, axis, at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> scatter_add(const A& x, int axis, const Indices& index, std::type_identity_t<Variable<T>> source, Where at = Where::current()) {
  return scatter_add(Variable<T>(x), axis, index, std::move(source), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> masked_select(const A& x, const Condition& mask, Where at = Where::current()) {
  return masked_select(Variable<T>(x), mask, at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> masked_fill(const A& x, const Condition& mask, std::type_identity_t<Variable<T>> value, Where at = Where::current()) {
  return masked_fill(Variable<T>(x), mask, std::move(value), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> interpolate(const A& x, Extent2d size, InterpolateOptions options = {}, Where at = Where::current()) {
  return interpolate(Variable<T>(x), std::move(size), std::move(options), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> linear(const A& x, std::type_identity_t<Variable<T>> w, std::type_identity_t<Variable<T>> b = {}, Where at = Where::current()) {
  return linear(Variable<T>(x), std::move(w), std::move(b), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> tensordot(const A& a, std::type_identity_t<Variable<T>> b, int axes = 2, Where at = Where::current()) {
  return tensordot(Variable<T>(a), std::move(b), axes, at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> tensordot(const A& a, std::type_identity_t<Variable<T>> b, std::vector<std::ptrdiff_t> a_axes, std::vector<std::ptrdiff_t> b_axes, Where at = Where::current()) {
  return tensordot(Variable<T>(a), std::move(b), std::move(a_axes), std::move(b_axes), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> trace(const A& x, std::ptrdiff_t offset = 0, int axis1 = 0, int axis2 = 1, Where at = Where::current()) {
  return trace(Variable<T>(x), offset, axis1, axis2, at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> inverse(const A& a, Where at = Where::current()) {
  return inverse(Variable<T>(a), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> cholesky(const A& a, Where at = Where::current()) {
  return cholesky(Variable<T>(a), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> det(const A& a, Where at = Where::current()) {
  return det(Variable<T>(a), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> logdet(const A& a, Where at = Where::current()) {
  return logdet(Variable<T>(a), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
SignAndLog<T> slogdet(const A& a, Where at = Where::current()) {
  return slogdet(Variable<T>(a), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> cross_entropy(const A& logits, const Indices& labels, CrossEntropyOptions options = {}, Where at = Where::current()) {
  return cross_entropy(Variable<T>(logits), labels, std::move(options), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> cross_entropy(const A& logits, std::type_identity_t<Variable<T>> probabilities, CrossEntropyOptions options = {}, Where at = Where::current()) {
  return cross_entropy(Variable<T>(logits), std::move(probabilities), std::move(options), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> nll_loss(const A& log_probabilities, const Indices& labels, NllLossOptions options = {}, Where at = Where::current()) {
  return nll_loss(Variable<T>(log_probabilities), labels, std::move(options), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> multi_margin_loss(const A& scores, const Indices& labels, MultiMarginOptions options = {}, Where at = Where::current()) {
  return multi_margin_loss(Variable<T>(scores), labels, std::move(options), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> mse_loss(const A& a, std::type_identity_t<Variable<T>> b, LossOptions options = {}, Where at = Where::current()) {
  return mse_loss(Variable<T>(a), std::move(b), std::move(options), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> l1_loss(const A& a, std::type_identity_t<Variable<T>> b, LossOptions options = {}, Where at = Where::current()) {
  return l1_loss(Variable<T>(a), std::move(b), std::move(options), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> smooth_l1_loss(const A& a, std::type_identity_t<Variable<T>> b, SmoothL1Options options = {}, Where at = Where::current()) {
  return smooth_l1_loss(Variable<T>(a), std::move(b), std::move(options), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> huber_loss(const A& a, std::type_identity_t<Variable<T>> b, HuberOptions options = {}, Where at = Where::current()) {
  return huber_loss(Variable<T>(a), std::move(b), std::move(options), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> binary_cross_entropy(const A& p, std::type_identity_t<Variable<T>> target, LossOptions options = {}, Where at = Where::current()) {
  return binary_cross_entropy(Variable<T>(p), std::move(target), std::move(options), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> binary_cross_entropy_with_logits(const A& logits, std::type_identity_t<Variable<T>> target, BinaryCrossEntropyOptions options = {}, Where at = Where::current()) {
  return binary_cross_entropy_with_logits(Variable<T>(logits), std::move(target), std::move(options), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> hinge_loss(const A& scores, std::type_identity_t<Variable<T>> target, HingeOptions options = {}, Where at = Where::current()) {
  return hinge_loss(Variable<T>(scores), std::move(target), std::move(options), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> kl_div(const A& x, std::type_identity_t<Variable<T>> target, KlDivOptions options = {}, Where at = Where::current()) {
  return kl_div(Variable<T>(x), std::move(target), std::move(options), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> poisson_nll_loss(const A& x, std::type_identity_t<Variable<T>> target, PoissonNllOptions options = {}, Where at = Where::current()) {
  return poisson_nll_loss(Variable<T>(x), std::move(target), std::move(options), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> gaussian_nll_loss(const A& x, std::type_identity_t<Variable<T>> target, std::type_identity_t<Variable<T>> variance, GaussianNllOptions options = {}, Where at = Where::current()) {
  return gaussian_nll_loss(Variable<T>(x), std::move(target), std::move(variance), std::move(options), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> cosine_similarity(const A& a, std::type_identity_t<Variable<T>> b, int axis = -1, CosineSimilarityOptions options = {}, Where at = Where::current()) {
  return cosine_similarity(Variable<T>(a), std::move(b), axis, std::move(options), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> batch_norm(const A& x, std::type_identity_t<Variable<T>> weight, std::type_identity_t<Variable<T>> bias, std::type_identity_t<Variable<T>> running_mean, std::type_identity_t<Variable<T>> running_var, BatchNormOptions options = {}, Where at = Where::current()) {
  return batch_norm(Variable<T>(x), std::move(weight), std::move(bias), std::move(running_mean), std::move(running_var), std::move(options), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> layer_norm(const A& x, std::type_identity_t<Variable<T>> weight = {}, std::type_identity_t<Variable<T>> bias = {}, LayerNormOptions options = {}, Where at = Where::current()) {
  return layer_norm(Variable<T>(x), std::move(weight), std::move(bias), std::move(options), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> rms_norm(const A& x, std::type_identity_t<Variable<T>> weight = {}, LayerNormOptions options = {}, Where at = Where::current()) {
  return rms_norm(Variable<T>(x), std::move(weight), std::move(options), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> group_norm(const A& x, int groups, std::type_identity_t<Variable<T>> weight = {}, std::type_identity_t<Variable<T>> bias = {}, GroupNormOptions options = {}, Where at = Where::current()) {
  return group_norm(Variable<T>(x), groups, std::move(weight), std::move(bias), std::move(options), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> instance_norm(const A& x, std::type_identity_t<Variable<T>> weight = {}, std::type_identity_t<Variable<T>> bias = {}, GroupNormOptions options = {}, Where at = Where::current()) {
  return instance_norm(Variable<T>(x), std::move(weight), std::move(bias), std::move(options), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> local_response_norm(const A& x, int size, LocalResponseNormOptions options = {}, Where at = Where::current()) {
  return local_response_norm(Variable<T>(x), size, std::move(options), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> normalize(const A& x, int axis = -1, NormalizeOptions options = {}, Where at = Where::current()) {
  return normalize(Variable<T>(x), axis, std::move(options), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> max_pool2d(const A& x, Extent2d size, Pool2dOptions options = {}, Where at = Where::current()) {
  return max_pool2d(Variable<T>(x), std::move(size), std::move(options), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> min_pool2d(const A& x, Extent2d size, Pool2dOptions options = {}, Where at = Where::current()) {
  return min_pool2d(Variable<T>(x), std::move(size), std::move(options), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> avg_pool2d(const A& x, Extent2d size, AvgPool2dOptions options = {}, Where at = Where::current()) {
  return avg_pool2d(Variable<T>(x), std::move(size), std::move(options), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> global_avg_pool2d(const A& x, Where at = Where::current()) {
  return global_avg_pool2d(Variable<T>(x), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> adaptive_avg_pool2d(const A& x, Extent2d size, Where at = Where::current()) {
  return adaptive_avg_pool2d(Variable<T>(x), std::move(size), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> adaptive_max_pool2d(const A& x, Extent2d size, Where at = Where::current()) {
  return adaptive_max_pool2d(Variable<T>(x), std::move(size), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> sum_to(const A& x, const Shape& shape, Where at = Where::current()) {
  return sum_to(Variable<T>(x), shape, at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> scaled_dot_product_attention(const A& q, std::type_identity_t<Variable<T>> k, std::type_identity_t<Variable<T>> v, std::type_identity_t<AttentionOptions<T>> options = {}, Where at = Where::current()) {
  return scaled_dot_product_attention(Variable<T>(q), std::move(k), std::move(v), std::move(options), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
LSTMState<T> lstm_cell(const A& x, std::type_identity_t<LSTMState<T>> state, std::type_identity_t<Variable<T>> weight_ih, std::type_identity_t<Variable<T>> weight_hh, std::type_identity_t<Variable<T>> bias_ih = {}, std::type_identity_t<Variable<T>> bias_hh = {}, Where at = Where::current()) {
  return lstm_cell(Variable<T>(x), std::move(state), std::move(weight_ih), std::move(weight_hh), std::move(bias_ih), std::move(bias_hh), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> gru_cell(const A& x, std::type_identity_t<Variable<T>> h, std::type_identity_t<Variable<T>> weight_ih, std::type_identity_t<Variable<T>> weight_hh, std::type_identity_t<Variable<T>> bias_ih = {}, std::type_identity_t<Variable<T>> bias_hh = {}, Where at = Where::current()) {
  return gru_cell(Variable<T>(x), std::move(h), std::move(weight_ih), std::move(weight_hh), std::move(bias_ih), std::move(bias_hh), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> reshape(const A& x, Lengths lengths, Where at = Where::current()) {
  return reshape(Variable<T>(x), std::move(lengths), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> permute(const A& x, std::vector<std::ptrdiff_t> axes, Where at = Where::current()) {
  return permute(Variable<T>(x), std::move(axes), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> broadcast_to(const A& x, const Shape& shape, Where at = Where::current()) {
  return broadcast_to(Variable<T>(x), shape, at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> unsqueeze(const A& x, int axis, Where at = Where::current()) {
  return unsqueeze(Variable<T>(x), axis, at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
TopK<T> topk(const A& x, std::ptrdiff_t k, int axis = -1, TopKOptions options = {}, Where at = Where::current()) {
  return topk(Variable<T>(x), k, axis, std::move(options), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> var(const A& x, Axes axes = {}, VarOptions options = {}, Where at = Where::current()) {
  return var(Variable<T>(x), std::move(axes), std::move(options), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> std(const A& x, Axes axes = {}, VarOptions options = {}, Where at = Where::current()) {
  return std(Variable<T>(x), std::move(axes), std::move(options), at);
}
template <class A, class T = typename A::value_type>
  requires detail::Constant<A, T>
Variable<T> logsumexp(const A& x, Axes axes = {}, ReduceOptions options = {}, Where at = Where::current()) {
  return logsumexp(Variable<T>(x), std::move(axes), std::move(options), at);
}

}  // namespace xgrad

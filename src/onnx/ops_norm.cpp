// Normalisation, softmax and dropout.
#include <numeric>

#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/extremes.hpp>
#include <xgrad/ops/norm.hpp>
#include <xgrad/ops/statistics.hpp>

#include "windows.hpp"

namespace xgrad::onnx {

namespace {

/// (c) as (1, c, 1, …), for x of so many axes.
template <class T>
Variable<T> along_channels(Variable<T> v, std::size_t rank, Where at) {
  Shape shape(rank, 1);
  shape[1] = v.size();
  return reshape(std::move(v), shape, at);
}
/// (x - mean) / √(variance + eps) · weight + bias
template <class T>
Variable<T> normalised(const Variable<T>& x, const Variable<T>& mean, const Variable<T>& variance, const Variable<T>& weight,
                       const Variable<T>& bias, double eps, Where at) {
  const Variable<T> scale = mul(rsqrt(add(variance, scalar<T>(eps), at), at), weight, at);
  return add(mul(sub(x, mean, at), scale, at), bias, at);
}

template <class T>
Values<T> batch_normalised(Call<T>& c) {
  const double eps = c.number("epsilon", 1e-5), momentum = c.number("momentum", 0.9);
  const bool training = c.integer("training_mode", 0) != 0;
  if (c.integer("spatial", 1) != 1) c.refuse("spatial is 0; it must be 1");
  if (c.opset() < 14 && c.further_outputs() > 0)
    c.refuse("there are " + std::to_string(c.further_outputs()) +
             " outputs besides the first, which before opset 14 means training; there must be none");
  const std::size_t rank = c.shape(0).size();
  if (rank < 2) c.refuse("the input has the shape " + to_string(c.shape(0)) + "; it must be (n, c, …)");
  const Variable<T> x = c.real(0), weight = c.real(1), bias = c.real(2), running_mean = c.real(3), running_var = c.real(4);
  for (const Variable<T>& v : {weight, bias, running_mean, running_var})
    if (v.shape() != Shape{x.shape()[1]})
      c.refuse("scale, bias, mean or variance has the shape " + to_string(v.shape()) + "; it must be " +
               to_string(Shape{x.shape()[1]}));
  const auto wide = [&](const Variable<T>& v) { return along_channels(v, rank, c.where); };
  if (!training) {
    if (!running_mean.requires_grad() && !running_var.requires_grad()) {
      const BatchNormOptions options{.training = false, .momentum = 0.1, .eps = eps};
      return one<T>(channels_first(batch_norm(channels_last(x, c.where), weight, bias, running_mean, running_var, options, c.where),
                                   c.where));
    }
    return one<T>(normalised(x, wide(running_mean), wide(running_var), wide(weight), wide(bias), eps, c.where));
  }
  std::vector<std::ptrdiff_t> list{0};
  for (std::size_t k = 2; k < rank; ++k) list.push_back(static_cast<std::ptrdiff_t>(k));
  const Axes axes(std::move(list));
  const Variable<T> batch_mean = mean(x, axes, {}, c.where), batch_var = var(x, axes, {}, c.where);
  const auto moved = [&](const Variable<T>& old, const Variable<T>& fresh) {
    return add(mul(old, scalar<T>(momentum), c.where), mul(fresh, scalar<T>(1 - momentum), c.where), c.where);
  };
  Values<T> result = one<T>(normalised(x, wide(batch_mean), wide(batch_var), wide(weight), wide(bias), eps, c.where));
  result.push_back(moved(running_mean, batch_mean));
  result.push_back(moved(running_var, batch_var));
  return result;
}

template <class T>
void check_stash(Call<T>& c) {
  if (c.integer("stash_type", 1) != 1) c.refuse("stash_type is not 1; it must be, for float");
}

/// An input that is normalised over its axes from "axis" on.
template <class T>
struct Trailing {
  Variable<T> x;
  std::size_t axis;
  LayerNormOptions options;
  Shape shape;  ///< of those axes
  Where where;

  explicit Trailing(Call<T>& c) : where(c.where) {
    options.eps = c.number("epsilon", 1e-5);
    check_stash(c);
    x = c.real(0);
    axis = static_cast<std::size_t>(c.axis(c.integer("axis", -1), x.shape().size()));
    options.axes = static_cast<int>(x.shape().size() - axis);
    shape.assign(x.shape().begin() + static_cast<std::ptrdiff_t>(axis), x.shape().end());
  }
  /// A scale or bias, as large as these axes.
  Variable<T> fit(Variable<T> v) const { return v.shape() == shape ? v : broadcast_to(std::move(v), shape, where); }
};

template <class T>
Values<T> layer_normalised(Call<T>& c) {
  const Trailing<T> t(c);
  Variable<T> weight = t.fit(c.real(1)), bias = c.has(2) ? t.fit(c.real(2)) : Variable<T>();
  Values<T> result = one<T>(layer_norm(t.x, std::move(weight), std::move(bias), t.options, c.where));
  if (c.outputs() > 1) {
    std::vector<std::ptrdiff_t> list;
    for (std::size_t k = t.axis; k < t.x.shape().size(); ++k) list.push_back(static_cast<std::ptrdiff_t>(k));
    const Axes axes(std::move(list));
    result.push_back(mean(t.x, axes, {.keepdims = true}, c.where));
    result.push_back(rsqrt(add(var(t.x, axes, {.keepdims = true}, c.where), scalar<T>(t.options.eps), c.where), c.where));
  }
  return result;
}
template <class T>
Values<T> rms_normalised(Call<T>& c) {
  const Trailing<T> t(c);
  return one<T>(rms_norm(t.x, t.fit(c.real(1)), t.options, c.where));
}

template <class T>
Values<T> group_normalised(Call<T>& c) {
  const double eps = c.number("epsilon", 1e-5);
  const std::int64_t groups = c.integer("num_groups", 0);
  check_stash(c);
  if (c.opset() < 21)
    c.refuse("the opset is " + std::to_string(c.opset()) +
             "; for this operator it must be at least 21, with a scale for each channel");
  if (groups < 1 || groups > 1 << 30) c.refuse("num_groups is " + std::to_string(groups) + "; it must be at least 1");
  Variable<T> x = c.real(0), weight = c.real(1), bias = c.real(2);
  if (x.shape().size() < 2) c.refuse("the input has the shape " + to_string(x.shape()) + "; it must be (n, c, …)");
  return one<T>(channels_first(group_norm(channels_last(std::move(x), c.where), static_cast<int>(groups), std::move(weight),
                                          std::move(bias), {.eps = eps}, c.where),
                               c.where));
}
template <class T>
Values<T> instance_normalised(Call<T>& c) {
  const double eps = c.number("epsilon", 1e-5);
  Variable<T> x = c.real(0), weight = c.real(1), bias = c.real(2);
  if (x.shape().size() < 3) c.refuse("the input has the shape " + to_string(x.shape()) + "; it must be (n, c, …)");
  return one<T>(channels_first(
      instance_norm(channels_last(std::move(x), c.where), std::move(weight), std::move(bias), {.eps = eps}, c.where), c.where));
}

template <class T>
Values<T> local_response(Call<T>& c) {
  const std::int64_t size = c.integer("size", 0);
  const LocalResponseNormOptions options{
      .alpha = c.number("alpha", 1e-4), .beta = c.number("beta", 0.75), .k = c.number("bias", 1)};
  if (size < 1 || size > 1 << 30) c.refuse("size is " + std::to_string(size) + "; it must be at least 1");
  Variable<T> x = c.real(0);
  if (x.shape().size() < 2) c.refuse("the input has the shape " + to_string(x.shape()) + "; it must be (n, c, …)");
  x = channels_last(std::move(x), c.where);
  const bool even = size % 2 == 0;  // of an even number of channels ONNX has one more behind, the library one more before
  if (even) x = flip(std::move(x), -1, c.where);
  x = local_response_norm(std::move(x), static_cast<int>(size), options, c.where);
  if (even) x = flip(std::move(x), -1, c.where);
  return one<T>(channels_first(std::move(x), c.where));
}

template <class T>
Values<T> lp_normalised(Call<T>& c) {
  const std::int64_t p = c.integer("p", 2);
  const int axis = c.axis(c.integer("axis", -1), c.shape(0).size());
  if (p != 1 && p != 2) c.refuse("p is " + std::to_string(p) + "; it must be 1 or 2");
  return one<T>(normalize(c.real(0), axis, {.p = static_cast<int>(p)}, c.where));
}

/// Before opset 13 the axes from `axis` on are one.
template <class T, Variable<T> (*f)(Variable<T>, int, Where)>
Values<T> softmax_like(Call<T>& c) {
  const Shape shape = c.shape(0);
  const bool old = c.opset() < 13;
  const int axis = c.axis(c.integer("axis", old ? 1 : -1), shape.size());
  Variable<T> x = c.real(0);
  if (!old) return one<T>(f(std::move(x), axis, c.where));
  const auto a = static_cast<std::size_t>(axis);
  x = f(reshape(std::move(x), Shape{size_of(shape, 0, a), size_of(shape, a, shape.size())}, c.where), 1, c.where);
  return one<T>(reshape(std::move(x), shape, c.where));
}
/// 1 at the first of the largest along an axis, 0 elsewhere.
template <class T>
Values<T> hardmax(Call<T>& c) {
  if (c.opset() < 13) c.refuse("the opset is " + std::to_string(c.opset()) + "; for this operator it must be at least 13");
  const Variable<T> x = c.real(0).detach();
  const int axis = c.axis(c.integer("axis", -1), x.shape().size());
  const Labels index = argmax(x, axis, {.keepdims = true}, c.where);
  const Variable<T> zero = zeros<T>(x.shape(), c.where), hot = ones<T>(index.shape(), c.where);
  return one<T>(scatter_add(zero, axis, index, hot, c.where));
}

template <class T>
Values<T> dropped(Call<T>& c) {
  const double ratio = c.has(1) ? c.number_input(1) : c.number("ratio", 0.5);
  c.integer("seed", 0);
  if (c.has(2) && ratio != 0) {
    const Mask training = c.truths(2);
    if (training.size() != 1 || *training.data())
      c.refuse("training_mode is true; here dropout does nothing, so that it must be false");
  }
  Values<T> result = one<T>(c.take(0));
  if (c.outputs() > 1) result.push_back(full<bool>(shape_of<T>(result[0]), true, c.where));
  return result;
}

}  // namespace

template <class T>
void add_norms(Table<T>& table) {
  table.insert({
      {"BatchNormalization", {batch_normalised<T>, 0b11000}},
      {"Dropout", {dropped<T>, 0b110}},
      {"GroupNormalization", {group_normalised<T>}},
      {"Hardmax", {hardmax<T>}},
      {"InstanceNormalization", {instance_normalised<T>}},
      {"LRN", {local_response<T>}},
      {"LayerNormalization", {layer_normalised<T>}},
      {"LogSoftmax", {softmax_like<T, xgrad::log_softmax<T>>}},
      {"LpNormalization", {lp_normalised<T>}},
      {"RMSNormalization", {rms_normalised<T>}},
      {"Softmax", {softmax_like<T, xgrad::softmax<T>>}},
  });
}
template void add_norms<float>(Table<float>&);
template void add_norms<double>(Table<double>&);

}  // namespace xgrad::onnx

#include <xgrad/ops/norm.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <optional>

#include <xgrad/graph/apply.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include "../kernels/array/norm.hpp"
#include "last_axes.hpp"
#include "scales.hpp"
#include "support.hpp"

namespace xgrad {
using namespace detail;

namespace {

constexpr ReduceOptions keep{.keepdims = true};

/// Mean and variance per sample and group.
template <class T>
struct Statistics {
  Array<T> mean, variance;
};

/// Normalisation with statistics of x itself. Inputs: x, then weight and bias where there are. The gradients share their sums; they
/// run in kernels where nothing is recorded, else they are written with public operations.
template <class T>
struct Normalise {
  std::string_view called;
  kernels::NormShape shape;
  bool has_weight, has_bias;
  T eps;
  std::optional<double> momentum = {};  // of a batch norm
  Statistics<T>* wanted = nullptr;      // of the caller; good for the call of forward only
  Array<T> mean = {}, rstd = {};        // of x times its scales, which are empty where squares were in range
  Array<T> scales = make_array<T>(Shape{0});

  std::string_view name() const { return called; }
  std::uint32_t uses(std::size_t i) const {
    if (is_bias(i)) return use::none;
    return use::input(0) | (has_weight && i == 0 ? use::input(1) : use::none);
  }

  Result<T> forward(Inputs<T> in) {
    const Shape statistics{shape.samples, shape.groups};
    mean = make_array<T>(statistics);
    rstd = make_array<T>(statistics);
    kernels::norm_statistics(shape, in[0].data(), mean.data(), rstd.data());
    std::optional<Array<T>> room;
    if (find_scales(in[0])) kernels::norm_statistics(shape, in_scale(in[0], room).data(), mean.data(), rstd.data());
    const Array<T>& x = room ? *room : in[0];
    const auto scale = [&](std::size_t k) { return scales.size() > 0 ? scales.data()[k] : T(1); };
    if (wanted) {
      *wanted = {mean, rstd};
      for (std::size_t k = 0; k < mean.size(); ++k) {
        wanted->mean.data()[k] /= scale(k);
        (wanted->variance.data()[k] /= scale(k)) /= scale(k);
      }
    }
    wanted = nullptr;
    for (std::size_t k = 0; k < rstd.size(); ++k) rstd.data()[k] = 1 / std::sqrt(rstd.data()[k] + eps * scale(k) * scale(k));
    Array<T> out = make_array<T>(in[0].shape());
    kernels::norm_forward(shape, x.data(), mean.data(), rstd.data(), has_weight ? in[1].data() : nullptr,
                          has_bias ? in[1 + has_weight].data() : nullptr, out.data());
    return out;
  }

  void vjps(const Context<T>& c, const Variable<T>& g, Gradients<T>& out) const {
    const std::size_t bias = 1 + has_weight;
    const bool want_x = out.wants(0), want_weight = has_weight && out.wants(1), want_bias = has_bias && out.wants(bias);
    if (recording()) return recorded_vjps(c, g, out, want_x, want_weight, want_bias);
    if (!want_x && !want_weight) return out.set(bias, reshape(sum(channels_last(g), 0), c.input_shape(bias)));
    const Shape nothing{0};
    Array<T> gx = make_array<T>(want_x ? c.input_shape(0) : nothing);
    Array<T> gweight = make_array<T>(want_weight ? c.input_shape(1) : nothing);
    Array<T> gbias = make_array<T>(want_bias ? c.input_shape(bias) : nothing);
    std::optional<Array<T>> room;
    kernels::norm_backward(shape, in_scale(c.input_value(0), room).data(), g.value().data(), mean.data(), rstd.data(),
                           want_x && has_weight ? c.input_value(1).data() : nullptr, want_x ? gx.data() : nullptr,
                           want_weight ? gweight.data() : nullptr, want_bias ? gbias.data() : nullptr);
    if (want_x && room) multiply(gx);
    if (want_x) out.set(0, Variable<T>(std::move(gx)));
    if (want_weight) out.set(1, Variable<T>(std::move(gweight)));
    if (want_bias) out.set(bias, Variable<T>(std::move(gbias)));
  }

 private:
  bool is_bias(std::size_t i) const { return has_bias && i == std::size_t{1} + has_weight; }
  /// f(place, sample · groups + group) for every element.
  template <class F>
  void each_element(F f) const {
    std::size_t at = 0;
    for (std::size_t i = 0; i < shape.samples; ++i)
      for (std::size_t r = 0; r < shape.rows; ++r)
        for (std::size_t group = 0; group < shape.groups; ++group)
          for (std::size_t k = 0; k < shape.width; ++k) f(at++, i * shape.groups + group);
  }
  /// Whether some variance, in `rstd`, has lost digits to the ends of T's range. What x must be multiplied with then.
  bool find_scales(const Array<T>& x) {
    if (x.size() == 0 || std::all_of(rstd.data(), rstd.data() + rstd.size(), [&](T v) { return in_range(v, eps); })) return false;
    Array<T> sizes = zeros<T>(rstd.shape());
    each_element([&](std::size_t k, std::size_t of) {
      T& size = sizes.data()[of];
      size = std::abs(x.data()[k]) <= size ? size : std::abs(x.data()[k]);  // NaN comes through
    });
    bool any = false;
    for (std::size_t k = 0; k < sizes.size(); ++k) {
      sizes.data()[k] = in_range(rstd.data()[k], eps) ? T(1) : scale_for(sizes.data()[k], eps);
      any |= sizes.data()[k] != 1;
    }
    if (any) scales = std::move(sizes);
    return any;
  }
  void multiply(Array<T>& x) const {
    each_element([&](std::size_t k, std::size_t of) { x.data()[k] *= scales.data()[of]; });
  }
  /// x times its scales, in `room`, or itself.
  const Array<T>& in_scale(const Array<T>& x, std::optional<Array<T>>& room) const {
    if (scales.size() == 0) return x;
    multiply(room.emplace(x));
    return *room;
  }
  Shape parts() const { return {shape.samples, shape.rows, shape.groups, shape.width}; }
  Variable<T> channels_last(const Variable<T>& g) const { return reshape(g, Shape{shape.samples * shape.rows, shape.channels()}); }

  /// With h = (x - mean) rstd and v = g · weight: gx = rstd (v - mean(v) - h mean(v h)). Mean and rstd are functions of x here.
  void recorded_vjps(const Context<T>& c, const Variable<T>& g, Gradients<T>& out, bool want_x, bool want_weight,
                     bool want_bias) const {
    if (want_x || want_weight) {
      Variable<T> x = reshape(c.input(0), parts());
      Variable<T> unit(T(1));
      const Variable<T> of = reshape(g, parts());
      if (scales.size() > 0) {
        unit = reshape(Variable<T>(scales), Shape{shape.samples, 1, shape.groups, 1});
        x = x * unit;
      }
      const Axes shared{1, 3};
      Variable<T> away = x - xgrad::mean(x, shared, keep);
      away = away - xgrad::mean(away, shared, keep);  // what rounding in the mean has left
      const Variable<T> scale = 1 / sqrt(xgrad::mean(square(away), shared, keep) + eps * unit * unit);
      const Variable<T> h = away * scale;
      if (want_x) {
        const Variable<T> v = has_weight ? of * reshape(c.input(1), Shape{shape.groups, shape.width}) : of;
        const Variable<T> gx = scale * (v - xgrad::mean(v, shared, keep) - h * xgrad::mean(v * h, shared, keep));
        out.set(0, reshape(scales.size() > 0 ? gx * unit : gx, c.input_shape(0)));
      }
      if (want_weight) out.set(1, reshape(sum(of * h, {0, 1}), c.input_shape(1)));
    }
    const std::size_t bias = 1 + has_weight;
    if (want_bias) out.set(bias, reshape(sum(channels_last(g), 0), c.input_shape(bias)));
  }
};

/// What weight and bias of shape `channels` make of a normalisation; either may be undefined.
template <class T>
Variable<T> normalise(std::string_view name, kernels::NormShape shape, const Shape& channels, Variable<T> x, Variable<T> weight,
                      Variable<T> bias, double eps, Statistics<T>* statistics, Where at, std::optional<double> momentum = {}) {
  const auto check = [&](const Variable<T>& v, const char* what) {
    if (v.defined() && v.shape() != channels)
      throw ShapeError(
          at, name,
          fmt::format("x is {}, {} is {}; it must be {}", to_string(x.shape()), what, to_string(v.shape()), to_string(channels)));
  };
  check(weight, "weight");
  check(bias, "bias");
  if (!(eps >= 0)) throw ValueError(at, name, fmt::format("eps is {}; it must not be negative", eps));
  Normalise<T> op{name, shape, weight.defined(), bias.defined(), static_cast<T>(eps), momentum, statistics};
  std::vector<Variable<T>> inputs{std::move(x)};
  if (weight.defined()) inputs.push_back(std::move(weight));
  if (bias.defined()) inputs.push_back(std::move(bias));
  return apply(std::move(op), std::move(inputs), at);
}

/// The number of channels. Throws ShapeError when x has no axis.
std::size_t channels_of(const Shape& x, std::size_t least_axes, std::string_view name, Where at) {
  if (x.size() < least_axes)
    throw ShapeError(at, name,
                     fmt::format("x is {}; it must have {} at least, the channels last", to_string(x),
                                 least_axes == 1 ? "one axis" : "two axes"));
  return x.back();
}

/// running = (1 - momentum) running + momentum fresh
template <class T>
void update_running(Variable<T> running, const Array<T>& fresh, double momentum, Where at) {
  if (!running.defined()) return;
  Array<T>& mine = running.change("batch_norm", at);
  const T m = static_cast<T>(momentum);
  for (std::size_t k = 0; k < mine.size(); ++k) mine.data()[k] += m * (fresh.data()[k] - mine.data()[k]);
}

template <class T>
void check_running(const Variable<T>& x, const Variable<T>& running, const char* what, std::size_t channels, bool needed,
                   Where at) {
  if (!running.defined()) {
    if (needed) throw ValueError(at, "batch_norm", fmt::format("{} is undefined; it must be defined in evaluation", what));
    return;
  }
  if (running.shape() != Shape{channels})
    throw ShapeError(at, "batch_norm",
                     fmt::format("x is {}, {} is {}; it must be {}", to_string(x.shape()), what, to_string(running.shape()),
                                 to_string(Shape{channels})));
  if (running.requires_grad())
    throw GraphError(at, "batch_norm", fmt::format("{} requires a gradient; it must be a constant", what));
}

}  // namespace

template <class T>
Variable<T> batch_norm(Variable<T> x, std::type_identity_t<Variable<T>> weight, std::type_identity_t<Variable<T>> bias,
                       std::type_identity_t<Variable<T>> running_mean, std::type_identity_t<Variable<T>> running_var,
                       BatchNormOptions options, Where at) try {
  const std::size_t channels = channels_of(shape_of(x, at), 1, "batch_norm", at);
  if (!(options.momentum >= 0 && options.momentum <= 1))
    throw ValueError(at, "batch_norm", fmt::format("momentum is {}; it must be from 0 to 1", options.momentum));
  check_running(x, running_mean, "running_mean", channels, !options.training, at);
  check_running(x, running_var, "running_var", channels, !options.training, at);
  const std::size_t rows = channels == 0 ? 0 : x.size() / channels;
  if (!options.training) {
    // with the statistics given it is one product and one sum per element
    static const auto evaluate =
        elementwise("batch_norm", [](auto v, auto mean, auto scale, auto shift) { return (v - mean) * scale + shift; });
    for (const auto& [v, what] : {std::pair(&weight, "weight"), std::pair(&bias, "bias")})
      if (v->defined() && v->shape() != Shape{channels})
        throw ShapeError(at, "batch_norm",
                         fmt::format("x is {}, {} is {}; it must be {}", to_string(x.shape()), what, to_string(v->shape()),
                                     to_string(Shape{channels})));
    Variable<T> scale = div(Variable<T>(T(1)), sqrt(add(running_var, static_cast<T>(options.eps), at), at), at);
    if (weight.defined()) scale = mul(std::move(scale), std::move(weight), at);
    return evaluate(std::move(x), std::move(running_mean), std::move(scale), bias.defined() ? std::move(bias) : Variable<T>(T(0)),
                    at);
  }
  if (rows < (detail::thread_state.rehearsing ? 1 : 2))
    throw ShapeError(
        at, "batch_norm",
        fmt::format("x is {}; it must have at least two values per channel in training, not {}", to_string(x.shape()), rows));
  Statistics<T> batch;
  Variable<T> y = normalise<T>("batch_norm", {1, rows, channels, 1}, Shape{channels}, std::move(x), std::move(weight),
                               std::move(bias), options.eps, &batch, at, options.momentum);
  update_running(std::move(running_mean), batch.mean, options.momentum, at);
  const T unbiased = static_cast<T>(rows) / static_cast<T>(std::max<std::size_t>(rows, 2) - 1);
  for (std::size_t k = 0; k < channels; ++k) batch.variance.data()[k] *= unbiased;
  update_running(std::move(running_var), batch.variance, options.momentum, at);
  return y;
} catch (Error& error) {
  called(error, at);
}

template <class T>
Variable<T> layer_norm(Variable<T> x, std::type_identity_t<Variable<T>> weight, std::type_identity_t<Variable<T>> bias,
                       LayerNormOptions options, Where at) {
  const Shape& shape = shape_of(x, at);
  const auto [leading, normalised] = last_axes(shape, options.axes, "layer_norm", at);
  const auto [samples, width] = placed(
      at, "layer_norm", [&, first = leading] { return std::pair(size_of(shape, 0, first), size_of(shape, first, shape.size())); });
  return normalise<T>("layer_norm", {samples, 1, 1, width}, normalised, std::move(x), std::move(weight), std::move(bias),
                      options.eps, nullptr, at);
}

template <class T>
Variable<T> group_norm(Variable<T> x, int groups, std::type_identity_t<Variable<T>> weight, std::type_identity_t<Variable<T>> bias,
                       GroupNormOptions options, Where at) {
  const Shape& shape = shape_of(x, at);
  const std::size_t channels = channels_of(shape, 2, "group_norm", at), count = static_cast<std::size_t>(std::max(groups, 0));
  if (count == 0 || channels % count != 0)
    throw ShapeError(at, "group_norm",
                     fmt::format("x is {}; its {} channels must divide into {} groups", to_string(shape), channels, groups));
  const std::size_t rows = placed(at, "group_norm", [&] { return size_of(shape, 1, shape.size() - 1); });
  return normalise<T>("group_norm", {shape[0], rows, count, channels / count}, Shape{channels}, std::move(x), std::move(weight),
                      std::move(bias), options.eps, nullptr, at);
}

template <class T>
Variable<T> instance_norm(Variable<T> x, std::type_identity_t<Variable<T>> weight, std::type_identity_t<Variable<T>> bias,
                          GroupNormOptions options, Where at) {
  const Shape& shape = shape_of(x, at);
  const std::size_t channels = channels_of(shape, 2, "instance_norm", at);
  const std::size_t rows = placed(at, "instance_norm", [&] { return size_of(shape, 1, shape.size() - 1); });
  return normalise<T>("instance_norm", {shape[0], rows, channels, 1}, Shape{channels}, std::move(x), std::move(weight),
                      std::move(bias), options.eps, nullptr, at);
}

XGRAD_BOTH(batch_norm);
XGRAD_BOTH(layer_norm);
XGRAD_BOTH(group_norm);
XGRAD_BOTH(instance_norm);

}  // namespace xgrad

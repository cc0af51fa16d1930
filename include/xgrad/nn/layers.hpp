#pragma once
#include <cstddef>
#include <string>

#include <xgrad/nn/fields.hpp>
#include <xgrad/nn/init.hpp>
#include <xgrad/ops/conv.hpp>
#include <xgrad/ops/linalg.hpp>

namespace xgrad::nn {

struct LinearOptions {
  bool bias = true;
};

/// x wᵀ + b: (…, in) to (…, out). Weights are drawn by kaiming_uniform from the default generator, biases are 0.
template <class T = float>
class Linear {
 public:
  Variable<T> weight;  ///< (out, in)
  Variable<T> bias;    ///< (out), or undefined

  Linear(std::size_t in, std::size_t out, LinearOptions options = {}, Where where = Where::current())
      : weight(zeros<T>(Shape{out, in}), true, where) {
    if (options.bias) bias = Variable<T>(zeros<T>(Shape{out}), true, where);
    reset_parameters(default_generator());
  }

  Variable<T> operator()(Variable<T> x, Where where = Where::current()) const { return linear(std::move(x), weight, bias, where); }

  void reset_parameters(Generator& generator) {
    weight.update([&](Array<T>& w) { kaiming_uniform(w, generator); });
    if (bias.defined()) bias.update([](Array<T>& b) { b.fill(0); });
  }

  XGRAD_FIELDS(weight, bias)
};

namespace detail {
/// The channels of one group. Throws ValueError when the groups do not divide both ends.
inline std::size_t per_group(std::size_t in, std::size_t out, std::ptrdiff_t groups, std::size_t divided, Where where,
                             const char* layer) {
  if (groups < 1 || in % static_cast<std::size_t>(groups) != 0 || out % static_cast<std::size_t>(groups) != 0)
    throw ValueError(where, layer,
                     "groups is " + std::to_string(groups) + "; it must divide the inputs, " + std::to_string(in) +
                         ", and the outputs, " + std::to_string(out));
  return divided / static_cast<std::size_t>(groups);
}
inline std::size_t kernel_length(std::ptrdiff_t n, Where where, const char* layer) {
  if (n < 1) throw ValueError(where, layer, "the kernel's length is " + std::to_string(n) + "; it must be at least 1");
  return static_cast<std::size_t>(n);
}

/// What convolutions have in common: a weight of this shape and a bias, unless left out.
template <class T>
void make_parameters(Variable<T>& weight, Variable<T>& bias, const Shape& shape, std::size_t outputs, bool has_bias, Where where) {
  weight = Variable<T>(zeros<T>(shape), true, where);
  if (has_bias) bias = Variable<T>(zeros<T>(Shape{outputs}), true, where);
}
template <class T>
void draw_parameters(Variable<T>& weight, Variable<T>& bias, Generator& generator) {
  weight.update([&](Array<T>& w) { kaiming_uniform(w, generator); });
  if (bias.defined()) bias.update([](Array<T>& b) { b.fill(0); });
}
}  // namespace detail

struct Conv2dLayerOptions {
  Extent2d stride = 1;
  Padding2d padding = 0;
  Extent2d dilation = 1;
  std::ptrdiff_t groups = 1;
  bool bias = true;
};

/// A 2-d convolution of images (n, h, w, in) to (n, oh, ow, out); see conv2d. Weights are drawn by kaiming_uniform from the
/// default generator, biases are 0. Throws ValueError when the groups do not divide in and out.
template <class T = float>
class Conv2d {
 public:
  Variable<T> weight;  ///< (out, kh, kw, in / groups)
  Variable<T> bias;    ///< (out), or undefined
  Conv2dOptions options;

  Conv2d(std::size_t in, std::size_t out, Extent2d size, Conv2dLayerOptions o = {}, Where where = Where::current())
      : options{o.stride, o.padding, o.dilation, o.groups} {
    const Shape shape{out, detail::kernel_length(size.h, where, "Conv2d"), detail::kernel_length(size.w, where, "Conv2d"),
                      detail::per_group(in, out, o.groups, in, where, "Conv2d")};
    detail::make_parameters(weight, bias, shape, out, o.bias, where);
    reset_parameters(default_generator());
  }

  Variable<T> operator()(Variable<T> x, Where where = Where::current()) const {
    return conv2d(std::move(x), weight, bias, options, where);
  }

  void reset_parameters(Generator& generator) { detail::draw_parameters(weight, bias, generator); }

  XGRAD_FIELDS(weight, bias)
};

struct Conv1dLayerOptions {
  std::ptrdiff_t stride = 1;
  Padding1d padding = 0;
  std::ptrdiff_t dilation = 1;
  std::ptrdiff_t groups = 1;
  bool bias = true;
};

/// A convolution of sequences (n, l, in) to (n, ol, out); see conv1d. Otherwise as Conv2d.
template <class T = float>
class Conv1d {
 public:
  Variable<T> weight;  ///< (out, k, in / groups)
  Variable<T> bias;    ///< (out), or undefined
  Conv1dOptions options;

  Conv1d(std::size_t in, std::size_t out, std::ptrdiff_t size, Conv1dLayerOptions o = {}, Where where = Where::current())
      : options{o.stride, o.padding, o.dilation, o.groups} {
    const Shape shape{out, detail::kernel_length(size, where, "Conv1d"), detail::per_group(in, out, o.groups, in, where, "Conv1d")};
    detail::make_parameters(weight, bias, shape, out, o.bias, where);
    reset_parameters(default_generator());
  }

  Variable<T> operator()(Variable<T> x, Where where = Where::current()) const {
    return conv1d(std::move(x), weight, bias, options, where);
  }

  void reset_parameters(Generator& generator) { detail::draw_parameters(weight, bias, generator); }

  XGRAD_FIELDS(weight, bias)
};

struct ConvTranspose2dLayerOptions {
  Extent2d stride = 1;
  Padding2d padding = 0;
  Extent2d output_padding = 0;
  Extent2d dilation = 1;
  std::ptrdiff_t groups = 1;
  bool bias = true;
};

/// A transposed convolution of images (n, h, w, in) to (n, oh, ow, out); see conv_transpose2d. Otherwise as Conv2d; the fan-in of
/// the initialiser is kh·kw·out / groups, as PyTorch has it.
template <class T = float>
class ConvTranspose2d {
 public:
  Variable<T> weight;  ///< (in, kh, kw, out / groups)
  Variable<T> bias;    ///< (out), or undefined
  ConvTranspose2dOptions options;

  ConvTranspose2d(std::size_t in, std::size_t out, Extent2d size, ConvTranspose2dLayerOptions o = {},
                  Where where = Where::current())
      : options{o.stride, o.padding, o.output_padding, o.dilation, o.groups} {
    const Shape shape{in, detail::kernel_length(size.h, where, "ConvTranspose2d"),
                      detail::kernel_length(size.w, where, "ConvTranspose2d"),
                      detail::per_group(in, out, o.groups, out, where, "ConvTranspose2d")};
    detail::make_parameters(weight, bias, shape, out, o.bias, where);
    reset_parameters(default_generator());
  }

  Variable<T> operator()(Variable<T> x, Where where = Where::current()) const {
    return conv_transpose2d(std::move(x), weight, bias, options, where);
  }

  void reset_parameters(Generator& generator) { detail::draw_parameters(weight, bias, generator); }

  XGRAD_FIELDS(weight, bias)
};

}  // namespace xgrad::nn

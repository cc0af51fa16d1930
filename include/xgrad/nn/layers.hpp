#pragma once
#include <cstddef>

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

struct Conv2dLayerOptions {
  Extent2d stride = 1;
  Extent2d padding = 0;
  bool bias = true;
};

/// A 2-d convolution of images (n, h, w, in) to (n, oh, ow, out); see conv2d. Weights are drawn by kaiming_uniform from the
/// default generator, biases are 0.
template <class T = float>
class Conv2d {
 public:
  Variable<T> weight;  ///< (out, kh, kw, in)
  Variable<T> bias;    ///< (out), or undefined
  Conv2dOptions options;

  Conv2d(std::size_t in, std::size_t out, Extent2d size, Conv2dLayerOptions o = {}, Where where = Where::current())
      : options{o.stride, o.padding} {
    if (size.h < 1 || size.w < 1)
      throw ValueError(where, "Conv2d",
                       "the kernel is " + std::to_string(size.h) + " by " + std::to_string(size.w) + "; both must be at least 1");
    weight = Variable<T>(zeros<T>(Shape{out, static_cast<std::size_t>(size.h), static_cast<std::size_t>(size.w), in}), true, where);
    if (o.bias) bias = Variable<T>(zeros<T>(Shape{out}), true, where);
    reset_parameters(default_generator());
  }

  Variable<T> operator()(Variable<T> x, Where where = Where::current()) const {
    return conv2d(std::move(x), weight, bias, options, where);
  }

  void reset_parameters(Generator& generator) {
    weight.update([&](Array<T>& w) { kaiming_uniform(w, generator); });
    if (bias.defined()) bias.update([](Array<T>& b) { b.fill(0); });
  }

  XGRAD_FIELDS(weight, bias)
};

}  // namespace xgrad::nn

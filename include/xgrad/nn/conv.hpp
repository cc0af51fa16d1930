#pragma once
/// Layers of convolution.
#include <cstddef>
#include <utility>

#include <xgrad/core/fields.hpp>
#include <xgrad/core/random.hpp>
#include <xgrad/nn/init.hpp>
#include <xgrad/ops/conv.hpp>

namespace xgrad::nn {

struct Conv2dLayerOptions {
  Extent2d stride = 1;
  Padding2d padding = 0;
  Extent2d dilation = 1;
  std::ptrdiff_t groups = 1;
  bool bias = true;
  Init init = nn::init::kaiming_uniform();
};

/// A 2-d convolution of images (n, h, w, in) to (n, oh, ow, out); see conv2d. Weights are drawn by `init` from the default
/// generator, biases are 0. Throws ValueError when the groups do not divide in and out.
template <class T = float>
class Conv2d {
 public:
  Variable<T> weight;  ///< (out, kh, kw, in / groups)
  Variable<T> bias;    ///< (out), or undefined
  Conv2dOptions options;
  Init init;

  XGRAD_API Conv2d(std::size_t in, std::size_t out, Extent2d size, Conv2dLayerOptions o = {}, Where at = Where::current());

  Variable<T> operator()(Variable<T> x, Where at = Where::current()) const {
    return conv2d(std::move(x), weight, bias, options, at);
  }

  XGRAD_API void reset_parameters(Generator& generator);

  XGRAD_FIELDS(weight, bias)
};

struct Conv1dLayerOptions {
  std::ptrdiff_t stride = 1;
  Padding1d padding = 0;
  std::ptrdiff_t dilation = 1;
  std::ptrdiff_t groups = 1;
  bool bias = true;
  Init init = nn::init::kaiming_uniform();
};

/// A convolution of sequences (n, l, in) to (n, ol, out); see conv1d. Otherwise as Conv2d.
template <class T = float>
class Conv1d {
 public:
  Variable<T> weight;  ///< (out, k, in / groups)
  Variable<T> bias;    ///< (out), or undefined
  Conv1dOptions options;
  Init init;

  XGRAD_API Conv1d(std::size_t in, std::size_t out, std::ptrdiff_t size, Conv1dLayerOptions o = {}, Where at = Where::current());

  Variable<T> operator()(Variable<T> x, Where at = Where::current()) const {
    return conv1d(std::move(x), weight, bias, options, at);
  }

  XGRAD_API void reset_parameters(Generator& generator);

  XGRAD_FIELDS(weight, bias)
};

struct ConvTranspose2dLayerOptions {
  Extent2d stride = 1;
  Padding2d padding = 0;
  Extent2d output_padding = 0;
  Extent2d dilation = 1;
  std::ptrdiff_t groups = 1;
  bool bias = true;
  Init init = nn::init::kaiming_uniform();
};

/// A transposed convolution of images (n, h, w, in) to (n, oh, ow, out); see conv_transpose2d. Otherwise as Conv2d; the fan-in of
/// the initialiser is kh·kw·out / groups, as PyTorch has it.
template <class T = float>
class ConvTranspose2d {
 public:
  Variable<T> weight;  ///< (in, kh, kw, out / groups)
  Variable<T> bias;    ///< (out), or undefined
  ConvTranspose2dOptions options;
  Init init;

  XGRAD_API ConvTranspose2d(std::size_t in, std::size_t out, Extent2d size, ConvTranspose2dLayerOptions o = {},
                            Where at = Where::current());

  Variable<T> operator()(Variable<T> x, Where at = Where::current()) const {
    return conv_transpose2d(std::move(x), weight, bias, options, at);
  }

  XGRAD_API void reset_parameters(Generator& generator);

  XGRAD_FIELDS(weight, bias)
};

}  // namespace xgrad::nn

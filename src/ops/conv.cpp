#include <xgrad/ops/conv.hpp>

#include <fmt/format.h>

#include <xgrad/graph/apply.hpp>
#include <xgrad/ops/arithmetic.hpp>

#include "../kernels/conv.hpp"
#include "../kernels/gemm.hpp"
#include "support.hpp"

namespace xgrad {
namespace {

/// floor((length + 2 padding - k) / stride) + 1
std::size_t output_length(std::size_t length, std::size_t k, std::ptrdiff_t stride, std::ptrdiff_t padding, const char* axis) {
  if (stride < 1) throw ValueError(fmt::format("stride {} along the {}; it must be at least 1", stride, axis));
  if (padding < 0) throw ValueError(fmt::format("padding {} along the {}; it must not be negative", padding, axis));
  const std::size_t padded = length + 2 * static_cast<std::size_t>(padding);
  if (k == 0 || padded < k)
    throw ShapeError(fmt::format("the kernel's {} {} must be from 1 to the padded image's {}", axis, k, padded));
  return (padded - k) / static_cast<std::size_t>(stride) + 1;
}

kernels::ConvShape conv_shape(const Shape& x, const Shape& w, Conv2dOptions options) {
  if (x.size() != 4 || w.size() != 4)
    throw ShapeError(fmt::format("x is {}, w is {}: x must be (n, h, w, c) and w (o, kh, kw, c)", to_string(x), to_string(w)));
  if (x[3] != w[3])
    throw ShapeError(
        fmt::format("x is {}, w is {}: x.shape[3] = {} must equal w.shape[3] = {}", to_string(x), to_string(w), x[3], w[3]));
  const auto [stride, padding] = options;
  const auto whole = [](std::ptrdiff_t n) { return static_cast<std::size_t>(n); };
  return {.n = x[0],
          .h = x[1],
          .w = x[2],
          .c = x[3],
          .o = w[0],
          .kh = w[1],
          .kw = w[2],
          .oh = output_length(x[1], w[1], stride.h, padding.h, "height"),
          .ow = output_length(x[2], w[2], stride.w, padding.w, "width"),
          .stride_h = whole(stride.h),
          .stride_w = whole(stride.w),
          .pad_h = whole(padding.h),
          .pad_w = whole(padding.w)};
}

/// conv_shape of a gradient op, whose g must be what conv2d would have returned.
kernels::ConvShape conv_shape(const Shape& x, const Shape& w, const Shape& g, Conv2dOptions options) {
  const kernels::ConvShape s = conv_shape(x, w, options);
  if (const Shape expected{s.n, s.oh, s.ow, s.o}; g != expected)
    throw ShapeError(fmt::format("g is {}, but conv2d of x {} and w {} gives {}", to_string(g), to_string(x), to_string(w),
                                 to_string(expected)));
  return s;
}

/// A 1×1 convolution without stride or padding is a matrix product: its images are the patches.
bool is_pointwise(const kernels::ConvShape& s) {
  return s.columns() == s.c && s.stride_h == 1 && s.stride_w == 1 && s.pad_h == 0 && s.pad_w == 0;
}

/// The patches of images; for pointwise convolutions the images themselves.
template <class T>
class Patches {
 public:
  Patches(const Array<T>& images, const kernels::ConvShape& s) : pointwise_(is_pointwise(s)), images_(images) {
    if (pointwise_) return;
    patches_ = Array<T>(Shape{s.rows(), s.columns()});
    kernels::im2col(images.data(), patches_.data(), s);
  }
  const T* data() const { return pointwise_ ? images_.data() : patches_.data(); }

 private:
  bool pointwise_;
  const Array<T>& images_;
  Array<T> patches_;
};

// Each op of the family keeps the shape that its gradients need and the inputs lack.

template <class T>
struct Conv2d {
  static constexpr std::string_view name = "conv2d";
  static constexpr std::array uses{use::input(1), use::input(0)};  // images, weights
  Conv2dOptions options;

  Result<T> forward(Inputs<T> in) {
    const kernels::ConvShape s = conv_shape(in[0].shape(), in[1].shape(), options);
    Array<T> out(Shape{s.n, s.oh, s.ow, s.o});
    kernels::gemm(false, true, s.rows(), s.o, s.columns(), Patches<T>(in[0], s).data(), in[1].data(), out.data());
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t i) const {
    return i == 0 ? conv2d_input_grad(g, c.input(1), c.input_shape(0), options)
                  : conv2d_weight_grad(c.input(0), g, c.input_shape(1), options);
  }
};

template <class T>
struct Conv2dInputGrad {
  static constexpr std::string_view name = "conv2d_input_grad";
  static constexpr std::array uses{use::input(1), use::input(0)};  // g, weights
  Conv2dOptions options;
  Shape images;

  Result<T> forward(Inputs<T> in) {
    const kernels::ConvShape s = conv_shape(images, in[1].shape(), in[0].shape(), options);
    Array<T> out(images);
    if (is_pointwise(s)) {
      kernels::gemm(false, false, s.rows(), s.columns(), s.o, in[0].data(), in[1].data(), out.data());
      return out;
    }
    Array<T> patches(Shape{s.rows(), s.columns()});
    kernels::gemm(false, false, s.rows(), s.columns(), s.o, in[0].data(), in[1].data(), patches.data());
    kernels::col2im(patches.data(), out.data(), s);
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t i) const {
    return i == 0 ? conv2d(g, c.input(1), options) : conv2d_weight_grad(g, c.input(0), c.input_shape(1), options);
  }
};

template <class T>
struct Conv2dWeightGrad {
  static constexpr std::string_view name = "conv2d_weight_grad";
  static constexpr std::array uses{use::input(1), use::input(0)};  // images, g
  Conv2dOptions options;
  Shape weights;

  Result<T> forward(Inputs<T> in) {
    const kernels::ConvShape s = conv_shape(in[0].shape(), weights, in[1].shape(), options);
    Array<T> out(weights);
    kernels::gemm(true, false, s.o, s.columns(), s.rows(), in[1].data(), Patches<T>(in[0], s).data(), out.data());
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t i) const {
    return i == 0 ? conv2d_input_grad(c.input(1), g, c.input_shape(0), options) : conv2d(c.input(0), g, options);
  }
};

}  // namespace

template <class T>
Variable<T> conv2d(Variable<T> x, std::type_identity_t<Variable<T>> w, Conv2dOptions options, Where where) {
  return apply(Conv2d<T>{options}, {std::move(x), std::move(w)}, where);
}

template <class T>
Variable<T> conv2d(Variable<T> x, std::type_identity_t<Variable<T>> w, std::type_identity_t<Variable<T>> bias,
                   Conv2dOptions options, Where where) {
  if (bias.defined() && w.defined() && w.shape().size() == 4 && bias.shape() != Shape{w.shape()[0]})
    throw ShapeError(where, "conv2d",
                     fmt::format("w is {}, bias is {}; the bias must be ({},), one number per output channel", to_string(w.shape()),
                                 to_string(bias.shape()), w.shape()[0]));
  Variable<T> y = conv2d(std::move(x), std::move(w), options, where);
  return bias.defined() ? add(std::move(y), std::move(bias), where) : y;  // into the same buffer
}

template <class T>
Variable<T> conv2d_input_grad(Variable<T> g, std::type_identity_t<Variable<T>> w, const Shape& shape, Conv2dOptions options,
                              Where where) {
  return apply(Conv2dInputGrad<T>{options, shape}, {std::move(g), std::move(w)}, where);
}

template <class T>
Variable<T> conv2d_weight_grad(Variable<T> x, std::type_identity_t<Variable<T>> g, const Shape& shape, Conv2dOptions options,
                               Where where) {
  return apply(Conv2dWeightGrad<T>{options, shape}, {std::move(x), std::move(g)}, where);
}

#define XGRAD_INSTANTIATE(T)                                                      \
  template Variable<T> conv2d<T>(Variable<T>, Variable<T>, Conv2dOptions, Where); \
  template Variable<T> conv2d<T>(Variable<T>, Variable<T>, Variable<T>, Conv2dOptions, Where);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)
XGRAD_BOTH(conv2d_input_grad);
XGRAD_BOTH(conv2d_weight_grad);

}  // namespace xgrad

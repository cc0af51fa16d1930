#include <xgrad/ops/conv.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <cstdint>

#include <xgrad/graph/apply.hpp>
#include <xgrad/ops/arithmetic.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include "../kernels/conv/convolve.hpp"
#include "../kernels/conv/patches.hpp"
#include "support.hpp"

namespace xgrad {
using namespace detail;

namespace {

using kernels::ConvShape;
using kernels::Pass;

std::size_t whole(std::ptrdiff_t n) { return static_cast<std::size_t>(n); }

/// Of a padded image along an axis. The libraries below count in 32 bits.
constexpr Wide most_places = 0x7fffffff;

void check_steps(std::ptrdiff_t stride, std::ptrdiff_t dilation, std::ptrdiff_t before, std::ptrdiff_t after, const char* axis) {
  if (stride < 1) throw ValueError(fmt::format("stride {} along the {}; it must be at least 1", stride, axis));
  if (dilation < 1) throw ValueError(fmt::format("dilation {} along the {}; it must be at least 1", dilation, axis));
  if (before < 0 || after < 0)
    throw ValueError(fmt::format("padding {} along the {}; it must not be negative", std::min(before, after), axis));
}

/// floor((length + before + after - dilation (k - 1) - 1) / stride) + 1
std::size_t output_length(std::size_t length, std::size_t k, std::ptrdiff_t stride, std::ptrdiff_t dilation, std::ptrdiff_t before,
                          std::ptrdiff_t after, const char* axis) {
  check_steps(stride, dilation, before, after, axis);
  const Wide padded = Wide{length} + before + after, extent = k == 0 ? 0 : Wide{dilation} * (k - 1) + 1;
  if (padded > most_places)
    throw ShapeError(
        fmt::format("the {} is {}, padding {} and {}; together they must be at most 2^31 - 1", axis, length, before, after));
  if (k == 0 || padded < extent)
    throw ShapeError(fmt::format("the kernel's {} is {}{}; it must be from 1 to the padded image's {}", axis,
                                 static_cast<std::size_t>(std::min(extent, Wide{PTRDIFF_MAX})),
                                 dilation > 1 ? fmt::format(" (dilation {})", dilation) : "", static_cast<std::size_t>(padded)));
  return static_cast<std::size_t>((padded - extent) / stride + 1);
}

/// A step where there is more than one place to step to, which cannot lead far then, and else 1.
std::size_t step_of(std::ptrdiff_t step, std::size_t places) { return places > 1 ? whole(step) : 1; }

void check_groups(std::ptrdiff_t groups) {
  if (groups < 1) throw ValueError(fmt::format("groups is {}; it must be at least 1", groups));
}

ConvShape conv_shape(const Shape& x, const Shape& w, const Conv2dOptions& options) {
  const auto& [stride, padding, dilation, signed_groups] = options;
  if (x.size() != 4 || w.size() != 4)
    throw ShapeError(fmt::format("x is {}, w is {}; x must be (n, h, w, c) and w (o, kh, kw, c{})", to_string(x), to_string(w),
                                 signed_groups > 1 ? " / groups" : ""));
  check_groups(signed_groups);
  const std::size_t groups = whole(signed_groups);
  if (groups == 1 && x[3] != w[3])
    throw ShapeError(
        fmt::format("x is {}, w is {}; x.shape[3] = {} must equal w.shape[3] = {}", to_string(x), to_string(w), x[3], w[3]));
  if (Wide{x[3]} != Wide{groups} * w[3])
    throw ShapeError(fmt::format("x is {}, w is {}; x.shape[3] = {} must equal {} groups times w.shape[3] = {}", to_string(x),
                                 to_string(w), x[3], groups, w[3]));
  if (w[0] % groups != 0)
    throw ShapeError(fmt::format("w is {}; w.shape[0] = {} outputs must divide into {} groups", to_string(w), w[0], groups));
  const std::size_t oh = output_length(x[1], w[1], stride.h, dilation.h, padding.top, padding.bottom, "height");
  const std::size_t ow = output_length(x[2], w[2], stride.w, dilation.w, padding.left, padding.right, "width");
  static_cast<void>(size_of(Shape{x[0], oh, ow, w[1], w[2], x[3]}));  // what a matrix of all patches would hold
  return {.n = x[0],
          .h = x[1],
          .w = x[2],
          .c = x[3],
          .o = w[0],
          .kh = w[1],
          .kw = w[2],
          .oh = oh,
          .ow = ow,
          .stride_h = step_of(stride.h, oh),
          .stride_w = step_of(stride.w, ow),
          .top = whole(padding.top),
          .left = whole(padding.left),
          .dilation_h = step_of(dilation.h, w[1]),
          .dilation_w = step_of(dilation.w, w[2]),
          .groups = groups};
}

/// conv_shape of a gradient op, whose g must be what conv2d would have returned.
ConvShape conv_shape(const Shape& x, const Shape& w, const Shape& g, const Conv2dOptions& options) {
  const ConvShape s = conv_shape(x, w, options);
  if (const Shape expected{s.n, s.oh, s.ow, s.o}; g != expected)
    throw ShapeError(fmt::format("g is {}; conv2d of x {} and w {} gives what it must be, {}", to_string(g), to_string(x),
                                 to_string(w), to_string(expected)));
  return s;
}

void check_bias(const Shape& w, const Shape& bias, std::size_t outputs) {
  if (bias != Shape{outputs})
    throw ShapeError(fmt::format("w is {}, bias is {}; the bias must be ({},), one number per output channel", to_string(w),
                                 to_string(bias), outputs));
}

// Each op of the family keeps the shape that its gradients need and the inputs lack.

/// With a third input: a bias per output channel.
template <class T>
struct Conv2d {
  static constexpr std::string_view name = "conv2d";
  static constexpr std::array uses{use::input(1), use::input(0), use::none};  // images, weights, bias
  Conv2dOptions options;

  Result<T> forward(Inputs<T> in) {
    const ConvShape s = conv_shape(in[0].shape(), in[1].shape(), options);
    if (in.size() > 2) check_bias(in[1].shape(), in[2].shape(), s.o);
    Array<T> out = make_array<T>(Shape{s.n, s.oh, s.ow, s.o});
    if (out.size() == 0) return out;
    kernels::convolve<T>(
        Pass::forward,
        {.images = in[0].data(), .weights = in[1].data(), .bias = in.size() > 2 ? in[2].data() : nullptr, .out = out.data()}, s);
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t i) const {
    if (i == 2) return sum(g, {0, 1, 2});
    return i == 0 ? conv2d_input_grad(g, c.input(1), c.input_shape(0), options)
                  : conv2d_weight_grad(c.input(0), g, c.input_shape(1), options);
  }
};

template <class T>
struct Conv2dInputGrad {
  static constexpr std::array uses{use::input(1), use::input(0)};  // g, weights
  Conv2dOptions options;
  Shape images;
  std::string_view label = "conv2d_input_grad";

  std::string_view name() const { return label; }

  Result<T> forward(Inputs<T> in) {
    const ConvShape s = conv_shape(images, in[1].shape(), in[0].shape(), options);
    Array<T> out = make_array<T>(images);
    if (out.size() == 0) return out;
    kernels::convolve<T>(Pass::input_grad, {.weights = in[1].data(), .result = in[0].data(), .out = out.data()}, s);
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
    const ConvShape s = conv_shape(in[0].shape(), weights, in[1].shape(), options);
    Array<T> out = make_array<T>(weights);
    if (out.size() == 0) return out;
    kernels::convolve<T>(Pass::weight_grad, {.images = in[0].data(), .result = in[1].data(), .out = out.data()}, s);
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t i) const {
    return i == 0 ? conv2d_input_grad(c.input(1), g, c.input_shape(0), options) : conv2d(c.input(0), g, options);
  }
};

// im2col and col2im are each other's gradients.

ConvShape window_shape(const Shape& x, Extent2d size, const Im2colOptions& options) {
  if (x.size() != 4) throw ShapeError(fmt::format("the images are {}; they must be (n, h, w, c)", to_string(x)));
  if (size.h < 1 || size.w < 1) throw ValueError(fmt::format("the window is {}×{}; it must be at least 1×1", size.h, size.w));
  return conv_shape(x, Shape{1, whole(size.h), whole(size.w), x[3]}, {options.stride, options.padding, options.dilation});
}

Shape columns_shape(const ConvShape& s) { return {size_of(Shape{s.n, s.oh, s.ow}), size_of(Shape{s.kh, s.kw, s.c})}; }

template <class T>
struct Im2col {
  static constexpr std::string_view name = "im2col";
  static constexpr std::array uses{use::none};
  Extent2d size;
  Im2colOptions options;

  Result<T> forward(Inputs<T> in) {
    const ConvShape s = window_shape(in[0].shape(), size, options);
    Array<T> out = make_array<T>(columns_shape(s));
    if (out.size() == 0) return out;
    kernels::im2col(in[0].data(), out.data(), s);
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    return col2im(g, c.input_shape(0), size, options);
  }
};

template <class T>
struct Col2im {
  static constexpr std::string_view name = "col2im";
  static constexpr std::array uses{use::none};
  Extent2d size;
  Im2colOptions options;
  Shape images;

  Result<T> forward(Inputs<T> in) {
    const ConvShape s = window_shape(images, size, options);
    if (const Shape expected = columns_shape(s); in[0].shape() != expected)
      throw ShapeError(fmt::format("columns is {}; im2col of images {} gives what it must be, {}", to_string(in[0].shape()),
                                   to_string(images), to_string(expected)));
    Array<T> out = zeros<T>(images, Where{});
    if (in[0].size() == 0) return out;
    kernels::col2im(in[0].data(), out.data(), s);
    return out;
  }
  Variable<T> vjp(const Context<T>&, const Variable<T>& g, std::size_t) const { return im2col(g, size, options); }
};

}  // namespace

template <class T>
Variable<T> conv2d(Variable<T> x, std::type_identity_t<Variable<T>> w, Conv2dOptions options, Where at) {
  return apply(Conv2d<T>{options}, {std::move(x), std::move(w)}, at);
}

template <class T>
Variable<T> conv2d(Variable<T> x, std::type_identity_t<Variable<T>> w, std::type_identity_t<Variable<T>> bias,
                   Conv2dOptions options, Where at) {
  if (!bias.defined()) return conv2d(std::move(x), std::move(w), options, at);
  return apply(Conv2d<T>{options}, {std::move(x), std::move(w), std::move(bias)}, at);
}

template <class T>
Variable<T> conv2d_input_grad(Variable<T> g, std::type_identity_t<Variable<T>> w, const Shape& shape, Conv2dOptions options,
                              Where at) {
  return apply(Conv2dInputGrad<T>{options, shape}, {std::move(g), std::move(w)}, at);
}

template <class T>
Variable<T> conv2d_weight_grad(Variable<T> x, std::type_identity_t<Variable<T>> g, const Shape& shape, Conv2dOptions options,
                               Where at) {
  return apply(Conv2dWeightGrad<T>{options, shape}, {std::move(x), std::move(g)}, at);
}

template <class T>
Variable<T> conv1d(Variable<T> x, std::type_identity_t<Variable<T>> w, std::type_identity_t<Variable<T>> bias,
                   Conv1dOptions options, Where at) try {
  const Shape sx = shape_of(x, at), sw = shape_of(w, at);
  const Conv2dOptions flat{
      {1, options.stride}, {0, 0, options.padding.left, options.padding.right}, {1, options.dilation}, options.groups};
  const ConvShape s = placed(at, "conv1d", [&] {
    const std::ptrdiff_t groups = options.groups;
    if (sx.size() != 3 || sw.size() != 3)
      throw ShapeError(fmt::format("x is {}, w is {}; x must be (n, l, c) and w (o, k, c{})", to_string(sx), to_string(sw),
                                   groups > 1 ? " / groups" : ""));
    check_groups(groups);
    if (Wide{sx[2]} != Wide{groups} * sw[2])
      throw ShapeError(fmt::format("x is {}, w is {}; x.shape[2] = {} must equal {}w.shape[2] = {}", to_string(sx), to_string(sw),
                                   sx[2], groups > 1 ? fmt::format("{} groups times ", groups) : "", sw[2]));
    static_cast<void>(
        output_length(sx[1], sw[1], options.stride, options.dilation, options.padding.left, options.padding.right, "length"));
    if (bias.defined()) check_bias(sw, bias.shape(), sw[0]);
    return conv_shape(Shape{sx[0], 1, sx[1], sx[2]}, Shape{sw[0], 1, sw[1], sw[2]}, flat);
  });
  Variable<T> y = conv2d(reshape(std::move(x), Shape{s.n, 1, s.w, s.c}, at),
                         reshape(std::move(w), Shape{s.o, 1, s.kw, s.group_c()}, at), std::move(bias), flat, at);
  return reshape(std::move(y), Shape{s.n, s.ow, s.o}, at);
} catch (Error& error) {
  called(error, at);
}

template <class T>
Variable<T> conv1d(Variable<T> x, std::type_identity_t<Variable<T>> w, Conv1dOptions options, Where at) {
  return conv1d(std::move(x), std::move(w), Variable<T>(), options, at);
}

template <class T>
Variable<T> conv_transpose2d(Variable<T> x, std::type_identity_t<Variable<T>> w, std::type_identity_t<Variable<T>> bias,
                             ConvTranspose2dOptions options, Where at) try {
  const Shape &sx = shape_of(x, at), &sw = shape_of(w, at);
  const Shape images = placed(at, "conv_transpose2d", [&] {
    const auto& [stride, padding, extra, dilation, groups] = options;
    if (sx.size() != 4 || sw.size() != 4)
      throw ShapeError(fmt::format("x is {}, w is {}; x must be (n, h, w, c) and w (c, kh, kw, o{})", to_string(sx), to_string(sw),
                                   groups > 1 ? " / groups" : ""));
    check_groups(groups);
    if (sx[3] != sw[0])
      throw ShapeError(
          fmt::format("x is {}, w is {}; x.shape[3] = {} must equal w.shape[0] = {}", to_string(sx), to_string(sw), sx[3], sw[0]));
    if (sx[3] % whole(groups) != 0)
      throw ShapeError(fmt::format("x is {}; x.shape[3] = {} channels must divide into {} groups", to_string(sx), sx[3], groups));
    if (bias.defined()) check_bias(sw, bias.shape(), length_of(Wide{sw[3]} * groups));
    const auto length = [&](std::size_t in, std::size_t k, std::ptrdiff_t step, std::ptrdiff_t spread, std::ptrdiff_t before,
                            std::ptrdiff_t after, std::ptrdiff_t added, const char* axis) {
      check_steps(step, spread, before, after, axis);
      if (added < 0 || added >= step)
        throw ValueError(
            fmt::format("output_padding {} along the {}; it must be from 0 to {}, less than the stride", added, axis, step - 1));
      if (in == 0 || k == 0)
        throw ShapeError(fmt::format("x is {}, w is {}; the {} of both must be at least 1", to_string(sx), to_string(sw), axis));
      const Wide out = (Wide{in} - 1) * step - before - after + Wide{spread} * (Wide{k} - 1) + added + 1;
      if (out < 1)
        throw ShapeError(fmt::format("x is {}, w is {}, the result's {} would be {}; the padding must be less", to_string(sx),
                                     to_string(sw), axis, static_cast<std::ptrdiff_t>(std::max(out, Wide{PTRDIFF_MIN}))));
      return length_of(out);
    };
    return Shape{sx[0], length(sx[1], sw[1], stride.h, dilation.h, padding.top, padding.bottom, extra.h, "height"),
                 length(sx[2], sw[2], stride.w, dilation.w, padding.left, padding.right, extra.w, "width"),
                 length_of(Wide{sw[3]} * groups)};
  });
  Variable<T> y =
      apply(Conv2dInputGrad<T>{{options.stride, options.padding, options.dilation, options.groups}, images, "conv_transpose2d"},
            {std::move(x), std::move(w)}, at);
  return bias.defined() ? add(std::move(y), std::move(bias), at) : y;
} catch (Error& error) {
  called(error, at);
}

template <class T>
Variable<T> conv_transpose2d(Variable<T> x, std::type_identity_t<Variable<T>> w, ConvTranspose2dOptions options, Where at) {
  return conv_transpose2d(std::move(x), std::move(w), Variable<T>(), options, at);
}

template <class T>
Variable<T> im2col(Variable<T> x, Extent2d size, Im2colOptions options, Where at) {
  return apply(Im2col<T>{size, options}, {std::move(x)}, at);
}

template <class T>
Variable<T> col2im(Variable<T> columns, const Shape& shape, Extent2d size, Im2colOptions options, Where at) {
  return apply(Col2im<T>{size, options, shape}, {std::move(columns)}, at);
}

#define XGRAD_INSTANTIATE(function, Options)                                                            \
  template Variable<float> function(Variable<float>, Variable<float>, Options, Where);                  \
  template Variable<double> function(Variable<double>, Variable<double>, Options, Where);               \
  template Variable<float> function(Variable<float>, Variable<float>, Variable<float>, Options, Where); \
  template Variable<double> function(Variable<double>, Variable<double>, Variable<double>, Options, Where)
XGRAD_INSTANTIATE(conv2d, Conv2dOptions);
XGRAD_INSTANTIATE(conv1d, Conv1dOptions);
XGRAD_INSTANTIATE(conv_transpose2d, ConvTranspose2dOptions);
XGRAD_BOTH(conv2d_input_grad);
XGRAD_BOTH(conv2d_weight_grad);
XGRAD_BOTH(im2col);
XGRAD_BOTH(col2im);

}  // namespace xgrad

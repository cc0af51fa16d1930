#pragma once
#include <cstddef>

#include <xgrad/core/fields.hpp>
#include <xgrad/graph/variable.hpp>

namespace xgrad {

/// Something along height and width; one number means both.
struct Extent2d {
  std::ptrdiff_t h, w;
  constexpr Extent2d(std::ptrdiff_t both) : h(both), w(both) {}  // NOLINT(google-explicit-constructor)
  constexpr Extent2d(std::ptrdiff_t height, std::ptrdiff_t width) : h(height), w(width) {}
  constexpr bool operator==(const Extent2d&) const = default;
  XGRAD_FIELDS(h, w)
};

/// What is added around an image: `2` on every side, `{1, 2}` on top and bottom 1 and left and right 2, or `{top, bottom, left,
/// right}`.
struct Padding2d {
  std::ptrdiff_t top, bottom, left, right;
  constexpr Padding2d(std::ptrdiff_t all) : Padding2d(all, all) {}         // NOLINT(google-explicit-constructor)
  constexpr Padding2d(Extent2d extent) : Padding2d(extent.h, extent.w) {}  // NOLINT(google-explicit-constructor)
  constexpr Padding2d(std::ptrdiff_t h, std::ptrdiff_t w) : Padding2d(h, h, w, w) {}
  constexpr Padding2d(std::ptrdiff_t t, std::ptrdiff_t b, std::ptrdiff_t l, std::ptrdiff_t r)
      : top(t), bottom(b), left(l), right(r) {}
  constexpr bool operator==(const Padding2d&) const = default;
  XGRAD_FIELDS(top, bottom, left, right)
};

/// The same along one axis: a number for both ends, or `{left, right}`.
struct Padding1d {
  std::ptrdiff_t left, right;
  constexpr Padding1d(std::ptrdiff_t both) : left(both), right(both) {}  // NOLINT(google-explicit-constructor)
  constexpr Padding1d(std::ptrdiff_t l, std::ptrdiff_t r) : left(l), right(r) {}
  constexpr bool operator==(const Padding1d&) const = default;
  XGRAD_FIELDS(left, right)
};

struct Conv2dOptions {
  Extent2d stride = 1;        ///< from one output to the next, at least 1
  Padding2d padding = 0;      ///< zeros around the images
  Extent2d dilation = 1;      ///< from one element of the kernel to the next, at least 1
  std::ptrdiff_t groups = 1;  ///< the channels are cut into so many groups that do not see each other; c of them: depthwise
};

/// Cross-correlation of images x (n, h, w, c) with weights w (o, kh, kw, c / groups); no flip. The result is (n, oh, ow, o) with
/// oh = ⌊(h + top + bottom - dilation·(kh - 1) - 1) / stride⌋ + 1. Outputs of group k, o / groups of them, see the inputs of group
/// k alone. Throws ShapeError when ranks or channels do not fit, the groups do not divide the outputs, or the kernel is larger than
/// the padded image; ValueError for a stride, dilation or groups below 1 or a negative padding.
///
/// 3×3 kernels may go by Winograd's way, which adds neighbouring pixels, and neighbouring weights, before it multiplies: results
/// whose window holds a very large pixel or weight lose digits up to the rounding of the large one, also where it meets a 0.
/// XGRAD_CONV=direct in the environment, read once, keeps from that; so does patches. It may also be winograd, onednn or blocked,
/// for all convolutions and their gradients that the way can do; ValueError for another. The gradient for w sums over all places:
/// of equal terms it is right to 1e-5 (float) from 2^19 places on, where long sums are cut, and with fewer than 16 channels to 5e-5
/// before that; with more oneDNN may add so many one by one. So it does for filters of fewer than 2^16 numbers (7e-4 off at
/// most; larger ones give results right to 1e-5, where the places of the result times the numbers of a filter are at most 2^27 or
/// the convolution is depthwise) and for the gradient for x, of which each pixel sums over the kernel's places and the outputs
/// (7e-4 off for 2^16 of them).
///
/// Shapes: (n, h, w, c), (o, kh, kw, c / groups), (o) → (n, oh, ow, o)
/// Gradient: conv2d_input_grad for x, conv2d_weight_grad for w, Σ g over all but the last axis for the bias
template <class T>
XGRAD_API Variable<T> conv2d(Variable<T> x, std::type_identity_t<Variable<T>> w, Conv2dOptions options = {},
                             Where at = Where::current());
/// ... plus a bias (o) per output channel; undefined for none.
template <class T>
XGRAD_API Variable<T> conv2d(Variable<T> x, std::type_identity_t<Variable<T>> w, std::type_identity_t<Variable<T>> bias,
                             Conv2dOptions options = {}, Where at = Where::current());
template <class T, ExpressionOf<T> L>
Variable<T> conv2d(const L& x, Variable<T> w, Conv2dOptions options = {}, Where at = Where::current()) {
  return conv2d(Variable<T>(x), std::move(w), options, at);
}
template <class T, ExpressionOf<T> L>
Variable<T> conv2d(const L& x, Variable<T> w, std::type_identity_t<Variable<T>> bias, Conv2dOptions options = {},
                   Where at = Where::current()) {
  return conv2d(Variable<T>(x), std::move(w), std::move(bias), options, at);
}

/// The gradient of conv2d for its images: g (n, oh, ow, o) and w give (n, h, w, c), the given `shape`. With conv2d and
/// conv2d_weight_grad a family closed under differentiation: each one's gradients are the other two. Errors as conv2d's, and
/// ShapeError when g is not what conv2d of these shapes would give.
///
/// Shapes: (n, oh, ow, o), (o, kh, kw, c / groups) → (n, h, w, c)
/// Gradient: conv2d for g, conv2d_weight_grad for w
template <class T>
XGRAD_API Variable<T> conv2d_input_grad(Variable<T> g, std::type_identity_t<Variable<T>> w, const Shape& shape,
                                        Conv2dOptions options = {}, Where at = Where::current());
/// The gradient of conv2d for its weights: x and g give (o, kh, kw, c / groups), the given `shape`. Errors as
/// conv2d_input_grad's.
///
/// Shapes: (n, h, w, c), (n, oh, ow, o) → (o, kh, kw, c / groups)
/// Gradient: conv2d_input_grad for x, conv2d for g
template <class T>
XGRAD_API Variable<T> conv2d_weight_grad(Variable<T> x, std::type_identity_t<Variable<T>> g, const Shape& shape,
                                         Conv2dOptions options = {}, Where at = Where::current());

struct Conv1dOptions {
  std::ptrdiff_t stride = 1;
  Padding1d padding = 0;
  std::ptrdiff_t dilation = 1;
  std::ptrdiff_t groups = 1;
};

/// conv2d along one axis: x (n, l, c) with weights w (o, k, c / groups) gives (n, ol, o). Errors as conv2d's.
///
/// Shapes: (n, l, c), (o, k, c / groups), (o) → (n, ol, o)
/// Gradient: as conv2d
template <class T>
XGRAD_API Variable<T> conv1d(Variable<T> x, std::type_identity_t<Variable<T>> w, Conv1dOptions options = {},
                             Where at = Where::current());
/// ... plus a bias (o) per output channel; undefined for none.
template <class T>
XGRAD_API Variable<T> conv1d(Variable<T> x, std::type_identity_t<Variable<T>> w, std::type_identity_t<Variable<T>> bias,
                             Conv1dOptions options = {}, Where at = Where::current());
template <class T, ExpressionOf<T> L>
Variable<T> conv1d(const L& x, Variable<T> w, Conv1dOptions options = {}, Where at = Where::current()) {
  return conv1d(Variable<T>(x), std::move(w), options, at);
}
template <class T, ExpressionOf<T> L>
Variable<T> conv1d(const L& x, Variable<T> w, std::type_identity_t<Variable<T>> bias, Conv1dOptions options = {},
                   Where at = Where::current()) {
  return conv1d(Variable<T>(x), std::move(w), std::move(bias), options, at);
}

struct ConvTranspose2dOptions {
  Extent2d stride = 1;
  Padding2d padding = 0;        ///< cut from the result on each side
  Extent2d output_padding = 0;  ///< added to the result at the bottom and on the right; less than the stride
  Extent2d dilation = 1;
  std::ptrdiff_t groups = 1;
};

/// The transpose of conv2d as a linear map (also called deconvolution): x (n, h, w, c) and weights w (c, kh, kw, o / groups) give
/// (n, oh, ow, o) with oh = (h - 1)·stride - top - bottom + dilation·(kh - 1) + output_padding + 1: the shape of images from which
/// conv2d with these options makes (n, h, w, c). Errors as conv2d's.
///
/// Shapes: (n, h, w, c), (c, kh, kw, o / groups), (o) → (n, oh, ow, o)
/// Gradient: conv2d for x, conv2d_weight_grad for w
template <class T>
XGRAD_API Variable<T> conv_transpose2d(Variable<T> x, std::type_identity_t<Variable<T>> w, ConvTranspose2dOptions options = {},
                                       Where at = Where::current());
/// ... plus a bias (o) per output channel; undefined for none.
template <class T>
XGRAD_API Variable<T> conv_transpose2d(Variable<T> x, std::type_identity_t<Variable<T>> w, std::type_identity_t<Variable<T>> bias,
                                       ConvTranspose2dOptions options = {}, Where at = Where::current());
template <class T, ExpressionOf<T> L>
Variable<T> conv_transpose2d(const L& x, Variable<T> w, ConvTranspose2dOptions options = {}, Where at = Where::current()) {
  return conv_transpose2d(Variable<T>(x), std::move(w), options, at);
}
template <class T, ExpressionOf<T> L>
Variable<T> conv_transpose2d(const L& x, Variable<T> w, std::type_identity_t<Variable<T>> bias, ConvTranspose2dOptions options = {},
                             Where at = Where::current()) {
  return conv_transpose2d(Variable<T>(x), std::move(w), std::move(bias), options, at);
}

struct Im2colOptions {
  Extent2d stride = 1;
  Padding2d padding = 0;  ///< zeros around the images
  Extent2d dilation = 1;
};

/// The windows of images x (n, h, w, c) that a convolution with a kernel of this size looks at: (n·oh·ow, kh·kw·c), a row per
/// output position, and in a row the window's pixels in row-major order with their channels. conv2d is
/// matmul(im2col(x), reshape(w, {o, -1}), {.transpose_b = true}). Errors as conv2d's, and ValueError for a size below 1.
///
/// Shapes: (n, h, w, c) → (n·oh·ow, kh·kw·c)
/// Gradient: col2im(g)
template <class T>
XGRAD_API Variable<T> im2col(Variable<T> x, Extent2d size, Im2colOptions options = {}, Where at = Where::current());
/// The transpose of im2col: adds each row of `columns` (n·oh·ow, kh·kw·c) back to where it came from in images of the given `shape`
/// (n, h, w, c). Errors as im2col's, and ShapeError when the columns are not what im2col of such images would give.
///
/// Shapes: (n·oh·ow, kh·kw·c) → (n, h, w, c)
/// Gradient: im2col(g)
template <class T>
XGRAD_API Variable<T> col2im(Variable<T> columns, const Shape& shape, Extent2d size, Im2colOptions options = {},
                             Where at = Where::current());

}  // namespace xgrad

#pragma once
#include <cstddef>

#include <xgrad/graph/variable.hpp>

namespace xgrad {

/// Something along height and width; one number means both.
struct Extent2d {
  std::ptrdiff_t h, w;
  constexpr Extent2d(std::ptrdiff_t both) : h(both), w(both) {}  // NOLINT(google-explicit-constructor)
  constexpr Extent2d(std::ptrdiff_t height, std::ptrdiff_t width) : h(height), w(width) {}
  constexpr bool operator==(const Extent2d&) const = default;
};

struct Conv2dOptions {
  Extent2d stride = 1;   ///< at least 1
  Extent2d padding = 0;  ///< zeros added on each side
};

/// Cross-correlation of images x (n, h, w, c) with weights w (o, kh, kw, c); no flip. The result is (n, oh, ow, o) with
/// oh = ⌊(h + 2·padding - kh) / stride⌋ + 1. Throws ShapeError when ranks or channels do not fit or the kernel is larger than the
/// padded image, ValueError for a stride below 1 or a negative padding.
template <class T>
XGRAD_API Variable<T> conv2d(Variable<T> x, std::type_identity_t<Variable<T>> w, Conv2dOptions options = {},
                             Where where = Where::current());
/// ... plus a bias (o) per output channel; undefined for none.
template <class T>
XGRAD_API Variable<T> conv2d(Variable<T> x, std::type_identity_t<Variable<T>> w, std::type_identity_t<Variable<T>> bias,
                             Conv2dOptions options = {}, Where where = Where::current());

/// The gradient of conv2d for its images: g (n, oh, ow, o) and w give (n, h, w, c), the given `shape`. With conv2d and
/// conv2d_weight_grad a family closed under differentiation: each one's gradients are the other two.
template <class T>
XGRAD_API Variable<T> conv2d_input_grad(Variable<T> g, std::type_identity_t<Variable<T>> w, const Shape& shape,
                                        Conv2dOptions options = {}, Where where = Where::current());
/// The gradient of conv2d for its weights: x and g give (o, kh, kw, c), the given `shape`.
template <class T>
XGRAD_API Variable<T> conv2d_weight_grad(Variable<T> x, std::type_identity_t<Variable<T>> g, const Shape& shape,
                                         Conv2dOptions options = {}, Where where = Where::current());

}  // namespace xgrad

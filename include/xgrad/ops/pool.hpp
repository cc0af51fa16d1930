#pragma once
#include <optional>

#include <xgrad/ops/conv.hpp>

namespace xgrad {

/// An extent that may be left out: `2`, `{1, 2}`, or `{}` for none.
struct OptionalExtent2d : std::optional<Extent2d> {
  using std::optional<Extent2d>::optional;
  constexpr OptionalExtent2d(std::ptrdiff_t h, std::ptrdiff_t w) : std::optional<Extent2d>(Extent2d(h, w)) {}
};

struct Pool2dOptions {
  OptionalExtent2d stride = {};  ///< the window's size when not given
  Padding2d padding = 0;         ///< around the images, of values that are never chosen; less than the window
  bool ceil_mode = false;        ///< a last window that begins inside image or top and left padding counts, even cut short
};

/// The largest value of each window of x (n, h, w, c): (n, oh, ow, c) with oh = ⌊(h + top + bottom - size) / stride⌋ + 1, or ⌈ ⌉
/// with ceil_mode. The gradient goes to the first of equal values in row-major order; NaN counts as largest. Throws ShapeError when
/// a window does not fit, ValueError for a stride below 1 or a padding that is negative or not less than the window.
///
/// Shapes: (n, h, w, c) → (n, oh, ow, c)
/// Gradient: g to the place that was chosen
template <class T>
XGRAD_API Variable<T> max_pool2d(Variable<T> x, Extent2d size, Pool2dOptions options = {}, Where at = Where::current());
/// The smallest value of each window; otherwise as max_pool2d, errors too.
///
/// Shapes: (n, h, w, c) → (n, oh, ow, c)
/// Gradient: g to the place that was chosen
template <class T>
XGRAD_API Variable<T> min_pool2d(Variable<T> x, Extent2d size, Pool2dOptions options = {}, Where at = Where::current());

struct AvgPool2dOptions {
  OptionalExtent2d stride = {};   ///< the window's size when not given
  Padding2d padding = 0;          ///< zeros around the images; less than the window
  bool ceil_mode = false;         ///< as Pool2dOptions's
  bool count_include_pad = true;  ///< whether padding counts in the divisor; what ceil_mode adds beyond it never does
};

/// The mean of each window; shapes and errors as max_pool2d's.
///
/// Shapes: (n, h, w, c) → (n, oh, ow, c)
/// Gradient: g / divisor to every place of the window
template <class T>
XGRAD_API Variable<T> avg_pool2d(Variable<T> x, Extent2d size, AvgPool2dOptions options = {}, Where at = Where::current());

/// The mean of each whole image, channel by channel: (n, h, w, c) to (n, c). Throws ShapeError for another number of axes and for
/// images without pixels.
///
/// Shapes: (n, h, w, c) → (n, c)
/// Gradient: g / (h w) everywhere
template <class T>
XGRAD_API Variable<T> global_avg_pool2d(Variable<T> x, Where at = Where::current());

/// As many windows as the result shall have pixels: (n, h, w, c) to (n, size.h, size.w, c). Window i covers the rows from
/// ⌊i h / size.h⌋ to ⌈(i + 1) h / size.h⌉, and columns likewise; they overlap where lengths do not divide. Throws ShapeError for
/// images without pixels, ValueError for a size below 1.
///
/// Shapes: (n, h, w, c) → (n, size.h, size.w, c)
/// Gradient: g / divisor to every place of the window
template <class T>
XGRAD_API Variable<T> adaptive_avg_pool2d(Variable<T> x, Extent2d size, Where at = Where::current());
/// ... with the largest value of each window; ties and NaN as max_pool2d. Errors as adaptive_avg_pool2d.
///
/// Shapes: (n, h, w, c) → (n, size.h, size.w, c)
/// Gradient: g to the place that was chosen
template <class T>
XGRAD_API Variable<T> adaptive_max_pool2d(Variable<T> x, Extent2d size, Where at = Where::current());

struct DistanceTransformPool2dOptions {
  Extent2d stride = 1;
  OptionalExtent2d reach = {};  ///< the largest |dy| and |dx|; the whole image when not given
};

/// Generalised max pooling with a cost of deformation (Girshick et al. 2014, "Deformable part models are convolutional neural
/// networks"). For scores x (n, h, w, c) and weights (c, 4), the a, b, c, d of each channel,
///   y(i, j) = max over (dx, dy) of x(i·stride + dy, j·stride + dx) - (a·dx² + b·dx + c·dy² + d·dy),
/// over displacements that stay inside the image: (n, ⌈h / stride⌉, ⌈w / stride⌉, c). The gradients go to the place chosen and to
/// the weights of its displacement; ties go to the first place in row-major order, NaN counts as largest. It takes
/// n·h·w·c·(h + w) steps, whatever the signs of the weights. Throws ShapeError when shapes do not fit or images have no pixels,
/// ValueError for a stride below 1 or a negative reach.
///
/// Shapes: (n, h, w, c), (c, 4) → (n, oh, ow, c)
/// Gradient: g to the place that was chosen for x, Σ -g (dx², dx, dy², dy) for the weights
template <class T>
XGRAD_API Variable<T> distance_transform_pool2d(Variable<T> x, std::type_identity_t<Variable<T>> weights,
                                                DistanceTransformPool2dOptions options = {}, Where at = Where::current());
template <class T, ExpressionOf<T> L>
Variable<T> distance_transform_pool2d(const L& x, Variable<T> weights, DistanceTransformPool2dOptions options = {},
                                      Where at = Where::current()) {
  return distance_transform_pool2d(Variable<T>(x), std::move(weights), options, at);
}

}  // namespace xgrad

#pragma once
#include <optional>

#include <xgrad/ops/conv.hpp>

namespace xgrad {

struct Pool2dOptions {
  std::optional<Extent2d> stride = {};  ///< the window's size when not given
};

/// The largest value of each window of x (n, h, w, c): (n, oh, ow, c) with oh = ⌊(h - size) / stride⌋ + 1. The gradient goes to
/// the first of equal values in row-major order; NaN counts as largest. Throws ShapeError when a window does not fit.
template <class T>
XGRAD_API Variable<T> max_pool2d(Variable<T> x, Extent2d size, Pool2dOptions options = {}, Where where = Where::current());

}  // namespace xgrad

#pragma once
#include <xgrad/ops/conv.hpp>

namespace xgrad {

enum class Interpolation { nearest, bilinear };

struct InterpolateOptions {
  Interpolation mode = Interpolation::nearest;
  bool align_corners = false;  ///< bilinear only: the centres of the corner pixels stay where they are, not their outer corners
};

/// Images x (n, h, w, c) at another size: (n, size.h, size.w, c). Result i is taken, along either axis, at ⌊i h / size.h⌋
/// (nearest), at (i + ½) h / size.h - ½ but not below 0 (bilinear), or at i (h - 1) / (size.h - 1) (bilinear with align_corners);
/// between the pixels linearly. These are PyTorch's rules. Throws ShapeError for images without pixels, ValueError for a size below
/// 1 or align_corners with nearest.
///
/// Shapes: (n, h, w, c) → (n, size.h, size.w, c)
/// Gradient: g added up where each pixel came from, with the same weights
template <class T>
XGRAD_API Variable<T> interpolate(Variable<T> x, Extent2d size, InterpolateOptions options = {}, Where at = Where::current());

}  // namespace xgrad

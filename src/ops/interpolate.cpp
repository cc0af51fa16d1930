#include <xgrad/ops/interpolate.hpp>

#include <fmt/format.h>
#include <algorithm>

#include <xgrad/graph/apply.hpp>

#include "../kernels/array/interpolate.hpp"
#include "support.hpp"

namespace xgrad {
using namespace detail;

namespace {

using kernels::Blend;
using kernels::ResampleShape;

/// Where each of `out` results takes its value along an axis of n pixels.
std::vector<Blend> blends(std::size_t n, std::ptrdiff_t size, const InterpolateOptions& options, const char* axis) {
  if (size < 1) throw ValueError(fmt::format("size {} along the {}; it must be at least 1", size, axis));
  const auto out = static_cast<std::size_t>(size);
  std::vector<Blend> result;
  for (std::size_t i = 0; i < out; ++i) {
    if (options.mode == Interpolation::nearest) {
      result.push_back({i * n / out, 0});
      continue;
    }
    const double wide = static_cast<double>(n), dense = static_cast<double>(out), k = static_cast<double>(i);
    double place = 0;
    if (!options.align_corners)
      place = std::max(0.0, (k + 0.5) * wide / dense - 0.5);
    else if (out > 1)
      place = k * (wide - 1) / (dense - 1);
    const std::size_t below = std::min(static_cast<std::size_t>(place), n - 1);
    result.push_back({below, below + 1 < n ? place - static_cast<double>(below) : 0});
  }
  return result;
}

ResampleShape resample_shape(const Shape& x, Extent2d size, const InterpolateOptions& options) {
  if (x.size() != 4) throw ShapeError(fmt::format("x is {}; it must be (n, h, w, c)", to_string(x)));
  if (x[1] == 0 || x[2] == 0) throw ShapeError(fmt::format("x is {}; its images must have pixels", to_string(x)));
  if (options.align_corners && options.mode == Interpolation::nearest)
    throw ValueError("align_corners is set and the mode is nearest; it must be bilinear then");
  // before a table is built; blends refuses what is not positive
  const auto h = static_cast<std::size_t>(std::max<std::ptrdiff_t>(size.h, 0)),
             w = static_cast<std::size_t>(std::max<std::ptrdiff_t>(size.w, 0));
  check_size(Shape{x[0], h, w, x[3]}, sizeof(float));
  for (const std::size_t n : {h, w}) check_size(Shape{n}, sizeof(Blend));
  return {x[0], x[1], x[2], x[3], blends(x[1], size.h, options, "height"), blends(x[2], size.w, options, "width")};
}

// A linear map and its transpose, each other's gradients.

template <class T>
Variable<T> resample_back(Variable<T> g, const ResampleShape& shape, const InterpolateOptions& options, Where at);

template <class T>
struct Resample {
  static constexpr std::string_view name = "interpolate";
  static constexpr std::array uses{use::none};
  ResampleShape shape;
  InterpolateOptions options;

  Result<T> forward(Inputs<T> in) {
    Array<T> out = make_array<T>(Shape{shape.n, shape.rows.size(), shape.columns.size(), shape.c});
    if (out.size() > 0) kernels::resample(in[0].data(), out.data(), shape);
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    return resample_back(g, shape, options, c.where());
  }
};

template <class T>
struct ResampleBack {
  static constexpr std::string_view name = "interpolate_grad";
  static constexpr std::array uses{use::none};
  ResampleShape shape;
  InterpolateOptions options;

  Result<T> forward(Inputs<T> in) {
    Array<T> out = make_array<T>(Shape{shape.n, shape.h, shape.w, shape.c});
    if (out.size() > 0) kernels::resample_back(in[0].data(), out.data(), shape);
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    return apply(Resample<T>{shape, options}, {g}, c.where());
  }
};

template <class T>
Variable<T> resample_back(Variable<T> g, const ResampleShape& shape, const InterpolateOptions& options, Where at) {
  return apply(ResampleBack<T>{shape, options}, {std::move(g)}, at);
}

}  // namespace

template <class T>
Variable<T> interpolate(Variable<T> x, Extent2d size, InterpolateOptions options, Where at) {
  ResampleShape shape = placed(at, "interpolate", [&] { return resample_shape(shape_of(x, at), size, options); });
  return apply(Resample<T>{std::move(shape), options}, {std::move(x)}, at);
}

XGRAD_BOTH(interpolate);

}  // namespace xgrad

#pragma once
/// Pooling as layers, for containers: `nn::MaxPool2d{3, {.stride = 2}}`. Images are (n, h, w, c).
#include <utility>

#include <xgrad/core/fields.hpp>
#include <xgrad/ops/pool.hpp>

namespace xgrad::nn {

/// The largest value of each window: (n, h, w, c) to (n, oh, ow, c); see max_pool2d, which also says what throws.
struct MaxPool2d {
  Extent2d size;
  Pool2dOptions options = {};
  template <class X>
  VariableOf<X> operator()(X x, Where at = Where::current()) const {
    return max_pool2d(VariableOf<X>(std::move(x)), size, options, at);
  }
  XGRAD_CONSTANTS(size, options)
};
/// The mean of each window; see avg_pool2d.
struct AvgPool2d {
  Extent2d size;
  AvgPool2dOptions options = {};
  template <class X>
  VariableOf<X> operator()(X x, Where at = Where::current()) const {
    return avg_pool2d(VariableOf<X>(std::move(x)), size, options, at);
  }
  XGRAD_CONSTANTS(size, options)
};
/// The mean of each channel of an image: (n, h, w, c) to (n, c); see global_avg_pool2d.
struct GlobalAvgPool {
  template <class X>
  VariableOf<X> operator()(X x, Where at = Where::current()) const {
    return global_avg_pool2d(VariableOf<X>(std::move(x)), at);
  }
};
/// As many windows as the result shall have pixels, their means: (n, h, w, c) to (n, size.h, size.w, c); see adaptive_avg_pool2d.
struct AdaptiveAvgPool2d {
  Extent2d size;
  template <class X>
  VariableOf<X> operator()(X x, Where at = Where::current()) const {
    return adaptive_avg_pool2d(VariableOf<X>(std::move(x)), size, at);
  }
  XGRAD_CONSTANTS(size)
};
/// ... their largest values; see adaptive_max_pool2d.
struct AdaptiveMaxPool2d {
  Extent2d size;
  template <class X>
  VariableOf<X> operator()(X x, Where at = Where::current()) const {
    return adaptive_max_pool2d(VariableOf<X>(std::move(x)), size, at);
  }
  XGRAD_CONSTANTS(size)
};

}  // namespace xgrad::nn

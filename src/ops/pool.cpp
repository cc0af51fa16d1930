#include <xgrad/ops/pool.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <cstdint>
#include <limits>

#include <xgrad/graph/apply.hpp>
#include <xgrad/ops/arithmetic.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include "../kernels/array/pool.hpp"
#include "support.hpp"

namespace xgrad {
using namespace detail;

namespace {

using Index = Ref<Storage<std::int32_t>>;
using kernels::PoolShape;
using kernels::Window;
using Windows = std::vector<Window>;

std::size_t whole(std::ptrdiff_t n) { return static_cast<std::size_t>(n); }

void check_images(const Shape& x) {
  if (x.size() != 4) throw ShapeError(fmt::format("x is {}; it must be (n, h, w, c)", to_string(x)));
  if (size_of(x, 1, 4) > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()))
    throw ShapeError(fmt::format("x is {}; an image must have at most 2^31 - 1 elements", to_string(x)));
}
void check_pixels(const Shape& x) {
  check_images(x);
  if (x[1] == 0 || x[2] == 0) throw ShapeError(fmt::format("x is {}; its images must have pixels", to_string(x)));
}

/// max_pool2d and its like along one axis of n pixels.
struct Sliding {
  std::ptrdiff_t n, size, stride, before, after;
  bool ceil_mode;

  /// How many windows there are. Throws where they make no sense.
  std::size_t count(const Shape& x, const char* axis) const {
    if (stride < 1) throw ValueError(fmt::format("stride {} along the {}; it must be at least 1", stride, axis));
    if (before < 0 || after < 0)
      throw ValueError(fmt::format("padding {} along the {}; it must not be negative", std::min(before, after), axis));
    const Wide padded = Wide{n} + before + after;
    if (size < 1 || size > padded || n == 0)
      throw ShapeError(fmt::format("x is {}, the window's {} is {}; it must be from 1 to {}", to_string(x), axis, size,
                                   n == 0 ? 0 : static_cast<std::ptrdiff_t>(std::min(padded, Wide{PTRDIFF_MAX}))));
    if (std::max(before, after) >= size)
      throw ValueError(
          fmt::format("padding {} along the {}; it must be less than the window's {}", std::max(before, after), axis, size));
    Wide result = (padded - size + (ceil_mode ? stride - 1 : 0)) / stride + 1;
    if (ceil_mode && (result - 1) * stride >= Wide{n} + before) --result;
    return length_of(result);
  }
  Windows windows(std::size_t count, bool count_padding) const {
    Windows result;
    result.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      const Wide first = Wide{i} * stride - before, last = std::min(first + size, Wide{n} + after);
      const Wide begin = std::max(first, Wide{0}), end = std::min(last, Wide{n});
      const auto place = [](Wide k) { return static_cast<std::size_t>(k); };
      result.push_back({place(begin), place(end), place(count_padding ? last - first : end - begin)});
    }
    return result;
  }
};

/// Before a table of windows is built.
void check_result(const Shape& x, std::size_t h, std::size_t w) {
  check_size(Shape{x[0], h, w, x[3]}, sizeof(float));
  for (const std::size_t n : {h, w}) check_size(Shape{n}, sizeof(Window));
}

/// How windows follow each other, but those of adaptive pools.
struct Steps {
  Extent2d stride;
  Padding2d padding;
  bool ceil_mode, count_include_pad = true;
};

PoolShape pool_shape(const Shape& x, Extent2d size, const Steps& steps) {
  const auto& [stride, padding, ceil_mode, count_padding] = steps;
  check_images(x);
  const Sliding down{static_cast<std::ptrdiff_t>(x[1]), size.h, stride.h, padding.top, padding.bottom, ceil_mode};
  const Sliding across{static_cast<std::ptrdiff_t>(x[2]), size.w, stride.w, padding.left, padding.right, ceil_mode};
  const std::size_t h = down.count(x, "height"), w = across.count(x, "width");
  check_result(x, h, w);
  return {x[0], x[1], x[2], x[3], down.windows(h, count_padding), across.windows(w, count_padding)};
}

PoolShape adaptive_shape(const Shape& x, Extent2d size) {
  check_pixels(x);
  const auto check = [](std::ptrdiff_t parts, const char* axis) {
    if (parts < 1) throw ValueError(fmt::format("size {} along the {}; it must be at least 1", parts, axis));
  };
  check(size.h, "height"), check(size.w, "width");
  check_result(x, whole(size.h), whole(size.w));
  const auto windows = [](std::size_t n, std::ptrdiff_t parts) {
    const std::size_t count = whole(parts);
    Windows result;
    for (std::size_t i = 0; i < count; ++i) {  // i n is less than the square of a number of windows that memory holds
      const std::size_t begin = i * n / count, end = ((i + 1) * n + count - 1) / count;
      result.push_back({begin, end, end - begin});
    }
    return result;
  };
  return {x[0], x[1], x[2], x[3], windows(x[1], size.h), windows(x[2], size.w)};
}

Shape result_shape(const PoolShape& s) { return Shape{s.n, s.rows.size(), s.columns.size(), s.c}; }

// The pair that the gradients of pooling with a choice are made of; each is the other's gradient. `index` has the shape of the
// pooled side.

template <class T>
Variable<T> window_scatter(Variable<T> g, Index index, const Shape& shape, Where at);
template <class T>
Variable<T> window_gather(Variable<T> x, Index index, Where at);

template <class T>
struct WindowScatter {
  static constexpr std::string_view name = "window_scatter";
  static constexpr std::array uses{use::none};
  Index index;
  Shape shape;

  Result<T> forward(Inputs<T> in) {
    Array<T> out = make_array<T>(shape);
    const std::size_t n = std::max<std::size_t>(shape[0], 1);
    if (out.size() > 0) kernels::scatter(in[0].data(), index->array.data(), out.data(), shape[0], in[0].size() / n, out.size() / n);
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const { return window_gather(g, index, c.where()); }
};

template <class T>
struct WindowGather {
  static constexpr std::string_view name = "window_gather";
  static constexpr std::array uses{use::none};
  Index index;

  Result<T> forward(Inputs<T> in) {
    Array<T> out = make_array<T>(index->array.shape());
    const std::size_t n = std::max<std::size_t>(out.shape()[0], 1);
    if (out.size() > 0)
      kernels::gather(in[0].data(), index->array.data(), out.data(), out.shape()[0], out.size() / n, in[0].size() / n);
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    return window_scatter(g, index, c.input_shape(0), c.where());
  }
};

template <class T>
Variable<T> window_scatter(Variable<T> g, Index index, const Shape& shape, Where at) {
  return apply(WindowScatter<T>{std::move(index), shape}, {std::move(g)}, at);
}
template <class T>
Variable<T> window_gather(Variable<T> x, Index index, Where at) {
  return apply(WindowGather<T>{std::move(index)}, {std::move(x)}, at);
}

/// Pooling that chooses an element of each window.
template <class T>
struct ExtremePool {
  static constexpr std::array uses{use::none};
  std::string_view label;
  bool largest;
  Extent2d size;
  std::optional<Steps> options;
  PoolShape shape;
  Index index = {};

  std::string_view name() const { return label; }

  Result<T> forward(Inputs<T> in) {
    Array<T> out = make_array<T>(result_shape(shape));
    index = Storage<std::int32_t>::create(make_array<std::int32_t>(out.shape()));
    if (out.size() > 0) kernels::extreme_pool(largest, in[0].data(), out.data(), index->array.data(), shape);
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    return window_scatter(g, index, c.input_shape(0), c.where());
  }
};

// Averages and their transpose are each other's gradients.

template <class T>
struct AvgPool;
template <class T>
Variable<T> spread(Variable<T> g, const AvgPool<T>& pool, Where at);

template <class T>
struct AvgPool {
  static constexpr std::array uses{use::none};
  std::string_view label;
  Extent2d size;
  std::optional<Steps> options;
  PoolShape shape;

  std::string_view name() const { return label; }

  Result<T> forward(Inputs<T> in) {
    Array<T> out = make_array<T>(result_shape(shape));
    if (out.size() > 0) kernels::avg_pool(in[0].data(), out.data(), shape);
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const { return spread(g, *this, c.where()); }
};

template <class T>
struct AvgSpread {
  static constexpr std::string_view name = "avg_spread";
  static constexpr std::array uses{use::none};
  std::string_view label;  // of the pooling
  Extent2d size;
  std::optional<Steps> options;
  PoolShape shape;

  Result<T> forward(Inputs<T> in) {
    Array<T> out = make_array<T>(Shape{shape.n, shape.h, shape.w, shape.c});
    if (out.size() > 0) kernels::avg_spread(in[0].data(), out.data(), shape);
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    return apply(AvgPool<T>{label, size, options, shape}, {g}, c.where());
  }
};

template <class T>
Variable<T> spread(Variable<T> g, const AvgPool<T>& pool, Where at) {
  return apply(AvgSpread<T>{pool.label, pool.size, pool.options, pool.shape}, {std::move(g)}, at);
}

template <class T>
struct DistanceTransformPool2d {
  static constexpr std::string_view name = "distance_transform_pool2d";
  static constexpr std::array uses{use::none, use::none};
  DistanceTransformPool2dOptions options;
  kernels::DeformShape shape = {};
  Index index = {};

  Result<T> forward(Inputs<T> in) {
    const Shape &x = in[0].shape(), &weights = in[1].shape();
    check_pixels(x);
    if (weights != Shape{x[3], 4})
      throw ShapeError(fmt::format("x is {}, weights are {}; the weights must be ({}, 4), a, b, c, d of each channel", to_string(x),
                                   to_string(weights), x[3]));
    const auto [stride, reach] = options;
    shape = {{x[0], x[1], x[2], x[3], windows(x[1], stride.h, reach ? std::optional(reach->h) : std::nullopt, "height"),
              windows(x[2], stride.w, reach ? std::optional(reach->w) : std::nullopt, "width")},
             whole(stride.h),
             whole(stride.w)};
    Array<T> out = make_array<T>(result_shape(shape.windows));
    index = Storage<std::int32_t>::create(make_array<std::int32_t>(out.shape()));
    kernels::deform_pool(in[0].data(), in[1].data(), out.data(), index->array.data(), shape);
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t i) const {
    if (i == 0) return window_scatter(g, index, c.input_shape(0), c.where());
    const PoolShape& s = shape.windows;
    Array<T> features = make_array<T>(Shape{s.n, s.rows.size(), s.columns.size(), s.c, 4});
    kernels::deform_features(index->array.data(), features.data(), shape);
    return -sum(reshape(g, Shape{s.n, s.rows.size(), s.columns.size(), s.c, 1}) * features, {0, 1, 2});
  }

 private:
  static Windows windows(std::size_t n, std::ptrdiff_t stride, std::optional<std::ptrdiff_t> reach, const char* axis) {
    if (stride < 1) throw ValueError(fmt::format("stride {} along the {}; it must be at least 1", stride, axis));
    if (reach && *reach < 0) throw ValueError(fmt::format("reach {} along the {}; it must not be negative", *reach, axis));
    Windows result;
    for (std::size_t place = 0; place < n; place += std::min(whole(stride), n)) {
      const std::size_t r = std::min(n, reach ? whole(*reach) : n);
      const std::size_t begin = place - std::min(place, r), end = std::min(n, place + r + 1);
      result.push_back({begin, end, end - begin});
    }
    return result;
  }
};

template <class T>
Variable<T> extreme_pool(std::string_view name, bool largest, Variable<T> x, Extent2d size, const Pool2dOptions& options,
                         Where at) {
  const Steps steps{options.stride.value_or(size), options.padding, options.ceil_mode};
  PoolShape shape = placed(at, name, [&] { return pool_shape(shape_of(x, at), size, steps); });
  return apply(ExtremePool<T>{name, largest, size, steps, std::move(shape)}, {std::move(x)}, at);
}

}  // namespace

template <class T>
Variable<T> max_pool2d(Variable<T> x, Extent2d size, Pool2dOptions options, Where at) {
  return extreme_pool("max_pool2d", true, std::move(x), size, options, at);
}

template <class T>
Variable<T> min_pool2d(Variable<T> x, Extent2d size, Pool2dOptions options, Where at) {
  return extreme_pool("min_pool2d", false, std::move(x), size, options, at);
}

template <class T>
Variable<T> avg_pool2d(Variable<T> x, Extent2d size, AvgPool2dOptions options, Where at) {
  const Steps steps{options.stride.value_or(size), options.padding, options.ceil_mode, options.count_include_pad};
  PoolShape shape = placed(at, "avg_pool2d", [&] { return pool_shape(shape_of(x, at), size, steps); });
  return apply(AvgPool<T>{"avg_pool2d", size, steps, std::move(shape)}, {std::move(x)}, at);
}

template <class T>
Variable<T> global_avg_pool2d(Variable<T> x, Where at) try {
  placed(at, "global_avg_pool2d", [&] { check_pixels(shape_of(x, at)); });
  return mean(std::move(x), {1, 2}, {}, at);
} catch (Error& error) {
  called(error, at);
}

template <class T>
Variable<T> adaptive_avg_pool2d(Variable<T> x, Extent2d size, Where at) {
  PoolShape shape = placed(at, "adaptive_avg_pool2d", [&] { return adaptive_shape(shape_of(x, at), size); });
  return apply(AvgPool<T>{"adaptive_avg_pool2d", size, {}, std::move(shape)}, {std::move(x)}, at);
}

template <class T>
Variable<T> adaptive_max_pool2d(Variable<T> x, Extent2d size, Where at) {
  PoolShape shape = placed(at, "adaptive_max_pool2d", [&] { return adaptive_shape(shape_of(x, at), size); });
  return apply(ExtremePool<T>{"adaptive_max_pool2d", true, size, {}, std::move(shape)}, {std::move(x)}, at);
}

template <class T>
Variable<T> distance_transform_pool2d(Variable<T> x, std::type_identity_t<Variable<T>> weights,
                                      DistanceTransformPool2dOptions options, Where at) {
  return apply(DistanceTransformPool2d<T>{options}, {std::move(x), std::move(weights)}, at);
}

XGRAD_BOTH(max_pool2d);
XGRAD_BOTH(min_pool2d);
XGRAD_BOTH(avg_pool2d);
XGRAD_BOTH(global_avg_pool2d);
XGRAD_BOTH(adaptive_avg_pool2d);
XGRAD_BOTH(adaptive_max_pool2d);
XGRAD_BOTH(distance_transform_pool2d);

}  // namespace xgrad

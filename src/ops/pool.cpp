#include <xgrad/ops/pool.hpp>

#include <fmt/format.h>
#include <limits>

#include <xgrad/graph/apply.hpp>

#include "../kernels/pool.hpp"
#include "support.hpp"

namespace xgrad {
namespace {

using Index = Ref<Storage<std::int32_t>>;

template <class T>
Variable<T> window_scatter(Variable<T> g, Index index, const Shape& shape, Where where);
template <class T>
Variable<T> window_gather(Variable<T> x, Index index, Where where);

/// The pair that pooling's gradients are made of; each is the other's gradient. `index` has the shape of the pooled side.

template <class T>
struct WindowScatter {
  static constexpr std::string_view name = "window_scatter";
  static constexpr std::array uses{use::none};
  Index index;
  Shape shape;

  Result<T> forward(Inputs<T> in) {
    Array<T> out(shape);
    const std::size_t n = std::max<std::size_t>(shape[0], 1);
    kernels::scatter(in[0].data(), index->array.data(), out.data(), shape[0], in[0].size() / n, out.size() / n);
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
    Array<T> out(index->array.shape());
    const std::size_t n = std::max<std::size_t>(out.shape()[0], 1);
    kernels::gather(in[0].data(), index->array.data(), out.data(), out.shape()[0], out.size() / n, in[0].size() / n);
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    return window_scatter(g, index, c.input_shape(0), c.where());
  }
};

template <class T>
Variable<T> window_scatter(Variable<T> g, Index index, const Shape& shape, Where where) {
  return apply(WindowScatter<T>{std::move(index), shape}, {std::move(g)}, where);
}
template <class T>
Variable<T> window_gather(Variable<T> x, Index index, Where where) {
  return apply(WindowGather<T>{std::move(index)}, {std::move(x)}, where);
}

template <class T>
struct MaxPool2d {
  static constexpr std::string_view name = "max_pool2d";
  static constexpr std::array uses{use::none};
  Extent2d size, stride;
  Index index = {};

  Result<T> forward(Inputs<T> in) {
    const Shape& x = in[0].shape();
    if (x.size() != 4) throw ShapeError(fmt::format("x is {}; it must be (n, h, w, c)", to_string(x)));
    if (x[1] * x[2] * x[3] > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()))
      throw ShapeError(fmt::format("x is {}: an image may have at most 2^31 - 1 elements", to_string(x)));
    const auto length = [&](std::size_t n, std::ptrdiff_t k, std::ptrdiff_t step, const char* axis) {
      if (k < 1 || static_cast<std::size_t>(k) > n)
        throw ShapeError(fmt::format("x is {}: the window's {} {} must be from 1 to {}", to_string(x), axis, k, n));
      if (step < 1) throw ValueError(fmt::format("stride {} along the {}; it must be at least 1", step, axis));
      return (n - static_cast<std::size_t>(k)) / static_cast<std::size_t>(step) + 1;
    };
    const std::size_t oh = length(x[1], size.h, stride.h, "height"), ow = length(x[2], size.w, stride.w, "width");
    const auto whole = [](std::ptrdiff_t n) { return static_cast<std::size_t>(n); };
    const kernels::PoolShape s{x[0], x[1], x[2], x[3], whole(size.h), whole(size.w), oh, ow, whole(stride.h), whole(stride.w)};
    Array<T> out(Shape{s.n, oh, ow, s.c});
    index = Storage<std::int32_t>::create(Array<std::int32_t>(out.shape()));
    kernels::max_pool(in[0].data(), out.data(), index->array.data(), s);
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    return window_scatter(g, index, c.input_shape(0), c.where());
  }
};

}  // namespace

template <class T>
Variable<T> max_pool2d(Variable<T> x, Extent2d size, Pool2dOptions options, Where where) {
  return apply(MaxPool2d<T>{size, options.stride.value_or(size)}, {std::move(x)}, where);
}
XGRAD_BOTH(max_pool2d);

}  // namespace xgrad

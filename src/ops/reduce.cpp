#include <xgrad/ops/reduce.hpp>

#include <fmt/format.h>
#include <algorithm>

#include <xgrad/core/parallel.hpp>
#include <xgrad/graph/apply.hpp>
#include <xgrad/ops/arithmetic.hpp>
#include <xgrad/ops/shape.hpp>

#include "../kernels/array/sum.hpp"
#include "axes.hpp"
#include "stacked.hpp"
#include "support.hpp"

namespace xgrad {
using namespace detail;

namespace {

/// Sums the flagged axes; the result may have the kept shape under any other name.
template <class T>
struct Sum {
  static constexpr std::string_view name = "sum";
  static constexpr std::array uses{use::none};
  Reduced axes;

  Result<T> forward(Inputs<T> in) { return reduce_axes(in[0], axes.reduced, axes.result, kernels::sum<T>); }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    return broadcast_to(reshape(g, axes.kept), c.input_shape(0));
  }
  Variable<T> stacked_vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    return broadcast_each_to(g, axes.kept, c.input_shape(0), c.where());
  }
};

template <class T>
struct Mean {
  static constexpr std::string_view name = "mean";
  static constexpr std::array uses{use::none};
  Reduced axes;
  T count;  ///< elements that become one

  Result<T> forward(Inputs<T> in) {
    Array<T> out = reduce_axes(in[0], axes.reduced, axes.result, kernels::sum<T>);
    parallel_for(out.size(), 1, [&](std::size_t begin, std::size_t end) {
      for (std::size_t k = begin; k < end; ++k) out.data()[k] /= count;
    });
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    return broadcast_to(reshape(g / count, axes.kept), c.input_shape(0));
  }
  Variable<T> stacked_vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    return broadcast_each_to(g / count, axes.kept, c.input_shape(0), c.where());
  }
};

}  // namespace

template <class T>
Variable<T> sum(Variable<T> x, Axes axes, ReduceOptions options, Where at) {
  const Shape& shape = shape_of(x, at);
  Reduced reduced = placed(at, "sum", [&] { return Reduced(shape, axes, options.keepdims); });
  return apply(Sum<T>{std::move(reduced)}, {std::move(x)}, at);
}

template <class T>
Variable<T> mean(Variable<T> x, Axes axes, ReduceOptions options, Where at) {
  const Shape& shape = shape_of(x, at);
  Mean<T> op = placed(at, "mean", [&] {
    Reduced reduced(shape, axes, options.keepdims);
    const std::size_t count = reduced.count(shape);
    return Mean<T>{std::move(reduced), static_cast<T>(count)};
  });
  return apply(std::move(op), {std::move(x)}, at);
}

template <class T>
Variable<T> sum_to(Variable<T> x, const Shape& shape, Where at) {
  const Shape& from = shape_of(x, at);
  if (from == shape) return x;
  if (!broadcasts_to(shape, from))
    throw ShapeError(at, "sum_to", fmt::format("x is {}; {} must broadcast to it", to_string(from), to_string(shape)));
  const std::size_t added = from.size() - shape.size();
  std::vector<bool> flags(from.size(), true);
  for (std::size_t k = 0; k < shape.size(); ++k) flags[added + k] = shape[k] != from[added + k];
  Reduced reduced(from, std::move(flags), true);
  reduced.result = shape;
  return apply(Sum<T>{std::move(reduced)}, {std::move(x)}, at);
}

XGRAD_BOTH(sum);
XGRAD_BOTH(mean);
XGRAD_BOTH(sum_to);

}  // namespace xgrad

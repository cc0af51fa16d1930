#include <xgrad/ops/reduce.hpp>

#include <fmt/format.h>
#include <algorithm>

#include <xgrad/graph/apply.hpp>
#include <xgrad/ops/arithmetic.hpp>
#include <xgrad/ops/shape.hpp>

#include "../kernels/sum.hpp"
#include "support.hpp"

namespace xgrad {
namespace {

/// Reduces the flagged axes of `x` into an array of shape `result`: one run of neighbouring axes after the other, from the last.
/// `reduce(x, out, outer, middle, inner)` does one run.
template <class T, class Reduce>
Array<T> reduce_axes(const Array<T>& x, const std::vector<bool>& reduced, const Shape& result, Reduce reduce) {
  const Shape& shape = x.shape();
  Array<T> out(result), partial;
  const T* source = x.data();
  std::size_t inner = 1;
  for (std::size_t end = shape.size(), begin = end; end > 0; end = begin) {
    std::size_t middle = 1, outer = 1;
    while (begin > 0 && reduced[begin - 1] == reduced[end - 1]) middle *= shape[--begin];
    if (!reduced[end - 1]) {
      inner *= middle;
      continue;
    }
    for (std::size_t k = 0; k < begin; ++k) outer *= shape[k];
    if (std::none_of(reduced.begin(), reduced.begin() + static_cast<std::ptrdiff_t>(begin), [](bool r) { return r; })) {
      reduce(source, out.data(), outer, middle, inner);
      return out;
    }
    Array<T> next(Shape{outer * inner});
    reduce(source, next.data(), outer, middle, inner);
    partial = std::move(next);
    source = partial.data();
  }
  std::copy_n(source, out.size(), out.data());  // no axis was flagged
  return out;
}

/// Sums the flagged axes; the result has the shape `kept` (flagged axes of length 1) under another name.
template <class T>
struct Sum {
  static constexpr std::string_view name = "sum";
  static constexpr std::array uses{use::none};
  std::vector<bool> reduced;
  Shape kept, result;

  Result<T> forward(Inputs<T> in) { return reduce_axes(in[0], reduced, result, kernels::sum<T>); }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    return broadcast_to(reshape(g, kept), c.input_shape(0));
  }
};

template <class T>
Sum<T> make_sum(const Shape& shape, std::vector<bool> reduced, bool keepdims) {
  Sum<T> op{std::move(reduced), shape, {}};
  for (std::size_t k = 0; k < shape.size(); ++k) {
    if (op.reduced[k]) op.kept[k] = 1;
    if (keepdims || !op.reduced[k]) op.result.push_back(op.kept[k]);
  }
  return op;
}

}  // namespace

template <class T>
Variable<T> sum(Variable<T> x, Axes axes, ReduceOptions options, Where where) {
  const Shape& shape = x.shape(where);
  Sum<T> op = placed(where, "sum", [&] { return make_sum<T>(shape, axes.flags(shape.size()), options.keepdims); });
  return apply(std::move(op), {std::move(x)}, where);
}

template <class T>
Variable<T> mean(Variable<T> x, Axes axes, ReduceOptions options, Where where) {
  const Shape& shape = x.shape(where);
  std::size_t count = 1;
  Sum<T> op = placed(where, "mean", [&] {
    std::vector<bool> reduced = axes.flags(shape.size());
    for (std::size_t k = 0; k < shape.size(); ++k)
      if (reduced[k]) count *= shape[k];
    return make_sum<T>(shape, std::move(reduced), options.keepdims);
  });
  return div(apply(std::move(op), {std::move(x)}, where), static_cast<T>(count), where);
}

template <class T>
Variable<T> sum_to(Variable<T> x, const Shape& shape, Where where) {
  const Shape& from = x.shape(where);
  if (from == shape) return x;
  if (!broadcasts_to(shape, from))
    throw ShapeError(where, "sum_to", fmt::format("x is {}, to which {} does not broadcast", to_string(from), to_string(shape)));
  const std::size_t added = from.size() - shape.size();
  std::vector<bool> reduced(from.size(), true);
  for (std::size_t k = 0; k < shape.size(); ++k) reduced[added + k] = shape[k] != from[added + k];
  Sum<T> op = make_sum<T>(from, std::move(reduced), true);
  op.result = shape;
  return apply(std::move(op), {std::move(x)}, where);
}

XGRAD_BOTH(sum);
XGRAD_BOTH(mean);
XGRAD_BOTH(sum_to);

}  // namespace xgrad

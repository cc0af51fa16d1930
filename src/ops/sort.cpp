// sort, argsort, topk and median: permutations found by a kernel, and elements taken at their places.
#include <fmt/format.h>
#include <cstdint>
#include <limits>

#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/sort.hpp>

#include "../kernels/array/take.hpp"
#include "axes.hpp"
#include "families.hpp"
#include "support.hpp"

namespace xgrad {
using namespace detail;

namespace {

/// The kernels count places in 32 bits.
void need_countable(std::size_t n) {
  if (n > std::numeric_limits<std::uint32_t>::max())
    throw ShapeError(fmt::format("{} elements are more than can be ordered; they must be fewer", n));
}

/// Where along the axis the first k elements in order are.
template <class T>
Labels places(const char* name, const Array<T>& x, std::size_t axis, std::size_t k, bool descending, Where at) {
  Shape shape = x.shape();
  const Around s = placed(at, name, [&] { return Around(shape, axis); });
  shape[axis] = k;
  Labels order = placed(at, name, [&] { return make_array<std::int64_t>(shape); });
  if (order.size() == 0) return order;
  kernels::argsort(x.data(), order.data(), s.outer, s.length, s.inner, k, descending);
  return order;
}

template <class T>
Variable<T> taken(const char* name, Variable<T> x, std::size_t axis, const Labels& order, Where at) {
  Positions positions = placed(at, name, [&] { return positions_along(x.shape(), axis, order, order.shape()); });
  return take(name, std::move(x), std::move(positions), order.shape(), at);
}

template <class T>
std::size_t axis_of(const char* name, const Variable<T>& x, int axis, Where at) {
  return placed(at, name, [&] {
    const Shape& shape = shape_of(x, at);
    const std::size_t k = normalise_axis(axis, shape.size());
    need_countable(shape[k]);
    return k;
  });
}

}  // namespace

template <class T>
Variable<T> sort(Variable<T> x, int axis, SortOptions options, Where at) {
  const std::size_t k = axis_of("sort", x, axis, at);
  const Labels order = places("sort", x.value(), k, x.shape()[k], options.descending, at);
  return taken("sort", std::move(x), k, order, at);
}

template <class T>
Labels argsort(const Variable<T>& x, int axis, SortOptions options, Where at) {
  const std::size_t k = axis_of("argsort", x, axis, at);
  return places("argsort", x.value(), k, x.shape()[k], options.descending, at);
}

template <class T>
TopK<T> topk(Variable<T> x, std::ptrdiff_t k, int axis, TopKOptions options, Where where) {
  const std::size_t at = axis_of("topk", x, axis, where);
  if (k < 0 || static_cast<std::size_t>(k) > x.shape()[at])
    throw ValueError(where, "topk", fmt::format("k is {}; for axis {} of x it must be from 0 to {}", k, at, x.shape()[at]));
  Labels order = places("topk", x.value(), at, static_cast<std::size_t>(k), options.largest, where);
  Variable<T> values = taken("topk", std::move(x), at, order, where);
  return {std::move(values), std::move(order)};
}

template <class T>
Variable<T> median(Variable<T> x, Axes axes, ReduceOptions options, Where at) try {
  const Reduced reduced = placed(at, "median", [&] { return Reduced(shape_of(x, at), axes, options.keepdims); });
  const std::size_t n = placed(at, "median", [&] {
    const std::size_t count = reduced.count(x.shape());
    need_countable(count);
    return count;
  });
  if (n == 0) return mean(std::move(x), std::move(axes), options, at);
  // The reduced axes last, as one.
  std::vector<std::ptrdiff_t> order;
  for (const bool last : {false, true})
    for (std::size_t k = 0; k < reduced.reduced.size(); ++k)
      if (reduced.reduced[k] == last) order.push_back(static_cast<std::ptrdiff_t>(k));
  const std::size_t rows = placed(at, "median", [&] { return size_of(reduced.kept); });
  x = reshape(permute(std::move(x), order, at), Shape{rows, n}, at);
  Labels middle = placed(at, "median", [&] { return make_array<std::int64_t>(Shape{rows, n % 2 == 1 ? 1u : 2u}); });
  kernels::middle(x.value().data(), middle.data(), rows, n);
  Variable<T> result = taken("median", std::move(x), 1, middle, at);
  if (n % 2 == 0) result = mean(std::move(result), 1, {}, at);
  return reshape(std::move(result), reduced.result, at);
} catch (Error& error) {
  called(error, at);
}

XGRAD_BOTH(sort);
XGRAD_BOTH(argsort);
XGRAD_BOTH(topk);
XGRAD_BOTH(median);

}  // namespace xgrad

#pragma once
/// For `stacked_vjp`: what vjps are made of, where gradients have one more axis in front.
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include "families.hpp"

namespace xgrad::detail {

/// So many arrays of this shape, each with `ones` axes of length 1 in front of its own.
inline Shape stack_of(std::size_t count, const Shape& shape, std::size_t ones = 0) {
  Shape result(1 + ones, 1);
  result[0] = count;
  for (const std::size_t length : shape) result.push_back(length);
  return result;
}

/// sum_to of each: g is (n, …), the result (n, shape).
template <class T>
Variable<T> sum_each_to(Variable<T> g, const Shape& shape, Where at) {
  const std::size_t count = g.shape()[0], ones = g.shape().size() - 1 - shape.size();
  return reshape(sum_to(std::move(g), stack_of(count, shape, ones), at), stack_of(count, shape), at);
}

/// broadcast_to of each, which are taken to have shape `from`: the result is (n, to).
template <class T>
Variable<T> broadcast_each_to(Variable<T> g, const Shape& from, const Shape& to, Where at) {
  const std::size_t count = g.shape()[0];
  return broadcast_to(reshape(std::move(g), stack_of(count, from, to.size() - from.size()), at), stack_of(count, to), at);
}

/// The same view of each of so many arrays of shape `whole`.
inline View view_of_each(View view, std::size_t count, const Shape& whole) {
  view.shape = stack_of(count, view.shape);
  view.strides.insert(view.strides.begin(), static_cast<std::ptrdiff_t>(size_of(whole)));
  return view;
}

}  // namespace xgrad::detail

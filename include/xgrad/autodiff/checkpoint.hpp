#pragma once
#include <initializer_list>
#include <vector>

#include <xgrad/autodiff/function.hpp>

namespace xgrad {

namespace detail {
template <class T>
XGRAD_API Variable<T> checkpoint(VectorFunction<T> function, std::vector<Variable<T>> inputs, Where where);
}

/// function(inputs…), but of what happens inside only the inputs are kept: the gradient computes it again. A stack of n layers in
/// segments of √n, each a checkpoint, holds about 2√n activations at a time instead of n, for one more forward.
///
///     for (const auto& segment : segments) x = xg::checkpoint([&](auto h) { return segment(h); }, {x});
///
/// Values and gradients are the same to the bit, at every order, for the inputs and for any parameters that the function captures.
/// The default generator is put back to where it was for the second run, so dropout drops the same. What the function returns must
/// depend on nothing else: the second result is held against the first, and captured values must not be assigned in between; a
/// GraphError says so. The function takes one to eight Variables or a vector of at most 30, and is kept with the graph: what
/// it captures by reference must live as long.
template <class T, class F>
Variable<T> checkpoint(F function, const Variable<T>& input, Where where = Where::current()) {
  return detail::checkpoint<T>(detail::vector_function<T>(std::move(function), "checkpoint", where), {input}, where);
}
template <class T, class F>
Variable<T> checkpoint(F function, std::vector<Variable<T>> inputs, Where where = Where::current()) {
  return detail::checkpoint<T>(detail::vector_function<T>(std::move(function), "checkpoint", where), std::move(inputs), where);
}
template <class T, class F>
Variable<T> checkpoint(F function, std::initializer_list<Variable<T>> inputs, Where where = Where::current()) {
  return detail::checkpoint<T>(detail::vector_function<T>(std::move(function), "checkpoint", where), inputs, where);
}

}  // namespace xgrad

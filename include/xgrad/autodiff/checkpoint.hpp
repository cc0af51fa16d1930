#pragma once
#include <initializer_list>
#include <vector>

#include <xgrad/autodiff/function.hpp>

namespace xgrad {

namespace detail {
template <class T>
XGRAD_API Variable<T> checkpoint(VectorFunction<T> function, std::vector<Variable<T>> inputs, Where at);
}

/// function(inputs…), but of what happens inside only the inputs are kept: the gradient computes it again. A stack of n layers in
/// segments of √n, each a checkpoint, holds about 2√n activations at a time instead of n, for one more forward.
///
///     for (const auto& segment : segments) x = xg::checkpoint([&](auto h) { return segment(h); }, {x});
///
/// Values and gradients are the same to the bit, at every order, for the inputs and for any parameters that the function captures.
/// The default generator is put back to where it was for the second run, so dropout drops the same, and so are all Variables that
/// the function writes itself with `update` or `assign`, such as running statistics and buffers of a user's own layer: the second
/// run finds them as the first did, and afterwards they are what they were before it, also when it throws. So they are written
/// once. Hooks are set once too. What the function returns must depend on nothing else: the second result is held against the
/// first, and other captured values must not be assigned in between; a GraphError says so.
///
/// Other things that the function does, such as changing a captured Array (hold a buffer in a Variable instead, which needs no
/// gradient), counting in an int, printing, binding a captured handle to another Variable, or calling `backward` (call `grad`
/// there), happen in both runs, unless it asks `recomputing()`.
///
/// The function takes one to eight Variables or a vector of at most 30, and is kept with the graph: what it captures by reference
/// must live as long.
template <class T, class F>
Variable<T> checkpoint(F function, const Variable<T>& input, Where at = Where::current()) {
  return detail::checkpoint<T>(detail::vector_function<T>(std::move(function), "checkpoint", at), {input}, at);
}
template <class T, class F>
Variable<T> checkpoint(F function, std::vector<Variable<T>> inputs, Where at = Where::current()) {
  return detail::checkpoint<T>(detail::vector_function<T>(std::move(function), "checkpoint", at), std::move(inputs), at);
}
template <class T, class F>
Variable<T> checkpoint(F function, std::initializer_list<Variable<T>> inputs, Where at = Where::current()) {
  return detail::checkpoint<T>(detail::vector_function<T>(std::move(function), "checkpoint", at), inputs, at);
}

}  // namespace xgrad

#pragma once
#include <string_view>

#include <xgrad/core/error.hpp>
#include <xgrad/graph/mode.hpp>
#include <xgrad/graph/variable.hpp>

/// Instantiates a function template that is not overloaded for float and double.
#define XGRAD_BOTH(function)                          \
  template decltype(function<float>) function<float>; \
  template decltype(function<double>) function<double>

namespace xgrad::detail {

/// Runs what an op checks before `apply`, so that its errors name the user's line as those inside `apply` do.
template <class F>
auto placed(Where at, std::string_view op, F&& check) {
  try {
    return check();
  } catch (...) {
    rethrow(thread_state.line ? thread_state.line : at, op);
  }
}

/// In the handler of a public function that is made of others: what they complain about is told under the name that was called.
[[noreturn]] inline void called(Error& error, Where at, std::string_view op = __builtin_FUNCTION()) {
  error.place(thread_state.line ? thread_state.line : at, op);
  error.rename(op);
  throw;
}

/// The shape of an argument of a public function. The error about an undefined Variable names the function, which is found by
/// itself where this is called in its own body, or in what it gives to `placed`.
template <class T>
const Shape& shape_of(const Variable<T>& x, Where at, std::string_view op = __builtin_FUNCTION()) {
  if (!x.defined()) {
    GraphError error("an input is an undefined Variable; it must have a value before it is used");
    if (op != "operator()") error.place(thread_state.line ? thread_state.line : at, op);
    throw error;
  }
  return x.value().shape();
}
template <class T>
const Array<T>& value_of(const Variable<T>& x, Where at, std::string_view op = __builtin_FUNCTION()) {
  static_cast<void>(shape_of(x, at, op));
  return x.value();
}

}  // namespace xgrad::detail

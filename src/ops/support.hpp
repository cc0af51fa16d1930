#pragma once
#include <string_view>

#include <xgrad/core/error.hpp>
#include <xgrad/graph/mode.hpp>

/// Instantiates a function template that is not overloaded for float and double.
#define XGRAD_BOTH(function)                          \
  template decltype(function<float>) function<float>; \
  template decltype(function<double>) function<double>

namespace xgrad {

/// Runs what an op checks before `apply`, so that its errors name the user's line as those inside `apply` do.
template <class F>
auto placed(Where where, std::string_view op, F&& check) {
  try {
    return check();
  } catch (...) {
    detail::rethrow(detail::thread_state.line ? detail::thread_state.line : where, op);
  }
}

}  // namespace xgrad

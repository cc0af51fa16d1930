#pragma once
/// Functions of one or several Variables, as arguments of jacobian, checkpoint and the like.
#include <cstddef>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include <xgrad/graph/variable.hpp>

namespace xgrad::detail {

template <class T>
using VectorFunction = std::function<Variable<T>(const std::vector<Variable<T>>&)>;

[[noreturn]] XGRAD_API void wrong_count(const char* who, std::size_t given, Where at);

template <class T, class F, std::size_t... I>
constexpr bool takes(std::index_sequence<I...>) {
  return std::is_invocable_v<F&, decltype(static_cast<void>(I), Variable<T>())...>;
}

template <class T, class F, std::size_t... N>
constexpr bool takes_any(std::index_sequence<N...>) {
  return (takes<T, F>(std::make_index_sequence<N + 1>{}) || ...);
}

/// Calls f(x[0], …, x[N - 1]) where that is what f takes and what x has.
template <std::size_t N, class T, class F>
bool call_with(F& f, const std::vector<Variable<T>>& x, Variable<T>& result) {
  using Indices = std::make_index_sequence<N>;
  if constexpr (takes<T, F>(Indices{})) {
    if (x.size() != N) return false;
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      using R = std::invoke_result_t<F&, decltype(static_cast<void>(I), Variable<T>())...>;
      static_assert(std::is_convertible_v<R, Variable<T>>, "xgrad: the function must return a Variable of its inputs' value type");
      result = f(Variable<T>(x[I])...);
    }
    (Indices{});
    return true;
  } else {
    return false;
  }
}

/// f, which takes one to eight Variables or else a vector of them, as a function of a vector.
template <class T, class F>
VectorFunction<T> vector_function(F f, const char* who, Where at) {
  using Counts = std::make_index_sequence<8>;
  // Single Variables first: the body of a generic lambda must not be compiled for a vector.
  if constexpr (takes_any<T, F>(Counts{})) {
    return [f = std::make_shared<F>(std::move(f)), who, at](const std::vector<Variable<T>>& x) {
      Variable<T> result;
      const bool called = [&]<std::size_t... N>(std::index_sequence<N...>) { return (call_with<N + 1>(*f, x, result) || ...); }
      (Counts{});
      if (!called) wrong_count(who, x.size(), at);
      return result;
    };
  } else {
    static_assert(std::is_invocable_r_v<Variable<T>, F&, const std::vector<Variable<T>>&>,
                  "xgrad: a function of one to eight Variables, or of a vector of them, that returns a Variable is wanted here");
    return [f = std::make_shared<F>(std::move(f))](const std::vector<Variable<T>>& x) -> Variable<T> { return (*f)(x); };
  }
}

}  // namespace xgrad::detail

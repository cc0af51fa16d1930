#pragma once
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

#include <xgrad/formula/formula.hpp>
#include <xgrad/graph/variable.hpp>

namespace xgrad {

namespace detail {
/// A named program with its derivatives, found once and shared by all calls.
class Routine {
 public:
  mutable Count references;
  XGRAD_API void destroy() const noexcept;

 protected:
  Routine() = default;
  ~Routine() = default;
};

/// A lambda whose type is forgotten: programs are made in the library, which keeps users' files quick to compile.
struct Untraced {
  const void* lambda;
  void (*trace)(Program& program, const void* lambda);
  std::size_t inputs;
};
template <std::size_t N, class F>
Untraced untraced(const F& f) {
  return {&f, [](Program& program, const void* lambda) { trace_into<N>(program, *static_cast<const F*>(lambda)); }, N};
}
/// The formula and `derivatives` more.
XGRAD_API Ref<const Routine> make_routine(std::string_view name, const Untraced* lambdas, std::size_t derivatives);
template <class T>
XGRAD_API Variable<T> call(const Ref<const Routine>& routine, Variable<T>* inputs, std::size_t count, Where at);

template <std::size_t, class X>
using Same = X;

/// Number of parameters of a formula: a lambda with `auto` parameters says so only by being callable with that many.
template <class F, std::size_t N = 1>
constexpr std::size_t arity() {
  static_assert(N <= 8, "xgrad: a formula takes one to eight symbols: [](auto x, auto y) { return … ; }");
  if constexpr (N > 8)
    return 0;
  else if constexpr ([]<std::size_t... I>(std::index_sequence<I...>) {
                       return std::is_invocable_v<const F&, Same<I, Sym>...>;
                     }(std::make_index_sequence<N>{}))
    return N;
  else
    return arity<F, N + 1>();
}
}  // namespace detail

/// An elementwise function of N inputs, made by `elementwise`. Call it with Variables and
/// arrays (the first says whether of float or double) and, after the first, numbers.
template <std::size_t N, class Rest = std::make_index_sequence<N - 1>>
class Formula;

template <std::size_t N, std::size_t... I>
class Formula<N, std::index_sequence<I...>> {
 public:
  explicit Formula(Ref<const detail::Routine> routine) : routine_(std::move(routine)) {}

  /// The inputs broadcast as in NumPy. Differentiable to any order. Throws ShapeError.
  template <class X>
  VariableOf<X> operator()(X first, detail::Same<I, std::type_identity_t<VariableOf<X>>>... rest,
                           Where at = Where::current()) const {
    VariableOf<X> inputs[]{VariableOf<X>(std::move(first)), std::move(rest)...};
    return detail::call<typename VariableOf<X>::value_type>(
        routine_, inputs, N, at);  // no std::span: its concepts take a user's file longer than all else
  }
  const Ref<const detail::Routine>& routine() const noexcept { return routine_; }

 private:
  Ref<const detail::Routine> routine_;
};

/// Makes an elementwise function from a formula. The lambda is called once, with symbols; what it computes becomes a small
/// program that runs in one pass, without temporaries, at the library's own speed.
///
///     const auto softsign = xg::elementwise("softsign", [](auto x) { return x / (1 + abs(x)); });
///     auto y = softsign(x);
///
/// The derivative is found from the formula. Where a better one is known, give one per input: a lambda of the output's gradient,
/// the inputs and, if wanted, the output.
///
///     const auto softsign = xg::elementwise("softsign", [](auto x) { return x / (1 + abs(x)); },
///                                           [](auto g, auto x) { return g / square(1 + abs(x)); });
///
/// Named locals and loops are fine; a branch on a value is not (`if (x > 0)` does not compile): write where(x > 0, a, b).
/// Numbers captured by the lambda are baked in; pass what varies (a slope, a bound) as further inputs.
template <class F, class... Derivatives>
auto elementwise(std::string_view name, const F& formula, const Derivatives&... derivatives) {
  constexpr std::size_t n = detail::arity<F>();
  static_assert(sizeof...(derivatives) == 0 || sizeof...(derivatives) == n,
                "xgrad: give one derivative per input of the formula, or none");
  static_assert(((detail::arity<Derivatives>() - n - 1 <= 1) && ...),
                "xgrad: a derivative takes the output's gradient, the inputs and, if wanted, the output");
  const detail::Untraced lambdas[]{detail::untraced<n>(formula), detail::untraced<detail::arity<Derivatives>()>(derivatives)...};
  return Formula<n>(detail::make_routine(name, lambdas, sizeof...(derivatives)));
}

}  // namespace xgrad

#pragma once
/// Holds gradients against finite differences.
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <xgrad/core/print.hpp>
#include <xgrad/graph/variable.hpp>

namespace xgrad {

/// Inputs whose gradients may be all zero: `true` for all, `{"branch", "fc2.bias"}` for those of these names or in these layers.
struct AllowZero {
  bool all = false;
  std::vector<std::string> names;

  AllowZero(bool every = false) : all(every) {}  // NOLINT(google-explicit-constructor)
  AllowZero(std::initializer_list<std::string_view> some) : names(some.begin(), some.end()) {}  // NOLINT
  XGRAD_API bool covers(const std::string& name) const;
};

struct GradcheckOptions {
  /// 1 checks the gradient; 2 also the gradient of the gradient, which `create_graph` computes; and so on.
  int order = 1;
  double rtol = 1e-7;  ///< largest difference allowed, relative to the larger of the two derivatives
  double atol = 0;     ///< and absolute; what rounding in the function explains is allowed for without being asked
  std::uint64_t seed = 0;
  /// Gradients that are all zero fail unless they are allowed to be, all or by name: they prove nothing.
  AllowZero allow_zero = false;
  /// Jacobians of up to this many entries, and of larger ones inputs of up to this many elements, are checked entry by entry.
  std::size_t max_entries = 1000;
  std::size_t samples = 32;    ///< entries checked of inputs with more elements, chosen at random …
  std::size_t directions = 4;  ///< … and random directions, along which all of the input's elements move together
  /// Moves all inputs together along `directions` random directions, and checks no single entries: a network with millions of
  /// parameters then costs a few dozen evaluations.
  bool joint = false;
};

/// What became of one input at one order.
struct GradcheckInput {
  std::string name;
  int order = 1;
  Shape shape;
  std::size_t entries = 0, directions = 0;  ///< how many were checked
  bool ok = true;
  /// The worst entry: its index, and that of the result's entry where the whole Jacobian was checked.
  Shape index, result_index;
  double analytic = 0, numeric = 0;
  /// |analytic - numeric| relative to the larger of them, rounding allowed for. At most rtol where ok.
  double error = 0;
  /// An entry that is wrong by more than this cannot have escaped the directions; see gradcheck. 0 where there were none.
  double visible = 0;
  bool located = false;        ///< the worst is an entry, not a direction
  bool kink = false;           ///< the slopes on the two sides of the point disagree …
  double point = 0;            ///< … which is this value of the entry
  double left = 0, right = 0;  ///< … and these are the slopes
  std::string note;            ///< why it failed, and what to do
};

struct GradcheckReport {
  Where where;
  std::vector<GradcheckInput> inputs;  ///< order by order
  std::string failure;                 ///< what is wrong with the function as a whole, if anything
  std::string method;                  ///< how the result was reduced to what was checked

  bool ok() const;
};

/// A line per input and order, and above them what failed.
XGRAD_API std::string to_string(const GradcheckReport& report);

inline bool GradcheckReport::ok() const {
  return failure.empty() && std::all_of(inputs.begin(), inputs.end(), [](const GradcheckInput& input) { return input.ok; });
}

namespace detail {
XGRAD_API GradcheckReport run_gradcheck(const std::function<Variable<double>()>& closure, std::vector<NamedVariable<double>> inputs,
                                        const GradcheckOptions& options, Where at);
[[noreturn]] XGRAD_API void wrong_arity(std::size_t takes, std::size_t given, Where at);
XGRAD_API std::vector<NamedVariable<double>> number_inputs(const std::vector<Variable<double>>& inputs, const char* name);

template <class R>
Variable<double> checked_result(R&& result) {
  static_assert(std::is_convertible_v<R, Variable<double>>,
                "xgrad: gradcheck needs a function that returns a Variable<double>: float cannot be told from a wrong gradient");
  return std::forward<R>(result);
}

/// Calls f(x[0], x[1], …), f(x) or f(), whichever it takes. Single Variables first: the body of a generic lambda must not be
/// compiled for a vector.
template <std::size_t N = 1, class F>
std::function<Variable<double>()> bind_inputs(const F& f, const std::vector<Variable<double>>& x, Where at) {
  if constexpr (std::is_invocable_v<const F&>) {
    return [&f] { return checked_result(f()); };
  } else if constexpr (N > 8) {
    static_assert(std::is_invocable_v<const F&, const std::vector<Variable<double>>&>,
                  "xgrad: gradcheck takes a function of no arguments, of one to eight Variables, or of a vector of Variables");
    return [&f, &x] { return checked_result(f(x)); };
  } else {
    return [&]<std::size_t... I>(std::index_sequence<I...>)->std::function<Variable<double>()> {
      if constexpr (std::is_invocable_v<const F&, decltype(static_cast<void>(I), Variable<double>())...>) {
        if (x.size() != N) wrong_arity(N, x.size(), at);
        return [&f, &x] { return checked_result(f(Variable<double>(x[I])...)); };
      } else {
        return bind_inputs<N + 1>(f, x, at);
      }
    }
    (std::make_index_sequence<N>{});
  }
}
}  // namespace detail

/// Compares the gradients of `function` at `inputs` with central differences over four points, in double precision.
///
///     auto report = xg::gradcheck([](auto x, auto w) { return tanh(matmul(x, w)); }, {x, w}, {.order = 2});
///     fmt::print("{}\n", report);
///
/// The function takes one to eight Variable<double>, or a std::vector of them, and returns one of any shape. The inputs are leaves
/// that require a gradient; while the check runs their values move, and are exactly what they were when it ends, also where the
/// function throws, and so is whatever else the function writes with `update` or `assign`. Where the differences of one step size
/// do not settle, as beside a kink or near the end of a domain, smaller steps are tried, down to 1e-5 of the entry itself.
///
/// What is found: Jacobians of up to `max_entries` entries are checked whole, and every entry that is wrong by more than rtol and
/// rounding fails. Of larger ones a random combination of the result's entries is differentiated. Its gradient is checked entry by
/// entry for inputs of up to `max_entries` elements, and for larger ones (with `joint`, for all together) along random directions
/// ±1/√n. A single entry that is wrong by more than GradcheckInput::visible, about √n (rtol × the derivative along the direction
/// + rounding), fails for certain; smaller errors of single entries escape unless they are among the `samples`. Errors of
/// several entries may cancel: if the largest is above `visible`, they escape with a probability of at most 2^-directions, 1/16.
/// Elements whose value or gradient is more than a thousand times what is usual have directions of their own, so that they do not
/// hide the others. When a direction disagrees, the worst entry is searched for.
///
/// Throws GraphError for an input that is undefined, no leaf or needs no gradient, ValueError for options that make no sense, and
/// whatever the function throws. A wrong gradient is not an exception: see GradcheckReport::ok.
template <class F>
GradcheckReport gradcheck(const F& function, const std::vector<Variable<double>>& inputs, GradcheckOptions options = {},
                          Where at = Where::current()) {
  constexpr bool closure = std::is_invocable_v<const F&>;
  return detail::run_gradcheck(detail::bind_inputs(function, inputs, at),
                               detail::number_inputs(inputs, closure ? "parameter" : "input"), options, at);
}
/// ... of a closure over the parameters it uses: `gradcheck([&] { return cross_entropy(net(x), y); }, nn::named_parameters(net))`.
template <class F>
requires std::is_invocable_v<const F&> GradcheckReport gradcheck(const F& closure,
                                                                 const std::vector<NamedVariable<double>>& parameters,
                                                                 GradcheckOptions options = {}, Where at = Where::current()) {
  return detail::run_gradcheck([&closure] { return detail::checked_result(closure()); }, parameters, options, at);
}

}  // namespace xgrad

template <>
struct fmt::formatter<xgrad::GradcheckReport> : xgrad::detail::TextFormatter {};

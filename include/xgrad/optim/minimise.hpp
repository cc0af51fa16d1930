#pragma once
/// Minimisation of functions whose value and gradient are exact and repeat: small problems, and networks on all of their data at
/// once.
#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <xgrad/autodiff/backward.hpp>
#include <xgrad/autodiff/functional.hpp>
#include <xgrad/graph/mode.hpp>
#include <xgrad/graph/variable.hpp>
#include <xgrad/ops/arithmetic.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/linalg.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

namespace xgrad::optim {

/// Broyden, Fletcher, Goldfarb, Shanno 1970: keeps n × n numbers.
struct BFGS {};
/// The same from the last steps alone (Nocedal 1980): keeps 2 n · history numbers.
struct LBFGS {
  std::size_t history = 10;
};
/// With the exact Hessian. Where that is not positive definite, a multiple of the identity is added to it.
struct Newton {};
/// For functions that return residuals r, whose ½‖r‖² is minimised: Newton's method with JᵀJ, J being the Jacobian of r, in place
/// of the Hessian.
struct GaussNewton {};

struct MinimiseOptions {
  std::size_t max_iter = 200;
  double tolerance_grad = 1e-7;     ///< stops when no element of the gradient is larger …
  double tolerance_change = 1e-12;  ///< … or when a step changes the value by less than this, times |value| where that is above 1
};

/// Why `minimise` stopped.
enum class Stop {
  gradient,     ///< the gradient is as small as wanted
  change,       ///< the value hardly changes
  iterations,   ///< max_iter steps were made
  line_search,  ///< no point along the direction is lower: the value's rounding, or a gradient that is wrong
  not_finite,   ///< value or gradient are not finite at the start
};

struct MinimiseReport {
  Stop stop = Stop::iterations;
  double value = 0;     ///< the least that was found
  double gradient = 0;  ///< the largest element of the gradient there, without its sign
  std::size_t iterations = 0, evaluations = 0;

  bool converged() const noexcept { return stop == Stop::gradient || stop == Stop::change; }
};
/// "stopped after 12 iterations and 15 evaluations, as the gradient is small: value 3.2e-15, gradient 8.1e-08"
XGRAD_API std::string to_string(const MinimiseReport& report);

/// What was found, and the report.
template <class T>
struct Minimum {
  Array<T> x;
  MinimiseReport report;
};

namespace detail {
struct Objective {
  /// The value at x; writes the gradient.
  std::function<double(const std::vector<double>& x, std::vector<double>& gradient)> value;
  /// The n × n matrix that stands for the Hessian; empty for quasi-Newton methods.
  std::function<std::vector<double>(const std::vector<double>& x)> hessian = {};
};
/// Minimises from x on, and leaves the best point there. A history of 0 is BFGS.
XGRAD_API MinimiseReport minimise(const Objective& objective, std::vector<double>& x, std::size_t history,
                                  const MinimiseOptions& options, const char* who, Where at);

template <class T>
std::vector<double> flat(const Array<T>& x) {
  return {x.data(), x.data() + x.size()};
}
template <class T>
Array<T> array_of(const double* x, const Shape& shape) {
  Array<T> result(shape);
  for (std::size_t i = 0; i < result.size(); ++i) result.data()[i] = static_cast<T>(x[i]);
  return result;
}
template <class Method>
constexpr std::size_t history_of(const Method& method) {
  if constexpr (requires { method.history; })
    return method.history;
  else
    return 0;
}
}  // namespace detail

/// The x for which f(x), a Variable of one element (of residuals: any number), is least, from `start` on; where f has several
/// minima, one of them. Steps are found by a line search for the strong Wolfe conditions (Nocedal & Wright, algorithms 3.5 and 3.6;
/// 10⁻⁴ and 0.9).
///
///     const auto [x, report] = xg::optim::minimise([](auto x) { return sum(square(x - 3)); }, xg::Array<double>{0, 0},
///     xg::optim::BFGS{});
///
/// Throws ValueError for tolerances that are negative or NaN and a history of 0, ShapeError when f gives more than one element.
template <class F, class T, class Method>
Minimum<T> minimise(const F& f, const Array<T>& start, Method method, MinimiseOptions options = {}, Where at = Where::current()) {
  constexpr bool residuals = std::is_same_v<Method, GaussNewton>;
  const Shape shape = start.shape();
  const auto variable = [&](const std::vector<double>& x) { return Variable<T>(detail::array_of<T>(x.data(), shape)); };
  detail::Objective objective;
  objective.value = [&](const std::vector<double>& x, std::vector<double>& gradient) {
    const auto [value, slope] = value_and_grad(
        [&](const Variable<T>& v) {
          if constexpr (residuals)
            return sum(square(f(v))) / 2;
          else
            return f(v);
        },
        variable(x), {}, at);
    gradient = detail::flat(slope.value());
    return static_cast<double>(value.item());
  };
  if constexpr (residuals)
    objective.hessian = [&](const std::vector<double>& x) {
      const Variable<T> j = jacobian(f, variable(x), {}, at), m = reshape(j, {j.size() / x.size(), x.size()});
      return detail::flat(matmul(transpose(m), m).value());
    };
  else if constexpr (std::is_same_v<Method, Newton>)
    objective.hessian = [&](const std::vector<double>& x) { return detail::flat(hessian(f, variable(x), {}, at).value()); };
  else
    static_assert(std::is_same_v<Method, BFGS> || std::is_same_v<Method, LBFGS>,
                  "xgrad: minimise takes BFGS, LBFGS, Newton or GaussNewton");
  if constexpr (std::is_same_v<Method, LBFGS>)
    if (method.history == 0) throw ValueError(at, "minimise", "history is 0; it must be positive");
  std::vector<double> x = detail::flat(start);
  const MinimiseReport report = detail::minimise(objective, x, detail::history_of(method), options, "minimise", at);
  return {detail::array_of<T>(x.data(), shape), report};
}

/// Changes the parameters so that loss(), a Variable of one element that they lead to, becomes least: a network on all of its data.
/// Their own gradients stay as they are.
///
///     xg::optim::minimise([&] { return cross_entropy(net(images), labels); }, xg::nn::parameters(net), xg::optim::LBFGS{});
template <class F, class T, class Method>
MinimiseReport minimise(const F& loss, std::vector<Variable<T>> parameters, Method method, MinimiseOptions options = {},
                        Where at = Where::current()) {
  static_assert(std::is_same_v<Method, BFGS> || std::is_same_v<Method, LBFGS>, "xgrad: parameters are changed by BFGS or LBFGS");
  if constexpr (std::is_same_v<Method, LBFGS>)
    if (method.history == 0) throw ValueError(at, "minimise", "history is 0; it must be positive");
  std::vector<double> x;
  for (const Variable<T>& p : parameters) x.insert(x.end(), p.value().begin(), p.value().end());
  const auto put = [&](const std::vector<double>& values) {
    const double* from = values.data();
    for (Variable<T>& p : parameters) {
      p.assign(detail::array_of<T>(from, p.shape()), at);
      from += p.size();
    }
  };
  detail::Objective objective;
  objective.value = [&](const std::vector<double>& values, std::vector<double>& gradient) {
    put(values);
    const Variable<T> value = loss();
    const std::vector<Variable<T>> slopes = grad(value, parameters, {}, at);
    gradient.clear();
    for (const Variable<T>& slope : slopes) gradient.insert(gradient.end(), slope.value().begin(), slope.value().end());
    return static_cast<double>(value.item(at));
  };
  const MinimiseReport report = detail::minimise(objective, x, detail::history_of(method), options, "minimise", at);
  put(x);
  return report;
}

}  // namespace xgrad::optim

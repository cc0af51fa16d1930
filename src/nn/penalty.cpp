#include <xgrad/nn/penalty.hpp>

#include <xgrad/ops/arithmetic.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/formula.hpp>
#include <xgrad/ops/reduce.hpp>

#include "check.hpp"

namespace xgrad::nn {
namespace {

template <class T>
Variable<T> penalty_of(detail::State<T> parameters, PenaltyOptions options, Where at) {
  static const auto terms = elementwise("penalty", [](auto w, auto l1, auto l2) { return l1 * abs(w) + l2 * square(w); });
  check_option("penalty", "l1", options.l1, finite, at);
  check_option("penalty", "l2", options.l2, finite, at);
  Variable<T> total(full<T>(Shape{}, T(0), at));
  for (const NamedVariable<T>& parameter : parameters)
    if (parameter.variable.shape().size() >= 2)
      total = add(std::move(total),
                  sum(terms(parameter.variable, static_cast<T>(options.l1), static_cast<T>(options.l2), at), {}, {}, at), at);
  return total;
}

}  // namespace

Variable<float> detail::penalty(State<float> parameters, PenaltyOptions options, Where at) {
  return penalty_of<float>(parameters, options, at);
}
Variable<double> detail::penalty(State<double> parameters, PenaltyOptions options, Where at) {
  return penalty_of<double>(parameters, options, at);
}

}  // namespace xgrad::nn

#pragma once
#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <span>
#include <string>
#include <unordered_set>

#include <xgrad/graph/variable.hpp>
#include <xgrad/optim/optimizer.hpp>
#include <xgrad/optim/schedule.hpp>

namespace xgrad::optim {

/// Every optimiser's first check: it can only change leaves, and only those with a gradient ever move.
template <class T>
void check_parameters(std::span<const Variable<T>> parameters, const char* who, Where at) {
  if (parameters.empty())
    throw ValueError(at, who, "there are no parameters; there must be one at least: pass nn::parameters(net) or a list of leaves");
  std::unordered_set<const void*> seen;
  for (std::size_t k = 0; k < parameters.size(); ++k) {
    const Variable<T>& p = parameters[k];
    const auto fail = [&](const char* what) {
      throw GraphError(at, who,
                       "parameter " + std::to_string(k) + what + "; each must be a leaf with requires_grad = true, given once");
    };
    if (!p.defined()) fail(" is an undefined Variable");
    if (!p.requires_grad()) fail(" needs no gradient");
    if (!p.is_leaf()) fail(" is the result of an operation");
    if (!seen.insert(p.node().get()).second) fail(" has been given before");
  }
}

/// A rule's options, also as a T, by their names, and then what the rule itself has against them.
template <class T>
void check_options(const detail::AnyRule& rule, Where at) {
  constexpr std::string_view not_negative[]{
      "lr", "weight_decay", "eps", "lr_decay", "momentum_decay", "initial_accumulator_value", "trust"};
  constexpr std::string_view shares[]{"momentum", "dampening", "beta1", "beta2", "alpha", "rho"};
  for (const detail::RuleOption& option : rule.options) {
    const std::string_view name = option.name;
    const double value = option.value;
    const auto need = [&](bool good, std::string_view must) {
      if (!good) detail::wrong_option(at, rule.name, name, value, must);
    };
    const bool finite = std::abs(value) <= static_cast<double>(std::numeric_limits<T>::max());
    if (std::ranges::find(not_negative, name) != std::end(not_negative))
      need(value >= 0 && finite, "be from 0 up and finite");
    else if (std::ranges::find(shares, name) != std::end(shares))
      need(value >= 0 && value < 1, "be from 0 to less than 1");
    else
      need(finite, "be finite");
  }
  try {
    rule.check(rule.rule);
  } catch (Error& error) {
    error.place(at, rule.name);
    throw;
  }
}

}  // namespace xgrad::optim

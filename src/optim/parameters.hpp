#pragma once
#include <limits>
#include <span>
#include <string>
#include <unordered_set>

#include <xgrad/graph/variable.hpp>
#include <xgrad/optim/schedule.hpp>

namespace xgrad::optim {

/// Every optimiser's first check: it can only change leaves, and only those with a gradient ever move.
template <class T>
void check_parameters(std::span<const Variable<T>> parameters, const char* who, Where where) {
  if (parameters.empty())
    throw ValueError(where, who,
                     "there are no parameters; there must be one at least: pass nn::parameters(net) or a list of leaves");
  std::unordered_set<const void*> seen;
  for (std::size_t k = 0; k < parameters.size(); ++k) {
    const Variable<T>& p = parameters[k];
    const auto fail = [&](const char* what) {
      throw GraphError(where, who,
                       "parameter " + std::to_string(k) + what + "; each must be a leaf with requires_grad = true, given once");
    };
    if (!p.defined()) fail(" is an undefined Variable");
    if (!p.requires_grad()) fail(" needs no gradient");
    if (!p.is_leaf()) fail(" is the result of an operation");
    if (!seen.insert(p.node().get()).second) fail(" has been given before");
  }
}

/// An option that must be from 0 up and finite, also as a T.
template <class T>
void check_not_negative(const char* option, double value, const char* who, Where where) {
  if (!(value >= 0 && value <= static_cast<double>(std::numeric_limits<T>::max())))
    detail::wrong_option(where, who, option, value, "be from 0 up and finite");
}

}  // namespace xgrad::optim

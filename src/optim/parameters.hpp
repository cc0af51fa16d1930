#pragma once
#include <limits>
#include <span>
#include <string>
#include <unordered_set>

#include <xgrad/graph/variable.hpp>

namespace xgrad::optim {

/// Every optimiser's first check: it can only change leaves, and only those with a gradient ever move.
template <class T>
void check_parameters(std::span<const Variable<T>> parameters, const char* who, Where where) {
  if (parameters.empty()) throw ValueError(where, who, "there are no parameters; pass nn::parameters(net) or a list of leaves");
  std::unordered_set<const void*> seen;
  for (std::size_t k = 0; k < parameters.size(); ++k) {
    const Variable<T>& p = parameters[k];
    const auto fail = [&](const char* what) {
      throw GraphError(where, who, "parameter " + std::to_string(k) + what + "; give each leaf with requires_grad = true once");
    };
    if (!p.defined()) fail(" is an undefined Variable");
    if (!p.requires_grad()) fail(" needs no gradient");
    if (!p.is_leaf()) fail(" is the result of an operation");
    if (!seen.insert(p.node().get()).second) fail(" has been given before");
  }
}

inline void check_rate(double lr, const char* who, Where where) {
  if (!(lr >= 0 && lr <= std::numeric_limits<double>::max()))
    throw ValueError(where, who, "the learning rate is " + std::to_string(lr) + "; it must be a number from 0 up");
}

}  // namespace xgrad::optim

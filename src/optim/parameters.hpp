#pragma once
#include <span>
#include <string>

#include <xgrad/graph/variable.hpp>

namespace xgrad::optim {

/// Every optimiser's first check: it can only change leaves, and only those with a gradient ever move.
template <class T>
void check_parameters(std::span<const Variable<T>> parameters, const char* who, Where where) {
  if (parameters.empty()) throw ValueError(where, who, "there are no parameters; pass nn::parameters(net) or a list of leaves");
  for (std::size_t k = 0; k < parameters.size(); ++k)
    if (!parameters[k].defined() || !parameters[k].requires_grad() || !parameters[k].is_leaf())
      throw GraphError(where, who, "parameter " + std::to_string(k) + (!parameters[k].defined() ? " is an undefined Variable" : !parameters[k].requires_grad() ? " needs no gradient" : " is the result of an operation") +
                                       "; make it a leaf with requires_grad = true");
}

}  // namespace xgrad::optim

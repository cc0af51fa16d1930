#pragma once
#include <vector>

#include <xgrad/graph/variable.hpp>

namespace xgrad::optim {

struct SGDOptions {
  double lr = 0.01;         ///< learning rate, from 0 up and finite
  double momentum = 0;      ///< share of the last step that is kept, from 0 to less than 1
  double weight_decay = 0;  ///< adds this times the parameter to its gradient; from 0 up and finite
  bool nesterov = false;    ///< look ahead by one step of the momentum
};

/// Stochastic gradient descent, with the rate outside of the momentum as in PyTorch:
/// g ← g + weight_decay · w;  m ← momentum · m + g;  w ← w - lr · m, or with Nesterov w ← w - lr · (g + momentum · m).
template <class T>
class SGD {
 public:
  /// Throws GraphError for a parameter that is not a leaf with requires_grad or is given twice, ValueError for options out of
  /// range.
  XGRAD_API explicit SGD(std::vector<Variable<T>> parameters, SGDOptions options = {}, Where where = Where::current());

  /// One step for every parameter that has a gradient.
  XGRAD_API void step();
  /// Forgets the gradients: call it before each backward.
  XGRAD_API void zero_grad();

  double lr() const noexcept { return options_.lr; }
  /// Throws ValueError for a rate that is negative, not finite or NaN.
  XGRAD_API void set_lr(double lr, Where where = Where::current());

 private:
  std::vector<Variable<T>> parameters_;
  std::vector<Array<T>> momentum_;
  SGDOptions options_;
};

}  // namespace xgrad::optim

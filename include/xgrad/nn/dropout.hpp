#pragma once
/// Layers that drop elements in training.
#include <cstddef>
#include <utility>

#include <xgrad/core/fields.hpp>
#include <xgrad/core/random.hpp>
#include <xgrad/ops/dropout.hpp>

namespace xgrad::nn {

/// Drops elements in training, with numbers from the thread's default generator; see dropout.
class Dropout {
 public:
  double p;
  bool training = true;

  XGRAD_API explicit Dropout(double probability = 0.5, Where at = Where::current());

  template <class X>
  VariableOf<X> operator()(X x, Where at = Where::current()) const {
    return dropout(VariableOf<X>(std::move(x)), p, {training}, default_generator(), at);
  }

  XGRAD_FIELDS(training)
};
/// Drops whole channels; see dropout2d.
class Dropout2d {
 public:
  double p;
  bool training = true;

  XGRAD_API explicit Dropout2d(double probability = 0.5, Where at = Where::current());

  template <class X>
  VariableOf<X> operator()(X x, Where at = Where::current()) const {
    return dropout2d(VariableOf<X>(std::move(x)), p, {training}, default_generator(), at);
  }

  XGRAD_FIELDS(training)
};

}  // namespace xgrad::nn

#pragma once
/// What layers with weights have in common.
#include <xgrad/nn/init.hpp>

#include "../ops/support.hpp"

namespace xgrad::nn {

/// A new weight, and a bias of 0 where there is one.
template <class T>
void draw(Variable<T>& weight, Variable<T>& bias, Generator& generator) {
  weight.update([&](Array<T>& w) { kaiming_uniform(w, generator); });
  if (bias.defined()) bias.update([](Array<T>& b) { b.fill(0); });
}
/// What layers with weights have in common: a weight of this shape and a bias, unless left out.
template <class T>
void make(Variable<T>& weight, Variable<T>& bias, const Shape& shape, std::size_t outputs, bool has_bias, Where where,
          const char* layer) {
  xgrad::detail::placed(where, layer, [&] {
    weight = Variable<T>(zeros<T>(shape, Where{}), true, where);
    if (has_bias) bias = Variable<T>(zeros<T>(Shape{outputs}, Where{}), true, where);
    draw(weight, bias, default_generator());
  });
}

}  // namespace xgrad::nn

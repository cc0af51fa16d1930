#pragma once
/// What layers with weights have in common.
#include <xgrad/nn/init.hpp>

#include "../ops/support.hpp"

namespace xgrad::nn {

/// A new weight, and a bias of 0 where there is one.
template <class T>
void draw(Variable<T>& weight, Variable<T>& bias, const Init& init, Generator& generator, Where at = {}) {
  weight.update([&](Array<T>& w) { init(w, generator, at); });
  if (bias.defined()) bias.update([](Array<T>& b) { b.fill(0); });
}
/// A weight of this shape and a bias, unless left out.
template <class T>
void make(Variable<T>& weight, Variable<T>& bias, const Shape& shape, std::size_t outputs, bool has_bias, const Init& init,
          Where at, const char* layer) {
  xgrad::detail::placed(at, layer, [&] {
    weight = Variable<T>(zeros<T>(shape, Where{}), true, at);
    if (has_bias) bias = Variable<T>(zeros<T>(Shape{outputs}, Where{}), true, at);
    draw(weight, bias, init, default_generator(), at);
  });
}

}  // namespace xgrad::nn

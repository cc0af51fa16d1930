#pragma once
// What tests of convolutions compare.
#include "support.hpp"

namespace xgrad_test {

/// Numbers without a pattern.
template <class T = double>
xgrad::Variable<T> noise(const xgrad::Shape& shape, std::uint64_t seed = 1) {
  xgrad::Generator generator(seed);
  xgrad::Array<T> value(shape);
  generator.fill_uniform(value, -1, 1);
  return xgrad::Variable<T>(std::move(value), true);
}

template <class T>
bool same(const xgrad::Array<T>& x, const xgrad::Array<T>& y, double tolerance = 1e-13) {
  return x.shape() == y.shape() && is(x, std::vector<double>(y.data(), y.data() + y.size()), tolerance);
}

}  // namespace xgrad_test

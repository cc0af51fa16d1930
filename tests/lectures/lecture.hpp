#pragma once
// What the lectures share: numbers in doubles, compared to the digits that are printed.
#include "../support.hpp"

namespace lecture {

using namespace xgrad;
using xgrad_test::gradient;
using xgrad_test::is;
using xgrad_test::leaf;
using V = Variable<double>;

/// A matrix of so many columns, row by row.
inline V matrix(std::size_t columns, const std::vector<double>& values) {
  return leaf(Shape{values.size() / columns, columns}, values);
}
inline double number(const V& x) { return x.item(); }
inline double number(const V& x, std::size_t i) { return x.value().data()[i]; }
inline double number(const V& x, std::size_t i, std::size_t j) { return x.value()(i, j); }

/// Numbers without a pattern, from -1 to 1.
inline V noise(const Shape& shape, std::uint64_t seed = 1) {
  Generator generator(seed);
  return V(uniform<double>(shape, -1, 1, generator), true);
}
inline bool near(const V& a, const V& b, double tolerance = 1e-12) {
  return a.shape() == b.shape() && is(a.value(), std::vector<double>(b.value().begin(), b.value().end()), tolerance);
}

}  // namespace lecture

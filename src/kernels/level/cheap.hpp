#pragma once
/// Primitives that take a few instructions, as functions of vectors. For kernel files only.
#include <limits>

#include "vec.hpp"

namespace xgrad::kernels::XGRAD_LEVEL {
namespace {

// clang-format off
struct Neg { template <class V> V operator()(V x) const { return -x; } };
struct Abs { template <class V> V operator()(V x) const { return abs(x); } };
struct Sqrt { template <class V> V operator()(V x) const { return sqrt(x); } };
struct Square { template <class V> V operator()(V x) const { return x * x; } };
struct Relu { template <class V> V operator()(V x) const { return select(x <= V(0), V(0), x); } };  // NaN stays
struct Flush {
  template <class V> V operator()(V x) const { return select(abs(x) < V(std::numeric_limits<typename V::value_type>::min()), V(0), x); }  // NaN stays
};
struct Add { template <class V> V operator()(V a, V b) const { return a + b; } };
struct Sub { template <class V> V operator()(V a, V b) const { return a - b; } };
struct Mul { template <class V> V operator()(V a, V b) const { return a * b; } };
struct Div { template <class V> V operator()(V a, V b) const { return a / b; } };
struct Maximum { template <class V> V operator()(V a, V b) const { return maximum(a, b); } };
struct Minimum { template <class V> V operator()(V a, V b) const { return minimum(a, b); } };
// conditions are 1 or 0
struct Less { template <class V> V operator()(V a, V b) const { return select(a < b, V(1), V(0)); } };
struct LessEqual { template <class V> V operator()(V a, V b) const { return select(a <= b, V(1), V(0)); } };
struct Where { template <class V> V operator()(V c, V a, V b) const { return select(c != V(0), a, b); } };
struct Fma { template <class V> V operator()(V a, V b, V c) const { return multiply_add(a, b, c); } };
struct Fms { template <class V> V operator()(V a, V b, V c) const { return multiply_sub(a, b, c); } };
struct Fnma { template <class V> V operator()(V a, V b, V c) const { return sub_multiply(a, b, c); } };
// clang-format on

/// An operand: its elements, or one for all.
template <class T, bool scalar>
struct Stream {
  const T* p;
  Vec<T> operator[](std::size_t i) const { return load(p + i); }
};
template <class T>
struct Stream<T, true> {
  explicit Stream(const T* p) : value(*p) {}
  Vec<T> value;
  Vec<T> operator[](std::size_t) const { return value; }
};

}  // namespace
}  // namespace xgrad::kernels::XGRAD_LEVEL

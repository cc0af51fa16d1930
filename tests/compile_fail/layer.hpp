#pragma once
// A layer for the snippets. Each of them is one mistake, and its first line what the compiler's message must contain.
#include <xgrad/state/state.hpp>

template <class T>
struct Layer {
  xgrad::Variable<T> weight;
  explicit Layer(std::size_t n) : weight(xgrad::zeros<T>({n}), true) {}
  XGRAD_FIELDS(weight)
};

struct Good {
  Layer<float> layer{1};
};

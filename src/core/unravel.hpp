#pragma once
#include <cstddef>

#include <xgrad/core/array.hpp>

namespace xgrad {

/// The index of element i of a row-major array.
inline Shape unravel_index(std::size_t i, const Shape& shape) {
  Shape index = shape;
  for (std::size_t k = shape.size(); k-- > 0; i /= shape[k]) index[k] = i % shape[k];
  return index;
}

}  // namespace xgrad

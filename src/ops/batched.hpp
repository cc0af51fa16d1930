#pragma once
/// Matrices in the last two axes, a batch in the others.
#include <cstddef>
#include <vector>

#include <xgrad/ops/shape.hpp>

namespace xgrad::detail {

inline Shape batch_of(const Shape& shape) { return Shape(shape.begin(), shape.end() - 2); }

/// Which matrix of an operand with batch axes `mine` belongs to matrix `index` of the broadcast `batch`.
inline std::size_t batch_offset(std::size_t index, const Shape& batch, const Shape& mine) {
  std::size_t result = 0, stride = 1;
  for (std::size_t k = batch.size(), j = mine.size(); j-- > 0;) {
    --k;
    const std::size_t i = index % batch[k];
    index /= batch[k];
    if (mine[j] != 1) result += i * stride;
    stride *= mine[j];
  }
  return result;
}

/// Each matrix transposed.
template <class T>
Variable<T> swap_last(Variable<T> x, Where at) {
  std::vector<std::ptrdiff_t> axes(x.shape(at).size());
  for (std::size_t k = 0; k < axes.size(); ++k) axes[k] = static_cast<std::ptrdiff_t>(k);
  std::swap(axes[axes.size() - 2], axes[axes.size() - 1]);
  return permute(std::move(x), std::move(axes), at);
}

}  // namespace xgrad::detail

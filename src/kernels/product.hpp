#pragma once
#include <cstddef>

#include "gemm.hpp"

namespace xgrad::kernels {

/// As gemm without `add`, by our own kernel: for what libraries are slow at, such as results of a few columns.
template <class T>
void multiply(bool transpose_a, bool transpose_b, std::size_t m, std::size_t n, std::size_t k, const T* a, const T* b, T* c,
              RowStrides strides, const T* bias);

}  // namespace xgrad::kernels

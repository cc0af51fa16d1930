#pragma once
#include <cstddef>

#include "gemm.hpp"

namespace xgrad::kernels {

/// As gemm without `add`, by our own kernel: for what libraries are slow at, such as results of a few columns.
template <class T>
void multiply(bool transpose_a, bool transpose_b, std::size_t m, std::size_t n, std::size_t k, const T* a, const T* b, T* c,
              RowStrides strides, const T* bias);

/// Whether multiply writes c row by row, each thread some rows of it: for sums of a few terms and enough rows for every thread.
bool shares_rows(bool transpose_b, std::size_t m, std::size_t n, std::size_t k);

/// Whether multiply gives each thread some whole rows of b, and adds up what they make of them, where c is dense and there is no
/// bias: for a few rows of a and a large b. With two threads those are the rows that a thread has in its cache from products with b
/// transposed, from b's gradient and from its update. A single row is better off with oneDNN.
bool shares_terms(bool transpose_b, std::size_t m, std::size_t n, std::size_t k);

}  // namespace xgrad::kernels

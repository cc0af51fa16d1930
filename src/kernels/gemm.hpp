#pragma once
#include <cstddef>

namespace xgrad::kernels {

/// c (m, n) = a (m, k) times b (k, n), all row-major and dense; a is stored (k, m) when transpose_a, b (n, k) when transpose_b.
/// With `add` the product is added to c.
template <class T>
void gemm(bool transpose_a, bool transpose_b, std::size_t m, std::size_t n, std::size_t k, const T* a, const T* b, T* c,
          bool add = false);

}  // namespace xgrad::kernels

#pragma once
#include <cstddef>

/// What the BLAS and LAPACK do for us, for row-major dense matrices.
namespace xgrad::kernels {

/// c (m, n) = a (m, k) times b (k, n), all row-major and dense; a is stored (k, m) when transpose_a, b (n, k) when transpose_b.
/// With `add` the product is added to c, and with a bias (n) that to every row. For float by oneDNN, the BLAS or
/// our own kernel, whichever is fastest for this shape; for double by the BLAS.
template <class T>
void gemm(bool transpose_a, bool transpose_b, std::size_t m, std::size_t n, std::size_t k, const T* a, const T* b, T* c,
          bool add = false, const T* bias = nullptr);

/// Elements from one stored row of a matrix to the next.
struct RowStrides {
  std::size_t a, b, c;
};
/// ... of matrices that are column ranges of wider ones.
template <class T>
void gemm(bool transpose_a, bool transpose_b, std::size_t m, std::size_t n, std::size_t k, const T* a, const T* b, T* c,
          RowStrides strides, bool add = false, const T* bias = nullptr);

struct Triangle {
  bool lower = true;       ///< which triangle of the matrix is read
  bool transpose = false;  ///< use the triangle's transpose
  bool unit = false;       ///< its diagonal is taken for ones and not read
};

/// Solves a x = b for x, in place of b (n, k); a (n, n) is triangular. No check for zeros on the diagonal.
template <class T>
void solve_triangle(Triangle kind, std::size_t n, std::size_t k, const T* a, T* b);

/// Factors a (n, n) in place: aᵀ = P L U with row interchanges `pivots` (from 1, as LAPACK has them). So the lower triangle of a
/// becomes Uᵀ and the strict upper one Lᵀ, whose diagonal is 1. Returns the first zero pivot, from 1, or 0 when there is none.
template <class T>
int factor_lu(std::size_t n, T* a, int* pivots);

/// Replaces the lower triangle of the symmetric a (n, n) by L of a = L Lᵀ; the strict upper one is neither read nor written.
/// Returns 0, or the first k for which the leading k × k block is not positive definite.
template <class T>
int factor_cholesky(std::size_t n, T* a);

}  // namespace xgrad::kernels

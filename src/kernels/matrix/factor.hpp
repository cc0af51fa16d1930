#pragma once
#include <cstddef>

namespace xgrad::kernels {

/// Where a batch went wrong: in `matrix`, from 0, at row `row` of it. `matrix` is the size of the batch when nothing did.
struct Failure {
  std::size_t matrix, row;
};

/// factor_lu of each of `count` matrices a (count, n, n), pivots (count, n). Singular matrices are factored as well; the first of
/// them is the failure.
template <class T>
Failure factor_lu_batch(std::size_t count, std::size_t n, T* a, int* pivots);

/// Solves a x = b, or aᵀ x = b, for x, in place of b (n, k), given the factors of a by factor_lu.
template <class T>
void solve_lu(bool transpose, std::size_t n, std::size_t k, const T* factors, const int* pivots, T* b);

/// The sign of a determinant (0 when a is singular) and the logarithm of its size, from the factors by factor_lu.
template <class T>
struct LogDeterminant {
  T sign, log_size;
};
template <class T>
LogDeterminant<T> log_determinant(std::size_t n, const T* factors, const int* pivots);
template <class T>
T determinant(std::size_t n, const T* factors, const int* pivots);

/// The cofactors of a (n, n), the gradient of its determinant, also where that is 0. About 2 n³ steps.
template <class T>
void cofactors(std::size_t n, const T* a, T* out);

/// l (count, n, n): for each matrix s = (a + aᵀ) / 2 the lower triangular l of s = l lᵀ. The failure is the first one that is not
/// positive definite.
template <class T>
Failure cholesky_batch(std::size_t count, std::size_t n, const T* a, T* l);

}  // namespace xgrad::kernels

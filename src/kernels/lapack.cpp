#include "lapack.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include <xgrad/core/parallel.hpp>

#include "gemm.hpp"

namespace xgrad::kernels {
namespace {

/// factor(i), for each matrix of a batch, returns 0 or the row where it failed, from 1.
template <class F>
Failure each_matrix(std::size_t count, std::size_t n, F factor) {
  std::vector<int> info(count);
  parallel_for(count, n * n * n, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) info[i] = factor(i);
  });
  const auto failed = std::find_if(info.begin(), info.end(), [](int code) { return code > 0; });
  return {static_cast<std::size_t>(failed - info.begin()), failed == info.end() ? 0 : static_cast<std::size_t>(*failed - 1)};
}

/// The sign of the row interchanges.
template <class T>
T parity(std::size_t n, const int* pivots) {
  T sign = 1;
  for (std::size_t i = 0; i < n; ++i)
    if (pivots[i] != static_cast<int>(i + 1)) sign = -sign;
  return sign;
}

}  // namespace

template <class T>
Failure factor_lu_batch(std::size_t count, std::size_t n, T* a, int* pivots) {
  return each_matrix(count, n, [&](std::size_t i) { return factor_lu(n, a + i * n * n, pivots + i * n); });
}

// The factors of aᵀ = P L U lie in memory as Uᵀ below and Lᵀ above the diagonal, so a = Uᵀ Lᵀ Pᵀ.
template <class T>
void solve_lu(bool transpose, std::size_t n, std::size_t k, const T* factors, const int* pivots, T* b) {
  const auto interchange = [&](std::size_t i) {
    const auto j = static_cast<std::size_t>(pivots[i] - 1);
    if (j != i) std::swap_ranges(b + i * k, b + (i + 1) * k, b + j * k);
  };
  constexpr Triangle below{.lower = true}, above{.lower = false, .unit = true};
  if (transpose) {
    for (std::size_t i = 0; i < n; ++i) interchange(i);
    solve_triangle({.lower = above.lower, .transpose = true, .unit = above.unit}, n, k, factors, b);
    solve_triangle({.lower = below.lower, .transpose = true, .unit = below.unit}, n, k, factors, b);
  } else {
    solve_triangle(below, n, k, factors, b);
    solve_triangle(above, n, k, factors, b);
    for (std::size_t i = n; i-- > 0;) interchange(i);
  }
}

template <class T>
LogDeterminant<T> log_determinant(std::size_t n, const T* factors, const int* pivots) {
  LogDeterminant<T> result{parity<T>(n, pivots), 0};
  for (std::size_t i = 0; i < n; ++i) {
    const T d = factors[i * n + i];
    result.sign *= d > 0 ? T(1) : d < 0 ? T(-1) : d;  // 0 and NaN stay
    result.log_size += std::log(std::abs(d));
  }
  return result;
}

template <class T>
T determinant(std::size_t n, const T* factors, const int* pivots) {
  T result = parity<T>(n, pivots);
  for (std::size_t i = 0; i < n; ++i) result *= factors[i * n + i];
  return result;
}

template <class T>
Failure cholesky_batch(std::size_t count, std::size_t n, const T* a, T* l) {
  return each_matrix(count, n, [&](std::size_t i) {
    const T* from = a + i * n * n;
    T* to = l + i * n * n;
    for (std::size_t r = 0; r < n; ++r) {
      for (std::size_t c = 0; c <= r; ++c) to[r * n + c] = (from[r * n + c] + from[c * n + r]) / 2;
      std::fill(to + r * n + r + 1, to + (r + 1) * n, T(0));
    }
    return factor_cholesky(n, to);
  });
}

#define XGRAD_INSTANTIATE(T)                                                        \
  template Failure factor_lu_batch(std::size_t, std::size_t, T*, int*);             \
  template void solve_lu(bool, std::size_t, std::size_t, const T*, const int*, T*); \
  template LogDeterminant<T> log_determinant(std::size_t, const T*, const int*);    \
  template T determinant(std::size_t, const T*, const int*);                        \
  template Failure cholesky_batch(std::size_t, std::size_t, const T*, T*);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad::kernels

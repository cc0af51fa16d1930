#include "factor.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
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

// With row and column interchanges a = P^T L U Q^T, of which the smallest pivot comes last: with d there, u above it and U₁ beside,
// the adjugate of U is |U₁| times (d U₁⁻¹, -U₁⁻¹ u; 0, 1), that of L its inverse.
template <class T>
void cofactors(std::size_t n, const T* a, T* out) {
  std::fill_n(out, n * n, T(0));
  std::vector<T> lu(a, a + n * n), x(n * n, T(0));
  std::vector<std::size_t> rows(n), columns(n);
  std::iota(rows.begin(), rows.end(), 0);
  std::iota(columns.begin(), columns.end(), 0);
  T factor = 1;
  const auto at = [&](std::size_t i, std::size_t j) -> T& { return lu[i * n + j]; };
  for (std::size_t k = 0; k + 1 < n; ++k) {
    std::size_t row = k, column = k;
    for (std::size_t i = k; i < n; ++i)
      for (std::size_t j = k; j < n; ++j)
        if (!(std::abs(at(i, j)) <= std::abs(at(row, column)))) row = i, column = j;
    if (at(row, column) == 0) return;  // of rank n - 2 or less
    if (row != k) {
      std::swap_ranges(&at(row, 0), &at(row, 0) + n, &at(k, 0));
      std::swap(rows[row], rows[k]);
      factor = -factor;
    }
    if (column != k) {
      for (std::size_t i = 0; i < n; ++i) std::swap(at(i, column), at(i, k));
      std::swap(columns[column], columns[k]);
      factor = -factor;
    }
    factor *= at(k, k);
    for (std::size_t i = k + 1; i < n; ++i) {
      const T l = at(i, k) /= at(k, k);
      for (std::size_t j = k + 1; j < n && l != 0; ++j) at(i, j) -= l * at(k, j);
    }
  }
  for (std::size_t i = 0; i < n; ++i) {  // L⁻¹
    x[i * n + i] = 1;
    for (std::size_t k = 0; k < i; ++k)
      for (std::size_t j = 0; j <= k; ++j) x[i * n + j] -= at(i, k) * x[k * n + j];
  }
  if (n == 0) return;
  const T* const last = x.data() + (n - 1) * n;
  for (std::size_t i = n - 1; i-- > 0;) {
    T* const row = x.data() + i * n;
    for (std::size_t j = 0; j < n; ++j) row[j] = at(n - 1, n - 1) * row[j] - at(i, n - 1) * last[j];
    for (std::size_t k = i + 1; k + 1 < n; ++k)
      for (std::size_t j = 0; j < n; ++j) row[j] -= at(i, k) * x[k * n + j];
    for (std::size_t j = 0; j < n; ++j) row[j] /= at(i, i);
  }
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) out[rows[j] * n + columns[i]] = factor * x[i * n + j];
}

#define XGRAD_INSTANTIATE(T)                                                        \
  template Failure factor_lu_batch(std::size_t, std::size_t, T*, int*);             \
  template void solve_lu(bool, std::size_t, std::size_t, const T*, const int*, T*); \
  template LogDeterminant<T> log_determinant(std::size_t, const T*, const int*);    \
  template T determinant(std::size_t, const T*, const int*);                        \
  template void cofactors(std::size_t, const T*, T*);                               \
  template Failure cholesky_batch(std::size_t, std::size_t, const T*, T*);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad::kernels

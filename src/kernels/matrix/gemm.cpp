#include "gemm.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <type_traits>

#include <xgrad/core/error.hpp>
#include <xgrad/core/parallel.hpp>

#include "../../core/openmp.hpp"
#include "../array/sum.hpp"
#include "../libraries.hpp"
#include "../onednn/onednn.hpp"
#include "../scratch.hpp"
#include "../table.hpp"
#include "multiply.hpp"

// xtensor-blas brings cxxblas and cxxlapack, which call the CBLAS and LAPACK for float and double. Included here only: they are
// slow to compile. All of cxxlapack would be slower still. xblas.hpp of 0.21 includes its configuration too late, and cxxblas,
// without a word, has loops of its own in place of the CBLAS then.
#include <xtensor-blas/xblas_config.hpp>

#include <xtensor-blas/xblas.hpp>
#ifndef HAVE_CBLAS
#error "xtensor-blas would multiply without a CBLAS; it must be configured to use one (without XTENSOR_USE_FLENS_BLAS)"
#endif

#include <xflens/cxxlapack/interface/getrf.h>
#include <xflens/cxxlapack/interface/potrf.h>

#include <xflens/cxxlapack/interface/getrf.tcc>
#include <xflens/cxxlapack/interface/potrf.tcc>

namespace xgrad::kernels {
namespace {

xt::blas_index_t whole(std::size_t x) {
  if (x > static_cast<std::size_t>(std::numeric_limits<xt::blas_index_t>::max()))
    throw ShapeError("a matrix with an axis of " + std::to_string(x) + " is more than the BLAS can multiply; it must be split");
  return static_cast<xt::blas_index_t>(x);
}

/// Every row of c (m, n) becomes `row`. Where rows follow one another, what is there is copied in ever longer pieces.
template <class T>
void fill_rows(T* c, const T* row, std::size_t m, std::size_t n, std::size_t stride) {
  parallel_for(m, n, [&](std::size_t begin, std::size_t end) {
    if (stride != n) {
      for (std::size_t i = begin; i < end; ++i) std::copy_n(row, n, c + i * stride);
      return;
    }
    T* const first = c + begin * n;
    const std::size_t size = (end - begin) * n;
    std::copy_n(row, n, first);
    for (std::size_t done = n; done < size; done += std::min(done, size - done))
      std::copy_n(first, std::min(done, size - done), first + done);
  });
}

enum class Maker { onednn, blas, ours };

/// Who multiplies floats fastest, by measurements that docs/measurements.md has.
Maker by_rule(bool transpose_b, std::size_t m, std::size_t n, std::size_t k) {
  constexpr std::size_t few = std::size_t{1} << 16, many = std::size_t{1} << 23;
  const std::size_t products = m * n * k;
  if (!above_base() || k == 0) return onednn::available ? Maker::onednn : Maker::blas;
  if (!onednn::available) return products <= many || n <= 64 || k <= 128 ? Maker::ours : Maker::blas;
  if (onednn::wide()) {
    if (shares_rows(transpose_b, m, n, k) && m * n <= 32 * few) return Maker::ours;  // and c fits the caches
    if (shares_terms(transpose_b, m, n, k)) return Maker::ours;
    const bool packs = transpose_b && m > 16;  // oneDNN packs b then, which is better than to read it where it lies
    const std::size_t small = (std::min(m, n) == 1 ? 2 : packs ? 4 : 8) * few;
    return products <= small || (transpose_b && !packs && products >= 32 * few && k <= 2048) ? Maker::ours : Maker::onednn;
  }
  if (products <= few || (k <= 128 && std::min(m, n) >= 16 && m * n >= 4 * few && !transpose_b)) return Maker::ours;
  return std::min({m, n, k}) >= 512 && openblas_with_openmp() ? Maker::blas : Maker::onednn;
}

/// On the calling thread, unless the BLAS has threads of its own.
template <class T>
void by_library(Maker maker, bool transpose_a, bool transpose_b, std::size_t m, std::size_t n, std::size_t k, const T* a,
                const T* b, T* c, RowStrides strides, bool add, const T* bias) {
  if constexpr (std::is_same_v<T, float>)
    if (maker == Maker::onednn && onednn::gemm(transpose_a, transpose_b, m, n, k, a, b, c, strides, add, bias)) return;
  if (bias) {
    if (add)
      for (std::size_t i = 0; i < m; ++i)
        for (std::size_t j = 0; j < n; ++j) c[i * strides.c + j] += bias[j];
    else
      fill_rows(c, bias, m, n, strides.c);
    return by_library<T>(maker, transpose_a, transpose_b, m, n, k, a, b, c, strides, true, nullptr);
  }
  if (k == 0) {
    for (std::size_t i = 0; i < m && !add; ++i) std::fill_n(c + i * strides.c, n, T(0));
    return;
  }
  const OneThread alone;
  cxxblas::gemm(cxxblas::RowMajor, transpose_a ? cxxblas::Trans : cxxblas::NoTrans, transpose_b ? cxxblas::Trans : cxxblas::NoTrans,
                whole(m), whole(n), whole(k), T(1), a, whole(strides.a), b, whole(strides.b), add ? T(1) : T(0), c,
                whole(strides.c));
}

constexpr std::size_t products_at_a_time = 16;  // that take as long as one element of other loops
constexpr std::size_t row_step = 16, column_step = 48, least_terms = 64;

template <class T>
void product(bool transpose_a, bool transpose_b, std::size_t m, std::size_t n, std::size_t k, const T* a, const T* b, T* c,
             RowStrides strides, bool add, const T* bias) {
  Maker maker = Maker::blas;
  if constexpr (std::is_same_v<T, float>) {
    maker = by_rule(transpose_b, m, n, k);
    if (maker == Maker::ours && !add) return multiply(transpose_a, transpose_b, m, n, k, a, b, c, strides, bias);
    if (maker == Maker::ours) maker = Maker::onednn;
  }
  // The terms, the rows or the columns are shared out. Rows or columns such that what every thread packs for itself is the smaller.
  const auto part = [&](std::size_t i, std::size_t rows, std::size_t j, std::size_t columns, std::size_t p, std::size_t terms,
                        T* to, std::size_t to_row, bool more, const T* row) {
    by_library(maker, transpose_a, transpose_b, rows, columns, terms, a + (transpose_a ? p * strides.a + i : i * strides.a + p),
               b + (transpose_b ? j * strides.b + p : p * strides.b + j), to, {strides.a, strides.b, to_row}, more, row);
  };
  const std::size_t work = m * n * k / products_at_a_time + 1, parts = static_cast<std::size_t>(num_threads());
  if (parts == 1 || work < parallel_threshold || (maker == Maker::blas && blas_has_own_threads()))
    return part(0, m, 0, n, 0, k, c, strides.c, add, bias);
  if (k >= 8 * (m + n) && k >= least_terms * parts) {
    const Scratch<T> sums(parts * m * n), total(add || strides.c != n ? m * n : 0);
    parallel_for(parts, work, [&](std::size_t begin, std::size_t end) {
      for (std::size_t t = begin; t < end; ++t) {
        const std::size_t first = k * t / parts, last = k * (t + 1) / parts;
        part(0, m, 0, n, first, last - first, sums.data() + t * m * n, n, false, t == 0 ? bias : nullptr);
      }
    });
    const bool direct = !add && strides.c == n;
    sum(sums.data(), direct ? c : total.data(), 1, parts, m * n);
    for (std::size_t i = 0; i < m && !direct; ++i)
      for (std::size_t j = 0; j < n; ++j) c[i * strides.c + j] = total.data()[i * n + j] + (add ? c[i * strides.c + j] : T(0));
    return;
  }
  if (m >= n || n < 2 * column_step)
    parallel_for(
        m, n * k / products_at_a_time + 1,
        [&](std::size_t i, std::size_t end) { part(i, end - i, 0, n, 0, k, c + i * strides.c, strides.c, add, bias); }, row_step);
  else
    parallel_for(
        n, m * k / products_at_a_time + 1,
        [&](std::size_t j, std::size_t end) { part(0, m, j, end - j, 0, k, c + j, strides.c, add, bias ? bias + j : nullptr); },
        column_step);
}

// All of these add up a sum in blocks of a few hundred terms, one block after the other. Where the terms are very many the sum is
// cut into parts, which do not depend on the number of threads, and the parts are added in pairs.

/// Terms of a sum that is cut, and of its parts. Of one row or column some libraries add all terms one by one, and oneDNN 3 does so
/// with as many as 4096 of any: equal terms come out 1.1e-5 off.
constexpr std::size_t long_sum = std::size_t{1} << 13;
constexpr std::size_t part_of_sum(bool single) { return std::size_t{1} << (single ? 9 : 10); }

/// c (m, n), dense, = a b.
template <class T>
void long_product(bool transpose_a, bool transpose_b, std::size_t m, std::size_t n, std::size_t k, const T* a, const T* b, T* c,
                  RowStrides strides) {
  constexpr std::size_t most_room = std::size_t{1} << 22;
  const std::size_t part_terms = part_of_sum(m == 1 || n == 1), parts = (k + part_terms - 1) / part_terms;
  const std::size_t step_a = transpose_a ? strides.a : 1, step_b = transpose_b ? 1 : strides.b;
  const RowStrides dense{strides.a, strides.b, n};
  if (parts < 2) return product<T>(transpose_a, transpose_b, m, n, k, a, b, c, dense, false, nullptr);
  if (m * n <= std::size_t{1} << 14 && parts * m * n <= most_room) {  // small results: the threads share out the parts
    const Scratch<T> room(parts * m * n);
    parallel_for(parts, part_terms * m * n, [&](std::size_t begin, std::size_t end) {
      const SignalsWait quiet;
      for (std::size_t p = begin; p < end; ++p)
        product<T>(transpose_a, transpose_b, m, n, std::min(part_terms, k - p * part_terms), a + p * part_terms * step_a,
                   b + p * part_terms * step_b, room.data() + p * m * n, dense, false, nullptr);
    });
    return sum(room.data(), c, 1, parts, m * n);
  }
  const std::size_t half = parts / 2 * part_terms;
  const Scratch<T> room(m * n);
  long_product(transpose_a, transpose_b, m, n, half, a, b, c, strides);
  long_product(transpose_a, transpose_b, m, n, k - half, a + half * step_a, b + half * step_b, room.data(), strides);
  add_to(c, room.data(), m * n);
}

}  // namespace

template <class T>
void gemm(bool transpose_a, bool transpose_b, std::size_t m, std::size_t n, std::size_t k, const T* a, const T* b, T* c,
          RowStrides strides, bool add, const T* bias) {
  if (m == 0 || n == 0) return;
  if (k < long_sum) return product(transpose_a, transpose_b, m, n, k, a, b, c, strides, add, bias);
  const bool in_place = strides.c == n && !add;
  const Scratch<T> room(in_place ? 0 : m * n);
  long_product(transpose_a, transpose_b, m, n, k, a, b, in_place ? c : room.data(), strides);
  for (std::size_t i = 0; i < m && (bias || !in_place); ++i)
    for (std::size_t j = 0; j < n; ++j) {
      T& to = c[i * strides.c + j];
      if (!in_place) to = room.data()[i * n + j] + (add ? to : T(0));
      if (bias) to += bias[j];
    }
}

template <class T>
void gemm(bool transpose_a, bool transpose_b, std::size_t m, std::size_t n, std::size_t k, const T* a, const T* b, T* c, bool add,
          const T* bias) {
  gemm(transpose_a, transpose_b, m, n, k, a, b, c, {transpose_a ? m : k, transpose_b ? k : n, n}, add, bias);
}

template <class T>
void solve_triangle(Triangle kind, std::size_t n, std::size_t k, const T* a, T* b) {
  if (n == 0 || k == 0) return;
  const OneThread alone;
  cxxblas::trsm(cxxblas::RowMajor, cxxblas::Left, kind.lower ? cxxblas::Lower : cxxblas::Upper,
                kind.transpose ? cxxblas::Trans : cxxblas::NoTrans, kind.unit ? cxxblas::Unit : cxxblas::NonUnit, whole(n),
                whole(k), T(1), a, whole(n), b, whole(k));
}

// LAPACK's matrices are column-major: it sees ours transposed.

template <class T>
int factor_lu(std::size_t n, T* a, int* pivots) {
  const OneThread alone;
  return n == 0 ? 0 : cxxlapack::getrf(whole(n), whole(n), a, whole(n), pivots);
}

template <class T>
int factor_cholesky(std::size_t n, T* a) {
  const OneThread alone;
  return n == 0 ? 0 : cxxlapack::potrf('U', whole(n), a, whole(n));
}

#define XGRAD_INSTANTIATE(T)                                                                                                 \
  template void gemm(bool, bool, std::size_t, std::size_t, std::size_t, const T*, const T*, T*, RowStrides, bool, const T*); \
  template void gemm(bool, bool, std::size_t, std::size_t, std::size_t, const T*, const T*, T*, bool, const T*);             \
  template void solve_triangle(Triangle, std::size_t, std::size_t, const T*, T*);                                            \
  template int factor_lu(std::size_t, T*, int*);                                                                             \
  template int factor_cholesky(std::size_t, T*);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad::kernels

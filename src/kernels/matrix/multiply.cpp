#include "multiply.hpp"

#include <algorithm>

#include <xgrad/core/parallel.hpp>

#include "../array/sum.hpp"
#include "../scratch.hpp"
#include "../table.hpp"

namespace xgrad::kernels {
namespace {

// As in Goto and van de Geijn, "Anatomy of high-performance matrix multiplication" (2008): a panel of b stays in the first-level
// cache while the rows of a block of a, which stays in the second, meet it.
constexpr std::size_t block_k = 384, block_m = 96, block_n = 1024;
constexpr std::size_t block_along = 2048;                  // of rows that meet rows
constexpr std::size_t few_rows = 16, few_elements = 8192;  // of a left and a right matrix for which packing does not pay
constexpr std::size_t long_row = 256;                      // worth writing on its own
constexpr std::size_t terms_at_a_time = 16;                // products that take as long as one element of other loops
constexpr std::size_t least_part = 64;                     // of a sum that threads share

/// c, rather than a and b, is most of the work.
bool is_short(std::size_t m, std::size_t n, std::size_t k) { return k > 0 && k <= short_sum && n >= long_row && m >= 2 * few_rows; }

template <class T>
struct Matrix {
  T* data;
  std::size_t row;  ///< from one stored row to the next
  bool transposed;

  T* at(std::size_t i, std::size_t j) const { return data + (transposed ? j * row + i : i * row + j); }
};

template <class T>
void copy_rows(const T* from, std::size_t row, std::size_t rows, std::size_t columns, T* to, std::size_t to_row) {
  for (std::size_t i = 0; i < rows; ++i) std::copy_n(from + i * row, columns, to + i * to_row);
}

/// Rows [p, p + k) and columns [j, j + n) of b as panels (k, panel_width), the last one filled up with zeros.
template <class T>
void pack_panels(const Matrix<const T>& b, std::size_t p, std::size_t k, std::size_t j, std::size_t n, T* to) {
  for (const std::size_t end = j + n; j < end; j += panel_width, to += k * panel_width) {
    const std::size_t width = std::min(panel_width, end - j);
    if (width < panel_width) std::fill_n(to, k * panel_width, T(0));
    if (!b.transposed)
      copy_rows(b.at(p, j), b.row, k, width, to, panel_width);
    else
      for (std::size_t u = 0; u < width; ++u) {
        const T* from = b.at(p, j + u);
        for (std::size_t q = 0; q < k; ++q) to[q * panel_width + u] = from[q];
      }
  }
}

/// c (m, n), `c_row` from row to row, becomes a b, or with `add` c + a b: for rows from a's `i`, columns from b's `j` and terms
/// from `p` on. On one thread.
template <class T>
void multiply_range(const Matrix<const T>& a, const Matrix<const T>& b, T* c, std::size_t c_row, std::size_t i, std::size_t m,
                    std::size_t j, std::size_t n, std::size_t p, std::size_t k, bool add) {
  const Table<T>& kernels = table<T>();
  const std::size_t row = a.transposed ? 1 : a.row, step = a.transposed ? a.row : 1;
  if (b.transposed && !a.transposed && m <= 2 * few_rows) {  // both lie along the sum
    for (std::size_t q = 0; q < k; q += block_along)
      kernels.multiply_transposed(m, n, std::min(block_along, k - q), a.at(i, p + q), a.row, b.at(p + q, j), b.row, c, c_row,
                                  add || q > 0);
    return;
  }
  if (is_short(m, n, k) && !b.transposed && !add) {
    const std::size_t columns = n / panel_width * panel_width;
    const Scratch<T> panels(k * std::min(columns, block_n));
    for (std::size_t v = 0; v < columns; v += block_n) {
      const std::size_t some = std::min(block_n, columns - v);
      pack_panels(b, p, k, j + v, some, panels.data());
      kernels.multiply_short(m, k, a.at(i, p), row, step, panels.data(), some / panel_width, c + v, c_row);
    }
    j += columns;
    c += columns;
    n -= columns;
    if (n == 0) return;
  }
  if (!b.transposed && (m <= few_rows || n * k <= few_elements)) {  // not worth packing
    for (std::size_t u = 0; u < m; u += few_rows)
      for (std::size_t q = 0; q < k; q += block_k)
        kernels.multiply_panels(std::min(few_rows, m - u), std::min(block_k, k - q), a.at(i + u, p + q), row, step, b.at(p + q, j),
                                b.row, n / panel_width, panel_width, c + u * c_row, c_row, add || q > 0);
    j += n / panel_width * panel_width;
    c += n / panel_width * panel_width;
    n %= panel_width;
  }
  if (n == 0) return;
  const std::size_t some_k = std::min(k, block_k), some_m = std::min(m, block_m), some_n = std::min(n, block_n);
  const Scratch<T> panels(some_k * (some_n + panel_width)), block(some_m * some_k), narrow(some_m * panel_width);
  for (std::size_t v = 0; v < n; v += block_n)
    for (std::size_t q = 0; q < k; q += block_k) {
      const std::size_t columns = std::min(block_n, n - v), terms = std::min(block_k, k - q);
      const std::size_t whole = columns / panel_width, rest = columns % panel_width;
      const bool more = add || q > 0;
      pack_panels(b, p + q, terms, j + v, columns, panels.data());
      for (std::size_t u = 0; u < m; u += block_m) {
        const std::size_t rows = std::min(block_m, m - u);
        Matrix<const T> left{a.at(i + u, p + q), a.row, a.transposed};
        if (columns > 2 * panel_width) {  // else it is read once or twice, where it is
          left.row = a.transposed ? rows : terms;
          copy_rows(left.data, a.row, a.transposed ? terms : rows, left.row, block.data(), left.row);
          left.data = block.data();
        }
        const auto times = [&](const T* from, std::size_t count, T* to, std::size_t to_row, bool on_top) {
          kernels.multiply_panels(rows, terms, left.data, left.transposed ? 1 : left.row, left.transposed ? left.row : 1, from,
                                  panel_width, count, terms * panel_width, to, to_row, on_top);
        };
        T* const to = c + u * c_row + v;
        times(panels.data(), whole, to, c_row, more);
        if (rest == 0) continue;
        times(panels.data() + whole * panel_width * terms, 1, narrow.data(), panel_width, false);
        for (std::size_t r = 0; r < rows; ++r)
          for (std::size_t s = 0; s < rest; ++s) {
            T& sum = to[r * c_row + whole * panel_width + s];
            sum = narrow.data()[r * panel_width + s] + (more ? sum : T(0));
          }
      }
    }
}

}  // namespace

bool shares_rows(bool transpose_b, std::size_t m, std::size_t n, std::size_t k) {
  return !transpose_b && is_short(m / static_cast<std::size_t>(num_threads()), n, k);
}

bool shares_terms(bool transpose_b, std::size_t m, std::size_t n, std::size_t k) {
  const auto threads = static_cast<std::size_t>(num_threads());
  return threads > 1 && k >= least_part * threads && !transpose_b && m > 1 && m <= few_rows / 2 && n >= 2 * long_row &&
         n * k >= std::size_t{1} << 18;
}

template <class T>
void multiply(bool transpose_a, bool transpose_b, std::size_t m, std::size_t n, std::size_t k, const T* a, const T* b, T* c,
              RowStrides strides, const T* bias) {
  if (n == 1 && !transpose_b && strides.b == 1) transpose_b = true, strides.b = k;
  if (m == 1 && transpose_a && strides.a == 1) transpose_a = false, strides.a = k;
  if (n == 1 && m > 1 && !bias && strides.c == 1 && (transpose_b || strides.b == 1))  // a column is a row, transposed
    return multiply(false, !transpose_a, 1, m, k, b, a, c, {k, strides.a, m}, bias);
  const Matrix<const T> left{a, strides.a, transpose_a}, right{b, strides.b, transpose_b};
  const auto part = [&](std::size_t i, std::size_t rows, std::size_t j, std::size_t columns) {
    for (std::size_t r = i; r < i + rows && bias; ++r) std::copy_n(bias + j, columns, c + r * strides.c + j);
    multiply_range(left, right, c + i * strides.c + j, strides.c, i, rows, j, columns, 0, k, bias != nullptr);
  };
  const auto work = [](std::size_t products) { return products / terms_at_a_time + 1; };
  const std::size_t parts = std::min(static_cast<std::size_t>(num_threads()), k / least_part);
  const bool long_sums = k >= 8 * (m + n) && work(k * m * n) >= parallel_threshold;
  if (parts > 1 && (long_sums || shares_terms(transpose_b, m, n, k)) && !bias && strides.c == n) {  // every thread sums a part
    const Scratch<T> sums(parts * m * n);
    parallel_for(parts, work(m * n * k), [&](std::size_t begin, std::size_t end) {
      for (std::size_t t = begin; t < end; ++t) {
        const std::size_t p = k * t / parts, last = k * (t + 1) / parts;
        multiply_range(left, right, sums.data() + t * m * n, n, 0, m, 0, n, p, last - p, false);
      }
    });
    return sum(sums.data(), c, 1, parts, m * n);
  }
  // ranges of whole groups of rows, but for their ends
  if (m >= n || n < 2 * panel_width || shares_rows(transpose_b, m, n, k))
    parallel_for(
        m, work(n * k), [&](std::size_t begin, std::size_t end) { part(begin, end - begin, 0, n); }, 16);
  else
    parallel_for(
        n, work(m * k), [&](std::size_t begin, std::size_t end) { part(0, m, begin, end - begin); }, panel_width);
}

template void multiply(bool, bool, std::size_t, std::size_t, std::size_t, const float*, const float*, float*, RowStrides,
                       const float*);

}  // namespace xgrad::kernels

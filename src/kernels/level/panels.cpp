// Small matrix products that live in registers. Compiled once per level.
#include "../table.hpp"
#include "vec.hpp"

namespace xgrad::kernels::XGRAD_LEVEL {
namespace {

template <class T>
constexpr std::size_t across = panel_width / Vec<T>::size;
/// So many vectors hold sums, which leaves registers for a and b: 12 of 16, and of 32 enough to keep two multipliers busy.
template <class T>
constexpr std::size_t most_sums = sizeof(Vec<T>) == 64 ? 16 : 12;
/// ... and so many rows of that many panels do.
template <std::size_t panels, class T>
constexpr std::size_t most_rows = panels == 1 && across<T> > most_sums<T> ? 1 : most_sums<T> / (panels * across<T>);

/// The right matrix, in panels.
template <class T>
struct Panels {
  const T* data;
  std::size_t row, panel;  ///< from row to row, and from panel to panel
};

/// Rows of a are reached from every fourth of them, and the function stands alone: there are only so many registers for addresses.
/// By value `right` would be copied for every call: 16 bytes that had just been stored as two times 8, which no processor forwards,
/// so that the load waits until all stores before it are done, those to c too.
template <std::size_t rows, std::size_t panels, class T>
[[gnu::noinline]] void multiply_rows(std::size_t k, const T* a, std::size_t a_row, std::size_t a_step, const Panels<T>& right, T* c,
                                     std::size_t c_row, bool add) {
  Panels<T> b = right;
  constexpr std::size_t width = Vec<T>::size, vectors = panels * across<T>;
  Vec<T> sums[rows][vectors];
#pragma GCC unroll 16
  for (std::size_t i = 0; i < rows; ++i)
#pragma GCC unroll 16
    for (std::size_t j = 0; j < vectors; ++j) sums[i][j] = Vec<T>(T(0));
  if (add)  // what will be needed at the end
    for (std::size_t i = 0; i < rows; ++i) __builtin_prefetch(c + i * c_row, 1);
  const T* fourth[(rows + 3) / 4];
#pragma GCC unroll 4
  for (std::size_t i = 0; i < rows; i += 4) fourth[i / 4] = a + i * a_row;
  constexpr std::size_t rows_ahead = 16;
  const bool far = width > 1 && b.row * sizeof(T) >= 2048;  // two rows a page: processors do not fetch those ahead by themselves
  for (std::size_t p = 0; p < k; ++p, b.data += b.row) {
    if (far)
#pragma GCC unroll 4
      for (std::size_t j = 0; j < panels; ++j) __builtin_prefetch(b.data + rows_ahead * b.row + j * b.panel);
    Vec<T> row[vectors];
#pragma GCC unroll 16
    for (std::size_t j = 0; j < vectors; ++j) row[j] = load(b.data + j / across<T> * b.panel + j % across<T> * width);
#pragma GCC unroll 16
    for (std::size_t i = 0; i < rows; ++i) {
      const Vec<T> x(fourth[i / 4][i % 4 * a_row]);
#pragma GCC unroll 16
      for (std::size_t j = 0; j < vectors; ++j) sums[i][j] = multiply_add(x, row[j], sums[i][j]);
    }
#pragma GCC unroll 4
    for (std::size_t i = 0; i < rows; i += 4) fourth[i / 4] += a_step;
  }
#pragma GCC unroll 16
  for (std::size_t i = 0; i < rows; ++i)
#pragma GCC unroll 16
    for (std::size_t j = 0; j < vectors; ++j) {
      T* const to = c + i * c_row + j * width;
      store(to, add ? load(to) + sums[i][j] : sums[i][j]);
    }
}

/// What is left after the last whole group of rows: fewer than `rows`.
template <std::size_t rows, std::size_t panels, class T, class... Rest>
void multiply_rest(std::size_t m, const Rest&... rest) {
  if constexpr (rows > 1) {
    if (m < rows - 1) return multiply_rest<rows - 1, panels, T>(m, rest...);
    multiply_rows<rows - 1, panels, T>(rest...);
  }
}

template <std::size_t panels, class T>
void multiply_group(std::size_t m, std::size_t k, const T* a, std::size_t a_row, std::size_t a_step, const Panels<T>& b, T* c,
                    std::size_t c_row, bool add) {
  constexpr std::size_t rows = most_rows<panels, T>;
  for (; m >= rows; m -= rows, a += rows * a_row, c += rows * c_row)
    multiply_rows<rows, panels, T>(k, a, a_row, a_step, b, c, c_row, add);
  if (m > 0) multiply_rest<rows, panels, T>(m, k, a, a_row, a_step, b, c, c_row, add);
}

/// c = a b for as many terms: along the rows of c, whose elements of a are in registers.
template <std::size_t rows, std::size_t terms, class T>
void multiply_terms(const T* a, std::size_t a_row, std::size_t a_step, const T* b, std::size_t panels, T* c, std::size_t c_row) {
  constexpr std::size_t width = Vec<T>::size;
  Vec<T> factors[rows][terms];
#pragma GCC unroll 16
  for (std::size_t i = 0; i < rows; ++i)
#pragma GCC unroll 16
    for (std::size_t p = 0; p < terms; ++p) factors[i][p] = Vec<T>(a[i * a_row + p * a_step]);
  for (; panels > 0; --panels, b += terms * panel_width, c += panel_width)
    for (std::size_t j = 0; j < panel_width; j += width) {
      Vec<T> sums[rows];
      if constexpr (terms > 2 && width > 1)  // the rows of c that come next; with one or two terms that costs more than it gains
#pragma GCC unroll 16
        for (std::size_t i = 0; i < rows; ++i) __builtin_prefetch(c + (rows + i) * c_row + j, 1);
#pragma GCC unroll 16
      for (std::size_t p = 0; p < terms; ++p) {
        const Vec<T> x = load(b + p * panel_width + j);
#pragma GCC unroll 16
        for (std::size_t i = 0; i < rows; ++i) sums[i] = p == 0 ? factors[i][p] * x : multiply_add(factors[i][p], x, sums[i]);
      }
#pragma GCC unroll 16
      for (std::size_t i = 0; i < rows; ++i) store(c + i * c_row + j, sums[i]);
    }
}

template <std::size_t terms, class T>
void multiply_short(std::size_t m, std::size_t k, const T* a, std::size_t a_row, std::size_t a_step, const T* b, std::size_t panels,
                    T* c, std::size_t c_row) {
  if constexpr (terms > 1)
    if (k < terms) return multiply_short<terms - 1>(m, k, a, a_row, a_step, b, panels, c, c_row);
  constexpr std::size_t rows = sizeof(Vec<T>) == 64 ? 2 : 1;
  for (; m >= rows; m -= rows, a += rows * a_row, c += rows * c_row)
    multiply_terms<rows, terms>(a, a_row, a_step, b, panels, c, c_row);
  if (m > 0) multiply_terms<1, terms>(a, a_row, a_step, b, panels, c, c_row);
}

/// In groups of four panels where there are few rows, else of two if that is two vectors, else of one.
template <class T>
void multiply_panels(std::size_t m, std::size_t k, const T* a, std::size_t a_row, std::size_t a_step, const T* b, std::size_t b_row,
                     std::size_t panels, std::size_t b_panel, T* c, std::size_t c_row, bool add) {
  const auto all = [&]<std::size_t group>() {
    for (; panels >= group; panels -= group, b += group * b_panel, c += group * panel_width)
      multiply_group<group, T>(m, k, a, a_row, a_step, {b, b_row, b_panel}, c, c_row, add);
  };
  if constexpr (most_rows < 4, T >> 0)
    if (m <= most_rows<4, T>) all.template operator()<4>();
  if constexpr (most_rows < 2, T >> 0)
    if (across<T> == 1 || m <= most_rows<2, T>) all.template operator()<2>();
  all.template operator()<1>();
}

/// 0, 1, 2 …
template <class T>
struct Places {
  alignas(64) T x[Vec<T>::size]{};
  constexpr Places() {
    for (std::size_t k = 0; k < Vec<T>::size; ++k) x[k] = T(k);
  }
};

/// The last `count` elements before `end`, behind zeros.
template <class T>
Vec<T> last_lanes(const T* end, std::size_t count) {
  static constexpr Places<T> places;
  return select(load(places.x) < Vec<T>(T(Vec<T>::size - count)), Vec<T>(T(0)), load(end - Vec<T>::size));
}

template <std::size_t rows, std::size_t columns, class T>
void multiply_dots(std::size_t k, const T* a, std::size_t a_row, const T* b, std::size_t b_row, T* c, std::size_t c_row, bool add) {
  constexpr std::size_t width = Vec<T>::size;
  Vec<T> sums[rows][columns];
#pragma GCC unroll 4
  for (std::size_t i = 0; i < rows; ++i)
#pragma GCC unroll 4
    for (std::size_t j = 0; j < columns; ++j) sums[i][j] = Vec<T>(T(0));
  const auto step = [&](auto get) {
    Vec<T> right[columns];
#pragma GCC unroll 4
    for (std::size_t j = 0; j < columns; ++j) right[j] = get(b + j * b_row);
#pragma GCC unroll 4
    for (std::size_t i = 0; i < rows; ++i) {
      const Vec<T> left = get(a + i * a_row);
#pragma GCC unroll 4
      for (std::size_t j = 0; j < columns; ++j) sums[i][j] = multiply_add(left, right[j], sums[i][j]);
    }
  };
  std::size_t p = 0;
  for (; p + width <= k; p += width) step([&](const T* x) { return load(x + p); });
  if (p > 0 && p < k) step([&](const T* x) { return last_lanes(x + k, k - p); });
#pragma GCC unroll 4
  for (std::size_t i = 0; i < rows; ++i)
#pragma GCC unroll 4
    for (std::size_t j = 0; j < columns; ++j) {
      T sum = p > 0 ? add_lanes(sums[i][j]) : T(0);
      for (std::size_t q = p; p == 0 && q < k; ++q) sum += a[i * a_row + q] * b[j * b_row + q];
      T& to = c[i * c_row + j];
      to = add ? to + sum : sum;
    }
}

template <std::size_t columns, class T>
void multiply_columns(std::size_t m, std::size_t k, const T* a, std::size_t a_row, const T* b, std::size_t b_row, T* c,
                      std::size_t c_row, bool add) {
  constexpr std::size_t rows = most_sums<T> >= 16 ? 4 : 2;
  for (; m >= rows; m -= rows, a += rows * a_row, c += rows * c_row)
    multiply_dots<rows, columns>(k, a, a_row, b, b_row, c, c_row, add);
  for (; m > 0; --m, a += a_row, c += c_row) multiply_dots<1, columns>(k, a, a_row, b, b_row, c, c_row, add);
}

template <class T>
void multiply_transposed(std::size_t m, std::size_t n, std::size_t k, const T* a, std::size_t a_row, const T* b, std::size_t b_row,
                         T* c, std::size_t c_row, bool add) {
  constexpr std::size_t columns = 4;
  for (; n >= columns; n -= columns, b += columns * b_row, c += columns)
    multiply_columns<columns>(m, k, a, a_row, b, b_row, c, c_row, add);
  for (; n > 0; --n, b += b_row, ++c) multiply_columns<1>(m, k, a, a_row, b, b_row, c, c_row, add);
}

template <class T>
void fill(Table<T>& table) {
  table.multiply_panels = multiply_panels<T>;
  table.multiply_short = multiply_short<short_sum, T>;
  table.multiply_transposed = multiply_transposed<T>;
}

}  // namespace

void fill_multiply(Table<float>& table) { fill(table); }
void fill_multiply(Table<double>& table) { fill(table); }

}  // namespace xgrad::kernels::XGRAD_LEVEL

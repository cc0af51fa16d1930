// Kernels along one contiguous row, and of rows below each other. Compiled once per level.
#include "../table.hpp"
#include "exp.hpp"
#include "vec.hpp"

namespace xgrad::kernels::XGRAD_LEVEL {
namespace {

/// Long rows are read in four quarters side by side: a processor fetches four streams ahead faster than one. This many additions go
/// one after the other into a vector, and as many of such sums into the next; longer rows are halved.
constexpr std::size_t in_a_row = 32;
template <class T>
constexpr std::size_t block = in_a_row* in_a_row * 4 * Vec<T>::size;

/// Every step-th vector before n of four streams.
template <class T>
Vec<T> sum_streams(const T* x, std::size_t n, std::size_t distance, std::size_t step) {
  Vec<T> a = load(x), b = load(x + distance), c = load(x + 2 * distance), d = load(x + 3 * distance);
  for (std::size_t i = step; i < n; i += step) {
    a = a + load(x + i);
    b = b + load(x + distance + i);
    c = c + load(x + 2 * distance + i);
    d = d + load(x + 3 * distance + i);
  }
  return (a + b) + (c + d);
}

template <class T>
[[gnu::always_inline]] inline T sum_block(const T* x, std::size_t n) {
  constexpr std::size_t width = Vec<T>::size, few = 4 * in_a_row * width;
  Vec<T> all(T(0));
  std::size_t i = 0;
  if (n > few) {
    const std::size_t quarter = n / (4 * width) * width;
    for (std::size_t k = 0; k < quarter; k += in_a_row * width) {
      const std::size_t left = quarter - k;
      all = all + sum_streams(x + k, left < in_a_row * width ? left : in_a_row * width, quarter, width);
    }
    i = 4 * quarter;
  } else if (n >= 4 * width) {
    i = n / (4 * width) * (4 * width);
    all = sum_streams(x, i, width, 4 * width);
  }
  for (; i + width <= n; i += width) all = all + load(x + i);
  T rest = 0;
  for (; i < n; ++i) rest += x[i];
  return n < width ? rest : add_lanes(all) + rest;
}

template <class T>
T sum_row(const T* x, std::size_t n) {
  if (n <= block<T>) return sum_block(x, n);
  const std::size_t half = (n / 2 + 63) / 64 * 64;
  return sum_row(x, half) + sum_row(x + half, n - half);
}

template <class T>
void sum_each_row(const T* x, T* out, std::size_t rows, std::size_t n) {
  if (n <= block<T>)
    for (std::size_t r = 0; r < rows; ++r) out[r] = sum_block(x + r * n, n);
  else
    for (std::size_t r = 0; r < rows; ++r) out[r] = sum_row(x + r * n, n);
}

/// Columns k … of a few rows, as many vectors of them as `vectors` says, are added up in registers.
template <std::size_t vectors, class T>
std::size_t sum_strips(const T* x, T* out, std::size_t rows, std::size_t n, std::size_t distance, std::size_t k) {
  constexpr std::size_t width = Vec<T>::size;
  for (; k + vectors * width <= n; k += vectors * width) {
    Vec<T> sums[vectors];
    for (std::size_t v = 0; v < vectors; ++v) sums[v] = load(x + k + v * width);
    for (std::size_t r = 1; r < rows; ++r)
      for (std::size_t v = 0; v < vectors; ++v) sums[v] = sums[v] + load(x + r * distance + k + v * width);
    for (std::size_t v = 0; v < vectors; ++v) store(out + k + v * width, sums[v]);
  }
  return k;
}

template <class T>
void sum_few_rows(const T* x, T* out, std::size_t rows, std::size_t n, std::size_t distance) {
  std::size_t k = sum_strips<8>(x, out, rows, n, distance, 0);
  k = sum_strips<2>(x, out, rows, n, distance, k);
  k = sum_strips<1>(x, out, rows, n, distance, k);
  for (; k < n; ++k) {
    out[k] = x[k];
    for (std::size_t r = 1; r < rows; ++r) out[k] += x[r * distance + k];
  }
}

template <class T>
void add_row(T* sum, const T* x, std::size_t n) {
  constexpr std::size_t width = Vec<T>::size;
  std::size_t i = 0;
  for (; i + width <= n; i += width) store(sum + i, load(sum + i) + load(x + i));
  for (; i < n; ++i) sum[i] += x[i];
}

/// body(exp(x[i] - shift), i), where no x is more than shift, for whole vectors and, padded to one, for the rest: so an element's
/// value does not depend on where in the row it stands. The rest comes with its length.
template <class T, class Body, class Rest>
void each_exp(const T* x, T shift, std::size_t n, Body body, Rest rest) {
  constexpr std::size_t width = Vec<T>::size;
  const Vec<T> s(shift);
  std::size_t i = 0;
  for (; i + width <= n; i += width) body(exponential<true, T>(load(x + i) - s), i);
  if (i < n) {
    alignas(64) T lanes[width];
    for (std::size_t k = 0; k < width; ++k) lanes[k] = i + k < n ? x[i + k] : shift;
    store<T>(lanes, exponential<true, T>(load(lanes) - s));
    rest(lanes, i);
  }
}

/// Without `keep`, exp(x - shift) is summed and forgotten.
template <bool keep, class T>
T exp_row(const T* x, T shift, T* out, std::size_t n) {
  constexpr std::size_t most = in_a_row * 4 * Vec<T>::size;
  if (n > most) {
    const std::size_t half = (n / 2 + 63) / 64 * 64;
    return exp_row<keep>(x, shift, out, half) + exp_row<keep>(x + half, shift, keep ? out + half : out, n - half);
  }
  Vec<T> sum(T(0));
  T ending = 0;
  each_exp(
      x, shift, n,
      [&](Vec<T> y, std::size_t i) {
        if constexpr (keep) store(out + i, y);
        sum = sum + y;
      },
      [&](const T* lanes, std::size_t i) {
        for (std::size_t k = 0; i + k < n; ++k) {
          if constexpr (keep) out[i + k] = lanes[k];
          ending += lanes[k];
        }
      });
  return n < Vec<T>::size ? ending : add_lanes(sum) + ending;
}

template <class T>
void exp_scaled_row(const T* x, T shift, T factor, T* out, std::size_t n) {
  const Vec<T> f(factor);
  each_exp(
      x, shift, n, [&](Vec<T> y, std::size_t i) { store<T>(out + i, y * f); },
      [&](const T* lanes, std::size_t i) {
        for (std::size_t k = 0; i + k < n; ++k) out[i + k] = lanes[k] * factor;
      });
}

template <class T>
void scale_row(T* x, T factor, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) x[i] *= factor;
}

template <class T>
void lower_row(const T* x, T a, T b, T* out, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) out[i] = (x[i] - a) - b;
}

/// The sum of y g, in the same order as sum_block's.
template <class T>
T dot_row(const T* y, const T* g, std::size_t n) {
  constexpr std::size_t width = Vec<T>::size, most = in_a_row * 4 * width;
  if (n > most) {
    const std::size_t half = (n / 2 + 63) / 64 * 64;
    return dot_row(y, g, half) + dot_row(y + half, g + half, n - half);
  }
  Vec<T> a(T(0)), b(T(0));
  std::size_t i = 0;
  for (; i + 2 * width <= n; i += 2 * width) {
    a = multiply_add(load(y + i), load(g + i), a);
    b = multiply_add(load(y + i + width), load(g + i + width), b);
  }
  for (; i + width <= n; i += width) a = multiply_add(load(y + i), load(g + i), a);
  T rest = 0;
  for (; i < n; ++i) rest += y[i] * g[i];
  return n < width ? rest : add_lanes(a + b) + rest;
}

template <class T>
void softmax_grad_row(const T* y, const T* g, T* out, std::size_t n) {
  const T dot = dot_row(y, g, n);
  for (std::size_t i = 0; i < n; ++i) out[i] = y[i] * (g[i] - dot);
}

template <class T>
void log_softmax_grad_row(const T* y, const T* g, T* out, std::size_t n) {
  const T total = sum_row(g, n);
  each_exp(
      y, T(0), n, [&](Vec<T> e, std::size_t i) { store<T>(out + i, sub_multiply(e, Vec<T>(total), load(g + i))); },
      [&](const T* lanes, std::size_t i) {
        for (std::size_t k = 0; i + k < n; ++k) out[i + k] = g[i + k] - lanes[k] * total;
      });
}

template <class T>
void fill(Table<T>& table) {
  table.sum_row = sum_row<T>;
  table.sum_each_row = sum_each_row<T>;
  table.sum_few_rows = sum_few_rows<T>;
  table.add_row = add_row<T>;
  table.exp_row = exp_row<true, T>;
  table.exp_sum_row = [](const T* x, T shift, std::size_t n) { return exp_row<false, T>(x, shift, nullptr, n); };
  table.exp_scaled_row = exp_scaled_row<T>;
  table.scale_row = scale_row<T>;
  table.lower_row = lower_row<T>;
  table.softmax_grad_row = softmax_grad_row<T>;
  table.log_softmax_grad_row = log_softmax_grad_row<T>;
}

}  // namespace

void fill_rows(Table<float>& table) { fill(table); }
void fill_rows(Table<double>& table) { fill(table); }

}  // namespace xgrad::kernels::XGRAD_LEVEL

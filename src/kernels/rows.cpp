// Kernels along one contiguous row. Compiled once per level.
#include "kernels.hpp"
#include "vec.hpp"

namespace xgrad::kernels::XGRAD_LEVEL {
namespace {

/// This many additions go one after the other into each of four vectors; longer rows are halved. On base a vector is one number.
template <class T>
constexpr std::size_t block = 32 * 4 * Vec<T>::size;

template <class T>
T sum_block(const T* x, std::size_t n) {
  constexpr std::size_t width = Vec<T>::size, step = 4 * width;
  std::size_t i = 0;
  T total = 0;
  if (n >= step) {
    Vec<T> a = load(x), b = load(x + width), c = load(x + 2 * width), d = load(x + 3 * width);
    for (i = step; i + step <= n; i += step) {
      a = a + load(x + i);
      b = b + load(x + i + width);
      c = c + load(x + i + 2 * width);
      d = d + load(x + i + 3 * width);
    }
    Vec<T> all = (a + b) + (c + d);
    for (; i + width <= n; i += width) all = all + load(x + i);
    alignas(64) T lanes[width];
    store(lanes, all);
    for (std::size_t half = width / 2; half > 0; half /= 2)
      for (std::size_t k = 0; k < half; ++k) lanes[k] += lanes[k + half];
    total = lanes[0];
  }
  T rest = 0;
  for (; i < n; ++i) rest += x[i];
  return total + rest;
}

template <class T>
T sum_row(const T* x, std::size_t n) {
  if (n <= block<T>) return sum_block(x, n);
  const std::size_t half = (n / 2 + 63) / 64 * 64;
  return sum_row(x, half) + sum_row(x + half, n - half);
}

template <class T>
void add_row(T* sum, const T* x, std::size_t n) {
  constexpr std::size_t width = Vec<T>::size;
  std::size_t i = 0;
  for (; i + width <= n; i += width) store(sum + i, load(sum + i) + load(x + i));
  for (; i < n; ++i) sum[i] += x[i];
}

template <class T>
T max_row(const T* x, std::size_t n) {
  T largest = x[0];
  for (std::size_t i = 1; i < n; ++i) largest = x[i] > largest || x[i] != x[i] ? x[i] : largest;
  return largest;
}

/// exp(x - shift) into out, and their sum. Whole vectors go through the vector function, the rest is padded to one, so that an
/// element's value does not depend on where in the row it stands.
template <class T>
T exp_row(const T* x, T shift, T* out, std::size_t n) {
  constexpr std::size_t width = Vec<T>::size;
  const Vec<T> s(shift);
  std::size_t i = 0;
  for (; i + width <= n; i += width) store<T>(out + i, exp(load(x + i) - s));
  if (i < n) {
    alignas(64) T lanes[width];
    for (std::size_t k = 0; k < width; ++k) lanes[k] = i + k < n ? x[i + k] : shift;
    store<T>(lanes, exp(load(lanes) - s));
    for (std::size_t k = 0; i + k < n; ++k) out[i + k] = lanes[k];
  }
  return sum_row(out, n);
}

template <class T>
void scale_row(T* x, T factor, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) x[i] *= factor;
}

template <class T>
void fill(Table<T>& table) {
  table.sum_row = sum_row<T>;
  table.add_row = add_row<T>;
  table.max_row = max_row<T>;
  table.exp_row = exp_row<T>;
  table.scale_row = scale_row<T>;
}

}  // namespace

void fill_rows(Table<float>& table) { fill(table); }
void fill_rows(Table<double>& table) { fill(table); }

}  // namespace xgrad::kernels::XGRAD_LEVEL

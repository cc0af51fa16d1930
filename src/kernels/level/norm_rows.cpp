// Kernels of normalisation along one contiguous row. Compiled once per level.
#include "../table.hpp"
#include "vec.hpp"

namespace xgrad::kernels::XGRAD_LEVEL {
namespace {

// Rows may end anywhere: whole vectors, then one element at a time.

template <class T>
void add_products_row(T* sum, const T* a, const T* a0, const T* b, const T* b0, std::size_t n) {
  constexpr std::size_t width = Vec<T>::size;
  std::size_t i = 0;
  for (; i + width <= n; i += width)
    store<T>(sum + i, multiply_add<T>(load(a + i) - load(a0 + i), load(b + i) - load(b0 + i), load(sum + i)));
  for (; i < n; ++i) sum[i] += (a[i] - a0[i]) * (b[i] - b0[i]);
}

template <class T>
void normalise_row(T* out, const T* x, const T* x0, const T* scale, const T* bias, std::size_t n) {
  constexpr std::size_t width = Vec<T>::size;
  std::size_t i = 0;
  for (; i + width <= n; i += width)
    store<T>(out + i, multiply_add<T>(load(x + i) - load(x0 + i), load(scale + i), load(bias + i)));
  for (; i < n; ++i) out[i] = (x[i] - x0[i]) * scale[i] + bias[i];
}

template <class T>
void normalise_grad_row(T* out, const T* g, const T* p, const T* x, const T* x0, const T* q, const T* r, std::size_t n) {
  constexpr std::size_t width = Vec<T>::size;
  std::size_t i = 0;
  for (; i + width <= n; i += width) {
    const Vec<T> of_x = multiply_add<T>(load(x + i) - load(x0 + i), load(q + i), load(r + i));
    store<T>(out + i, multiply_add<T>(load(g + i), load(p + i), of_x));
  }
  for (; i < n; ++i) out[i] = g[i] * p[i] + ((x[i] - x0[i]) * q[i] + r[i]);
}

template <class T>
void fill(Table<T>& table) {
  table.add_products_row = add_products_row<T>;
  table.normalise_row = normalise_row<T>;
  table.normalise_grad_row = normalise_grad_row<T>;
}

}  // namespace

void fill_norm_rows(Table<float>& table) { fill(table); }
void fill_norm_rows(Table<double>& table) { fill(table); }

}  // namespace xgrad::kernels::XGRAD_LEVEL

#include "softmax.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <xgrad/core/parallel.hpp>

#include "../table.hpp"

namespace xgrad::kernels {
namespace {

/// exp is worth about this many additions.
constexpr std::size_t work = 8;

/// What is subtracted before exp. An infinite maximum would make NaN of every -inf beside it.
template <class T>
T shift_of(const T* x, std::size_t n) {
  const T largest = table<T>().extreme_row[1](x, n);
  return std::isinf(largest) && largest < 0 ? T(0) : largest;
}

/// Where the largest is infinite, all weight is with the elements that are: so many of them.
template <class T>
T among_infinite(const T* x, std::size_t n) {
  return static_cast<T>(std::count(x, x + n, std::numeric_limits<T>::infinity()));
}
template <class T>
void mark_infinite(const T* x, T on, T off, T* out, std::size_t n) {
  std::transform(x, x + n, out, [=](T v) { return v == std::numeric_limits<T>::infinity() ? on : off; });
}

/// Calls body(row) for each row.
template <class Body>
void each_row(std::size_t rows, std::size_t n, Body body) {
  parallel_for(rows, n * work, [&](std::size_t begin, std::size_t end) {
    for (std::size_t r = begin; r < end; ++r) body(r);
  });
}

}  // namespace

template <class T>
void softmax(const T* x, T* out, std::size_t rows, std::size_t n) {
  if (n == 0) return;
  each_row(rows, n, [&](std::size_t r) {
    const T shift = shift_of(x + r * n, n);
    if (std::isinf(shift)) return mark_infinite(x + r * n, 1 / among_infinite(x + r * n, n), T(0), out + r * n, n);
    const T total = table<T>().exp_row(x + r * n, shift, out + r * n, n);
    table<T>().scale_row(out + r * n, T(1) / total, n);
  });
}

template <class T>
void log_softmax(const T* x, T* out, std::size_t rows, std::size_t n) {
  if (n == 0) return;
  each_row(rows, n, [&](std::size_t r) {
    const T *from = x + r * n, shift = shift_of(from, n);
    if (std::isinf(shift)) return mark_infinite(from, -std::log(among_infinite(from, n)), -shift, out + r * n, n);
    const T log_total = std::log(table<T>().exp_sum_row(from, shift, n));
    table<T>().lower_row(from, shift, log_total, out + r * n, n);
  });
}

template <class T>
void softmax_grad(const T* y, const T* g, T* out, std::size_t rows, std::size_t n) {
  each_row(rows, n, [&](std::size_t r) { table<T>().softmax_grad_row(y + r * n, g + r * n, out + r * n, n); });
}
template <class T>
void log_softmax_grad(const T* y, const T* g, T* out, std::size_t rows, std::size_t n) {
  each_row(rows, n, [&](std::size_t r) { table<T>().log_softmax_grad_row(y + r * n, g + r * n, out + r * n, n); });
}

template <class T>
void cross_entropy(const T* x, const std::int64_t* labels, T* loss, T* scales, std::size_t rows, std::size_t n) {
  each_row(rows, n, [&](std::size_t r) {
    const T* from = x + r * n;
    if (labels[r] < 0) {
      loss[r] = scales[2 * r] = scales[2 * r + 1] = 0;
      return;
    }
    const T shift = shift_of(from, n), own = from[labels[r]];
    const T total = std::isinf(shift) ? among_infinite(from, n) : table<T>().exp_sum_row(from, shift, n);
    loss[r] = std::log(total) - (own == shift ? T(0) : own - shift);
    scales[2 * r] = shift;
    scales[2 * r + 1] = total;
  });
}

template <class T>
void cross_entropy_grad(const T* x, const std::int64_t* labels, const T* scales, const T* g, T* out, std::size_t rows,
                        std::size_t n) {
  each_row(rows, n, [&](std::size_t r) {
    T* to = out + r * n;
    if (labels[r] < 0) {
      std::fill_n(to, n, T(0));
      return;
    }
    const T shift = scales[2 * r], factor = g[r] / scales[2 * r + 1];
    if (std::isinf(shift))
      mark_infinite(x + r * n, factor, T(0), to, n);
    else
      table<T>().exp_scaled_row(x + r * n, shift, factor, to, n);
    to[labels[r]] -= g[r];
  });
}

#define XGRAD_INSTANTIATE(T)                                                                    \
  template void softmax(const T*, T*, std::size_t, std::size_t);                                \
  template void log_softmax(const T*, T*, std::size_t, std::size_t);                            \
  template void softmax_grad(const T*, const T*, T*, std::size_t, std::size_t);                 \
  template void log_softmax_grad(const T*, const T*, T*, std::size_t, std::size_t);             \
  template void cross_entropy(const T*, const std::int64_t*, T*, T*, std::size_t, std::size_t); \
  template void cross_entropy_grad(const T*, const std::int64_t*, const T*, const T*, T*, std::size_t, std::size_t);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad::kernels

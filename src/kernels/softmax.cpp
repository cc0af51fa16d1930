#include "softmax.hpp"

#include <algorithm>
#include <cmath>

#include <xgrad/core/memory.hpp>
#include <xgrad/core/parallel.hpp>

#include "kernels.hpp"

namespace xgrad::kernels {
namespace {

/// exp is worth about this many additions.
constexpr std::size_t work = 8;

/// What is subtracted before exp. An infinite maximum would make NaN of every -inf beside it.
template <class T>
T shift_of(const T* x, std::size_t n) {
  const T largest = table<T>().max_row(x, n);
  return std::isinf(largest) && largest < 0 ? T(0) : largest;
}

/// Calls body(row, scratch) for each row, with room for a row.
template <class T, class Body>
void each_row(std::size_t rows, std::size_t n, Body body) {
  parallel_for(rows, n * work, [&](std::size_t begin, std::size_t end) {
    memory::Allocator<T> allocator;
    T* scratch = allocator.allocate(n);
    for (std::size_t r = begin; r < end; ++r) body(r, scratch);
    allocator.deallocate(scratch, n);
  });
}

}  // namespace

template <class T>
void softmax(const T* x, T* out, std::size_t rows, std::size_t n) {
  if (n == 0) return;
  each_row<T>(rows, n, [&](std::size_t r, T*) {
    const T total = table<T>().exp_row(x + r * n, shift_of(x + r * n, n), out + r * n, n);
    table<T>().scale_row(out + r * n, T(1) / total, n);
  });
}

template <class T>
void log_softmax(const T* x, T* out, std::size_t rows, std::size_t n) {
  if (n == 0) return;
  each_row<T>(rows, n, [&](std::size_t r, T* scratch) {
    const T *from = x + r * n, shift = shift_of(from, n), log_total = std::log(table<T>().exp_row(from, shift, scratch, n));
    for (std::size_t k = 0; k < n; ++k) out[r * n + k] = (from[k] - shift) - log_total;
  });
}

template <class T>
void cross_entropy(const T* x, const std::int64_t* labels, T* loss, std::size_t rows, std::size_t n) {
  each_row<T>(rows, n, [&](std::size_t r, T* scratch) {
    const T* from = x + r * n;
    if (labels[r] < 0) {
      loss[r] = 0;
      return;
    }
    const T shift = shift_of(from, n);
    loss[r] = std::log(table<T>().exp_row(from, shift, scratch, n)) - (from[labels[r]] - shift);
  });
}

template <class T>
void cross_entropy_grad(const T* x, const std::int64_t* labels, const T* g, T* out, std::size_t rows, std::size_t n) {
  each_row<T>(rows, n, [&](std::size_t r, T*) {
    T* to = out + r * n;
    if (labels[r] < 0) {
      std::fill_n(to, n, T(0));
      return;
    }
    const T total = table<T>().exp_row(x + r * n, shift_of(x + r * n, n), to, n);
    table<T>().scale_row(to, g[r] / total, n);
    to[labels[r]] -= g[r];
  });
}

#define XGRAD_INSTANTIATE(T)                                                                \
  template void softmax(const T*, T*, std::size_t, std::size_t);                            \
  template void log_softmax(const T*, T*, std::size_t, std::size_t);                        \
  template void cross_entropy(const T*, const std::int64_t*, T*, std::size_t, std::size_t); \
  template void cross_entropy_grad(const T*, const std::int64_t*, const T*, T*, std::size_t, std::size_t);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad::kernels

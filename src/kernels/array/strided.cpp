#include "strided.hpp"

#include <algorithm>
#include <vector>

#include <xgrad/core/parallel.hpp>

#include "../table.hpp"

namespace xgrad::kernels {
namespace {

struct Axis {
  std::size_t length;
  std::ptrdiff_t x, out;
};

/// Axes of length 1 go, and neighbours that are one run on both sides merge.
std::vector<Axis> merged(const std::size_t* lengths, const std::ptrdiff_t* x, const std::ptrdiff_t* out, std::size_t rank) {
  std::vector<Axis> axes;
  for (std::size_t k = 0; k < rank; ++k) {
    if (lengths[k] == 1) continue;
    const auto n = static_cast<std::ptrdiff_t>(lengths[k]);
    if (!axes.empty() && axes.back().x == x[k] * n && axes.back().out == out[k] * n)
      axes.back() = {axes.back().length * lengths[k], x[k], out[k]};
    else
      axes.push_back({lengths[k], x[k], out[k]});
  }
  if (axes.empty()) axes.push_back({1, 1, 1});
  return axes;
}

enum class Way { copy, add };

template <Way way, class T>
void move_run(const T* x, T* out, const Axis& run) {
  if constexpr (way == Way::add) {
    if (run.x == 1 && run.out == 1) return table<T>().add_row(out, x, run.length);
    for (std::size_t i = 0; i < run.length; ++i, x += run.x, out += run.out) *out += *x;
  } else if (run.x == 1 && run.out == 1) {
    std::copy_n(x, run.length, out);
  } else if (run.out == 1) {
    for (std::size_t i = 0; i < run.length; ++i, x += run.x) out[i] = *x;
  } else {
    for (std::size_t i = 0; i < run.length; ++i, x += run.x, out += run.out) *out = *x;
  }
}

template <Way way, class T>
void move_strided(const T* x, T* out, const std::size_t* lengths, const std::ptrdiff_t* x_strides,
                  const std::ptrdiff_t* out_strides, std::size_t rank) {
  std::size_t size = 1;
  for (std::size_t k = 0; k < rank; ++k) size *= lengths[k];
  if (size == 0) return;
  const std::vector<Axis> axes = merged(lengths, x_strides, out_strides, rank);
  const std::size_t outer = axes.size() - 1;
  const Axis& run = axes.back();
  parallel_for(size / run.length, run.length, [&](std::size_t begin, std::size_t end) {
    std::vector<std::size_t> index(outer);
    const T* from = x;
    T* to = out;
    for (std::size_t k = outer, rest = begin; k-- > 0; rest /= axes[k].length) {
      index[k] = rest % axes[k].length;
      from += static_cast<std::ptrdiff_t>(index[k]) * axes[k].x;
      to += static_cast<std::ptrdiff_t>(index[k]) * axes[k].out;
    }
    for (std::size_t row = begin;;) {
      move_run<way>(from, to, run);
      if (++row == end) return;
      for (std::size_t k = outer; k-- > 0;) {
        from += axes[k].x;
        to += axes[k].out;
        if (++index[k] < axes[k].length) break;
        from -= static_cast<std::ptrdiff_t>(index[k]) * axes[k].x;
        to -= static_cast<std::ptrdiff_t>(index[k]) * axes[k].out;
        index[k] = 0;
      }
    }
  });
}

}  // namespace

template <class T>
void copy_strided(const T* x, T* out, const std::size_t* lengths, const std::ptrdiff_t* x_strides,
                  const std::ptrdiff_t* out_strides, std::size_t rank) {
  move_strided<Way::copy>(x, out, lengths, x_strides, out_strides, rank);
}
template <class T>
void add_strided(const T* x, T* out, const std::size_t* lengths, const std::ptrdiff_t* x_strides, const std::ptrdiff_t* out_strides,
                 std::size_t rank) {
  move_strided<Way::add>(x, out, lengths, x_strides, out_strides, rank);
}

template <class T>
void roll(const T* x, T* out, std::size_t outer, std::size_t n, std::size_t inner, std::size_t shift) {
  const std::size_t block = n * inner, tail = shift * inner, head = block - tail;
  parallel_for(outer, block, [&](std::size_t begin, std::size_t end) {
    for (std::size_t o = begin; o < end; ++o) {
      std::copy_n(x + o * block, head, out + o * block + tail);
      std::copy_n(x + o * block + head, tail, out + o * block);
    }
  });
}

template <class T>
void band(const T* x, T* out, std::size_t count, std::size_t rows, std::size_t columns, std::ptrdiff_t from, std::ptrdiff_t to) {
  const auto n = static_cast<std::ptrdiff_t>(columns);
  parallel_for(count * rows, columns, [&](std::size_t begin, std::size_t end) {
    for (std::size_t k = begin; k < end; ++k) {
      const auto row = static_cast<std::ptrdiff_t>(k % rows);
      const std::ptrdiff_t first = std::clamp<std::ptrdiff_t>(row + from, 0, n),
                           last = std::clamp<std::ptrdiff_t>(row + to + 1, 0, n);
      T* line = out + k * columns;
      std::fill_n(line, first, T(0));
      if (first < last) std::copy(x + k * columns + first, x + k * columns + last, line + first);
      std::fill(line + std::max(first, last), line + n, T(0));
    }
  });
}

#define XGRAD_INSTANTIATE(T)                                                                                               \
  template void copy_strided(const T*, T*, const std::size_t*, const std::ptrdiff_t*, const std::ptrdiff_t*, std::size_t); \
  template void add_strided(const T*, T*, const std::size_t*, const std::ptrdiff_t*, const std::ptrdiff_t*, std::size_t);  \
  template void roll(const T*, T*, std::size_t, std::size_t, std::size_t, std::size_t);                                    \
  template void band(const T*, T*, std::size_t, std::size_t, std::size_t, std::ptrdiff_t, std::ptrdiff_t);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)
template void copy_strided(const bool*, bool*, const std::size_t*, const std::ptrdiff_t*, const std::ptrdiff_t*, std::size_t);

}  // namespace xgrad::kernels

#include "strided.hpp"

#include <algorithm>

#include <xgrad/core/parallel.hpp>

#include "../table.hpp"
#include "walk.hpp"

namespace xgrad::kernels {
namespace {

enum class Way { copy, add };

template <Way way, class T>
void move_run(const T* x, T* out, const Axis<2>& run) {
  const auto [from, to] = run.stride;
  if constexpr (way == Way::add) {
    if (from == 1 && to == 1) return table<T>().add_row(out, x, run.length);
    for (std::size_t i = 0; i < run.length; ++i, x += from, out += to) *out += *x;
  } else if (from == 1 && to == 1) {
    std::copy_n(x, run.length, out);
  } else if (to == 1) {
    for (std::size_t i = 0; i < run.length; ++i, x += from) out[i] = *x;
  } else {
    for (std::size_t i = 0; i < run.length; ++i, x += from, out += to) *out = *x;
  }
}

template <Way way, class T>
void move_strided(const T* x, T* out, const std::size_t* lengths, const std::ptrdiff_t* x_strides,
                  const std::ptrdiff_t* out_strides, std::size_t rank) {
  std::size_t size = 1;
  for (std::size_t k = 0; k < rank; ++k) size *= lengths[k];
  if (size == 0) return;
  Axes<2> axes;
  for (std::size_t k = rank; k-- > 0;) axes.add(lengths[k], {x_strides[k], out_strides[k]});
  const Axis<2> run = axes.run();
  parallel_for(size / run.length, run.length, [&](std::size_t begin, std::size_t end) {
    Walk<2> place = axes.runs(begin);
    const T* from = x + place.start()[0];
    T* to = out + place.start()[1];
    for (std::size_t row = begin;;) {
      move_run<way>(from, to, run);
      if (++row == end) return;
      const auto [more, further] = place.next();
      from += more;
      to += further;
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

#include "direct.hpp"

#include <algorithm>
#include <optional>

#include <xgrad/core/parallel.hpp>

#include "../array/sum.hpp"
#include "../scratch.hpp"
#include "../table.hpp"

namespace xgrad::kernels::direct {
namespace {

std::size_t panels(std::size_t n) { return (n + panel_width - 1) / panel_width; }

/// Images with what padding adds, but no more of them than the kernel sees.
template <class T>
class Padded {
 public:
  Padded(const T* images, const ConvShape& s)
      : c_(s.c),
        h_((s.oh - 1) * s.stride_h + (s.kh - 1) * s.dilation_h + 1),
        w_((s.ow - 1) * s.stride_w + s.kw),
        step_h_(s.stride_h),
        data_(images) {
    if (s.top == 0 && s.left == 0 && h_ <= s.h && w_ <= s.w) {
      h_ = s.h;
      w_ = s.w;
      return;
    }
    T* const room = room_.emplace(s.n * h_ * w_ * c_).data();
    data_ = room;
    const std::size_t first = std::min(s.left, w_), last = std::min(w_, s.left + s.w);
    parallel_for(s.n * h_, w_ * c_, [&, room](std::size_t begin, std::size_t end) {
      for (std::size_t k = begin; k < end; ++k) {
        T* const row = room + k * w_ * c_;
        const std::size_t from = k % h_ - s.top;  // wraps around above the image
        if (from >= s.h) {
          std::fill_n(row, w_ * c_, T(0));
          continue;
        }
        std::fill_n(row, first * c_, T(0));
        std::copy_n(images + (k / h_ * s.h + from) * s.w * c_, (last - first) * c_, row + first * c_);
        std::fill_n(row + last * c_, (w_ - last) * c_, T(0));
      }
    });
  }
  /// The row that meets the kernel's first row at output row i of image n.
  const T* row(std::size_t n, std::size_t i) const { return data_ + (n * h_ + i * step_h_) * row_size(); }
  std::size_t row_size() const { return w_ * c_; }

 private:
  std::size_t c_, h_, w_, step_h_;
  const T* data_;
  std::optional<Scratch<T>> room_;
};

/// out (n, oh, ow, o) from images and filters in panels: (panel, kh, kw · c, panel_width).
template <class T>
void by_filters(const T* images, const T* filters, const T* bias, T* out, const ConvShape& s) {
  const Padded<T> padded(images, s);
  const std::size_t run = s.kw * s.c, down = s.dilation_h * padded.row_size(), across = s.stride_w * s.c;
  parallel_for(s.n * s.oh, s.ow * s.kh * run * s.o, [&](std::size_t begin, std::size_t end) {
    const Scratch<T> narrow(s.ow * panel_width);
    std::fill_n(narrow.data(), s.ow * panel_width, T(0));  // what no result comes from is computed, too
    for (std::size_t k = begin; k < end; ++k) {
      const T* const row = padded.row(k / s.oh, k % s.oh);
      for (std::size_t j = 0; j < s.o; j += panel_width) {
        const std::size_t width = std::min(panel_width, s.o - j);
        T* const result = out + k * s.ow * s.o + j;
        T* const to = width < panel_width ? narrow.data() : result;
        const std::size_t to_row = width < panel_width ? panel_width : s.o;
        for (std::size_t i = 0; i < s.ow && bias; ++i) std::copy_n(bias + j, width, to + i * to_row);
        for (std::size_t u = 0; u < s.kh; ++u)
          table<T>().multiply_panels(s.ow, run, row + u * down, across, 1, filters + (j * s.kh + u * panel_width) * run,
                                     panel_width, 1, 0, to, to_row, u > 0 || bias);
        if (width < panel_width)
          for (std::size_t i = 0; i < s.ow; ++i)
            for (std::size_t q = 0; q < width; ++q) result[i * s.o + q] = narrow.data()[i * panel_width + q];
      }
    }
  });
}

}  // namespace

template <class T>
void forward(const ConvArrays<T>& x, const ConvShape& s) {
  const std::size_t size = s.kh * s.kw * s.c;
  const Scratch<T> filters(panels(s.o) * size * panel_width);
  std::fill_n(filters.data(), panels(s.o) * size * panel_width, T(0));
  for (std::size_t k = 0; k < s.o; ++k) {
    T* to = filters.data() + k / panel_width * panel_width * size + k % panel_width;
    for (const T *from = x.weights + k * size, *end = from + size; from < end; ++from, to += panel_width) *to = *from;
  }
  by_filters<T>(x.images, filters.data(), x.bias, x.out, s);
}

/// The convolution of g with the filters turned around, whose inputs are what were outputs.
template <class T>
void input_grad(const ConvArrays<T>& x, const ConvShape& s) {
  const std::size_t size = s.kh * s.kw * s.o;
  const Scratch<T> filters(panels(s.c) * size * panel_width);
  std::fill_n(filters.data(), panels(s.c) * size * panel_width, T(0));
  for (std::size_t k = 0; k < s.o; ++k)
    for (std::size_t tap = 0; tap < s.kh * s.kw; ++tap) {
      const T* from = x.weights + ((k + 1) * s.kh * s.kw - 1 - tap) * s.c;
      for (std::size_t j = 0; j < s.c; j += panel_width)
        std::copy_n(from + j, std::min(panel_width, s.c - j), filters.data() + j * size + (tap * s.o + k) * panel_width);
    }
  ConvShape back = s;
  back.h = s.oh, back.w = s.ow, back.c = s.o, back.o = s.c, back.oh = s.h, back.ow = s.w;
  back.top = (s.kh - 1) * s.dilation_h - s.top, back.left = s.kw - 1 - s.left;
  by_filters<T>(x.result, filters.data(), nullptr, x.out, back);
}

/// Every thread sums for its rows of results; then the sums are added.
template <class T>
void weight_grad(const ConvArrays<T>& x, const ConvShape& s) {
  const Padded<T> padded(x.images, s);
  const std::size_t run = s.kw * s.c, size = s.kh * run, all = panels(s.o) * size * panel_width, rows = s.n * s.oh;
  const std::size_t down = s.dilation_h * padded.row_size(), across = s.stride_w * s.c;
  const std::size_t parts = std::min(static_cast<std::size_t>(num_threads()), rows);
  const Scratch<T> sums(parts * all);
  parallel_for(parts, rows * s.ow * size * s.o, [&](std::size_t begin, std::size_t end) {
    const Scratch<T> panel(s.ow * panel_width);
    std::fill_n(panel.data(), s.ow * panel_width, T(0));  // columns beyond the last output are summed and not looked at
    for (std::size_t part = begin; part < end; ++part) {
      T* const sum = sums.data() + part * all;
      std::fill_n(sum, all, T(0));
      for (std::size_t k = rows * part / parts; k < rows * (part + 1) / parts; ++k)
        for (std::size_t j = 0; j < s.o; j += panel_width) {
          const T* from = x.result + k * s.ow * s.o + j;
          const std::size_t width = std::min(panel_width, s.o - j);
          for (std::size_t i = 0; i < s.ow; ++i, from += s.o)
            for (std::size_t q = 0; q < width; ++q) panel.data()[i * panel_width + q] = from[q];
          for (std::size_t u = 0; u < s.kh; ++u)
            table<T>().multiply_panels(run, s.ow, padded.row(k / s.oh, k % s.oh) + u * down, 1, across, panel.data(), panel_width,
                                       1, 0, sum + (j * s.kh + u * panel_width) * run, panel_width, true);
        }
    }
  });
  for (std::size_t part = 1; part < parts; ++part) add_to(sums.data(), sums.data() + part * all, all);
  for (std::size_t k = 0; k < s.o; ++k) {
    const T* from = sums.data() + k / panel_width * panel_width * size + k % panel_width;
    for (T *to = x.out + k * size, *end = to + size; to < end; ++to, from += panel_width) *to = *from;
  }
}

bool suits(Pass pass, const ConvShape& s) {
  if (s.groups != 1 || s.dilation_w != 1 || s.n * s.h * s.w * s.c * s.o == 0) return false;
  return pass != Pass::input_grad || (s.stride_h == 1 && s.stride_w == 1 && s.top <= (s.kh - 1) * s.dilation_h && s.left < s.kw);
}

#define XGRAD_INSTANTIATE(T)                                        \
  template void forward(const ConvArrays<T>&, const ConvShape&);    \
  template void input_grad(const ConvArrays<T>&, const ConvShape&); \
  template void weight_grad(const ConvArrays<T>&, const ConvShape&);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad::kernels::direct

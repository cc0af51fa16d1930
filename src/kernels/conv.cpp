#include "conv.hpp"

#include <algorithm>

#include <xgrad/core/parallel.hpp>

#include "kernels.hpp"

namespace xgrad::kernels {
namespace {

/// For output row i (or column), which of the k offsets of a window fall inside the image: [first, last), and where the first
/// lands.
struct Inside {
  std::size_t first, last, start;
  Inside(std::size_t i, std::size_t stride, std::size_t pad, std::size_t k, std::size_t length) {
    const std::size_t origin = i * stride;  // of the window, in the padded image
    first = std::min(k, origin < pad ? pad - origin : 0);
    last = std::max(first, std::min(k, length + pad > origin ? length + pad - origin : 0));
    start = origin + first - pad;
  }
};

/// Most runs are short: a call of memmove would cost more than the copy.
template <class T>
void copy_run(const T* from, T* to, std::size_t n) {
  if (n > 64) return static_cast<void>(std::copy_n(from, n, to));
  for (std::size_t i = 0; i < n; ++i) to[i] = from[i];
}

}  // namespace

template <class T>
void im2col(const T* images, T* patches, const ConvShape& s) {
  const std::size_t row = s.kw * s.c;
  parallel_for(s.n * s.oh, s.ow * s.columns(), [&](std::size_t begin, std::size_t end) {
    for (std::size_t k = begin; k < end; ++k) {
      const T* image = images + k / s.oh * s.h * s.w * s.c;
      const Inside v(k % s.oh, s.stride_h, s.pad_h, s.kh, s.h);
      T* patch = patches + k * s.ow * s.columns();
      for (std::size_t j = 0; j < s.ow; ++j, patch += s.columns()) {
        const Inside u(j, s.stride_w, s.pad_w, s.kw, s.w);
        if (v.last - v.first < s.kh || u.last - u.first < s.kw) std::fill_n(patch, s.columns(), T(0));
        const T* from = image + (v.start * s.w + u.start) * s.c;
        T* to = patch + v.first * row + u.first * s.c;
        for (std::size_t i = v.first; i < v.last; ++i, from += s.w * s.c, to += row) copy_run(from, to, (u.last - u.first) * s.c);
      }
    }
  });
}

template <class T>
void col2im(const T* patches, T* images, const ConvShape& s) {
  const std::size_t row = s.kw * s.c, size = s.h * s.w * s.c;
  parallel_for(s.n, s.oh * s.ow * s.columns(), [&](std::size_t begin, std::size_t end) {
    for (std::size_t n = begin; n < end; ++n) {
      T* image = images + n * size;
      std::fill_n(image, size, T(0));
      const T* patch = patches + n * s.oh * s.ow * s.columns();
      for (std::size_t i = 0; i < s.oh; ++i) {
        const Inside v(i, s.stride_h, s.pad_h, s.kh, s.h);
        for (std::size_t j = 0; j < s.ow; ++j, patch += s.columns()) {
          const Inside u(j, s.stride_w, s.pad_w, s.kw, s.w);
          const std::size_t run = (u.last - u.first) * s.c;
          for (std::size_t k = v.first; k < v.last; ++k)
            table<T>().add_row(image + ((v.start + k - v.first) * s.w + u.start) * s.c, patch + k * row + u.first * s.c, run);
        }
      }
    }
  });
}

#define XGRAD_INSTANTIATE(T)                            \
  template void im2col(const T*, T*, const ConvShape&); \
  template void col2im(const T*, T*, const ConvShape&);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad::kernels

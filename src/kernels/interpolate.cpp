#include "interpolate.hpp"

#include <algorithm>

#include <xgrad/core/parallel.hpp>

#include "kernels.hpp"

namespace xgrad::kernels {
namespace {

/// f(pixel of the image, factor) for the up to four pixels of a place.
template <class T, class F>
void each_pixel(const Blend& row, const Blend& column, std::size_t w, F f) {
  for (std::size_t u = 0; u <= (row.part > 0 ? 1 : 0); ++u)
    for (std::size_t v = 0; v <= (column.part > 0 ? 1 : 0); ++v)
      f((row.below + u) * w + column.below + v,
        static_cast<T>((u == 0 ? 1 - row.part : row.part) * (v == 0 ? 1 - column.part : column.part)));
}

}  // namespace

template <class T>
void resample(const T* x, T* out, const ResampleShape& s) {
  const std::size_t oh = s.rows.size(), ow = s.columns.size();
  parallel_for(s.n * oh, 4 * ow * s.c, [&](std::size_t begin, std::size_t end) {
    const auto add = table<T>().add_scaled_row;
    for (std::size_t k = begin; k < end; ++k) {
      const T* image = x + k / oh * s.h * s.w * s.c;
      T* pixel = out + k * ow * s.c;
      for (const Blend& column : s.columns) {
        const Blend& row = s.rows[k % oh];
        if (row.part == 0 && column.part == 0) {
          std::copy_n(image + (row.below * s.w + column.below) * s.c, s.c, pixel);
        } else {
          std::fill_n(pixel, s.c, T(0));
          each_pixel<T>(row, column, s.w, [&](std::size_t place, T factor) { add(pixel, image + place * s.c, factor, s.c); });
        }
        pixel += s.c;
      }
    }
  });
}

template <class T>
void resample_back(const T* g, T* x, const ResampleShape& s) {
  const std::size_t size = s.h * s.w * s.c, resampled = s.rows.size() * s.columns.size() * s.c;
  parallel_for(s.n, size + 4 * resampled, [&](std::size_t begin, std::size_t end) {
    const auto add = table<T>().add_scaled_row;
    for (std::size_t n = begin; n < end; ++n) {
      T* image = x + n * size;
      std::fill_n(image, size, T(0));
      const T* pixel = g + n * resampled;
      for (const Blend& row : s.rows)
        for (const Blend& column : s.columns) {
          each_pixel<T>(row, column, s.w, [&](std::size_t place, T factor) { add(image + place * s.c, pixel, factor, s.c); });
          pixel += s.c;
        }
    }
  });
}

#define XGRAD_INSTANTIATE(T)                                  \
  template void resample(const T*, T*, const ResampleShape&); \
  template void resample_back(const T*, T*, const ResampleShape&);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad::kernels

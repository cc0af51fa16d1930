#include "interpolate.hpp"

#include <algorithm>

#include <xgrad/core/parallel.hpp>

#include "../table.hpp"
#include "spread.hpp"

namespace xgrad::kernels {
namespace {

/// The pixels that places [begin, end) of an axis lie between; `below` never falls along it.
Reach reach(const std::vector<Blend>& axis, std::size_t begin, std::size_t end) {
  if (begin == end) return {begin, end, 0, 0, 0};
  std::size_t last = 0;
  for (std::size_t k = begin; k < end; ++k) last = std::max(last, axis[k].below + (axis[k].part > 0 ? 2 : 1));
  return {begin, end, axis[begin].below, last, end - begin};
}

/// f(row, column, factor) for the up to four pixels of a place.
template <class T, class F>
void each_pixel(const Blend& row, const Blend& column, F f) {
  for (std::size_t u = 0; u <= (row.part > 0 ? 1 : 0); ++u)
    for (std::size_t v = 0; v <= (column.part > 0 ? 1 : 0); ++v)
      f(row.below + u, column.below + v,
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
          each_pixel<T>(row, column,
                        [&](std::size_t i, std::size_t j, T factor) { add(pixel, image + (i * s.w + j) * s.c, factor, s.c); });
        }
        pixel += s.c;
      }
    }
  });
}

template <class T>
void resample_back(const T* g, T* x, const ResampleShape& s) {
  const auto add = table<T>().add_scaled_row;
  const std::size_t width = s.columns.size();
  spread_images(
      g, x, s.n, s.h, s.w, s.c, s.rows.size(), width, 4 * s.rows.size() * width * s.c,
      [&](std::size_t from, std::size_t to) { return reach(s.rows, from, to); },
      [&](std::size_t from, std::size_t to) { return reach(s.columns, from, to); },
      [&](const T* pixels, const Reach& rows, const Reach& columns, const Area<T>& to) {
        for (std::size_t i = rows.begin; i < rows.end; ++i)
          for (std::size_t j = columns.begin; j < columns.end; ++j)
            each_pixel<T>(s.rows[i], s.columns[j], [&](std::size_t row, std::size_t column, T factor) {
              add(to.at(row, column), pixels + (i * width + j) * s.c, factor, s.c);
            });
      });
}

#define XGRAD_INSTANTIATE(T)                                  \
  template void resample(const T*, T*, const ResampleShape&); \
  template void resample_back(const T*, T*, const ResampleShape&);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad::kernels

#pragma once
/// Sums of what windows, or pixels between pixels, give back to an image.
#include <algorithm>
#include <cstddef>

#include <xgrad/core/parallel.hpp>

#include "../scratch.hpp"
#include "sum.hpp"

namespace xgrad::kernels {

/// Part of an image of c channels: rows from `top`, columns from `left` on.
template <class T>
struct Area {
  T* data;
  std::size_t top, left, width, c;
  T* at(std::size_t row, std::size_t column) const { return data + ((row - top) * width + (column - left)) * c; }
};

/// Places [begin, end) of an axis of what is given back, the places [first, last) of the image that they reach, and how many of
/// those all of them reach together.
struct Reach {
  std::size_t begin, end, first, last, terms;
  std::size_t length() const { return std::max<std::size_t>(last - first, 1); }
};

/// leaf(rows, columns, area) adds what these rows and columns give. Where a pixel gets many terms it does so for parts of them, and
/// sums are added in pairs. reach_rows(begin, end) and reach_columns(begin, end) say what is reached.
template <class T, class Rows, class Columns, class Leaf>
void spread(const Reach& rows, const Reach& columns, const Area<T>& to, const Rows& reach_rows, const Columns& reach_columns,
            const Leaf& leaf) {
  constexpr std::size_t most = 64;
  const std::size_t down = rows.terms / rows.length(), across = columns.terms / columns.length();
  if (std::max<std::size_t>(down, 1) * std::max<std::size_t>(across, 1) <= most || (down < 2 && across < 2))
    return leaf(rows, columns, to);
  const bool by_rows = down >= across;
  const Reach& whole = by_rows ? rows : columns;
  if (whole.end - whole.begin < 2) return leaf(rows, columns, to);
  const std::size_t middle = (whole.begin + whole.end) / 2;
  const Reach half = by_rows ? reach_rows(whole.begin, middle) : reach_columns(whole.begin, middle);
  const Reach rest = by_rows ? reach_rows(middle, whole.end) : reach_columns(middle, whole.end);
  by_rows ? spread(half, columns, to, reach_rows, reach_columns, leaf) : spread(rows, half, to, reach_rows, reach_columns, leaf);
  const Reach &r = by_rows ? rest : rows, &q = by_rows ? columns : rest;
  const std::size_t width = (q.last - q.first), size = (r.last - r.first) * width * to.c;
  const Scratch<T> room(size);
  std::fill_n(room.data(), size, T(0));
  const Area<T> area{room.data(), r.first, q.first, width, to.c};
  spread(r, q, area, reach_rows, reach_columns, leaf);
  for (std::size_t u = r.first; u < r.last; ++u) add_to(to.at(u, q.first), area.at(u, q.first), width * to.c);
}

/// n images of h × w pixels as sums of what (rows × columns) places of g give back to each: leaf(places, rows, columns, area),
/// where places are those of an image. `work` is about how many additions an image takes.
template <class T, class Rows, class Columns, class Leaf>
void spread_images(const T* g, T* x, std::size_t n, std::size_t h, std::size_t w, std::size_t c, std::size_t rows,
                   std::size_t columns, std::size_t work, const Rows& reach_rows, const Columns& reach_columns, const Leaf& leaf) {
  const std::size_t size = h * w * c;
  parallel_for(n, size + work, [&](std::size_t begin, std::size_t end) {
    for (std::size_t k = begin; k < end; ++k) {
      T* image = x + k * size;
      std::fill_n(image, size, T(0));
      const T* const places = g + k * rows * columns * c;
      spread(
          reach_rows(0, rows), reach_columns(0, columns), Area<T>{image, 0, 0, w, c}, reach_rows, reach_columns,
          [&](const Reach& some_rows, const Reach& some_columns, const Area<T>& to) { leaf(places, some_rows, some_columns, to); });
    }
  });
}

}  // namespace xgrad::kernels

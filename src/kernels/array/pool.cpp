#include "pool.hpp"

#include <algorithm>

#include <xgrad/core/parallel.hpp>

#include "../scratch.hpp"
#include "../table.hpp"
#include "piles.hpp"
#include "spread.hpp"

namespace xgrad::kernels {
namespace {

/// Elements in the largest window, for deciding about threads.
std::size_t window_size(const PoolShape& s) {
  const auto longest = [](const std::vector<Window>& windows) {
    std::size_t n = 0;
    for (const Window& w : windows) n = std::max(n, w.end - w.begin);
    return n;
  };
  return longest(s.rows) * longest(s.columns);
}

/// What windows [begin, end) of an axis reach.
Reach reach(const std::vector<Window>& axis, std::size_t begin, std::size_t end) {
  if (begin == end) return {begin, end, 0, 0, 0};
  std::size_t first = axis[begin].begin, last = 0, terms = 0;
  for (std::size_t k = begin; k < end; ++k) {
    first = std::min(first, axis[k].begin);
    last = std::max(last, axis[k].end);
    terms += axis[k].end - axis[k].begin;
  }
  return {begin, end, std::min(first, last), last, terms};
}

/// row(image, window of rows, place of the row among the results) for every row of results.
template <class Row>
void each_row(const PoolShape& s, std::size_t work, Row row) {
  const std::size_t oh = s.rows.size(), ow = s.columns.size();
  parallel_for(s.n * oh, ow * s.c * work, [&](std::size_t begin, std::size_t end) {
    for (std::size_t k = begin; k < end; ++k) row(k / oh * s.h * s.w * s.c, s.rows[k % oh], k * ow * s.c);
  });
}

}  // namespace

template <class T>
void extreme_pool(bool largest, const T* x, T* out, std::int32_t* index, const PoolShape& s) {
  const auto pool = largest ? table<T>().max_pool_row : table<T>().min_pool_row;
  const auto width = [](const Window& window) { return window.end - window.begin; };
  const bool alike =
      std::all_of(s.columns.begin(), s.columns.end(), [&](const Window& window) { return width(window) == width(s.columns[0]); });
  std::vector<std::int32_t> places;
  if (s.c < few_channels && alike) {
    places.reserve(s.columns.size() * s.c);
    for (const Window& window : s.columns)
      for (std::size_t k = 0; k < s.c; ++k) places.push_back(static_cast<std::int32_t>(window.begin * s.c + k));
  }
  const std::int32_t* const listed = places.empty() ? nullptr : places.data();
  each_row(s, window_size(s), [&](std::size_t image, const Window& rows, std::size_t place) {
    pool(x + image, s.w, s.c, rows, s.columns.data(), s.columns.size(), listed, out + place, index + place);
  });
}

template <class T>
void avg_pool(const T* x, T* out, const PoolShape& s) {
  each_row(s, window_size(s), [&](std::size_t image, const Window& rows, std::size_t place) {
    table<T>().avg_pool_row(x + image, s.w, s.c, rows, s.columns.data(), s.columns.size(), out + place);
  });
}

template <class T>
void avg_spread(const T* g, T* x, const PoolShape& s) {
  const auto add = table<T>().add_scaled_row;
  const std::size_t width = s.columns.size();
  spread_images(
      g, x, s.n, s.h, s.w, s.c, s.rows.size(), width, s.rows.size() * width * s.c * window_size(s),
      [&](std::size_t from, std::size_t to) { return reach(s.rows, from, to); },
      [&](std::size_t from, std::size_t to) { return reach(s.columns, from, to); },
      [&](const T* pixels, const Reach& some_rows, const Reach& some_columns, const Area<T>& to) {
        for (std::size_t i = some_rows.begin; i < some_rows.end; ++i)
          for (std::size_t j = some_columns.begin; j < some_columns.end; ++j) {
            const Window &rows = s.rows[i], &columns = s.columns[j];
            const T factor = T(1) / static_cast<T>(rows.count * columns.count);
            const T* const pixel = pixels + (i * width + j) * s.c;
            for (std::size_t u = rows.begin; u < rows.end; ++u)
              for (std::size_t v = columns.begin; v < columns.end; ++v) add(to.at(u, v), pixel, factor, s.c);
          }
      });
}

namespace {

/// costs (windows' places by distance, c): square * distance² + linear * distance for distances -reach … reach. A window never
/// reaches further than `reach` from its place.
template <class T>
struct Costs {
  std::ptrdiff_t reach;
  std::size_t c;
  Scratch<T> values;

  Costs(const T* weights, std::size_t first, std::size_t channels, std::size_t length)
      : reach(static_cast<std::ptrdiff_t>(length) - 1), c(channels), values((2 * length - 1) * channels) {
    for (std::ptrdiff_t d = -reach; d <= reach; ++d)
      for (std::size_t k = 0; k < c; ++k) {
        const T distance = static_cast<T>(d), square = weights[4 * k + first], linear = weights[4 * k + first + 1];
        values[static_cast<std::size_t>(d + reach) * c + k] = square * distance * distance + linear * distance;
      }
  }
  const T* at(std::size_t from, std::size_t to) const {
    return values.data() +
           static_cast<std::size_t>(reach + static_cast<std::ptrdiff_t>(to) - static_cast<std::ptrdiff_t>(from)) * c;
  }
};

/// The first candidate of a window.
template <class T>
void begin_row(const T* value, const T* cost, const std::int32_t* place, T* best, std::int32_t* at, std::size_t n) {
  for (std::size_t k = 0; k < n; ++k) best[k] = value[k] - cost[k];
  std::copy_n(place, n, at);
}

}  // namespace

// The cost is a sum of one along the rows and one along the columns, so the maximum is taken along one after the other: h w (h + w)
// steps for a whole map, not (h w)². Of equals the first row wins, and in it the first column: row-major order.
template <class T>
void deform_pool(const T* x, const T* weights, T* out, std::int32_t* index, const DeformShape& shape) {
  const PoolShape& s = shape.windows;
  if (s.n * s.c == 0) return;
  const Costs<T> across(weights, 0, s.c, s.w), down(weights, 2, s.c, s.h);
  const std::size_t ow = s.columns.size(), oh = s.rows.size(), size = s.h * s.w * s.c;
  parallel_for(s.n, size * (ow + oh), [&](std::size_t begin, std::size_t end) {
    const auto improve = table<T>().improve_row;
    const Scratch<T> half(s.h * ow * s.c);  // the maximum along each row of the image
    const Scratch<std::int32_t> half_at(s.h * ow * s.c), places(size);
    for (std::size_t k = 0; k < size; ++k) places[k] = static_cast<std::int32_t>(k);
    for (std::size_t n = begin; n < end; ++n) {
      for (std::size_t i = 0; i < s.h; ++i)
        for (std::size_t j = 0; j < ow; ++j) {
          const std::size_t to = (i * ow + j) * s.c;
          for (std::size_t v = s.columns[j].begin; v < s.columns[j].end; ++v) {
            const std::size_t from = (i * s.w + v) * s.c;
            (v == s.columns[j].begin ? begin_row<T> : improve)(x + n * size + from, across.at(j * shape.stride_w, v), &places[from],
                                                               &half[to], &half_at[to], s.c);
          }
        }
      for (std::size_t i = 0; i < oh; ++i)
        for (std::size_t j = 0; j < ow; ++j) {
          const std::size_t to = ((n * oh + i) * ow + j) * s.c;
          for (std::size_t u = s.rows[i].begin; u < s.rows[i].end; ++u) {
            const std::size_t from = (u * ow + j) * s.c;
            (u == s.rows[i].begin ? begin_row<T> : improve)(&half[from], down.at(i * shape.stride_h, u), &half_at[from], out + to,
                                                            index + to, s.c);
          }
        }
    }
  });
}

template <class T>
void deform_features(const std::int32_t* index, T* out, const DeformShape& shape) {
  const PoolShape& s = shape.windows;
  const std::size_t oh = s.rows.size(), ow = s.columns.size();
  parallel_for(s.n * oh, ow * s.c * 4, [&](std::size_t begin, std::size_t end) {
    for (std::size_t k = begin * ow * s.c; k < end * ow * s.c; ++k) {
      const std::size_t place = static_cast<std::size_t>(index[k]) / s.c, pixel = k / s.c;
      const T dx = static_cast<T>(place % s.w) - static_cast<T>(pixel % ow * shape.stride_w);
      const T dy = static_cast<T>(place / s.w) - static_cast<T>(pixel / ow % oh * shape.stride_h);
      const T features[] = {dx * dx, dx, dy * dy, dy};
      std::copy_n(features, 4, out + 4 * k);
    }
  });
}

template <class T>
void scatter(const T* g, const std::int32_t* index, T* out, std::size_t n, std::size_t out_size, std::size_t in_size) {
  parallel_for(n, in_size + out_size, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      T* image = out + i * in_size;
      std::fill_n(image, in_size, T(0));
      const std::int32_t* const places = index + i * out_size;
      const T* const from = g + i * out_size;
      if (!often(places, out_size)) {
        for (std::size_t k = 0; k < out_size; ++k) image[places[k]] += from[k];
        continue;
      }
      Piles<T> piles(places, out_size, in_size, 1);
      for (std::size_t k = 0; k < out_size; ++k) {
        const auto place = static_cast<std::size_t>(places[k]);
        if (piles.has(place))
          piles.add(place, from + k);
        else
          image[place] += from[k];
      }
      piles.flush(image, 0, in_size);
    }
  });
}

template <class T>
void gather(const T* x, const std::int32_t* index, T* out, std::size_t n, std::size_t out_size, std::size_t in_size) {
  parallel_for(n, out_size, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i)
      for (std::size_t k = i * out_size; k < (i + 1) * out_size; ++k) out[k] = x[i * in_size + static_cast<std::size_t>(index[k])];
  });
}

#define XGRAD_INSTANTIATE(T)                                                                       \
  template void extreme_pool(bool, const T*, T*, std::int32_t*, const PoolShape&);                 \
  template void avg_pool(const T*, T*, const PoolShape&);                                          \
  template void avg_spread(const T*, T*, const PoolShape&);                                        \
  template void deform_pool(const T*, const T*, T*, std::int32_t*, const DeformShape&);            \
  template void deform_features(const std::int32_t*, T*, const DeformShape&);                      \
  template void scatter(const T*, const std::int32_t*, T*, std::size_t, std::size_t, std::size_t); \
  template void gather(const T*, const std::int32_t*, T*, std::size_t, std::size_t, std::size_t);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad::kernels

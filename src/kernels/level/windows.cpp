// One row of results of pooling and of depthwise convolution. Compiled once per level.
#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "../table.hpp"
#include "vec.hpp"

namespace xgrad::kernels::XGRAD_LEVEL {
namespace {

/// b where take, else a. Without a branch, which would be hard to predict.
template <class Bits, class X>
X choose(bool take, X a, X b) {
  const Bits x = __builtin_bit_cast(Bits, a), mask = -static_cast<Bits>(take);
  return __builtin_bit_cast(X, static_cast<Bits>(x ^ ((x ^ __builtin_bit_cast(Bits, b)) & mask)));
}
template <class T>
using BitsOf = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;

/// Whether a value takes the place of the best so far. NaN counts as best, and the first one stays.
template <bool largest, class T>
bool better(T value, T best) {
  return !(largest ? value <= best : value >= best) & (best == best);
}

/// Pixels of c channels, those at place[0], place[c] …, one after the other. Copied in blocks, of which the next one covers the
/// excess, where they do not reach beyond `end`; behind the last there must be room for it.
template <std::size_t block, class T>
void collect(const T* from, const T* end, const std::int32_t* place, std::size_t c, std::size_t pixels, T* to) {
  for (std::size_t q = 0; q < pixels; ++q, place += c, to += c) {
    const T* const pixel = from + *place;
    if (end - pixel >= static_cast<std::ptrdiff_t>(block))
      for (std::size_t k = 0; k < block; ++k) to[k] = pixel[k];
    else
      for (std::size_t k = 0; k < c; ++k) to[k] = pixel[k];
  }
}

/// n results of windows of equal width. Window i begins at place(i) of the image's row; values(shift) are those that stand `shift`
/// behind such places.
template <bool largest, class T, class Values, class Place>
void extremes(std::size_t w, std::size_t c, Window rows, std::size_t wide, std::size_t n, Values values, Place place,
              T* __restrict out, std::int32_t* __restrict index) {
  for (std::size_t u = rows.begin; u < rows.end; ++u)
    for (std::size_t v = 0; v < wide; ++v) {
      const std::size_t shift = (u * w + v) * c;
      const T* const x = values(shift);
      const auto at = static_cast<std::int32_t>(shift);
      if (u == rows.begin && v == 0)
        for (std::size_t i = 0; i < n; ++i) {
          out[i] = x[i];
          index[i] = at + place(i);
        }
      else
        for (std::size_t i = 0; i < n; ++i) {
          const bool take = better<largest>(x[i], out[i]);
          out[i] = choose<BitsOf<T>>(take, out[i], x[i]);
          index[i] = choose<std::int32_t>(take, index[i], at + place(i));
        }
    }
}

template <bool largest, class T>
void extreme_row(const T* image, std::size_t w, std::size_t c, Window rows, const Window* columns, std::size_t n,
                 const std::int32_t* places, T* out, std::int32_t* index) {
  if (!places) {
    for (std::size_t j = 0; j < n; ++j, out += c, index += c) {
      const std::size_t begin = columns[j].begin * c;
      extremes<largest>(
          w, c, rows, columns[j].end - columns[j].begin, c, [&](std::size_t shift) { return image + begin + shift; },
          [first = static_cast<std::int32_t>(begin)](std::size_t i) { return first + static_cast<std::int32_t>(i); }, out, index);
    }
    return;
  }
  constexpr std::size_t some = 512;
  alignas(64) T room[some + few_channels];
  const T* const end = image + rows.end * w * c;
  const std::size_t wide = columns[0].end - columns[0].begin, together = some / c;
  for (std::size_t j = 0; j < n; j += together) {
    const std::size_t windows = n - j < together ? n - j : together;
    const auto collected = [&](std::size_t shift) {
      collect<few_channels>(image + shift, end, places, c, windows, room);
      return room;
    };
    extremes<largest>(
        w, c, rows, wide, windows * c, collected, [places](std::size_t i) { return places[i]; }, out, index);
    places += windows * c, out += windows * c, index += windows * c;
  }
}

/// Terms that are added one by one; longer sums are cut in halves, or rounding errors would pile up.
constexpr std::size_t few_terms = 64;

/// add(k, sum) for begin … end - 1, beginning with 0.
template <class S, class Add>
[[gnu::always_inline]] inline S one_by_one(std::size_t begin, std::size_t end, const Add& add) {
  S sum(0);
  for (std::size_t k = begin; k < end; ++k) sum = add(k, sum);
  return sum;
}
template <class S, class Add>
[[gnu::noinline]] S by_halves(std::size_t begin, std::size_t end, const Add& add) {
  if (end - begin <= few_terms) return one_by_one<S>(begin, end, add);
  const std::size_t middle = begin + (end - begin) / 2;
  return by_halves<S>(begin, middle, add) + by_halves<S>(middle, end, add);
}
/// The sum of n terms, where add(k, sum) is the sum and term k; of few terms where the caller knows that, which is faster.
template <class S, bool few = false, class Add>
[[gnu::always_inline]] inline S summed(std::size_t n, const Add& add) {
  return few || n <= few_terms ? one_by_one<S>(0, n, add) : by_halves<S>(0, n, add);
}

/// The mean of one window, of each channel.
template <bool few, class T>
void avg_window(const T* first, std::size_t w, std::size_t c, std::size_t high, std::size_t wide, T count, T* out) {
  constexpr std::size_t width = Vec<T>::size;
  std::size_t k = 0;
  for (; k + width <= c; k += width) {
    const auto row = [&](std::size_t u, Vec<T> total) {
      const T* const p = first + u * w * c + k;
      return total + summed<Vec<T>, few>(wide, [&](std::size_t v, Vec<T> sum) { return sum + load(p + v * c); });
    };
    store(out + k, summed<Vec<T>, few>(high, row) / Vec<T>(count));
  }
  for (; k < c; ++k) {
    const auto row = [&](std::size_t u, T total) {
      const T* const p = first + u * w * c + k;
      return total + summed<T, few>(wide, [&](std::size_t v, T sum) { return sum + p[v * c]; });
    };
    out[k] = summed<T, few>(high, row) / count;
  }
}

template <class T>
void avg_row(const T* image, std::size_t w, std::size_t c, Window rows, const Window* columns, std::size_t n, T* out) {
  for (std::size_t j = 0; j < n; ++j, out += c) {
    const T count = static_cast<T>(rows.count * columns[j].count);
    const T* first = image + (rows.begin * w + columns[j].begin) * c;
    const std::size_t high = rows.end - rows.begin, wide = columns[j].end - columns[j].begin;
    if (high <= few_terms && wide <= few_terms)
      avg_window<true>(first, w, c, high, wide, count, out);
    else
      avg_window<false>(first, w, c, high, wide, count, out);
  }
}

template <class T>
void product_row(const T* a, std::ptrdiff_t a_row, const T* b, std::ptrdiff_t b_row, std::size_t c, Taps rows, const Taps* columns,
                 std::size_t n, T* out) {
  constexpr std::size_t width = Vec<T>::size;
  const auto pixel = static_cast<std::ptrdiff_t>(c);
  for (std::size_t j = 0; j < n; ++j, out += c) {
    const Taps& t = columns[j];
    if (rows.count == 0 || t.count == 0) {  // an array that is empty may have no address, from which places could be counted
      std::fill_n(out, c, T(0));
      continue;
    }
    const T* a_start = a + rows.a_first * a_row + t.a_first * pixel;
    const T* b_start = b + rows.b_first * b_row + t.b_first * pixel;
    const std::ptrdiff_t a_down = rows.a_step * a_row, b_down = rows.b_step * b_row, a_right = t.a_step * pixel,
                         b_right = t.b_step * pixel;
    std::size_t k = 0;
    for (; k + width <= c; k += width) {
      const auto row = [&](std::size_t u, Vec<T> total) {
        const T* const p = a_start + static_cast<std::ptrdiff_t>(u) * a_down + k;
        const T* const q = b_start + static_cast<std::ptrdiff_t>(u) * b_down + k;
        return total + summed<Vec<T>>(t.count, [&](std::size_t v, Vec<T> sum) {
                 const auto step = static_cast<std::ptrdiff_t>(v);
                 return multiply_add(load(p + step * a_right), load(q + step * b_right), sum);
               });
      };
      store(out + k, summed<Vec<T>>(rows.count, row));
    }
    for (; k < c; ++k) {
      const auto row = [&](std::size_t u, T total) {
        const T* const p = a_start + static_cast<std::ptrdiff_t>(u) * a_down + k;
        const T* const q = b_start + static_cast<std::ptrdiff_t>(u) * b_down + k;
        return total + summed<T>(t.count, [&](std::size_t v, T sum) {
                 const auto step = static_cast<std::ptrdiff_t>(v);
                 return sum + p[step * a_right] * q[step * b_right];
               });
      };
      out[k] = summed<T>(rows.count, row);
    }
  }
}

template <class T>
void add_scaled_row(T* sum, const T* x, T factor, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) sum[i] += factor * x[i];
}

template <class T>
void improve_row(const T* value, const T* cost, const std::int32_t* place, T* __restrict best, std::int32_t* __restrict at,
                 std::size_t n) {
  for (std::size_t k = 0; k < n; ++k) {
    const T candidate = value[k] - cost[k];
    const bool take = better<true>(candidate, best[k]);
    best[k] = choose<BitsOf<T>>(take, best[k], candidate);
    at[k] = choose<std::int32_t>(take, at[k], place[k]);
  }
}

template <class T>
void fill(Table<T>& table) {
  table.max_pool_row = extreme_row<true, T>;
  table.min_pool_row = extreme_row<false, T>;
  table.avg_pool_row = avg_row<T>;
  table.product_row = product_row<T>;
  table.improve_row = improve_row<T>;
  table.add_scaled_row = add_scaled_row<T>;
}

}  // namespace

void fill_windows(Table<float>& table) { fill(table); }
void fill_windows(Table<double>& table) { fill(table); }

}  // namespace xgrad::kernels::XGRAD_LEVEL

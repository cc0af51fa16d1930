#include "take.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>
#include <type_traits>
#include <vector>

#include <xgrad/core/parallel.hpp>

#include "../scratch.hpp"
#include "../table.hpp"
#include "piles.hpp"

namespace xgrad::kernels {

template <class T>
void take(const T* x, const std::int64_t* positions, T* out, std::size_t count, std::size_t inner) {
  parallel_for(count, inner, [&](std::size_t begin, std::size_t end) {
    if (inner == 1)
      for (std::size_t k = begin; k < end; ++k) out[k] = x[positions[k]];
    else
      for (std::size_t k = begin; k < end; ++k)
        std::copy_n(x + static_cast<std::size_t>(positions[k]) * inner, inner, out + k * inner);
  });
}

namespace {

/// f(k, row) for each of the positions, those of one row in order and in one thread: every thread looks at all positions and does
/// those in its own range of rows. `last(begin, end)` ends a range.
template <class F, class Last>
void each_position(const std::int64_t* positions, std::size_t count, std::size_t inner, std::size_t rows, F f, Last last) {
  const auto range = [&](std::size_t begin, std::size_t end) {
    const auto from = static_cast<std::int64_t>(begin), to = static_cast<std::int64_t>(end);
    for (std::size_t k = 0; k < count; ++k)
      if (positions[k] >= from && positions[k] < to) f(k, static_cast<std::size_t>(positions[k]));
    last(begin, end);
  };
  if (count * inner < parallel_threshold)
    range(0, rows);
  else
    parallel_for(rows, count * inner / rows + 1, range);
}

}  // namespace

template <class T>
void put(const T* g, const std::int64_t* positions, T* out, std::size_t count, std::size_t inner, std::size_t rows) {
  if (rows == 0) return;
  const Table<T>& kernel = table<T>();
  std::optional<Piles<T>> piles;
  if (often(positions, count)) piles.emplace(positions, count, rows, inner);
  each_position(
      positions, count, inner, rows,
      [&](std::size_t k, std::size_t row) {
        if (piles && piles->has(row))
          piles->add(row, g + k * inner);
        else if (inner == 1)
          out[row] += g[k];
        else
          kernel.add_row(out + row * inner, g + k * inner, inner);
      },
      [&](std::size_t begin, std::size_t end) {
        if (piles) piles->flush(out, begin, end);
      });
}

template <class T>
void put_sums(const T* g, const std::int64_t* positions, T* out, std::size_t count, std::size_t inner, std::size_t rows) {
  if (rows == 0) return;
  const Scratch<T> before(count * inner);
  const auto nothing = [](std::size_t, std::size_t) {};
  // Of a row that comes again there is nothing left to take away.
  each_position(
      positions, count, inner, rows,
      [&](std::size_t k, std::size_t row) {
        std::copy_n(out + row * inner, inner, before.data() + k * inner);
        std::fill_n(out + row * inner, inner, T(0));
      },
      nothing);
  put(g, positions, out, count, inner, rows);
  each_position(
      positions, count, inner, rows,
      [&](std::size_t k, std::size_t row) {
        for (std::size_t i = 0; i < inner; ++i) out[row * inner + i] += before.data()[k * inner + i];
      },
      nothing);
}

namespace {

template <class T>
using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;

/// Orders as the value does, with NaN above all and both zeros equal: whole numbers compare faster.
template <class T>
Bits<T> key_of(T value, bool descending) {
  constexpr Bits<T> sign = Bits<T>(1) << (8 * sizeof(T) - 1);
  const auto bits = std::bit_cast<Bits<T>>(value + T(0));  // -0 + 0 is 0
  const Bits<T> key = std::isnan(value) ? ~Bits<T>(0) : bits & sign ? ~bits : bits | sign;
  return descending ? ~key : key;
}

/// An element and its place. No two are equal, so that any sorting algorithm gives the same.
template <class T>
struct Item {
  Bits<T> key;
  std::uint32_t place;
  friend bool operator<(const Item& a, const Item& b) {
    if constexpr (sizeof(T) == 4)
      return (std::uint64_t{a.key} << 32 | a.place) < (std::uint64_t{b.key} << 32 | b.place);
    else
      return a.key != b.key ? a.key < b.key : a.place < b.place;
  }
};

}  // namespace

template <class T>
void argsort(const T* x, std::int64_t* order, std::size_t outer, std::size_t n, std::size_t inner, std::size_t k, bool descending) {
  if (k == 0) return;  // also where there is nothing to sort, and arrays may be null
  parallel_for(outer * inner, n * 16, [&](std::size_t begin, std::size_t end) {
    std::vector<Item<T>> items(n);
    for (std::size_t row = begin; row < end; ++row) {
      const T* from = x + row / inner * n * inner + row % inner;
      for (std::size_t i = 0; i < n; ++i) items[i] = {key_of(from[i * inner], descending), static_cast<std::uint32_t>(i)};
      if (k < n / 8)
        std::partial_sort(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(k), items.end());
      else
        std::sort(items.begin(), items.end());
      std::int64_t* to = order + row / inner * k * inner + row % inner;
      for (std::size_t i = 0; i < k; ++i) to[i * inner] = items[i].place;
    }
  });
}

template <class T>
void middle(const T* x, std::int64_t* places, std::size_t outer, std::size_t n) {
  const std::size_t wanted = n % 2 == 1 ? 1 : 2;
  parallel_for(outer, n * 8, [&](std::size_t begin, std::size_t end) {
    std::vector<Item<T>> items(n);
    for (std::size_t row = begin; row < end; ++row) {
      const T* from = x + row * n;
      for (std::size_t i = 0; i < n; ++i) items[i] = {key_of(from[i], false), static_cast<std::uint32_t>(i)};
      std::int64_t* to = places + row * wanted;
      if (const T* nan = std::find_if(from, from + n, [](T v) { return std::isnan(v); }); nan != from + n) {
        std::fill_n(to, wanted, nan - from);
        continue;
      }
      const auto upper = items.begin() + static_cast<std::ptrdiff_t>(n / 2);
      std::nth_element(items.begin(), upper, items.end());
      to[wanted - 1] = upper->place;
      if (wanted == 2) to[0] = std::max_element(items.begin(), upper)->place;
    }
  });
}

#define XGRAD_INSTANTIATE(T)                                                                                \
  template void take(const T*, const std::int64_t*, T*, std::size_t, std::size_t);                          \
  template void put(const T*, const std::int64_t*, T*, std::size_t, std::size_t, std::size_t);              \
  template void put_sums(const T*, const std::int64_t*, T*, std::size_t, std::size_t, std::size_t);         \
  template void argsort(const T*, std::int64_t*, std::size_t, std::size_t, std::size_t, std::size_t, bool); \
  template void middle(const T*, std::int64_t*, std::size_t, std::size_t);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad::kernels

// The largest and smallest of rows. Compiled once per level. Plain loops over a few accumulators: compilers make vectors of them.
#include "../table.hpp"

namespace xgrad::kernels::XGRAD_LEVEL {
namespace {

/// `best` is NaN once it was.
template <bool most, class T>
T better(T best, T value) {
  return (most ? value > best : value < best) || value != value ? value : best;
}

template <bool most, class T>
T extreme_row(const T* x, std::size_t n) {
  constexpr std::size_t lanes = 128 / sizeof(T);
  T result = x[0];
  std::size_t i = 0;
  if (n >= lanes) {
    T best[lanes];
    for (std::size_t k = 0; k < lanes; ++k) best[k] = x[k];
    for (i = lanes; i + lanes <= n; i += lanes)
      for (std::size_t k = 0; k < lanes; ++k) best[k] = better<most>(best[k], x[i + k]);
    for (std::size_t half = lanes / 2; half > 0; half /= 2)
      for (std::size_t k = 0; k < half; ++k) best[k] = better<most>(best[k], best[k + half]);
    result = best[0];
  }
  for (; i < n; ++i) result = better<most>(result, x[i]);
  return result;
}

template <bool most, class T>
void extreme_into(T* best, const T* x, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) best[i] = better<most>(best[i], x[i]);
}

/// Looks at a block at once, and into it only if it has what is sought.
template <class T>
std::size_t place_row(const T* x, std::size_t n, T value) {
  constexpr std::size_t block = 32;
  const auto found = [value](T v) { return v == value || v != v; };
  std::size_t i = 0;
  for (; i + block <= n; i += block) {
    int any = 0;
    for (std::size_t k = 0; k < block; ++k) any |= found(x[i + k]) ? 1 : 0;
    if (any) break;
  }
  while (i < n && !found(x[i])) ++i;
  return i;
}

template <class T>
void fill(Table<T>& table) {
  table.extreme_row[0] = extreme_row<false, T>;
  table.extreme_row[1] = extreme_row<true, T>;
  table.extreme_into[0] = extreme_into<false, T>;
  table.extreme_into[1] = extreme_into<true, T>;
  table.place_row = place_row<T>;
}

}  // namespace

void fill_extremes(Table<float>& table) { fill(table); }
void fill_extremes(Table<double>& table) { fill(table); }

}  // namespace xgrad::kernels::XGRAD_LEVEL

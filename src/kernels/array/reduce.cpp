#include "reduce.hpp"

#include <algorithm>
#include <limits>

#include <xgrad/core/parallel.hpp>

#include "../scratch.hpp"
#include "../table.hpp"

namespace xgrad::kernels {
namespace {

/// Columns that a thread takes at a time where the middle axis is walked row by row.
constexpr std::size_t columns_at_once = 256;

/// body(o, first column, number of columns) for every o < outer and block of columns.
template <class Body>
void each_block(std::size_t outer, std::size_t middle, std::size_t inner, Body body) {
  const std::size_t blocks = (inner + columns_at_once - 1) / columns_at_once;
  parallel_for(outer * blocks, middle * std::min(inner, columns_at_once), [&](std::size_t begin, std::size_t end) {
    for (std::size_t k = begin; k < end; ++k) {
      const std::size_t first = k % blocks * columns_at_once;
      body(k / blocks, first, std::min(columns_at_once, inner - first));
    }
  });
}

/// Long runs are cut into pieces that threads may share.
constexpr std::size_t piece = 16384;

template <class T, bool most>
void extreme(const T* x, T* out, std::size_t outer, std::size_t middle, std::size_t inner) {
  const Table<T>& kernel = table<T>();
  if (middle == 0) {
    std::fill_n(out, outer * inner, most ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::infinity());
    return;
  }
  if (inner == 1 && outer < 4 && middle > 2 * piece) {
    const std::size_t pieces = (middle + piece - 1) / piece;
    const Scratch<T> parts(pieces);
    for (std::size_t o = 0; o < outer; ++o) {
      parallel_for(pieces, piece, [&](std::size_t begin, std::size_t end) {
        for (std::size_t p = begin; p < end; ++p)
          parts[p] = kernel.extreme_row[most](x + o * middle + p * piece, std::min(piece, middle - p * piece));
      });
      out[o] = kernel.extreme_row[most](parts.data(), pieces);
    }
  } else if (inner == 1) {
    parallel_for(outer, middle, [&](std::size_t begin, std::size_t end) {
      for (std::size_t o = begin; o < end; ++o) out[o] = kernel.extreme_row[most](x + o * middle, middle);
    });
  } else {
    each_block(outer, middle, inner, [&](std::size_t o, std::size_t first, std::size_t n) {
      const T* from = x + o * middle * inner + first;
      T* to = out + o * inner + first;
      std::copy_n(from, n, to);
      for (std::size_t m = 1; m < middle; ++m) kernel.extreme_into[most](to, from + m * inner, n);
    });
  }
}

template <class T, bool most>
void where_extreme(const T* x, std::int64_t* out, std::size_t outer, std::size_t middle, std::size_t inner) {
  if (inner == 1) {  // find the value first: that is fast
    const Scratch<T> values(outer);
    extreme<T, most>(x, values.data(), outer, middle, 1);
    parallel_for(outer, middle, [&](std::size_t begin, std::size_t end) {
      for (std::size_t o = begin; o < end; ++o)
        out[o] = static_cast<std::int64_t>(table<T>().place_row(x + o * middle, middle, values[o]));
    });
    return;
  }
  each_block(outer, middle, inner, [&](std::size_t o, std::size_t first, std::size_t n) {
    T best[columns_at_once];
    const T* from = x + o * middle * inner + first;
    std::int64_t* to = out + o * inner + first;
    std::copy_n(from, n, best);
    std::fill_n(to, n, 0);
    for (std::size_t m = 1; m < middle; ++m) {
      from += inner;
      for (std::size_t i = 0; i < n; ++i) {
        const T value = from[i];
        const bool better = (most ? value > best[i] : value < best[i]) || (value != value && best[i] == best[i]);
        best[i] = better ? value : best[i];
        to[i] = better ? static_cast<std::int64_t>(m) : to[i];
      }
    }
  });
}

/// out[m] = step(m, out of the row before) along the middle axis, row by row, and step(m, first) for the first row.
template <class T, class Carried, class Step>
void run_along(T* out, std::size_t outer, std::size_t middle, std::size_t inner, bool backwards, Carried first, Step step) {
  if (inner == 1) {
    parallel_for(outer, middle, [&](std::size_t begin, std::size_t end) {
      for (std::size_t o = begin; o < end; ++o) {
        Carried value = first;
        if (backwards)
          for (std::size_t i = (o + 1) * middle; i-- > o * middle;) out[i] = static_cast<T>(value = step(i, value));
        else
          for (std::size_t i = o * middle; i < (o + 1) * middle; ++i) out[i] = static_cast<T>(value = step(i, value));
      }
    });
    return;
  }
  each_block(outer, middle, inner, [&](std::size_t o, std::size_t column, std::size_t n) {
    Carried row[columns_at_once];
    std::fill_n(row, n, first);
    for (std::size_t m = 0; m < middle; ++m) {
      const std::size_t at = (o * middle + (backwards ? middle - 1 - m : m)) * inner + column;
      for (std::size_t i = 0; i < n; ++i) out[at + i] = static_cast<T>(row[i] = step(at + i, row[i]));
    }
  });
}

}  // namespace

template <class T>
void largest(const T* x, T* out, std::size_t outer, std::size_t middle, std::size_t inner) {
  extreme<T, true>(x, out, outer, middle, inner);
}
template <class T>
void smallest(const T* x, T* out, std::size_t outer, std::size_t middle, std::size_t inner) {
  extreme<T, false>(x, out, outer, middle, inner);
}
template <class T>
void where_largest(const T* x, std::int64_t* out, std::size_t outer, std::size_t middle, std::size_t inner) {
  where_extreme<T, true>(x, out, outer, middle, inner);
}
template <class T>
void where_smallest(const T* x, std::int64_t* out, std::size_t outer, std::size_t middle, std::size_t inner) {
  where_extreme<T, false>(x, out, outer, middle, inner);
}

void count(const std::int64_t* x, std::int64_t* out, std::size_t outer, std::size_t middle, std::size_t inner) {
  each_block(outer, middle, inner, [&](std::size_t o, std::size_t first, std::size_t n) {
    std::int64_t* to = out + o * inner + first;
    std::fill_n(to, n, 0);
    for (std::size_t m = 0; m < middle; ++m)
      for (std::size_t i = 0; i < n; ++i) to[i] += x[(o * middle + m) * inner + first + i];
  });
}

template <class T>
void running_sum(const T* x, T* out, std::size_t outer, std::size_t middle, std::size_t inner, bool backwards) {
  // It waits for each sum as long in double as in float.
  run_along(out, outer, middle, inner, backwards, -0.0, [&](std::size_t i, double sum) { return sum + static_cast<double>(x[i]); });
}
template <class T>
void running_product(const T* x, T* out, std::size_t outer, std::size_t middle, std::size_t inner, bool backwards) {
  run_along(out, outer, middle, inner, backwards, T(1), [&](std::size_t i, T product) { return product * x[i]; });
}
template <class T>
void recurrence(const T* a, const T* b, T* out, std::size_t outer, std::size_t middle, std::size_t inner, bool backwards) {
  if (middle == 0) return;
  // There is nothing before the first row: 0 times an infinite a would be NaN.
  const auto is_first = [=](std::size_t i) { return i / inner % middle == (backwards ? middle - 1 : 0); };
  run_along(out, outer, middle, inner, backwards, T(0),
            [&](std::size_t i, T before) { return before == 0 && is_first(i) ? b[i] : a[i] * before + b[i]; });
}

template <class T>
void product(const T* x, T* out, std::size_t outer, std::size_t middle, std::size_t inner) {
  if (inner == 1) {
    parallel_for(outer, middle, [&](std::size_t begin, std::size_t end) {
      for (std::size_t o = begin; o < end; ++o) {
        T parts[4] = {1, 1, 1, 1};  // a single one would wait for each product
        for (std::size_t i = 0; i < middle; ++i) parts[i % 4] *= x[o * middle + i];
        out[o] = (parts[0] * parts[1]) * (parts[2] * parts[3]);
      }
    });
    return;
  }
  each_block(outer, middle, inner, [&](std::size_t o, std::size_t first, std::size_t n) {
    T* to = out + o * inner + first;
    std::fill_n(to, n, T(1));
    for (std::size_t m = 0; m < middle; ++m)
      for (std::size_t i = 0; i < n; ++i) to[i] *= x[(o * middle + m) * inner + first + i];
  });
}

#define XGRAD_INSTANTIATE(T)                                                                     \
  template void largest(const T*, T*, std::size_t, std::size_t, std::size_t);                    \
  template void smallest(const T*, T*, std::size_t, std::size_t, std::size_t);                   \
  template void where_largest(const T*, std::int64_t*, std::size_t, std::size_t, std::size_t);   \
  template void where_smallest(const T*, std::int64_t*, std::size_t, std::size_t, std::size_t);  \
  template void running_sum(const T*, T*, std::size_t, std::size_t, std::size_t, bool);          \
  template void running_product(const T*, T*, std::size_t, std::size_t, std::size_t, bool);      \
  template void recurrence(const T*, const T*, T*, std::size_t, std::size_t, std::size_t, bool); \
  template void product(const T*, T*, std::size_t, std::size_t, std::size_t);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad::kernels

#include "sum.hpp"

#include <algorithm>

#include <xgrad/core/parallel.hpp>

#include "../direction.hpp"
#include "../scratch.hpp"
#include "../table.hpp"

namespace xgrad::kernels {
namespace {

/// Rows added one after the other before sums of sums begin.
constexpr std::size_t run = 32;
/// Shorter rows are taken together up to this many elements.
constexpr std::size_t wide = 128;

/// out (inner) = the sum of `rows` rows, `distance` apart. `scratch` has room for one row per level of the recursion.
template <class T>
void sum_rows(const T* x, T* out, std::size_t rows, std::size_t inner, T* scratch, std::size_t distance) {
  const Table<T>& kernel = table<T>();
  if (rows <= run) return kernel.sum_few_rows(x, out, rows, inner, distance);
  const std::size_t half = rows / 2;
  sum_rows(x, out, half, inner, scratch, distance);
  sum_rows(x + half * distance, scratch, rows - half, inner, scratch + inner, distance);
  kernel.add_row(out, scratch, inner);
}
template <class T>
void sum_rows(const T* x, T* out, std::size_t rows, std::size_t inner, T* scratch) {
  sum_rows(x, out, rows, inner, scratch, inner);
}

/// sum_rows for rows too short to be worth a call each: several of them count as one long row, which is folded at the end.
template <class T>
void sum_short_rows(const T* x, T* out, std::size_t rows, std::size_t inner, T* scratch) {
  const std::size_t together = wide / inner, long_rows = together == 0 ? 0 : rows / together;
  if (together < 2 || long_rows < 2) return sum_rows(x, out, rows, inner, scratch);
  T* folded = scratch;
  scratch += together * inner;
  sum_rows(x, folded, long_rows, together * inner, scratch);
  sum_rows(folded, out, together, inner, scratch);
  if (const std::size_t rest = rows % together; rest > 0) {
    sum_rows(x + (rows - rest) * inner, folded, rest, inner, scratch);
    table<T>().add_row(out, folded, inner);
  }
}

constexpr std::size_t depth(std::size_t rows) {
  std::size_t levels = 1;
  for (; rows > run; rows = rows - rows / 2) ++levels;
  return levels;
}

/// Long runs are cut into pieces for the threads, of a length that does not depend on their number: nor does the result then.
constexpr std::size_t piece = 16384;

template <class T>
void sum_contiguous(const T* x, T* out, std::size_t outer, std::size_t middle) {
  constexpr std::size_t longest = 8 * piece;
  const std::size_t share = std::clamp(middle / 32 / 64 * 64, piece, longest), pieces = (middle + share - 1) / share;
  if (outer >= 4 || pieces < 2) {
    parallel_for(outer, middle, [&](std::size_t begin, std::size_t end) {
      table<T>().sum_each_row(x + begin * middle, out + begin, end - begin, middle);
    });
    return;
  }
  const Scratch<T> parts(pieces);
  for (std::size_t o = 0; o < outer; ++o) {
    const bool down = backwards(middle);
    parallel_for(pieces, share, [&](std::size_t begin, std::size_t end) {
      in_pieces(begin, end, 1, down, [&](std::size_t p, std::size_t) {
        parts[p] = table<T>().sum_row(x + o * middle + p * share, std::min(share, middle - p * share));
      });
    });
    out[o] = table<T>().sum_row(parts.data(), pieces);
  }
}

/// Few and long rows: each thread sums a stretch of all of them.
template <class T>
void sum_long_rows(const T* x, T* out, std::size_t outer, std::size_t middle, std::size_t inner) {
  const std::size_t stretches = (inner + piece - 1) / piece;
  parallel_for(outer * stretches, middle * piece, [&](std::size_t begin, std::size_t end) {
    const Scratch<T> room(depth(middle) * piece);
    for (std::size_t k = begin; k < end; ++k) {
      const std::size_t o = k / stretches, first = k % stretches * piece;
      sum_rows(x + o * middle * inner + first, out + o * inner + first, middle, std::min(piece, inner - first), room.data(), inner);
    }
  });
}

template <class T>
void sum_strided(const T* x, T* out, std::size_t outer, std::size_t middle, std::size_t inner) {
  if (inner >= piece && outer < 4) return sum_long_rows(x, out, outer, middle, inner);
  // Pieces of the middle axis are summed side by side when there are too few outer rows to share out.
  const std::size_t rows = std::max<std::size_t>(1, piece / inner), pieces = outer >= 4 ? 1 : (middle + rows - 1) / rows;
  const std::size_t share = pieces == 1 ? middle : rows;
  Scratch<T, 1> sums(pieces == 1 ? 0 : outer * pieces * inner);
  T* parts = pieces == 1 ? out : sums.data();
  parallel_for(outer * pieces, share * inner, [&](std::size_t begin, std::size_t end) {
    const Scratch<T> room(wide + depth(share) * std::max(inner, wide));
    for (std::size_t k = begin; k < end; ++k) {
      const std::size_t o = k / pieces, p = k % pieces;
      sum_short_rows(x + (o * middle + p * share) * inner, parts + k * inner, std::min(share, middle - p * share), inner,
                     room.data());
    }
  });
  if (pieces == 1) return;
  const Scratch<T> room(depth(pieces) * inner);
  for (std::size_t o = 0; o < outer; ++o) sum_rows(parts + o * pieces * inner, out + o * inner, pieces, inner, room.data());
}

}  // namespace

template <class T>
void sum(const T* x, T* out, std::size_t outer, std::size_t middle, std::size_t inner) {
  if (outer * inner == 0) return;
  if (middle == 0)
    std::fill_n(out, outer * inner, T(0));
  else if (inner == 1)
    sum_contiguous(x, out, outer, middle);
  else
    sum_strided(x, out, outer, middle, inner);
}

template <class T>
void add_to(T* sum, const T* x, std::size_t n) {
  parallel_for(
      n, 1, [&](std::size_t begin, std::size_t end) { table<T>().add_row(sum + begin, x + begin, end - begin); }, 64);
}

template void add_to(float*, const float*, std::size_t);
template void add_to(double*, const double*, std::size_t);
template void sum(const float*, float*, std::size_t, std::size_t, std::size_t);
template void sum(const double*, double*, std::size_t, std::size_t, std::size_t);

}  // namespace xgrad::kernels

#include "permute.hpp"

#include <algorithm>
#include <vector>

#include <xgrad/core/parallel.hpp>

#include "walk.hpp"

namespace xgrad::kernels {
namespace {

/// A square of elements, as small as one that a processor shuffles in its registers.
template <class T>
struct Square {
  static constexpr std::size_t side = 16 / sizeof(T);
  typedef T Row __attribute__((vector_size(16)));

  static Row load(const T* x) {
    Row row;
    __builtin_memcpy(&row, x, sizeof row);
    return row;
  }
  static void store(T* x, Row row) { __builtin_memcpy(x, &row, sizeof row); }

  /// out = x transposed; rows are `in_step` and `out_step` apart.
  static void transpose(const T* x, std::size_t in_step, T* out, std::size_t out_step) {
    if constexpr (side == 4) {
      const Row a = load(x), b = load(x + in_step), c = load(x + 2 * in_step), d = load(x + 3 * in_step);
      const Row ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
      const Row ab2 = __builtin_shufflevector(a, b, 2, 6, 3, 7), cd2 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
      store(out, __builtin_shufflevector(ab, cd, 0, 1, 4, 5));
      store(out + out_step, __builtin_shufflevector(ab, cd, 2, 3, 6, 7));
      store(out + 2 * out_step, __builtin_shufflevector(ab2, cd2, 0, 1, 4, 5));
      store(out + 3 * out_step, __builtin_shufflevector(ab2, cd2, 2, 3, 6, 7));
    } else {
      const Row a = load(x), b = load(x + in_step);
      store(out, __builtin_shufflevector(a, b, 0, 2));
      store(out + out_step, __builtin_shufflevector(a, b, 1, 3));
    }
  }
};

/// A tile is as wide as a line of the cache.
template <class T>
constexpr std::size_t tile = 64 / sizeof(T);

/// out (columns, rows) = x (rows, columns) transposed, at most a tile of each; rows are `in_step` and `out_step` apart. It goes by
/// way of a buffer: of rows that are a power of two apart, a cache holds no more than some eight at a time.
template <class T>
void transpose_tile(const T* x, T* out, std::size_t rows, std::size_t columns, std::size_t in_step, std::size_t out_step) {
  constexpr std::size_t side = Square<T>::side;
  alignas(64) T buffer[tile<T> * tile<T>];
  const std::size_t whole_rows = rows / side * side, whole_columns = columns / side * side;
  for (std::size_t i = 0; i < whole_rows; i += side) {
    for (std::size_t j = 0; j < whole_columns; j += side)
      Square<T>::transpose(x + i * in_step + j, in_step, buffer + j * tile<T> + i, tile<T>);
    for (std::size_t j = whole_columns; j < columns; ++j)
      for (std::size_t k = i; k < i + side; ++k) buffer[j * tile<T> + k] = x[k * in_step + j];
  }
  for (std::size_t i = whole_rows; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j) buffer[j * tile<T> + i] = x[i * in_step + j];
  for (std::size_t j = 0; j < columns; ++j)
    if (rows == tile<T>)
      __builtin_memcpy(out + j * out_step, buffer + j * tile<T>, 64);
    else
      std::copy_n(buffer + j * tile<T>, rows, out + j * out_step);
}

}  // namespace

template <class T>
void permute(const T* x, T* out, const std::size_t* shape, const std::size_t* axes, std::size_t rank) {
  std::vector<std::size_t> x_strides(rank);
  std::size_t size = 1;
  for (std::size_t k = rank; k-- > 0;) {
    x_strides[k] = size;
    size *= shape[k];
  }
  if (size == 0) return;
  Axes<2> merged;  // what is left is a copy, a transpose, or a few of them
  for (std::size_t k = rank, out_stride = 1; k-- > 0; out_stride *= shape[axes[k]])
    merged.add(shape[axes[k]], {static_cast<std::ptrdiff_t>(x_strides[axes[k]]), static_cast<std::ptrdiff_t>(out_stride)});
  // The last axis of the result, and the one that is contiguous in x: their plane is transposed tile by tile.
  const Axis<2> last = merged.run();
  if (merged.size() == 0 || last.stride[0] == 1) {
    parallel_for(size / last.length, last.length, [&](std::size_t begin, std::size_t end) {
      Walk<2> place = merged.runs(begin);
      const T* from = x + place.start()[0];
      T* to = out + place.start()[1];
      for (std::size_t row = begin;;) {
        std::copy_n(from, last.length, to);
        if (++row == end) return;
        const auto [more, further] = place.next();
        from += more;
        to += further;
      }
    });
    return;
  }
  Axis<2> plane{};
  Axes<2> outer;
  for (std::size_t k = 1; k < merged.size(); ++k) {
    if (merged[k].stride[0] == 1)
      plane = merged[k];
    else
      outer.add(merged[k].length, merged[k].stride);
  }
  // Block by block: the processor remembers the places of some thousand pages at most, and here each row has its own.
  constexpr std::size_t high = 64, wide = 256;
  const std::size_t rows = last.length, columns = plane.length, count = size / (rows * columns);
  const auto in_step = static_cast<std::size_t>(last.stride[0]), out_step = static_cast<std::size_t>(plane.stride[1]);
  const std::size_t down = (rows + high - 1) / high, across = (columns + wide - 1) / wide;
  parallel_for(count * down * across, std::min(rows, high) * std::min(columns, wide), [&](std::size_t begin, std::size_t end) {
    Walk<2> place = outer.all(begin / (down * across));
    const T* from = x + place.start()[0];
    T* to = out + place.start()[1];
    for (std::size_t index = begin;;) {
      const std::size_t top = index % down * high, left = index / down % across * wide;
      for (std::size_t i = top; i < std::min(top + high, rows); i += tile<T>)
        for (std::size_t j = left; j < std::min(left + wide, columns); j += tile<T>)
          transpose_tile(from + i * in_step + j, to + j * out_step + i, std::min(tile<T>, rows - i), std::min(tile<T>, columns - j),
                         in_step, out_step);
      if (++index == end) return;
      if (index % (down * across) != 0) continue;
      const auto [more, further] = place.next();
      from += more;
      to += further;
    }
  });
}

template void permute(const float*, float*, const std::size_t*, const std::size_t*, std::size_t);
template void permute(const double*, double*, const std::size_t*, const std::size_t*, std::size_t);

}  // namespace xgrad::kernels

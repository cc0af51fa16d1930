#include "copy.hpp"

#include <algorithm>
#include <vector>

#include <xgrad/core/parallel.hpp>

namespace xgrad::kernels {
namespace {

/// out (columns, rows) = x (rows, columns) transposed, elements `in_step` and `out_step` apart along the long strides. Square tiles
/// stay in the cache on both sides.
template <class T>
void transpose_tile(const T* x, T* out, std::size_t rows, std::size_t columns, std::size_t in_step, std::size_t out_step) {
  constexpr std::size_t tile = 16;
  for (std::size_t i = 0; i < rows; i += tile)
    for (std::size_t j = 0; j < columns; j += tile)
      for (std::size_t jj = j; jj < std::min(j + tile, columns); ++jj)
        for (std::size_t ii = i; ii < std::min(i + tile, rows); ++ii) out[jj * out_step + ii] = x[ii * in_step + jj];
}

}  // namespace

template <class T>
void permute(const T* x, T* out, const std::size_t* shape, const std::size_t* axes, std::size_t rank) {
  // Axes of length 1 go, and neighbours that stay neighbours merge: what is left is a copy, a transpose, or a few of them.
  std::vector<std::size_t> lengths, strides, x_strides(rank);
  std::size_t size = 1;
  for (std::size_t k = rank; k-- > 0;) {
    x_strides[k] = size;
    size *= shape[k];
  }
  if (size == 0) return;
  for (std::size_t k = 0; k < rank; ++k) {
    const std::size_t length = shape[axes[k]], stride = x_strides[axes[k]];
    if (length == 1) continue;
    if (!lengths.empty() && strides.back() == stride * length) {
      lengths.back() *= length;
      strides.back() = stride;
    } else {
      lengths.push_back(length);
      strides.push_back(stride);
    }
  }
  if (lengths.empty()) {
    out[0] = x[0];
    return;
  }
  // The last axis of the result, and the one that is contiguous in x: their plane is transposed tile by tile.
  const std::size_t n = lengths.size(), last = n - 1;
  std::size_t plane = last;
  for (std::size_t k = 0; k < n; ++k)
    if (strides[k] == 1) plane = k;
  std::vector<std::size_t> out_strides(n, 1);
  for (std::size_t k = last; k-- > 0;) out_strides[k] = out_strides[k + 1] * lengths[k + 1];
  std::vector<std::size_t> outer;
  std::size_t count = 1;
  for (std::size_t k = 0; k < last; ++k)
    if (k != plane) {
      outer.push_back(k);
      count *= lengths[k];
    }
  const auto at = [&](std::size_t index, std::size_t& from, std::size_t& to) {
    from = to = 0;
    for (std::size_t k = outer.size(); k-- > 0;) {
      const std::size_t i = index % lengths[outer[k]];
      index /= lengths[outer[k]];
      from += i * strides[outer[k]];
      to += i * out_strides[outer[k]];
    }
  };
  if (plane == last) {
    parallel_for(count, lengths[last], [&](std::size_t begin, std::size_t end) {
      for (std::size_t index = begin, from = 0, to = 0; index < end; ++index) {
        at(index, from, to);
        std::copy_n(x + from, lengths[last], out + to);
      }
    });
    return;
  }
  const std::size_t columns = lengths[plane], blocks = (columns + 63) / 64;
  parallel_for(count * blocks, 64 * lengths[last], [&](std::size_t begin, std::size_t end) {
    for (std::size_t index = begin, from = 0, to = 0; index < end; ++index) {
      at(index / blocks, from, to);
      const std::size_t first = index % blocks * 64;
      transpose_tile(x + from + first, out + to + first * out_strides[plane], lengths[last],
                     std::min<std::size_t>(64, columns - first), strides[last], out_strides[plane]);
    }
  });
}

template void permute(const float*, float*, const std::size_t*, const std::size_t*, std::size_t);
template void permute(const double*, double*, const std::size_t*, const std::size_t*, std::size_t);

}  // namespace xgrad::kernels

#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../windows.hpp"

namespace xgrad::kernels {

/// Windows over images (n, h, w, c), each a row window times a column window, giving (n, rows.size(), columns.size(), c).
struct PoolShape {
  std::size_t n, h, w, c;
  std::vector<Window> rows, columns;
};

/// out: the largest (or smallest) value of each window; NaN counts as such. index: where in its image (h, w, c flattened) it
/// stands, the first one of equals.
template <class T>
void extreme_pool(bool largest, const T* x, T* out, std::int32_t* index, const PoolShape& shape);

/// out: the sum of each window over rows.count * columns.count.
template <class T>
void avg_pool(const T* x, T* out, const PoolShape& shape);
/// Its transpose: spreads each g evenly over its window.
template <class T>
void avg_spread(const T* g, T* x, const PoolShape& shape);

/// Distance-transform pooling: windows along rows and columns, of which the k-th belongs to the place k * stride_h (stride_w).
struct DeformShape {
  PoolShape windows;
  std::size_t stride_h, stride_w;
};
/// out: the largest x(q) - (a dx² + b dx + c dy² + d dy) over the places q of each window, (dx, dy) its distance from the window's
/// place; weights (c, 4) are a, b, c, d of each channel. index as extreme_pool's.
template <class T>
void deform_pool(const T* x, const T* weights, T* out, std::int32_t* index, const DeformShape& shape);
/// The displacements chosen: out (…, 4) = dx², dx, dy², dy for each index.
template <class T>
void deform_features(const std::int32_t* index, T* out, const DeformShape& shape);

/// out (n, in_size) = for each image the sum of g (n, out_size) at the places that index names.
template <class T>
void scatter(const T* g, const std::int32_t* index, T* out, std::size_t n, std::size_t out_size, std::size_t in_size);
/// out (n, out_size) = x (n, in_size) at the places that index names.
template <class T>
void gather(const T* x, const std::int32_t* index, T* out, std::size_t n, std::size_t out_size, std::size_t in_size);

}  // namespace xgrad::kernels

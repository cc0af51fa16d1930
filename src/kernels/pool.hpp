#pragma once
#include <cstddef>
#include <cstdint>

namespace xgrad::kernels {

/// Windows over images (n, h, w, c) giving (n, oh, ow, c).
struct PoolShape {
  std::size_t n, h, w, c, kh, kw, oh, ow, stride_h, stride_w;
};

/// out: the largest value of each window; NaN counts as largest. index: where in its image (h, w, c flattened) it stands, the first
/// one of equals.
template <class T>
void max_pool(const T* x, T* out, std::int32_t* index, const PoolShape& shape);

/// out (n, in_size) = for each image the sum of g (n, out_size) at the places that index names.
template <class T>
void scatter(const T* g, const std::int32_t* index, T* out, std::size_t n, std::size_t out_size, std::size_t in_size);
/// out (n, out_size) = x (n, in_size) at the places that index names.
template <class T>
void gather(const T* x, const std::int32_t* index, T* out, std::size_t n, std::size_t out_size, std::size_t in_size);

}  // namespace xgrad::kernels

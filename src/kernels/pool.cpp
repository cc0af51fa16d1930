#include "pool.hpp"

#include <algorithm>

#include <xgrad/core/parallel.hpp>

namespace xgrad::kernels {

template <class T>
void max_pool(const T* x, T* out, std::int32_t* index, const PoolShape& s) {
  parallel_for(s.n * s.oh, s.ow * s.c * s.kh * s.kw, [&](std::size_t begin, std::size_t end) {
    for (std::size_t row = begin; row < end; ++row) {
      const T* image = x + row / s.oh * s.h * s.w * s.c;
      for (std::size_t j = 0; j < s.ow; ++j) {
        T* best = out + (row * s.ow + j) * s.c;
        std::int32_t* at = index + (row * s.ow + j) * s.c;
        const std::size_t first = (row % s.oh * s.stride_h * s.w + j * s.stride_w) * s.c;
        std::copy_n(image + first, s.c, best);
        for (std::size_t k = 0; k < s.c; ++k) at[k] = static_cast<std::int32_t>(first + k);
        for (std::size_t u = 0; u < s.kh; ++u)
          for (std::size_t v = u == 0 ? 1 : 0; v < s.kw; ++v) {
            const std::size_t place = first + (u * s.w + v) * s.c;
            for (std::size_t k = 0; k < s.c; ++k) {
              const T value = image[place + k];
              const bool larger = value > best[k] || (value != value && best[k] == best[k]);
              best[k] = larger ? value : best[k];
              at[k] = larger ? static_cast<std::int32_t>(place + k) : at[k];
            }
          }
      }
    }
  });
}

template <class T>
void scatter(const T* g, const std::int32_t* index, T* out, std::size_t n, std::size_t out_size, std::size_t in_size) {
  parallel_for(n, in_size + out_size, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      T* image = out + i * in_size;
      std::fill_n(image, in_size, T(0));
      for (std::size_t k = i * out_size; k < (i + 1) * out_size; ++k) image[index[k]] += g[k];
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
  template void max_pool(const T*, T*, std::int32_t*, const PoolShape&);                           \
  template void scatter(const T*, const std::int32_t*, T*, std::size_t, std::size_t, std::size_t); \
  template void gather(const T*, const std::int32_t*, T*, std::size_t, std::size_t, std::size_t);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad::kernels

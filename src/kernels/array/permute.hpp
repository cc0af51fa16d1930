#pragma once
#include <cstddef>

/// Kernels see pointers and lengths: no graph, no containers.
namespace xgrad::kernels {

/// out, row-major with axis k being axis axes[k] of x; `shape` is x's, of `rank` axes.
template <class T>
void permute(const T* x, T* out, const std::size_t* shape, const std::size_t* axes, std::size_t rank);

}  // namespace xgrad::kernels

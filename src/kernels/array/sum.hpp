#pragma once
#include <cstddef>

namespace xgrad::kernels {

/// out (outer, inner) = the sum over the middle axis of x (outer, middle, inner). Pairwise: the rounding error grows with the
/// logarithm of `middle`. In several threads where it pays.
template <class T>
void sum(const T* x, T* out, std::size_t outer, std::size_t middle, std::size_t inner);

/// sum (n) += x (n)
template <class T>
void add_to(T* sum, const T* x, std::size_t n);

}  // namespace xgrad::kernels

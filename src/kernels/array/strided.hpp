#pragma once
#include <cstddef>

namespace xgrad::kernels {

/// Copies an array of `rank` axes whose elements lie `x_strides` (from `x` on) apart to where they lie `out_strides` apart. Strides
/// count elements; they may be negative, and those of x 0.
template <class T>
void copy_strided(const T* x, T* out, const std::size_t* lengths, const std::ptrdiff_t* x_strides,
                  const std::ptrdiff_t* out_strides, std::size_t rank);
/// The same, but added to what is there; no two elements of out may be one.
template <class T>
void add_strided(const T* x, T* out, const std::size_t* lengths, const std::ptrdiff_t* x_strides, const std::ptrdiff_t* out_strides,
                 std::size_t rank);

/// out (outer, n, inner) = x with place i of the middle axis moved to (i + shift) % n; shift < n.
template <class T>
void roll(const T* x, T* out, std::size_t outer, std::size_t n, std::size_t inner, std::size_t shift);

/// out = x, `count` matrices (rows, columns), with 0 where column - row < from or > to.
template <class T>
void band(const T* x, T* out, std::size_t count, std::size_t rows, std::size_t columns, std::ptrdiff_t from, std::ptrdiff_t to);

}  // namespace xgrad::kernels

#pragma once
#include <cstddef>
#include <cstdint>

namespace xgrad::kernels {

// x is (outer, middle, inner) and out, unless it says otherwise, (outer, inner).

/// The largest (smallest) along the middle axis; NaN if any is; -inf (inf) over no elements.
template <class T>
void largest(const T* x, T* out, std::size_t outer, std::size_t middle, std::size_t inner);
template <class T>
void smallest(const T* x, T* out, std::size_t outer, std::size_t middle, std::size_t inner);
/// Where the first of them, or the first NaN, is. middle > 0.
template <class T>
void where_largest(const T* x, std::int64_t* out, std::size_t outer, std::size_t middle, std::size_t inner);
template <class T>
void where_smallest(const T* x, std::int64_t* out, std::size_t outer, std::size_t middle, std::size_t inner);

/// How many are not 0.
void count(const std::int64_t* x, std::int64_t* out, std::size_t outer, std::size_t middle, std::size_t inner);

/// out (outer, middle, inner): running sums along the middle axis, from the end when `backwards`.
template <class T>
void running_sum(const T* x, T* out, std::size_t outer, std::size_t middle, std::size_t inner, bool backwards);
/// ... products.
template <class T>
void running_product(const T* x, T* out, std::size_t outer, std::size_t middle, std::size_t inner, bool backwards);
/// out[i] = a[i] out[i - 1] + b[i], with i + 1 for i - 1 when `backwards`, and 0 before the first.
template <class T>
void recurrence(const T* a, const T* b, T* out, std::size_t outer, std::size_t middle, std::size_t inner, bool backwards);

/// The product.
template <class T>
void product(const T* x, T* out, std::size_t outer, std::size_t middle, std::size_t inner);

}  // namespace xgrad::kernels

#pragma once
#include <cstddef>
#include <cstdint>

namespace xgrad::kernels {

// `positions` are row numbers of an array whose rows have `inner` elements.

/// out (count, inner) = the rows of x at the positions.
template <class T>
void take(const T* x, const std::int64_t* positions, T* out, std::size_t count, std::size_t inner);

/// out (rows, inner) += g (count, inner), each row at its position. Rows that come more than once are added in order, whatever the
/// number of threads, and in bunches where they are very many.
template <class T>
void put(const T* g, const std::int64_t* positions, T* out, std::size_t count, std::size_t inner, std::size_t rows);

/// As put, but rows that come more than once are summed up before they are added to what is there: the result is bit for bit that
/// of put onto zeros and one sum, at the cost of the rows that come.
template <class T>
void put_sums(const T* g, const std::int64_t* positions, T* out, std::size_t count, std::size_t inner, std::size_t rows);

/// order (outer, k, inner): where along the middle axis of x (outer, n, inner) the first k elements in order are. NaN is largest;
/// equal elements keep their order.
template <class T>
void argsort(const T* x, std::int64_t* order, std::size_t outer, std::size_t n, std::size_t inner, std::size_t k, bool descending);

/// Where in each row of x (outer, n) the middle element is, or for even n the two of them: places (outer, 1) or (outer, 2). A NaN
/// counts as the middle. n > 0.
template <class T>
void middle(const T* x, std::int64_t* places, std::size_t outer, std::size_t n);

}  // namespace xgrad::kernels

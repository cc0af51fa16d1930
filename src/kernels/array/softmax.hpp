#pragma once
#include <cstddef>
#include <cstdint>

namespace xgrad::kernels {

/// Along each of `rows` rows of `n`: softmax or log(softmax). A row of -inf alone gives NaN.
template <class T>
void softmax(const T* x, T* out, std::size_t rows, std::size_t n);
template <class T>
void log_softmax(const T* x, T* out, std::size_t rows, std::size_t n);

/// The gradient for x from that for y = softmax(x), or log(softmax(x)), in the same shape.
template <class T>
void softmax_grad(const T* y, const T* g, T* out, std::size_t rows, std::size_t n);
template <class T>
void log_softmax_grad(const T* y, const T* g, T* out, std::size_t rows, std::size_t n);

/// loss (rows) = -log softmax(x) at each row's label. Here and below a row with a negative label gives zeros. scales (rows, 2):
/// what its gradient needs besides x, two numbers of each row.
template <class T>
void cross_entropy(const T* x, const std::int64_t* labels, T* loss, T* scales, std::size_t rows, std::size_t n);
/// out (rows, n) = (softmax(x) - one-hot(label)) * g (rows)
template <class T>
void cross_entropy_grad(const T* x, const std::int64_t* labels, const T* scales, const T* g, T* out, std::size_t rows,
                        std::size_t n);

}  // namespace xgrad::kernels

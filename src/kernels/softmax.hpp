#pragma once
#include <cstddef>
#include <cstdint>

namespace xgrad::kernels {

/// Along each of `rows` rows of `n`: softmax or log(softmax). A row of -inf alone gives NaN.
template <class T>
void softmax(const T* x, T* out, std::size_t rows, std::size_t n);
template <class T>
void log_softmax(const T* x, T* out, std::size_t rows, std::size_t n);

/// loss (rows) = -log softmax(x) at each row's label. Here and below a row with a negative label gives zeros.
template <class T>
void cross_entropy(const T* x, const std::int64_t* labels, T* loss, std::size_t rows, std::size_t n);
/// out (rows, n) = (softmax(x) - one-hot(label)) * g (rows)
template <class T>
void cross_entropy_grad(const T* x, const std::int64_t* labels, const T* g, T* out, std::size_t rows, std::size_t n);

}  // namespace xgrad::kernels

#pragma once
#include "shape.hpp"

namespace xgrad::kernels {

// Depthwise convolution, for which c, o and groups are equal. Weights and their gradient are (kh, kw, c) here, with the gradient
// of each image on its own: (n, kh, kw, c).
template <class T>
void depthwise(const T* images, const T* weights, T* out, const ConvShape& shape);
template <class T>
void depthwise_input_grad(const T* g, const T* weights, T* images, const ConvShape& shape);
template <class T>
void depthwise_weight_grad(const T* images, const T* g, T* weights, const ConvShape& shape);

}  // namespace xgrad::kernels

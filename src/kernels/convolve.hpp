#pragma once
#include "conv.hpp"

namespace xgrad::kernels {

/// A convolution and its gradients for images and for weights.
enum class Pass { forward, input_grad, weight_grad };

/// out (n, oh, ow, o): images convolved with weights (o, kh, kw, c / groups), plus a bias (o) unless it is null.
template <class T>
void convolve(const T* images, const T* weights, const T* bias, T* out, const ConvShape& shape);
/// out (n, h, w, c) from the result's gradient g (n, oh, ow, o).
template <class T>
void convolve_input_grad(const T* g, const T* weights, T* out, const ConvShape& shape);
/// out (o, kh, kw, c / groups).
template <class T>
void convolve_weight_grad(const T* images, const T* g, T* out, const ConvShape& shape);

}  // namespace xgrad::kernels

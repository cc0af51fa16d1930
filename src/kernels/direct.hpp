#pragma once
#include "convolve.hpp"

/// Convolutions without patches: a row of results is the sum, over the rows of the kernel, of products of the image itself with
/// filters. What im2col would copy is there already, since neighbouring pixels follow one another.
namespace xgrad::kernels::direct {

/// Whether it can compute this: one group, no dilation along the width; the gradient for the images without stride.
bool suits(Pass pass, const ConvShape& shape);

/// As kernels::convolve and its gradients.
template <class T>
void convolve(const T* images, const T* weights, const T* bias, T* out, const ConvShape& shape);
template <class T>
void convolve_input_grad(const T* g, const T* weights, T* out, const ConvShape& shape);
template <class T>
void convolve_weight_grad(const T* images, const T* g, T* out, const ConvShape& shape);

}  // namespace xgrad::kernels::direct

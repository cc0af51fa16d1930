#pragma once
#include "shape.hpp"

/// Convolutions without patches: a row of results is the sum, over the rows of the kernel, of products of the image itself with
/// filters. What im2col would copy is there already, since neighbouring pixels follow one another.
namespace xgrad::kernels::direct {

/// Whether it can compute this: one group, no dilation along the width; the gradient for the images without stride.
bool suits(Pass pass, const ConvShape& shape);

template <class T>
void forward(const ConvArrays<T>& x, const ConvShape& shape);
template <class T>
void input_grad(const ConvArrays<T>& x, const ConvShape& shape);
template <class T>
void weight_grad(const ConvArrays<T>& x, const ConvShape& shape);

}  // namespace xgrad::kernels::direct

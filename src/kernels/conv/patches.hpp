#pragma once
#include "shape.hpp"

namespace xgrad::kernels {

/// patches (rows, columns) from the channels of one group, `images` pointing to the first of them; zeros outside of the images.
template <class T>
void im2col(const T* images, T* patches, const ConvShape& shape);
/// The other way round: adds each patch to where it came from.
template <class T>
void col2im(const T* patches, T* images, const ConvShape& shape);

/// Convolutions as one matrix product per group, of its patches.
namespace patches {

template <class T>
void forward(const ConvArrays<T>& x, const ConvShape& shape);
template <class T>
void input_grad(const ConvArrays<T>& x, const ConvShape& shape);
template <class T>
void weight_grad(const ConvArrays<T>& x, const ConvShape& shape);

}  // namespace patches
}  // namespace xgrad::kernels

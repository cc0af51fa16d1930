#pragma once
#include "shape.hpp"

namespace xgrad::kernels {

/// One pass of a convolution.
template <class T>
void convolve(Pass pass, const ConvArrays<T>& x, const ConvShape& shape);

}  // namespace xgrad::kernels

#pragma once
#include "shape.hpp"

/// Convolutions of 3×3 in tiles of 2×2 results, by Winograd's minimal filtering: 16 products where there would be 36.
/// It adds and subtracts pixels first, so an infinite one gives NaN where plain products may give infinity.
namespace xgrad::kernels::winograd {

/// Whether it can compute this: 3×3, stride and dilation 1, one group, at most 2 pixels of padding, channels in panels of 16.
bool suits(const ConvShape& shape);

template <class T>
void forward(const ConvArrays<T>& x, const ConvShape& shape);
template <class T>
void input_grad(const ConvArrays<T>& x, const ConvShape& shape);
template <class T>
void weight_grad(const ConvArrays<T>& x, const ConvShape& shape);

}  // namespace xgrad::kernels::winograd

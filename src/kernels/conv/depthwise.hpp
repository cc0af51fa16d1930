#pragma once
#include "shape.hpp"

/// Convolutions of which every group sees a single channel. With several outputs per channel they are computed on images in which
/// each channel is repeated, so that the kernels have as many channels as outputs.
namespace xgrad::kernels::channels {

template <class T>
void forward(const ConvArrays<T>& x, const ConvShape& shape);
template <class T>
void input_grad(const ConvArrays<T>& x, const ConvShape& shape);
template <class T>
void weight_grad(const ConvArrays<T>& x, const ConvShape& shape);

}  // namespace xgrad::kernels::channels

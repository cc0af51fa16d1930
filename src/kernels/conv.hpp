#pragma once
#include <cstddef>

namespace xgrad::kernels {

/// The lengths of a 2-d convolution: images (n, h, w, c), weights (o, kh, kw, c), results (n, oh, ow, o).
struct ConvShape {
  std::size_t n, h, w, c, o, kh, kw, oh, ow;
  std::size_t stride_h, stride_w, pad_h, pad_w;

  std::size_t rows() const { return n * oh * ow; }     ///< of the patch matrix: one per output position
  std::size_t columns() const { return kh * kw * c; }  ///< one per weight of a filter
};

/// patches (rows, columns) from the images; zeros outside of them.
template <class T>
void im2col(const T* images, T* patches, const ConvShape& shape);
/// The other way round: adds each patch back to where it came from. Images are overwritten.
template <class T>
void col2im(const T* patches, T* images, const ConvShape& shape);

}  // namespace xgrad::kernels

#pragma once
#include <compare>
#include <cstddef>

namespace xgrad::kernels {

/// The lengths of a 2-d convolution: images (n, h, w, c), weights (o, kh, kw, c / groups), results (n, oh, ow, o).
struct ConvShape {
  std::size_t n, h, w, c, o, kh, kw, oh, ow;
  std::size_t stride_h, stride_w, top, left, dilation_h, dilation_w, groups;

  std::size_t group_c() const { return c / groups; }
  std::size_t group_o() const { return o / groups; }
  std::size_t rows() const { return n * oh * ow; }             ///< of the patch matrix: one per output position
  std::size_t columns() const { return kh * kw * group_c(); }  ///< one per weight of a filter

  /// Without stride or padding a 1×1 convolution is a matrix product: its images are the patches.
  bool pointwise() const { return kh == 1 && kw == 1 && stride_h == 1 && stride_w == 1 && oh == h && ow == w; }

  auto operator<=>(const ConvShape&) const = default;
};

/// A convolution and its gradients for images and for weights.
enum class Pass { forward, input_grad, weight_grad };

/// What a pass reads and writes. Forward: images, weights and a bias (o), unless it is null. Else `result` is the gradient for the
/// results, with the weights or with the images. Weights and their gradient are (o, kh, kw, c / groups).
template <class T>
struct ConvArrays {
  const T *images = nullptr, *weights = nullptr, *bias = nullptr, *result = nullptr;
  T* out = nullptr;
};

/// A way to compute each of them.
template <class T>
struct Passes {
  using Run = void (*)(const ConvArrays<T>&, const ConvShape&);
  Run forward, input_grad, weight_grad;

  Run operator[](Pass pass) const { return pass == Pass::forward ? forward : pass == Pass::input_grad ? input_grad : weight_grad; }
};

}  // namespace xgrad::kernels

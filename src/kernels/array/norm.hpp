#pragma once
#include <cstddef>

namespace xgrad::kernels {

/// How an array is normalised: as (samples, rows, groups, width), with one mean and one variance per sample and group. A channel is
/// one of the groups · width last places, each of which may have a weight and a bias.
struct NormShape {
  std::size_t samples, rows, groups, width;
  std::size_t channels() const { return groups * width; }
  /// How many elements share a mean.
  std::size_t count() const { return rows * width; }
  std::size_t size() const { return samples * rows * channels(); }
};

/// mean and variance (the biased one) for each sample and group (samples, groups), each from its own pass.
template <class T>
void norm_statistics(const NormShape& shape, const T* x, T* mean, T* variance);

/// out = (x - mean) · rstd · weight + bias; no weight or bias where null.
template <class T>
void norm_forward(const NormShape& shape, const T* x, const T* mean, const T* rstd, const T* weight, const T* bias, T* out);

/// The gradients for x, weight and bias, where not null, of norm_forward after norm_statistics.
template <class T>
void norm_backward(const NormShape& shape, const T* x, const T* g, const T* mean, const T* rstd, const T* weight, T* gx, T* gweight,
                   T* gbias);

}  // namespace xgrad::kernels

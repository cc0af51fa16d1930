#pragma once
#include <cstddef>

namespace xgrad::kernels {

/// Fewer channels are not worth a loop of their own for every window.
inline constexpr std::size_t few_channels = 16;

/// A pooling window along one axis: the pixels [begin, end) of the image, at least one, and how many an average counts.
struct Window {
  std::size_t begin, end, count;
};

/// Along one axis, the pairs of places whose products are summed: `count` of them, the k-th a_first + k a_step and
/// b_first + k b_step.
struct Taps {
  std::size_t count;
  std::ptrdiff_t a_first, a_step, b_first, b_step;
};

}  // namespace xgrad::kernels

#pragma once
#include <cstddef>
#include <cstdint>

#include <xgrad/core/api.hpp>
#include <xgrad/data/dataset.hpp>

namespace xgrad {

/// `n` handwritten-looking digits as MNIST has them: (n, 28, 28, 1) bytes, light ink (up to 255) on black, labels 0 … 9 in random
/// order, each equally often (within one). Nothing is read: a pen follows one of several stroke skeletons per digit, with random
/// slant, size, place, thickness, pressure, bend and noise. For programs and tests that must run without downloads.
///
/// The same n and seed give the same bytes, whatever the number of threads; a smaller n is not a prefix of a larger one. Take
/// different seeds for training and testing. A linear classifier reaches about 86 % on them, LeNet-5 about 99 %.
XGRAD_API Dataset digits(std::size_t n, std::uint64_t seed, Where at = Where::current());

}  // namespace xgrad

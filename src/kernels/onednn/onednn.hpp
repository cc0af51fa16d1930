#pragma once
#include <cstddef>
#include <string>

#include "../conv/shape.hpp"
#include "../matrix/gemm.hpp"
#include "features.hpp"  // which the build writes

/// oneDNN's primitives for float, made once per shape and kept, on the calling thread alone. The functions return false, with
/// nothing written, where the library was built without oneDNN or where it has nothing better than a plain loop: then our own way
/// is the one to take.
namespace xgrad::kernels::onednn {

#ifdef XGRAD_ONEDNN
inline constexpr bool available = true;
/// "2.6.3", or "" where the library was built without.
std::string version();
/// Whether its kernels run on AVX-512.
bool wide();
/// Below how many channels our columns make the gradient for images faster, on AVX-512: under large windows more of them in
/// version 3.
std::size_t narrow_images(std::size_t window);

/// Version 3.7 ends the program with SIGFPE where it makes a primitive for 1×1 filters with a stride and many channels, as
/// ResNet-50 has them (28², 512 → 1024). Pixels that are left out are no work for our columns either.
bool divides_by_zero(const ConvShape& shape);

/// As kernels::gemm. The bias (n), if not null, is added to every row.
bool gemm(bool transpose_a, bool transpose_b, std::size_t m, std::size_t n, std::size_t k, const float* a, const float* b, float* c,
          RowStrides strides, bool add, const float* bias);

/// One pass of a convolution, in N×H×W×C or, when `blocked`, in oneDNN's own format with a reorder on either side.
bool convolve(Pass pass, bool blocked, const ConvArrays<float>& x, const ConvShape& shape);
/// Whether convolve() would do it.
bool convolves(Pass pass, bool blocked, bool biased, const ConvShape& shape);
#else
inline constexpr bool available = false;
inline std::string version() { return ""; }
inline bool wide() { return false; }
inline std::size_t narrow_images(std::size_t) { return 0; }
inline bool divides_by_zero(const ConvShape&) { return false; }
inline bool gemm(bool, bool, std::size_t, std::size_t, std::size_t, const float*, const float*, float*, RowStrides, bool,
                 const float*) {
  return false;
}
inline bool convolve(Pass, bool, const ConvArrays<float>&, const ConvShape&) { return false; }
inline bool convolves(Pass, bool, bool, const ConvShape&) { return false; }
#endif

}  // namespace xgrad::kernels::onednn

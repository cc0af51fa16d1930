#include "gemm.hpp"

#include <algorithm>
#include <limits>
#include <string>

#include <xgrad/core/error.hpp>

// xtensor-blas brings cxxblas, which calls the CBLAS for float and double. Included here only: it is slow to compile.
#include <xtensor-blas/xblas.hpp>

namespace xgrad::kernels {

template <class T>
void gemm(bool transpose_a, bool transpose_b, std::size_t m, std::size_t n, std::size_t k, const T* a, const T* b, T* c, bool add) {
  if (m == 0 || n == 0) return;
  if (k == 0) {
    if (!add) std::fill_n(c, m * n, T(0));
    return;
  }
  const auto whole = [](std::size_t x) {
    if (x > static_cast<std::size_t>(std::numeric_limits<xt::blas_index_t>::max()))
      throw ShapeError("a matrix with an axis of " + std::to_string(x) + " is more than the BLAS can multiply; split it");
    return static_cast<xt::blas_index_t>(x);
  };
  cxxblas::gemm(cxxblas::RowMajor, transpose_a ? cxxblas::Trans : cxxblas::NoTrans, transpose_b ? cxxblas::Trans : cxxblas::NoTrans,
                whole(m), whole(n), whole(k), T(1), a, whole(transpose_a ? m : k), b, whole(transpose_b ? k : n), add ? T(1) : T(0),
                c, whole(n));
}

template void gemm(bool, bool, std::size_t, std::size_t, std::size_t, const float*, const float*, float*, bool);
template void gemm(bool, bool, std::size_t, std::size_t, std::size_t, const double*, const double*, double*, bool);

}  // namespace xgrad::kernels

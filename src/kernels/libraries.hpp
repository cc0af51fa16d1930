#pragma once
#include <string>

/// What stands behind the kernels that are not our own.
namespace xgrad::kernels {

/// What was made of an XGRAD_ISA that cannot be followed, or "".
std::string level_note();
/// "OpenBLAS 0.3.21 (Haswell, OpenMP)"; "CBLAS" where the BLAS does not say what it is.
std::string blas_name();
/// The processor that OpenBLAS has chosen its kernels for, as in OPENBLAS_CORETYPE; "" for any other BLAS.
std::string openblas_core();
/// Whether it is an OpenBLAS that works in our threads.
bool openblas_with_openmp();
/// Whether the BLAS divides its work among threads that we do not know, so that one call must be all of it.
bool blas_has_own_threads();
/// As much of it as the level v4 and OpenBLAS's kernels need.
bool has_avx512();
/// The version of oneDNN; "none" where the library was built without.
std::string onednn_version();

}  // namespace xgrad::kernels

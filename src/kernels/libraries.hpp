#pragma once
#include <string>

/// What stands behind the kernels that are not our own.
namespace xgrad::kernels {

/// "OpenBLAS 0.3.21 (Haswell, OpenMP)"; "CBLAS" where the BLAS does not say what it is.
std::string blas_name();
/// The processor that OpenBLAS has chosen its kernels for, as in OPENBLAS_CORETYPE; "" for any other BLAS.
std::string openblas_core();
/// Whether it is an OpenBLAS that works in our threads.
bool openblas_with_openmp();
/// As much of it as OpenBLAS's kernels need.
bool has_avx512();
/// The version of oneDNN; "none" where the library was built without.
std::string onednn_version();

}  // namespace xgrad::kernels

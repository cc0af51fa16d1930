#include "libraries.hpp"

#include <algorithm>
#include <string_view>

#include "onednn/onednn.hpp"

// Weak: other libraries with the CBLAS's functions do not have these.
extern "C" {
[[gnu::weak]] char* openblas_get_config();
[[gnu::weak]] char* openblas_get_corename();
[[gnu::weak]] int openblas_get_parallel();
}

namespace xgrad::kernels {

std::string openblas_core() { return openblas_get_corename ? openblas_get_corename() : ""; }

bool openblas_with_openmp() { return openblas_get_parallel && openblas_get_parallel() == 2; }

bool blas_has_own_threads() { return !openblas_get_parallel || openblas_get_parallel() == 1; }

std::string blas_name() {
  if (!openblas_get_config) return "CBLAS";
  // "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH …"
  std::string name = openblas_get_config();
  if (const std::size_t space = name.find(' '); space != std::string::npos)
    name.resize(std::min(name.find(' ', space + 1), name.size()));
  std::string inside = openblas_core();
  if (openblas_get_parallel) {
    static constexpr std::string_view kinds[] = {"one thread", "own threads", "OpenMP"};
    if (const int kind = openblas_get_parallel(); kind >= 0 && kind < 3) {
      if (!inside.empty()) inside += ", ";
      inside += kinds[kind];
    }
  }
  return inside.empty() ? name : name + " (" + inside + ")";
}

bool has_avx512() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#else
  return false;
#endif
}

std::string onednn_version() {
  const std::string version = onednn::version();
  return version.empty() ? "none" : version;
}

}  // namespace xgrad::kernels

#pragma once
#include <string>
#include <string_view>
#include <vector>

#include <xgrad/core/api.hpp>
#include <xgrad/core/print.hpp>

namespace xgrad {

/// What this build of the library is and what it runs on.
///
///     fmt::print("{}\n", xg::config());
///     // xgrad 0.2.0, g++ 12.2.0, kernels for x86-64-v3, OpenBLAS 0.3.21 (Haswell, OpenMP), oneDNN 2.6.3, 2 threads
struct Config {
  std::string version;    ///< "0.2.0"
  std::string compiler;   ///< of the library: "g++ 12.2.0"
  std::string isa;        ///< the kernels in use: "base", "v2", "v3" or "v4"
  std::string blas;       ///< "OpenBLAS 0.3.21 (Haswell, OpenMP)"; "CBLAS" where it does not say
  std::string onednn;     ///< its version, or "none"
  int threads = 1;        ///< for calls from this thread
  bool optimised = true;  ///< whether the library was compiled with optimisation
  /// What makes this build slower than it could be, with the remedy; what was made of OMP_NUM_THREADS and XGRAD_ISA where they
  /// cannot be followed; why there are fewer threads than processors; that a process is the child of a fork().
  std::vector<std::string> notes;
};

/// When there are notes, they are also printed to stderr, each once in a program.
XGRAD_API Config config();

/// One line, and one more for each note.
XGRAD_API std::string to_string(const Config& config);

/// A note where OpenBLAS runs slower than this processor could: it took a processor with AVX-512 for `core`, a kind without, and
/// nothing else multiplies matrices. Else "". `core` is empty for any other BLAS.
XGRAD_API std::string blas_note(std::string_view core, bool has_avx512, bool has_onednn);

}  // namespace xgrad

template <>
struct fmt::formatter<xgrad::Config> : xgrad::detail::TextFormatter {};

#include <xgrad/config/config.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cstdio>

#include <mutex>
#include <set>

#include <xgrad/core/parallel.hpp>
#include <xgrad/core/processors.hpp>

#include "../core/tell.hpp"
#include "../kernels/libraries.hpp"
#include "../kernels/table.hpp"

namespace xgrad {
namespace {

std::string compiler() {
#if defined(__clang__)
  return fmt::format("clang {}.{}.{}", __clang_major__, __clang_minor__, __clang_patchlevel__);
#elif defined(__GNUC__)
  return fmt::format("g++ {}.{}.{}", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#else
  return "an unknown compiler";
#endif
}

#ifdef __OPTIMIZE__
constexpr bool optimised = true;
#else
constexpr bool optimised = false;
#endif

}  // namespace

void tell(const std::string& note) {
  static std::mutex mutex;
  static auto* const told = new std::set<std::string>;  // not destroyed: static Variables may compute after it would be
  const std::scoped_lock lock(mutex);
  if (told->insert(note).second) std::fputs(("xgrad: " + note + "\n").c_str(), stderr);  // a closed stderr is no reason to throw
}

std::string blas_note(std::string_view core, bool has_avx512, bool has_onednn) {
  static constexpr std::array<std::string_view, 3> with_avx512{"SkylakeX", "Cooperlake", "SapphireRapids"};
  if (core.empty() || !has_avx512 || has_onednn || std::ranges::find(with_avx512, core) != with_avx512.end()) return "";
  return fmt::format(
      "OpenBLAS takes this processor for {} and leaves its AVX-512 unused; set OPENBLAS_CORETYPE=SkylakeX in the "
      "environment, or build xgrad with oneDNN",
      core);
}

Config config() {
  Config result{.version = fmt::format("{}.{}.{}", XGRAD_VERSION_MAJOR, XGRAD_VERSION_MINOR, XGRAD_VERSION_PATCH),
                .compiler = compiler(),
                .isa = std::string(kernels::level_name()),
                .blas = kernels::blas_name(),
                .onednn = kernels::onednn_version(),
                .threads = num_threads(),
                .optimised = optimised,
                .notes = {}};
  if (!optimised) result.notes.emplace_back("this library was built without optimisation; configure with --buildtype=release");
  for (std::string note :
       {blas_note(kernels::openblas_core(), kernels::has_avx512(), result.onednn != "none"), default_threads().note,
        kernels::level_note(),
        std::string(detail::forked()
                        ? "this process was forked after its parent had computed in several threads; it computes on one"
                        : "")})
    if (!note.empty()) result.notes.push_back(std::move(note));
  for (const std::string& note : result.notes) tell(note);
  return result;
}

std::string to_string(const Config& c) {
  std::string text = fmt::format("xgrad {}, {}, kernels for {}, {}, {}, {} thread{}", c.version, c.compiler,
                                 c.isa.starts_with('v') ? "x86-64-" + c.isa : "any processor", c.blas,
                                 c.onednn == "none" ? "no oneDNN" : "oneDNN " + c.onednn, c.threads, c.threads == 1 ? "" : "s");
  for (const std::string& note : c.notes) text += "\nnote: " + note;
  return text;
}

}  // namespace xgrad

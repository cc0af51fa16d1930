// What the library says about itself.
#include "support.hpp"

namespace xg = xgrad;

TEST_CASE("config: says what there is") {
  const xg::Config c = xg::config();
  CHECK(c.version == "0.1.0");
#if defined(__clang__)
  CHECK(c.compiler.starts_with("clang "));
#else
  CHECK(c.compiler ==
        "g++ " + std::to_string(__GNUC__) + "." + std::to_string(__GNUC_MINOR__) + "." + std::to_string(__GNUC_PATCHLEVEL__));
#endif
  CHECK((c.isa == "base" || c.isa == "v2" || c.isa == "v3" || c.isa == "v4"));
  if (const char* wanted = std::getenv("XGRAD_ISA"); wanted && *wanted) CHECK(c.isa == wanted);
  CHECK(!c.blas.empty());
  CHECK(!c.onednn.empty());
  CHECK(c.optimised == XGRAD_TEST_OPTIMISED);
  CHECK(c.optimised == (to_string(c).find("built without optimisation; configure with --buildtype=release") == std::string::npos));
  CHECK(c.threads == xg::num_threads());
  CHECK((c.notes.empty() || !c.optimised || c.notes[0].starts_with("OpenBLAS takes this processor for ")));
}

TEST_CASE("config: threads are those of now") {
  const int before = xg::num_threads();
  xg::set_num_threads(1);
  CHECK(xg::config().threads == 1);
  CHECK(to_string(xg::config()).find(", 1 thread") != std::string::npos);
  xg::set_num_threads(before);
  CHECK(xg::config().threads == before);
}

TEST_CASE("config: as text") {
  xg::Config c{.version = "1.2.3",
               .compiler = "g++ 12.2.0",
               .isa = "v3",
               .blas = "OpenBLAS 0.3.21 (Zen, OpenMP)",
               .onednn = "2.6.3",
               .threads = 2,
               .notes = {}};
  CHECK(to_string(c) == "xgrad 1.2.3, g++ 12.2.0, kernels for x86-64-v3, OpenBLAS 0.3.21 (Zen, OpenMP), oneDNN 2.6.3, 2 threads");
  c = {.version = "1.2.3",
       .compiler = "clang 14.0.6",
       .isa = "base",
       .blas = "CBLAS",
       .onednn = "none",
       .threads = 1,
       .notes = {"one", "two"}};
  CHECK(fmt::format("{}", c) ==
        "xgrad 1.2.3, clang 14.0.6, kernels for any processor, CBLAS, no oneDNN, 1 thread\nnote: one\nnote: two");
}

TEST_CASE("config: a note where OpenBLAS could be faster, and only there") {
  for (const char* core : {"Haswell", "Zen", "Prescott"}) {
    const std::string note = xg::blas_note(core, true, false);
    CHECK(note ==
          "OpenBLAS takes this processor for " + std::string(core) +
              " and leaves its AVX-512 unused; set OPENBLAS_CORETYPE=SkylakeX in the environment, or build xgrad with oneDNN");
    CHECK(xg::blas_note(core, false, false).empty());  // the processor has no more
    CHECK(xg::blas_note(core, true, true).empty());    // oneDNN does the work
  }
  for (const char* core : {"SkylakeX", "Cooperlake", "SapphireRapids"}) CHECK(xg::blas_note(core, true, false).empty());
  CHECK(xg::blas_note("", true, false).empty());  // another BLAS
}

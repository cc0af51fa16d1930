// What the library says about itself.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>
#include <sstream>

#if __has_include(<sched.h>)
#include <sched.h>
#endif

#include "support.hpp"

namespace xg = xgrad;
using xgrad_test::has;

TEST_CASE("config: says what there is") {
  const xg::Config c = xg::config();
  CHECK(c.version == fmt::format("{}.{}.{}", XGRAD_VERSION_MAJOR, XGRAD_VERSION_MINOR, XGRAD_VERSION_PATCH));
  std::ostringstream port;  // which cannot look into the header
  port << std::ifstream(XGRAD_TEST_DATA "/../../packaging/vcpkg/vcpkg.json").rdbuf();
  CHECK(has(port.str(), "\"version-semver\": \"" + c.version + "\""));
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

TEST_CASE("default threads: OMP_NUM_THREADS where it is a number, else what may be used") {
  constexpr double all = std::numeric_limits<double>::infinity();
  const auto choose = [](const char* asked, int processors, int allowed, double quota) {
    const xg::ThreadChoice choice = xg::choose_threads(asked, processors, allowed, quota);
    return std::to_string(choice.threads) + (choice.note.empty() ? "" : " " + choice.note);
  };
  CHECK(choose(nullptr, 8, 8, all) == "8");
  CHECK(choose("", 8, 8, all) == "8");
  CHECK(choose("3", 8, 8, 0.5) == "3");
  CHECK(choose(" 3 ", 8, 8, all) == "3");
  CHECK(choose("4,2", 8, 8, all) == "4");
  CHECK(choose("1024", 8, 8, all) == "1024");
  for (const std::string text : {"0", "-1", "garbage", "2x", "100000", "99999999999999999999", "1025", ",", " "})
    CHECK(choose(text.c_str(), 8, 8, all) == "8 OMP_NUM_THREADS is " + text + "; it must be a number from 1 to 1024: 8 threads");
  CHECK(choose(nullptr, 8, 3, all) == "3 the affinity mask allows 3 of 8 processors: 3 threads");
  CHECK(choose(nullptr, 2, 1, all) == "1 the affinity mask allows 1 of 2 processors: 1 thread");
  CHECK(choose(nullptr, 8, 8, 0.5) == "1 the control group's quota is 0.5 processors: 1 thread");
  CHECK(choose(nullptr, 8, 8, 2.75) == "2 the control group's quota is 2.75 processors: 2 threads");
  CHECK(choose(nullptr, 8, 8, 8) == "8");
  CHECK(choose(nullptr, 8, 4, 6) == "4 the affinity mask allows 4 of 8 processors: 4 threads");
  CHECK(
      choose("0", 8, 4, 2) ==
      "2 OMP_NUM_THREADS is 0; it must be a number from 1 to 1024, the affinity mask allows 4 of 8 processors, the control group's "
      "quota is 2 processors: 2 threads");
  CHECK(choose(nullptr, 4000, 4000, all) == "1024");
}

TEST_CASE("default threads: the quota of the control group and of those above it") {
  namespace fs = std::filesystem;
  const fs::path root =
      fs::temp_directory_path() / ("xgrad-groups-" + std::to_string(std::hash<std::string>()(fs::current_path().string())));
  fs::remove_all(root);
  const auto write = [&](const std::string& path, const std::string& text) {
    fs::create_directories((root / path).parent_path());
    std::ofstream(root / path) << text << '\n';
  };
  constexpr double none = std::numeric_limits<double>::infinity();
  const auto quota = [&](const char* groups) { return xg::processor_quota(root, groups); };
  CHECK(quota("0::/") == none);
  CHECK(quota("") == none);
  CHECK(quota("nonsense\n:\n1:cpu") == none);
  // version 2
  write("a/b/cpu.max", "max 100000");
  CHECK(quota("0::/a/b\n") == none);
  write("a/b/cpu.max", "50000 100000");
  CHECK(quota("0::/a/b\n") == 0.5);
  CHECK(quota("0::/a\n") == none);
  CHECK(quota("0::/a/b/c\n") == 0.5);  // of the group above
  write("a/cpu.max", "30000 100000");
  CHECK(quota("0::/a/b\n") == 0.3);
  write("a/cpu.max", "junk");
  CHECK(quota("0::/a/b\n") == 0.5);
  write("cpu.max", "150000 100000");  // a container sees its own group as the root, and perhaps the path of the host
  CHECK(quota("0::/docker/1234\n") == 1.5);
  fs::remove_all(root);
  // version 1
  write("cpu,cpuacct/x/cpu.cfs_quota_us", "-1");
  write("cpu,cpuacct/x/cpu.cfs_period_us", "100000");
  CHECK(quota("5:memory:/x\n3:cpu,cpuacct:/x\n0::/\n") == none);
  write("cpu,cpuacct/x/cpu.cfs_quota_us", "250000");
  CHECK(quota("5:memory:/x\n3:cpu,cpuacct:/x\n0::/\n") == 2.5);
  CHECK(quota("5:cpuset:/x\n") == none);
  write("cpu/cpu.cfs_quota_us", "20000");
  write("cpu/cpu.cfs_period_us", "10000");
  CHECK(quota("4:cpu:/docker/1234") == 2);
  fs::remove_all(root);
}

#if defined(__linux__)
namespace {

/// What "config of this process" prints, in an environment with `settings`.
std::string config_with(const std::string& settings) {
  const std::string program = std::filesystem::read_symlink("/proc/self/exe");
  const std::string command =
      "unset OMP_NUM_THREADS XGRAD_ISA; " + settings + " '" + program + "' --no-skip --test-case='config of this process' 2>&1";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  REQUIRE(pipe);
  std::string text;
  for (int c; (c = std::fgetc(pipe.get())) != EOF;) text += static_cast<char>(c);
  return text;
}
std::size_t times(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++count;
  return count;
}

}  // namespace

TEST_CASE("config of this process" * doctest::skip()) {
  // matrices large enough for several threads; the sum shows that the program runs
  const xg::Variable<float> a(xg::full<float>({300, 300}, 1.0F));
  std::string notes;
  for (const std::string& note : xg::config().notes) notes += "<" + note + ">";
  const xg::Config again = xg::config();
  fmt::print("[{} {} {} {}]", again.threads, again.isa, static_cast<long>(sum(matmul(a, a)).item()), notes);
  std::fflush(stdout);
}

TEST_CASE("config: bad settings are told once, and the program runs") {
  const std::string sum = " 27000000 ", all = config_with("env");
  CHECK(has(all, sum));
  for (const std::string bad : {"0", "garbage", "100000"}) {
    const std::string text = config_with("OMP_NUM_THREADS=" + bad),
                      note = "OMP_NUM_THREADS is " + bad + "; it must be a number from 1 to 1024";
    CAPTURE(text);
    CHECK(has(text, sum));
    CHECK(has(text, "<" + note));
    CHECK(times(text, "xgrad: " + note) == 1);
  }
  const std::string good = config_with("OMP_NUM_THREADS=3");
  CHECK(has(good, "[3 "));
  CHECK(!has(good, "OMP_NUM_THREADS is"));
  const std::string isa = config_with("XGRAD_ISA=v9");
  CAPTURE(isa);
  CHECK(has(isa, sum));
  CHECK(has(isa, "<XGRAD_ISA is v9; it must be one of base"));
  CHECK(times(isa, "xgrad: XGRAD_ISA is v9") == 1);

  cpu_set_t before, one;
  REQUIRE(sched_getaffinity(0, sizeof before, &before) == 0);
  CPU_ZERO(&one);
  for (std::size_t k = 0; k < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++k)
    if (CPU_ISSET(k, &before)) CPU_SET(k, &one);
  REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
  const std::string alone = config_with("env");
  REQUIRE(sched_setaffinity(0, sizeof before, &before) == 0);
  CAPTURE(alone);
  CHECK(has(alone, "[1 "));
  CHECK(has(alone, sum));
  if (CPU_COUNT(&before) > 1) CHECK(times(alone, "the affinity mask allows 1 of ") == 2);
}
#endif

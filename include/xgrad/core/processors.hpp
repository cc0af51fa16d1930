#pragma once
#include <filesystem>
#include <string>
#include <string_view>

#include <xgrad/core/api.hpp>

namespace xgrad {

/// More threads than this are not made.
inline constexpr int most_threads = 1024;

/// How many threads the library uses where nobody calls set_num_threads, and why it is not what might be expected, or "".
struct ThreadChoice {
  int threads = 1;
  std::string note;
};

/// What was chosen for this process when it was first asked for.
XGRAD_API const ThreadChoice& default_threads();

/// The rule: `asked`, the text of OMP_NUM_THREADS (null or "": not set; of a list the first number), where it is a number from 1 to
/// most_threads; else as many as the affinity mask `allows` of the `processors` that the machine has, but no more than `quota`
/// processors, rounded down because threads above a quota are all stopped together. At least 1.
XGRAD_API ThreadChoice choose_threads(const char* asked, int processors, int allowed, double quota);

/// How many processors' time the control group of a process may use, the least of its own limit and those of the groups above;
/// infinite without a limit. `root` is where control groups are mounted (/sys/fs/cgroup), `groups` the text of /proc/self/cgroup.
/// Reads cpu.max (version 2), and cpu.cfs_quota_us with cpu.cfs_period_us (version 1).
XGRAD_API double processor_quota(const std::filesystem::path& root, std::string_view groups);

}  // namespace xgrad

#include <xgrad/core/processors.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>
#include <thread>

#if __has_include(<sched.h>)
#include <sched.h>
#endif

namespace xgrad {
namespace {

constexpr double unlimited = std::numeric_limits<double>::infinity();

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The numbers at the beginning of a text.
std::optional<double> ratio(const std::string& quota, const std::string& period) {
  char* end = nullptr;
  const double q = std::strtod(quota.c_str(), &end), p = std::strtod(period.c_str(), nullptr);
  if (end == quota.c_str() || q <= 0 || !(p > 0)) return {};  // "max", -1 and what cannot be read are no limit
  return q / p;
}

double limit_of(const std::filesystem::path& group, bool second_version) {
  if (!second_version) return ratio(read(group / "cpu.cfs_quota_us"), read(group / "cpu.cfs_period_us")).value_or(unlimited);
  const std::string text = read(group / "cpu.max");
  const std::size_t space = text.find(' ');
  return space == std::string::npos ? unlimited : ratio(text.substr(0, space), text.substr(space)).value_or(unlimited);
}

/// The least limit of a group and those above it. In a container the path may be that of the host, whose upper groups are not seen.
double least_limit(const std::filesystem::path& mount, std::filesystem::path group, bool second_version) {
  double least = limit_of(mount, second_version);
  for (group = group.relative_path(); !group.empty(); group = group.parent_path())
    least = std::min(least, limit_of(mount / group, second_version));
  return least;
}

bool names(std::string_view list, std::string_view name) {
  for (std::size_t comma; !list.empty(); list.remove_prefix(comma == list.npos ? list.size() : comma + 1))
    if (comma = list.find(','); list.substr(0, comma) == name) return true;
  return false;
}

int allowed_processors(int processors) {
#ifdef CPU_ALLOC
  for (std::size_t most = CPU_SETSIZE; most <= std::size_t{1} << 20; most *= 2) {  // the system says when a set is too small
    cpu_set_t* const set = CPU_ALLOC(most);
    const std::size_t size = CPU_ALLOC_SIZE(most);
    const int count = set && sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : 0;
    CPU_FREE(set);
    if (count > 0) return count;
  }
#endif
  return processors;
}

}  // namespace

double processor_quota(const std::filesystem::path& root, std::string_view groups) {
  double least = unlimited;
  while (!groups.empty()) {  // lines "3:cpu,cpuacct:/a/b", of version 2 "0::/a/b"
    const std::size_t end = std::min(groups.find('\n'), groups.size());
    const std::string_view line = groups.substr(0, end);
    groups.remove_prefix(std::min(end + 1, groups.size()));
    const std::size_t first = line.find(':');
    const std::size_t second = first == line.npos ? first : line.find(':', first + 1);
    if (second == line.npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1), path = line.substr(second + 1);
    if (controllers.empty()) least = std::min(least, least_limit(root, path, true));
    if (!names(controllers, "cpu")) continue;
    least = std::min(least, least_limit(root / controllers, path, false));
    if (controllers != "cpu") least = std::min(least, least_limit(root / "cpu", path, false));
  }
  return least;
}

ThreadChoice choose_threads(const char* asked, int processors, int allowed, double quota) {
  const std::string_view text = asked ? asked : "", first = text.substr(0, text.find(','));
  ThreadChoice choice;
  std::string why;
  if (!text.empty()) {
    const std::size_t begin = std::min(first.find_first_not_of(" \t"), first.size());
    const std::size_t end = std::max(first.find_last_not_of(" \t") + 1, begin);
    long long number = 0;
    const auto [stop, error] = std::from_chars(first.data() + begin, first.data() + end, number);
    const bool whole = stop == first.data() + end && end > begin;
    if (whole && error == std::errc() && number >= 1 && number <= most_threads) return {static_cast<int>(number), ""};
    why = fmt::format("OMP_NUM_THREADS is {}; it must be a number from 1 to {}", text, most_threads);
  }
  choice.threads = std::clamp(allowed, 1, most_threads);
  const auto because = [&why](const std::string& reason) { why += (why.empty() ? "" : ", ") + reason; };
  if (allowed < processors) because(fmt::format("the affinity mask allows {} of {} processors", allowed, processors));
  if (quota < choice.threads) {
    choice.threads = std::max(1, static_cast<int>(quota));
    because(fmt::format("the control group's quota is {:.3g} processors", quota));
  }
  if (!why.empty()) choice.note = fmt::format("{}: {} thread{}", why, choice.threads, choice.threads == 1 ? "" : "s");
  return choice;
}

const ThreadChoice& default_threads() {
  static const ThreadChoice* const choice = [] {  // not destroyed: static Variables may compute after it would be
    const int processors = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
    return new ThreadChoice(choose_threads(std::getenv("OMP_NUM_THREADS"), processors, allowed_processors(processors),
                                           processor_quota("/sys/fs/cgroup", read("/proc/self/cgroup"))));
  }();
  return *choice;
}

}  // namespace xgrad

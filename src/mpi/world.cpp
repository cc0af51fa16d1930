#include <xgrad/mpi/world.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>
#include <utility>

#include <xgrad/core/parallel.hpp>
#include <xgrad/core/processors.hpp>

#include "group.hpp"

#if __has_include(<sched.h>)
#include <sched.h>
#endif

namespace xgrad::mpi {
namespace {

/// The processors that this process may use.
std::vector<int> own_processors() {
  std::vector<int> found;
#ifdef CPU_ALLOC
  for (std::size_t most = CPU_SETSIZE; found.empty() && most <= std::size_t{1} << 20; most *= 2) {
    cpu_set_t* const set = CPU_ALLOC(most);
    const std::size_t bytes = CPU_ALLOC_SIZE(most);
    if (set && sched_getaffinity(0, bytes, set) == 0)
      for (std::size_t cpu = 0; cpu < most; ++cpu)
        if (CPU_ISSET_S(cpu, bytes, set)) found.push_back(static_cast<int>(cpu));
    CPU_FREE(set);
  }
#endif
  if (found.empty())
    for (int cpu = 0; cpu < std::max(1, static_cast<int>(std::thread::hardware_concurrency())); ++cpu) found.push_back(cpu);
  return found;
}

std::string read(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Here {
  int ranks;
  int threads;
};

/// Who shares this machine, and how many threads that leaves.
Here look_around(Group& group) {
  const std::vector<int> own = own_processors();
  std::string all;
  for (const std::string& one : group.gather(fmt::format("{}\n{}\n", group.machine(), fmt::join(own, " ")))) all += one;
  group.broadcast(all);
  std::vector<std::vector<int>> here;
  std::istringstream lines(all);
  for (std::string machine, processors; std::getline(lines, machine) && std::getline(lines, processors);)
    if (machine == group.machine()) {
      std::istringstream numbers(processors);
      here.emplace_back(std::istream_iterator<int>(numbers), std::istream_iterator<int>());
    }
  return {static_cast<int>(here.size()),
          detail::threads_for(own, here, processor_quota("/sys/fs/cgroup", read("/proc/self/cgroup")))};
}

/// The options themselves, once they make sense: before anything is started.
WorldOptions sensible(WorldOptions options, Where at) {
  if (!(options.timeout > 0)) throw ValueError(at, "World", fmt::format("timeout is {}; it must be above 0", options.timeout));
  if (options.threads < 0 || options.threads > most_threads)
    throw ValueError(at, "World", fmt::format("threads is {}; it must be from 0 to {}", options.threads, most_threads));
  return options;
}

}  // namespace

int detail::threads_for(const std::vector<int>& own, const std::vector<std::vector<int>>& here, double quota) {
  double share = 0;
  for (const int processor : own)
    share += 1 / std::max(1.0, static_cast<double>(std::ranges::count_if(here, [&](const auto& theirs) {
                            return std::ranges::find(theirs, processor) != theirs.end();
                          })));
  share = std::min(share, quota / static_cast<double>(std::max<std::size_t>(here.size(), 1)));
  return std::clamp(static_cast<int>(std::min(share, 1e6) + 1e-9), 1, most_threads);
}

World::World(int& argc, char**& argv, WorldOptions options, Where at)
    : World((sensible(options, at), mpi_transport(argc, argv, at)), options, at) {}

World::World(std::unique_ptr<Transport> transport, WorldOptions options, Where at) {
  options = sensible(options, at);
  group_ = std::make_shared<Group>(std::move(transport), options.timeout);
  try {
    const std::string mine =
        fmt::format("xgrad {}.{}.{}, {}", XGRAD_VERSION_MAJOR, XGRAD_VERSION_MINOR, XGRAD_VERSION_PATCH, group_->name());
    std::string first = mine;
    group_->broadcast(first);
    group_->agree(mine == first ? "" : fmt::format("this is {}, rank 0 is {}; all must be the same", mine, first), "World", at);
    const Here here = look_around(*group_);
    ranks_here_ = here.ranks;
    const char* const asked = std::getenv("OMP_NUM_THREADS");
    if (options.threads > 0)
      set_num_threads(options.threads);
    else if (!asked || !*asked)
      set_num_threads(here.threads);
  } catch (Error& error) {
    error.place(at, "World");
    throw;
  }
}

World::~World() = default;

std::size_t World::rank() const { return static_cast<std::size_t>(group_->rank()); }
std::size_t World::size() const { return static_cast<std::size_t>(group_->size()); }

void World::same(std::uint64_t number, const std::string& what, Where at) {
  std::uint64_t first = number;
  group_->broadcast(&first, sizeof first);
  group_->agree(number == first ? "" : fmt::format("{} is {}, on rank 0 it is {}; they must be equal", what, number, first),
                "check", at);
}

void World::check_part(std::size_t mine, std::size_t all, Where at) {
  const bool good = mine == rank() && all == size();
  group_->agree(good ? ""
                     : fmt::format("the Loader has part {} of {}; it must have part {} of {}, by {{.part = world.rank(), .parts = "
                                   "world.size()}}",
                                   mine, all, rank(), size()),
                "check", at);
}

double World::sum(double number, Where at) try {
  group_->sum(&number, 1);
  return number;
} catch (Error& error) {
  error.place(at, "sum");
  throw;
}

void World::barrier(Where at) { sum(0, at); }

}  // namespace xgrad::mpi

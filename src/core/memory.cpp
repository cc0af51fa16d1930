#include <xgrad/core/memory.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <utility>

#include <xgrad/core/error.hpp>

#if __has_include(<sys/mman.h>)
#include <sys/mman.h>
#endif
#if __has_include(<unistd.h>)
#include <unistd.h>
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define XGRAD_NO_POOL 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define XGRAD_NO_POOL 1
#endif
#endif

namespace xgrad::memory {
namespace {

#ifdef XGRAD_NO_POOL
constexpr bool pooled = false;  // the sanitizers see every block
#else
constexpr bool pooled = true;
#endif

// Size classes: multiples of 64 bytes up to 1 KiB, then four steps to each power of two, so at most a quarter is wasted.
constexpr std::size_t fine = 16, steps = 4, classes = fine + steps * 38;
constexpr std::size_t small_classes = fine + steps * 2;  // up to 4 KiB: each thread has its own lists of these
constexpr std::size_t thread_limit = 4096;               // blocks in one such list; more go to the shared one

constexpr std::size_t class_of(std::size_t bytes) {
  if (bytes <= 1024) return bytes == 0 ? 0 : (bytes - 1) / 64;
  const auto log = static_cast<std::size_t>(std::bit_width(bytes - 1)) - 1;  // 2^log < bytes <= 2^(log+1)
  return fine + (log - 10) * steps + (((bytes - 1) >> (log - 2)) & 3);
}
constexpr std::size_t size_of_class(std::size_t k) {
  if (k < fine) return (k + 1) * 64;
  const std::size_t log = 10 + (k - fine) / steps;
  return (std::size_t{1} << log) + ((k - fine) % steps + 1) * (std::size_t{1} << (log - 2));
}
static_assert(size_of_class(class_of(1)) == 64 && size_of_class(class_of(1024)) == 1024 && size_of_class(class_of(1025)) == 1280 &&
              size_of_class(class_of(1280)) == 1280 && size_of_class(class_of(2048)) == 2048 &&
              size_of_class(class_of(2049)) == 2560);

constexpr std::size_t most = size_of_class(classes - 1);

struct Block {
  Block* next;
};

// Both structures are trivially destructible: static Variables give their blocks back after the thread's objects have died.
struct Local {
  std::array<Block*, small_classes> free;
  std::array<std::uint32_t, small_classes> count;
  std::ptrdiff_t in_use;  // not yet added to the shared count
  bool hooked, dead;

  std::size_t cached() const {
    std::size_t bytes = 0;
    for (std::size_t k = 0; k < small_classes; ++k) bytes += count[k] * size_of_class(k);
    return bytes;
  }
};
struct Shared {
  std::mutex mutex;
  std::array<Block*, classes> free{};
  std::atomic<std::size_t> cached{0}, peak{0};
  std::atomic<std::ptrdiff_t> in_use{0};
  std::atomic<std::uint64_t> system_allocations{0};
};

[[gnu::tls_model("initial-exec")]] constinit thread_local Local local{};
constinit Shared shared;

void publish(std::ptrdiff_t change) {
  const auto now = static_cast<std::size_t>(std::max<std::ptrdiff_t>(shared.in_use.fetch_add(change) + change, 0));
  std::size_t peak = shared.peak.load();
  while (now > peak && !shared.peak.compare_exchange_weak(peak, now)) {
  }
}

void share(Block* block, std::size_t k) {
  const std::scoped_lock lock(shared.mutex);
  block->next = shared.free[k];
  shared.free[k] = block;
  shared.cached += size_of_class(k);
}

/// A dying thread's blocks go to the shared lists, and from then on it uses those.
struct Reaper {
  ~Reaper() {
    local.dead = true;
    publish(std::exchange(local.in_use, 0));
    for (std::size_t k = 0; k < small_classes; ++k)
      while (Block* block = local.free[k]) {
        local.free[k] = block->next;
        share(block, k);
      }
    local.count = {};
  }
};

void hook() {
  local.hooked = true;
  thread_local Reaper reaper;
  static_cast<void>(&reaper);
}

// Large blocks lie on large pages where the system has them: a large array would need more small ones than a processor has in mind.
constexpr std::size_t large_page = std::size_t{2} << 20;

void* from_system(std::size_t size) {
  const bool large = size >= 2 * large_page;
  const std::size_t alignment = large && size % large_page == 0 ? large_page : 64;
  void* block = std::aligned_alloc(alignment, size);  // it takes multiples alone
  if (!block) {
    trim();
    block = std::aligned_alloc(alignment, size);
  }
  if (!block) {
    local.in_use -= static_cast<std::ptrdiff_t>(size);
    detail::no_memory(size, 1);
  }
#ifdef MADV_HUGEPAGE
  if (large) madvise(block, size, MADV_HUGEPAGE);  // a wish: nothing is lost where it is not granted
#endif
  shared.system_allocations.fetch_add(1, std::memory_order_relaxed);
  return block;
}

/// Half of what can be addressed where the system does not say.
std::size_t physical_memory() {
#ifdef _SC_PHYS_PAGES
  const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
  if (pages > 0 && page > 0) return static_cast<std::size_t>(pages) * static_cast<std::size_t>(page);
#endif
  return most;
}
constinit std::atomic<std::size_t> largest{0};  // not known yet: static Variables are made before anything here could run

// Small blocks are counted by the thread and published in portions: an atomic addition per scalar op would be felt.
constexpr std::ptrdiff_t portion = 64 * 1024;

}  // namespace

std::size_t limit() noexcept {
  if (const std::size_t known = largest.load(std::memory_order_relaxed)) return known;
  set_limit(0);
  return largest.load(std::memory_order_relaxed);
}
void set_limit(std::size_t bytes) noexcept { largest = std::min(bytes == 0 ? physical_memory() : bytes, most); }

void detail::no_memory(std::size_t n, std::size_t size) {
  if (n > PTRDIFF_MAX / size)
    throw MemoryError(fmt::format("{} elements of {} bytes are more than memory can hold; they must be fewer", n, size));
  throw MemoryError(fmt::format("there is no memory for {} bytes; an array must have at most {}", n * size, limit()));
}

void* allocate(std::size_t bytes) {
  if (bytes > largest.load(std::memory_order_relaxed) && bytes > limit()) detail::no_memory(bytes, 1);
  const std::size_t k = class_of(bytes), size = size_of_class(k);
  local.in_use += static_cast<std::ptrdiff_t>(size);
  if (local.in_use > portion || local.dead) publish(std::exchange(local.in_use, 0));
  if constexpr (!pooled) return from_system(size);
  if (k < small_classes) {  // of a dead thread, too: it has none
    if (Block* block = local.free[k]) {
      local.free[k] = block->next;
      --local.count[k];
      return block;
    }
  }
  if (k >= small_classes || shared.cached.load(std::memory_order_relaxed) != 0) {
    const std::scoped_lock lock(shared.mutex);
    if (Block* block = shared.free[k]) {
      shared.free[k] = block->next;
      shared.cached -= size;
      return block;
    }
  }
  return from_system(size);
}

void deallocate(void* memory, std::size_t bytes) noexcept {
  if (!memory) return;
  const std::size_t k = class_of(bytes), size = size_of_class(k);
  local.in_use -= static_cast<std::ptrdiff_t>(size);
  if (local.in_use < -portion || local.dead) publish(std::exchange(local.in_use, 0));
  if constexpr (!pooled) return std::free(memory);
  auto* block = static_cast<Block*>(memory);
  if (k >= small_classes || local.dead || local.count[k] >= thread_limit) return share(block, k);
  if (!local.hooked) hook();
  block->next = local.free[k];
  local.free[k] = block;
  ++local.count[k];
}

Stats stats() noexcept {
  publish(std::exchange(local.in_use, 0));
  return {static_cast<std::size_t>(std::max<std::ptrdiff_t>(shared.in_use.load(), 0)), shared.cached.load() + local.cached(),
          shared.peak.load(), shared.system_allocations.load()};
}

void reset_peak() noexcept {
  publish(std::exchange(local.in_use, 0));
  shared.peak = static_cast<std::size_t>(std::max<std::ptrdiff_t>(shared.in_use.load(), 0));
}

void trim() noexcept {
  for (std::size_t k = 0; k < small_classes; ++k)
    while (Block* block = local.free[k]) {
      local.free[k] = block->next;
      std::free(block);
    }
  local.free = {};
  local.count = {};
  const std::scoped_lock lock(shared.mutex);
  for (std::size_t k = 0; k < classes; ++k)
    while (Block* block = shared.free[k]) {
      shared.free[k] = block->next;
      std::free(block);
    }
  shared.cached = 0;
}

}  // namespace xgrad::memory

#include <xgrad/core/parallel.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>

#if __has_include(<pthread.h>)
#include <pthread.h>
#define XGRAD_HAS_FORK
#endif
#if __has_include(<time.h>)
#include <time.h>
#endif

#include <xgrad/core/processors.hpp>

#include "openmp.hpp"

namespace xgrad {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

// How the threads wait for each other: first choices, tried with training steps on a busy machine, see docs/performance.md.
constexpr auto spin = 1ms;          // before a thread without work sleeps: waking it takes some 50 µs
constexpr auto patience = 200us;    // before a thread that waits for a piece sleeps, and asks why the piece is late
constexpr auto awake_by = 100us;    // a thread that was spinning has come by then, if the system runs it ...
constexpr auto woken_by = 1ms;      // ... and one that was asleep by then
constexpr auto first_pause = 20ms;  // who comes late is not called for so long, and twice as long when late again
constexpr auto longest_pause = 500ms;
constexpr auto soon = 200ms;
// What a worker has done outweighs what the caller has waited for it: a fourth of it counts, up to a limit.
constexpr int worth = 4;
constexpr std::chrono::nanoseconds most_credit = 5ms;
constexpr std::chrono::nanoseconds call_in_vain = 20us;  // what it costs the caller to wake who does not come

constinit thread_local int wanted = 0;  // 0: the default
constinit thread_local bool inside = false;
constinit std::atomic<bool> in_child{false};

void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/// For how long the calling thread has run; 0 where that is not known.
std::chrono::nanoseconds processor_time() {
#ifdef CLOCK_THREAD_CPUTIME_ID
  timespec t{};
  if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) == 0) return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
#endif
  return {};
}

struct Region {
  std::size_t n, blocks, align, pieces;
  void (*call)(void*, std::size_t, std::size_t);
  void* body;
  std::atomic_flag failed = ATOMIC_FLAG_INIT;
  std::exception_ptr error;

  void run(std::size_t piece) {
    const std::size_t begin = blocks * piece / pieces * align, end = std::min(n, blocks * (piece + 1) / pieces * align);
    inside = true;
    try {
      if (begin < end) call(body, begin, end);
    } catch (...) {
      if (!failed.test_and_set()) error = std::current_exception();
    }
    inside = false;
  }
};

/// Piece p of a region belongs to worker p, piece 0 to the caller; who is done looks for pieces that nobody has begun. So the
/// caller never waits for a worker that the system does not run, but for pieces that have been begun. A worker that is late again
/// and again, which says that other processes want its processor, is not called for a while: when waiting for it has cost more than
/// a fourth of what it has done. A worker that a short task stops now and then, such as the thread of a Loader, is called all the
/// same.
///
/// The region lives in the caller's frame. A piece can only be begun while it is open in the region of the worker's number, and the
/// caller leaves when all that were begun are done: so whoever has begun one finds the region, and nobody else looks at it.
class Pool {
 public:
  void run(Region& region) {
    const std::uint32_t number = ++number_;
    region_ = &region;
    pieces_.store(region.pieces, std::memory_order_relaxed);
    done_.store(0, std::memory_order_relaxed);
    for (std::size_t p = 1; p < region.pieces; ++p) workers_[p].piece.store(open(number), std::memory_order_release);
    const Clock::time_point start = Clock::now();
    for (std::size_t p = 1; p < region.pieces; ++p) call(p, number, start);
    region.run(0);
    std::uint32_t others = 0;
    for (std::size_t p = 1; p < region.pieces; ++p)
      if (begin(p, number))
        region.run(p);
      else
        ++others;
    const Clock::time_point end = Clock::now();
    const std::chrono::nanoseconds waited = wait(others, end);
    for (std::size_t p = 1; p < region.pieces; ++p) judge(workers_[p], waited, end);
  }

  /// Held by who uses the pool. Others that come meanwhile do without.
  std::mutex mutex;

 private:
  struct alignas(64) Worker {
    std::atomic<std::uint32_t> bell{0};               ///< the region that it is called to
    std::atomic<std::uint32_t> piece{1};              ///< the piece of this number: in which region it is open or has been begun
    alignas(64) std::atomic<std::uint32_t> heard{0};  ///< the last region whose bell it heard
    std::atomic<bool> asleep{true};
    std::atomic<std::int64_t> away{0};    ///< nanoseconds for which the system had stopped it in a long piece
    std::atomic<std::int64_t> worked{0};  ///< nanoseconds it has run in pieces
    // what callers remember
    alignas(64) bool exists = false, slept = true;
    Clock::time_point called{}, paused_until{};
    Clock::duration pause{};
    std::chrono::nanoseconds credit{};
  };

  static std::uint32_t open(std::uint32_t number) { return 2 * number; }

  bool begin(std::size_t p, std::uint32_t number) {
    std::uint32_t expected = open(number);
    return workers_[p].piece.load(std::memory_order_relaxed) == expected &&
           workers_[p].piece.compare_exchange_strong(expected, expected + 1, std::memory_order_acq_rel);
  }

  void call(std::size_t p, std::uint32_t number, Clock::time_point now) {
    Worker& worker = workers_[p];
    if (now < worker.paused_until) return;
    if (!worker.exists) {
      try {
        std::thread([this, p] { work(p); }).detach();
        worker.exists = true;
      } catch (const std::system_error&) {  // no more threads here: whoever is there does its pieces
        worker.paused_until = now + longest_pause;
        return;
      }
    }
    const bool waiting = worker.heard.load(std::memory_order_relaxed) == worker.bell.load(std::memory_order_relaxed);
    worker.bell.store(number);
    const bool asleep = worker.asleep.load();
    if (waiting) {
      worker.called = now;
      worker.slept = asleep;
    }
    if (asleep) worker.bell.notify_one();
  }

  /// Until the pieces that others have begun are done. For how long, where it took long, and 0 otherwise.
  std::chrono::nanoseconds wait(std::uint32_t others, Clock::time_point since) {
    for (unsigned turn = 0; done_.load(std::memory_order_acquire) != others; ++turn) {
      relax();
      if (turn % 64 != 63 || Clock::now() - since < patience) continue;
      for (std::uint32_t done = done_.load(); done != others; done = done_.load()) done_.wait(done);
      return Clock::now() - since;
    }
    return {};
  }

  static void judge(Worker& worker, std::chrono::nanoseconds waited, Clock::time_point now) {
    const bool missing = worker.heard.load(std::memory_order_relaxed) != worker.bell.load(std::memory_order_relaxed) &&
                         now - worker.called > (worker.slept ? Clock::duration(woken_by) : Clock::duration(awake_by));
    const bool stopped = waited > waited.zero() && std::chrono::nanoseconds(worker.away.exchange(0)) > patience / 2;
    if (!(missing || stopped) || now < worker.paused_until) return;
    const std::chrono::nanoseconds worked(worker.worked.exchange(0));
    worker.credit = std::min(worker.credit + worked / worth, most_credit) - (stopped ? waited : call_in_vain);
    if (worker.credit > worker.credit.zero()) return;
    worker.credit = {};
    worker.pause = now - worker.paused_until < soon ? std::min<Clock::duration>(2 * worker.pause, longest_pause) : first_pause;
    worker.paused_until = now + worker.pause;
  }

  [[noreturn]] void work(std::size_t p) {
    const OneThread alone;
    const SignalsWait quiet;
    Worker& me = workers_[p];
    me.asleep = false;
    std::uint32_t heard = 0;
    Clock::time_point awake = Clock::now();
    std::chrono::nanoseconds ran = processor_time();
    for (;;) {
      const Clock::time_point idle = Clock::now();
      for (unsigned turn = 0; me.bell.load(std::memory_order_acquire) == heard; ++turn) {
        relax();
        if (turn % 64 != 63 || Clock::now() - idle < spin) continue;
        me.asleep = true;
        me.bell.wait(heard);
        me.asleep = false;
        awake = Clock::now();
        ran = processor_time();
      }
      const std::uint32_t number = me.bell.load(std::memory_order_acquire);
      me.heard.store(heard = number, std::memory_order_relaxed);
      const std::size_t pieces = pieces_.load(std::memory_order_relaxed);
      for (std::size_t k = 0; k < pieces; ++k) {
        const std::size_t piece = (p + k) % pieces;
        if (piece == 0 || !begin(piece, number)) continue;
        const Clock::time_point start = Clock::now();
        region_->run(piece);
        const Clock::time_point end = Clock::now();
        std::chrono::nanoseconds worked = end - start;
        if (worked > patience) {
          const std::chrono::nanoseconds total = processor_time();
          const std::chrono::nanoseconds away = total == total.zero() ? total : (end - awake) - (total - ran);
          me.away.store(away.count(), std::memory_order_relaxed);
          worked -= std::clamp(away, away.zero(), worked);
          awake = end;
          ran = total;
        }
        me.worked.fetch_add(worked.count(), std::memory_order_relaxed);
        done_.fetch_add(1);
        done_.notify_one();
      }
    }
  }

  Region* region_ = nullptr;
  std::atomic<std::size_t> pieces_{0};
  std::uint32_t number_ = 0;
  alignas(64) std::atomic<std::uint32_t> done_{0};
  std::array<Worker, most_threads> workers_;
};

/// Not destroyed: its threads, and static Variables, may outlive whatever would do it.
Pool& pool() {
  static Pool* const one = [] {
#ifdef XGRAD_HAS_FORK
    pthread_atfork(nullptr, nullptr, [] { in_child = true; });
#endif
    return new Pool;
  }();
  return *one;
}

}  // namespace

void set_num_threads(int threads) { wanted = std::clamp(threads, 1, most_threads); }

int num_threads() noexcept { return inside || in_openmp() ? 1 : wanted > 0 ? wanted : default_threads().threads; }

bool detail::forked() noexcept { return in_child; }

void detail::parallel_run(std::size_t n, std::size_t align, void (*call)(void*, std::size_t, std::size_t), void* body) {
  const std::size_t blocks = (n + align - 1) / align;
  if (blocks <= 1) return call(body, 0, n);  // and loops inside may have the threads
  Region region{n, blocks, align, std::min(blocks, static_cast<std::size_t>(num_threads())), call, body, {}, {}};
  bool shared = false;
  if (region.pieces > 1 && !in_child) {
    Pool& threads = pool();
    if (const std::unique_lock lock(threads.mutex, std::try_to_lock); lock) {
      threads.run(region);
      shared = true;
    }
  }
  for (std::size_t p = 0; p < region.pieces && !shared; ++p) region.run(p);
  if (region.error) std::rethrow_exception(region.error);
}

}  // namespace xgrad

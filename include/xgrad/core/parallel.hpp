#pragma once
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

#include <xgrad/core/api.hpp>

namespace xgrad {

/// Into how many parts the library's loops, products and convolutions cut their work from now on when they are called from this
/// thread, between 1 and 1024; and how many threads work on the parts, while the machine has processors for them. Results depend on
/// the number of parts alone, not on who computes them.
XGRAD_API void set_num_threads(int threads);

/// What set_num_threads said in this thread, else OMP_NUM_THREADS, else as many as the processors that this process may use: those
/// of its affinity mask, and no more than its control group's quota. 1 inside of a parallel loop, the library's or OpenMP's.
XGRAD_API int num_threads() noexcept;

/// Loops with fewer elements of work than this run on the calling thread alone: starting the others costs more.
inline constexpr std::size_t parallel_threshold = 32768;

namespace detail {
XGRAD_API void parallel_run(std::size_t n, std::size_t align, void (*call)(void*, std::size_t, std::size_t), void* body);
/// Whether this process is the child of a fork() and its parent had threads, which it has not.
XGRAD_API bool forked() noexcept;
}  // namespace detail

/// Calls body(begin, end) for disjoint ranges that cover 0 … n-1, in several threads when `n * work` is at least the threshold.
/// Ranges begin at multiples of `align`. The split depends on num_threads() alone, so results repeat; the calling thread does what
/// no other has begun, and waits for nobody who has not come. An exception in the body ends up in the caller, after the other
/// ranges are done. In the child of a fork() the calling thread does everything.
template <class Body>
void parallel_for(std::size_t n, std::size_t work, Body&& body, std::size_t align = 1) {
  if (n == 0) return;
  if (n * work < parallel_threshold || num_threads() == 1) return static_cast<void>(body(std::size_t{0}, n));
  using B = std::remove_reference_t<Body>;
  detail::parallel_run(
      n, align, [](void* b, std::size_t begin, std::size_t end) { (*static_cast<B*>(b))(begin, end); },
      const_cast<void*>(static_cast<const void*>(std::addressof(body))));
}

}  // namespace xgrad

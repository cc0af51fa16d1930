#pragma once
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

#include <xgrad/core/api.hpp>

namespace xgrad {

/// How many threads the library's loops, and the BLAS where it shares OpenMP, may use from now on when they are called from this
/// thread. At least 1.
XGRAD_API void set_num_threads(int threads);
XGRAD_API int num_threads() noexcept;

/// Loops with fewer elements of work than this run on the calling thread alone: starting the others costs more.
inline constexpr std::size_t parallel_threshold = 32768;

namespace detail {
XGRAD_API void parallel_run(std::size_t n, std::size_t align, void (*call)(void*, std::size_t, std::size_t), void* body);
}

/// Calls body(begin, end) for disjoint ranges that cover 0 … n-1, in several threads when `n * work` is at least the threshold.
/// Ranges begin at multiples of `align`. The split depends on the number of threads alone, so results repeat. An exception in
/// the body ends up in the caller.
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

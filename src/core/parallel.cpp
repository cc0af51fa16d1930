#include <xgrad/core/parallel.hpp>

#include <algorithm>
#include <atomic>
#include <exception>

#ifdef _OPENMP
#include <omp.h>
#endif

namespace xgrad {

#ifdef _OPENMP
void set_num_threads(int threads) { omp_set_num_threads(std::max(threads, 1)); }
int num_threads() noexcept { return omp_in_parallel() ? 1 : omp_get_max_threads(); }
#else
void set_num_threads(int) {}
int num_threads() noexcept { return 1; }
#endif

void detail::parallel_run(std::size_t n, std::size_t align, void (*call)(void*, std::size_t, std::size_t), void* body) {
  const std::size_t blocks = (n + align - 1) / align;
  std::exception_ptr error;
  std::atomic_flag failed = ATOMIC_FLAG_INIT;
#ifdef _OPENMP
#pragma omp parallel
#endif
  {
#ifdef _OPENMP
    const auto thread = static_cast<std::size_t>(omp_get_thread_num()), threads = static_cast<std::size_t>(omp_get_num_threads());
#else
    const std::size_t thread = 0, threads = 1;
#endif
    const std::size_t begin = blocks * thread / threads * align, end = std::min(n, blocks * (thread + 1) / threads * align);
    try {
      if (begin < end) call(body, begin, end);
    } catch (...) {
      if (!failed.test_and_set()) error = std::current_exception();
    }
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace xgrad

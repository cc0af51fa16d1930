#pragma once
#include <csignal>
#include <utility>

#if __has_include(<pthread.h>)
#include <pthread.h>
#define XGRAD_HAS_SIGNAL_MASKS
#endif

// OpenMP's runtime, if there is one in the process: oneDNN, OpenBLAS or the program brings it. Linking one of our own could bring a
// second, and compilers disagree about which.
extern "C" {
[[gnu::weak]] int omp_get_max_threads();
[[gnu::weak]] void omp_set_num_threads(int threads);
[[gnu::weak]] int omp_in_parallel();
}

namespace xgrad {

inline bool in_openmp() { return omp_in_parallel && omp_in_parallel(); }

/// While it lives signals wait that come from outside. Matrix products of oneDNN 2 use the register of the stack pointer for
/// something else: a handler that ran meanwhile wrote over the program's memory. Inside of another it does nothing: it is two calls
/// of the system, and around a loop over small products it is made once.
class SignalsWait {
 public:
#ifdef XGRAD_HAS_SIGNAL_MASKS
  SignalsWait() : first_(!std::exchange(waiting, true)) {
    if (!first_) return;
    sigset_t all;
    sigfillset(&all);
    for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT}) sigdelset(&all, own);
    pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  ~SignalsWait() {
    if (!first_) return;
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    waiting = false;
  }
#else
  SignalsWait() = default;
#endif
  SignalsWait(const SignalsWait&) = delete;
  SignalsWait& operator=(const SignalsWait&) = delete;

#ifdef XGRAD_HAS_SIGNAL_MASKS
 private:
  static inline constinit thread_local bool waiting = false;
  bool first_;
  sigset_t before_;
#endif
};

/// While it lives, oneDNN and an OpenBLAS with OpenMP use the calling thread alone. We cut their work
/// ourselves and hand the pieces to our threads, because threads of theirs would wait for each other, and both would want the same
/// processors.
class OneThread {
 public:
  OneThread() : before_(omp_get_max_threads && omp_set_num_threads ? omp_get_max_threads() : 1) {
    if (before_ != 1) omp_set_num_threads(1);
  }
  ~OneThread() {
    if (before_ != 1) omp_set_num_threads(before_);
  }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

}  // namespace xgrad

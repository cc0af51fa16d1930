#pragma once

// OpenMP's runtime, if there is one in the process: oneDNN, OpenBLAS or the program brings it. Linking one of our own could bring a
// second, and compilers disagree about which.
extern "C" {
[[gnu::weak]] int omp_get_max_threads();
[[gnu::weak]] void omp_set_num_threads(int threads);
[[gnu::weak]] int omp_in_parallel();
}

namespace xgrad {

inline bool in_openmp() { return omp_in_parallel && omp_in_parallel(); }

/// While it lives, oneDNN and an OpenBLAS with OpenMP use the calling thread alone. We cut their work ourselves and hand the pieces to
/// our threads, because threads of theirs would wait for each other, and both would want the same processors.
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

#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include <xgrad/core/array.hpp>

namespace xgrad {

/// A seeded source of random numbers (xoshiro256++, Blackman & Vigna 2019). Same seed, same numbers, on every machine and compiler:
/// the distributions are our own too, because those of the standard library differ between implementations.
class Generator {
 public:
  XGRAD_API explicit Generator(std::uint64_t seed = 0);

  XGRAD_API std::uint64_t next();
  /// Uniform in [0, 1), 53 random bits.
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// Normal distribution with mean 0 and deviation 1 (Box-Muller).
  XGRAD_API double normal();
  /// Uniform over 0 … n-1, without bias (Lemire 2019). n must be positive.
  XGRAD_API std::uint64_t below(std::uint64_t n);
  /// 0 … n-1 in random order.
  XGRAD_API std::vector<std::size_t> permutation(std::size_t n);

  template <class T>
  void fill_uniform(Array<T>& array, double low, double high) {
    for (T& x : std::span(array.data(), array.size())) x = static_cast<T>(uniform(low, high));
  }
  template <class T>
  void fill_normal(Array<T>& array, double mean, double deviation) {
    for (T& x : std::span(array.data(), array.size())) x = static_cast<T>(mean + deviation * normal());
  }

 private:
  std::uint64_t state_[4];
  double spare_ = 0;
  bool has_spare_ = false;
};

/// The generator that layers draw their first weights from, one per thread. It starts with seed 0.
XGRAD_API Generator& default_generator();
/// Starts the calling thread's default generator anew.
XGRAD_API void seed(std::uint64_t value);

}  // namespace xgrad

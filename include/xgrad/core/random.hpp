#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include <xgrad/core/array.hpp>

namespace xgrad {

/// A seeded source of random numbers (xoshiro256++, Blackman & Vigna 2019). Same seed, same numbers, on every machine and compiler:
/// the distributions are our own too, because those of the standard library differ between implementations.
class Generator {
 public:
  /// Of one seed there are 2⁶⁴ streams, whose numbers have nothing to do with each other.
  XGRAD_API explicit Generator(std::uint64_t seed = 0, std::uint64_t stream = 0);

  XGRAD_API std::uint64_t next();
  /// Uniform in [0, 1), 53 random bits.
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// Normal distribution with mean 0 and deviation 1 (Box-Muller).
  XGRAD_API double normal();
  /// Uniform over 0 … n-1, without bias (Lemire 2019). n must be positive.
  XGRAD_API std::uint64_t below(std::uint64_t n);
  /// 0 … n-1 in random order.
  XGRAD_API std::vector<std::size_t> permutation(std::size_t n, Where at = Where::current());

  /// The whole state, to be kept and set: the four words of xoshiro, a normal number that is left over, and whether there is one.
  std::array<std::uint64_t, 6>& words() noexcept { return words_; }
  const std::array<std::uint64_t, 6>& words() const noexcept { return words_; }
  /// Whether six words can be a state.
  XGRAD_API static bool valid(std::span<const std::uint64_t, 6> words) noexcept;

  template <class T>
  void fill_uniform(Array<T>& array, double low, double high) {
    for (T& x : std::span(array.data(), array.size())) x = static_cast<T>(uniform(low, high));
  }
  template <class T>
  void fill_normal(Array<T>& array, double mean, double std) {
    for (T& x : std::span(array.data(), array.size())) x = static_cast<T>(mean + std * normal());
  }

 private:
  std::array<std::uint64_t, 6> words_{};
};

/// The generator that layers draw their first weights and masks from, one per thread, so that no thread waits for another. Threads
/// are numbered in the order in which they first ask for theirs, and number k starts as Generator(0, k): the program's first
/// thread, which mostly is the main one, with seed 0, and no two alike.
XGRAD_API Generator& default_generator();
/// Starts the calling thread's default generator anew, as Generator(value). Threads that have one go on with it; those that have
/// not asked yet will be numbered from 1 again, and start as Generator(value, k). So a program that calls `seed` once, before it
/// starts its threads, repeats for each seed, as long as its threads first draw in the same order.
XGRAD_API void seed(std::uint64_t value);
/// Starts the calling thread's default generator anew, as Generator(value, stream), and says nothing about others: for threads that
/// draw in no certain order, each of which calls `seed(value, its own number)`.
XGRAD_API void seed(std::uint64_t value, std::uint64_t stream);

}  // namespace xgrad

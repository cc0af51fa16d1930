#pragma once
// Arrays between sentinels, for tests that give kernels raw pointers. An allocation has padding, and no sanitizer sees what is
// written there.
#include <doctest/doctest.h>

#include <cstddef>
#include <utility>
#include <vector>

namespace xgrad_test {

/// n elements, all of them sentinels until they are written, with more sentinels before and behind. Fails the test when one of
/// these has changed. Those of no two arrays are alike, so that what was copied from behind one array to behind another is seen;
/// they are large, positive and negative, so that one that was read and mattered shows in the results.
template <class T>
class Guarded {
 public:
  /// `padded`: what is behind the n elements up to a multiple of 64 bytes may be written too.
  explicit Guarded(std::size_t n, bool padded = false)
      : n_(n), room_(padded ? (n + step - 1) / step * step : n), salt_(static_cast<T>(salt()++ % 1000)), all_(room_ + 2 * around) {
    for (std::size_t i = 0; i < all_.size(); ++i) all_[i] = sentinel(i);
  }
  explicit Guarded(const std::vector<T>& values, bool padded = false) : Guarded(values.size(), padded) {
    for (std::size_t i = 0; i < n_; ++i) (*this)[i] = values[i];
  }
  Guarded(Guarded&& other) noexcept : n_(other.n_), room_(other.room_), salt_(other.salt_), all_(std::exchange(other.all_, {})) {}
  ~Guarded() {
    if (!intact()) FAIL_CHECK("an element before or behind an array of ", n_, " was written");
  }

  /// Whether the sentinels before and behind are as they were.
  bool intact() const {
    bool good = true;
    for (std::size_t i = 0; i < all_.size(); ++i) good = good && ((i >= around && i < around + room_) || all_[i] == sentinel(i));
    return good;
  }
  /// Whether element i was never written.
  bool fresh(std::size_t i) const { return (*this)[i] == sentinel(around + i); }

  T* data() { return all_.data() + around; }
  const T* data() const { return all_.data() + around; }
  std::size_t size() const { return n_; }
  T& operator[](std::size_t i) { return all_[around + i]; }
  const T& operator[](std::size_t i) const { return all_[around + i]; }

 private:
  static constexpr std::size_t around = 64, step = 64 / sizeof(T);
  static std::size_t& salt() {
    static std::size_t next = 0;
    return next;
  }
  T sentinel(std::size_t i) const {
    const T size = static_cast<T>(100000 + i) + salt_ * 1000;
    return i % 2 == 0 ? size : -size;
  }

  std::size_t n_, room_;
  T salt_;
  std::vector<T> all_;
};

}  // namespace xgrad_test

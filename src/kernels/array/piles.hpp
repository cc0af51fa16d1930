#pragma once
/// Rows that are added at places, of which some come very often.
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../scratch.hpp"
#include "../table.hpp"

namespace xgrad::kernels {

/// Whether some of `count` places come so often that a sum of one after the other would lose digits, judged by a sample of them.
template <class Place>
bool often(const Place* places, std::size_t count) {
  constexpr std::size_t apart = 16, few = 16;
  if (count < 2 * apart * few) return false;
  const std::size_t buckets = std::min<std::size_t>(std::bit_ceil(count / 4), 1U << 16);
  std::vector<std::uint32_t> times(buckets);
  std::uint32_t most = 0, random = 1;
  for (std::size_t k = 0; k < count; k += 1 + (random >> 27)) {  // 16.5 on average
    random = random * 1664525 + 1013904223;
    const auto hash = static_cast<std::uint32_t>(places[k]) * 2654435769U >> 16;
    most = std::max(most, ++times[hash & (buckets - 1)]);
  }
  return most > few;
}

/// Sums for the places that come often: their rows, of `inner` elements, are added up in bunches of 32, those in bunches of 32, and
/// so on.
template <class T>
class Piles {
 public:
  /// For places below `rows`.
  template <class Place>
  Piles(const Place* places, std::size_t count, std::size_t rows, std::size_t inner) : inner_(inner), slot_(rows) {
    for (std::size_t k = 0; k < count; ++k) ++slot_[static_cast<std::size_t>(places[k])];
    std::uint32_t found = 0;
    for (std::uint32_t& s : slot_) s = s > 256 ? ++found : 0;
    sums_.resize(found * levels * inner);
    counts_.resize(found * levels);
  }

  /// Whether a row's sum is kept here.
  bool has(std::size_t row) const { return slot_[row] > 0; }
  void add(std::size_t row, const T* x) {
    const std::size_t slot = slot_[row] - 1;
    T* sum = sums_.data() + slot * levels * inner_;
    std::uint32_t* count = counts_.data() + slot * levels;
    add_to(sum, x);
    for (std::size_t level = 1; level < levels && ++*count == bunch; ++level, ++count, sum += inner_) {
      *count = 0;
      add_to(sum + inner_, sum);
      std::fill_n(sum, inner_, T(0));
    }
  }
  /// out[row] += its sum, for rows [begin, end).
  void flush(T* out, std::size_t begin, std::size_t end) {
    for (std::size_t row = begin; row < end; ++row) {
      if (!has(row)) continue;
      T* sum = sums_.data() + (slot_[row] - 1) * levels * inner_;
      for (std::size_t level = 1; level < levels; ++level, sum += inner_) add_to(sum + inner_, sum);
      add_to(out + row * inner_, sum);
    }
  }

 private:
  static constexpr std::size_t levels = 5;
  static constexpr std::uint32_t bunch = 32;

  void add_to(T* sum, const T* x) const {
    if (inner_ == 1)
      *sum += *x;
    else
      table<T>().add_row(sum, x, inner_);
  }

  std::size_t inner_;
  std::vector<std::uint32_t> slot_, counts_;  // 1 more than the number of its sums, or 0
  std::vector<T> sums_;
};

}  // namespace xgrad::kernels

#pragma once
/// Arrays that are walked through together, each with strides of its own.
#include <array>
#include <cstddef>

namespace xgrad::kernels {

/// How far apart neighbours are in each of some arrays, in elements; 0 where one is repeated.
template <std::size_t arrays>
using Strides = std::array<std::ptrdiff_t, arrays>;

template <std::size_t arrays>
struct Axis {
  std::size_t length;
  Strides<arrays> stride;
};

/// There are no more axes of length 2 or more: memory holds no more than 2^63 elements.
inline constexpr std::size_t most_axes = 64;

/// A place in row-major order. Who walks keeps his own pointers, which then stay in registers.
template <std::size_t arrays>
class Walk {
 public:
  /// Through `count` axes, the innermost first, from place number `start` on.
  Walk(const Axis<arrays>* axes, std::size_t count, std::size_t start) : axes_(axes), count_(count), start_{} {
    for (std::size_t k = 0; k < count; start /= axes[k].length, ++k) {
      index_[k] = start % axes[k].length;
      add(start_, axes[k].stride, static_cast<std::ptrdiff_t>(index_[k]));
    }
  }
  /// How far the place where it begins is from the first one, in each array.
  const Strides<arrays>& start() const { return start_; }
  /// How far the next place is from this one. Behind the last one is the first.
  Strides<arrays> next() {
    Strides<arrays> way{};
    for (std::size_t k = 0; k < count_; ++k) {
      add(way, axes_[k].stride, 1);
      if (++index_[k] < axes_[k].length) break;
      add(way, axes_[k].stride, -static_cast<std::ptrdiff_t>(index_[k]));
      index_[k] = 0;
    }
    return way;
  }

 private:
  static void add(Strides<arrays>& sum, const Strides<arrays>& stride, std::ptrdiff_t steps) {
    for (std::size_t a = 0; a < arrays; ++a) sum[a] += stride[a] * steps;
  }

  const Axis<arrays>* axes_;
  std::size_t count_;
  Strides<arrays> start_;
  std::size_t index_[most_axes];
};

/// The axes that matter of arrays with elements, the innermost first: those of length 1 are left out, and neighbours merge that are
/// one run in every array.
template <std::size_t arrays>
class Axes {
 public:
  /// The next axis, from the last to the first.
  void add(std::size_t length, const Strides<arrays>& stride) {
    if (length == 1) return;
    if (size_ > 0 && continues(stride))
      axes_[size_ - 1].length *= length;
    else
      axes_[size_++] = {length, stride};
  }
  std::size_t size() const { return size_; }
  const Axis<arrays>& operator[](std::size_t k) const { return axes_[k]; }

  /// The innermost one, or one of a single element.
  Axis<arrays> run() const { return size_ > 0 ? axes_[0] : Axis<arrays>{1, {}}; }
  /// Where runs begin, from number `start` on.
  Walk<arrays> runs(std::size_t start) const { return beyond(1, start); }
  /// Through all axes but the k innermost.
  Walk<arrays> beyond(std::size_t k, std::size_t start) const { return {axes_ + k, size_ > k ? size_ - k : 0, start}; }
  /// Through all of them.
  Walk<arrays> all(std::size_t start) const { return {axes_, size_, start}; }

 private:
  bool continues(const Strides<arrays>& stride) const {
    const Axis<arrays>& inner = axes_[size_ - 1];
    for (std::size_t a = 0; a < arrays; ++a)
      if (stride[a] != inner.stride[a] * static_cast<std::ptrdiff_t>(inner.length)) return false;
    return true;
  }

  std::size_t size_ = 0;
  Axis<arrays> axes_[most_axes];
};

}  // namespace xgrad::kernels

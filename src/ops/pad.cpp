#include <fmt/format.h>
#include <algorithm>

#include <xgrad/ops/index.hpp>
#include <xgrad/ops/shape.hpp>

#include "support.hpp"

namespace xgrad {
using namespace detail;

namespace detail {
template <class T>
Variable<T> pad_constant(Variable<T> x, const std::vector<PadWidth>& widths, T value, Where at);
}

namespace {

/// Which element of an axis of n elements stands `place` places from its first in the padded array.
std::int64_t mirrored(std::ptrdiff_t place, std::ptrdiff_t n, PadMode mode) {
  if (mode == PadMode::edge || n == 1) return std::clamp<std::ptrdiff_t>(place, 0, n - 1);
  const std::ptrdiff_t period = 2 * (n - 1), k = (place % period + period) % period;
  return std::min(k, period - k);
}

}  // namespace

template <class T>
Variable<T> pad(Variable<T> x, const std::vector<PadWidth>& widths, PadOptions options, Where at) try {
  const Shape shape = shape_of(x, at);
  Shape padded = shape;
  placed(at, "pad", [&] {
    if (widths.size() != shape.size())
      throw ShapeError(fmt::format("x is {}, {} widths are given; there must be one per axis", to_string(shape), widths.size()));
    for (std::size_t k = 0; k < widths.size(); ++k) {
      const auto [before, after] = widths[k];
      if (before < 0 || after < 0)
        throw ValueError(fmt::format("the widths of axis {} are {} and {}; they must not be negative", k, before, after));
      if (options.mode != PadMode::constant && shape[k] == 0 && (before > 0 || after > 0))
        throw ShapeError(
            fmt::format("x is {}; axis {} must have something to repeat: pad it with a constant", to_string(shape), k));
      padded[k] = length_of(Wide{shape[k]} + before + after);
    }
    check_size(padded, std::max(sizeof(T), sizeof(std::int64_t)));
  });
  if (options.mode == PadMode::constant) return detail::pad_constant(std::move(x), widths, static_cast<T>(options.value), at);
  for (std::size_t k = 0; k < widths.size(); ++k) {
    const auto [before, after] = widths[k];
    if (before == 0 && after == 0) continue;
    const auto n = static_cast<std::ptrdiff_t>(shape[k]);
    Labels index = make_array<std::int64_t>(Shape{padded[k]});
    for (std::ptrdiff_t i = 0; i < before + n + after; ++i) index.data()[i] = mirrored(i - before, n, options.mode);
    x = index_select(std::move(x), static_cast<int>(k), std::move(index), at);
  }
  return x;
} catch (Error& error) {
  called(error, at);
}

template <class T>
Variable<T> pad(Variable<T> x, int width, PadOptions options, Where at) {
  const std::size_t rank = shape_of(x, at).size();
  return pad(std::move(x), std::vector<PadWidth>(rank, PadWidth{width, width}), options, at);
}

#define XGRAD_INSTANTIATE(T)                                                                 \
  template Variable<T> pad<T>(Variable<T>, const std::vector<PadWidth>&, PadOptions, Where); \
  template Variable<T> pad<T>(Variable<T>, int, PadOptions, Where);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad

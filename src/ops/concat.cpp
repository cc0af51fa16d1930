// Operations that join, repeat and move arrays.
#include <fmt/format.h>
#include <algorithm>

#include <xgrad/graph/apply.hpp>
#include <xgrad/ops/index.hpp>
#include <xgrad/ops/shape.hpp>

#include "../kernels/copy.hpp"
#include "axes.hpp"
#include "families.hpp"
#include "support.hpp"

namespace xgrad {

namespace detail {
template <class T>
Variable<T> pad_constant(Variable<T> x, const std::vector<PadWidth>& widths, T value, Where where);
}

namespace {

/// concat and stack: the latter as if each input had an axis of length 1 there.
template <class T>
struct Concat {
  bool stacked;
  std::size_t axis;
  std::vector<std::size_t> starts = {};  ///< of each input along the axis, and the end

  std::string_view name() const { return stacked ? "stack" : "concat"; }
  std::uint32_t uses(std::size_t) const { return use::none; }

  Result<T> forward(Inputs<T> in) {
    starts.assign(1, 0);
    for (std::size_t i = 0; i < in.size(); ++i) {
      check(in, i);
      starts.push_back(length_of(Wide{starts.back()} + (stacked ? 1 : in[i].shape()[axis])));
    }
    Shape shape;
    for (std::size_t k = 0; k < in[0].dimension(); ++k) {
      if (k == axis) shape.push_back(starts.back());
      if (k != axis || stacked) shape.push_back(in[0].shape()[k]);
    }
    if (axis == in[0].dimension()) shape.push_back(starts.back());
    Array<T> out = make_array<T>(shape);
    for (std::size_t i = 0; i < in.size(); ++i) {
      const View part = part_of(shape, i);
      copy_view(in[i].data(), View(part.shape), out.data(), part);
    }
    return out;
  }

  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t i) const {
    View part = part_of(g.shape(), i);
    if (stacked) part.drop(axis);
    return read_view(name(), g, std::move(part), c.where());
  }

 private:
  void check(const Inputs<T>& in, std::size_t i) const {
    Shape expected = in[0].shape();
    if (!stacked && expected.size() == in[i].dimension()) expected[axis] = in[i].shape()[axis];
    if (in[i].shape() == expected) return;
    const std::string shapes = fmt::format("array 0 is {}, array {} is {}", to_string(in[0].shape()), i, to_string(in[i].shape()));
    throw ShapeError(stacked ? shapes + "; all must be equal"
                             : fmt::format("{}; all axes but axis {} must be equal", shapes, axis));
  }
  View part_of(const Shape& shape, std::size_t i) const {
    View view(shape);
    view.cut(axis, static_cast<std::ptrdiff_t>(starts[i]), 1, starts[i + 1] - starts[i]);
    return view;
  }
};

template <class T>
Variable<T> join(std::vector<Variable<T>> xs, int axis, bool stacked, Where where) {
  const std::size_t k = placed(where, stacked ? "stack" : "concat", [&] {
    if (xs.empty()) throw ValueError("no arrays are given; there must be at least one");
    const std::size_t rank = shape_of(xs[0], where, stacked ? "stack" : "concat").size();
    return normalise_axis(axis, stacked ? rank + 1 : rank);
  });
  return apply(Concat<T>{stacked, k}, std::move(xs), where);
}

template <class T>
struct Roll {
  static constexpr std::string_view name = "roll";
  static constexpr std::array uses{use::none};
  std::size_t axis;
  std::ptrdiff_t shift;
  bool backwards = false;  // instead of a shift with the other sign, which the smallest number does not have

  Result<T> forward(Inputs<T> in) {
    Array<T> out = make_array<T>(in[0].shape());
    if (out.size() == 0) return out;
    const Around s(out.shape(), axis);
    const auto n = static_cast<std::ptrdiff_t>(s.length), places = (backwards ? -(shift % n) : shift % n);
    kernels::roll(in[0].data(), out.data(), s.outer, s.length, s.inner, static_cast<std::size_t>(places < 0 ? places + n : places));
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    return apply(Roll{axis, shift, !backwards}, {g}, c.where());
  }
};

/// Which element of an axis of n elements stands `place` places from its first in the padded array.
std::int64_t mirrored(std::ptrdiff_t place, std::ptrdiff_t n, PadMode mode) {
  if (mode == PadMode::edge || n == 1) return std::clamp<std::ptrdiff_t>(place, 0, n - 1);
  const std::ptrdiff_t period = 2 * (n - 1), k = (place % period + period) % period;
  return std::min(k, period - k);
}

}  // namespace

template <class T>
Variable<T> concat(std::vector<Variable<T>> xs, int axis, Where where) {
  return join(std::move(xs), axis, false, where);
}
template <class T>
Variable<T> stack(std::vector<Variable<T>> xs, int axis, Where where) {
  return join(std::move(xs), axis, true, where);
}

template <class T>
Variable<T> roll(Variable<T> x, std::ptrdiff_t shift, std::optional<int> axis, Where where) try {
  const Shape shape = shape_of(x, where);
  if (!axis) return reshape(apply(Roll<T>{0, shift}, {reshape(std::move(x), {-1}, where)}, where), shape, where);
  const std::size_t k = placed(where, "roll", [&] { return normalise_axis(*axis, shape.size()); });
  return apply(Roll<T>{k, shift}, {std::move(x)}, where);
} catch (Error& error) {
  called(error, where);
}

template <class T>
Variable<T> tile(Variable<T> x, const std::vector<std::ptrdiff_t>& repeats, Where where) try {
  const Shape& own = shape_of(x, where);
  for (std::ptrdiff_t n : repeats)
    if (n < 0)
      throw ValueError(where, "tile", fmt::format("the repeats are ({}); they must not be negative", fmt::join(repeats, ", ")));
  // Each axis n becomes (repeats, n), and then one again.
  const std::size_t rank = std::max(own.size(), repeats.size());
  Shape apart, stretched, result;
  for (std::size_t k = 0; k < rank; ++k) {
    const std::size_t n = k + own.size() < rank ? 1 : own[k + own.size() - rank];
    const std::size_t times = k + repeats.size() < rank ? 1 : static_cast<std::size_t>(repeats[k + repeats.size() - rank]);
    apart.push_back(1);
    apart.push_back(n);
    stretched.push_back(times);
    stretched.push_back(n);
    result.push_back(placed(where, "tile", [&] { return length_of(Wide{times} * n); }));
  }
  placed(where, "tile", [&] { check_size(result, sizeof(T)); });
  return reshape(broadcast_to(reshape(std::move(x), apart, where), stretched, where), result, where);
} catch (Error& error) {
  called(error, where);
}

template <class T>
Variable<T> repeat(Variable<T> x, std::ptrdiff_t count, std::optional<int> axis, Where where) try {
  if (count < 0) throw ValueError(where, "repeat", fmt::format("count is {}; it must not be negative", count));
  static_cast<void>(shape_of(x, where));
  if (!axis) {
    x = flatten(std::move(x), 0, where);
    axis = 0;
  }
  const Shape& shape = shape_of(x, where);
  const std::size_t at = placed(where, "repeat", [&] { return normalise_axis(*axis, shape.size()); });
  Shape apart, stretched, result;
  for (std::size_t k = 0; k < shape.size(); ++k) {
    apart.push_back(shape[k]);
    stretched.push_back(shape[k]);
    result.push_back(k == at ? placed(where, "repeat", [&] { return length_of(Wide{shape[k]} * count); }) : shape[k]);
    if (k != at) continue;
    apart.push_back(1);
    stretched.push_back(static_cast<std::size_t>(count));
  }
  placed(where, "repeat", [&] { check_size(result, sizeof(T)); });
  return reshape(broadcast_to(reshape(std::move(x), apart, where), stretched, where), result, where);
} catch (Error& error) {
  called(error, where);
}

template <class T>
Variable<T> pad(Variable<T> x, const std::vector<PadWidth>& widths, PadOptions options, Where where) try {
  const Shape shape = shape_of(x, where);
  Shape padded = shape;
  placed(where, "pad", [&] {
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
  if (options.mode == PadMode::constant) return detail::pad_constant(std::move(x), widths, static_cast<T>(options.value), where);
  for (std::size_t k = 0; k < widths.size(); ++k) {
    const auto [before, after] = widths[k];
    if (before == 0 && after == 0) continue;
    const auto n = static_cast<std::ptrdiff_t>(shape[k]);
    Labels index = make_array<std::int64_t>(Shape{padded[k]});
    for (std::ptrdiff_t i = 0; i < before + n + after; ++i) index.data()[i] = mirrored(i - before, n, options.mode);
    x = index_select(std::move(x), static_cast<int>(k), std::move(index), where);
  }
  return x;
} catch (Error& error) {
  called(error, where);
}

template <class T>
Variable<T> pad(Variable<T> x, int width, PadOptions options, Where where) {
  const std::size_t rank = shape_of(x, where).size();
  return pad(std::move(x), std::vector<PadWidth>(rank, PadWidth{width, width}), options, where);
}

XGRAD_BOTH(roll);
XGRAD_BOTH(tile);
XGRAD_BOTH(repeat);
#define XGRAD_INSTANTIATE(T)                                                                 \
  template Variable<T> concat<T>(std::vector<Variable<T>>, int, Where);                      \
  template Variable<T> stack<T>(std::vector<Variable<T>>, int, Where);                       \
  template Variable<T> pad<T>(Variable<T>, const std::vector<PadWidth>&, PadOptions, Where); \
  template Variable<T> pad<T>(Variable<T>, int, PadOptions, Where);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad

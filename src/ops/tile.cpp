// Arrays repeated: broadcasts between two reshapes.
#include <fmt/format.h>
#include <algorithm>

#include <xgrad/ops/shape.hpp>

#include "axes.hpp"
#include "support.hpp"

namespace xgrad {
using namespace detail;

template <class T>
Variable<T> tile(Variable<T> x, const std::vector<std::ptrdiff_t>& repeats, Where at) try {
  const Shape& own = shape_of(x, at);
  for (std::ptrdiff_t n : repeats)
    if (n < 0)
      throw ValueError(at, "tile", fmt::format("the repeats are ({}); they must not be negative", fmt::join(repeats, ", ")));
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
    result.push_back(placed(at, "tile", [&] { return length_of(Wide{times} * n); }));
  }
  placed(at, "tile", [&] { check_size(result, sizeof(T)); });
  return reshape(broadcast_to(reshape(std::move(x), apart, at), stretched, at), result, at);
} catch (Error& error) {
  called(error, at);
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

XGRAD_BOTH(tile);
XGRAD_BOTH(repeat);

}  // namespace xgrad

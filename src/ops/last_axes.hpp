#pragma once
#include <fmt/format.h>
#include <cstddef>
#include <string_view>

#include <xgrad/core/error.hpp>
#include <xgrad/core/shape.hpp>

namespace xgrad::detail {

/// How many axes come before the last ones, and the shape of the last ones.
struct LastAxes {
  std::size_t leading;
  Shape shape;
};
/// The last `axes` axes of x. Throws ShapeError when there are not that many.
inline LastAxes last_axes(const Shape& x, int axes, std::string_view name, Where at) {
  if (axes < 1 || static_cast<std::size_t>(axes) > x.size())
    throw ShapeError(at, name,
                     fmt::format("x is {}, axes is {}; it must be from 1 to {}, its number of axes", to_string(x), axes, x.size()));
  const std::size_t leading = x.size() - static_cast<std::size_t>(axes);
  return {leading, Shape(x.begin() + static_cast<std::ptrdiff_t>(leading), x.end())};
}

}  // namespace xgrad::detail

#include <xgrad/core/shape.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <cstdint>

namespace xgrad {

std::string to_string(const Shape& shape) {
  return shape.size() == 1 ? fmt::format("({},)", shape[0]) : fmt::format("({})", fmt::join(shape, ", "));
}

void check_size(const Shape& shape, std::size_t element_bytes, Where at, const char* op) {
  // Also of an array without elements the other lengths count: its strides are products of them, which xtensor does not check.
  std::size_t bytes = 1;
  bool overflow = __builtin_mul_overflow(bytes, element_bytes, &bytes), empty = false;
  for (const std::size_t length : shape) {
    empty |= length == 0;
    overflow |= __builtin_mul_overflow(bytes, std::max<std::size_t>(length, 1), &bytes);
  }
  overflow |= bytes > PTRDIFF_MAX;
  if (!overflow && (empty || bytes <= memory::limit())) return;
  throw ShapeError(
      at, at ? op : "",  // else whoever knows the line also knows the name
      overflow ? fmt::format("an array of shape {} has more elements than memory can hold; they must be fewer", to_string(shape))
               : fmt::format("an array of shape {} takes {} bytes, which is more than memory can hold; they must be at most {}",
                             to_string(shape), bytes, memory::limit()));
}

void detail::uncountable(const Shape& shape) {
  throw ShapeError("an array of shape " + to_string(shape) + " has more elements than memory can hold; they must be fewer");
}

std::size_t length_of(Wide length) {
  if (length < 0) throw ShapeError("a length of the result is negative; it must not be");
  if (length > PTRDIFF_MAX)
    throw ShapeError("a length of the result is beyond 2^63; it must be less: memory cannot hold so many elements");
  return static_cast<std::size_t>(length);
}

std::size_t normalise_axis(std::ptrdiff_t axis, std::size_t rank) {
  const auto n = static_cast<std::ptrdiff_t>(rank);
  if (axis < -n || axis >= n)
    throw ShapeError(
        n == 0 ? fmt::format("axis {} of an array without axes; it must have one", axis)
               : fmt::format("axis {} is out of range; for an array of {} axes it must be from {} to {}", axis, n, -n, n - 1));
  return static_cast<std::size_t>(axis < 0 ? axis + n : axis);
}

std::vector<bool> Axes::flags(std::size_t rank) const {
  std::vector<bool> result(rank, all());
  for (std::ptrdiff_t axis : axes_) {
    const std::size_t k = normalise_axis(axis, rank);
    if (result[k]) throw ShapeError(fmt::format("axis {} is given twice; each must be given once", k));
    result[k] = true;
  }
  return result;
}

Shape broadcast_shapes(const Shape& a, const Shape& b) {
  const bool a_longer = a.size() >= b.size();
  const Shape& longer = a_longer ? a : b;
  const Shape& shorter = a_longer ? b : a;
  Shape result = longer;
  const std::size_t offset = longer.size() - shorter.size();
  for (std::size_t k = 0; k < shorter.size(); ++k) {
    std::size_t& length = result[offset + k];
    if (length == shorter[k] || shorter[k] == 1) continue;
    if (length != 1)
      throw ShapeError(
          fmt::format("a is {}, b is {}: lengths {} and {} of axis {} do not broadcast; they must be equal, or one of them 1",
                      to_string(a), to_string(b), a_longer ? length : shorter[k], a_longer ? shorter[k] : length,
                      -static_cast<std::ptrdiff_t>(shorter.size() - k)));
    length = shorter[k];
  }
  return result;
}

bool can_broadcast(const Shape& a, const Shape& b) {
  const std::size_t n = std::min(a.size(), b.size());
  return std::equal(a.rbegin(), a.rbegin() + static_cast<std::ptrdiff_t>(n), b.rbegin(),
                    [](std::size_t x, std::size_t y) { return x == y || x == 1 || y == 1; });
}

bool broadcasts_to(const Shape& from, const Shape& to) {
  if (from.size() > to.size()) return false;
  return std::equal(from.rbegin(), from.rend(), to.rbegin(), [](std::size_t f, std::size_t t) { return f == t || f == 1; });
}

}  // namespace xgrad

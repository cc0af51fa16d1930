#include "taking.hpp"

#include <algorithm>
#include <utility>

#include "../core/unravel.hpp"
#include "../ops/axes.hpp"

namespace xgrad::onnx {
namespace {

/// index_select and embedding: whole rows, for each of what is before the axis the same.
std::optional<Taking> rows(const Shape& from, const Shape& to, const Labels& places, std::size_t inner) {
  const std::size_t outer = places.shape()[0], count = places.shape()[1];
  if (outer == 0 || inner == 0 || from.empty() || to.size() + 1 < from.size()) return {};
  const std::size_t more = to.size() + 1 - from.size();
  for (std::size_t axis = 0; axis < from.size(); ++axis) {
    if (size_of(from, 0, axis) != outer || size_of(from, axis + 1, from.size()) != inner) continue;
    const auto at = [](const Shape& shape, std::size_t k) { return shape.begin() + static_cast<std::ptrdiff_t>(k); };
    if (!std::equal(from.begin(), at(from, axis), to.begin()) || !std::equal(at(from, axis + 1), from.end(), at(to, axis + more)))
      continue;
    Taking result{axis, Labels(Shape(at(to, axis), at(to, axis + more)))};
    std::copy_n(places.data(), count, result.index.data());
    return result;
  }
  return {};
}

/// gather and its like: each element comes from its own place along all axes but one, or from the only one that there is.
std::optional<Taking> elements(const Shape& from, const Shape& to, const Labels& places) {
  if (from.size() != to.size() || places.size() == 0) return {};
  for (std::size_t axis = from.size(); axis-- > 0;) {  // the last that fits: where nothing moves, all do
    Taking result{axis, Labels(to)};
    bool fits = true;
    for (std::size_t k = 0; k < places.size() && fits; ++k) {
      const Shape& there = unravel_index(static_cast<std::size_t>(places.data()[k]), from);
      const Shape& here = unravel_index(k, to);
      for (std::size_t j = 0; j < from.size() && fits; ++j) fits = j == axis || there[j] == (from[j] == 1 ? 0 : here[j]);
      result.index.data()[k] = static_cast<std::int64_t>(there[axis]);
    }
    if (fits) return result;
  }
  return {};
}

}  // namespace

std::optional<Taking> taking(std::string_view op, const Shape& from, const Shape& to, const xgrad::detail::Positions& positions) {
  const Labels& places = positions.rows->array;
  if (places.dimension() == 2 && (op == "index_select" || op == "embedding")) return rows(from, to, places, positions.inner);
  if (positions.inner != 1) return {};
  if (op == "masked_select") return Taking{0, places};
  return elements(from, to, places);
}

template <class T>
std::pair<bool, bool> first_is(const Array<T>& x, const Array<T>& y, std::size_t axis) {
  const xgrad::detail::Around all(x.shape(), axis), some(y.shape(), axis);
  bool largest = true, smallest = true;
  for (std::size_t o = 0; o < all.outer; ++o)
    for (std::size_t i = 0; i < all.inner; ++i) {
      const T first = y.data()[o * some.length * some.inner + i];
      for (std::size_t k = 0; k < all.length; ++k) {
        const T other = x.data()[(o * all.length + k) * all.inner + i];
        largest = largest && !(other > first);
        smallest = smallest && !(other < first);
      }
    }
  return {largest, smallest};
}
template std::pair<bool, bool> first_is<float>(const Array<float>&, const Array<float>&, std::size_t);
template std::pair<bool, bool> first_is<double>(const Array<double>&, const Array<double>&, std::size_t);

}  // namespace xgrad::onnx

#pragma once
/// What an operation takes by indices: an observer sees the places of the elements alone.
#include <optional>
#include <string_view>

#include <xgrad/core/array.hpp>

#include "../ops/families.hpp"

namespace xgrad::onnx {

struct Taking {
  std::size_t axis = 0;
  Labels index;  ///< along the axis; of index_select and embedding in its place, of others as the result
};
/// Of `from`, of this shape, in an operation of this name, whose result (or, of scatter_add, what it adds) has the shape `to`. An
/// axis is found by what the places say; where several would do, they do the same. Nothing where there is no such axis.
std::optional<Taking> taking(std::string_view op, const Shape& from, const Shape& to, const xgrad::detail::Positions& positions);

/// Whether the first of each row along the axis of x's elements in order could be the largest, and the smallest.
template <class T>
std::pair<bool, bool> first_is(const Array<T>& x, const Array<T>& y, std::size_t axis);

}  // namespace xgrad::onnx

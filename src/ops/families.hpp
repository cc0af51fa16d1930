#pragma once
/// Two families closed under differentiation that the operations on shapes and indices are made of.
#include <cstdint>
#include <string_view>
#include <vector>

#include <xgrad/core/fields.hpp>
#include <xgrad/graph/observer.hpp>
#include <xgrad/graph/op.hpp>

#include "../kernels/array/strided.hpp"

namespace xgrad::detail {

/// Some elements of a row-major array, as an array of their own: element (i, j, …) is `offset` + i·strides[0] + j·strides[1] + …
struct View {
  Shape shape;
  std::vector<std::ptrdiff_t> strides;
  std::ptrdiff_t offset = 0;

  /// All of an array.
  explicit View(const Shape& whole);
  /// Every `step`-th place of an axis, from `start` on.
  View& cut(std::size_t axis, std::ptrdiff_t start, std::ptrdiff_t step, std::size_t length);
  /// Leaves out an axis of length 1.
  View& drop(std::size_t axis);
  /// Repeats it along axes of length 1, and along new ones in front.
  View& broadcast(const Shape& to);
  XGRAD_FIELDS(shape, strides, offset)
};

/// The buffer of input i where it may be written to, else that of a copy.
template <class T>
Ref<Storage<T>> writable(const Inputs<T>& in, std::size_t i) {
  if (in.reusable(i)) return in.take(i);
  Array<T> copy = in[i];
  return Storage<T>::create(std::move(copy));
}

/// Copies one view to another of the same shape.
template <class T>
void copy_view(const T* x, const View& from, T* out, const View& to) {
  if (size_of(to.shape) == 0) return;  // an empty array has no address to count from
  kernels::copy_strided(x + from.offset, out + to.offset, to.shape.data(), from.strides.data(), to.strides.data(), to.shape.size());
}

/// The elements of a view of x. `name` is the operation's, and must live for ever.
template <class T>
Variable<T> read_view(std::string_view name, Variable<T> x, View view, Where at);
/// An array of this shape with x in the view, which holds no element twice, and `background` elsewhere.
template <class T>
Variable<T> fill_view(std::string_view name, Variable<T> x, View view, Shape shape, Where at, T background = 0);
/// sum + fill_view(x), in sum's buffer where nobody else holds it: then it costs what the view costs.
template <class T>
Variable<T> add_view(std::string_view name, Variable<T> sum, Variable<T> x, View view, Where at);

/// Row numbers of an array whose rows have `inner` elements.
struct Positions {
  Ref<Storage<std::int64_t>> rows;
  std::size_t inner = 1;
};

/// The rows of x at the positions, under this shape.
template <class T>
Variable<T> take(std::string_view name, Variable<T> x, Positions positions, Shape shape, Where at);
/// Zeros of this shape with the rows of x added at the positions.
template <class T>
Variable<T> put(std::string_view name, Variable<T> x, Positions positions, Shape shape, Where at);
/// sum + put(x), in sum's buffer where nobody else holds it: then it costs what the rows of x cost.
template <class T>
Variable<T> add_put(std::string_view name, Variable<T> sum, Variable<T> x, Positions positions, Where at);

/// Of an operation that takes rows (index_select, embedding, gather, sort …) or adds to them (scatter_add), and that an observer
/// has seen; null for any other.
template <class T>
XGRAD_API const Positions* positions_of(const Event<T>& event);

/// Checks indices of places along an axis and turns them into positions of elements, negative ones counted from the end: element
/// (i, j, …) of the array of shape `shape` is x[…, index[i, j, …], …]. Other axes of x and of the index are as long as in `shape`,
/// or longer in x, or broadcast.
Positions positions_along(const Shape& x, std::size_t axis, const Labels& index, const Shape& shape);

}  // namespace xgrad::detail

// Elements and rows that integers name. All of them come down to rows of a matrix: places are counted here, where they are checked
// axis by axis.
#include <algorithm>

#include "call.hpp"

namespace xgrad::onnx {

namespace {

using Integer = std::int64_t;

std::size_t place(Integer index, std::size_t length, Where at) {
  const auto n = static_cast<Integer>(length);
  if (index < -n || index >= n)
    throw IndexError(
        at, "onnx",
        "an index is " + std::to_string(index) + "; it must be from " + std::to_string(-n) + " to " + std::to_string(n - 1));
  return static_cast<std::size_t>(index < 0 ? index + n : index);
}

template <class T>
Values<T> gathered(Call<T>& c) {
  const int axis = c.axis(c.integer("axis", 0), c.shape(0).size());
  const Labels index = c.integers(1);
  return one<T>(rearrange_one<T>(c, c.take(0), [&](auto v) { return index_select(std::move(v), axis, index, c.where); }));
}

/// Places in a flat array of shape `shape`, of what an index (…) names along an axis.
Labels element_places(const Labels& index, const Shape& shape, int axis, Where where) {
  const auto a = static_cast<std::size_t>(axis);
  const Shape& own = index.shape();
  bool fits = own.size() == shape.size();
  for (std::size_t k = 0; fits && k < own.size(); ++k) fits = k == a || own[k] <= shape[k];
  if (!fits)
    throw ShapeError(where, "onnx",
                     "the indices have the shape " + to_string(own) + " for an array of " + to_string(shape) +
                         "; they must have as many axes and be no longer, but along the axis");
  Labels result = make_array<Integer>(own, where);
  std::vector<std::size_t> at(own.size(), 0);
  for (std::size_t n = 0; n < index.size(); ++n) {
    std::size_t flat = 0;
    for (std::size_t k = 0; k < own.size(); ++k)
      flat = flat * shape[k] + (k == a ? place(index.data()[n], shape[k], where) : at[k]);
    result.data()[n] = static_cast<Integer>(flat);
    for (std::size_t k = own.size(); k-- > 0;) {
      if (++at[k] < own[k]) break;
      at[k] = 0;
    }
  }
  return result;
}

template <class T>
Values<T> gathered_elements(Call<T>& c) {
  const Shape shape = c.shape(0);
  const int axis = c.axis(c.integer("axis", 0), shape.size());
  const Labels from = element_places(c.integers(1), shape, axis, c.where);
  return one<T>(
      rearrange_one<T>(c, c.take(0), [&](auto v) { return index_select(flatten(std::move(v), 0, c.where), 0, from, c.where); }));
}

/// What an index (…, k) names: the rows of an array of `shape` whose first `batch` axes go along with the index's own, and whose
/// next k axes the index's last axis counts through.
struct Rows {
  Labels places;  ///< the index's shape without the last axis
  Shape matrix;   ///< the array as rows: (rows, elements of each)
  Shape row;      ///< the shape of each
};
template <class T>
Rows rows_of(const Call<T>& c, const Labels& index, const Shape& shape, std::size_t batch) {
  if (index.dimension() == 0) c.refuse("the indices are a number; they must have an axis");
  const std::size_t depth = index.shape().back();
  if (batch + depth > shape.size() || index.dimension() <= batch)
    c.refuse("the indices have the shape " + to_string(index.shape()) + " for an array of " + to_string(shape) +
             "; the last length must be no more than its axes");
  Shape own = index.shape();
  own.pop_back();
  std::size_t each = 1;  // rows for one place of the batch
  for (std::size_t k = batch; k < batch + depth; ++k) each *= shape[k];
  for (std::size_t k = 0; k < batch; ++k)
    if (own[k] != shape[k])
      c.refuse("axis " + std::to_string(k) + " of the indices and of the array differ; as one of the batch's they must be equal");
  const std::size_t per_batch = size_of(own, batch, own.size());
  Rows rows{make_array<Integer>(own, c.where), {}, {}};
  for (std::size_t n = 0; n < rows.places.size(); ++n) {
    std::size_t flat = 0;
    for (std::size_t k = 0; k < depth; ++k)
      flat = flat * shape[batch + k] + place(index.data()[n * depth + k], shape[batch + k], c.where);
    rows.places.data()[n] = static_cast<Integer>(n / per_batch * each + flat);
  }
  rows.row = Shape(shape.begin() + static_cast<std::ptrdiff_t>(batch + depth), shape.end());
  rows.matrix = Shape{size_of(shape, 0, batch + depth), size_of(rows.row)};
  return rows;
}

Shape joined(Shape a, const Shape& b) {
  for (const std::size_t n : b) a.push_back(n);
  return a;
}

template <class T>
Values<T> gathered_nd(Call<T>& c) {
  const Integer batch = c.integer("batch_dims", 0);
  if (batch < 0 || batch > 64) c.refuse("batch_dims is " + std::to_string(batch) + "; it must be a number of axes");
  const Rows rows = rows_of(c, c.integers(1), c.shape(0), static_cast<std::size_t>(batch));
  const Shape to = joined(rows.places.shape(), rows.row);
  return one<T>(rearrange_one<T>(c, c.take(0), [&](auto v) {
    return reshape(index_select(reshape(std::move(v), rows.matrix, c.where), 0, rows.places, c.where), to, c.where);
  }));
}

/// x (rows, n) with `updates` (k, n) put, in their order, into the rows `places` (k).
template <class T>
Value<T> scattered(Call<T>& c, Value<T> x, Value<T> updates, const Labels& places, const std::string& reduction) {
  const std::size_t rows = shape_of<T>(x)[0], count = places.size();
  if (reduction == "none") {
    Labels from = make_array<Integer>(Shape{rows}, c.where);
    for (std::size_t k = 0; k < rows; ++k) from.data()[k] = static_cast<Integer>(k);
    for (std::size_t k = 0; k < count; ++k)
      from.data()[static_cast<std::size_t>(places.data()[k])] = static_cast<Integer>(rows + k);
    Values<T> both;
    both.push_back(std::move(x));
    both.push_back(std::move(updates));
    return rearrange(c, std::move(both), [&](auto v) { return index_select(concat(std::move(v), 0, c.where), 0, from, c.where); });
  }
  if (x.index() != 0 || updates.index() != 0) c.refuse("reduction is '" + reduction + "'; of integers it must be none");
  Variable<T> result = std::get<0>(std::move(x));
  const Variable<T> sources = std::get<0>(std::move(updates));
  const std::size_t width = result.shape()[1];
  if (reduction == "add") {
    Labels index = make_array<Integer>(Shape{count, width}, c.where);
    for (std::size_t k = 0; k < index.size(); ++k) index.data()[k] = places.data()[k / width];
    return scatter_add(std::move(result), 0, index, sources, c.where);
  }
  if (reduction != "mul" && reduction != "max" && reduction != "min")
    c.refuse("reduction is '" + reduction + "'; it must be none, add, mul, max or min");
  // in layers: the first update of each row, the second, …
  std::vector<std::size_t> times(rows, 0);
  std::vector<std::vector<std::size_t>> layers;
  for (std::size_t k = 0; k < count; ++k) {
    const std::size_t layer = times[static_cast<std::size_t>(places.data()[k])]++;
    if (layer == layers.size()) layers.emplace_back();
    layers[layer].push_back(k);
  }
  for (const std::vector<std::size_t>& layer : layers) {
    Labels which = make_array<Integer>(Shape{layer.size()}, c.where), where = which,
           from = make_array<Integer>(Shape{rows}, c.where);
    for (std::size_t k = 0; k < rows; ++k) from.data()[k] = static_cast<Integer>(k);
    for (std::size_t k = 0; k < layer.size(); ++k) {
      which.data()[k] = static_cast<Integer>(layer[k]);
      where.data()[k] = places.data()[layer[k]];
      from.data()[static_cast<std::size_t>(places.data()[layer[k]])] = static_cast<Integer>(rows + k);
    }
    Variable<T> old = index_select(result, 0, where, c.where), update = index_select(sources, 0, which, c.where);
    Variable<T> fresh = reduction == "mul"   ? mul(std::move(old), std::move(update), c.where)
                        : reduction == "max" ? maximum(std::move(old), std::move(update), c.where)
                                             : minimum(std::move(old), std::move(update), c.where);
    std::vector<Variable<T>> both{std::move(result), std::move(fresh)};
    result = index_select(concat(std::move(both), 0, c.where), 0, from, c.where);
  }
  return result;
}

template <class T>
Value<T> as_matrix(const Call<T>& c, Value<T> x, std::size_t rows, std::size_t width) {
  return rearrange_one<T>(c, std::move(x), [&](auto v) { return reshape(std::move(v), Shape{rows, width}, c.where); });
}
template <class T>
Value<T> in_shape(const Call<T>& c, Value<T> x, const Shape& shape) {
  return rearrange_one<T>(c, std::move(x), [&](auto v) { return reshape(std::move(v), shape, c.where); });
}

template <class T>
Values<T> scattered_elements(Call<T>& c) {
  const std::string reduction = c.text("reduction", "none");
  const Shape shape = c.shape(0);
  const int axis = c.axis(c.integer("axis", 0), shape.size());
  const Labels to = element_places(c.integers(1), shape, axis, c.where);
  if (c.shape(2) != to.shape())
    c.refuse("the updates have the shape " + to_string(c.shape(2)) + "; it must be " + to_string(to.shape()) +
             ", as that of the indices");
  Value<T> x = as_matrix(c, c.take(0), size_of(shape), 1), updates = as_matrix(c, c.take(2), to.size(), 1);
  return one<T>(in_shape(c, scattered(c, std::move(x), std::move(updates), to, reduction), shape));
}

template <class T>
Values<T> scattered_nd(Call<T>& c) {
  const std::string reduction = c.text("reduction", "none");
  const Shape shape = c.shape(0);
  const Rows rows = rows_of(c, c.integers(1), shape, 0);
  const Shape expected = joined(rows.places.shape(), rows.row);
  if (c.shape(2) != expected)
    c.refuse("the updates have the shape " + to_string(c.shape(2)) + "; it must be " + to_string(expected));
  Value<T> x = as_matrix(c, c.take(0), rows.matrix[0], rows.matrix[1]);
  Value<T> updates = as_matrix(c, c.take(2), rows.places.size(), rows.matrix[1]);
  return one<T>(in_shape(c, scattered(c, std::move(x), std::move(updates), rows.places, reduction), shape));
}

}  // namespace

template <class T>
void add_indexing(Table<T>& table) {
  table.insert({
      {"Gather", {gathered<T>}},
      {"GatherElements", {gathered_elements<T>}},
      {"GatherND", {gathered_nd<T>}},
      {"ScatterElements", {scattered_elements<T>}},
      {"ScatterND", {scattered_nd<T>}},
  });
}
template void add_indexing<float>(Table<float>&);
template void add_indexing<double>(Table<double>&);

}  // namespace xgrad::onnx

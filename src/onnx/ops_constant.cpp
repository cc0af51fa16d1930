// Tensors out of nothing, conversions, and what is said of a tensor.
#include <algorithm>
#include <cmath>

#include "../core/unravel.hpp"
#include "call.hpp"

namespace xgrad::onnx {

namespace {

using Integer = std::int64_t;

template <class T>
Value<T> narrowed(const Value<double>& value) {
  if (value.index() == 1) return std::get<1>(value);
  if (value.index() == 2) return std::get<2>(value);
  return Variable<T>(map<T>(std::get<0>(value).value(), [](double x) { return static_cast<T>(x); }));
}

template <class T>
Values<T> constant(Call<T>& c) {
  if (const Value<double>* value = c.tensor("value")) return one<T>(narrowed<T>(*value));
  if (c.given("value_float")) return one<T>(scalar<T>(c.number("value_float", 0)));
  if (c.given("value_int")) return one<T>(full<Integer>({}, c.integer("value_int", 0), c.where));
  if (c.given("value_ints")) {
    const std::vector<Integer> list = c.integers("value_ints");
    Labels result = make_array<Integer>(Shape{list.size()}, c.where);
    std::copy(list.begin(), list.end(), result.data());
    return one<T>(std::move(result));
  }
  if (c.given("value_floats")) {
    const std::span<const float> list = c.numbers("value_floats");
    Array<T> result = make_array<T>(Shape{list.size()}, c.where);
    std::transform(list.begin(), list.end(), result.data(), [](float x) { return static_cast<T>(x); });
    return one<T>(Variable<T>(std::move(result)));
  }
  c.refuse("its value is neither a tensor nor a number; it must be");
}

template <class T>
Values<T> constant_of_shape(Call<T>& c) {
  const Value<double>* given = c.tensor("value");
  Shape shape;
  for (const Integer n : c.list(0)) {
    if (n < 0) c.refuse("the shape has the length " + std::to_string(n) + "; it must be at least 0");
    shape.push_back(static_cast<std::size_t>(n));
  }
  const Value<T> value = given ? narrowed<T>(*given) : Value<T>(scalar<T>(0));
  if (size_of(shape_of<T>(value)) != 1)
    c.refuse("value has the shape " + to_string(shape_of<T>(value)) + "; it must be one number");
  if (value.index() == 0) return one<T>(Variable<T>(full<T>(shape, *std::get<0>(value).value().data(), c.where)));
  if (value.index() == 1) return one<T>(full<Integer>(shape, *std::get<1>(value).data(), c.where));
  return one<T>(full<bool>(shape, *std::get<2>(value).data(), c.where));
}

template <class T>
Values<T> range(Call<T>& c) {
  if (c.look(0).index() == 1) {
    const Integer start = c.integer_input(0), limit = c.integer_input(1), step = c.integer_input(2);
    if (step == 0) c.refuse("delta is 0; it must be another number");
    const Wide way = static_cast<Wide>(limit) - start, all = step > 0 ? (way + step - 1) / step : (way + step + 1) / step;
    Labels result = make_array<Integer>(Shape{length_of(std::max<Wide>(all, 0))}, c.where);
    for (std::size_t k = 0; k < result.size(); ++k) result.data()[k] = static_cast<Integer>(start + static_cast<Wide>(k) * step);
    return one<T>(std::move(result));
  }
  const double start = c.number_input(0), limit = c.number_input(1), step = c.number_input(2);
  const double count = std::max(std::ceil((limit - start) / step), 0.0);
  if (!(count < 1e15)) c.refuse("it has " + std::to_string(count) + " elements; there must be fewer than 1e15");
  Array<T> result = make_array<T>(Shape{static_cast<std::size_t>(count)}, c.where);
  for (std::size_t k = 0; k < result.size(); ++k) result.data()[k] = static_cast<T>(start + static_cast<double>(k) * step);
  return one<T>(Variable<T>(std::move(result)));
}

/// A conversion to the type with ONNX's number for it.
template <class T>
Value<T> converted(const Call<T>& c, Value<T> x, Integer type) {
  if (!supported(type)) c.refuse("elements become " + name_of_element(type) + "; they must be float, double, int32, int64 or bool");
  switch (static_cast<ElementType>(type)) {
    case ElementType::float32:
    case ElementType::float64:
      return to_real<T>(x);
    case ElementType::int32:
    case ElementType::int64:
      return to_integers<T>(x);
    default:
      return to_truths<T>(x);
  }
}

template <class T>
Values<T> cast(Call<T>& c) {
  const Integer type = c.integer("to", 0);
  c.integer("saturate", 1);  // of 8-bit types, which there are not here
  c.text("round_mode", "up");
  return one<T>(converted<T>(c, c.take(0), type));
}
template <class T>
Values<T> cast_like(Call<T>& c) {
  c.integer("saturate", 1);
  c.text("round_mode", "up");
  const std::size_t kind = c.look(1).index();
  const Value<T> x = c.take(0);
  if (kind == 0) return one<T>(to_real<T>(x));
  if (kind == 1) return one<T>(to_integers<T>(x));
  return one<T>(to_truths<T>(x));
}

template <class T>
Values<T> eye_like(Call<T>& c) {
  const Integer k = c.integer("k", 0);
  const Shape shape = c.shape(0);
  if (shape.size() != 2) c.refuse("the input has the shape " + to_string(shape) + "; it must have 2 axes");
  Labels eye = full<Integer>(shape, 0, c.where);
  for (std::size_t i = 0; i < shape[0] && eye.size() > 0; ++i) {  // of no columns there may be any number of rows
    const Wide j = static_cast<Wide>(i) + k;
    if (j >= 0 && j < static_cast<Wide>(shape[1])) eye.data()[i * shape[1] + static_cast<std::size_t>(j)] = 1;
  }
  if (c.given("dtype")) return one<T>(converted<T>(c, std::move(eye), c.integer("dtype", 1)));
  if (c.look(0).index() == 1) return one<T>(std::move(eye));
  if (c.look(0).index() == 0) return one<T>(to_real<T>(eye));
  return one<T>(to_truths<T>(eye));
}

template <class T>
Values<T> one_hot_of(Call<T>& c) {
  const Labels depth_given = to_integers<T>(c.look(1));
  if (depth_given.size() != 1) c.refuse("depth has the shape " + to_string(depth_given.shape()) + "; it must be one number");
  const Integer depth = *depth_given.data();
  if (depth < 1) c.refuse("depth is " + std::to_string(depth) + "; it must be at least 1");
  const Labels index = to_integers<T>(c.look(0));
  const auto rank = static_cast<Integer>(index.dimension());
  const Integer given = c.integer("axis", -1);
  if (given < -rank - 1 || given > rank) c.refuse("axis is " + std::to_string(given) + "; it must be one of the result's");
  const auto axis = static_cast<std::size_t>(given < 0 ? given + rank + 1 : given);
  Shape shape;
  for (std::size_t k = 0; k <= static_cast<std::size_t>(rank); ++k)
    shape.push_back(k == axis ? static_cast<std::size_t>(depth) : index.shape()[k < axis ? k : k - 1]);
  Labels hot = full<Integer>(shape, 0, c.where);
  const std::size_t inner = size_of(shape, axis + 1, shape.size()), deep = static_cast<std::size_t>(depth);
  for (std::size_t n = 0; n < index.size(); ++n) {
    Integer k = index.data()[n];
    if (k < -depth || k >= depth) continue;  // ONNX: none is on
    if (k < 0) k += depth;
    hot.data()[(n / inner * deep + static_cast<std::size_t>(k)) * inner + n % inner] = 1;
  }
  if (c.shape(2) != Shape{2}) c.refuse("values have the shape " + to_string(c.shape(2)) + "; it must be (2,)");
  return one<T>(rearrange_one<T>(c, c.take(2), [&](auto v) { return index_select(std::move(v), 0, hot, c.where); }));
}

template <class T>
Values<T> shape_as_tensor(Call<T>& c) {
  const Shape shape = c.shape(0);
  const auto rank = static_cast<Integer>(shape.size());
  const auto bound = [&](Integer k) { return std::clamp<Integer>(k < 0 ? k + rank : k, 0, rank); };
  const Integer start = bound(c.integer("start", 0)), end = std::max(start, bound(c.integer("end", rank)));
  Labels result = make_array<Integer>(Shape{static_cast<std::size_t>(end - start)}, c.where);
  for (std::size_t k = 0; k < result.size(); ++k)
    result.data()[k] = static_cast<Integer>(shape[static_cast<std::size_t>(start) + k]);
  return one<T>(std::move(result));
}
template <class T>
Values<T> size_as_tensor(Call<T>& c) {
  return one<T>(full<Integer>({}, static_cast<Integer>(size_of(c.shape(0))), c.where));
}

template <class T>
Values<T> nonzero(Call<T>& c) {
  const Mask there = to_truths<T>(c.look(0));
  const Shape& shape = there.shape();
  const auto count = static_cast<std::size_t>(std::count(there.data(), there.data() + there.size(), true));
  Labels result = make_array<Integer>(Shape{shape.size(), count}, c.where);
  std::size_t found = 0;
  for (std::size_t n = 0; n < there.size(); ++n) {
    if (!there.data()[n]) continue;
    const Shape index = unravel_index(n, shape);
    for (std::size_t k = 0; k < shape.size(); ++k) result.data()[k * count + found] = static_cast<Integer>(index[k]);
    ++found;
  }
  return one<T>(std::move(result));
}

}  // namespace

template <class T>
void add_constants(Table<T>& table) {
  table.insert({
      {"Cast", {cast<T>}},
      {"CastLike", {cast_like<T>, 0b10}},
      {"Constant", {constant<T>}},
      {"ConstantOfShape", {constant_of_shape<T>}},
      {"EyeLike", {eye_like<T>, 0b1}},
      {"NonZero", {nonzero<T>, 0b1}},
      {"OneHot", {one_hot_of<T>, 0b11}},
      {"Range", {range<T>, 0b111}},
      {"Shape", {shape_as_tensor<T>, 0b1}},
      {"Size", {size_as_tensor<T>, 0b1}},
  });
}
template void add_constants<float>(Table<float>&);
template void add_constants<double>(Table<double>&);

}  // namespace xgrad::onnx

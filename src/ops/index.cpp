// Operations that pick elements by index or by mask.
#include <xgrad/ops/index.hpp>

#include <fmt/format.h>
#include <algorithm>

#include <xgrad/graph/apply.hpp>
#include <xgrad/ops/arithmetic.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/shape.hpp>

#include "../core/unravel.hpp"
#include "../kernels/array/strided.hpp"
#include "../kernels/array/take.hpp"
#include "../kernels/array/walk.hpp"
#include "axes.hpp"
#include "families.hpp"
#include "support.hpp"

namespace xgrad {
using namespace detail;

namespace {

[[noreturn]] void out_of_range(const Labels& index, std::size_t k, std::string_view what) {
  throw IndexError(
      fmt::format("index {} at {} is out of range; {}", index.data()[k], to_string(unravel_index(k, index.shape())), what));
}

/// Throws IndexError for the first label that is not in [0, classes); `what` continues "index 7 at (0, 1) is out of range; ".
void check_labels(const Labels& labels, std::size_t classes, const std::string& what) {
  for (std::size_t k = 0; k < labels.size(); ++k)
    if (labels.data()[k] < 0 || static_cast<std::size_t>(labels.data()[k]) >= classes)
      out_of_range(labels, k,
                   classes == 0 ? what + " must not be there" : fmt::format("{} must be from 0 to {}", what, classes - 1));
}

/// Throws IndexError for the first index that is not in [-n, n) on axis `axis` of length n.
void check_places(const Labels& index, std::size_t axis, std::size_t length) {
  const auto n = static_cast<std::int64_t>(length);
  for (std::size_t k = 0; k < index.size(); ++k)
    if (const std::int64_t i = index.data()[k]; i < -n || i >= n)
      out_of_range(index, k,
                   n == 0 ? fmt::format("axis {} of x has no elements, so it must not be there", axis)
                          : fmt::format("axis {} of x has {} elements, so it must be from {} to {}", axis, n, -n, n - 1));
}

/// Strides of an array along the axes of a shape: 0 where it is repeated, and along `left_out`.
std::vector<std::ptrdiff_t> strides_along(const Shape& from, const Shape& shape, std::size_t left_out) {
  std::vector<std::ptrdiff_t> strides(shape.size());
  std::size_t stride = 1;
  for (std::size_t k = shape.size(); k-- > 0;) {
    strides[k] = k == left_out || from[k] == 1 ? 0 : static_cast<std::ptrdiff_t>(stride);
    stride *= from[k];
  }
  return strides;
}

/// f(k, offset in a, offset in b) for each element k of a shape.
template <class F>
void each_offset(const Shape& shape, const std::vector<std::ptrdiff_t>& a, const std::vector<std::ptrdiff_t>& b, F f) {
  const std::size_t size = size_of(shape);
  if (size == 0) return;
  kernels::Axes<2> axes;
  for (std::size_t k = shape.size(); k-- > 0;) axes.add(shape[k], {a[k], b[k]});
  const auto [length, stride] = axes.run();
  kernels::Walk<2> place = axes.runs(0);
  std::ptrdiff_t p = 0, q = 0;
  for (std::size_t k = 0; k < size;) {
    for (std::size_t i = 0; i < length; ++i, ++k)
      f(k, p + static_cast<std::ptrdiff_t>(i) * stride[0], q + static_cast<std::ptrdiff_t>(i) * stride[1]);
    const auto [more, further] = place.next();
    p += more;
    q += further;
  }
}

template <class T>
struct Take {
  std::string_view label;
  Positions positions;
  Shape shape;

  std::string_view name() const { return label; }
  std::uint32_t uses(std::size_t) const { return use::none; }
  Result<T> forward(Inputs<T> in) {
    Array<T> out = make_array<T>(shape);
    const Labels& rows = positions.rows->array;
    kernels::take(in[0].data(), rows.data(), out.data(), rows.size(), positions.inner);
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    return put(label, g, positions, c.input_shape(0), c.where());
  }
  Variable<T> add_vjp(const Context<T>& c, const Variable<T>& g, std::size_t i, Variable<T> sum) const {
    // To look three times at a large part takes longer than to look at the whole.
    if (4 * g.size() > sum.size()) return add(std::move(sum), vjp(c, g, i), c.where());
    return add_put(label, std::move(sum), g, positions, c.where());
  }
};

template <class T>
struct Put {
  std::string_view label;
  Positions positions;
  Shape shape;

  std::string_view name() const { return label; }
  std::uint32_t uses(std::size_t) const { return use::none; }
  Result<T> forward(Inputs<T> in) {
    Array<T> out = zeros<T>(shape, Where{});
    const Labels& rows = positions.rows->array;
    if (in[0].size() > 0)
      kernels::put(in[0].data(), rows.data(), out.data(), rows.size(), positions.inner, out.size() / positions.inner);
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    return take(label, g, positions, c.input_shape(0), c.where());
  }
};

template <class T>
struct AddPut {
  std::string_view label;
  Positions positions;

  std::string_view name() const { return label; }
  std::uint32_t uses(std::size_t) const { return use::none; }
  Result<T> forward(Inputs<T> in) {
    Ref<Storage<T>> sum = writable(in, 0);
    const Labels& rows = positions.rows->array;
    if (in[1].size() > 0)
      kernels::put_sums(in[1].data(), rows.data(), sum->array.data(), rows.size(), positions.inner,
                        sum->array.size() / positions.inner);
    return sum;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t i) const {
    return i == 0 ? g : take(label, g, positions, c.input_shape(1), c.where());
  }
};

/// put onto an array that is there already.
template <class T>
struct ScatterAdd {
  static constexpr std::string_view name = "scatter_add";
  static constexpr std::array uses{use::none, use::none};
  Positions positions;

  Result<T> forward(Inputs<T> in) {
    const Labels& rows = positions.rows->array;
    Ref<Storage<T>> out = writable(in, 0);
    kernels::put(in[1].data(), rows.data(), out->array.data(), rows.size(), 1, out->array.size());
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t i) const {
    return i == 0 ? g : take(name, g, positions, c.input_shape(1), c.where());
  }
};

/// What is left between two diagonals of the last two axes.
template <class T>
struct Band {
  std::string_view label;
  std::ptrdiff_t from, to;

  std::string_view name() const { return label; }
  std::uint32_t uses(std::size_t) const { return use::none; }
  Result<T> forward(Inputs<T> in) {
    const Shape& shape = in[0].shape();
    if (shape.size() < 2) throw ShapeError(fmt::format("x is {}; it must have at least two axes", to_string(shape)));
    Array<T> out = make_array<T>(shape);
    const std::size_t rows = shape[shape.size() - 2], columns = shape.back();
    if (out.size() > 0) kernels::band(in[0].data(), out.data(), out.size() / (rows * columns), rows, columns, from, to);
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const { return apply(Band{*this}, {g}, c.where()); }
};

/// Beyond every diagonal, and far from overflow.
constexpr std::ptrdiff_t far = std::ptrdiff_t{1} << 60;

/// index_select and embedding. Negative indices count from the end.
template <class T>
Variable<T> rows_of(std::string_view name, Variable<T> x, std::size_t axis, const Labels& index, Where at) {
  const Around s = placed(at, name, [&] { return Around(x.shape(), axis); });
  Shape shape;
  for (std::size_t k = 0; k < x.shape().size(); ++k)
    if (k != axis)
      shape.push_back(x.shape()[k]);
    else
      for (std::size_t length : index.shape()) shape.push_back(length);
  placed(at, name, [&] { check_size(shape, sizeof(T)); });
  Labels rows = placed(at, name, [&] { return make_array<std::int64_t>(Shape{s.outer, index.size()}); });
  for (std::size_t o = 0; o < s.outer; ++o)
    std::transform(index.data(), index.data() + index.size(), rows.data() + o * index.size(),
                   [&](std::int64_t i) { return static_cast<std::int64_t>(i < 0 ? (o + 1) * s.length : o * s.length) + i; });
  return take(name, std::move(x), {Storage<std::int64_t>::create(std::move(rows)), s.inner}, std::move(shape), at);
}

}  // namespace

Positions detail::positions_along(const Shape& x, std::size_t axis, const Labels& index, const Shape& shape) {
  check_places(index, axis, x[axis]);
  const auto n = static_cast<std::int64_t>(x[axis]);
  const auto inner = static_cast<std::int64_t>(size_of(x, axis + 1, x.size()));
  Labels rows = make_array<std::int64_t>(shape);
  each_offset(shape, strides_along(index.shape(), shape, shape.size()), strides_along(x, shape, axis),
              [&](std::size_t k, std::ptrdiff_t from, std::ptrdiff_t base) {
                const std::int64_t i = index.data()[from];
                rows.data()[k] = base + (i < 0 ? i + n : i) * inner;
              });
  return {Storage<std::int64_t>::create(std::move(rows)), 1};
}

template <class T>
Variable<T> detail::take(std::string_view name, Variable<T> x, Positions positions, Shape shape, Where at) {
  return apply(Take<T>{name, std::move(positions), std::move(shape)}, {std::move(x)}, at);
}
template <class T>
Variable<T> detail::put(std::string_view name, Variable<T> x, Positions positions, Shape shape, Where at) {
  return apply(Put<T>{name, std::move(positions), std::move(shape)}, {std::move(x)}, at);
}

template <class T>
Variable<T> detail::add_put(std::string_view name, Variable<T> sum, Variable<T> x, Positions positions, Where at) {
  return apply(AddPut<T>{name, std::move(positions)}, {std::move(sum), std::move(x)}, at);
}

template <class T>
const Positions* detail::positions_of(const Event<T>& event) {
  if (event.describe == &describe_op<Take<T>>) return &static_cast<const Take<T>*>(event.described)->positions;
  if (event.describe == &describe_op<ScatterAdd<T>>) return &static_cast<const ScatterAdd<T>*>(event.described)->positions;
  return nullptr;
}

template <class T>
Variable<T> index_select(Variable<T> x, int axis, const Indices& index, Where at) {
  const Shape& shape = shape_of(x, at);
  const std::size_t k = placed(at, "index_select", [&] {
    const std::size_t place = normalise_axis(axis, shape.size());
    check_places(index.values(), place, shape[place]);
    return place;
  });
  return rows_of("index_select", std::move(x), k, index.values(), at);
}

template <class T>
Variable<T> embedding(const Indices& labels, Variable<T> weights, Where at) {
  const Shape& shape = shape_of(weights, at);
  placed(at, "embedding", [&] {
    if (shape.empty()) throw ShapeError("weights are (); they must have a row for each label");
    check_labels(labels.values(), shape[0], fmt::format("weights are {}, so it", to_string(shape)));
  });
  return rows_of("embedding", std::move(weights), 0, labels.values(), at);
}

template <class T>
Variable<T> gather(Variable<T> x, int axis, const Indices& index, Where at) {
  const Shape &shape = shape_of(x, at), &wanted = index.values().shape();
  Positions positions = placed(at, "gather", [&] {
    const std::size_t k = normalise_axis(axis, shape.size());
    bool fits = wanted.size() == shape.size();
    for (std::size_t j = 0; fits && j < shape.size(); ++j) fits = j == k || wanted[j] <= shape[j];
    if (!fits)
      throw ShapeError(fmt::format("x is {}, index is {}; index must have as many axes and be no longer along any but axis {}",
                                   to_string(shape), to_string(wanted), k));
    return positions_along(shape, k, index.values(), wanted);
  });
  return take("gather", std::move(x), std::move(positions), wanted, at);
}

template <class T>
Variable<T> take_along_axis(Variable<T> x, const Indices& index, int axis, Where at) {
  const Shape &shape = shape_of(x, at), &wanted = index.values().shape();
  Shape result = wanted;
  Positions positions = placed(at, "take_along_axis", [&] {
    const std::size_t k = normalise_axis(axis, shape.size());
    bool fits = wanted.size() == shape.size();
    for (std::size_t j = 0; fits && j < shape.size(); ++j) {
      if (j == k) continue;
      fits = wanted[j] == shape[j] || wanted[j] == 1 || shape[j] == 1;
      if (wanted[j] == 1) result[j] = shape[j];
    }
    if (!fits)
      throw ShapeError(fmt::format("x is {}, index is {}; they must have as many axes, and broadcast along all but axis {}",
                                   to_string(shape), to_string(wanted), k));
    return positions_along(shape, k, index.values(), result);
  });
  return take("take_along_axis", std::move(x), std::move(positions), std::move(result), at);
}

template <class T>
Variable<T> scatter_add(Variable<T> x, int axis, const Indices& index, std::type_identity_t<Variable<T>> source, Where at) {
  const Shape &shape = shape_of(x, at), &added = shape_of(source, at), &wanted = index.values().shape();
  Positions positions = placed(at, "scatter_add", [&] {
    const std::size_t k = normalise_axis(axis, shape.size());
    bool fits = wanted.size() == shape.size() && added == wanted;
    for (std::size_t j = 0; fits && j < shape.size(); ++j) fits = j == k || wanted[j] <= shape[j];
    if (!fits)
      throw ShapeError(fmt::format(
          "x is {}, index is {}, source is {}; index and source must have one shape, and be no longer than x along any but "
          "axis {}",
          to_string(shape), to_string(wanted), to_string(added), k));
    return positions_along(shape, k, index.values(), wanted);
  });
  return apply(ScatterAdd<T>{std::move(positions)}, {std::move(x), std::move(source)}, at);
}

template <class T>
Variable<T> masked_select(Variable<T> x, const Condition& condition, Where at) {
  const Mask& mask = condition.mask();
  const Shape& shape = shape_of(x, at);
  if (!broadcasts_to(mask.shape(), shape))
    throw ShapeError(
        at, "masked_select",
        fmt::format("x is {}, the mask is {}; the mask must broadcast to x", to_string(shape), to_string(mask.shape())));
  Shape whole(shape.size(), 1);  // the mask's shape with as many axes as x
  std::copy(mask.shape().begin(), mask.shape().end(), whole.end() - static_cast<std::ptrdiff_t>(mask.dimension()));
  const std::vector<std::ptrdiff_t> strides = strides_along(whole, shape, shape.size());
  Labels every = placed(at, "masked_select", [&] { return make_array<std::int64_t>(Shape{x.size()}); });
  std::size_t count = 0;
  each_offset(shape, strides, strides, [&](std::size_t k, std::ptrdiff_t from, std::ptrdiff_t) {
    every.data()[count] = static_cast<std::int64_t>(k);  // stays if the mask says so: no branch to mispredict
    count += mask.data()[from] ? 1 : 0;
  });
  Labels rows = make_array<std::int64_t>(Shape{count});
  std::copy_n(every.data(), count, rows.data());
  return take("masked_select", std::move(x), {Storage<std::int64_t>::create(std::move(rows)), 1}, Shape{count}, at);
}

template <class T>
Variable<T> masked_fill(Variable<T> x, const Condition& condition, std::type_identity_t<Variable<T>> value, Where at) try {
  const Mask& mask = condition.mask();
  const Shape &shape = shape_of(x, at), &filling = shape_of(value, at);
  if (!broadcasts_to(mask.shape(), shape) || !broadcasts_to(filling, shape))
    throw ShapeError(at, "masked_fill",
                     fmt::format("x is {}, the mask is {}, the value is {}; mask and value must broadcast to x", to_string(shape),
                                 to_string(mask.shape()), to_string(filling)));
  return detail::select<T>(mask, std::move(value), std::move(x), at);
} catch (Error& error) {
  called(error, at);
}

template <Real T>
Array<T> one_hot(const Indices& labels, std::size_t classes, Where at) {
  const Labels& index = labels.values();
  placed(at, "one_hot", [&] { check_labels(index, classes, fmt::format("there are {} classes, so it", classes)); });
  Shape shape = index.shape();
  shape.push_back(classes);
  Array<T> out = placed(at, "one_hot", [&] { return zeros<T>(shape, Where{}); });
  for (std::size_t k = 0; k < index.size(); ++k) out.data()[k * classes + static_cast<std::size_t>(index.data()[k])] = 1;
  return out;
}

template <class T>
Variable<T> tril(Variable<T> x, std::ptrdiff_t k, Where at) {
  return apply(Band<T>{"tril", -far, std::clamp(std::ptrdiff_t{k}, -far, far)}, {std::move(x)}, at);
}
template <class T>
Variable<T> triu(Variable<T> x, std::ptrdiff_t k, Where at) {
  return apply(Band<T>{"triu", std::clamp(std::ptrdiff_t{k}, -far, far), far}, {std::move(x)}, at);
}

namespace detail {
XGRAD_BOTH(take);
XGRAD_BOTH(put);
XGRAD_BOTH(add_put);
XGRAD_BOTH(positions_of);
}  // namespace detail
XGRAD_BOTH(index_select);
XGRAD_BOTH(embedding);
XGRAD_BOTH(gather);
XGRAD_BOTH(take_along_axis);
XGRAD_BOTH(scatter_add);
XGRAD_BOTH(masked_select);
XGRAD_BOTH(masked_fill);
XGRAD_BOTH(one_hot);
XGRAD_BOTH(tril);
XGRAD_BOTH(triu);

}  // namespace xgrad

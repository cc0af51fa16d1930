// Operations that read or fill a regular part of an array.
#include <fmt/format.h>
#include <algorithm>

#include <xgrad/graph/apply.hpp>
#include <xgrad/ops/index.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include "families.hpp"
#include "stacked.hpp"
#include "support.hpp"

namespace xgrad {
using namespace detail;

View::View(const Shape& whole) : shape(whole), strides(whole.size()) {
  std::size_t stride = 1;
  for (std::size_t k = whole.size(); k-- > 0;) {
    strides[k] = static_cast<std::ptrdiff_t>(stride);
    if (__builtin_mul_overflow(stride, whole[k], &stride)) stride = 0;  // then there are no elements to step to
  }
}

View& View::cut(std::size_t axis, std::ptrdiff_t start, std::ptrdiff_t step, std::size_t length) {
  if (length > 0) offset += start * strides[axis];
  strides[axis] *= step;
  shape[axis] = length;
  return *this;
}

View& View::drop(std::size_t axis) {
  Shape rest;
  for (std::size_t k = 0; k < shape.size(); ++k)
    if (k != axis) rest.push_back(shape[k]);
  shape = rest;
  strides.erase(strides.begin() + static_cast<std::ptrdiff_t>(axis));
  return *this;
}

View& View::broadcast(const Shape& to) {
  for (std::size_t k = 0; k < shape.size(); ++k)
    if (shape[k] == 1) strides[k] = 0;
  strides.insert(strides.begin(), to.size() - shape.size(), 0);
  shape = to;
  return *this;
}

namespace {

template <class T>
struct ReadView {
  std::string_view label;
  View view;

  std::string_view name() const { return label; }
  std::uint32_t uses(std::size_t) const { return use::none; }
  Result<T> forward(Inputs<T> in) {
    Array<T> out = make_array<T>(view.shape);
    copy_view(in[0].data(), view, out.data(), View(view.shape));
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    return fill_view<T>(label, g, view, c.input_shape(0), c.where());
  }
  Variable<T> add_vjp(const Context<T>& c, const Variable<T>& g, std::size_t, Variable<T> sum) const {
    return add_view(label, std::move(sum), g, view, c.where());
  }
  Variable<T> stacked_vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    const std::size_t count = g.shape()[0];
    return fill_view<T>(label, g, view_of_each(view, count, c.input_shape(0)), stack_of(count, c.input_shape(0)), c.where());
  }
};

template <class T>
struct FillView {
  std::string_view label;
  View view;
  Shape shape;
  T background;

  std::string_view name() const { return label; }
  std::uint32_t uses(std::size_t) const { return use::none; }
  Result<T> forward(Inputs<T> in) {
    Array<T> out = full(shape, background, Where{});
    copy_view(in[0].data(), View(view.shape), out.data(), view);
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const { return read_view(label, g, view, c.where()); }
  Variable<T> stacked_vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    return read_view(label, g, view_of_each(view, g.shape()[0], c.output_shape()), c.where());
  }
};

template <class T>
struct AddView {
  std::string_view label;
  View view;

  std::string_view name() const { return label; }
  std::uint32_t uses(std::size_t) const { return use::none; }
  Result<T> forward(Inputs<T> in) {
    Ref<Storage<T>> sum = writable(in, 0);
    const View own(view.shape);
    if (size_of(view.shape) > 0)
      kernels::add_strided(in[1].data(), sum->array.data() + view.offset, view.shape.data(), own.strides.data(),
                           view.strides.data(), view.shape.size());
    return sum;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t i) const {
    return i == 0 ? g : read_view(label, g, view, c.where());
  }
  Variable<T> stacked_vjp(const Context<T>& c, const Variable<T>& g, std::size_t i) const {
    return i == 0 ? g : read_view(label, g, view_of_each(view, g.shape()[0], c.output_shape()), c.where());
  }
};

/// x with the view overwritten by a value that broadcasts to it.
template <class T>
struct UpdateView {
  static constexpr std::string_view name = "slice_update";
  static constexpr std::array uses{use::none, use::none};
  View view;

  Result<T> forward(Inputs<T> in) {
    if (!broadcasts_to(in[1].shape(), view.shape))
      throw ShapeError(fmt::format("value is {}, the slice is {}; the value must broadcast to the slice", to_string(in[1].shape()),
                                   to_string(view.shape)));
    const View own(in[1].shape());
    View value = view;  // the value's elements, with stride 0 where they are repeated
    value.offset = 0;
    value.strides.assign(view.shape.size(), 0);
    const std::size_t extra = view.shape.size() - own.shape.size();
    for (std::size_t k = 0; k < own.shape.size(); ++k)
      if (own.shape[k] != 1) value.strides[extra + k] = own.strides[k];
    Ref<Storage<T>> out = writable(in, 0);
    copy_view(in[1].data(), value, out->array.data(), view);
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t i) const {
    if (i == 0) return apply(UpdateView{view}, {c.take(g), Variable<T>(0)}, c.where());
    return sum_to(read_view(name, g, view, c.where()), c.input_shape(1));
  }
};

void cut(View& view, std::size_t axis, const Slice& range) {
  const auto n = static_cast<std::ptrdiff_t>(view.shape[axis]);
  if (range.step == 0) throw ValueError(fmt::format("the step of axis {} is 0; it must be positive or negative", axis));
  // As Python does: where a step backwards may end before the first element, that is -1.
  const std::ptrdiff_t low = range.step > 0 ? 0 : -1, high = range.step > 0 ? n : n - 1;
  const auto place = [&](std::optional<std::ptrdiff_t> bound, std::ptrdiff_t otherwise) {
    return bound ? std::clamp(*bound < 0 ? *bound + n : *bound, low, high) : otherwise;  // no sum of opposite signs overflows
  };
  const std::ptrdiff_t start = place(range.start, range.step > 0 ? low : high),
                       stop = place(range.stop, range.step > 0 ? high : low);
  const std::ptrdiff_t distance = range.step > 0 ? stop - start : start - stop;
  // |step| as unsigned: that of the smallest number is not a ptrdiff_t
  const std::size_t stride = range.step > 0 ? static_cast<std::size_t>(range.step) : 0 - static_cast<std::size_t>(range.step);
  const std::size_t length = distance <= 0 ? 0 : (static_cast<std::size_t>(distance) - 1) / stride + 1;
  view.cut(axis, start, length > 1 ? range.step : 1, length);
}

View slice_view(const Shape& shape, const std::vector<Slice>& slices) {
  if (slices.size() > shape.size())
    throw ShapeError(
        fmt::format("{} slices are given, x is {}; there must be at most one per axis", slices.size(), to_string(shape)));
  View view(shape);
  for (std::size_t k = 0; k < slices.size(); ++k) cut(view, k, slices[k]);
  return view;
}

View diagonal_view(const Shape& shape, std::ptrdiff_t offset, std::size_t axis1, std::size_t axis2) {
  View view(shape);
  const auto rows = static_cast<std::ptrdiff_t>(shape[axis1]), columns = static_cast<std::ptrdiff_t>(shape[axis2]);
  const std::ptrdiff_t row = -std::clamp<std::ptrdiff_t>(offset, -rows, 0), column = std::clamp<std::ptrdiff_t>(offset, 0, columns);
  const std::ptrdiff_t length = std::min(rows - row, columns - column), stride = view.strides[axis1] + view.strides[axis2];
  if (length > 0) view.offset = row * view.strides[axis1] + column * view.strides[axis2];
  view.drop(std::max(axis1, axis2)).drop(std::min(axis1, axis2));
  view.shape.push_back(static_cast<std::size_t>(length));
  view.strides.push_back(stride);
  return view;
}

}  // namespace

template <class T>
Variable<T> detail::read_view(std::string_view name, Variable<T> x, View view, Where at) {
  return apply(ReadView<T>{name, std::move(view)}, {std::move(x)}, at);
}
template <class T>
Variable<T> detail::fill_view(std::string_view name, Variable<T> x, View view, Shape shape, Where at, T background) {
  return apply(FillView<T>{name, std::move(view), std::move(shape), background}, {std::move(x)}, at);
}

template <class T>
Variable<T> detail::add_view(std::string_view name, Variable<T> sum, Variable<T> x, View view, Where at) {
  return apply(AddView<T>{name, std::move(view)}, {std::move(sum), std::move(x)}, at);
}

template <class T>
Variable<T> slice(Variable<T> x, const std::vector<Slice>& slices, Where at) {
  View view = placed(at, "slice", [&] { return slice_view(shape_of(x, at), slices); });
  return read_view("slice", std::move(x), std::move(view), at);
}

template <class T>
Variable<T> slice(Variable<T> x, int axis, Slice range, Where at) {
  View view(shape_of(x, at));
  placed(at, "slice", [&] { cut(view, normalise_axis(axis, view.shape.size()), range); });
  return read_view("slice", std::move(x), std::move(view), at);
}

template <class T>
Variable<T> slice_update(Variable<T> x, const std::vector<Slice>& slices, std::type_identity_t<Variable<T>> value, Where at) {
  View view = placed(at, "slice_update", [&] { return slice_view(shape_of(x, at), slices); });
  return apply(UpdateView<T>{std::move(view)}, {std::move(x), std::move(value)}, at);
}

template <class T>
Variable<T> select(Variable<T> x, int axis, std::ptrdiff_t index, Where at) {
  View view(shape_of(x, at));
  placed(at, "select", [&] {
    const std::size_t k = normalise_axis(axis, view.shape.size());
    const auto n = static_cast<std::ptrdiff_t>(view.shape[k]);
    if (index < -n || index >= n)
      throw IndexError(n == 0 ? fmt::format("index {} is out of range; axis {} must have elements", index, k)
                              : fmt::format("index {} is out of range; for axis {} of {} elements it must be from {} to {}", index,
                                            k, n, -n, n - 1));
    view.cut(k, index < 0 ? index + n : index, 1, 1).drop(k);
  });
  return read_view("select", std::move(x), std::move(view), at);
}

template <class T>
Variable<T> flip(Variable<T> x, Axes axes, Where at) {
  View view(shape_of(x, at));
  const std::vector<bool> reversed = placed(at, "flip", [&] { return axes.flags(view.shape.size()); });
  for (std::size_t k = 0; k < reversed.size(); ++k)
    if (reversed[k]) view.cut(k, static_cast<std::ptrdiff_t>(view.shape[k]) - 1, -1, view.shape[k]);
  return read_view("flip", std::move(x), std::move(view), at);
}

template <class T>
Variable<T> diagonal(Variable<T> x, std::ptrdiff_t offset, int axis1, int axis2, Where at) {
  const Shape& shape = shape_of(x, at);
  View view = placed(at, "diagonal", [&] {
    const std::size_t first = normalise_axis(axis1, shape.size()), second = normalise_axis(axis2, shape.size());
    if (first == second) throw ShapeError(fmt::format("axis {} is given twice; the two must differ", first));
    return diagonal_view(shape, offset, first, second);
  });
  return read_view("diagonal", std::move(x), std::move(view), at);
}

template <class T>
Variable<T> diag(Variable<T> x, std::ptrdiff_t k, Where at) {
  const Shape& shape = shape_of(x, at);
  if (shape.size() == 2) return read_view("diag", std::move(x), diagonal_view(shape, k, 0, 1), at);
  if (shape.size() != 1) throw ShapeError(at, "diag", fmt::format("x is {}; it must be a vector or a matrix", to_string(shape)));
  const Shape square = placed(at, "diag", [&] {
    const std::size_t n = length_of(Wide{shape[0]} + (k < 0 ? -Wide{k} : Wide{k}));
    check_size(Shape{n, n}, sizeof(T));
    return Shape{n, n};
  });
  return fill_view<T>("diag", std::move(x), diagonal_view(square, k, 0, 1), square, at);
}

namespace detail {
/// pad with a constant.
template <class T>
Variable<T> pad_constant(Variable<T> x, const std::vector<PadWidth>& widths, T value, Where at) {
  Shape shape = x.shape();
  placed(at, "pad", [&] {
    for (std::size_t k = 0; k < shape.size(); ++k) shape[k] = length_of(Wide{shape[k]} + widths[k].before + widths[k].after);
    check_size(shape, sizeof(T));
  });
  View view(shape);
  for (std::size_t k = 0; k < shape.size(); ++k) view.cut(k, widths[k].before, 1, x.shape()[k]);
  return fill_view("pad", std::move(x), std::move(view), std::move(shape), at, value);
}
}  // namespace detail

template <class T>
std::vector<Variable<T>> split(Variable<T> x, std::vector<std::ptrdiff_t> lengths, int axis, Where at) {
  const Shape& shape = shape_of(x, at);
  const std::size_t k = placed(at, "split", [&] {
    const std::size_t place = normalise_axis(axis, shape.size());
    Wide total = 0;
    bool negative = false;
    for (std::ptrdiff_t length : lengths) {
      total += length;
      negative = negative || length < 0;
    }
    if (negative || total != Wide{shape[place]})
      throw ShapeError(fmt::format("x is {}, the parts of axis {} are ({}); none may be negative, and together they must be {}",
                                   to_string(shape), place, fmt::join(lengths, ", "), shape[place]));
    return place;
  });
  std::vector<Variable<T>> parts;
  std::ptrdiff_t start = 0;
  for (std::ptrdiff_t length : lengths) {
    View view(shape);
    view.cut(k, start, 1, static_cast<std::size_t>(length));
    parts.push_back(read_view("split", x, std::move(view), at));
    start += length;
  }
  return parts;
}

template <class T>
std::vector<Variable<T>> split(Variable<T> x, int parts, int axis, Where at) {
  const Shape& shape = shape_of(x, at);
  const std::size_t length = placed(at, "split", [&] {
    const std::size_t n = shape[normalise_axis(axis, shape.size())];
    if (parts < 1) throw ValueError(fmt::format("{} parts; there must be at least 1", parts));
    check_size(Shape{static_cast<std::size_t>(parts)}, sizeof(Variable<T>));  // of no elements there may be many parts
    if (n % static_cast<std::size_t>(parts) != 0)
      throw ShapeError(fmt::format("x is {}; the {} elements of axis {} must divide evenly into {} parts, or the lengths be given",
                                   to_string(shape), n, axis, parts));
    return n / static_cast<std::size_t>(parts);
  });
  return split(std::move(x), std::vector<std::ptrdiff_t>(static_cast<std::size_t>(parts), static_cast<std::ptrdiff_t>(length)),
               axis, at);
}

#define XGRAD_INSTANTIATE(T)                                                    \
  template Variable<T> slice<T>(Variable<T>, const std::vector<Slice>&, Where); \
  template Variable<T> slice<T>(Variable<T>, int, Slice, Where);                \
  template std::vector<Variable<T>> split<T>(Variable<T>, int, int, Where);     \
  template std::vector<Variable<T>> split<T>(Variable<T>, std::vector<std::ptrdiff_t>, int, Where);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)
namespace detail {
XGRAD_BOTH(read_view);
XGRAD_BOTH(fill_view);
XGRAD_BOTH(add_view);
}  // namespace detail
XGRAD_BOTH(slice_update);
XGRAD_BOTH(select);
XGRAD_BOTH(flip);
XGRAD_BOTH(diagonal);
XGRAD_BOTH(diag);
XGRAD_BOTH(detail::pad_constant);

}  // namespace xgrad

#include <xgrad/ops/shape.hpp>

#include <fmt/format.h>
#include <algorithm>

#include <xgrad/graph/apply.hpp>
#include <xgrad/ops/reduce.hpp>

#include "../formula/program.hpp"
#include "../kernels/array/permute.hpp"
#include "stacked.hpp"
#include "support.hpp"

namespace xgrad {
using namespace detail;

Shape Lengths::resolve(const Shape& from) const {
  Shape shape(lengths_.size());
  std::size_t open = lengths_.size();
  for (std::size_t k = 0; k < lengths_.size(); ++k) {
    if (lengths_[k] == -1 && open == lengths_.size()) {
      open = k;
      continue;
    }
    if (lengths_[k] < 0)
      throw ShapeError(fmt::format(
          "length {} of axis {}; lengths must not be negative, except for one -1 that stands for what is left", lengths_[k], k));
    shape[k] = static_cast<std::size_t>(lengths_[k]);
  }
  if (open < lengths_.size()) shape[open] = 1;
  const std::size_t size = size_of(from), known = size_of(shape);
  if (open < lengths_.size()) {
    if (known == 0 || size % known != 0)
      throw ShapeError(fmt::format("x is {}; its {} elements must divide evenly by the other lengths of ({})", to_string(from),
                                   size, fmt::join(lengths_, ", ")));
    shape[open] = size / known;
  } else if (known != size) {
    throw ShapeError(fmt::format("x is {} with {} elements, the new shape {} has {}; they must be equal", to_string(from), size,
                                 to_string(shape), known));
  }
  return shape;
}

namespace {

template <class T>
struct Reshape {
  static constexpr std::string_view name = "reshape";
  static constexpr std::array uses{use::none};
  Shape shape;

  Result<T> forward(Inputs<T> in) {
    if (in.reusable(0)) {
      Ref<Storage<T>> out = in.take(0);
      out->array.reshape(shape);
      return out;
    }
    Array<T> out = make_array<T>(shape);
    std::copy_n(in[0].data(), in[0].size(), out.data());
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const { return reshape(c.take(g), c.input_shape(0)); }
  Variable<T> stacked_vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    return reshape(g, stack_of(g.shape()[0], c.input_shape(0)));
  }
};

template <class T>
struct Permute {
  static constexpr std::string_view name = "permute";
  static constexpr std::array uses{use::none};
  std::vector<std::size_t> axes;

  Result<T> forward(Inputs<T> in) {
    Shape shape(axes.size());
    for (std::size_t k = 0; k < axes.size(); ++k) shape[k] = in[0].shape()[axes[k]];
    Array<T> out = make_array<T>(shape);
    kernels::permute(in[0].data(), out.data(), in[0].shape().data(), axes.data(), axes.size());
    return out;
  }
  Variable<T> vjp(const Context<T>&, const Variable<T>& g, std::size_t) const {
    std::vector<std::ptrdiff_t> inverse(axes.size());
    for (std::size_t k = 0; k < axes.size(); ++k) inverse[axes[k]] = static_cast<std::ptrdiff_t>(k);
    return permute(g, inverse);
  }
  Variable<T> stacked_vjp(const Context<T>&, const Variable<T>& g, std::size_t) const {
    std::vector<std::ptrdiff_t> inverse(axes.size() + 1);
    for (std::size_t k = 0; k < axes.size(); ++k) inverse[axes[k] + 1] = static_cast<std::ptrdiff_t>(k + 1);
    return permute(g, inverse);
  }
};

template <class T>
struct BroadcastTo {
  static constexpr std::string_view name = "broadcast_to";
  static constexpr std::array uses{use::none};
  Shape shape;

  Result<T> forward(Inputs<T> in) {
    if (!broadcasts_to(in[0].shape(), shape))
      throw ShapeError(
          fmt::format("x is {}, which does not broadcast to {}; from the last axis on, lengths must be equal, or x's 1",
                      to_string(in[0].shape()), to_string(shape)));
    static const Program& copy = *new Program(optimise(trace<1>([](auto x) { return x; })));
    Array<T> out = make_array<T>(shape);
    const ProgramInput<T> input{in[0].data(), &in[0].shape()};
    run<T>(copy, out.data(), shape, std::span(&input, 1));
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const { return sum_to(g, c.input_shape(0)); }
  Variable<T> stacked_vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    return sum_each_to(g, c.input_shape(0), c.where());
  }
};

}  // namespace

template <class T>
Variable<T> reshape(Variable<T> x, Lengths lengths, Where at) {
  Shape shape = placed(at, "reshape", [&] { return lengths.resolve(shape_of(x, at)); });
  return apply(Reshape<T>{std::move(shape)}, {std::move(x)}, at);
}

template <class T>
Variable<T> flatten(Variable<T> x, int from, Where at) {
  const Shape& shape = shape_of(x, at);
  const std::size_t rank = shape.size(),
                    first = rank == 0 && from == 0 ? 0 : placed(at, "flatten", [&] { return normalise_axis(from, rank); });
  Shape flat(shape.begin(), shape.begin() + static_cast<std::ptrdiff_t>(first));
  flat.push_back(placed(at, "flatten", [&] { return size_of(shape, first, rank); }));
  return apply(Reshape<T>{std::move(flat)}, {std::move(x)}, at);
}

template <class T>
Variable<T> permute(Variable<T> x, std::vector<std::ptrdiff_t> axes, Where at) {
  const std::size_t rank = shape_of(x, at).size();
  std::vector<std::size_t> order = placed(at, "permute", [&] {
    static_cast<void>(Axes(axes).flags(rank));
    if (axes.size() != rank)
      throw ShapeError(fmt::format("{} axes are given for an array of {}; each axis must be named once", axes.size(), rank));
    std::vector<std::size_t> result;
    for (const std::ptrdiff_t axis : axes) result.push_back(normalise_axis(axis, rank));
    return result;
  });
  return apply(Permute<T>{std::move(order)}, {std::move(x)}, at);
}

template <class T>
Variable<T> transpose(Variable<T> x, std::vector<std::ptrdiff_t> axes, Where at) try {
  return permute(std::move(x), std::move(axes), at);
} catch (Error& error) {
  called(error, at);
}
template <class T>
Variable<T> transpose(Variable<T> x, Where at) {
  std::vector<std::size_t> order(shape_of(x, at).size());
  for (std::size_t k = 0; k < order.size(); ++k) order[k] = order.size() - 1 - k;
  return apply(Permute<T>{std::move(order)}, {std::move(x)}, at);
}

template <class T>
Variable<T> broadcast_to(Variable<T> x, const Shape& shape, Where at) {
  if (x.defined() && x.shape() == shape) return x;
  return apply(BroadcastTo<T>{shape}, {std::move(x)}, at);
}

template <class T>
Variable<T> squeeze(Variable<T> x, Axes axes, Where at) {
  const Shape& shape = shape_of(x, at);
  Shape rest;
  placed(at, "squeeze", [&] {
    const std::vector<bool> gone = axes.flags(shape.size());
    for (std::size_t k = 0; k < shape.size(); ++k) {
      if (gone[k] && shape[k] == 1) continue;
      if (gone[k] && !axes.all())
        throw ShapeError(fmt::format("x is {}, axis {} has length {}; it must be 1 to go", to_string(shape), k, shape[k]));
      rest.push_back(shape[k]);
    }
  });
  return apply(Reshape<T>{std::move(rest)}, {std::move(x)}, at);
}

template <class T>
Variable<T> unsqueeze(Variable<T> x, int axis, Where at) {
  const Shape& shape = shape_of(x, at);
  const std::size_t place = placed(at, "unsqueeze", [&] { return normalise_axis(axis, shape.size() + 1); });
  Shape more;
  for (std::size_t k = 0; k <= shape.size(); ++k) {
    if (k == place) more.push_back(1);
    if (k < shape.size()) more.push_back(shape[k]);
  }
  return apply(Reshape<T>{std::move(more)}, {std::move(x)}, at);
}

XGRAD_BOTH(reshape);
XGRAD_BOTH(flatten);
XGRAD_BOTH(permute);
#define XGRAD_INSTANTIATE(T)                             \
  template Variable<T> transpose<T>(Variable<T>, Where); \
  template Variable<T> transpose<T>(Variable<T>, std::vector<std::ptrdiff_t>, Where);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)
XGRAD_BOTH(broadcast_to);
XGRAD_BOTH(squeeze);
XGRAD_BOTH(unsqueeze);

}  // namespace xgrad

// Arrays joined along an axis.
#include <fmt/format.h>

#include <xgrad/graph/apply.hpp>
#include <xgrad/ops/shape.hpp>

#include "axes.hpp"
#include "families.hpp"
#include "support.hpp"

namespace xgrad {
using namespace detail;

namespace {

/// concat and stack: the latter as if each input had an axis of length 1 there.
template <class T>
struct Concat {
  bool stacked;
  std::size_t axis;
  std::vector<std::size_t> starts = {};  ///< of each input along the axis, and the end

  std::string_view name() const { return stacked ? "stack" : "concat"; }
  std::uint32_t uses(std::size_t) const { return use::none; }

  Result<T> forward(Inputs<T> in) {
    starts.assign(1, 0);
    for (std::size_t i = 0; i < in.size(); ++i) {
      check(in, i);
      starts.push_back(length_of(Wide{starts.back()} + (stacked ? 1 : in[i].shape()[axis])));
    }
    Shape shape;
    for (std::size_t k = 0; k < in[0].dimension(); ++k) {
      if (k == axis) shape.push_back(starts.back());
      if (k != axis || stacked) shape.push_back(in[0].shape()[k]);
    }
    if (axis == in[0].dimension()) shape.push_back(starts.back());
    Array<T> out = make_array<T>(shape);
    for (std::size_t i = 0; i < in.size(); ++i) {
      const View part = part_of(shape, i);
      copy_view(in[i].data(), View(part.shape), out.data(), part);
    }
    return out;
  }

  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t i) const {
    View part = part_of(g.shape(), i);
    if (stacked) part.drop(axis);
    return read_view(name(), g, std::move(part), c.where());
  }

 private:
  void check(const Inputs<T>& in, std::size_t i) const {
    Shape expected = in[0].shape();
    if (!stacked && expected.size() == in[i].dimension()) expected[axis] = in[i].shape()[axis];
    if (in[i].shape() == expected) return;
    const std::string shapes = fmt::format("array 0 is {}, array {} is {}", to_string(in[0].shape()), i, to_string(in[i].shape()));
    throw ShapeError(stacked ? shapes + "; all must be equal"
                             : fmt::format("{}; all axes but axis {} must be equal", shapes, axis));
  }
  View part_of(const Shape& shape, std::size_t i) const {
    View view(shape);
    view.cut(axis, static_cast<std::ptrdiff_t>(starts[i]), 1, starts[i + 1] - starts[i]);
    return view;
  }
};

template <class T>
Variable<T> join(std::vector<Variable<T>> xs, int axis, bool stacked, Where at) {
  const std::size_t k = placed(at, stacked ? "stack" : "concat", [&] {
    if (xs.empty()) throw ValueError("no arrays are given; there must be at least one");
    const std::size_t rank = shape_of(xs[0], at, stacked ? "stack" : "concat").size();
    return normalise_axis(axis, stacked ? rank + 1 : rank);
  });
  return apply(Concat<T>{stacked, k}, std::move(xs), at);
}

}  // namespace

template <class T>
Variable<T> concat(std::vector<Variable<T>> xs, int axis, Where at) {
  return join(std::move(xs), axis, false, at);
}
template <class T>
Variable<T> stack(std::vector<Variable<T>> xs, int axis, Where at) {
  return join(std::move(xs), axis, true, at);
}

#define XGRAD_INSTANTIATE(T)                                            \
  template Variable<T> concat<T>(std::vector<Variable<T>>, int, Where); \
  template Variable<T> stack<T>(std::vector<Variable<T>>, int, Where);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad

// cumsum, cumprod and prod.
#include <xgrad/graph/apply.hpp>
#include <xgrad/ops/arithmetic.hpp>
#include <xgrad/ops/index.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/scan.hpp>
#include <xgrad/ops/shape.hpp>

#include "../kernels/array/reduce.hpp"
#include "axes.hpp"
#include "support.hpp"

namespace xgrad {
using namespace detail;

namespace {

/// x moved one place along an axis, towards its end or, `backwards`, its beginning; `fill` comes in.
template <class T>
Variable<T> shifted(Variable<T> x, std::size_t axis, bool backwards, double fill) {
  if (x.shape()[axis] == 0) return x;
  std::vector<PadWidth> widths(x.shape().size());
  widths[axis] = backwards ? PadWidth{0, 1} : PadWidth{1, 0};
  const Slice rest = backwards ? Slice{.start = 1} : Slice{.stop = -1};
  return pad(slice(std::move(x), static_cast<int>(axis), rest), widths, {.value = fill});
}

template <class T>
struct CumSum {
  static constexpr std::string_view name = "cumsum";
  static constexpr std::array uses{use::none};
  std::size_t axis;
  bool backwards = false;

  Result<T> forward(Inputs<T> in) {
    Array<T> out = make_array<T>(in[0].shape());
    const Around s(out.shape(), axis);
    kernels::running_sum(in[0].data(), out.data(), s.outer, s.length, s.inner, backwards);
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    return apply(CumSum{axis, !backwards}, {g}, c.where());
  }
};

/// s[i] = a[i] s[i - 1] + b[i]: what the gradients of products are made of, and its own.
template <class T>
struct Recurrence {
  static constexpr std::string_view name = "recurrence";
  static constexpr std::array uses{use::input(0) | use::output, use::input(0)};
  std::size_t axis;
  bool backwards;

  Result<T> forward(Inputs<T> in) {
    Array<T> out = make_array<T>(in[0].shape());
    const Around s(out.shape(), axis);
    kernels::recurrence(in[0].data(), in[1].data(), out.data(), s.outer, s.length, s.inner, backwards);
    return out;
  }
  void vjps(const Context<T>& c, const Variable<T>& g, Gradients<T>& out) const {
    // What reaches s[i] is its own gradient and a[i + 1] times that of s[i + 1].
    const Variable<T> reaching = apply(Recurrence{axis, !backwards}, {shifted(c.input(0), axis, !backwards, 0), g}, c.where());
    if (out.wants(0)) out.set(0, reaching * shifted(c.output(), axis, backwards, 0));
    if (out.wants(1)) out.set(1, reaching);
  }
};

template <class T>
struct CumProd {
  static constexpr std::string_view name = "cumprod";
  static constexpr std::array uses{use::input(0) | use::output};
  std::size_t axis;
  bool backwards = false;

  Result<T> forward(Inputs<T> in) {
    Array<T> out = make_array<T>(in[0].shape());
    const Around s(out.shape(), axis);
    kernels::running_product(in[0].data(), out.data(), s.outer, s.length, s.inner, backwards);
    return out;
  }
  /// Without a division, which 0 would not survive: y[i] = x[i] y[i - 1] has the factor y[i - 1] and what reaches y[i].
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    const Variable<T> reaching = apply(Recurrence<T>{axis, !backwards}, {shifted(c.input(0), axis, !backwards, 0), g}, c.where());
    return reaching * shifted(c.output(), axis, backwards, 1);
  }
};

template <class T>
struct Prod {
  static constexpr std::string_view name = "prod";
  static constexpr std::array uses{use::input(0)};
  Reduced axes;

  Result<T> forward(Inputs<T> in) { return reduce_axes(in[0], axes.reduced, axes.result, kernels::product<T>); }
  /// For each element the product of those before it and of those after it.
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    // The reduced axes last, as one.
    const Shape& shape = c.input_shape(0);
    std::vector<std::ptrdiff_t> order, back(shape.size());
    for (const bool last : {false, true})
      for (std::size_t k = 0; k < shape.size(); ++k)
        if (axes.reduced[k] == last) order.push_back(static_cast<std::ptrdiff_t>(k));
    for (std::size_t k = 0; k < order.size(); ++k) back[static_cast<std::size_t>(order[k])] = static_cast<std::ptrdiff_t>(k);
    Variable<T> x = permute(c.input(0), order);
    const Shape permuted = x.shape();
    x = reshape(std::move(x), Shape{size_of(axes.kept), axes.count(shape)});
    const auto product = [&](bool backwards) { return shifted(apply(CumProd<T>{1, backwards}, {x}, c.where()), 1, backwards, 1); };
    const Variable<T> others = permute(reshape(product(false) * product(true), permuted), back);
    return reshape(g, axes.kept) * others;
  }
};

template <class T, class Op>
Variable<T> along(Variable<T> x, int axis, Where at) {
  const std::size_t k = placed(at, Op::name, [&] { return normalise_axis(axis, shape_of(x, at).size()); });
  return apply(Op{k}, {std::move(x)}, at);
}

}  // namespace

template <class T>
Variable<T> cumsum(Variable<T> x, int axis, Where at) {
  return along<T, CumSum<T>>(std::move(x), axis, at);
}
template <class T>
Variable<T> cumprod(Variable<T> x, int axis, Where at) {
  return along<T, CumProd<T>>(std::move(x), axis, at);
}
template <class T>
Variable<T> prod(Variable<T> x, Axes axes, ReduceOptions options, Where at) {
  Reduced reduced = placed(at, "prod", [&] { return Reduced(shape_of(x, at), axes, options.keepdims); });
  return apply(Prod<T>{std::move(reduced)}, {std::move(x)}, at);
}

XGRAD_BOTH(cumsum);
XGRAD_BOTH(cumprod);
XGRAD_BOTH(prod);

}  // namespace xgrad

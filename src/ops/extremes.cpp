// amax, amin, argmax, argmin, any, all and count_nonzero.
#include <fmt/format.h>
#include <algorithm>
#include <cmath>

#include <xgrad/graph/apply.hpp>
#include <xgrad/ops/arithmetic.hpp>
#include <xgrad/ops/extremes.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include "../formula/program.hpp"
#include "../kernels/array/reduce.hpp"
#include "../kernels/array/sum.hpp"
#include "axes.hpp"
#include "support.hpp"

namespace xgrad {
using namespace detail;

namespace {

void need_elements(const Shape& shape, const Reduced& axes) {
  if (axes.count(shape) == 0 && size_of(axes.result) > 0)
    throw ShapeError(fmt::format("x is {}; it must have elements where a largest or smallest is sought", to_string(shape)));
}

template <class T, bool most>
struct Extreme {
  static constexpr std::string_view name = most ? "amax" : "amin";
  static constexpr std::array uses{use::input(0) | use::output};
  Reduced axes;

  Result<T> forward(Inputs<T> in) {
    need_elements(in[0].shape(), axes);
    return reduce_axes(in[0], axes.reduced, axes.result, most ? kernels::largest<T> : kernels::smallest<T>);
  }
  /// Which elements are the largest, and how many, are constants as far as derivatives are concerned.
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    static const Program equal = optimise(trace<2>([](auto v, auto best) { return where(v == best, 1, 0); }));
    static const Program equal_or_nan =
        optimise(trace<2>([](auto v, auto best) { return where(best == best, where(v == best, 1, 0), where(v == v, 0, 1)); }));
    const Array<T>&x = c.input_value(0), &y = c.output_value();
    const bool has_nan = std::any_of(y.data(), y.data() + y.size(), [](T v) { return std::isnan(v); });
    Array<T> chosen = make_array<T>(x.shape());
    const ProgramInput<T> inputs[]{{x.data(), &x.shape()}, {y.data(), &axes.kept}};
    run<T>(has_nan ? equal_or_nan : equal, chosen.data(), chosen.shape(), inputs);
    Array<T> counts = reduce_axes(chosen, axes.reduced, axes.kept, kernels::sum<T>);
    return reshape(g, axes.kept) / Variable<T>(std::move(counts)) * Variable<T>(std::move(chosen));
  }
};

template <class T>
Labels place_of(const Variable<T>& x, std::optional<int> axis, ReduceOptions options, const char* name, bool most, Where at) {
  const Shape& shape = shape_of(x, at, name);
  const Reduced axes = placed(at, name, [&] {
    Reduced reduced(shape, axis ? Axes(*axis) : Axes(), options.keepdims);
    need_elements(shape, reduced);
    return reduced;
  });
  Labels out = placed(at, name, [&] { return make_array<std::int64_t>(axes.result); });
  if (out.size() == 0) return out;
  const std::size_t k = axis ? normalise_axis(*axis, shape.size()) : 0;
  const Around s = axis ? Around(shape, k) : Around(Shape{x.size()}, 0);
  (most ? kernels::where_largest<T> : kernels::where_smallest<T>)(x.value().data(), out.data(), s.outer, s.length, s.inner);
  return out;
}

Reduced reduced_of(const Shape& shape, const Axes& axes, ReduceOptions options, const char* name, Where at) {
  return placed(at, name, [&] { return Reduced(shape, axes, options.keepdims); });
}

/// 1 where true, 0 elsewhere, summed along axes.
Labels count_true(const Mask& x, const Reduced& axes, const char* name, Where at) {
  return placed(at, name, [&] {  // a mask may be as large as memory, its numbers are eight times as large
    Labels ones = make_array<std::int64_t>(x.shape());
    std::copy_n(x.data(), x.size(), ones.data());
    return reduce_axes(ones, axes.reduced, axes.result, kernels::count);
  });
}

template <class T>
Mask not_zero(const Variable<T>& x, const char* name, Where at) {
  const Array<T>& values = value_of(x, at, name);
  Mask mask = make_array<bool>(values.shape());
  std::transform(values.data(), values.data() + values.size(), mask.data(), [](T v) { return v != 0; });
  return mask;
}

}  // namespace

template <class T>
Variable<T> amax(Variable<T> x, Axes axes, ReduceOptions options, Where at) {
  Reduced reduced = reduced_of(shape_of(x, at), axes, options, "amax", at);
  return apply(Extreme<T, true>{std::move(reduced)}, {std::move(x)}, at);
}
template <class T>
Variable<T> amin(Variable<T> x, Axes axes, ReduceOptions options, Where at) {
  Reduced reduced = reduced_of(shape_of(x, at), axes, options, "amin", at);
  return apply(Extreme<T, false>{std::move(reduced)}, {std::move(x)}, at);
}

template <class T>
Labels argmax(const Variable<T>& x, std::optional<int> axis, ReduceOptions options, Where at) {
  return place_of(x, axis, options, "argmax", true, at);
}
template <class T>
Labels argmin(const Variable<T>& x, std::optional<int> axis, ReduceOptions options, Where at) {
  return place_of(x, axis, options, "argmin", false, at);
}

Labels count_nonzero(const Condition& condition, Axes axes, ReduceOptions options, Where at) {
  const Mask& x = condition.mask();
  return count_true(x, reduced_of(x.shape(), axes, options, "count_nonzero", at), "count_nonzero", at);
}
Mask any(const Condition& condition, Axes axes, ReduceOptions options, Where at) {
  const Mask& x = condition.mask();
  const Labels counts = count_true(x, reduced_of(x.shape(), axes, options, "any", at), "any", at);
  Mask out = make_array<bool>(counts.shape());
  std::transform(counts.data(), counts.data() + counts.size(), out.data(), [](std::int64_t n) { return n > 0; });
  return out;
}
Mask all(const Condition& condition, Axes axes, ReduceOptions options, Where at) {
  const Mask& x = condition.mask();
  const Reduced reduced = reduced_of(x.shape(), axes, options, "all", at);
  const Labels counts = count_true(x, reduced, "all", at);
  const auto most = static_cast<std::int64_t>(reduced.count(x.shape()));
  Mask out = make_array<bool>(counts.shape());
  std::transform(counts.data(), counts.data() + counts.size(), out.data(), [=](std::int64_t n) { return n == most; });
  return out;
}

template <class T>
Mask any(const Variable<T>& x, Axes axes, ReduceOptions options, Where at) {
  return any(not_zero(x, "any", at), std::move(axes), options, at);
}
template <class T>
Mask all(const Variable<T>& x, Axes axes, ReduceOptions options, Where at) {
  return all(not_zero(x, "all", at), std::move(axes), options, at);
}
template <class T>
Labels count_nonzero(const Variable<T>& x, Axes axes, ReduceOptions options, Where at) {
  return count_nonzero(not_zero(x, "count_nonzero", at), std::move(axes), options, at);
}

XGRAD_BOTH(amax);
XGRAD_BOTH(amin);
XGRAD_BOTH(argmax);
XGRAD_BOTH(argmin);
#define XGRAD_INSTANTIATE(T)                                            \
  template Mask any<T>(const Variable<T>&, Axes, ReduceOptions, Where); \
  template Mask all<T>(const Variable<T>&, Axes, ReduceOptions, Where); \
  template Labels count_nonzero<T>(const Variable<T>&, Axes, ReduceOptions, Where);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad

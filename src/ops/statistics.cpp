// var, std, logsumexp and norm.
#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <limits>

#include <xgrad/graph/apply.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/extremes.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/statistics.hpp>

#include "../formula/program.hpp"
#include "../kernels/array/reduce.hpp"
#include "../kernels/array/sum.hpp"
#include "axes.hpp"
#include "scales.hpp"
#include "support.hpp"

namespace xgrad {
using namespace detail;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// A formula of arrays, where nothing is recorded. `shape` is the common one.
template <class T>
Array<T> evaluate(const Program& program, const Shape& shape, std::initializer_list<ProgramInput<T>> inputs) {
  Array<T> out = make_array<T>(shape);
  run<T>(program, out.data(), shape, std::span(inputs.begin(), inputs.size()));
  return out;
}

/// x times its scales.
template <class T>
Array<T> scaled(const Array<T>& x, const Array<T>& scales) {
  static const Program product = optimise(trace<2>([](auto v, auto s) { return v * s; }));
  return evaluate<T>(product, x.shape(), {{x.data(), &x.shape()}, {scales.data(), &scales.shape()}});
}

/// Sums of squared distances from the mean, over `divisor`.
template <class T>
Array<T> variance(const Array<T>& x, const Reduced& axes, T divisor) {
  static const Program squares = optimise(trace<2>([](auto v, auto m) { return square(v - m); }));
  const Shape& shape = x.shape();
  const auto count = static_cast<T>(axes.count(shape));
  Array<T> means = reduce_axes(x, axes.reduced, axes.kept, kernels::sum<T>);
  for (T& m : std::span(means.data(), means.size())) m /= count;
  const auto total = [&](const Program& program) {
    const Array<T> terms = evaluate<T>(program, shape, {{x.data(), &shape}, {means.data(), &axes.kept}});
    return reduce_axes(terms, axes.reduced, axes.result, kernels::sum<T>);
  };
  // Whether some sum of squares is no more than what rounding in the mean makes of equal elements. Their standard deviation would
  // not be 0, and so its gradient arbitrary; their mean once more, of what is left of them, is exact.
  const auto rounded_off = [&](const Array<T>& sums) {
    for (std::size_t k = 0; k < sums.size(); ++k) {
      const T bound = 1000 * std::numeric_limits<T>::epsilon() * std::abs(means.data()[k]);
      if (sums.data()[k] > 0 && sums.data()[k] < count * bound * bound) return true;
    }
    return false;
  };
  Array<T> out = total(squares);
  if (rounded_off(out)) {
    static const Program differences = optimise(trace<2>([](auto v, auto m) { return v - m; }));
    const Array<T> left = total(differences);
    for (std::size_t k = 0; k < means.size(); ++k) means.data()[k] += left.data()[k] / count;
    out = total(squares);
  }
  for (T& v : std::span(out.data(), out.size())) v /= divisor;
  return out;
}

/// The mean of x with the axes kept, where rounding in it has been taken out once more.
template <class T>
Variable<T> exact_mean(const Variable<T>& x, const Axes& axes) {
  const Variable<T> m = mean(x, axes, {.keepdims = true});
  return m + mean(x - m, axes, {.keepdims = true});
}

template <class T>
T divisor_of(const Shape& shape, const Reduced& axes, double ddof) {
  return static_cast<T>(std::max(static_cast<double>(axes.count(shape)) - ddof, 0.0));
}

template <class T>
struct Var {
  static constexpr std::string_view name = "var";
  static constexpr std::array uses{use::input(0)};
  Reduced axes;
  double ddof;

  Result<T> forward(Inputs<T> in) { return variance(in[0], axes, divisor_of<T>(in[0].shape(), axes, ddof)); }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    static const auto slope = elementwise("var'", [](auto v, auto x, auto m, auto factor) { return factor * v * (x - m); });
    const Variable<T> x = c.input(0);
    const T factor = T(2) / divisor_of<T>(x.shape(), axes, ddof);
    return slope(reshape(g, axes.kept), x, mean(x, axes.axes(), {.keepdims = true}), factor);
  }
};

template <class T>
struct Std {
  static constexpr std::string_view name = "std";
  static constexpr std::array uses{use::input(0) | use::output};
  Reduced axes;
  double ddof;

  Result<T> forward(Inputs<T> in) {
    const T divisor = divisor_of<T>(in[0].shape(), axes, ddof);
    Array<T> out = variance(in[0], axes, divisor);
    const Array<T> scales = scales_of(in[0], axes, out);
    const bool rescued = scales.size() > 0;
    if (rescued) out = variance(scaled(in[0], scales), axes, divisor);
    for (std::size_t k = 0; k < out.size(); ++k) out.data()[k] = std::sqrt(out.data()[k]) / (rescued ? scales.data()[k] : T(1));
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    static const auto slope =
        elementwise("std'", [](auto v, auto x, auto m, auto y, auto n) { return where(y == 0, 0, v / n * ((x - m) / y)); });
    const Variable<T> x = c.input(0);
    return slope(reshape(g, axes.kept), x, exact_mean(x, axes.axes()), reshape(c.output(), axes.kept),
                 divisor_of<T>(x.shape(), axes, ddof));
  }
};

template <class T>
struct LogSumExp {
  static constexpr std::string_view name = "logsumexp";
  static constexpr std::array uses{use::input(0) | use::output};
  Reduced axes;

  Result<T> forward(Inputs<T> in) {
    // An infinite maximum would make NaN of the infinities beside it.
    static const Program shifted = optimise(trace<2>([](auto x, auto m) { return exp(x - m); }));
    static const Program finite = optimise(trace<1>([](auto m) { return where(abs(m) == infinity, 0, m); }));
    static const Program back = optimise(trace<2>([](auto s, auto m) { return where(abs(m) == infinity, m, log(s) + m); }));
    const Shape& shape = in[0].shape();
    const Array<T> most = reduce_axes(in[0], axes.reduced, axes.kept, kernels::largest<T>);
    const Array<T> shift = evaluate<T>(finite, axes.kept, {{most.data(), &axes.kept}});
    const Array<T> powers = evaluate<T>(shifted, shape, {{in[0].data(), &shape}, {shift.data(), &axes.kept}});
    const Array<T> sums = reduce_axes(powers, axes.reduced, axes.result, kernels::sum<T>);
    return evaluate<T>(back, axes.result, {{sums.data(), &axes.result}, {most.data(), &axes.result}});
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    // Through exponentials of differences from the largest, divided by their sum: exp(x - y) would carry the rounding of a large y.
    static const auto powers = elementwise("logsumexp'", [](auto x, auto s, auto m) {  // infinite sums belong to infinite elements
      return where(abs(s) == infinity, where(x == s && s > 0, 1, 0), exp(x - m));
    });
    static const auto share = elementwise("logsumexp'", [](auto v, auto e, auto t) { return where(t == 0, 0, v * e / t); });
    const Variable<T> x = c.input(0);
    const Variable<T> most(reduce_axes(x.value(), axes.reduced, axes.kept, kernels::largest<T>));
    const Variable<T> e = powers(x, reshape(c.output().detach(), axes.kept), most);
    return share(reshape(g, axes.kept), e, sum(e, axes.axes(), {.keepdims = true}));
  }
};

/// The p-norm for p = 2 and other finite p > 0 but 1.
template <class T>
struct Norm {
  static constexpr std::string_view name = "norm";
  static constexpr std::array uses{use::input(0) | use::output};
  Reduced axes;
  T p;

  Array<T> total(const Array<T>& x) const {
    static const Program squares = optimise(trace<1>([](auto v) { return square(v); }));
    static const Program powers = optimise(trace<2>([](auto v, auto e) { return pow(abs(v), e); }));
    const Shape &shape = x.shape(), number;
    const Array<T> parts = p == 2 ? evaluate<T>(squares, shape, {{x.data(), &shape}})
                                  : evaluate<T>(powers, shape, {{x.data(), &shape}, {&p, &number}});
    return reduce_axes(parts, axes.reduced, axes.result, kernels::sum<T>);
  }
  Result<T> forward(Inputs<T> in) {
    Array<T> out = total(in[0]);
    const Array<T> scales = scales_of(in[0], axes, out);
    const bool rescued = scales.size() > 0;
    if (rescued) out = total(scaled(in[0], scales));
    for (std::size_t k = 0; k < out.size(); ++k) {
      T& y = out.data()[k];
      y = (p == 2 ? std::sqrt(y) : std::pow(y, 1 / p)) / (rescued ? scales.data()[k] : T(1));
    }
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    static const auto two = elementwise("norm'", [](auto v, auto x, auto y) { return where(y == 0, 0, v * (x / y)); });
    static const auto any = elementwise(
        "norm'", [](auto v, auto x, auto y, auto e) { return where(x == 0 || y == 0, 0, v * sign(x) * pow(abs(x) / y, e - 1)); });
    Variable<T> v = reshape(g, axes.kept), y = reshape(c.output(), axes.kept);
    return p == 2 ? two(std::move(v), c.input(0), std::move(y)) : any(std::move(v), c.input(0), std::move(y), p);
  }
};

}  // namespace

template <class T>
Variable<T> var(Variable<T> x, Axes axes, VarOptions options, Where at) {
  Reduced reduced = placed(at, "var", [&] { return Reduced(shape_of(x, at), axes, options.keepdims); });
  return apply(Var<T>{std::move(reduced), options.ddof}, {std::move(x)}, at);
}

template <class T>
Variable<T> std(Variable<T> x, Axes axes, VarOptions options, Where at) {
  Reduced reduced = placed(at, "std", [&] { return Reduced(shape_of(x, at), axes, options.keepdims); });
  return apply(Std<T>{std::move(reduced), options.ddof}, {std::move(x)}, at);
}

template <class T>
Variable<T> logsumexp(Variable<T> x, Axes axes, ReduceOptions options, Where at) {
  Reduced reduced = placed(at, "logsumexp", [&] { return Reduced(shape_of(x, at), axes, options.keepdims); });
  return apply(LogSumExp<T>{std::move(reduced)}, {std::move(x)}, at);
}

template <class T>
Variable<T> norm(Variable<T> x, Axes axes, NormOptions options, Where at) try {
  const double p = options.p;
  Reduced reduced = placed(at, "norm", [&] {
    if (!(p >= 0 || p == -infinity)) throw ValueError(fmt::format("p is {}; it must be 0, positive, or infinite", p));
    Reduced result(shape_of(x, at), axes, options.keepdims);
    if (std::isinf(p) && result.count(x.shape()) == 0 && size_of(result.result) > 0)
      throw ShapeError(fmt::format("x is {}; it must have elements where a largest is sought", to_string(x.shape())));
    return result;
  });
  const ReduceOptions keep{options.keepdims};
  if (p == infinity) return amax(abs(std::move(x), at), std::move(axes), keep, at);
  if (p == -infinity) return amin(abs(std::move(x), at), std::move(axes), keep, at);
  if (p == 1) return sum(abs(std::move(x), at), std::move(axes), keep, at);
  static const auto present = elementwise("norm", [](auto v) { return xgrad::where(v == 0, 0, 1); });
  if (p == 0) return sum(present(std::move(x), at), std::move(axes), keep, at);
  return apply(Norm<T>{std::move(reduced), static_cast<T>(p)}, {std::move(x)}, at);
} catch (Error& error) {
  called(error, at);
}

XGRAD_BOTH(var);
XGRAD_BOTH(std);
XGRAD_BOTH(logsumexp);
XGRAD_BOTH(norm);

}  // namespace xgrad

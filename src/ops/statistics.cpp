// var, std, logsumexp and norm.
#include <fmt/format.h>
#include <cmath>
#include <limits>

#include <xgrad/graph/apply.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include "../graph/program.hpp"
#include "../kernels/reduce.hpp"
#include "../kernels/sum.hpp"
#include "axes.hpp"
#include "support.hpp"

namespace xgrad {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// A formula of arrays, where nothing is recorded. `shape` is the common one.
template <class T>
Array<T> evaluate(const Program& program, const Shape& shape, std::initializer_list<ProgramInput<T>> inputs) {
  Array<T> out(shape);
  run<T>(program, out.data(), shape, std::span(inputs.begin(), inputs.size()));
  return out;
}

template <class T>
struct Var {
  static constexpr std::string_view name = "var";
  static constexpr std::array uses{use::input(0)};
  Reduced axes;
  double ddof;

  Result<T> forward(Inputs<T> in) {
    static const Program squares = optimise(trace<2>([](auto x, auto m) { return square(x - m); }));
    const Shape& shape = in[0].shape();
    const auto count = static_cast<T>(axes.count(shape));
    Array<T> means = reduce_axes(in[0], axes.reduced, axes.kept, kernels::sum<T>);
    for (T& m : std::span(means.data(), means.size())) m /= count;
    const auto total = [&](const Program& program) {
      const Array<T> terms = evaluate<T>(program, shape, {{in[0].data(), &shape}, {means.data(), &axes.kept}});
      return reduce_axes(terms, axes.reduced, axes.result, kernels::sum<T>);
    };
    Array<T> out = total(squares);
    if (rounded_off(out, means, count)) {
      static const Program differences = optimise(trace<2>([](auto x, auto m) { return x - m; }));
      const Array<T> left = total(differences);
      for (std::size_t k = 0; k < means.size(); ++k) means.data()[k] += left.data()[k] / count;
      out = total(squares);
    }
    for (T& v : std::span(out.data(), out.size())) v /= divisor(shape);
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    static const auto slope = elementwise("var'", [](auto v, auto x, auto m, auto factor) { return factor * v * (x - m); });
    const Variable<T> x = c.input(0);
    return slope(reshape(g, axes.kept), x, mean(x, axes.axes(), {.keepdims = true}), T(2) / divisor(x.shape()));
  }

 private:
  /// Whether some sum of squares is no more than what rounding in the mean makes of equal elements. Their standard deviation would
  /// not be 0, and so its gradient arbitrary; their mean once more, of what is left of them, is exact.
  static bool rounded_off(const Array<T>& squares, const Array<T>& means, T count) {
    for (std::size_t k = 0; k < squares.size(); ++k) {
      const T bound = 1000 * std::numeric_limits<T>::epsilon() * means.data()[k];
      if (squares.data()[k] > 0 && squares.data()[k] < count * bound * bound) return true;
    }
    return false;
  }
  T divisor(const Shape& shape) const { return static_cast<T>(std::max(static_cast<double>(axes.count(shape)) - ddof, 0.0)); }
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
    static const auto slope = elementwise("logsumexp'", [](auto v, auto x, auto s) {  // infinite sums belong to infinite elements
      return v * where(abs(s) == infinity, where(x == s && s > 0, 1, 0), exp(x - s));
    });
    return slope(reshape(g, axes.kept), c.input(0), reshape(c.output(), axes.kept));
  }
};

/// The p-norm for p = 2 and other finite p > 0 but 1.
template <class T>
struct Norm {
  static constexpr std::string_view name = "norm";
  static constexpr std::array uses{use::input(0) | use::output};
  Reduced axes;
  T p;

  Result<T> forward(Inputs<T> in) {
    static const Program squares = optimise(trace<1>([](auto x) { return square(x); }));
    static const Program powers = optimise(trace<2>([](auto x, auto e) { return pow(abs(x), e); }));
    const Shape &shape = in[0].shape(), number;
    const Array<T> parts = p == 2 ? evaluate<T>(squares, shape, {{in[0].data(), &shape}})
                                  : evaluate<T>(powers, shape, {{in[0].data(), &shape}, {&p, &number}});
    Array<T> out = reduce_axes(parts, axes.reduced, axes.result, kernels::sum<T>);
    for (T& y : std::span(out.data(), out.size())) y = p == 2 ? std::sqrt(y) : std::pow(y, 1 / p);
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
Variable<T> var(Variable<T> x, Axes axes, VarOptions options, Where where) {
  Reduced reduced = placed(where, "var", [&] { return Reduced(x.shape(where), axes, options.keepdims); });
  return apply(Var<T>{std::move(reduced), options.ddof}, {std::move(x)}, where);
}

template <class T>
Variable<T> std(Variable<T> x, Axes axes, VarOptions options, Where where) {
  static const auto root = elementwise(
      "std", [](auto v) { return sqrt(v); }, [](auto g, auto, auto y) { return xgrad::where(y == 0, 0, g / (2 * y)); });
  placed(where, "std", [&] { static_cast<void>(axes.flags(x.shape(where).size())); });
  return root(var(std::move(x), std::move(axes), options, where), where);
}

template <class T>
Variable<T> logsumexp(Variable<T> x, Axes axes, ReduceOptions options, Where where) {
  Reduced reduced = placed(where, "logsumexp", [&] { return Reduced(x.shape(where), axes, options.keepdims); });
  return apply(LogSumExp<T>{std::move(reduced)}, {std::move(x)}, where);
}

template <class T>
Variable<T> norm(Variable<T> x, Axes axes, NormOptions options, Where where) {
  const double p = options.p;
  Reduced reduced = placed(where, "norm", [&] {
    if (!(p >= 0 || p == -infinity)) throw ValueError(fmt::format("p is {}; it must be 0, positive, or infinite", p));
    Reduced result(x.shape(where), axes, options.keepdims);
    if (std::isinf(p) && result.count(x.shape()) == 0 && size_of(result.result) > 0)
      throw ShapeError(fmt::format("x is {}: among no elements there is no largest", to_string(x.shape())));
    return result;
  });
  const ReduceOptions keep{options.keepdims};
  if (p == infinity) return amax(abs(std::move(x), where), std::move(axes), keep, where);
  if (p == -infinity) return amin(abs(std::move(x), where), std::move(axes), keep, where);
  if (p == 1) return sum(abs(std::move(x), where), std::move(axes), keep, where);
  static const auto present = elementwise("norm", [](auto v) { return xgrad::where(v == 0, 0, 1); });
  if (p == 0) return sum(present(std::move(x), where), std::move(axes), keep, where);
  return apply(Norm<T>{std::move(reduced), static_cast<T>(p)}, {std::move(x)}, where);
}

XGRAD_BOTH(var);
XGRAD_BOTH(std);
XGRAD_BOTH(logsumexp);
XGRAD_BOTH(norm);

}  // namespace xgrad

// Normalisations that are formulas of sums.
#include <xgrad/ops/norm.hpp>

#include <fmt/format.h>
#include <algorithm>

#include <xgrad/core/parallel.hpp>
#include <xgrad/graph/apply.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/reduce.hpp>

#include "../kernels/kernels.hpp"
#include "last_axes.hpp"
#include "scales.hpp"
#include "support.hpp"

namespace xgrad {
namespace {

constexpr ReduceOptions keep{.keepdims = true};

/// Sums over the neighbours along the last axis: y[k] = x[k - before] + … + x[k + after], what is not there being 0. Its adjoint
/// looks the other way.
template <class T>
struct NeighbourSum {
  static constexpr std::string_view name = "neighbour_sum";
  static constexpr std::array uses{use::none};
  std::size_t before, after;

  Result<T> forward(Inputs<T> in) {
    const std::size_t n = in[0].shape().back(), rows = n == 0 ? 0 : in[0].size() / n;
    Array<T> out = in[0];
    const auto& kernel = kernels::table<T>();
    parallel_for(rows, n * (before + after), [&](std::size_t begin, std::size_t end) {
      for (std::size_t r = begin; r < end; ++r) {
        const T* from = in[0].data() + r * n;
        T* to = out.data() + r * n;
        for (std::size_t k = 1; k <= std::min(before, n); ++k) kernel.add_row(to + k, from, n - k);
        for (std::size_t k = 1; k <= std::min(after, n); ++k) kernel.add_row(to, from + k, n - k);
      }
    });
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    return apply(NeighbourSum{after, before}, {g}, c.where());
  }
};

}  // namespace

template <class T>
Variable<T> rms_norm(Variable<T> x, std::type_identity_t<Variable<T>> weight, LayerNormOptions options, Where where) try {
  static const auto plain =
      elementwise("rms_norm", [](auto v, auto mean_square, auto eps) { return v * rsqrt(mean_square + eps); });
  static const auto weighted =
      elementwise("rms_norm", [](auto v, auto mean_square, auto eps, auto w) { return v * rsqrt(mean_square + eps) * w; });
  const auto [leading, normalised] = last_axes(shape_of(x, where), options.axes, "rms_norm", where);
  if (weight.defined() && weight.shape() != normalised)
    throw ShapeError(where, "rms_norm",
                     fmt::format("x is {}, weight is {}; it must be {}", to_string(x.shape()), to_string(weight.shape()),
                                 to_string(normalised)));
  std::vector<std::ptrdiff_t> axes;
  for (std::size_t k = leading; k < x.shape().size(); ++k) axes.push_back(static_cast<std::ptrdiff_t>(k));
  const Axes last(std::move(axes));
  Variable<T> mean_square = mean(square(x, where), last, keep, where), eps(static_cast<T>(options.eps));
  const Array<T> scales = scales_of(x.value(), Reduced(x.shape(), last, true), mean_square.value(), eps.item());
  if (scales.size() > 0) {  // x and the root of eps in another unit
    x = mul(std::move(x), scales, where);
    mean_square = mean(square(x, where), last, keep, where);
    eps = mul(mul(std::move(eps), scales, where), scales, where);
  }
  if (!weight.defined()) return plain(std::move(x), std::move(mean_square), std::move(eps), where);
  return weighted(std::move(x), std::move(mean_square), std::move(eps), std::move(weight), where);
} catch (Error& error) {
  called(error, where);
}

template <class T>
Variable<T> local_response_norm(Variable<T> x, int size, LocalResponseNormOptions options, Where where) {
  static const auto divide = elementwise("local_response_norm", [](auto v, auto squares, auto factor, auto beta, auto k) {
    return v * exp(-beta * log(k + factor * squares));
  });
  if (shape_of(x, where).empty())
    throw ShapeError(where, "local_response_norm", "x is (); it must have an axis of channels, the last");
  if (size < 1) throw ValueError(where, "local_response_norm", fmt::format("size is {}; it must be at least 1", size));
  const auto window = static_cast<std::size_t>(size);
  Variable<T> squares = apply(NeighbourSum<T>{window / 2, (window - 1) / 2}, {square(x, where)}, where);
  return divide(std::move(x), std::move(squares), static_cast<T>(options.alpha / size), static_cast<T>(options.beta),
                static_cast<T>(options.k), where);
}

template <class T>
Variable<T> normalize(Variable<T> x, NormalizeOptions options, Where where) try {
  static const auto by_length =
      elementwise("normalize", [](auto v, auto length, auto eps) { return v / xgrad::where(length <= eps, eps, length); });
  const Axes axis{options.axis};
  placed(where, "normalize", [&] { return normalise_axis(options.axis, shape_of(x, where).size()); });
  const T eps = static_cast<T>(options.eps);
  if (options.p != 1 && options.p != 2) throw ValueError(where, "normalize", fmt::format("p is {}; it must be 1 or 2", options.p));
  Variable<T> length = norm(x, axis, {.p = static_cast<double>(options.p), .keepdims = true}, where);
  return by_length(std::move(x), std::move(length), eps, where);
} catch (Error& error) {
  called(error, where);
}

XGRAD_BOTH(rms_norm);
XGRAD_BOTH(local_response_norm);
XGRAD_BOTH(normalize);

}  // namespace xgrad

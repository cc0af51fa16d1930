#include <fmt/format.h>

#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/norm.hpp>
#include <xgrad/ops/reduce.hpp>

#include "last_axes.hpp"
#include "scales.hpp"
#include "support.hpp"

namespace xgrad {
using namespace detail;

template <class T>
Variable<T> rms_norm(Variable<T> x, std::type_identity_t<Variable<T>> weight, LayerNormOptions options, Where at) try {
  static const auto plain =
      elementwise("rms_norm", [](auto v, auto mean_square, auto eps) { return v * rsqrt(mean_square + eps); });
  static const auto weighted =
      elementwise("rms_norm", [](auto v, auto mean_square, auto eps, auto w) { return v * rsqrt(mean_square + eps) * w; });
  const auto [leading, normalised] = last_axes(shape_of(x, at), options.axes, "rms_norm", at);
  if (weight.defined() && weight.shape() != normalised)
    throw ShapeError(at, "rms_norm",
                     fmt::format("x is {}, weight is {}; it must be {}", to_string(x.shape()), to_string(weight.shape()),
                                 to_string(normalised)));
  if (!(options.eps >= 0)) throw ValueError(at, "rms_norm", fmt::format("eps is {}; it must not be negative", options.eps));
  std::vector<std::ptrdiff_t> axes;
  for (std::size_t k = leading; k < x.shape().size(); ++k) axes.push_back(static_cast<std::ptrdiff_t>(k));
  const Axes last(std::move(axes));
  Variable<T> mean_square = mean(square(x, at), last, {.keepdims = true}, at), eps(static_cast<T>(options.eps));
  const Array<T> scales = scales_of(x.value(), Reduced(x.shape(), last, true), mean_square.value(), eps.item());
  if (scales.size() > 0) {  // x and the root of eps in another unit
    x = mul(std::move(x), scales, at);
    mean_square = mean(square(x, at), last, {.keepdims = true}, at);
    eps = mul(mul(std::move(eps), scales, at), scales, at);
  }
  if (!weight.defined()) return plain(std::move(x), std::move(mean_square), std::move(eps), at);
  return weighted(std::move(x), std::move(mean_square), std::move(eps), std::move(weight), at);
} catch (Error& error) {
  called(error, at);
}

XGRAD_BOTH(rms_norm);

}  // namespace xgrad

#include <fmt/format.h>

#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/norm.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/statistics.hpp>

#include "support.hpp"

namespace xgrad {
using namespace detail;

template <class T>
Variable<T> normalize(Variable<T> x, int axis, NormalizeOptions options, Where at) try {
  static const auto by_length =
      elementwise("normalize", [](auto v, auto length, auto eps) { return v / xgrad::where(length <= eps, eps, length); });
  placed(at, "normalize", [&] { return normalise_axis(axis, shape_of(x, at).size()); });
  const T eps = static_cast<T>(options.eps);
  if (options.p != 1 && options.p != 2) throw ValueError(at, "normalize", fmt::format("p is {}; it must be 1 or 2", options.p));
  Variable<T> length = norm(x, axis, {.p = static_cast<double>(options.p), .keepdims = true}, at);
  return by_length(std::move(x), std::move(length), eps, at);
} catch (Error& error) {
  called(error, at);
}

XGRAD_BOTH(normalize);

}  // namespace xgrad

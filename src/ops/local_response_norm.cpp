#include <fmt/format.h>
#include <algorithm>

#include <xgrad/core/parallel.hpp>
#include <xgrad/graph/apply.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/norm.hpp>

#include "../kernels/table.hpp"
#include "support.hpp"

namespace xgrad {
using namespace detail;

namespace {

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
Variable<T> local_response_norm(Variable<T> x, int size, LocalResponseNormOptions options, Where at) {
  static const auto divide = elementwise("local_response_norm", [](auto v, auto squares, auto factor, auto beta, auto k) {
    return v * exp(-beta * log(k + factor * squares));
  });
  if (shape_of(x, at).empty()) throw ShapeError(at, "local_response_norm", "x is (); it must have an axis of channels, the last");
  if (size < 1) throw ValueError(at, "local_response_norm", fmt::format("size is {}; it must be at least 1", size));
  const auto window = static_cast<std::size_t>(size);
  Variable<T> squares = apply(NeighbourSum<T>{window / 2, (window - 1) / 2}, {square(x, at)}, at);
  return divide(std::move(x), std::move(squares), static_cast<T>(options.alpha / size), static_cast<T>(options.beta),
                static_cast<T>(options.k), at);
}

XGRAD_BOTH(local_response_norm);

}  // namespace xgrad

#include <xgrad/core/ranges.hpp>

#include <fmt/format.h>
#include <cmath>
#include <cstdint>
#include <type_traits>

#include <xgrad/core/error.hpp>

namespace xgrad {
namespace {

void need_finite(const char* op, const char* name, double value, Where at) {
  if (!std::isfinite(value)) throw ValueError(at, op, fmt::format("{} is {}; it must be finite", name, value));
}

/// A length that a user gave, or computed in floating point.
std::size_t checked_length(const char* op, const char* name, std::ptrdiff_t n, Where at) {
  if (n < 0) throw ValueError(at, op, fmt::format("{} is {}; it must not be negative", name, n));
  return static_cast<std::size_t>(n);
}

}  // namespace

template <class T>
Array<T> arange(double start, double stop, double step, Where at) {
  need_finite("arange", "start", start, at);
  need_finite("arange", "stop", stop, at);
  need_finite("arange", "step", step, at);
  if (step == 0) throw ValueError(at, "arange", "step is 0; it must lead from start to stop");
  const double steps = std::ceil((stop / 2 - start / 2) / step * 2), most = 0x1p62;  // halves: their difference is finite
  if (std::isnan(steps) || steps > most)
    throw ShapeError(at, "arange", fmt::format("there are {} numbers; an array must have fewer than 2^62", steps));
  Array<T> result = make_array<T>(Shape{steps > 0 ? static_cast<std::size_t>(steps) : 0}, at, "arange");
  const auto number = [&](std::size_t k) { return start + static_cast<double>(k) * step; };
  if constexpr (std::is_integral_v<T>) {
    const double limit = 0x1p63;
    for (const double end : {result.size() > 0 ? start : 0, result.size() > 0 ? number(result.size() - 1) : 0})
      if (!(end >= -limit && end < limit))
        throw ValueError(at, "arange", fmt::format("a number is {}; it must fit into 64 bits", end));
  }
  for (std::size_t k = 0; k < result.size(); ++k) result.data()[k] = static_cast<T>(number(k));
  return result;
}

template <Real T>
Array<T> linspace(double start, double stop, std::ptrdiff_t count, LinspaceOptions options, Where at) {
  need_finite("linspace", "start", start, at);
  need_finite("linspace", "stop", stop, at);
  Array<T> result = make_array<T>(Shape{checked_length("linspace", "count", count, at)}, at, "linspace");
  const std::size_t n = result.size(), parts = options.endpoint && n > 0 ? n - 1 : n;
  for (std::size_t k = 0; k < n; ++k) {
    // halves: the difference of two finite numbers may not be finite
    const double step = parts > 0 ? (stop / 2 - start / 2) / static_cast<double>(parts) : 0;
    result.data()[k] = static_cast<T>(k == parts ? (parts > 0 ? stop : start) : (start / 2 + static_cast<double>(k) * step) * 2);
  }
  return result;
}

template <class T>
Array<T> eye(std::ptrdiff_t rows, EyeOptions options, Where at) {
  const std::size_t m = checked_length("eye", "rows", rows, at);
  const std::size_t n = options.columns ? checked_length("eye", "columns", *options.columns, at) : m;
  Array<T> result = make_array<T>(Shape{m, n}, at, "eye");
  result.fill(T(0));
  // Neither -k nor i + k may overflow: k is a user's number.
  const auto above = options.k < 0 ? std::size_t{0} : static_cast<std::size_t>(options.k);
  const auto below = options.k < 0 ? std::size_t{0} - static_cast<std::size_t>(options.k) : std::size_t{0};
  if (above < n && below < m)
    for (std::size_t i = below, j = above; i < m && j < n; ++i, ++j) result.data()[i * n + j] = T(1);
  return result;
}

#define XGRAD_INSTANTIATE(T)                                  \
  template Array<T> arange<T>(double, double, double, Where); \
  template Array<T> eye<T>(std::ptrdiff_t, EyeOptions, Where);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)
XGRAD_INSTANTIATE(std::int64_t)
template Array<float> linspace<float>(double, double, std::ptrdiff_t, LinspaceOptions, Where);
template Array<double> linspace<double>(double, double, std::ptrdiff_t, LinspaceOptions, Where);

}  // namespace xgrad

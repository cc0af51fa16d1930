#include <xgrad/ops/random.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <limits>
#include <new>
#include <stdexcept>

#include <xgrad/core/shape.hpp>

#include "support.hpp"

namespace xgrad {
using namespace detail;

namespace {

template <class T, class F>
Array<T> generated(const Shape& shape, std::string_view name, Where at, F f) {
  Array<T> result = placed(at, name, [&] { return make_array<T>(shape); });
  std::generate_n(result.data(), result.size(), [&] { return static_cast<T>(f()); });
  return result;
}

/// In [low, high) also as a T: rounding to float may reach high.
template <class T>
T below(double x, double low, double high) {
  const T rounded = static_cast<T>(x);
  return static_cast<double>(rounded) < high || low == high ? rounded : std::nextafter(static_cast<T>(high), static_cast<T>(low));
}

/// A standard normal number in [low, high], by rejection (Robert 1995, "Simulation of truncated normal variables"): a proposal is
/// accepted at least once in four times, however far out the interval is.
double truncated(double low, double high, Generator& generator) {
  if (high < 0) return -truncated(-high, -low, generator);
  if (low <= 0 && high - low > 2.5) {  // the bell's middle is inside
    for (;;)
      if (const double x = generator.normal(); x >= low && x <= high) return x;
  }
  const double rate = low / 2 + std::hypot(low, 2.0) / 2;
  if (low > 0 && (high - low) * rate > 1.5) {  // a tail: an exponential distribution from `low` on
    for (;;) {
      const double x = low - std::log1p(-generator.uniform()) / rate;
      if (x <= high && generator.uniform() <= std::exp(-(x - rate) * (x - rate) / 2)) return x;
    }
  }
  const double peak = std::max(low, 0.0);
  for (;;) {  // a short interval
    const double x = generator.uniform(low, high);
    if (generator.uniform() <= std::exp((peak * peak - x * x) / 2)) return x;
  }
}

[[noreturn]] void wrong(Where at, std::string_view op, const std::string& message) { throw ValueError(at, op, message); }

bool is_probability(double p) { return p >= 0 && p <= 1; }

}  // namespace

template <Real T>
Array<T> uniform(const Shape& shape, double low, double high, Generator& generator, Where at) {
  if (!(low <= high && std::isfinite(high - low)))
    wrong(at, "uniform", fmt::format("low is {}, high is {}; they must be finite, and low not above high", low, high));
  return generated<T>(shape, "uniform", at, [&] { return below<T>(generator.uniform(low, high), low, high); });
}

template <Real T>
Array<T> normal(const Shape& shape, double mean, double std, Generator& generator, Where at) {
  if (!std::isfinite(mean)) wrong(at, "normal", fmt::format("the mean is {}; it must be finite", mean));
  if (!(std >= 0 && std::isfinite(std))) wrong(at, "normal", fmt::format("std is {}; it must be finite and not negative", std));
  return generated<T>(shape, "normal", at, [&] { return mean + std * generator.normal(); });
}

template <Real T>
Array<T> truncated_normal(const Shape& shape, double mean, double std, double low, double high, Generator& generator, Where at) {
  if (!std::isfinite(mean)) wrong(at, "truncated_normal", fmt::format("the mean is {}; it must be finite", mean));
  if (!(std > 0 && std::isfinite(std)))
    wrong(at, "truncated_normal", fmt::format("std is {}; it must be finite and positive", std));
  if (!(low < high)) wrong(at, "truncated_normal", fmt::format("low is {}, high is {}; low must be less than high", low, high));
  const double from = (low - mean) / std, to = (high - mean) / std, far = 1e15;  // where a tail is as narrow as rounding
  return generated<T>(shape, "truncated_normal", at, [&] {
    const double x = from > far ? low : to < -far ? high : mean + std * truncated(from, to, generator);
    return std::clamp(static_cast<T>(x), static_cast<T>(low), static_cast<T>(high));  // rounding may have crossed a bound
  });
}

template <Real T>
Array<T> bernoulli(const Shape& shape, double p, Generator& generator, Where at) {
  if (!is_probability(p)) wrong(at, "bernoulli", fmt::format("p is {}; it must be from 0 to 1", p));
  return generated<T>(shape, "bernoulli", at, [&] { return generator.uniform() < p ? 1 : 0; });
}

template <Real T>
Array<T> bernoulli(const Array<T>& p, Generator& generator, Where at) {
  for (std::size_t k = 0; k < p.size(); ++k)
    if (!is_probability(static_cast<double>(p.data()[k])))
      wrong(at, "bernoulli", fmt::format("p is {} at index {}; it must be from 0 to 1", p.data()[k], k));
  Array<T> result = make_array<T>(p.shape());
  std::transform(p.data(), p.data() + p.size(), result.data(),
                 [&](T x) { return generator.uniform() < static_cast<double>(x) ? T(1) : T(0); });
  return result;
}

template <Real T>
Array<T> gumbel(const Shape& shape, Generator& generator, Where at) {
  // 1 - u is in (0, 1], and its logarithm 0 once in 2⁵³ times
  return generated<T>(shape, "gumbel", at, [&] { return -std::log(std::max(-std::log1p(-generator.uniform()), 0x1.0p-54)); });
}

Labels randint(const Shape& shape, std::int64_t low, std::int64_t high, Generator& generator, Where at) {
  if (low >= high) wrong(at, "randint", fmt::format("low is {}, high is {}; low must be less than high", low, high));
  const std::uint64_t n = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
  return generated<std::int64_t>(shape, "randint", at, [&] { return static_cast<std::uint64_t>(low) + generator.below(n); });
}

Labels permutation(std::int64_t n, Generator& generator, Where at) {
  if (n < 0) wrong(at, "permutation", fmt::format("n is {}; it must not be negative", n));
  const std::vector<std::size_t> order =
      placed(at, "permutation", [&] { return generator.permutation(static_cast<std::size_t>(n), {}); });
  Labels result = make_array<std::int64_t>(Shape{order.size()});
  std::transform(order.begin(), order.end(), result.data(), [](std::size_t k) { return static_cast<std::int64_t>(k); });
  return result;
}

template <Real T>
Labels categorical(const Array<T>& logits, Generator& generator, Where at) {
  const Shape& shape = logits.shape();
  if (shape.empty()) throw ShapeError(at, "categorical", "logits are (); they must have an axis for the classes");
  const std::size_t classes = shape.back();
  Labels result = placed(at, "categorical", [&] {
    check_size(Shape{classes}, sizeof(double));
    return make_array<std::int64_t>(Shape(shape.begin(), shape.end() - 1));
  });
  std::vector<double> sums(classes);  // of probabilities, up to a common factor
  for (std::size_t r = 0; r < result.size(); ++r) {
    const T* row = logits.data() + r * classes;
    double largest = -std::numeric_limits<double>::infinity();
    bool nan = false;
    for (std::size_t k = 0; k < classes; ++k) {
      nan = nan || std::isnan(row[k]);
      largest = std::max(largest, static_cast<double>(row[k]));
    }
    if (nan || !std::isfinite(largest))
      wrong(at, "categorical", fmt::format("the logits of sample {} are NaN, inf or all -inf; one at least must be finite", r));
    double sum = 0;
    for (std::size_t k = 0; k < classes; ++k) sums[k] = sum += std::exp(static_cast<double>(row[k]) - largest);
    // upper_bound: never a class of probability 0. sum · u < sum but for rounding, which ends at the last class that has any.
    const auto place = std::upper_bound(sums.begin(), sums.end(), sum * generator.uniform());
    const auto last = std::lower_bound(sums.begin(), sums.end(), sum);
    result.data()[r] = std::min(place, last) - sums.begin();
  }
  return result;
}

#define XGRAD_INSTANTIATE(T)                                                                              \
  template Array<T> uniform<T>(const Shape&, double, double, Generator&, Where);                          \
  template Array<T> normal<T>(const Shape&, double, double, Generator&, Where);                           \
  template Array<T> truncated_normal<T>(const Shape&, double, double, double, double, Generator&, Where); \
  template Array<T> bernoulli<T>(const Shape&, double, Generator&, Where);                                \
  template Array<T> bernoulli<T>(const Array<T>&, Generator&, Where);                                     \
  template Array<T> gumbel<T>(const Shape&, Generator&, Where);                                           \
  template Labels categorical<T>(const Array<T>&, Generator&, Where);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad

#include <xgrad/nn/init.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include <xgrad/ops/random.hpp>

namespace xgrad::nn {
namespace {

Fans fans_of(const Shape& shape, Where at, std::string_view op = __builtin_FUNCTION()) {
  if (shape.size() < 2)
    throw ShapeError(at, op, "the weight is " + to_string(shape) + "; it must have an output axis and at least one input axis");
  double area = 1;
  for (std::size_t k = 1; k + 1 < shape.size(); ++k) area *= static_cast<double>(shape[k]);
  return {area * static_cast<double>(shape.back()), area * static_cast<double>(shape[0])};
}

double finite_number(double value, const char* what, Where at, const char* op) {
  if (!std::isfinite(value)) throw ValueError(at, op, fmt::format("{} is {}; it must be finite", what, value));
  return value;
}
double deviation(double value, const char* what, Where at, const char* op) {
  if (!(value >= 0) || !std::isfinite(value))
    throw ValueError(at, op, fmt::format("{} is {}; it must be from 0 up and finite", what, value));
  return value;
}

/// The gain squared: 2 for that of ReLU, whose number is rounded.
double squared(double gain, Where at, const char* op) {
  if (!(gain >= 0) || !std::isfinite(gain))
    throw ValueError(at, op, fmt::format("gain is {}; it must be from 0 up and finite", gain));
  return gain == init::gain::relu ? 2 : gain * gain;
}
template <class T>
void fill_uniform(Array<T>& weight, Generator& generator, double squared_gain, double fan) {
  if (weight.size() == 0) return;  // where the fan may be 0
  const double bound = std::sqrt(3 * squared_gain / fan);
  generator.fill_uniform(weight, -bound, bound);
}
template <class T>
void fill_normal(Array<T>& weight, Generator& generator, double squared_gain, double fan) {
  if (weight.size() > 0) generator.fill_normal(weight, 0, std::sqrt(squared_gain / fan));
}

using Vector = std::vector<double>;
double product(const Vector& a, const Vector& b) {
  double sums[4]{};  // in four streams, which a processor adds side by side
  const std::size_t n = a.size();
  for (std::size_t k = 0; k < n; ++k) sums[k % 4] += a[k] * b[k];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}
/// Gram-Schmidt, twice: once leaves what rounding has brought in. Normal vectors come out as vectors that are equally likely in all
/// directions.
void make_orthonormal(std::vector<Vector>& vectors) {
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    Vector& v = vectors[i];
    for (int turn = 0; turn < 2; ++turn)
      for (std::size_t j = 0; j < i; ++j) {
        const double along = product(v, vectors[j]);
        for (std::size_t k = 0; k < v.size(); ++k) v[k] -= along * vectors[j][k];
      }
    const double length = std::sqrt(product(v, v));
    for (double& x : v) x /= length;
  }
}
template <class T>
void fill_orthogonal(Array<T>& weight, Generator& generator, double gain) {
  if (weight.size() == 0) return;
  const std::size_t rows = weight.shape()[0], columns = weight.size() / rows;
  const bool wide = rows <= columns;
  std::vector<Vector> vectors(std::min(rows, columns), Vector(std::max(rows, columns)));
  for (Vector& v : vectors)
    for (double& x : v) x = generator.normal();
  make_orthonormal(vectors);
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < columns; ++c)
      weight.data()[r * columns + c] = static_cast<T>(gain * (wide ? vectors[r][c] : vectors[c][r]));
}

template <class T>
void fill_dirac(Array<T>& weight, double groups, Where at) {
  const Shape& shape = weight.shape();
  fans_of(shape, at, "dirac");
  const auto parts = static_cast<std::size_t>(std::max(groups, 0.0));
  if (parts == 0 || shape[0] % parts != 0)
    throw ValueError(at, "dirac", fmt::format("groups is {}; it must divide the outputs, {}", groups, shape[0]));
  weight.fill(0);
  if (weight.size() == 0) return;
  const std::size_t outputs = shape[0] / parts, inputs = shape.back(), row = weight.size() / shape[0];
  std::size_t middle = 0;  // of the kernel
  for (std::size_t k = 1; k + 1 < shape.size(); ++k) middle = middle * shape[k] + shape[k] / 2;
  for (std::size_t g = 0; g < parts; ++g)
    for (std::size_t k = 0; k < std::min(outputs, inputs); ++k) weight.data()[(g * outputs + k) * row + middle * inputs + k] = 1;
}

}  // namespace

Fans fans(const Shape& shape, Where at) { return fans_of(shape, at); }

double init::gain::leaky_relu(double slope) { return std::sqrt(2 / (1 + slope * slope)); }

template <Real T>
void Init::operator()(Array<T>& weight, Generator& generator, Where at) const {
  const Shape& shape = weight.shape();
  const auto sum_of_fans = [&](const char* name) {
    const Fans f = fans_of(shape, at, name);
    return f.in + f.out;
  };
  const auto one_fan = [&](const char* name) {
    const Fans f = fans_of(shape, at, name);
    return fan_ == init::Fan::in ? f.in : f.out;
  };
  switch (law_) {
    case Law::each:
      for (T& x : std::span(weight.data(), weight.size())) x = static_cast<T>(each_(generator));
      break;
    case Law::constant:
      weight.fill(static_cast<T>(a_));
      break;
    case Law::uniform:
      if (!std::isfinite(a_) || !std::isfinite(b_) || a_ > b_)
        throw ValueError(at, "uniform", fmt::format("low is {} and high {}; they must be finite, low not above high", a_, b_));
      generator.fill_uniform(weight, a_, b_);
      break;
    case Law::normal:
      generator.fill_normal(weight, finite_number(a_, "mean", at, "normal"), deviation(b_, "std", at, "normal"));
      break;
    case Law::truncated_normal:
      weight = xgrad::truncated_normal<T>(shape, a_, b_, low_, high_, generator, at);
      break;
    case Law::xavier_uniform:
      fill_uniform(weight, generator, 2 * squared(a_, at, "xavier_uniform"), sum_of_fans("xavier_uniform"));
      break;
    case Law::xavier_normal:
      fill_normal(weight, generator, 2 * squared(a_, at, "xavier_normal"), sum_of_fans("xavier_normal"));
      break;
    case Law::kaiming_uniform:
      fill_uniform(weight, generator, squared(a_, at, "kaiming_uniform"), one_fan("kaiming_uniform"));
      break;
    case Law::kaiming_normal:
      fill_normal(weight, generator, squared(a_, at, "kaiming_normal"), one_fan("kaiming_normal"));
      break;
    case Law::orthogonal:
      fans_of(shape, at, "orthogonal");
      fill_orthogonal(weight, generator, finite_number(a_, "gain", at, "orthogonal"));
      break;
    case Law::dirac:
      fill_dirac(weight, a_, at);
      break;
  }
}
template void Init::operator()(Array<float>&, Generator&, Where) const;
template void Init::operator()(Array<double>&, Generator&, Where) const;

}  // namespace xgrad::nn

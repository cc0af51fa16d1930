#include <xgrad/mpi/norm.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <utility>
#include <vector>

#include <xgrad/ops/arithmetic.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/reduce.hpp>

#include "mean.hpp"

namespace xgrad::mpi {

template <class T>
BatchNorm<T>::BatchNorm(World& world, std::size_t channels, nn::BatchNormLayerOptions o, Where at)
    : momentum(o.momentum), eps(o.eps), world_(&world) {
  const nn::BatchNorm<T> one(channels, o, at);
  weight = one.weight, bias = one.bias, running_mean = one.running_mean, running_var = one.running_var;
}

template <class T>
Variable<T> BatchNorm<T>::operator()(Variable<T> x, Where at) const {
  if (!training || world_->size() == 1)
    return batch_norm(std::move(x), weight, bias, running_mean, running_var, {training, momentum, eps}, at);
  const std::size_t channels = running_mean.size();
  if (x.shape(at).empty() || x.shape(at).back() != channels || x.size() == 0)
    throw ShapeError(at, "batch_norm",
                     fmt::format("x is {}; it must have {} channels, its last axis", to_string(x.shape(at)), channels));
  std::vector<std::ptrdiff_t> rows;
  for (std::size_t axis = 0; axis + 1 < x.shape(at).size(); ++axis) rows.push_back(static_cast<std::ptrdiff_t>(axis));
  const Variable<T> mean = mean_over_ranks(world_->group(), xgrad::mean(x, Axes(rows), {}, at), at);
  const Variable<T> away = sub(std::move(x), mean, at);
  const Variable<T> variance = mean_over_ranks(world_->group(), xgrad::mean(square(away, at), Axes(rows), {}, at), at);

  const double count = static_cast<double>(away.size() / channels * world_->size());
  const auto update = [&](Variable<T> running, const Variable<T>& fresh, double factor) {
    Array<T>& mine = running.change("batch_norm", at);
    for (std::size_t k = 0; k < channels; ++k)
      mine.data()[k] += static_cast<T>(momentum) * (static_cast<T>(factor) * fresh.value().data()[k] - mine.data()[k]);
  };
  update(running_mean, mean, 1);
  update(running_var, variance, count / std::max(count - 1, 1.0));

  Variable<T> scale = rsqrt(add(variance, static_cast<T>(eps), at), at);
  if (weight.defined()) scale = mul(std::move(scale), weight, at);
  Variable<T> y = mul(away, std::move(scale), at);
  return bias.defined() ? add(std::move(y), bias, at) : y;
}

template class BatchNorm<float>;
template class BatchNorm<double>;

}  // namespace xgrad::mpi

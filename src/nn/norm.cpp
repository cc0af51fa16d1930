#include <xgrad/nn/norm.hpp>

#include <fmt/format.h>

#include "../ops/support.hpp"
#include "check.hpp"

namespace xgrad::nn {
using namespace xgrad::detail;

namespace {

/// A weight of ones and a bias of zeros.
template <class T>
void make_affine(Variable<T>& weight, Variable<T>& bias, const Shape& shape, const char* layer, Where at) {
  placed(at, layer, [&] {
    weight = Variable<T>(ones<T>(shape, Where{}), true, at);
    bias = Variable<T>(zeros<T>(shape, Where{}), true, at);
  });
}
/// The same again, where they are defined.
template <class T>
void reset_affine(Variable<T>& weight, Variable<T>& bias) {
  if (weight.defined()) weight.update([](Array<T>& w) { w.fill(1); });
  if (bias.defined()) bias.update([](Array<T>& b) { b.fill(0); });
}

}  // namespace

template <class T>
BatchNorm<T>::BatchNorm(std::size_t channels, BatchNormLayerOptions o, Where at) : momentum(o.momentum), eps(o.eps) {
  placed(at, "BatchNorm", [&] {
    running_mean = zeros<T>(Shape{channels}, Where{});
    running_var = ones<T>(Shape{channels}, Where{});
  });
  check_option("BatchNorm", "momentum", o.momentum, 1, at);
  check_option("BatchNorm", "eps", o.eps, finite, at);
  if (o.affine) make_affine(weight, bias, {channels}, "BatchNorm", at);
}
template <class T>
void BatchNorm<T>::reset_parameters(Generator&) {
  reset_affine(weight, bias);
  reset_affine(running_var, running_mean);
}

template <class T>
LayerNorm<T>::LayerNorm(const Shape& shape, NormLayerOptions o, Where at) : options{static_cast<int>(shape.size()), o.eps} {
  if (shape.empty()) throw ShapeError(at, "LayerNorm", "the shape is (); it must have an axis at least");
  check_option("LayerNorm", "eps", o.eps, finite, at);
  if (o.affine) make_affine(weight, bias, shape, "LayerNorm", at);
}
template <class T>
void LayerNorm<T>::reset_parameters(Generator&) {
  reset_affine(weight, bias);
}

template <class T>
RMSNorm<T>::RMSNorm(std::size_t features, NormLayerOptions o, Where at) : eps(o.eps) {
  check_option("RMSNorm", "eps", o.eps, finite, at);
  if (o.affine) weight = placed(at, "RMSNorm", [&] { return Variable<T>(ones<T>(Shape{features}, Where{}), true, at); });
}
template <class T>
void RMSNorm<T>::reset_parameters(Generator&) {
  if (weight.defined()) weight.update([](Array<T>& w) { w.fill(1); });
}

template <class T>
GroupNorm<T>::GroupNorm(int group_count, std::size_t channels, NormLayerOptions o, Where at) : groups(group_count), eps(o.eps) {
  if (group_count < 1 || channels % static_cast<std::size_t>(group_count) != 0)
    throw ValueError(at, "GroupNorm", fmt::format("there are {} groups; they must divide the {} channels", group_count, channels));
  check_option("GroupNorm", "eps", o.eps, finite, at);
  if (o.affine) make_affine(weight, bias, {channels}, "GroupNorm", at);
}
template <class T>
void GroupNorm<T>::reset_parameters(Generator&) {
  reset_affine(weight, bias);
}

#define XGRAD_INSTANTIATE(T)   \
  template class BatchNorm<T>; \
  template class LayerNorm<T>; \
  template class RMSNorm<T>;   \
  template class GroupNorm<T>;
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad::nn

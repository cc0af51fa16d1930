#include <xgrad/nn/norm.hpp>

#include <cmath>

#include "../ops/support.hpp"

namespace xgrad::nn {
namespace {

/// A weight of ones and a bias of zeros.
template <class T>
void make_affine(Variable<T>& weight, Variable<T>& bias, const Shape& shape, Where where, const char* layer) {
  placed(where, layer, [&] {
    weight = Variable<T>(ones<T>(shape, Where{}), true, where);
    bias = Variable<T>(zeros<T>(shape, Where{}), true, where);
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
BatchNorm<T>::BatchNorm(std::size_t channels, BatchNormLayerOptions o, Where where) : momentum(o.momentum), eps(o.eps) {
  placed(where, "BatchNorm", [&] {
    running_mean = zeros<T>(Shape{channels}, Where{});
    running_var = ones<T>(Shape{channels}, Where{});
  });
  if (o.affine) make_affine(weight, bias, {channels}, where, "BatchNorm");
}
template <class T>
void BatchNorm<T>::reset_parameters(Generator&) {
  reset_affine(weight, bias);
  reset_affine(running_var, running_mean);
}

template <class T>
LayerNorm<T>::LayerNorm(const Shape& shape, NormLayerOptions o, Where where) : options{static_cast<int>(shape.size()), o.eps} {
  if (o.affine) make_affine(weight, bias, shape, where, "LayerNorm");
}
template <class T>
void LayerNorm<T>::reset_parameters(Generator&) {
  reset_affine(weight, bias);
}

template <class T>
RMSNorm<T>::RMSNorm(std::size_t features, NormLayerOptions o, Where where) : eps(o.eps) {
  if (o.affine) weight = placed(where, "RMSNorm", [&] { return Variable<T>(ones<T>(Shape{features}, Where{}), true, where); });
}
template <class T>
void RMSNorm<T>::reset_parameters(Generator&) {
  if (weight.defined()) weight.update([](Array<T>& w) { w.fill(1); });
}

template <class T>
GroupNorm<T>::GroupNorm(int group_count, std::size_t channels, NormLayerOptions o, Where where) : groups(group_count), eps(o.eps) {
  if (o.affine) make_affine(weight, bias, {channels}, where, "GroupNorm");
}
template <class T>
void GroupNorm<T>::reset_parameters(Generator&) {
  reset_affine(weight, bias);
}

template <class T>
RecurrentCell<T>::RecurrentCell(std::size_t gates, std::size_t in, std::size_t hidden_size, bool bias, Where where) {
  placed(where, gates == 4 ? "LSTMCell" : "GRUCell", [&] {
    const std::size_t rows = length_of(Wide{gates} * hidden_size);
    w_ih = Variable<T>(zeros<T>(Shape{rows, in}, Where{}), true, where);
    w_hh = Variable<T>(zeros<T>(Shape{rows, hidden_size}, Where{}), true, where);
    if (!bias) return;
    b_ih = Variable<T>(zeros<T>(Shape{rows}, Where{}), true, where);
    b_hh = Variable<T>(zeros<T>(Shape{rows}, Where{}), true, where);
  });
  reset_parameters(default_generator());
}
template <class T>
void RecurrentCell<T>::reset_parameters(Generator& generator) {
  const double bound = 1 / std::sqrt(static_cast<double>(hidden()));
  for (Variable<T>* v : {&w_ih, &w_hh, &b_ih, &b_hh})
    if (v->defined()) v->update([&](Array<T>& a) { generator.fill_uniform(a, -bound, bound); });
}

#define XGRAD_INSTANTIATE(T)   \
  template class BatchNorm<T>; \
  template class LayerNorm<T>; \
  template class RMSNorm<T>;   \
  template class GroupNorm<T>; \
  template class RecurrentCell<T>;
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad::nn

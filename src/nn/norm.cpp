#include <xgrad/nn/norm.hpp>

#include <fmt/format.h>
#include <cmath>
#include <limits>

#include "../ops/support.hpp"

namespace xgrad::nn {
namespace {

/// A weight of ones and a bias of zeros.
template <class T>
void make_affine(Variable<T>& weight, Variable<T>& bias, const Shape& shape, const char* layer, Where where) {
  placed(where, layer, [&] {
    weight = Variable<T>(ones<T>(shape, Where{}), true, where);
    bias = Variable<T>(zeros<T>(shape, Where{}), true, where);
  });
}
/// Throws ValueError unless the option is from 0 to `most` and finite.
void check_option(const char* layer, const char* option, double value, double most, Where where) {
  if (value >= 0 && value <= most) return;
  throw ValueError(where, layer,
                   fmt::format("{} is {}; it must be {}", option, value, most == 1 ? "from 0 to 1" : "from 0 up and finite"));
}
constexpr double finite = std::numeric_limits<double>::max();
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
  check_option("BatchNorm", "momentum", o.momentum, 1, where);
  check_option("BatchNorm", "eps", o.eps, finite, where);
  if (o.affine) make_affine(weight, bias, {channels}, "BatchNorm", where);
}
template <class T>
void BatchNorm<T>::reset_parameters(Generator&) {
  reset_affine(weight, bias);
  reset_affine(running_var, running_mean);
}

template <class T>
LayerNorm<T>::LayerNorm(const Shape& shape, NormLayerOptions o, Where where) : options{static_cast<int>(shape.size()), o.eps} {
  if (shape.empty()) throw ShapeError(where, "LayerNorm", "the shape is (); it must have an axis at least");
  check_option("LayerNorm", "eps", o.eps, finite, where);
  if (o.affine) make_affine(weight, bias, shape, "LayerNorm", where);
}
template <class T>
void LayerNorm<T>::reset_parameters(Generator&) {
  reset_affine(weight, bias);
}

template <class T>
RMSNorm<T>::RMSNorm(std::size_t features, NormLayerOptions o, Where where) : eps(o.eps) {
  check_option("RMSNorm", "eps", o.eps, finite, where);
  if (o.affine) weight = placed(where, "RMSNorm", [&] { return Variable<T>(ones<T>(Shape{features}, Where{}), true, where); });
}
template <class T>
void RMSNorm<T>::reset_parameters(Generator&) {
  if (weight.defined()) weight.update([](Array<T>& w) { w.fill(1); });
}

template <class T>
GroupNorm<T>::GroupNorm(int group_count, std::size_t channels, NormLayerOptions o, Where where) : groups(group_count), eps(o.eps) {
  if (group_count < 1 || channels % static_cast<std::size_t>(group_count) != 0)
    throw ValueError(where, "GroupNorm",
                     fmt::format("there are {} groups; they must divide the {} channels", group_count, channels));
  check_option("GroupNorm", "eps", o.eps, finite, where);
  if (o.affine) make_affine(weight, bias, {channels}, "GroupNorm", where);
}
template <class T>
void GroupNorm<T>::reset_parameters(Generator&) {
  reset_affine(weight, bias);
}

Dropout::Dropout(double probability, Where where) : p(probability) { check_option("Dropout", "p", p, 1, where); }
Dropout2d::Dropout2d(double probability, Where where) : p(probability) { check_option("Dropout2d", "p", p, 1, where); }

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

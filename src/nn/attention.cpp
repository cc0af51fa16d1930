#include <xgrad/nn/attention.hpp>

#include <fmt/format.h>
#include <cmath>
#include <vector>

#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/arithmetic.hpp>
#include <xgrad/ops/index.hpp>
#include <xgrad/ops/linalg.hpp>
#include <xgrad/ops/shape.hpp>

#include "../ops/support.hpp"
#include "check.hpp"
#include "weighted.hpp"

namespace xgrad::nn {
using namespace xgrad::detail;
namespace {

/// (…, l, heads·d) to (…, heads, l, d).
template <class T>
Variable<T> cut_into_heads(Variable<T> x, std::size_t heads, Where at) {
  const Shape& whole = x.shape();
  const std::size_t rank = whole.size();
  Shape shape(rank + 1);
  for (std::size_t k = 0; k + 1 < rank; ++k) shape[k] = whole[k];
  shape[rank - 1] = heads;
  shape[rank] = whole[rank - 1] / heads;
  std::vector<std::ptrdiff_t> axes(shape.size());
  for (std::size_t k = 0; k < axes.size(); ++k) axes[k] = static_cast<std::ptrdiff_t>(k);
  std::swap(axes[axes.size() - 3], axes[axes.size() - 2]);
  return permute(reshape(std::move(x), shape, at), std::move(axes), at);
}
/// … and back.
template <class T>
Variable<T> join_heads(Variable<T> x, Where at) {
  std::vector<std::ptrdiff_t> axes(x.shape().size());
  for (std::size_t k = 0; k < axes.size(); ++k) axes[k] = static_cast<std::ptrdiff_t>(k);
  std::swap(axes[axes.size() - 3], axes[axes.size() - 2]);
  x = permute(std::move(x), std::move(axes), at);
  const Shape& cut = x.shape();
  const std::size_t rank = cut.size() - 1;
  Shape shape(rank);
  for (std::size_t k = 0; k < rank; ++k) shape[k] = cut[k];
  shape[rank - 1] *= cut[rank];
  return reshape(std::move(x), shape, at);
}

/// x (…, l, features), for a layer. Throws ShapeError.
template <class T>
void check_sequence(const Variable<T>& x, const char* what, std::size_t features, const char* layer, Where at) {
  const Shape& shape = shape_of(x, at, layer);
  if (shape.size() < 2 || shape.back() != features)
    throw ShapeError(at, layer, fmt::format("{} is {}; it must be (…, l, {})", what, to_string(shape), features));
}

}  // namespace

template <class T>
MultiheadAttention<T>::MultiheadAttention(std::size_t features, std::size_t heads, MultiheadAttentionOptions o, Where at)
    : out_proj(features, features, {.bias = o.bias, .init = o.init}, at), heads_(heads), init_(o.init), dropout_(o.dropout) {
  check_option("MultiheadAttention", "dropout", o.dropout, 1, at);
  if (heads < 1 || features % heads != 0)
    throw ValueError(at, "MultiheadAttention", fmt::format("heads is {}; it must divide the features, {}", heads, features));
  placed(at, "MultiheadAttention", [&] {
    const std::size_t rows = length_of(Wide{3} * features);
    make(in_proj_weight, in_proj_bias, {rows, features}, rows, o.bias, init_, at, "MultiheadAttention");
  });
}
template <class T>
void MultiheadAttention<T>::reset_parameters(Generator& generator) {
  draw(in_proj_weight, in_proj_bias, init_, generator);
}

template <class T>
Variable<T> MultiheadAttention<T>::attend(Variable<T> q, Variable<T> k, Variable<T> v, AttentionOptions<T> o, Where at) const {
  if (training && dropout_ > 0) o.dropout = dropout_;
  Variable<T> y = scaled_dot_product_attention(cut_into_heads(std::move(q), heads_, at), cut_into_heads(std::move(k), heads_, at),
                                               cut_into_heads(std::move(v), heads_, at), std::move(o), at);
  return out_proj(join_heads(std::move(y), at), at);
}
template <class T>
Variable<T> MultiheadAttention<T>::operator()(Variable<T> x, AttentionOptions<T> o, Where at) const {
  check_sequence(x, "x", in_proj_weight.shape()[1], "MultiheadAttention", at);
  auto parts = split(linear(std::move(x), in_proj_weight, in_proj_bias, at), 3, -1, at);
  return attend(std::move(parts[0]), std::move(parts[1]), std::move(parts[2]), std::move(o), at);
}
template <class T>
Variable<T> MultiheadAttention<T>::operator()(Variable<T> q, Variable<T> k, Variable<T> v, AttentionOptions<T> o, Where at) const {
  const std::size_t features = in_proj_weight.shape()[1];
  check_sequence(q, "q", features, "MultiheadAttention", at);
  check_sequence(k, "k", features, "MultiheadAttention", at);
  check_sequence(v, "v", features, "MultiheadAttention", at);
  const auto w = split(in_proj_weight, 3, 0, at);
  std::vector<Variable<T>> b(3);
  if (in_proj_bias.defined()) b = split(in_proj_bias, 3, 0, at);
  q = linear(std::move(q), w[0], b[0], at);
  k = linear(std::move(k), w[1], b[1], at);
  v = linear(std::move(v), w[2], b[2], at);
  return attend(std::move(q), std::move(k), std::move(v), std::move(o), at);
}

Mask padding_mask(const Indices& lengths, std::size_t length, Where at) {
  const Labels& values = lengths.values();
  if (values.dimension() != 1)
    throw ShapeError(at, "padding_mask", "lengths is " + to_string(values.shape()) + "; it must have one axis");
  for (const std::int64_t n : values)
    if (n < 0 || static_cast<std::size_t>(n) > length)
      throw ValueError(at, "padding_mask", fmt::format("a length is {}; it must be from 0 to {}", n, length));
  Mask mask = make_array<bool>(Shape{values.size(), 1, 1, length}, at, "padding_mask");
  for (std::size_t i = 0; i < mask.size(); ++i) mask.data()[i] = i % length < static_cast<std::size_t>(values.data()[i / length]);
  return mask;
}

template <class T>
TransformerEncoderLayer<T>::TransformerEncoderLayer(std::size_t features, std::size_t heads, TransformerEncoderLayerOptions o,
                                                    Where at)
    : self_attn(features, heads, {.dropout = o.dropout, .init = o.init.value_or(MultiheadAttentionOptions{}.init)}, at),
      linear1(features, o.dim_feedforward, {.init = o.init.value_or(LinearOptions{}.init)}, at),
      linear2(o.dim_feedforward, features, {.init = o.init.value_or(LinearOptions{}.init)}, at),
      norm1(features, {.eps = o.eps}, at),
      norm2(features, {.eps = o.eps}, at),
      dropout(o.dropout, at),
      dropout1(o.dropout, at),
      dropout2(o.dropout, at),
      norm_first_(o.norm_first),
      gelu_(o.gelu) {}

template <class T>
Variable<T> TransformerEncoderLayer<T>::operator()(Variable<T> x, AttentionOptions<T> o, Where at) const {
  const auto attention = [&](Variable<T> v) { return dropout1(self_attn(std::move(v), o, at), at); };
  const auto perceptron = [&](Variable<T> v) {
    v = linear1(std::move(v), at);
    v = gelu_ ? gelu(std::move(v), {}, at) : relu(std::move(v), at);
    return dropout2(linear2(dropout(std::move(v), at), at), at);
  };
  if (norm_first_) {
    x = add(x, attention(norm1(x, at)), at);
    return add(x, perceptron(norm2(x, at)), at);
  }
  x = norm1(add(x, attention(x), at), at);
  return norm2(add(x, perceptron(x), at), at);
}

template <Real T>
Array<T> sinusoidal_positions(std::size_t length, std::size_t features, Where at) {
  Array<T> result = make_array<T>(Shape{length, features}, at, "sinusoidal_positions");
  if (result.size() == 0) return result;  // and no loop over the other length
  for (std::size_t k = 0; k < features; ++k) {
    const double rate = std::pow(10000.0, -static_cast<double>(k - k % 2) / static_cast<double>(features));
    for (std::size_t t = 0; t < length; ++t) {
      const double angle = static_cast<double>(t) * rate;
      result.data()[t * features + k] = static_cast<T>(k % 2 == 0 ? std::sin(angle) : std::cos(angle));
    }
  }
  return result;
}
template <class T>
Variable<T> SinusoidalPositions::add_positions(Variable<T> x, Where at) {
  const Shape& shape = shape_of(x, at, "SinusoidalPositions");
  if (shape.size() < 2) throw ShapeError(at, "SinusoidalPositions", "x is " + to_string(shape) + "; it must be (…, l, features)");
  Variable<T> positions = sinusoidal_positions<T>(shape[shape.size() - 2], shape.back(), at);
  return add(std::move(x), std::move(positions), at);
}

template <class T>
LearnedPositions<T>::LearnedPositions(std::size_t length, std::size_t features, LearnedPositionsOptions o, Where at)
    : init(o.init) {
  Variable<T> none;
  make(weight, none, {length, features}, 0, false, init, at, "LearnedPositions");
}
template <class T>
void LearnedPositions<T>::reset_parameters(Generator& generator) {
  Variable<T> none;
  draw(weight, none, init, generator);
}
template <class T>
Variable<T> LearnedPositions<T>::operator()(Variable<T> x, Where at) const {
  const std::size_t length = weight.shape()[0], features = weight.shape()[1];
  check_sequence(x, "x", features, "LearnedPositions", at);
  const std::size_t places = x.shape()[x.shape().size() - 2];
  if (places > length)
    throw ShapeError(at, "LearnedPositions", fmt::format("x is {}; it must have at most {} places", to_string(x.shape()), length));
  Variable<T> positions = slice(weight, 0, {0, static_cast<std::ptrdiff_t>(places)}, at);
  return add(std::move(x), std::move(positions), at);
}

#define XGRAD_INSTANTIATE(T)                                                  \
  template class MultiheadAttention<T>;                                       \
  template class TransformerEncoderLayer<T>;                                  \
  template class LearnedPositions<T>;                                         \
  template Array<T> sinusoidal_positions<T>(std::size_t, std::size_t, Where); \
  template Variable<T> SinusoidalPositions::add_positions<T>(Variable<T> x, Where at);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad::nn

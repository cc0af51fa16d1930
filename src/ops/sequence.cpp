#include <xgrad/ops/sequence.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/arithmetic.hpp>
#include <xgrad/ops/dropout.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/extremes.hpp>
#include <xgrad/ops/linalg.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include "cells.hpp"
#include "support.hpp"

namespace xgrad {
using namespace detail;

namespace {

void check_attention(const Shape& q, const Shape& k, const Shape& v, Where at) {
  const std::size_t least = std::min({q.size(), k.size(), v.size()});
  if (least < 2 || q.back() != k.back() || k[k.size() - 2] != v[v.size() - 2])
    throw ShapeError(at, "scaled_dot_product_attention",
                     fmt::format("q is {}, k is {}, v is {}; they must be (…, l, e), (…, s, e) and (…, s, d)", to_string(q),
                                 to_string(k), to_string(v)));
}

/// Where queries may attend to keys: all that is asked for in one mask that broadcasts to the scores. None where all of them may.
template <class T>
std::optional<Mask> allowed_places(const AttentionOptions<T>& options, const Shape& scores) {
  std::optional<Mask> result;
  const auto combine = [&](const Mask& more) {
    Mask padded = more;
    if (padded.dimension() < 2) {  // with an axis of queries and one of keys
      const std::array<std::size_t, 2> shape{1, padded.size()};
      padded.reshape(shape);
    }
    result = result ? Mask(*result && padded) : std::move(padded);
  };
  if (options.causal) {
    Mask causal = make_array<bool>(Shape{scores[scores.size() - 2], scores.back()});
    for (std::size_t i = 0; i < causal.size(); ++i) causal.data()[i] = i % scores.back() <= i / scores.back();
    combine(causal);
  }
  if (options.mask.allowed()) combine(*options.mask.allowed());
  if (options.mask.added().defined()) {
    const Array<T>& added = options.mask.added().value();
    Mask finite = make_array<bool>(added.shape());
    std::transform(added.data(), added.data() + added.size(), finite.data(),
                   [](T m) { return m != -std::numeric_limits<T>::infinity(); });
    if (std::find(finite.data(), finite.data() + finite.size(), false) != finite.data() + finite.size()) combine(finite);
  }
  return result;
}

/// x (…, in) and h (…, hidden) times the weights of `gates` gates each. Throws ShapeError where they do not fit.
template <class T>
void check_cell(std::string_view name, std::size_t gates, const Variable<T>& x, const Variable<T>& h, const Variable<T>& weight_ih,
                const Variable<T>& weight_hh, const Variable<T>& bias_ih, const Variable<T>& bias_hh, Where at) {
  const Shape &input = shape_of(x, at, name), &state = shape_of(h, at, name);
  if (input.empty() || state.empty())
    throw ShapeError(at, name,
                     fmt::format("x is {}, h is {}; they must be (…, in) and (…, hidden)", to_string(input), to_string(state)));
  const std::size_t rows = placed(at, name, [&] { return length_of(Wide{gates} * state.back()); });
  const auto check = [&](const Variable<T>& v, const char* what, const Shape& expected) {
    if (shape_of(v, at, name) != expected)
      throw ShapeError(at, name,
                       fmt::format("x is {}, h is {}, {} is {}; it must be {}", to_string(input), to_string(state), what,
                                   to_string(v.shape()), to_string(expected)));
  };
  check(weight_ih, "weight_ih", {rows, input.back()});
  check(weight_hh, "weight_hh", {rows, state.back()});
  if (bias_ih.defined()) check(bias_ih, "bias_ih", {rows});
  if (bias_hh.defined()) check(bias_hh, "bias_hh", {rows});
}

}  // namespace

template <class T>
Variable<T> scaled_dot_product_attention(Variable<T> q, std::type_identity_t<Variable<T>> k, std::type_identity_t<Variable<T>> v,
                                         std::type_identity_t<AttentionOptions<T>> options, Where at) try {
  const Shape &queries = shape_of(q, at), &keys = shape_of(k, at);
  check_attention(queries, keys, shape_of(v, at), at);
  const double scale = options.scale.value_or(1 / std::sqrt(static_cast<double>(queries.back())));
  if (options.scale && !std::isfinite(scale))
    throw ValueError(at, "scaled_dot_product_attention", fmt::format("scale is {}; it must be finite", scale));
  Variable<T> scores = matmul(mul(std::move(q), static_cast<T>(scale), at), std::move(k), {.transpose_b = true}, at);
  const Variable<T>& added = options.mask.added();
  if (options.mask.allowed() || added.defined()) {
    const Shape& mask = added.defined() ? added.shape() : options.mask.allowed()->shape();
    if (!broadcasts_to(mask, scores.shape()))
      throw ShapeError(
          at, "scaled_dot_product_attention",
          fmt::format("the mask is {}; it must broadcast to the scores' {}", to_string(mask), to_string(scores.shape())));
  }
  const std::optional<Mask> allowed = allowed_places<T>(options, scores.shape());
  if (added.defined()) scores = add(std::move(scores), added, at);
  const auto dropped = [&](Variable<T> weights) {
    return options.dropout == 0 ? std::move(weights) : dropout(std::move(weights), options.dropout, {}, default_generator(), at);
  };
  if (!allowed) return matmul(dropped(softmax(std::move(scores), -1, at)), std::move(v), {}, at);
  // -inf where a query may not attend, but 0 along a row that is forbidden as a whole, which softmax would make NaN of.
  const Mask some = any(*allowed, -1, {.keepdims = true});
  Array<T> instead = make_array<T>(some.shape(), at);
  std::transform(some.data(), some.data() + some.size(), instead.data(),
                 [](bool s) { return s ? -std::numeric_limits<T>::infinity() : T(0); });
  Variable<T> weights = softmax(detail::select<T>(*allowed, std::move(scores), std::move(instead), at), -1, at);
  if (!xgrad::all(some).data()[0]) weights = detail::select<T>(some, std::move(weights), T(0), at);
  return matmul(dropped(std::move(weights)), std::move(v), {}, at);
} catch (Error& error) {
  called(error, at);
}

template <class T>
LSTMState<T> lstm_step(Variable<T> of_x, LSTMState<T> state, Variable<T> weight_hh, Variable<T> bias_hh, Where at) {
  static const auto memory =
      elementwise("lstm_cell", [](auto i, auto f, auto g, auto c) { return sigmoid(f) * c + sigmoid(i) * tanh(g); });
  static const auto output = elementwise("lstm_cell", [](auto o, auto c) { return sigmoid(o) * tanh(c); });
  Variable<T> gates = add(std::move(of_x), linear(std::move(state.h), std::move(weight_hh), std::move(bias_hh), at), at);
  auto parts = split(std::move(gates), 4, -1, at);
  Variable<T> c = memory(std::move(parts[0]), std::move(parts[1]), std::move(parts[2]), std::move(state.c), at);
  Variable<T> h = output(std::move(parts[3]), c, at);
  return {std::move(h), std::move(c)};
}

template <class T>
Variable<T> gru_step(Variable<T> of_x, Variable<T> h, Variable<T> weight_hh, Variable<T> bias_hh, Where at) {
  static const auto step = elementwise("gru_cell", [](auto xr, auto xz, auto xn, auto hr, auto hz, auto hn, auto before) {
    const auto n = tanh(xn + sigmoid(xr + hr) * hn);
    return n + sigmoid(xz + hz) * (before - n);
  });
  auto x = split(std::move(of_x), 3, -1, at);
  auto parts = split(linear(h, std::move(weight_hh), std::move(bias_hh), at), 3, -1, at);
  return step(std::move(x[0]), std::move(x[1]), std::move(x[2]), std::move(parts[0]), std::move(parts[1]), std::move(parts[2]),
              std::move(h), at);
}

template <class T>
LSTMState<T> lstm_cell(Variable<T> x, std::type_identity_t<LSTMState<T>> state, std::type_identity_t<Variable<T>> weight_ih,
                       std::type_identity_t<Variable<T>> weight_hh, std::type_identity_t<Variable<T>> bias_ih,
                       std::type_identity_t<Variable<T>> bias_hh, Where at) try {
  check_cell("lstm_cell", 4, x, state.h, weight_ih, weight_hh, bias_ih, bias_hh, at);
  if (shape_of(state.c, at) != state.h.shape())
    throw ShapeError(at, "lstm_cell",
                     fmt::format("h is {}, c is {}; they must be equal", to_string(state.h.shape()), to_string(state.c.shape())));
  Variable<T> of_x = linear(std::move(x), std::move(weight_ih), std::move(bias_ih), at);
  return lstm_step(std::move(of_x), std::move(state), std::move(weight_hh), std::move(bias_hh), at);
} catch (Error& error) {
  called(error, at);
}

template <class T>
Variable<T> gru_cell(Variable<T> x, std::type_identity_t<Variable<T>> h, std::type_identity_t<Variable<T>> weight_ih,
                     std::type_identity_t<Variable<T>> weight_hh, std::type_identity_t<Variable<T>> bias_ih,
                     std::type_identity_t<Variable<T>> bias_hh, Where at) try {
  check_cell("gru_cell", 3, x, h, weight_ih, weight_hh, bias_ih, bias_hh, at);
  Variable<T> of_x = linear(std::move(x), std::move(weight_ih), std::move(bias_ih), at);
  return gru_step(std::move(of_x), std::move(h), std::move(weight_hh), std::move(bias_hh), at);
} catch (Error& error) {
  called(error, at);
}

XGRAD_BOTH(scaled_dot_product_attention);
XGRAD_BOTH(lstm_step);
XGRAD_BOTH(lstm_cell);
XGRAD_BOTH(gru_step);
XGRAD_BOTH(gru_cell);

}  // namespace xgrad

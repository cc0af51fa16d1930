#include <xgrad/ops/sequence.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <vector>

#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/arithmetic.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/linalg.hpp>
#include <xgrad/ops/shape.hpp>

#include "support.hpp"

namespace xgrad {
namespace {

/// What stands for -inf where a query may not attend: exp makes 0 of it, and a query with nothing else does not become NaN.
constexpr double nothing = -1e30;

void check_attention(const Shape& q, const Shape& k, const Shape& v, Where where) {
  const std::size_t least = std::min({q.size(), k.size(), v.size()});
  if (least < 2 || q.back() != k.back() || k[k.size() - 2] != v[v.size() - 2])
    throw ShapeError(where, "scaled_dot_product_attention",
                     fmt::format("q is {}, k is {}, v is {}; they must be (…, l, e), (…, s, e) and (…, s, d)", to_string(q),
                                 to_string(k), to_string(v)));
}

Mask causal_mask(std::size_t queries, std::size_t keys) {
  Mask mask = make_array<bool>(Shape{queries, keys});
  for (std::size_t i = 0; i < mask.size(); ++i) mask.data()[i] = i % keys <= i / keys;
  return mask;
}

/// x (…, in) and h (…, hidden) times the weights of `gates` gates each. Throws ShapeError where they do not fit.
template <class T>
void check_cell(std::string_view name, std::size_t gates, const Variable<T>& x, const Variable<T>& h, const Variable<T>& w_ih,
                const Variable<T>& w_hh, const Variable<T>& b_ih, const Variable<T>& b_hh, Where where) {
  const Shape &input = x.shape(where), &state = h.shape(where);
  if (input.empty() || state.empty())
    throw ShapeError(where, name,
                     fmt::format("x is {}, h is {}; they must be (…, in) and (…, hidden)", to_string(input), to_string(state)));
  const std::size_t rows = placed(where, name, [&] { return length_of(Wide{gates} * state.back()); });
  const auto check = [&](const Variable<T>& v, const char* what, const Shape& expected) {
    if (v.shape(where) != expected)
      throw ShapeError(where, name,
                       fmt::format("x is {}, h is {}, {} is {}; it must be {}", to_string(input), to_string(state), what,
                                   to_string(v.shape()), to_string(expected)));
  };
  check(w_ih, "w_ih", {rows, input.back()});
  check(w_hh, "w_hh", {rows, state.back()});
  if (b_ih.defined()) check(b_ih, "b_ih", {rows});
  if (b_hh.defined()) check(b_hh, "b_hh", {rows});
}

}  // namespace

template <class T>
Variable<T> scaled_dot_product_attention(Variable<T> q, std::type_identity_t<Variable<T>> k, std::type_identity_t<Variable<T>> v,
                                         AttentionOptions options, Where where) {
  const Shape &queries = q.shape(where), &keys = k.shape(where);
  check_attention(queries, keys, v.shape(where), where);
  std::vector<Mask> masks;
  if (options.causal)
    masks.push_back(placed(where, "scaled_dot_product_attention",
                           [&] { return causal_mask(queries[queries.size() - 2], keys[keys.size() - 2]); }));
  if (options.mask) masks.push_back(std::move(*options.mask));
  const double scale = options.scale.value_or(1 / std::sqrt(static_cast<double>(queries.back())));
  Variable<T> scores = matmul(mul(std::move(q), static_cast<T>(scale), where), std::move(k), {.transpose_b = true}, where);
  for (const Mask& mask : masks) {
    if (!broadcasts_to(mask.shape(), scores.shape()))
      throw ShapeError(where, "scaled_dot_product_attention",
                       fmt::format("the mask is {}, which does not broadcast to the scores' {}", to_string(mask.shape()),
                                   to_string(scores.shape())));
    scores = detail::select<T>(mask, std::move(scores), static_cast<T>(nothing), where);
  }
  Variable<T> weights = softmax(std::move(scores), -1, where);
  if (options.mask)  // the rows of queries that may attend to nothing; a causal mask alone has none
    for (const Mask& mask : masks) weights = detail::select<T>(mask, std::move(weights), T(0), where);
  return matmul(std::move(weights), std::move(v), {}, where);
}

template <class T>
LSTMState<T> lstm_cell(Variable<T> x, std::type_identity_t<LSTMState<T>> state, std::type_identity_t<Variable<T>> w_ih,
                       std::type_identity_t<Variable<T>> w_hh, std::type_identity_t<Variable<T>> b_ih,
                       std::type_identity_t<Variable<T>> b_hh, Where where) {
  static const auto memory =
      elementwise("lstm_cell", [](auto i, auto f, auto g, auto c) { return sigmoid(f) * c + sigmoid(i) * tanh(g); });
  static const auto output = elementwise("lstm_cell", [](auto o, auto c) { return sigmoid(o) * tanh(c); });
  check_cell("lstm_cell", 4, x, state.h, w_ih, w_hh, b_ih, b_hh, where);
  if (state.c.shape(where) != state.h.shape())
    throw ShapeError(where, "lstm_cell",
                     fmt::format("h is {}, c is {}; they must be equal", to_string(state.h.shape()), to_string(state.c.shape())));
  Variable<T> gates = add(linear(std::move(x), std::move(w_ih), std::move(b_ih), where),
                          linear(std::move(state.h), std::move(w_hh), std::move(b_hh), where), where);
  auto parts = split(std::move(gates), 4, -1, where);
  Variable<T> c = memory(std::move(parts[0]), std::move(parts[1]), std::move(parts[2]), std::move(state.c), where);
  Variable<T> h = output(std::move(parts[3]), c, where);
  return {std::move(h), std::move(c)};
}

template <class T>
Variable<T> gru_cell(Variable<T> x, std::type_identity_t<Variable<T>> h, std::type_identity_t<Variable<T>> w_ih,
                     std::type_identity_t<Variable<T>> w_hh, std::type_identity_t<Variable<T>> b_ih,
                     std::type_identity_t<Variable<T>> b_hh, Where where) {
  static const auto step = elementwise("gru_cell", [](auto xr, auto xz, auto xn, auto hr, auto hz, auto hn, auto before) {
    const auto n = tanh(xn + sigmoid(xr + hr) * hn);
    return n + sigmoid(xz + hz) * (before - n);
  });
  check_cell("gru_cell", 3, x, h, w_ih, w_hh, b_ih, b_hh, where);
  auto of_x = split(linear(std::move(x), std::move(w_ih), std::move(b_ih), where), 3, -1, where);
  auto of_h = split(linear(h, std::move(w_hh), std::move(b_hh), where), 3, -1, where);
  return step(std::move(of_x[0]), std::move(of_x[1]), std::move(of_x[2]), std::move(of_h[0]), std::move(of_h[1]),
              std::move(of_h[2]), std::move(h), where);
}

XGRAD_BOTH(scaled_dot_product_attention);
XGRAD_BOTH(lstm_cell);
XGRAD_BOTH(gru_cell);

}  // namespace xgrad

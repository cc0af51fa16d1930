// RNN, GRU and LSTM, step by step.
#include <algorithm>

#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/linalg.hpp>

#include "call.hpp"

namespace xgrad::onnx {

namespace {

using Integer = std::int64_t;

/// What one direction is given. Weights of the gates are one under the other.
template <class T>
struct Direction {
  Variable<T> w, r, wb, rb;  ///< (gates · h, in), (gates · h, h), (gates · h) twice or undefined
  Variable<T> h, c;          ///< (batch, h)
  Variable<T> peepholes;     ///< (3 · h) or undefined
};

template <class T>
Variable<T> plus(Variable<T> a, const Variable<T>& b, Where at) {
  return b.defined() ? add(std::move(a), b, at) : a;
}
/// Gate k of so many along the last axis.
template <class T>
Variable<T> gate(const Variable<T>& all, std::ptrdiff_t k, std::ptrdiff_t hidden, Where at) {
  return all.defined() ? slice(all, -1, {.start = k * hidden, .stop = (k + 1) * hidden}, at) : all;
}
template <class T>
Variable<T> rows_of_gate(const Variable<T>& w, std::ptrdiff_t k, std::ptrdiff_t hidden, Where at) {
  return slice(w, 0, {.start = k * hidden, .stop = (k + 1) * hidden}, at);
}

/// A step: from x (batch, gates · h), the input's product with its bias, to new h, and c where there is one.
template <class T>
void rnn_step(Direction<T>& d, const Variable<T>& x, std::ptrdiff_t, bool, Where at) {
  d.h = tanh(add(x, plus(linear(d.h, d.r, {}, at), d.rb, at), at), at);
}
template <class T>
void gru_step(Direction<T>& d, const Variable<T>& x, std::ptrdiff_t n, bool linear_first, Where at) {
  const Variable<T> all = plus(linear(d.h, d.r, {}, at), d.rb, at);
  const Variable<T> z = sigmoid(add(gate(x, 0, n, at), gate(all, 0, n, at), at), at);
  const Variable<T> r = sigmoid(add(gate(x, 1, n, at), gate(all, 1, n, at), at), at);
  const Variable<T> inner = linear_first
                                ? mul(r, gate(all, 2, n, at), at)
                                : plus(linear(mul(r, d.h, at), rows_of_gate(d.r, 2, n, at), {}, at), gate(d.rb, 2, n, at), at);
  const Variable<T> fresh = tanh(add(gate(x, 2, n, at), inner, at), at);
  d.h = add(fresh, mul(z, sub(d.h, fresh, at), at), at);
}
template <class T>
void lstm_step(Direction<T>& d, const Variable<T>& x, std::ptrdiff_t n, bool, Where at) {
  const Variable<T> all = add(x, plus(linear(d.h, d.r, {}, at), d.rb, at), at);
  const auto peeped = [&](Variable<T> g, std::ptrdiff_t k, const Variable<T>& cell) {
    return d.peepholes.defined() ? add(std::move(g), mul(gate(d.peepholes, k, n, at), cell, at), at) : g;
  };
  const Variable<T> i = sigmoid(peeped(gate(all, 0, n, at), 0, d.c), at), f = sigmoid(peeped(gate(all, 2, n, at), 2, d.c), at);
  d.c = add(mul(f, d.c, at), mul(i, tanh(gate(all, 3, n, at), at), at), at);
  const Variable<T> o = sigmoid(peeped(gate(all, 1, n, at), 1, d.c), at);
  d.h = mul(o, tanh(d.c, at), at);
}

template <class T>
Values<T> recur(Call<T>& c, std::size_t gates, bool cell, const std::vector<std::string>& activations,
                void (*step)(Direction<T>&, const Variable<T>&, std::ptrdiff_t, bool, Where)) {
  const std::string way = c.text("direction", "forward");
  if (way != "forward" && way != "reverse" && way != "bidirectional")
    c.refuse("direction is '" + way + "'; it must be forward, reverse or bidirectional");
  const std::size_t directions = way == "bidirectional" ? 2 : 1;
  const std::vector<std::string> named = c.texts("activations");
  for (std::size_t k = 0; k < named.size(); ++k)
    if (k >= directions * activations.size() || named[k] != activations[k % activations.size()])
      c.refuse("activation " + std::to_string(k) + " is " + named[k] + "; they must be those that are so by default");
  if (c.integer("input_forget", 0) != 0) c.refuse("input_forget is not 0; it must be");
  const bool batch_first = c.integer("layout", 0) != 0, linear_first = c.integer("linear_before_reset", 0) != 0;
  Variable<T> x = c.real(0);
  const Variable<T> w = c.real(1), r = c.real(2), bias = c.has(3) ? c.real(3) : Variable<T>();
  if (x.shape().size() != 3 || w.shape().size() != 3 || r.shape().size() != 3) c.refuse("X, W and R must have 3 axes");
  if (batch_first) x = permute(std::move(x), {1, 0, 2}, c.where);
  const std::size_t steps = x.shape()[0], batch = x.shape()[1], hidden = r.shape()[2];
  if (x.size() == 0 || hidden == 0)  // any number of steps could be without elements
    c.refuse("X is (steps, batch, …) = " + to_string(x.shape()) + " and R " + to_string(r.shape()) + "; they must have elements");
  const auto n = static_cast<std::ptrdiff_t>(hidden);
  if (c.integer("hidden_size", n) != n) c.refuse("hidden_size is not that of R; they must be equal");
  if (w.shape() != Shape{directions, gates * hidden, x.shape()[2]} || r.shape() != Shape{directions, gates * hidden, hidden})
    c.refuse("W is " + to_string(w.shape()) + " and R " + to_string(r.shape()) + "; they must be (directions, gates · hidden, …)");
  if (bias.defined() && bias.shape() != Shape{directions, 2 * gates * hidden})
    c.refuse("B is " + to_string(bias.shape()) + "; it must be (directions, 2 · gates · hidden)");
  std::vector<Integer> lengths;
  if (c.has(4)) {
    lengths = c.list(4);
    if (lengths.size() != batch)
      c.refuse("there are " + std::to_string(lengths.size()) + " lengths; there must be one for each sequence");
    for (const Integer length : lengths)
      if (length < 0 || static_cast<std::size_t>(length) > steps)
        c.refuse("a length is " + std::to_string(length) + "; it must be from 0 to " + std::to_string(steps));
    if (std::all_of(lengths.begin(), lengths.end(), [&](Integer length) { return static_cast<std::size_t>(length) == steps; }))
      lengths.clear();
    if (!lengths.empty() && way != "forward")
      c.refuse("sequences have different lengths and direction is " + way + "; it must be forward then");
  }
  const auto initial = [&](std::size_t input) {
    if (!c.has(input)) return Variable<T>(zeros<T>(Shape{directions, batch, hidden}, c.where));
    Variable<T> value = c.real(input);
    if (value.shape().size() == 3 && batch_first) value = permute(std::move(value), {1, 0, 2}, c.where);
    if (value.shape() != Shape{directions, batch, hidden})
      c.refuse("input " + std::to_string(input) + " is " + to_string(value.shape()) + "; it must be (directions, batch, hidden)");
    return value;
  };
  const Variable<T> h0 = initial(5), c0 = cell ? initial(6) : Variable<T>();
  const Variable<T> peepholes = cell && c.has(7) ? c.real(7) : Variable<T>();
  if (peepholes.defined() && peepholes.shape() != Shape{directions, 3 * hidden})
    c.refuse("P is " + to_string(peepholes.shape()) + "; it must be (directions, 3 · hidden)");
  std::vector<Variable<T>> all, last_h, last_c;
  for (std::size_t k = 0; k < directions; ++k) {
    const auto at = static_cast<std::ptrdiff_t>(k), width = static_cast<std::ptrdiff_t>(gates * hidden);
    const auto part = [&](const Variable<T>& v) { return v.defined() ? select(v, 0, at, c.where) : v; };
    Direction<T> d{part(w), part(r), {}, {}, part(h0), part(c0), part(peepholes)};
    if (bias.defined()) {
      d.wb = slice(part(bias), 0, {.start = 0, .stop = width}, c.where);
      d.rb = slice(part(bias), 0, {.start = width, .stop = 2 * width}, c.where);
    }
    const Variable<T> products = linear(x, d.w, d.wb, c.where);
    const bool backward = way == "reverse" || k == 1;
    std::vector<Variable<T>> outputs(steps);
    for (std::size_t t = 0; t < steps; ++t) {
      const std::size_t now = backward ? steps - 1 - t : t;
      const Variable<T> h = d.h, old_c = d.c;
      step(d, select(products, 0, static_cast<std::ptrdiff_t>(now), c.where), n, linear_first, c.where);
      outputs[now] = d.h;
      if (lengths.empty()) continue;
      Mask running = make_array<bool>(Shape{batch, 1}, c.where);
      for (std::size_t b = 0; b < batch; ++b) running.data()[b] = static_cast<std::size_t>(lengths[b]) > now;
      outputs[now] = xgrad::where(running, d.h, scalar<T>(0), c.where);
      d.h = xgrad::where(running, d.h, h, c.where);
      if (cell) d.c = xgrad::where(running, d.c, old_c, c.where);
    }
    all.push_back(stack(std::move(outputs), 0, c.where));
    last_h.push_back(d.h);
    last_c.push_back(d.c);
  }
  Variable<T> y = stack(std::move(all), 1, c.where);  // (steps, directions, batch, hidden)
  if (batch_first) y = permute(std::move(y), {2, 0, 1, 3}, c.where);
  const int axis = batch_first ? 1 : 0;
  Values<T> result = one<T>(std::move(y));
  result.push_back(stack(std::move(last_h), axis, c.where));
  if (cell) result.push_back(stack(std::move(last_c), axis, c.where));
  return result;
}

template <class T>
Values<T> rnn(Call<T>& c) {
  return recur<T>(c, 1, false, {"Tanh"}, rnn_step<T>);
}
template <class T>
Values<T> gru(Call<T>& c) {
  return recur<T>(c, 3, false, {"Sigmoid", "Tanh"}, gru_step<T>);
}
template <class T>
Values<T> lstm(Call<T>& c) {
  return recur<T>(c, 4, true, {"Sigmoid", "Tanh", "Tanh"}, lstm_step<T>);
}

}  // namespace

template <class T>
void add_recurrent(Table<T>& table) {
  table.insert({
      {"GRU", {gru<T>}},
      {"LSTM", {lstm<T>}},
      {"RNN", {rnn<T>}},
  });
}
template void add_recurrent<float>(Table<float>&);
template void add_recurrent<double>(Table<double>&);

}  // namespace xgrad::onnx

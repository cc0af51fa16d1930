#include <xgrad/nn/recurrent.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <vector>

#include <xgrad/ops/dropout.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/index.hpp>
#include <xgrad/ops/linalg.hpp>
#include <xgrad/ops/shape.hpp>

#include "../ops/cells.hpp"
#include "../ops/support.hpp"
#include "check.hpp"

namespace xgrad::nn {
using namespace xgrad::detail;

namespace {

/// Draws weights by `init`, and then biases are 0; without it both uniformly from ±1/√hidden.
template <class T>
void draw(Variable<T>& v, std::size_t hidden, const std::optional<Init>& init, Generator& generator, Where at) {
  if (!v.defined()) return;
  v.update([&](Array<T>& a) {
    if (!init) {
      const double bound = hidden > 0 ? 1 / std::sqrt(static_cast<double>(hidden)) : 0;
      generator.fill_uniform(a, -bound, bound);
    } else if (a.dimension() == 2) {
      (*init)(a, generator, at);
    } else {
      a.fill(0);
    }
  });
}

/// Which sequences have a step t; none where all of them do.
std::optional<Mask> running(const std::optional<Labels>& lengths, std::size_t t) {
  if (!lengths) return {};
  Mask mask = make_array<bool>(Shape{lengths->size(), 1});
  std::transform(lengths->data(), lengths->data() + lengths->size(), mask.data(),
                 [&](std::int64_t length) { return static_cast<std::size_t>(length) > t; });
  if (std::find(mask.data(), mask.data() + mask.size(), false) == mask.data() + mask.size()) return {};
  return mask;
}
template <class T>
Variable<T> either(const std::optional<Mask>& mask, Variable<T> a, Variable<T> b, Where at) {
  return mask ? xgrad::detail::select<T>(*mask, std::move(a), std::move(b), at) : std::move(a);
}

std::string suffix(std::size_t layer, bool reverse) { return fmt::format("_l{}{}", layer, reverse ? "_reverse" : ""); }

}  // namespace

template <class T>
RecurrentCell<T>::RecurrentCell(std::size_t gates, std::size_t in, std::size_t hidden_size, const RecurrentOptions& o, Where at)
    : init(o.init) {
  placed(at, gates == 4 ? "LSTMCell" : "GRUCell", [&] {
    const std::size_t rows = length_of(Wide{gates} * hidden_size);
    weight_ih = Variable<T>(zeros<T>(Shape{rows, in}, Where{}), true, at);
    weight_hh = Variable<T>(zeros<T>(Shape{rows, hidden_size}, Where{}), true, at);
    if (o.bias) {
      bias_ih = Variable<T>(zeros<T>(Shape{rows}, Where{}), true, at);
      bias_hh = Variable<T>(zeros<T>(Shape{rows}, Where{}), true, at);
    }
    reset_parameters(default_generator());
  });
}
template <class T>
void RecurrentCell<T>::reset_parameters(Generator& generator) {
  for (Variable<T>* v : {&weight_ih, &weight_hh, &bias_ih, &bias_hh}) draw(*v, hidden(), init, generator, Where{});
}

template <class T>
RecurrentLayers<T>::RecurrentLayers(std::size_t gates, std::size_t in, std::size_t hidden, RecurrentLayerOptions o, Where at)
    : options(o), gates_(gates), in_(in), hidden_(hidden) {
  const char* name = gates == 4 ? "LSTM" : "GRU";
  check_option(name, "dropout", o.dropout, 1, at);
  if (o.layers < 1) throw ValueError(at, name, "layers is 0; it must be at least 1");
  placed(at, name, [&] {
    const std::size_t rows = length_of(Wide{gates} * hidden), directions = o.bidirectional ? 2 : 1;
    for (std::size_t layer = 0; layer < o.layers; ++layer)
      for (std::size_t direction = 0; direction < directions; ++direction) {
        const std::string end = suffix(layer, direction == 1);
        const std::size_t inputs = layer == 0 ? in : length_of(Wide{directions} * hidden);
        weights.emplace("weight_ih" + end, Variable<T>(zeros<T>(Shape{rows, inputs}, Where{}), true, at));
        weights.emplace("weight_hh" + end, Variable<T>(zeros<T>(Shape{rows, hidden}, Where{}), true, at));
        if (!o.bias) continue;
        weights.emplace("bias_ih" + end, Variable<T>(zeros<T>(Shape{rows}, Where{}), true, at));
        weights.emplace("bias_hh" + end, Variable<T>(zeros<T>(Shape{rows}, Where{}), true, at));
      }
    reset_parameters(default_generator());
  });
}
template <class T>
void RecurrentLayers<T>::reset_parameters(Generator& generator) {
  for (std::size_t layer = 0; layer < options.layers; ++layer)
    for (const bool reverse : {false, true})
      for (const char* name : {"weight_ih", "weight_hh", "bias_ih", "bias_hh"})
        if (const auto found = weights.find(name + suffix(layer, reverse)); found != weights.end())
          draw(found->second, hidden_, options.init, generator, Where{});
}

template <class T>
Variable<T> RecurrentLayers<T>::run(Variable<T> x, Variable<T>& h, Variable<T>& c, const std::optional<Labels>& lengths,
                                    Where at) const try {
  const bool is_lstm = gates_ == 4;
  const char* name = is_lstm ? "LSTM" : "GRU";
  const Shape shape = shape_of(x, at, name);
  const std::size_t directions = options.bidirectional ? 2 : 1;
  if (shape.size() != 3 || shape[1] == 0 || shape[2] != in_)
    throw ShapeError(fmt::format("x is {}; it must be (n, l, {}), l at least 1", to_string(shape), in_));
  const Shape states{options.layers * directions, shape[0], hidden_};
  for (Variable<T>* state : {&h, &c}) {
    if (!state->defined()) *state = Variable<T>(full<T>(states, T(0), at));
    if (state->shape() != states)
      throw ShapeError(fmt::format("the state is {}; it must be {}", to_string(state->shape()), to_string(states)));
  }
  if (lengths) {
    if (lengths->shape() != Shape{shape[0]})
      throw ShapeError(fmt::format("lengths is {}; it must be {}", to_string(lengths->shape()), to_string(Shape{shape[0]})));
    for (const std::int64_t length : *lengths)
      if (length < 0 || static_cast<std::size_t>(length) > shape[1])
        throw ValueError(fmt::format("a length is {}; it must be from 0 to {}", length, shape[1]));
  }
  std::vector<std::optional<Mask>> masks;
  for (std::size_t t = 0; t < shape[1]; ++t) masks.push_back(running(lengths, t));

  std::vector<Variable<T>> last_h, last_c;
  if (lengths) {  // or what is no number there would be one of its neighbours in the gradients
    Mask padding = make_array<bool>(Shape{shape[0], shape[1], 1});
    for (std::size_t i = 0; i < padding.size(); ++i)
      padding.data()[i] = i % shape[1] >= static_cast<std::size_t>(lengths->data()[i / shape[1]]);
    x = masked_fill(std::move(x), padding, Variable<T>(T(0)), at);
  }
  x = permute(std::move(x), {1, 0, 2}, at);
  for (std::size_t layer = 0; layer < options.layers; ++layer) {
    std::vector<Variable<T>> both;
    for (std::size_t direction = 0; direction < directions; ++direction) {
      const std::string end = suffix(layer, direction == 1);
      const auto weight = [&](const char* what) {
        const auto found = weights.find(what + end);
        return found == weights.end() ? Variable<T>() : found->second;
      };
      const Variable<T> weight_hh = weight("weight_hh"), bias_hh = weight("bias_hh");
      const Variable<T> products = linear(x, weight("weight_ih"), weight("bias_ih"), at);
      std::vector<Variable<T>> steps(shape[1]);
      const auto k = static_cast<std::ptrdiff_t>(last_h.size());
      LSTMState<T> state{select(h, 0, k, at), select(c, 0, k, at)};
      for (std::size_t i = 0; i < steps.size(); ++i) {
        const std::size_t t = direction == 0 ? i : steps.size() - 1 - i;
        Variable<T> product = select(products, 0, static_cast<std::ptrdiff_t>(t), at);
        LSTMState<T> next;
        if (is_lstm)
          next = lstm_step(std::move(product), state, weight_hh, bias_hh, at);
        else
          next.h = gru_step(std::move(product), state.h, weight_hh, bias_hh, at);
        steps[t] = either(masks[t], next.h, Variable<T>(T(0)), at);
        state.h = either(masks[t], std::move(next.h), std::move(state.h), at);
        if (is_lstm) state.c = either(masks[t], std::move(next.c), std::move(state.c), at);
      }
      last_h.push_back(std::move(state.h));
      last_c.push_back(std::move(state.c));
      both.push_back(stack(std::move(steps), 0, at));
    }
    x = directions == 1 ? std::move(both[0]) : concat(std::move(both), -1, at);
    if (layer + 1 < options.layers && options.dropout > 0)
      x = dropout(std::move(x), options.dropout, {training}, default_generator(), at);
  }
  h = stack(std::move(last_h), 0, at);
  if (is_lstm) c = stack(std::move(last_c), 0, at);
  return permute(std::move(x), {1, 0, 2}, at);
} catch (Error& error) {
  called(error, at, gates_ == 4 ? "LSTM" : "GRU");
}

#define XGRAD_INSTANTIATE(T)       \
  template class RecurrentCell<T>; \
  template class RecurrentLayers<T>;
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad::nn

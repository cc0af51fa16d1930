#include "table.hpp"

namespace golden {
namespace {

/// A layer's parameters, in their order, are x from `first` on.
template <class T, class Net>
Net with(Net net, const In<T>& x, std::size_t first) {
  nn::visit(net, [&](const std::string&, Variable<T>& v) { v = x.at(first++); });
  return net;
}
/// ... of a recurrent layer, in PyTorch's order.
template <class T, class Net>
Net with_weights(Net net, const In<T>& x, std::size_t first) {
  for (std::size_t layer = 0; layer < net.options.layers; ++layer)
    for (const char* end : {"", "_reverse"})
      for (const char* name : {"weight_ih_l", "weight_hh_l", "bias_ih_l", "bias_hh_l"})
        if (const auto found = net.weights.find(name + std::to_string(layer) + end); found != net.weights.end())
          found->second = x.at(first++);
  return net;
}

template <class T>
In<T> lstm(const In<T>& x, std::size_t hidden, std::size_t layers, bool both, std::optional<Labels> lengths = {}) {
  const auto net = with_weights(nn::LSTM<T>(x[0].shape()[2], hidden, {.layers = layers, .bidirectional = both}), x, 3);
  const auto [y, state] = net(x[0], {.state = {x[1], x[2]}, .lengths = lengths});
  return {y, state.h, state.c};
}
template <class T>
In<T> gru(const In<T>& x, std::size_t hidden, std::size_t layers, bool both, std::optional<Labels> lengths = {}) {
  const auto net = with_weights(nn::GRU<T>(x[0].shape()[2], hidden, {.layers = layers, .bidirectional = both}), x, 2);
  const auto [y, state] = net(x[0], {.state = x[1], .lengths = lengths});
  return {y, state};
}

template <class T>
Variable<T> to_itself(const In<T>& x, std::size_t heads, AttentionOptions<T> options = {}) {
  return with(nn::MultiheadAttention<T>(4, heads), x, 1)(x[0], options);
}
template <class T>
Variable<T> to_another(const In<T>& x, std::size_t heads, AttentionOptions<T> options = {}) {
  return with(nn::MultiheadAttention<T>(4, heads), x, 3)(x[0], x[1], x[2], options);
}
template <class T>
Variable<T> encoder(const In<T>& x, bool norm_first, bool gelu) {
  return with(nn::TransformerEncoderLayer<T>(4, 2, {.dim_feedforward = 3, .dropout = 0, .norm_first = norm_first, .gelu = gelu}), x,
              1)(x[0]);
}

}  // namespace

void layer_rows(Table& table) {
  const std::string through_a_layer = "second gradients through a whole layer: roundings of many operations";
#define LAYER(...) ROW(__VA_ARGS__).in_float(1e-4, through_a_layer)
  LAYER("LSTM", "one", lstm(x, 2, 1, false));
  LAYER("LSTM", "deep", lstm(x, 2, 2, false));
  LAYER("LSTM", "both", lstm(x, 2, 1, true));
  LAYER("LSTM", "deep both", lstm(x, 1, 2, true));
  LAYER("LSTM lengths", "deep both", lstm(x, 2, 2, true, labels(x.back())));
  LAYER("GRU", "one", gru(x, 2, 1, false));
  LAYER("GRU", "deep", gru(x, 2, 2, false));
  LAYER("GRU", "both", gru(x, 2, 1, true));
  LAYER("GRU", "deep both", gru(x, 1, 2, true));
  LAYER("GRU lengths", "deep both", gru(x, 2, 2, true, labels(x.back())));
#define ATTENTION(heads)                                                                              \
  LAYER("MultiheadAttention heads=" #heads, "self", to_itself(x, heads));                             \
  LAYER("MultiheadAttention heads=" #heads " causal", "self", to_itself(x, heads, {.causal = true})); \
  LAYER("MultiheadAttention heads=" #heads, "other", to_another(x, heads));                           \
  LAYER("MultiheadAttention heads=" #heads " lengths", "other",                                       \
        to_another(x, heads, {.mask = nn::padding_mask(labels(x.back()), 3)}))
  ATTENTION(1);
  ATTENTION(2);
  LAYER("TransformerEncoderLayer post relu", "plain", encoder(x, false, false));
  LAYER("TransformerEncoderLayer post gelu", "plain", encoder(x, false, true));
  LAYER("TransformerEncoderLayer pre relu", "plain", encoder(x, true, false));
  LAYER("TransformerEncoderLayer pre gelu", "plain", encoder(x, true, true));
}

}  // namespace golden

// Recurrent layers over whole sequences, attention and transformers: tests/golden.cpp holds their numbers against PyTorch's.
#include <doctest/doctest.h>

#include <cmath>

#include "layers.hpp"

using namespace xgrad;
using namespace xgrad_test;

namespace {

template <class Net>
Strings names_of(const Net& net) {
  Strings result;
  for (const auto& named : nn::named_state(net)) result.push_back(named.name + to_string(named.variable.shape()));
  return result;
}
bool near(const Array<double>& a, const Array<double>& b, double tolerance = 1e-13) {
  if (a.shape() != b.shape()) return false;
  for (std::size_t k = 0; k < a.size(); ++k)
    if (!(std::abs(a.data()[k] - b.data()[k]) <= tolerance)) return false;
  return true;
}

}  // namespace

TEST_CASE("sequences: an LSTM's weights have PyTorch's names, wherever it stands") {
  struct Net {
    nn::LSTM<double> lstm{3, 2, {.layers = 2, .bidirectional = true}};
    nn::GRU<double> gru{4, 1, {.bias = false}};
  };
  Net net;
  CHECK(names_of(net) == Strings{"lstm.bias_hh_l0(8,)", "lstm.bias_hh_l0_reverse(8,)", "lstm.bias_hh_l1(8,)",
                                 "lstm.bias_hh_l1_reverse(8,)", "lstm.bias_ih_l0(8,)", "lstm.bias_ih_l0_reverse(8,)",
                                 "lstm.bias_ih_l1(8,)", "lstm.bias_ih_l1_reverse(8,)", "lstm.weight_hh_l0(8, 2)",
                                 "lstm.weight_hh_l0_reverse(8, 2)", "lstm.weight_hh_l1(8, 2)", "lstm.weight_hh_l1_reverse(8, 2)",
                                 "lstm.weight_ih_l0(8, 3)", "lstm.weight_ih_l0_reverse(8, 3)", "lstm.weight_ih_l1(8, 4)",
                                 "lstm.weight_ih_l1_reverse(8, 4)", "gru.weight_hh_l0(3, 1)", "gru.weight_ih_l0(3, 4)"});
  CHECK(names_of(net.gru) == Strings{"weight_hh_l0(3, 1)", "weight_ih_l0(3, 4)"});
  CHECK(net.lstm.training);
  nn::eval(net);
  CHECK(!net.lstm.training);
  CHECK(!net.gru.training);
}

TEST_CASE("sequences: layers of steps are what cells do, one step after the other") {
  seed(2);
  const nn::LSTM<double> lstm(3, 2);
  const nn::GRU<double> gru(3, 2);
  nn::LSTMCell<double> lstm_cell(3, 2);
  nn::GRUCell<double> gru_cell(3, 2);
  const auto take = [](auto& cell, const auto& layer) {
    cell.weight_ih = layer.weights.at("weight_ih_l0");
    cell.weight_hh = layer.weights.at("weight_hh_l0");
    cell.bias_ih = layer.weights.at("bias_ih_l0");
    cell.bias_hh = layer.weights.at("bias_hh_l0");
  };
  take(lstm_cell, lstm);
  take(gru_cell, gru);
  const auto x = noise({4, 5, 3});
  const auto [y, last] = lstm(x);
  const auto [z, h] = gru(x);
  auto state = lstm_cell.zero_state(4);
  auto other = gru_cell.zero_state(4);
  for (std::ptrdiff_t t = 0; t < 5; ++t) {
    state = lstm_cell(select(x, 1, t), state);
    other = gru_cell(select(x, 1, t), other);
    CHECK(near(select(y, 1, t).value(), state.h.value()));
    CHECK(near(select(z, 1, t).value(), other.value()));
  }
  CHECK(near(select(last.h, 0, 0).value(), state.h.value()));
  CHECK(near(select(last.c, 0, 0).value(), state.c.value()));
  CHECK(near(select(h, 0, 0).value(), other.value()));
  // a sequence in two parts: the second begins with the state of the first
  const auto first = lstm(slice(x, 1, {0, 2}));
  const auto second = lstm(slice(x, 1, {2, 5}), {.state = first.state});
  CHECK(near(concat(std::vector{first.output, second.output}, 1).value(), y.value()));
  CHECK(near(second.state.c.value(), last.c.value()));
}

TEST_CASE("sequences: padding has no part in anything") {
  seed(5);
  const nn::LSTM<double> lstm(2, 3, {.layers = 2, .bidirectional = true});
  const Labels lengths{4, 2, 0};
  const auto x = noise({3, 4, 2});
  auto [y, state] = lstm(x, {.lengths = lengths});
  // each sequence alone, without padding
  const auto alone = lstm(slice(x, {{1, 2}, {0, 2}}));
  CHECK(near(slice(y, {{1, 2}, {0, 2}}).value(), alone.output.value()));
  CHECK(near(slice(state.h, 1, {1, 2}).value(), alone.state.h.value()));
  CHECK(near(slice(state.c, 1, {1, 2}).value(), alone.state.c.value()));
  for (std::size_t t = 2; t < 4; ++t)
    for (std::size_t k = 0; k < 6; ++k) CHECK(y.value()(1, t, k) == 0);
  for (std::size_t k = 0; k < 3; ++k) CHECK(state.h.value()(0, 2, k) == 0);
  // whatever is in it: NaN changes no result and no gradient
  Array<double> dirty = x.value();
  for (std::size_t t = 2; t < 4; ++t) dirty(1, t, 0) = na;
  const Variable<double> with_nan(dirty, true);
  const auto result = lstm(with_nan, {.lengths = lengths});
  CHECK(result.output.value() == y.value());
  const auto weight = lstm.weights.at("weight_hh_l0");
  const auto loss = [&](const Variable<double>& v) { return sum(square(lstm(v, {.lengths = lengths}).output)); };
  CHECK(grad(loss(x), {x})[0].value()(1, 3, 1) == 0);
  CHECK(grad(loss(x), {weight})[0].value() == grad(loss(with_nan), {weight})[0].value());
  // lengths that are all whole are none
  CHECK(lstm(x, {.lengths = Labels{4, 4, 4}}).output.value() == lstm(x).output.value());
}

TEST_CASE("sequences: recurrent layers are saved, cloned, drawn and checked as any") {
  struct Net {
    nn::Embedding<double> words{5, 2};
    nn::LSTM<double> lstm{2, 2, {.layers = 2, .bidirectional = true, .dropout = 0.5}};
    nn::GRU<double> gru{4, 2};
    nn::Linear<double> out{2, 2};
    Variable<double> operator()(const Labels& text, const Labels& lengths) const {
      return out(select(gru(lstm(words(text), {.lengths = lengths}).output, {.lengths = lengths}).state, 0, 0));
    }
  };
  seed(1);
  Net net;
  const Labels text{{0, 3, 2}, {4, 1, 0}}, lengths{3, 2};
  CHECK(net(text, lengths).value() != net(text, lengths).value());  // dropout between the layers
  nn::eval(net);
  CHECK(net(text, lengths).value() == net(text, lengths).value());
  Net other;
  nn::eval(other);
  check_state(net, other, [&](const Net& n) { return n(text, lengths); });
  check_gradients([&] { return mean(square(net(text, lengths))); }, nn::named_parameters(net));

  const double bound = 1 / std::sqrt(2.0);
  for (const auto& [name, v] : nn::named_parameters(net.lstm)) {
    for (const double w : v.value()) CHECK(std::abs(w) <= bound);
    CHECK(v.value().data()[0] != 0);
  }
  const nn::LSTM<double> square_ones(4, 1, {.init = nn::init::orthogonal()});
  CHECK(near(matmul(square_ones.weights.at("weight_ih_l0"), square_ones.weights.at("weight_ih_l0"), {.transpose_a = true}).value(),
             Array<double>{{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}}));
  CHECK(square_ones.weights.at("bias_ih_l0").value() == zeros<double>({4}));
  const nn::GRUCell<double> ones(2, 2, {.init = nn::init::constant(1)});
  CHECK(ones.weight_hh.value() == full<double>({6, 2}, 1));
  Generator generator(2);
  auto drawn = nn::clone(net);
  nn::initialize(drawn, generator);
  CHECK(drawn.lstm.weights.at("bias_ih_l1").value() != net.lstm.weights.at("bias_ih_l1").value());
}

TEST_CASE("sequences: what does not fit a recurrent layer is said, with the line") {
  const nn::LSTM<double> lstm(3, 2);
  const nn::GRU<double> gru(3, 2, {.layers = 2});
  const auto x = noise({2, 4, 3});
  CHECK(error(__LINE__, [&] { lstm(noise({2, 3})); }) == "LSTM: x is (2, 3); it must be (n, l, 3), l at least 1");
  CHECK(error(__LINE__, [&] { gru(noise({2, 4, 2})); }) == "GRU: x is (2, 4, 2); it must be (n, l, 3), l at least 1");
  CHECK(error(__LINE__, [&] { gru(noise({2, 0, 3})); }) == "GRU: x is (2, 0, 3); it must be (n, l, 3), l at least 1");
  CHECK(error(__LINE__, [&] { gru(x, {.state = noise({1, 2, 2})}); }) == "GRU: the state is (1, 2, 2); it must be (2, 2, 2)");
  CHECK(error(__LINE__, [&] { lstm(x, {.lengths = Labels{4}}); }) == "LSTM: lengths is (1,); it must be (2,)");
  CHECK(error(__LINE__, [&] { lstm(x, {.lengths = Labels{4, 5}}); }) == "LSTM: a length is 5; it must be from 0 to 4");
  CHECK(error(__LINE__, [&] { lstm(x, {.lengths = Labels{4, -1}}); }) == "LSTM: a length is -1; it must be from 0 to 4");
  CHECK(error(__LINE__, [&] { lstm(Variable<double>()); }).starts_with("LSTM: an input is an undefined Variable"));
  CHECK(error(__LINE__, [&] { nn::LSTM<double>(3, 2, {.layers = 0}); }) == "LSTM: layers is 0; it must be at least 1");
  CHECK(error(__LINE__, [&] { nn::GRU<double>(3, 2, {.dropout = 2}); }) == "GRU: dropout is 2; it must be from 0 to 1");
  CHECK(error(__LINE__, [&] { nn::LSTM<double>(1, std::size_t{1} << 62); }).starts_with("LSTM: "));
  CHECK(lstm(noise({0, 4, 3})).output.shape() == Shape{0, 4, 2});
}

TEST_CASE("sequences: attention in heads") {
  seed(3);
  nn::MultiheadAttention<double> attention(6, 3);
  CHECK(names_of(attention) == Strings{"in_proj_weight(18, 6)", "in_proj_bias(18,)", "out_proj.weight(6, 6)", "out_proj.bias(6,)"});
  const auto x = noise({2, 4, 6}), memory = noise({2, 5, 6}, 8);
  CHECK(near(attention(x).value(), attention(x, x, x).value()));
  // each head is attention of its own
  const auto w = split(attention.in_proj_weight, 3, 0);
  std::vector<Variable<double>> heads;
  for (std::ptrdiff_t h = 0; h < 3; ++h) {
    const Slice part{2 * h, 2 * h + 2};
    heads.push_back(scaled_dot_product_attention(linear(x, slice(w[0], 0, part)), linear(memory, slice(w[1], 0, part)),
                                                 linear(memory, slice(w[2], 0, part))));
  }
  CHECK(near(attention(x, memory, memory).value(), attention.out_proj(concat(heads, -1)).value()));
  // without a batch
  CHECK(near(attention(select(x, 0, 1)).value(), select(attention(x), 0, 1).value()));
  // keys behind the end have no part
  const Labels lengths{5, 3};
  CHECK(near(select(attention(x, memory, memory, {.mask = nn::padding_mask(lengths, 5)}), 0, 1).value(),
             attention(select(x, 0, 1), slice(select(memory, 0, 1), 0, {0, 3}), slice(select(memory, 0, 1), 0, {0, 3})).value()));
  CHECK(nn::padding_mask({2, 0}, 3) == Mask{{{{true, true, false}}}, {{{false, false, false}}}});

  nn::MultiheadAttention<double> plain(6, 2, {.bias = false});
  CHECK(names_of(plain) == Strings{"in_proj_weight(18, 6)", "out_proj.weight(6, 6)"});
  CHECK(near(plain(x).value(), plain(x, x, x).value()));
  nn::MultiheadAttention<double> dropping(6, 2, {.dropout = 0.5});
  CHECK(dropping(x).value() != dropping(x).value());
  nn::eval(dropping);
  CHECK(dropping(x).value() == dropping(x).value());
  CHECK(scaled_dot_product_attention(x, x, x, {.dropout = 1}).value() == zeros<double>({2, 4, 6}));
  check_state(attention, nn::MultiheadAttention<double>(6, 3), [&](const auto& net) { return net(x, {.causal = true}); });
}

TEST_CASE("sequences: a small transformer, saved, cloned and checked") {
  struct Net {
    nn::Embedding<double> words{5, 4};
    nn::LearnedPositions<double> learned{6, 4};
    nn::SinusoidalPositions fixed;
    nn::TransformerEncoderLayer<double> first{4, 2, {.dim_feedforward = 3, .norm_first = true, .gelu = true}};
    nn::TransformerEncoderLayer<double> second{4, 2, {.dim_feedforward = 3}};
    Variable<double> operator()(const Labels& text) const {
      return mean(second(first(fixed(learned(words(text))), {.causal = true})), 1);
    }
  };
  seed(9);
  Net net;
  const Labels text{{0, 3, 2}, {4, 1, 0}};
  CHECK(net(text).value() != net(text).value());
  nn::eval(net);
  Net other;
  nn::eval(other);
  check_state(net, other, [&](const Net& n) { return n(text); });
  // weighted, as the mean of squares behind a norm does not depend on what is before it
  const auto weights = noise({2, 4}, 4).detach();
  check_gradients([&] { return sum(net(text) * weights); }, nn::named_parameters(net));
  CHECK(names_of(net.first)[4] == "linear1.weight(3, 4)");
  // causal: what comes later changes nothing
  const auto x = noise({1, 3, 4});
  Array<double> changed = x.value();
  changed(0, 2, 1) += 1;
  const auto a = net.first(x, {.causal = true}), b = net.first(Variable<double>(changed), {.causal = true});
  CHECK(near(slice(a, 1, {0, 2}).value(), slice(b, 1, {0, 2}).value()));
  CHECK(!near(slice(a, 1, {2, 3}).value(), slice(b, 1, {2, 3}).value()));
}

TEST_CASE("sequences: every layer that draws weights draws all of them by its initialiser") {
  const auto check = [](auto layer) {
    Generator generator(1);
    for (int again = 0; again < 2; ++again) {
      std::size_t weights = 0;
      for (const auto& parameter : nn::named_parameters(layer)) {
        const auto& variable = parameter.variable;
        if (variable.shape().size() < 2) continue;  // biases, and the scales of norms
        ++weights;
        CHECK_MESSAGE(is(variable.value(), std::vector<double>(variable.size(), 0.25)), parameter.name);
      }
      CHECK(weights > 0);
      nn::initialize(layer, generator);
    }
  };
  const auto init = nn::init::constant(0.25);
  check(nn::Linear<double>(3, 2, {.init = init}));
  check(nn::Conv1d<double>(3, 2, 3, {.init = init}));
  check(nn::Conv2d<double>(3, 2, 3, {.init = init}));
  check(nn::ConvTranspose2d<double>(3, 2, 3, {.init = init}));
  check(nn::Embedding<double>(3, 2, {.init = init}));
  check(nn::LSTMCell<double>(3, 2, {.init = init}));
  check(nn::GRUCell<double>(3, 2, {.init = init}));
  check(nn::LSTM<double>(3, 2, {.layers = 2, .bidirectional = true, .init = init}));
  check(nn::GRU<double>(3, 2, {.layers = 2, .bidirectional = true, .init = init}));
  check(nn::MultiheadAttention<double>(4, 2, {.init = init}));
  check(nn::TransformerEncoderLayer<double>(4, 2, {.dim_feedforward = 3, .init = init}));
  check(nn::LearnedPositions<double>(3, 2, {.init = init}));
  // without one, a transformer's parts draw as they do alone
  seed(5);
  const nn::TransformerEncoderLayer<double> encoder(4, 2, {.dim_feedforward = 3});
  seed(5);
  const nn::MultiheadAttention<double> attention(4, 2);
  const nn::Linear<double> wide(4, 3), narrow(3, 4);
  CHECK(encoder.self_attn.in_proj_weight.value() == attention.in_proj_weight.value());
  CHECK(encoder.linear1.weight.value() == wide.weight.value());
  CHECK(encoder.linear2.weight.value() == narrow.weight.value());
}

TEST_CASE("sequences: positions") {
  const auto table = nn::sinusoidal_positions<double>(50, 5);
  for (const std::size_t t : {std::size_t{0}, std::size_t{1}, std::size_t{49}}) {
    const double d = static_cast<double>(t);
    CHECK(table(t, 0) == doctest::Approx(std::sin(d)));
    CHECK(table(t, 1) == doctest::Approx(std::cos(d)));
    CHECK(table(t, 2) == doctest::Approx(std::sin(d / std::pow(10000, 0.4))));
    CHECK(table(t, 3) == doctest::Approx(std::cos(d / std::pow(10000, 0.4))));
    CHECK(table(t, 4) == doctest::Approx(std::sin(d / std::pow(10000, 0.8))));
  }
  const auto x = noise({2, 3, 5});
  CHECK(nn::SinusoidalPositions{}(x).value()(1, 2, 1) == x.value()(1, 2, 1) + table(2, 1));
  nn::LearnedPositions<double> learned(4, 5, {.init = nn::init::normal(0, 1)});
  CHECK(learned(x).value()(1, 2, 1) == x.value()(1, 2, 1) + learned.weight.value()(2, 1));
  backward(sum(learned(x)));
  CHECK(learned.weight.grad()(2, 0) == 2);
  CHECK(learned.weight.grad()(3, 0) == 0);
}

TEST_CASE("sequences: what does not fit attention is said, with the line") {
  const nn::MultiheadAttention<double> attention(6, 3);
  const auto x = noise({2, 4, 6});
  // clang-format off
  CHECK(error(__LINE__, [&] { nn::MultiheadAttention<double>(6, 4); }) == "MultiheadAttention: heads is 4; it must divide the features, 6");
  CHECK(error(__LINE__, [&] { nn::MultiheadAttention<double>(6, 0); }) == "MultiheadAttention: heads is 0; it must divide the features, 6");
  CHECK(error(__LINE__, [&] { nn::MultiheadAttention<double>(6, 2, {.dropout = -1}); }) == "MultiheadAttention: dropout is -1; it must be from 0 to 1");
  CHECK(error(__LINE__, [&] { attention(noise({2, 4, 5})); }) == "MultiheadAttention: x is (2, 4, 5); it must be (…, l, 6)");
  CHECK(error(__LINE__, [&] { attention(x, noise({6}), x); }) == "MultiheadAttention: k is (6,); it must be (…, l, 6)");
  CHECK(error(__LINE__, [&] { attention(x, noise({2, 3, 6}), x); }).starts_with("scaled_dot_product_attention: "));
  CHECK(error(__LINE__, [&] { scaled_dot_product_attention(x, x, x, {.dropout = 2}); }) == "scaled_dot_product_attention: p is 2; it must be from 0 to 1");
  CHECK(error(__LINE__, [&] { nn::TransformerEncoderLayer<double>(6, 4); }).starts_with("MultiheadAttention: "));
  CHECK(error(__LINE__, [&] { nn::TransformerEncoderLayer<double>(6, 2)(noise({2, 4, 5})); }).find("(2, 4, 5)") != std::string::npos);
  CHECK(error(__LINE__, [&] { nn::padding_mask({3}, 2); }) == "padding_mask: a length is 3; it must be from 0 to 2");
  CHECK(error(__LINE__, [&] { nn::padding_mask({-1}, 2); }) == "padding_mask: a length is -1; it must be from 0 to 2");
  CHECK(error(__LINE__, [&] { nn::padding_mask(Labels(Shape{2, 1}), 2); }).starts_with("padding_mask: lengths is "));
  CHECK(error(__LINE__, [&] { nn::SinusoidalPositions{}(noise({4})); }) == "SinusoidalPositions: x is (4,); it must be (…, l, features)");
  // clang-format on
  const nn::LearnedPositions<double> learned(3, 6);
  CHECK(error(__LINE__, [&] { learned(x); }) == "LearnedPositions: x is (2, 4, 6); it must have at most 3 places");
  CHECK(error(__LINE__, [&] { learned(noise({4})); }) == "LearnedPositions: x is (4,); it must be (…, l, 6)");
}

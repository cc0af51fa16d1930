// Normalisation, dropout, sequences and their layers: worked numbers, running statistics, randomness, extremes, errors. Values and
// gradients of many shapes are in rows_norm.cpp.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <xgrad/xgrad.hpp>

#include "directory.hpp"
#include "support.hpp"

using namespace xgrad;

using namespace xgrad_test;

namespace {

/// Numbers without a pattern, around `mean`.
template <class T = double>
Variable<T> noise(const Shape& shape, std::uint64_t seed = 1, double mean = 0) {
  Generator generator(seed);
  Array<T> value(shape);
  generator.fill_normal(value, mean, 1);
  return Variable<T>(std::move(value), true);
}
template <class X, class Y>
bool near(const X& x, const Y& y, double tolerance) {
  return x.shape() == y.shape() && is(x, std::vector<double>(y.data(), y.data() + y.size()), tolerance);
}

}  // namespace

TEST_CASE_TEMPLATE("norm: batch_norm and its running statistics", T, float, double) {
  const double eps = std::is_same_v<T, float> ? 1e-5 : 1e-14;
  const auto x = leaf<T>({4, 2}, {1, 10, 2, 10, 3, 10, 6, 10});  // means 3 and 10; variances 3.5 and 0
  Variable<T> mean(zeros<T>({2})), variance(ones<T>({2})), copy = mean;
  const auto y = batch_norm(x, {}, {}, mean, variance, {.momentum = 0.25, .eps = 0.5});
  CHECK(is(y.value(), {-1, 0, -0.5, 0, 0, 0, 1.5, 0}, eps));
  // the mean moves a quarter of the way; the variance towards 3.5 · 4 / 3, the unbiased one
  CHECK(is(mean.value(), {0.75, 2.5}, eps));
  CHECK(is(variance.value(), {0.75 + 0.25 * 14 / 3, 0.75}, eps));
  CHECK(is(copy.value(), {0.75, 2.5}, eps));
  // evaluation uses them and leaves them
  const auto z = batch_norm(x, {}, {}, leaf<T>({1, 2}).detach(), leaf<T>({3.5, 15.5}).detach(), {.training = false, .eps = 0.5});
  CHECK(is(z.value(), {0, 2, 0.5, 2, 1, 2, 2.5, 2}, eps));
  CHECK(is(gradient(z, x), {0.5, 0.25, 0.5, 0.25, 0.5, 0.25, 0.5, 0.25}, eps));
  // in training the outputs' sum does not depend on the inputs
  CHECK(is(gradient(y, x), {0, 0, 0, 0, 0, 0, 0, 0}, eps));
}

TEST_CASE("norm: what is kept of the precision") {
  // far from 0, in float, where x itself has steps of 1e-3: with E x² - (E x)² nothing would be left
  Generator generator(3);
  Array<float> far(Shape{1000, 3});
  Array<double> exact(far.shape());
  for (std::size_t k = 0; k < far.size(); ++k) {
    far.data()[k] = static_cast<float>(1e4 + generator.normal());
    exact.data()[k] = static_cast<double>(far.data()[k]);
  }
  CHECK(near(batch_norm(Variable<float>(far), {}, {}, {}, {}).value(), batch_norm(Variable<double>(exact), {}, {}, {}, {}).value(),
             1e-2));
  CHECK(near(layer_norm(reshape(Variable<float>(far), {10, 300})).value(),
             layer_norm(reshape(Variable<double>(exact), {10, 300})).value(), 1e-2));
  // a channel that never changes becomes 0, not noise times 1/√eps
  const auto constant = batch_norm(Variable<float>(full<float>({64, 2}, 1000.F)), {}, {}, {}, {});
  CHECK(is(constant.value(), std::vector<double>(128, 0), 1e-3));
  // many rows: as accurate as few
  Array<float> many(Shape{1 << 20, 1});
  generator.fill_normal(many, 0.5, 2);
  const auto y = batch_norm(Variable<float>(many), {}, {}, {}, {});
  double total = 0, squares = 0;
  for (std::size_t k = 0; k < many.size(); ++k) {
    total += static_cast<double>(y.value().data()[k]);
    squares += static_cast<double>(y.value().data()[k]) * static_cast<double>(y.value().data()[k]);
  }
  CHECK(std::abs(total) / static_cast<double>(many.size()) < 1e-6);
  CHECK(squares / static_cast<double>(many.size()) == doctest::Approx(1).epsilon(1e-5));
}

TEST_CASE("norm: the kernels' gradients are those of the recorded ones, for one thread and for several") {
  const auto x = noise({200, 9, 37}, 1, 0.3), w = noise({37}, 2), b = noise({37}, 3);
  const auto weight = noise({200, 9, 37}, 4);
  const auto batch = [&] { return sum(weight * batch_norm(x, w, b, {}, {})); };
  const auto layer = [&] { return sum(weight * layer_norm(x, w, b)); };
  const auto instance = [&] { return sum(weight * instance_norm(x, w, b)); };
  const int before = num_threads();
  for (const auto& f : {std::function<Variable<double>()>(batch), std::function<Variable<double>()>(layer),
                        std::function<Variable<double>()>(instance)}) {
    set_num_threads(1);
    const auto kernels = grad(f(), {x, w, b});
    const auto recorded = grad(f(), {x, w, b}, {.create_graph = true});
    set_num_threads(3);
    const auto threads = grad(f(), {x, w, b});
    for (std::size_t k = 0; k < 3; ++k) {
      CHECK(near(kernels[k].value(), recorded[k].value(), 1e-10));
      CHECK(near(kernels[k].value(), threads[k].value(), 1e-10));
    }
    // and each alone
    CHECK(near(grad(f(), {w})[0].value(), kernels[1].value(), 1e-10));
    CHECK(near(grad(f(), {b})[0].value(), kernels[2].value(), 1e-10));
    CHECK(near(grad(f(), {b}, {.create_graph = true})[0].value(), kernels[2].value(), 1e-10));
  }
  set_num_threads(before);
}

TEST_CASE("norm: worked numbers and limits") {
  CHECK(is(normalize(leaf({3, 4})).value(), {0.6, 0.8}, 1e-15));
  CHECK(is(normalize(leaf({-3, 1}), -1, {.p = 1}).value(), {-0.75, 0.25}));
  const auto zero = leaf({0, 0});
  CHECK(is(normalize(zero).value(), {0, 0}));
  CHECK(is(gradient(normalize(zero, -1, {.eps = 0.5}), zero), {2, 2}));
  CHECK(is(gradient(normalize(zero, -1, {.p = 1, .eps = 0.5}), zero), {2, 2}));
  CHECK(is(normalize(leaf({na, 1})).value(), {na, na}));
  CHECK(is(normalize(leaf({na, 1}), -1, {.p = 1}).value(), {na, na}));
  CHECK(is(local_response_norm(leaf({1, 2, 3, 4}), 2, {.alpha = 2, .beta = 1, .k = 0}).value(), {1, 2.0 / 5, 3.0 / 13, 4.0 / 25},
           1e-15));
  CHECK(is(rms_norm(leaf({1, 7}), {}, {.eps = 0}).value(), {0.2, 1.4}, 1e-15));
  CHECK(is(layer_norm(leaf({1, 7}), {}, {}, {.eps = 0}).value(), {-1, 1}));
  // 8 channels of one place: two groups of four
  CHECK(is(group_norm(leaf({1, 8}, {0, 0, 2, 2, 5, 5, 9, 9}), 2, {}, {}, {.eps = 0}).value(), {-1, -1, 1, 1, -1, -1, 1, 1}));
  CHECK(is(instance_norm(leaf({1, 2, 2}, {0, 4, 2, 8}), {}, {}, {.eps = 0}).value(), {-1, -1, 1, 1}));
  CHECK(batch_norm(Variable<double>(zeros<double>({0, 3})), {}, {}, zeros<double>({3}), ones<double>({3}), {.training = false})
            .shape() == Shape{0, 3});
  CHECK(layer_norm(Variable<double>(zeros<double>({3, 0}))).shape() == Shape{3, 0});
}

TEST_CASE("norm: dropout") {
  const auto x = Variable<double>(ones<double>({1000, 100}), true);
  const auto draw = [&](double p) {
    seed(5);
    return dropout(x, p);
  };
  const auto y = draw(0.3);
  CHECK(y.value() == draw(0.3).value());
  CHECK(dropout(x, 0.3).value() != y.value());  // the generator went on
  double kept = 0;
  for (const double v : std::span(y.value().data(), y.value().size())) {
    CHECK_UNARY(v == 0 || v == 1 / 0.7);
    kept += v > 0;
  }
  CHECK(kept / 1e5 == doctest::Approx(0.7).epsilon(0.01));
  CHECK(gradient(y, x) == y.value());
  CHECK(dropout(x, 1).value() == zeros<double>(x.shape()));
  CHECK(dropout(x, 0.5, {.training = false}).same_storage(x));
  Generator a(9), b(9);
  CHECK(dropout(x, 0.5, {}, a).value() == dropout(x, 0.5, {}, b).value());
  // a NaN that is dropped is gone, also from the gradient
  CHECK(is(dropout(leaf({na, na}), 1).value(), {0, 0}));
  // whole maps
  const auto maps = dropout2d(Variable<double>(ones<double>({50, 4, 3, 20})), 0.25).value();
  double dropped = 0;
  for (std::size_t n = 0; n < 50; ++n)
    for (std::size_t c = 0; c < 20; ++c) {
      dropped += maps(n, 0, 0, c) == 0;
      for (std::size_t h = 0; h < 4; ++h)
        for (std::size_t w = 0; w < 3; ++w) CHECK_UNARY(maps(n, h, w, c) == maps(n, 0, 0, c));
    }
  CHECK(dropped / 1000 == doctest::Approx(0.25).epsilon(0.2));
}

TEST_CASE("norm: a query that may attend to nothing gets zeros, and gives no gradient") {
  const auto q = noise({2, 3}), k = noise({4, 3}, 2), v = noise({4, 2}, 3);
  const Mask mask{{false, false, false, false}, {true, false, true, true}};
  const auto y = scaled_dot_product_attention(q, k, v, {.mask = mask});
  CHECK(y.value()(0, 0) == 0);
  CHECK(y.value()(0, 1) == 0);
  const auto g = grad(sum(y), {q, k, v});
  CHECK(is(g[0].value(), {0, 0, 0, g[0].value()(1, 0), g[0].value()(1, 1), g[0].value()(1, 2)}));
  CHECK(is(select(g[2], 0, 1).value(), {0, 0}));  // nobody attends to place 1
  // later places do not matter
  auto changed = v.value();
  changed(3, 0) = 1e6;
  const auto causal = [&](const Variable<double>& values) {
    return scaled_dot_product_attention(noise({3, 3}), k, values, {.causal = true}).value();
  };
  CHECK(causal(v) == causal(Variable<double>(changed)));
}

TEST_CASE("norm: layers") {
  struct Net {
    nn::BatchNorm<double> batch{4};
    nn::Dropout drop{0.5};
    nn::LayerNorm<double> layer{4};
    nn::GroupNorm<double> group{2, 4};
    nn::RMSNorm<double> rms{4};
    nn::LSTMCell<double> lstm{4, 3};
    nn::GRUCell<double> gru{3, 2};
    Variable<double> operator()(Variable<double> x) const {
      x = rms(group(layer(drop(batch(x)))));
      auto state = lstm.zero_state(x.shape()[0]);
      for (int step = 0; step < 2; ++step) state = lstm(x, state);
      return gru(state.h, gru.zero_state(x.shape()[0]));
    }
  };
  seed(1);
  Net net;
  std::string names, buffers;
  for (const auto& [name, v] : nn::named_parameters(net)) names += name + to_string(v.shape()) + " ";
  CHECK(names ==
        "batch.weight(4,) batch.bias(4,) layer.weight(4,) layer.bias(4,) group.weight(4,) group.bias(4,) rms.weight(4,) "
        "lstm.weight_ih(12, 4) lstm.weight_hh(12, 3) lstm.bias_ih(12,) lstm.bias_hh(12,) gru.weight_ih(6, 3) gru.weight_hh(6, 2) "
        "gru.bias_ih(6,) gru.bias_hh(6,) ");
  CHECK(nn::named_state(net).size() == nn::named_parameters(net).size() + 2);
  const auto x = noise({6, 4}, 2, 3);
  const Net copy = net;
  const auto y = net(x);
  CHECK(y.shape() == Shape{6, 2});
  CHECK(net(x).value() != y.value());  // another draw
  CHECK(copy.batch.running_mean.value() == net.batch.running_mean.value());
  CHECK(net.batch.running_mean.value()(0) > 0.1);
  backward(sum(y));
  for (const auto& parameter : nn::named_parameters(net)) CHECK_MESSAGE(parameter.variable.has_grad(), parameter.name);

  nn::eval(net);
  CHECK(!net.batch.training);
  CHECK(!net.drop.training);
  const auto mean = net.batch.running_mean.value();
  CHECK(net(x).value() == net(x).value());
  CHECK(net.batch.running_mean.value() == mean);
  // one sample at a time gives what all of them do
  CHECK(near(slice(net(x), 0, {2, 3}).value(), net(slice(x, 0, {2, 3})).value(), 1e-14));
  const Net clone = nn::clone(net);
  nn::train(net);
  net(x);
  CHECK(clone.batch.running_mean.value() == mean);
  CHECK(net.batch.running_mean.value() != mean);

  const Directory directory;
  nn::save(net, directory.file("net"));
  Net other;
  nn::load(other, directory.file("net"));
  CHECK(other.batch.running_var.value() == net.batch.running_var.value());
  nn::eval(net);
  nn::eval(other);
  CHECK(other(x).value() == net(x).value());
  Generator generator(1);
  nn::initialize(net, generator);
  CHECK(net.batch.running_mean.value() == zeros<double>({4}));

  nn::Dropout2d maps(0.5);
  CHECK(maps(Variable<double>(ones<double>({1, 2, 2, 3}))).shape() == Shape{1, 2, 2, 3});
  CHECK(nn::parameters(nn::BatchNorm<double>(3, {.affine = false})).empty());
  CHECK(nn::parameters(nn::LSTMCell<double>(3, 2, {.bias = false})).size() == 2);
  CHECK(nn::LayerNorm<double>(Shape{2, 4})(noise({3, 2, 4})).shape() == Shape{3, 2, 4});
}

TEST_CASE("norm: what does not fit is said, with the line") {
  const auto x23 = leaf(Shape{2, 3}, {1, 2, 3, 4, 5, 6}), x4 = leaf({1, 2, 3, 4}), number = leaf(Shape{}, {1}),
             x3 = leaf({1, 2, 3});
  const Variable<double> none, fixed4(ones<double>({4})), fixed3(ones<double>({3}));
  // clang-format off
  CHECK(error(__LINE__, [&] { batch_norm(number, none, none, none, none); }) == "batch_norm: x is (); it must have one axis at least, the channels last");
  CHECK(error(__LINE__, [&] { batch_norm(x23, x4, none, none, none); }) == "batch_norm: x is (2, 3), weight is (4,); it must be (3,)");
  CHECK(error(__LINE__, [&] { batch_norm(x23, none, x4, none, none); }) == "batch_norm: x is (2, 3), bias is (4,); it must be (3,)");
  CHECK(error(__LINE__, [&] { batch_norm(x23, x4, none, fixed3, fixed3, {.training = false}); }) == "batch_norm: x is (2, 3), weight is (4,); it must be (3,)");
  CHECK(error(__LINE__, [&] { batch_norm(x23, none, none, fixed4, none); }) == "batch_norm: x is (2, 3), running_mean is (4,); it must be (3,)");
  CHECK(error(__LINE__, [&] { batch_norm(x23, none, none, fixed3, x3); }) == "batch_norm: running_var requires a gradient; it must be a constant");
  CHECK(error(__LINE__, [&] { batch_norm(x23, none, none, fixed3, none, {.training = false}); }) == "batch_norm: running_var is undefined; it must be defined in evaluation");
  CHECK(error(__LINE__, [&] { batch_norm(x3, none, none, none, none); }) == "batch_norm: x is (3,); it must have at least two values per channel in training, not 1");
  CHECK(error(__LINE__, [&] { batch_norm(x23, none, none, none, none, {.momentum = 2}); }) == "batch_norm: momentum is 2; it must be from 0 to 1");
  CHECK(error(__LINE__, [&] { batch_norm(x23, none, none, none, none, {.eps = -1}); }) == "batch_norm: eps is -1; it must not be negative");
  CHECK(error(__LINE__, [&] { layer_norm(x23, x4); }) == "layer_norm: x is (2, 3), weight is (4,); it must be (3,)");
  CHECK(error(__LINE__, [&] { layer_norm(x23, {}, {}, {.axes = 3}); }) == "layer_norm: x is (2, 3), axes is 3; it must be from 1 to 2, its number of axes");
  CHECK(error(__LINE__, [&] { rms_norm(x23, x4); }) == "rms_norm: x is (2, 3), weight is (4,); it must be (3,)");
  CHECK(error(__LINE__, [&] { rms_norm(x23, {}, {.eps = -1}); }) == "rms_norm: eps is -1; it must not be negative");
  CHECK(error(__LINE__, [&] { rms_norm(number); }) == "rms_norm: x is (), axes is 1; it must be from 1 to 0, its number of axes");
  CHECK(error(__LINE__, [&] { group_norm(x23, 2); }) == "group_norm: x is (2, 3); its 3 channels must divide into 2 groups");
  CHECK(error(__LINE__, [&] { group_norm(x23, 0); }) == "group_norm: x is (2, 3); its 3 channels must divide into 0 groups");
  CHECK(error(__LINE__, [&] { instance_norm(x4); }) == "instance_norm: x is (4,); it must have two axes at least, the channels last");
  CHECK(error(__LINE__, [&] { local_response_norm(x23, 0); }) == "local_response_norm: size is 0; it must be at least 1");
  CHECK(error(__LINE__, [&] { local_response_norm(number, 1); }) == "local_response_norm: x is (); it must have an axis of channels, the last");
  CHECK(error(__LINE__, [&] { normalize(x23, -1, {.p = 3}); }) == "normalize: p is 3; it must be 1 or 2");
  CHECK(error(__LINE__, [&] { normalize(x23, 2); }) == "normalize: axis 2 is out of range; for an array of 2 axes it must be from -2 to 1");
  CHECK(error(__LINE__, [&] { dropout(x23, 1.5); }) == "dropout: p is 1.5; it must be from 0 to 1");
  CHECK(error(__LINE__, [&] { dropout2d(x4, 0.5); }) == "dropout2d: x is (4,); it must have two axes at least, (n, …, c)");
  CHECK(error(__LINE__, [&] { scaled_dot_product_attention(x23, x4, x23); }) == "scaled_dot_product_attention: q is (2, 3), k is (4,), v is (2, 3); they must be (…, l, e), (…, s, e) and (…, s, d)");
  CHECK(error(__LINE__, [&] { scaled_dot_product_attention(x23, x23, x23, {.mask = Mask{true, false, true}}); }) == "scaled_dot_product_attention: the mask is (3,); it must broadcast to the scores' (2, 2)");
  CHECK(error(__LINE__, [&] { lstm_cell(x23, {x23, x23}, x23, x23); }) == "lstm_cell: x is (2, 3), h is (2, 3), weight_ih is (2, 3); it must be (12, 3)");
  CHECK(error(__LINE__, [&] { gru_cell(x23, x23, leaf(Shape{9, 3}, std::vector<double>(27, 1)), x23); }) == "gru_cell: x is (2, 3), h is (2, 3), weight_hh is (2, 3); it must be (9, 3)");
  CHECK(error(__LINE__, [&] { gru_cell(number, x23, x23, x23); }) == "gru_cell: x is (), h is (2, 3); they must be (…, in) and (…, hidden)");
  // clang-format on
  // what throws leaves the running statistics alone
  Variable<double> mean(zeros<double>({3}));
  CHECK_THROWS_AS(batch_norm(x23, x4, none, mean, none), ShapeError);
  CHECK(mean.value() == zeros<double>({3}));
  CHECK_THROWS_AS(dropout(x23, -1), ValueError);
  CHECK_THROWS_AS(batch_norm(x23, none, none, fixed3, x3), GraphError);
}

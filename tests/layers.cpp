// Layers without memory, containers of layers, initialisers, freezing and penalties.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <sstream>

#include "layers.hpp"

using namespace xgrad;
using namespace xgrad_test;

namespace {

template <class Net>
Strings names_of(const Net& net) {
  Strings result;
  for (const auto& named : nn::named_state(net)) result.push_back(named.name);
  return result;
}
Variable<double> relued(Variable<double> x, Where where) { return relu(std::move(x), where); }
template <class T>
bool equal(const Variable<T>& a, const Variable<T>& b) {
  return a.value() == b.value();
}

/// Gradients of all parameters and of x, to second order.
template <class Net>
void check_gradients(const Net& net, const Variable<double>& x) {
  auto inputs = nn::named_parameters(net);
  inputs.push_back({"x", x});
  xgrad_test::check_gradients([&] { return mean(square(net(x))); }, inputs);
}

}  // namespace

TEST_CASE("layers: a Sequential names its layers by position and calls one after the other") {
  seed(1);
  const nn::Sequential net{nn::Conv2d<double>(2, 3, 3), nn::ReLU{}, nn::MaxPool2d{2}, nn::Flatten{}, nn::Linear<double>(12, 4)};
  CHECK(names_of(net) == Strings{"0.weight", "0.bias", "4.weight", "4.bias"});
  const auto x = noise({2, 6, 6, 2});
  const auto& [conv, a, b, c, linear] = net.layers;
  CHECK(equal(net(x), linear(flatten(max_pool2d(relu(conv(x)), 2)))));
  static_assert(std::is_same_v<decltype(net(x)), Variable<double>>);

  // drawn from left to right, as layers alone are
  seed(1);
  const nn::Conv2d<double> first(2, 3, 3);
  const nn::Linear<double> last(12, 4);
  CHECK(equal(conv.weight, first.weight));
  CHECK(equal(linear.weight, last.weight));
}

TEST_CASE("layers: a Sequential holds anything that can be called") {
  nn::Sequential net{
      [](auto x) { return x * 2; },  // a lambda
      relued,                        // a function, which takes the line
      std::function<Variable<double>(Variable<double>)>([](Variable<double> x) { return x + 1; }),
      std::vector<nn::Linear<double>>{{3, 3}, {3, 3}},  // some in a row
      nn::Sequential{nn::Tanh{}, nn::Linear<double>(3, 1)},
      nn::Sequential<>{},  // none at all
  };
  CHECK(names_of(net) == Strings{"3.0.weight", "3.0.bias", "3.1.weight", "3.1.bias", "4.1.weight", "4.1.bias"});
  const auto x = noise({2, 3});
  const auto& blocks = std::get<3>(net.layers);
  CHECK(equal(net(x), std::get<1>(std::get<4>(net.layers).layers)(tanh(blocks[1](blocks[0](relu(x * 2) + 1))))));
  check_gradients(net, x);

  // labels go in, where the first layer takes them
  const nn::Sequential words{nn::Embedding<double>(5, 3), nn::Linear<double>(3, 2)};
  CHECK(words(Labels{{0, 4}, {1, 1}}).shape() == Shape{2, 2, 2});
  // an array too
  CHECK(nn::Sequential{nn::Linear<double>(3, 2)}(Array<double>(x.value())).shape() == Shape{2, 2});
}

TEST_CASE("layers: as a member, trained, switched and summed up like any") {
  struct Net {
    nn::Sequential<nn::Linear<double>, nn::BatchNorm<double>, nn::Dropout> hidden{
        {3, 4}, nn::BatchNorm<double>(4), nn::Dropout(0.5)};
    nn::Residual<nn::Linear<double>> block{{4, 4}};
    nn::Concat<nn::Linear<double>, nn::Linear<double>> out{{4, 1}, {4, 2}};
    Variable<double> operator()(Variable<double> x) const { return out(block(hidden(x))); }
  };
  Net net;
  CHECK(names_of(net) == Strings{"hidden.0.weight", "hidden.0.bias", "hidden.1.weight", "hidden.1.bias", "hidden.1.running_mean",
                                 "hidden.1.running_var", "block.body.weight", "block.body.bias", "out.0.weight", "out.0.bias",
                                 "out.1.weight", "out.1.bias"});
  nn::eval(net);
  CHECK(!std::get<1>(net.hidden.layers).training);
  CHECK(!std::get<2>(net.hidden.layers).training);
  const auto x = noise({5, 3});
  CHECK(net(x).shape() == Shape{5, 3});
  CHECK(equal(net.block(net.hidden(x)), net.hidden(x) + net.block.body(net.hidden(x))));
  Net other;
  nn::eval(other);
  check_state(net, other, [&](const auto& layer) { return layer(x); });
  check_gradients(net, x);
  const auto table = nn::summary(net, {5, 3});
  CHECK(table.parameters == nn::parameter_count(net));
  Strings rows;
  for (const auto& row : table.rows) rows.push_back(row.name);
  CHECK(rows[0] == "hidden.0");
  Generator generator(7);
  const auto before = Array<double>(net.block.body.weight.value());
  nn::initialize(net, generator);
  CHECK(before != net.block.body.weight.value());
}

TEST_CASE("layers: Residual and Concat") {
  const auto x = noise({2, 4, 4, 2});
  const nn::Residual halved{nn::Conv2d<double>(2, 3, 3, {.stride = 2, .padding = 1}), nn::Conv2d<double>(2, 3, 1, {.stride = 2})};
  CHECK(names_of(halved) == Strings{"body.weight", "body.bias", "shortcut.weight", "shortcut.bias"});
  CHECK(equal(halved(x), halved.body(x) + halved.shortcut(x)));
  check_gradients(halved, x);
  const nn::Concat channels{nn::Conv2d<double>(2, 3, 1), nn::Identity{}, nn::AvgPool2d{3, {.stride = 1, .padding = 1}}};
  CHECK(names_of(channels) == Strings{"0.weight", "0.bias"});
  CHECK(channels(x).shape() == Shape{2, 4, 4, 7});
  CHECK(equal(slice(channels(x), 3, {3, 5}), x));
  check_gradients(channels, x);
  const nn::Concat rows{{.axis = 1}, nn::Identity{}, nn::MaxPool2d{{1, 1}}, relued};
  CHECK(rows(x).shape() == Shape{2, 12, 4, 2});
}

TEST_CASE("layers: containers as text") {
  const nn::Sequential net{nn::Conv2d<float>(1, 8, 5, {.stride = 2}),
                           nn::LeakyReLU{.slope = 0.25},
                           nn::MaxPool2d{2},
                           nn::Residual{nn::Sequential{nn::BatchNorm<float>(8), nn::SiLU{}}},
                           [](auto x) { return x; },
                           nn::Dropout{0.25},
                           nn::Linear<double>(8, 2, {.bias = false})};
  const std::string text = fmt::format("{}", net);
  CHECK(text ==
        "Sequential(\n"
        "  (0): Conv2d(weight (8, 5, 5, 1), bias (8,), stride=(2, 2), padding=(0, 0, 0, 0), dilation=(1, 1), groups=1)\n"
        "  (1): LeakyReLU(slope=0.25)\n"
        "  (2): MaxPool2d(size=(2, 2), padding=(0, 0, 0, 0), ceil_mode=false)\n"
        "  (3): Residual(\n"
        "    (body): Sequential(\n"
        "      (0): BatchNorm(weight (8,), bias (8,), running_mean (8,), running_var (8,))\n"
        "      (1): SiLU()\n"
        "    )\n"
        "    (shortcut): Identity()\n"
        "  )\n"
        "  (4): function()\n"
        "  (5): Dropout(p=0.25)\n"
        "  (6): Linear(weight (2, 8))\n"
        ")");
  std::ostringstream stream;
  stream << net;
  CHECK(stream.str() == text);
  CHECK(fmt::format("{}", nn::Concat{nn::ReLU{}, nn::Identity{}}) == "Concat(axis=-1\n  (0): ReLU()\n  (1): Identity()\n)");
  CHECK(fmt::format("{}", nn::Sequential<>{}) == "Sequential()");
}

TEST_CASE("layers: errors name the line of the call and the layer") {
  const nn::Sequential net{nn::Linear<double>(3, 4), nn::ReLU{}, nn::Linear<double>(5, 2)};
  const auto x = noise({2, 3});
  CHECK(error(__LINE__, [&] { net(x); }).ends_with(" (layer 2 of a Sequential)"));
  const nn::Concat wide{nn::Identity{}, nn::Linear<double>(4, 2)};
  CHECK(error(__LINE__, [&] { wide(x); }).ends_with(" (layer 1 of a Concat)"));
  const nn::Concat uneven{nn::Identity{}, [](auto v) { return sum(v, 0, {.keepdims = true}); }};
  CHECK(error(__LINE__, [&] { uneven(x); }).starts_with("concat: "));
  const nn::Residual changed{nn::Linear<double>(3, 4)};
  CHECK(error(__LINE__, [&] { changed(x); }).starts_with("add: "));
  CHECK(error(__LINE__, [&] { nn::MaxPool2d{9}(noise({1, 4, 4, 1})); }).starts_with("max_pool2d: "));
  // clang-format off
  CHECK(error(__LINE__, [&] { nn::Embedding<double>(3, 2, {.padding_idx = 3}); }) == "Embedding: padding_idx is 3; it must be from -3 to 2");
  // clang-format on
  const nn::Embedding<double> words(3, 2);
  CHECK(error(__LINE__, [&] { words(Labels{3}); }).starts_with("embedding: "));
}

TEST_CASE("layers: those without weights take arrays too, as constants") {
  const Variable<double> x(noise({2, 4, 4, 4}).value(), true);
  const Array<double> array = x.value();
  const auto same = [&](const auto& layer) {
    const auto y = layer(array);
    static_assert(std::is_same_v<decltype(y), const Variable<double>>);
    CHECK(equal(y, layer(x)));
    CHECK_FALSE(y.requires_grad());
    CHECK(equal(layer(2 * array), layer(2 * x)));  // an expression
  };
  same(nn::ReLU{});
  same(nn::Tanh{});  // xtensor has a function of this name
  same(nn::LeakyReLU{.slope = 0.3});
  same(nn::Hardtanh{.max_val = 0.5});
  same(nn::Softmax{});
  same(nn::Flatten{});
  same(nn::MaxPool2d{2});
  same(nn::AvgPool2d{2});
  same(nn::GlobalAvgPool{});
  same(nn::AdaptiveAvgPool2d{3});
  same(nn::AdaptiveMaxPool2d{3});
  same(nn::LocalResponseNorm{3});
  same(nn::SinusoidalPositions{});
  same(nn::Sequential{nn::ReLU{}, nn::Flatten{}});
  same(nn::Residual{nn::ReLU{}});
  same(nn::Concat{nn::ReLU{}, nn::Tanh{}});
  nn::Dropout all(0);
  same(all);
  nn::Dropout2d channels(0);
  same(channels);
  CHECK(error(__LINE__, [&] { nn::MaxPool2d{9}(array); }).starts_with("max_pool2d: "));
}

TEST_CASE("layers: activations and pools call the operations of their names") {
  const auto x = noise({2, 4, 4, 4});
  CHECK(equal(nn::ReLU{}(x), relu(x)));
  CHECK(equal(nn::ReLU6{}(x), relu6(x)));
  CHECK(equal(nn::SELU{}(x), selu(x)));
  CHECK(equal(nn::SiLU{}(x), silu(x)));
  CHECK(equal(nn::Mish{}(x), mish(x)));
  CHECK(equal(nn::Sigmoid{}(x), sigmoid(x)));
  CHECK(equal(nn::LogSigmoid{}(x), log_sigmoid(x)));
  CHECK(equal(nn::Tanh{}(x), tanh(x)));
  CHECK(equal(nn::Softsign{}(x), softsign(x)));
  CHECK(equal(nn::Hardswish{}(x), hardswish(x)));
  CHECK(equal(nn::Hardtanh{-0.5, 0.25}(x), hardtanh(x, {-0.5, 0.25})));
  CHECK(equal(nn::LeakyReLU{}(x), leaky_relu(x)));
  CHECK(equal(nn::LeakyReLU{.slope = 0.3}(x), leaky_relu(x, 0.3)));
  CHECK(equal(nn::ELU{.alpha = 0.3}(x), elu(x, 0.3)));
  CHECK(equal(nn::Softplus{.beta = 2}(x), softplus(x, 2)));
  CHECK(equal(nn::GELU{}(x), gelu(x)));
  CHECK(equal(nn::GELU{.approximate = true}(x), gelu(x, {.approximate = true})));
  CHECK(equal(nn::Softmax{}(x), softmax(x)));
  CHECK(equal(nn::Softmax{.axis = 1}(x), softmax(x, 1)));
  CHECK(equal(nn::LogSoftmax{.axis = 2}(x), log_softmax(x, 2)));
  CHECK(equal(nn::Flatten{}(x), flatten(x)));
  CHECK(equal(nn::Flatten{.from = 2}(x), flatten(x, 2)));
  CHECK(equal(nn::Identity{}(x), x));
  CHECK(equal(nn::MaxPool2d{3, {.stride = 1}}(x), max_pool2d(x, 3, {.stride = 1})));
  CHECK(equal(nn::AvgPool2d{{1, 2}}(x), avg_pool2d(x, {1, 2})));
  CHECK(equal(nn::GlobalAvgPool{}(x), global_avg_pool2d(x)));
  CHECK(equal(nn::AdaptiveAvgPool2d{3}(x), adaptive_avg_pool2d(x, 3)));
  CHECK(equal(nn::AdaptiveMaxPool2d{{3, 2}}(x), adaptive_max_pool2d(x, {3, 2})));
  CHECK(equal(nn::LocalResponseNorm{3, {.alpha = 0.5}}(x), local_response_norm(x, 3, {.alpha = 0.5})));
  nn::PReLU<double> one, channels(4);
  CHECK(equal(one(x), leaky_relu(x, 0.25)));
  CHECK(channels.weight.shape() == Shape{4});
  check_state(channels, channels, [&](const auto& layer) { return layer(x); });
  check_gradients(channels, x);
  // options are no state
  CHECK(nn::state_entries(nn::Sequential{nn::ELU{}, nn::LocalResponseNorm{3}, nn::MaxPool2d{2}, nn::Softmax{}, one}).size() == 1);
  auto copy = nn::clone(nn::Sequential{nn::LeakyReLU{.slope = 0.5}, one});
  CHECK(std::get<0>(copy.layers).slope == 0.5);
}

TEST_CASE("layers: the padding of an Embedding is 0 and learns nothing") {
  nn::Embedding<double> words(5, 3, {.padding_idx = -4});
  CHECK(*words.options.padding_idx == 1);
  for (int k = 0; k < 3; ++k) CHECK(words.weight.value()(1, k) == 0);
  const Labels text{{0, 1, 1}, {4, 0, 1}};
  CHECK(words(text).shape() == Shape{2, 3, 3});
  backward(sum(square(words(text) + 1)));
  const auto& g = words.weight.grad();
  for (int k = 0; k < 3; ++k) {
    CHECK(g(1, k) == 0);
    CHECK(g(2, k) == 0);
    CHECK(g(0, k) == doctest::Approx(4 * (words.weight.value()(0, k) + 1)));
  }
  // what was loaded may be another: it is looked up, and learns nothing
  words.weight.update([](Array<double>& w) { w(1, 0) = 7; });
  CHECK(words(Labels{1}).value()(0, 0) == 7);
  CHECK(!words(Labels{1, 1}).requires_grad() == false);
  Generator generator(3);
  nn::initialize(words, generator);
  CHECK(words.weight.value()(1, 0) == 0);
  nn::Embedding<double> other(5, 3, {.padding_idx = 1});
  check_state(words, other, [&](const auto& layer) { return layer(text); });
  const Labels whole{{0, 4, 2}, {3, 0, 0}};  // differences would see the padding
  const auto report = gradcheck([&] { return mean(square(words(whole) + 1)); }, nn::named_parameters(words), {.order = 2});
  CHECK_MESSAGE(report.ok(), to_string(report));
  // without padding every row learns
  const nn::Embedding<double> all(2, 2, {.init = nn::init::constant(3)});
  CHECK(all.weight.value() == full<double>({2, 2}, 3));
  backward(sum(all(Labels{0, 1, 1})));
  CHECK(all.weight.grad() == Array<double>{{1, 1}, {2, 2}});
}

TEST_CASE("layers: initialisers have the mean and variance they promise") {
  const Shape shape{64, 3, 3, 32};
  const double in = 288, out = 576;
  struct Case {
    const char* name;
    nn::Init init;
    double variance, most;  // of |w|; 0 for no bound
    double mean = 0;
  };
  using namespace nn::init;
  const double r2 = std::sqrt(2.0);
  const Case table[]{
      {"uniform", nn::init::uniform(-2, 1), 0.75, 2, -0.5},
      {"normal", nn::init::normal(1, 0.5), 0.25, 0, 1},
      {"truncated_normal", nn::init::truncated_normal(), 0.774, 2},
      {"truncated_normal, cut", nn::init::truncated_normal(0, 1, -0.1, 0.1), 0.01 / 3, 0.1},
      {"xavier_uniform", xavier_uniform(), 2 / (in + out), std::sqrt(6 / (in + out))},
      {"xavier_normal", xavier_normal(3), 18 / (in + out), 0},
      {"kaiming_uniform", kaiming_uniform(), 2 / in, std::sqrt(6 / in)},
      {"kaiming_uniform, out", kaiming_uniform({.gain = gain::linear, .fan = Fan::out}), 1 / out, std::sqrt(3 / out)},
      {"kaiming_normal", kaiming_normal(), 2 / in, 0},
      {"kaiming_normal, tanh", kaiming_normal({.gain = gain::tanh}), 25.0 / 9 / in, 0},
      {"kaiming_normal, leaky", kaiming_normal({.gain = gain::leaky_relu(1), .fan = Fan::out}), 1 / out, 0},
      {"a function", [](Generator& g) { return g.uniform(0, 2); }, 1.0 / 3, 2, 1},
      {"orthogonal", orthogonal(r2), 2.0 / 288, 0},
  };
  for (const Case& c : table) {
    Generator generator(1);
    Array<double> w(shape);
    c.init(w, generator);
    double mean = 0, squares = 0, most = 0;
    for (const double x : w) mean += x / static_cast<double>(w.size());
    for (const double x : w) {
      squares += (x - mean) * (x - mean) / static_cast<double>(w.size());
      most = std::max(most, std::abs(x));
    }
    CAPTURE(c.name);
    CHECK(std::abs(mean - c.mean) < 4 * std::sqrt(c.variance / static_cast<double>(w.size())));  // four deviations
    CHECK(squares == doctest::Approx(c.variance).epsilon(0.04));
    if (c.most > 0) CHECK(most <= c.most);
    if (c.most > 0) CHECK(most > 0.98 * c.most);
    // float: the same numbers
    Generator again(1);
    Array<float> single(shape);
    c.init(single, again);
    CHECK(single.data()[17] == static_cast<float>(w.data()[17]));
  }
}

TEST_CASE("layers: orthogonal, dirac and constant weights") {
  Generator generator(2);
  for (const Shape& shape : {Shape{4, 6}, Shape{6, 4}, Shape{5, 5}, Shape{3, 2, 2, 4}, Shape{1, 1}}) {
    Array<double> w(shape);
    nn::init::orthogonal(2)(w, generator);
    const std::size_t rows = shape[0], columns = w.size() / rows;
    Array<double> matrix = w;
    matrix.reshape(Shape{rows, columns});
    const Variable<double> m(matrix);
    const auto product = rows <= columns ? matmul(m, m, {.transpose_b = true}) : matmul(m, m, {.transpose_a = true});
    for (std::size_t i = 0; i < product.shape()[0]; ++i)
      for (std::size_t j = 0; j < product.shape()[0]; ++j) CHECK(std::abs(product.value()(i, j) - (i == j ? 4 : 0)) < 1e-13);
  }
  // a convolution that hands its image on, in groups too
  const auto x = noise({1, 5, 4, 4});
  const nn::Conv2d<double> same(4, 4, 3, {.padding = 1, .init = nn::init::dirac()});
  CHECK(equal(same(x), x));
  const nn::Conv2d<double> grouped(4, 4, 3, {.padding = 1, .groups = 2, .init = nn::init::dirac(2)});
  CHECK(equal(grouped(x), x));
  const nn::Conv2d<double> more(4, 6, {1, 5}, {.padding = {0, 2}, .init = nn::init::dirac()});
  CHECK(equal(slice(more(x), 3, {0, 4}), x));
  CHECK(slice(more(x), 3, {4, 6}).value() == zeros<double>({1, 5, 4, 2}));
  const nn::Linear<double> line(3, 3, {.init = nn::init::dirac()});
  CHECK(line.weight.value() == Array<double>{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}});
  const nn::Linear<double> fives(2, 3, {.init = nn::init::constant(5)});
  CHECK(fives.weight.value() == full<double>({3, 2}, 5));
}

TEST_CASE("layers: a layer keeps its initialiser, and says what is wrong with it") {
  nn::Linear<double> layer(2, 2, {.init = nn::init::constant(0.5)});
  layer.weight.update([](Array<double>& w) { w.fill(7); });
  Generator generator(1);
  nn::initialize(layer, generator);
  CHECK(layer.weight.value() == full<double>({2, 2}, 0.5));
  nn::Conv1d<double> sequence(2, 2, 3, {.init = nn::init::constant(2)});
  nn::ConvTranspose2d<double> up(2, 2, 3, {.init = nn::init::constant(2)});
  CHECK(sequence.weight.value()(1, 2, 1) == 2);
  CHECK(up.weight.value()(1, 2, 1, 0) == 2);
  struct Net {  // an initialiser may be a member
    nn::Linear<double> a{2, 2};
    nn::Init init = nn::init::orthogonal();
    nn::Sequential<nn::ReLU> one{nn::ReLU{}};
    nn::Residual<nn::Identity> two{nn::Identity{}};
    nn::Concat<nn::ReLU> three{nn::ReLU{}};
  };
  CHECK(nn::state_entries(Net{}).size() == 2);
  using nn::init::Fan;
  const auto make = [](nn::Init init, std::uint32_t line) {
    return error(line, [&] { nn::Linear<double>(3, 4, {.init = init}, Where::current(__FILE__, line)); });
  };
  CHECK(make(nn::init::normal(0, -1), __LINE__) == "normal: std is -1; it must be from 0 up and finite");
  CHECK(make(nn::init::normal(inf, 1), __LINE__) == "normal: mean is inf; it must be finite");
  CHECK(make(nn::init::uniform(2, 1), __LINE__) == "uniform: low is 2 and high 1; they must be finite, low not above high");
  CHECK(make(nn::init::xavier_normal(-1), __LINE__) == "xavier_normal: gain is -1; it must be from 0 up and finite");
  // clang-format off
  CHECK(make(nn::init::kaiming_uniform({.gain = na}), __LINE__) == "kaiming_uniform: gain is nan; it must be from 0 up and finite");
  CHECK(make(nn::init::orthogonal(inf), __LINE__) == "orthogonal: gain is inf; it must be finite");
  CHECK(make(nn::init::dirac(3), __LINE__) == "dirac: groups is 3; it must divide the outputs, 4");
  CHECK(make(nn::init::dirac(0), __LINE__) == "dirac: groups is 0; it must divide the outputs, 4");
  CHECK(make(nn::init::truncated_normal(0, 1, 2, 1), __LINE__).starts_with("truncated_normal: "));
  // clang-format on
  Array<double> vector(Shape{3});
  // clang-format off
  CHECK(error(__LINE__, [&] { nn::init::orthogonal()(vector, generator); }) == "orthogonal: the weight is (3,); it must have an output axis and at least one input axis");
  // clang-format on
  Array<double> none(Shape{0, 3});
  for (const nn::Init& init : {nn::init::orthogonal(), nn::init::dirac(), nn::init::kaiming_normal({.fan = Fan::out})})
    init(none, generator);
}

TEST_CASE("layers: frozen parameters are constants until they are parameters again") {
  struct Net {
    nn::Sequential<nn::Linear<double>, nn::BatchNorm<double>> backbone{{3, 4}, nn::BatchNorm<double>(4)};
    nn::Linear<double> head{4, 2};
    Variable<double> operator()(Variable<double> x) const { return head(backbone(x)); }
  };
  seed(4);
  Net net;
  const auto x = noise({6, 3});
  optim::Optimizer opt(nn::parameters(net), optim::SGD{.lr = 0.1, .weight_decay = 0.1});
  const auto step = [&] {
    opt.zero_grad();
    backward(sum(square(net(x))));
    opt.step();
  };
  step();
  backward(sum(square(net(x))));
  nn::freeze(net.backbone);
  CHECK(nn::parameters(net).size() == 2);
  CHECK(nn::named_state(net).size() == 8);
  const auto value = [&] { return Array<double>(std::get<0>(net.backbone.layers).weight.value()); };
  const auto before = value(), head = Array<double>(net.head.weight.value());
  step();  // of the optimiser that has them all
  CHECK(value() == before);
  CHECK(head != net.head.weight.value());
  CHECK(!grad(sum(net(x)), {net.head.weight})[0].requires_grad());

  Net cloned = nn::clone(net), plain = net;
  const Directory directory;
  nn::save(net, directory.file("net"));
  Net loaded;
  nn::load(loaded, directory.file("net"));
  CHECK(nn::parameters(loaded).size() == 6);
  nn::freeze(net.backbone);  // again: nothing more happens
  nn::unfreeze(net);
  CHECK(nn::parameters(net).size() == 6);
  CHECK(!std::get<1>(net.backbone.layers).running_mean.requires_grad());
  step();
  CHECK(value() != before);
  // copies of the frozen network can be thawed too, and clones on their own
  CHECK(nn::parameters(plain).size() == 2);
  nn::unfreeze(plain);
  CHECK(std::get<0>(plain.backbone.layers).weight.node() == std::get<0>(net.backbone.layers).weight.node());
  CHECK(nn::parameters(cloned).size() == 2);
  nn::unfreeze(cloned);
  CHECK(nn::parameters(cloned).size() == 6);
  CHECK(std::get<0>(cloned.backbone.layers).weight.node() != std::get<0>(net.backbone.layers).weight.node());
  CHECK(std::get<0>(cloned.backbone.layers).weight.value() == before);

  // tied weights stay tied
  struct Tied {
    Variable<double> a = leaf({1, 2}), b = a;
  } tied;
  nn::freeze(tied);
  CHECK(!tied.a.requires_grad());
  CHECK(!tied.b.requires_grad());
  nn::unfreeze(tied);
  CHECK(tied.a.node() == tied.b.node());
  struct Computed {
    Variable<double> weight = leaf({1, 2}) * 2;
  } computed;
  CHECK(error(__LINE__, [&] { nn::freeze(computed); }).starts_with("freeze: weight is the result of mul"));
}

TEST_CASE("layers: penalties on weights, not on biases") {
  nn::Sequential net{nn::Linear<double>(2, 2), nn::BatchNorm<double>(2)};
  auto& [linear, norm] = net.layers;
  linear.weight.assign({{1, -2}, {0, 3}});
  linear.bias.assign({5, 5});
  CHECK(nn::penalty(net, {.l2 = 0.5}).item() == 7);
  CHECK(nn::penalty(net, {.l1 = 2}).item() == 12);
  CHECK(nn::penalty(net, {.l1 = 2, .l2 = 0.5}).item() == 19);
  CHECK(nn::penalty(net).item() == 0);
  backward(nn::penalty(net, {.l1 = 2, .l2 = 0.5}));
  CHECK(linear.weight.grad() == Array<double>{{3, -4}, {0, 5}});
  CHECK(!linear.bias.has_grad());
  CHECK(!norm.weight.has_grad());
  // half of a weight decay: the same step
  nn::Sequential other = nn::clone(net);
  optim::Optimizer decayed(std::vector{linear.weight}, optim::SGD{.lr = 0.1, .weight_decay = 0.3});
  optim::Optimizer punished(std::vector{std::get<0>(other.layers).weight}, optim::SGD{.lr = 0.1});
  linear.weight.zero_grad();
  backward(sum(linear.weight * 1));
  decayed.step();
  backward(sum(std::get<0>(other.layers).weight * 1) + nn::penalty(other, {.l2 = 0.15}));
  punished.step();
  CHECK(is(linear.weight.value(), {0.87, -2.04 + 0.0, -0.1, 2.81}, 1e-12) == true);
  for (std::size_t k = 0; k < 4; ++k)
    CHECK(linear.weight.value().data()[k] == doctest::Approx(std::get<0>(other.layers).weight.value().data()[k]));
  CHECK(gradcheck([&] { return nn::penalty(net, {.l2 = 0.5}); }, {linear.weight}, {.order = 2}).ok());
  nn::freeze(net);
  CHECK(nn::penalty(net, {.l2 = 1}).item() == 0);
  CHECK(error(__LINE__, [&] { nn::penalty(net, {.l1 = -1}); }) == "penalty: l1 is -1; it must be from 0 up and finite");
  CHECK(error(__LINE__, [&] { nn::penalty(net, {.l2 = na}); }) == "penalty: l2 is nan; it must be from 0 up and finite");
}

TEST_CASE("layers: layers with options of a call name the user's line, too") {
  const nn::Sequential net{nn::MultiheadAttention<double>(4, 2)};
  const Variable<double> wrong(zeros<double>({2, 3, 5}));
  CHECK(error(__LINE__, [&] { net(wrong); }).find("MultiheadAttention") != std::string::npos);
}

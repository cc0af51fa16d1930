// What a network is made of, as a table; and its graph as a drawing.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "../models/lenet.hpp"

namespace nn = xgrad::nn;
using xgrad::Array;
using xgrad::Shape;
using xgrad::Variable;

namespace {

using Strings = std::vector<std::string>;

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++n;
  return n;
}
bool has(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

Variable<float> leaf(const Shape& shape) { return Variable<float>(xgrad::full<float>(shape, 1), true); }

struct Odd {
  Variable<float> scale = leaf({3}), spare = leaf({5});
  Variable<float> frozen = Variable<float>(xgrad::ones<float>({3}));
  nn::Linear<float> first{3, 3}, never{7, 7};
  // the same layer twice, a bare parameter, a constant
  Variable<float> operator()(Variable<float> x) const { return first(first(x) * scale) * frozen; }
};

}  // namespace

TEST_CASE("LeNet's summary has its layers, shapes and parameters") {
  const xgrad::models::LeNet<> net;
  const nn::Summary summary = nn::summary(net, {1, 28, 28, 1});
  struct Row {
    std::string name, first_op;
    Shape output;
    std::size_t parameters;
  };
  const std::vector<Row> expected{
      {"conv1", "conv2d", {1, 28, 28, 6}, 156},
      {"", "relu", {1, 28, 28, 6}, 0},
      {"", "max_pool2d", {1, 14, 14, 6}, 0},
      {"conv2", "conv2d", {1, 10, 10, 16}, 2416},
      {"", "relu", {1, 10, 10, 16}, 0},
      {"", "max_pool2d", {1, 5, 5, 16}, 0},
      {"", "reshape", {1, 400}, 0},
      {"fc1", "linear", {1, 120}, 48120},
      {"", "relu", {1, 120}, 0},
      {"fc2", "linear", {1, 84}, 10164},
      {"", "relu", {1, 84}, 0},
      {"fc3", "linear", {1, 10}, 850},
  };
  REQUIRE(summary.rows.size() == expected.size());
  for (std::size_t k = 0; k < expected.size(); ++k) {
    CAPTURE(k);
    CHECK(summary.rows[k].name == expected[k].name);
    CHECK(summary.rows[k].op.substr(0, expected[k].first_op.size()) == expected[k].first_op);
    CHECK(summary.rows[k].output == expected[k].output);
    CHECK(summary.rows[k].parameters == expected[k].parameters);
  }
  const auto row = [&](std::size_t k) -> const nn::SummaryRow& { return summary.rows[k]; };
  CHECK(row(0).kernel == "5×5");
  CHECK(row(2).kernel == "2×2 / 2");
  CHECK(row(1).kernel.empty());
  CHECK(row(0).field == "5×5");
  CHECK(row(2).field == "6×6");
  CHECK(row(3).field == "14×14");
  CHECK(row(5).field == "16×16");
  CHECK(row(6).field.empty());
  CHECK(row(0).multiply_adds == 28 * 28 * 6 * 25);
  CHECK(row(0).multiply_adds_back == 28 * 28 * 6 * 25);  // nobody wants the images' gradient
  CHECK(row(3).multiply_adds == 10 * 10 * 16 * 25 * 6);
  CHECK(row(3).multiply_adds_back == 2 * 10 * 10 * 16 * 25 * 6);
  CHECK(row(7).multiply_adds == 400 * 120);
  CHECK(row(7).multiply_adds_back == 2 * 400 * 120);
  CHECK(row(8).multiply_adds == 0);
  CHECK(row(0).kept == 4 * 784);          // the images
  CHECK(row(1).kept == 4 * 28 * 28 * 6);  // its result
  CHECK(row(2).kept == 4 * 14 * 14 * 6);  // indices
  CHECK(row(3).kept == 4 * 14 * 14 * 6);  // its images
  CHECK(row(6).kept == 0);
  CHECK(summary.input == Shape{1, 28, 28, 1});
  CHECK(summary.parameters == nn::parameter_count(net));
  CHECK(summary.bytes == 4 * 61706);
  CHECK(summary.unused.empty());

  const std::string text = fmt::format("{}", summary);
  CHECK(text == nn::to_string(summary));
  CHECK(count(text, "\n") == 15);  // titles, rule, input, twelve rows; then the totals
  CHECK(has(text, "fc1"));
  CHECK(has(text, "48 120"));
  CHECK(has(text, "\n61 706 parameters, 246.8 kB; 416 520 multiply-adds forward, 715 440 back; "));
  CHECK(text.ends_with(" kB kept for backward"));
}

TEST_CASE("the multiply-adds of a summary are those that a step of training runs") {
  const xgrad::models::LeNet<> net;
  struct Attention {
    nn::Linear<float> query{8, 8}, value{8, 8};
    nn::ConvTranspose2d<float> up{2, 3, 3, {.stride = 2}};
    nn::Conv2d<float> grouped{2, 4, 3, {.padding = 1, .groups = 2}};
    Variable<float> operator()(const Variable<float>& x) const {
      const auto tokens = reshape(grouped(x), {2, 8, 8});
      const auto scores = matmul(query(tokens), tokens, {.transpose_b = true});
      return sum(up(x)) + sum(matmul(softmax(scores), value(tokens)));
    }
  };
  // by what ran: of each product the three lengths that its result and one input show
  const auto measured = [](const auto& network, const Shape& shape) {
    std::size_t forward = 0, back = 0;
    bool backward_runs = false;
    const xgrad::Observe observe([&](const auto& event) {
      if (event.what != xgrad::Seen::result) return;
      const auto size = [&](std::size_t i) { return event.inputs[i].size(); };
      const auto filter = [](const Shape& w) { return w[1] * w[2] * w[3]; };
      std::size_t n = 0;
      if (event.op == "conv2d") n = event.value.size() * filter(event.inputs[1].shape());
      if (event.op == "conv2d_input_grad" || event.op == "conv_transpose2d") n = size(0) * filter(event.inputs[1].shape());
      if (event.op == "conv2d_weight_grad") n = size(1) * filter(event.value.shape());
      if (event.op == "linear") n = event.value.size() * event.inputs[0].shape()[1];
      if (event.op == "matmul") {  // (m k) (k n) (m n) = (m k n)², batch by batch
        const auto batch = event.value.size() / event.value.shape().back() / event.value.shape()[event.value.shape().size() - 2];
        const auto a = size(0) / batch, b = size(1) / batch, c = event.value.size() / batch;
        n = batch * static_cast<std::size_t>(std::lround(std::sqrt(double(a) * double(b) * double(c))));
      }
      (backward_runs ? back : forward) += n;
    });
    const auto y = network(Variable<float>(xgrad::ones<float>(shape)));
    backward_runs = true;
    grad(sum(y), nn::parameters(network), {.allow_unused = true});
    return std::pair(forward, back);
  };
  const auto told = [](const auto& network, const Shape& shape) {
    std::pair<std::size_t, std::size_t> total;
    for (const nn::SummaryRow& row : nn::summary(network, shape).rows) {
      total.first += row.multiply_adds;
      total.second += row.multiply_adds_back;
    }
    return total;
  };
  CHECK(told(net, {3, 28, 28, 1}) == measured(net, {3, 28, 28, 1}));
  const Attention attention;
  CHECK(told(attention, {1, 8, 4, 2}).first == measured(attention, {1, 8, 4, 2}).first);
  CHECK(told(attention, {1, 8, 4, 2}).second == measured(attention, {1, 8, 4, 2}).second);
}

TEST_CASE("a summary remarks on pixels that a stride leaves out, and on several results") {
  struct Net {
    nn::Conv2d<float> first{1, 2, 3, {.stride = 2}}, second{2, 2, 3, {.stride = {2, 1}, .padding = 1}};
    nn::Linear<float> a{2, 3}, b{2, 1};
    auto operator()(const Variable<float>& x) const {
      const auto h = global_avg_pool2d(second(first(x)));
      const auto first_result = a(h);  // before the other, whatever the compiler
      return std::pair(first_result, b(h));
    }
  };
  const nn::Summary summary = nn::summary(Net{}, {1, 8, 7, 1});
  CHECK(summary.rows[0].kernel == "3×3 / 2");
  CHECK(summary.rows[0].remarks == Strings{"the stride leaves the last 1 row out"});
  CHECK(summary.rows[1].kernel == "3×3 / 2×1");
  CHECK(summary.rows[1].field == "7×7");
  CHECK(summary.rows[1].remarks.empty());  // what is left is padding
  const auto remarks_of = [&](const char* name) {
    for (const nn::SummaryRow& row : summary.rows)
      if (row.name == name) return row.remarks;
    return Strings{};
  };
  CHECK(remarks_of("a") == Strings{"result 1 of 2"});
  CHECK(remarks_of("b") == Strings{"result 2 of 2"});
  const std::string text = fmt::format("{}", summary);
  CHECK(has(text, "\nfirst (1, 3, 3, 2): the stride leaves the last 1 row out\n"));
  CHECK(text.ends_with("\nb (1, 1): result 2 of 2"));
}

TEST_CASE("watch: the result of each layer, by its name") {
  struct Net {
    nn::Conv2d<float> conv{1, 2, 3};
    nn::BatchNorm<float> norm{2};
    nn::Linear<float> out{2, 3};
    nn::Dropout drop{0.5};
    Variable<float> operator()(const Variable<float>& x) const { return out(drop(global_avg_pool2d(relu(norm(conv(x)))))); }
  };
  xgrad::seed(2);
  const Net net;
  const Variable<float> x(xgrad::uniform<float>({2, 5, 5, 1}, 0, 1), true);
  const Array<float> mean = net.norm.running_mean.value();
  const xgrad::Generator generator = xgrad::default_generator();
  const auto layers = nn::watch(net, x);
  CHECK(net.norm.running_mean.value() == mean);
  CHECK(xgrad::Generator(xgrad::default_generator()).next() == xgrad::Generator(generator).next());
  Strings names;
  for (const auto& row : layers.rows) names.push_back(row.name.empty() ? row.op : row.name);
  REQUIRE(names.size() >= 6);
  CHECK(Strings(names.begin(), names.begin() + 3) == Strings{"conv", "norm", "relu"});
  CHECK(Strings(names.end() - 2, names.end()) == Strings{"dropout", "out"});
  CHECK(layers.at("conv").value() == net.conv(x).value());
  CHECK(layers.at("out").value() == net(x).value());  // the same masks
  CHECK(layers.rows[2].value.value() == relu(layers.at("norm")).value());
  CHECK(grad(sum(layers.at("conv")), {x})[0].value() == grad(sum(net.conv(x)), {x})[0].value());
  CHECK_FALSE(x.has_grad());
  try {
    layers.at("conv2");
    FAIL("nothing thrown");
  } catch (const xgrad::ValueError& error) {
    CHECK(error.message() == "no layer is called conv2; it must be one of conv, norm, out");
  }
  CHECK(nn::watch(net, x.value()).at("conv").value() == layers.at("conv").value());
  const xgrad::NoGrad no_grad;
  const auto values = nn::watch(net, x.detach());
  CHECK_FALSE(values.at("out").requires_grad());
  CHECK(values.rows.size() == layers.rows.size());
}

TEST_CASE("a summary counts parameters once and tells which are unused") {
  const Odd net;
  const nn::Summary summary = nn::summary(net, {2, 3});
  Strings names;
  std::vector<std::size_t> parameters;
  for (const nn::SummaryRow& row : summary.rows) {
    names.push_back(row.name);
    parameters.push_back(row.parameters);
  }
  CHECK(names == Strings{"first", "scale", "first", "frozen"});
  CHECK(parameters == std::vector<std::size_t>{12, 3, 0, 0});
  CHECK(summary.unused == Strings{"spare", "never.weight", "never.bias"});
  CHECK(summary.parameters == 12 + 3 + 5 + 56);
  CHECK(has(nn::to_string(summary), "unused, so they will not be trained: spare, never.weight, never.bias"));
}

TEST_CASE("a summary works inside NoGrad, in double, and leaves both as they were") {
  const xgrad::NoGrad no_grad;
  CHECK(nn::summary(xgrad::models::LeNet<double>{}, {3, 28, 28, 1}).rows.back().output == Shape{3, 10});
  CHECK_FALSE(xgrad::recording());
}

TEST_CASE("a summary passes on what the network throws, and complains about a result that depends on nothing") {
  CHECK_THROWS_AS(nn::summary(xgrad::models::LeNet<>{}, {1, 27, 28, 1}), xgrad::ShapeError);
  CHECK(xgrad::recording());
  struct Detached {
    Variable<float> weight = leaf({1});
    Variable<float> operator()(const Variable<float>& x) const { return (x * weight).detach(); }
  };
  CHECK_THROWS_WITH_AS(nn::summary(Detached{}, {1}),
                       doctest::Contains("summary: the network's result depends neither on its input nor on a parameter"),
                       xgrad::GraphError);
}

namespace {

/// Everything that a run in training leaves behind, and heads that only the loss sees.
struct Busy {
  nn::Conv2d<float> conv{1, 4, 3};
  nn::BatchNorm<float> norm{4};
  nn::Dropout drop{0.5};
  nn::Linear<float> narrow{4, 2};
  nn::BatchNorm<float> last{2};  // which in training refuses a batch of one
  Variable<float> calls = 0.F;
  int plain_calls = 0;
  bool fail = false, training = true;

  Variable<float> operator()(const Variable<float>& x) {
    ++plain_calls;
    calls.update([](Array<float>& a) { a() += 1; });
    calls = calls + 1;
    conv.weight.on_grad([](const Variable<float>& g) { return 2 * g; });
    auto y = last(narrow(flatten(global_avg_pool2d(drop(norm(conv(x)))))));
    if (fail) throw std::runtime_error("enough");
    return y;
  }
};

}  // namespace

TEST_CASE("a summary leaves no trace, also when the network throws, and one sample will do in training") {
  xgrad::seed(1);
  Busy net;
  nn::eval(net.drop);
  nn::train(net.drop);
  const auto run = [&] {
    std::vector<Array<float>> before;
    for (const auto& named : nn::named_state(net)) before.emplace_back(named.variable.value());
    const Variable<float> calls = net.calls, graph = sum(net.conv.weight * net.norm.running_mean.value()()),
                          kept = sum(net.last.weight * net.last.running_var);
    const xgrad::Generator generator = xgrad::default_generator();
    if (net.fail)
      CHECK_THROWS_AS(nn::summary(net, {1, 6, 6, 1}), std::runtime_error);
    else
      CHECK(nn::summary(net, {1, 6, 6, 1}).rows.back().name == "last");
    const auto after = nn::named_state(net);
    REQUIRE(after.size() == before.size());
    for (std::size_t k = 0; k < before.size(); ++k) {
      CAPTURE(after[k].name);
      CHECK(after[k].variable.value() == before[k]);
      CHECK_FALSE(after[k].variable.has_grad());
    }
    CHECK(net.calls.same_storage(calls));
    CHECK(net.plain_calls == 0);
    CHECK(net.training);
    CHECK(net.norm.training);
    CHECK(net.drop.training);
    CHECK(xgrad::Generator(xgrad::default_generator()).next() == xgrad::Generator(generator).next());
    CHECK(grad(sum(net.conv.weight), {net.conv.weight})[0].value()(0, 0, 0, 0) == 1);  // no hook
    backward(kept);                                                                    // what it kept was not written
    net.last.weight.zero_grad();
  };
  run();
  net.fail = true;
  run();
  // a batch of one stays an error elsewhere
  CHECK_THROWS_AS(nn::BatchNorm<float>(2)(Variable<float>(xgrad::ones<float>({1, 2}))), xgrad::ShapeError);
}

TEST_CASE("heads that are returned are used, in whatever they are returned") {
  struct Heads {
    nn::Linear<float> body{3, 4}, first{4, 2}, second{4, 1};
    Variable<float> prior = leaf({2});
    nn::Linear<float> idle{2, 2};
  };
  struct Named {
    Variable<float> mean, deviation;
    std::vector<Variable<float>> others;
  };
  const auto unused = [](auto returned) {
    struct Net : Heads {
      decltype(returned) pack;
      auto operator()(const Variable<float>& x) const {
        const auto h = relu(this->body(x));
        return pack(this->first(h), this->second(h), this->prior);
      }
      XGRAD_FIELDS(body, first, second, prior, idle)
    };
    const nn::Summary summary = nn::summary(Net{{}, returned}, {2, 3});
    CHECK(summary.rows.size() == 4);
    return summary.unused;
  };
  using V = Variable<float>;
  const Strings idle{"idle.weight", "idle.bias"};
  CHECK(unused([](V a, V b, V c) { return std::tuple(a, b, c); }) == idle);
  CHECK(unused([](V a, V b, V c) { return std::pair(a, std::pair(b, c)); }) == idle);
  CHECK(unused([](V a, V b, V c) { return std::array{a, b, c}; }) == idle);
  CHECK(unused([](V a, V b, V c) { return std::vector{a, b, c, V()}; }) == idle);
  CHECK(unused([](V a, V b, V c) { return Named{a, b, {c}}; }) == idle);
}

TEST_CASE("a summary of a network that cannot be copied") {
  struct Net {
    std::vector<std::unique_ptr<nn::Linear<float>>> layers;
    nn::BatchNorm<float> norm{3};
    Variable<float> operator()(Variable<float> x) const {
      for (const auto& layer : layers) x = (*layer)(x);
      return norm(x);
    }
    XGRAD_FIELDS(layers, norm)
  };
  Net net;
  net.layers.push_back(std::make_unique<nn::Linear<float>>(3, 3));
  CHECK(nn::summary(net, {1, 3}).rows.size() == 2);
  CHECK(net.norm.running_mean.value() == xgrad::zeros<float>({3}));
}

TEST_CASE("a drawing has a node for each operation, leaf and kept constant, and an edge for each use") {
  const auto x = leaf({2, 3}), w = leaf({3});
  const Variable<float> constant(xgrad::ones<float>({2, 3}));
  const auto square = x * x;
  const auto y = sum(square * w * constant);
  const std::string text = xgrad::to_dot(y, {{"x", x}, {"weights \"w\\1\"", w}, {"mask", constant}, {"squared", square}});
  CHECK(text.starts_with("digraph xgrad {\n"));
  CHECK(text.ends_with("}\n"));
  CHECK(count(text, "label=") == 7);
  CHECK(count(text, "class=leaf") == 2);
  CHECK(count(text, "class=constant") == 1);
  CHECK(count(text, "class=result") == 1);
  CHECK(count(text, " -> ") == 7);  // x twice
  CHECK(has(text, "label=\"x\\n(2, 3)\""));
  CHECK(has(text, "label=\"weights \\\"w\\\\1\\\"\\n(3,)\""));
  CHECK(has(text, "label=\"mask\\n(2, 3)\""));
  CHECK(has(text, "label=\"squared = mul (2, 3)\\nsummary.cpp:"));
  const auto images = leaf({1, 5, 5, 1}), kernel = leaf({2, 3, 3, 1});
  CHECK(has(xgrad::to_dot(conv2d(images, kernel, {.stride = 2})),
            "conv2d (1, 2, 2, 2)\\nstride=(2, 2), padding=(0, 0, 0, 0), dilation=(1, 1), groups=1\\nsummary.cpp:"));
  CHECK(text == xgrad::to_dot(y, {{"x", x}, {"weights \"w\\1\"", w}, {"mask", constant}, {"squared", square}}));
}

TEST_CASE("tables show names of files, with control characters, as escapes") {
  nn::Summary summary;
  summary.rows.push_back({.name = "a\x1b[2J", .op = "relu", .output = {1}});
  summary.rows.push_back({.name = "b\x1b[2J", .op = "relu", .output = {1}});
  summary.rows.back().remarks = {"of c\x1b[2J"};
  summary.unused = {"d\x1b[2J"};
  const std::string text = to_string(summary);
  CHECK(!has(text, "\x1b"));
  for (const char* name : {"a\\x1b[2J", "\nb\\x1b[2J (1,): of c\\x1b[2J", "trained: d\\x1b[2J"}) CHECK(has(text, name));

  xgrad::GradcheckReport report{.where = {}, .inputs = {}, .failure = {}, .method = "any"};
  report.inputs.push_back({.name = "a\x1b[2J", .shape = {1}, .index = {}, .result_index = {}, .note = {}});
  CHECK(!has(to_string(report), "\x1b"));
  CHECK(has(to_string(report), " a\\x1b[2J "));

  nn::LoadReport loaded;
  loaded.missing.push_back({.name = "a\x1b[2J", .file = {}, .memory = {}});
  CHECK(!has(to_string(loaded), "\x1b"));
  CHECK(has(to_string(loaded), "\na\\x1b[2J  -"));
}

TEST_CASE("drawings of a leaf, a constant, a freed graph, and nothing") {
  CHECK(count(xgrad::to_dot(leaf({2})), "class=leaf") == 1);
  CHECK(count(xgrad::to_dot(Variable<double>(2.5)), "class=constant") == 1);
  const auto x = leaf({4});
  const auto y = sum(x * Array<float>(xgrad::ones<float>({4})));
  CHECK(count(xgrad::to_dot(y), "class=constant") == 1);
  backward(y);
  CHECK(count(xgrad::to_dot(y), "class=constant") == 0);
  CHECK(count(xgrad::to_dot(y), " -> ") == 2);
  CHECK_THROWS_WITH_AS(xgrad::to_dot(Variable<float>{}), doctest::Contains("to_dot: the Variable is undefined"), xgrad::GraphError);
}

TEST_CASE("a graph of 200000 operations is drawn without recursion") {
  auto y = leaf({});
  for (int k = 0; k < 200000; ++k) y = y + 1.0F;
  CHECK(count(xgrad::to_dot(y), " -> ") == 200000);
}

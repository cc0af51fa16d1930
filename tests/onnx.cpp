// Networks from ONNX files: what they compute, and what is state of theirs.
#include "support.hpp"

#include <xgrad/onnx/onnx.hpp>

#include "directory.hpp"
#include "onnx_model.hpp"

namespace onnx = xgrad::onnx;

using namespace onnx_model;
using xgrad::Array;
using xgrad::Labels;
using xgrad::Shape;
using xgrad::Variable;
using xgrad_test::Directory;
using xgrad_test::error;
using xgrad_test::error_of;
using xgrad_test::has;
using xgrad_test::is;

namespace {

template <class T>
onnx::Value<T> only(const onnx::Network<T>& net, std::vector<onnx::Value<T>> inputs) {
  return net.run(std::move(inputs)).at(0);
}

}  // namespace

TEST_CASE_TEMPLATE("onnx: a small network computes what it says", T, float, double) {
  const Directory folder;
  const auto net = onnx::load<T>(folder.write("net.onnx", file(small_network())));
  CHECK(net.opset() == 17);
  REQUIRE(net.inputs().size() == 1);
  CHECK(net.inputs()[0].name == "x");
  CHECK(net.inputs()[0].element == "float");
  CHECK(net.inputs()[0].shape == Dims{-1, 3});
  CHECK(net.outputs().at(0).name == "y");
  const auto x = xgrad_test::leaf<T>({2, 3}, {1, 2, 3, -1, 0, 2});
  const auto y = net(x);
  std::vector<double> expected;
  for (const auto& row : {std::vector<double>{1, 2, 3}, std::vector<double>{-1, 0, 2}}) {
    const double a = std::tanh(0.5 * row[0] - row[1] + 0.25 * row[2] + 0.125),
                 b = std::tanh(row[0] + 0.75 * row[1] - 0.5 * row[2] - 0.25);
    expected.push_back(a - 2 * b);
  }
  CHECK(y.shape() == Shape{2, 1});
  CHECK(is(y.value(), expected, 1e-6));
  CHECK(y.requires_grad());
}

TEST_CASE("onnx: weights are state: named, differentiated, trained, saved, cloned") {
  const Directory folder;
  auto net = onnx::load<double>(folder.write("net.onnx", file(small_network())));
  const auto named = xgrad::nn::named_parameters(net);
  REQUIRE(named.size() == 3);
  const xgrad::nn::Summary summary = xgrad::nn::summary(net, {2, 3});
  CHECK(summary.parameters == xgrad::nn::parameter_count(net));
  CHECK(summary.unused.empty());
  CHECK(summary.rows.size() >= 2);
  CHECK(named[0].name == "weights.b1");
  CHECK(named[2].name == "weights.w2");
  const Variable<double> x(Array<double>{{1, 2, 3}, {-1, 0, 2}});
  CHECK(xgrad::gradcheck([&] { return net(x); }, named).ok());

  const auto copy = xgrad::nn::clone(net);
  const double before = sum(square(net(x))).item();
  xgrad::optim::Optimizer<double, xgrad::optim::SGD> optimizer(xgrad::nn::parameters(net), {.lr = 0.05});
  for (int k = 0; k < 5; ++k) {
    optimizer.zero_grad();
    backward(sum(square(net(x))));
    optimizer.step();
  }
  CHECK(sum(square(net(x))).item() < before / 2);
  CHECK(sum(square(copy(x))).item() == before);

  const std::string weights = (folder.path / "weights.safetensors").string();
  xgrad::nn::save(net, weights);
  auto other = onnx::load<double>(folder.path / "net.onnx");
  xgrad::nn::load(other, weights);
  const Array<double> here = net(x).value(), there = other(x).value();
  CHECK(here == there);
  xgrad::nn::freeze(net);
  CHECK_FALSE(net(x).requires_grad());
}

TEST_CASE("onnx: what is needed as it is, is no parameter") {
  Graph graph;
  graph.nodes = {node("BatchNormalization", {"x", "scale", "bias", "mean", "var"}, {"n"}), node("Clip", {"n", "low", ""}, {"y"})};
  for (const char* name : {"scale", "bias", "mean"}) graph.initialisers.push_back(tensor(name, {2}, {1, 2}));
  graph.initialisers.push_back(tensor("var", {2}, {4, 9}));
  graph.initialisers.push_back(tensor("low", {}, {0}));
  graph.inputs = {port("x", {1, 2, 1, 1}), port("scale", {2})};  // old files name weights as inputs too
  graph.outputs = {port("y", {1, 2, 1, 1})};
  const Directory folder;
  const auto net = onnx::load<float>(folder.write("net.onnx", file(graph)));
  CHECK(net.inputs().size() == 1);
  CHECK(xgrad::nn::named_parameters(net).size() == 2);
  CHECK(xgrad::nn::named_state(net).size() == 5);
  CHECK(is(net(xgrad_test::leaf<float>({1, 2, 1, 1}, {3, -40})).value(), {2, 0}, 1e-4));
}

TEST_CASE("onnx: integers and truth values go along") {
  Graph graph;
  graph.nodes = {node("Shape", {"x"}, {"shape"}),
                 node("Gather", {"shape", "first"}, {"n"}),
                 node("Concat", {"n", "rest"}, {"to"}, {attribute("axis", 0)}),
                 node("Reshape", {"x", "to"}, {"flat"}),
                 node("Greater", {"flat", "flat2"}, {"mask"}),
                 node("Where", {"mask", "ints", "ints2"}, {"picked"})};
  graph.initialisers = {integers("first", {0}), integers("rest", {-1}), tensor("flat2", {1}, {2}),
                        integers("ints", {9007199254740993, 2, 3, 4}), integers("ints2", {-1})};
  graph.inputs = {port("x", {-1, 2, 2})};
  graph.outputs = {port("flat", {-1, 4}), port("picked", {-1, 4}, 7), port("mask", {-1, 4}, 9)};
  const Directory folder;
  const auto net = onnx::load<float>(folder.write("net.onnx", file(graph)));
  const auto results = net.run({xgrad_test::leaf<float>({1, 2, 2}, {3, 1, 2, 5})});
  CHECK(std::get<0>(results[0]).shape() == Shape{1, 4});
  const Labels picked = std::get<1>(results[1]);
  CHECK(std::vector<std::int64_t>(picked.begin(), picked.end()) == std::vector<std::int64_t>{9007199254740993, -1, -1, 4});
  CHECK(std::get<2>(results[2]).size() == 4);
}

TEST_CASE("onnx: the operators before opset 13 have their axes as attributes") {
  Graph graph;
  graph.nodes = {node("Unsqueeze", {"x"}, {"a"}, {attribute("axes", Dims{0})}),
                 node("ReduceSum", {"a"}, {"b"}, {attribute("axes", Dims{2}), attribute("keepdims", 0)}),
                 node("Softmax", {"c"}, {"d"}),
                 node("Slice", {"b"}, {"y"}, {attribute("starts", Dims{0}), attribute("ends", Dims{1})})};
  graph.inputs = {port("x", {2, 2}), port("c", {1, 2, 2})};
  graph.outputs = {port("y", {1, 2}), port("d", {1, 2, 2})};
  const Directory folder;
  const auto net = onnx::load<double>(folder.write("net.onnx", file(graph, 9)));
  const auto results = net.run({xgrad_test::leaf({2, 2}, {1, 2, 3, 4}), xgrad_test::leaf({1, 2, 2}, {0, 0, 0, 0})});
  CHECK(is(std::get<0>(results[0]).value(), {3, 7}));
  CHECK(is(std::get<0>(results[1]).value(), {0.25, 0.25, 0.25, 0.25}));
}

TEST_CASE("onnx: a file of opset 1 lays operands along axes and has its weights as Constants") {
  const auto constant = [](const std::string& name, const Message& value) {
    return node("Constant", {}, {name}, {Message().text(1, "value").message(5, value).integer(20, 4)});
  };
  Graph graph;
  graph.nodes = {constant("b", tensor("", {2}, {10, 20})), constant("two", tensor("", {}, {2})),
                 node("Add", {"x", "b"}, {"s"}, {attribute("axis", 1), attribute("broadcast", 1)}),
                 node("Mul", {"s", "two"}, {"m"}, {attribute("broadcast", 1)}),
                 node("Reshape", {"m"}, {"y"}, {attribute("shape", Dims{0, -1})})};
  graph.inputs = {port("x", {1, 2, 3})};
  graph.outputs = {port("y", {1, 6})};
  const Directory folder;
  const auto net = onnx::load<double>(folder.write("old.onnx", file(graph, 1)));
  REQUIRE(xgrad::nn::named_parameters(net).size() == 1);
  CHECK(xgrad::nn::named_parameters(net)[0].name == "weights.b");
  CHECK(is(net(xgrad_test::leaf({1, 2, 3}, {1, 2, 3, 4, 5, 6})).value(), {22, 24, 26, 48, 50, 52}));
  graph.nodes[2] = node("Add", {"x", "b"}, {"s"});
  const auto equal = onnx::load<double>(folder.write("equal.onnx", file(graph, 1)));
  CHECK(has(error_of([&] { equal(xgrad_test::leaf({1, 2, 3}, {1, 2, 3, 4, 5, 6})); }), "without broadcast they must be equal"));
}

TEST_CASE("onnx: errors of a run name the node, the file and the user's line") {
  const Directory folder;
  const auto net = onnx::load<float>(folder.write("net.onnx", file(small_network())));
  CHECK(has(error(__LINE__, [&] { net(Variable<float>()); }), "input 'x' is an undefined Variable"));
  const Labels whole = xgrad::full<std::int64_t>({1, 3}, 1);
  const Array<float> wide = xgrad::ones<float>({2, 4});
  CHECK(has(error(__LINE__, [&] { net(wide); }), "input 'x' has the shape (2, 4); it must be (any, 3), as in the file"));
  CHECK(has(error(__LINE__, [&] { net.run({}); }), "0 inputs were given; they must be 1, as the network of "));
  CHECK(has(error(__LINE__, [&] { net.run({whole}); }), "has integers as elements; they must be float, as in the file"));

  Graph graph = small_network();
  graph.nodes[1] = node("Concat", {"a", "b1"}, {"h"}, {attribute("axis", 0)}, "join");
  const auto odd = onnx::load<float>(folder.write("odd.onnx", file(graph)));
  const std::string text = error(__LINE__, [&] { odd(xgrad::ones<float>({2, 3})); });
  CHECK(has(text, "node 1 'join' (Concat) of "));
  CHECK(has(text, "odd.onnx"));

  graph.nodes[1] = node("Tanh", {"a"}, {"h"}, {attribute("speed", 3)});
  const auto unknown = onnx::load<float>(folder.write("unknown.onnx", file(graph)));
  CHECK(has(error_of([&] {
              unknown(xgrad::ones<float>({2, 3}));
            }),
            "attribute 'speed' is not supported by this library; the node must be without it (node 1 (Tanh)"));
  graph.nodes[1] = node("Tanh", {"a", "b1"}, {"h"});
  const auto more = onnx::load<float>(folder.write("more.onnx", file(graph)));
  CHECK(has(error_of([&] { more(xgrad::ones<float>({2, 3})); }), "input 1 is not supported"));
  graph.nodes[1] = node("Dropout", {"a"}, {"h", "mask", "third"});
  graph.outputs.push_back(port("third", {1}));
  const auto third = onnx::load<float>(folder.write("third.onnx", file(graph)));
  CHECK(has(error_of([&] { third(xgrad::ones<float>({2, 3})); }), "output 2 is not supported"));
  auto lost = net;
  lost.weights.erase("w2");
  CHECK(has(error_of([&] { lost(xgrad::ones<float>({2, 3})); }), "lost its weight 'w2'"));
}

TEST_CASE("onnx: constants go through nodes that only move them") {
  const Directory folder;
  Graph graph;
  graph.nodes = {node("Identity", {"half"}, {"a"}),
                 node("Concat", {"a", "two"}, {"scales"}, {attribute("axis", 0)}),
                 node("Resize", {"x", "", "scales"}, {"small"}),
                 node("Unsqueeze", {"small", "axes"}, {"four"}),
                 node("Identity", {"mean"}, {"m"}),
                 node("Cast", {"var"}, {"v"}, {attribute("to", 1)}),
                 node("Identity", {"scale"}, {"s"}),
                 node("Reshape", {"s", "flat"}, {"s2"}),
                 node("BatchNormalization", {"four", "s2", "bias", "m", "v"}, {"y"})};
  for (const char* name : {"mean", "var", "scale", "bias"}) graph.initialisers.push_back(tensor(name, {1}, {1}));
  graph.initialisers.push_back(tensor("half", {1}, {1}));
  graph.initialisers.push_back(tensor("two", {1}, {2}));
  graph.initialisers.push_back(integers("axes", {0, 1}));
  graph.initialisers.push_back(integers("flat", {-1}));
  graph.inputs = {port("x", {1, 2})};
  graph.outputs = {port("y", {1, 1, 1, 4})};
  const auto net = onnx::load<double>(folder.write("net.onnx", file(graph)));
  const auto named = xgrad::nn::named_parameters(net);
  REQUIRE(named.size() == 2);
  CHECK(named[0].name == "weights.bias");
  CHECK(named[1].name == "weights.scale");
  CHECK(is(net(xgrad_test::leaf({1, 2}, {1, 2})).value(), {1, 1, 2, 2}, 1e-4));
}

TEST_CASE("onnx: batch normalisation in training before opset 14 is refused") {
  Graph graph;
  graph.nodes = {node("BatchNormalization", {"x", "v", "v", "v", "v"}, {"y", "mean", "var"})};
  graph.initialisers = {tensor("v", {2}, {1, 2})};
  graph.inputs = {port("x", {1, 2})};
  graph.outputs = {port("y", {1, 2})};
  const Directory folder;
  const auto complaint = [&](std::int64_t opset) {
    const auto net = onnx::load<double>(folder.write("net.onnx", file(graph, opset)));
    return error_of([&] { net(xgrad_test::leaf({1, 2}, {1, 2})); });
  };
  CHECK(has(complaint(9), "there are 2 outputs besides the first, which before opset 14 means training"));
  graph.nodes = {node("BatchNormalization", {"x", "v", "v", "v", "v"}, {"y", "", ""})};
  CHECK(complaint(9).empty());
}

// Networks from ONNX files that are written here, right ones and wrong ones.
#include "support.hpp"

#include <xgrad/onnx/onnx.hpp>

#include "directory.hpp"
#include "onnx_model.hpp"

namespace fs = std::filesystem;
namespace onnx = xgrad::onnx;

using namespace onnx_model;
using xgrad::Array;
using xgrad::Labels;
using xgrad::Mask;
using xgrad::Shape;
using xgrad::Variable;
using xgrad_test::Directory;
using xgrad_test::error;
using xgrad_test::error_of;
using xgrad_test::has;
using xgrad_test::is;

namespace {

/// tanh(x w1ᵀ + b1) w2ᵀ, of 3 inputs, 2 hidden units and one result.
Graph small_network() {
  Graph graph;
  graph.nodes = {node("Gemm", {"x", "w1", "b1"}, {"a"}, {attribute("transB", 1)}, "first"), node("Tanh", {"a"}, {"h"}, {}, "bend"),
                 node("Gemm", {"h", "w2"}, {"y"}, {attribute("transB", 1)}, "second")};
  graph.initialisers = {tensor("w1", {2, 3}, {0.5F, -1, 0.25F, 1, 0.75F, -0.5F}), tensor("b1", {2}, {0.125F, -0.25F}),
                        tensor("w2", {1, 2}, {1, -2})};
  graph.inputs = {port("x", {-1, 3})};
  graph.outputs = {port("y", {-1, 1})};
  return graph;
}

template <class T>
onnx::Value<T> only(const onnx::Network<T>& net, std::vector<onnx::Value<T>> inputs) {
  return net.run(std::move(inputs)).at(0);
}

using Value = onnx::Value<double>;

Message attribute_number(const std::string& name, float value) { return Message().text(1, name).number(2, value).integer(20, 1); }

/// What a network of one node gives for these inputs; an undefined Variable is one that is left out.
Value of_node(const std::string& op, const std::vector<Value>& inputs, const std::vector<Message>& attributes = {},
              std::int64_t opset = 18) {
  Graph graph;
  std::vector<std::string> names;
  std::vector<Value> given;
  for (const Value& input : inputs) {
    const auto* real = std::get_if<0>(&input);
    const bool there = !real || real->defined();
    names.push_back(there ? "x" + std::to_string(names.size()) : "");
    if (!there) continue;
    const std::size_t rank = std::visit([](const auto& x) { return Shape(x.shape().begin(), x.shape().end()).size(); }, input);
    graph.inputs.push_back(port(names.back(), Dims(rank, -1), real ? 1 : input.index() == 1 ? 7 : 9));
    given.push_back(input);
  }
  graph.nodes = {node(op, names, {"y"}, attributes)};
  graph.outputs = {port("y", {-1})};
  const Directory folder;
  return only(onnx::load<double>(folder.write("node.onnx", file(graph, opset))), std::move(given));
}
std::string refusal(const std::string& op, const std::vector<Value>& inputs, const std::vector<Message>& attributes = {},
                    std::int64_t opset = 18) {
  return error_of([&] { of_node(op, inputs, attributes, opset); });
}
Shape shape_of(const Value& value) {
  return std::visit([](const auto& x) { return Shape(x.shape().begin(), x.shape().end()); }, value);
}
Value nothing() { return Variable<double>(); }
Value reals(const Shape& shape, double value = 0) { return Variable<double>(xgrad::full<double>(shape, value)); }
Labels labels(const std::vector<std::int64_t>& values) {
  Labels result = xgrad::full<std::int64_t>({values.size()}, 0);
  std::copy(values.begin(), values.end(), result.begin());
  return result;
}

constexpr std::size_t huge = std::size_t{1} << 58;

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

TEST_CASE("onnx: a file that is cut anywhere is an error that names it and the byte") {
  const Directory folder;
  const std::string whole = file(small_network());
  for (std::size_t length = 0; length < whole.size(); ++length) {
    CAPTURE(length);
    const fs::path path = folder.write("cut.onnx", whole.substr(0, length));
    const std::string text = error_of([&] { onnx::load<float>(path); });
    CHECK(has(text, "cut.onnx: "));
    CHECK((has(text, ": byte ") || has(text, "there is no graph in it") || has(text, "does not say its opset")));
  }
}

TEST_CASE("onnx: bytes that are changed are no crash") {
  const Directory folder;
  const std::string whole = file(small_network());
  std::size_t refused = 0;
  for (std::size_t k = 0; k < whole.size(); ++k)
    for (const char byte : {'\x00', '\x7f', '\xff'}) {
      std::string changed = whole;
      changed[k] = byte;
      const fs::path path = folder.write("changed.onnx", changed);
      try {
        onnx::load<float>(path);
      } catch (const xgrad::FileError& e) {
        CHECK(has(e.what(), "changed.onnx"));
        ++refused;
      }
    }
  CHECK(refused > whole.size());
}

TEST_CASE("onnx: what is wrong with a file") {
  const Directory folder;
  const auto complaint = [&](const std::string& bytes) {
    const fs::path path = folder.write("bad.onnx", bytes);
    return error_of([&] { onnx::load<float>(path); });
  };
  const Graph good = small_network();
  const auto changed = [&](auto change) {
    Graph graph = good;
    change(graph);
    return complaint(file(graph));
  };

  SUBCASE("no file") {
    CHECK(has(error_of([] { onnx::load<float>("no/such.onnx"); }), "no/such.onnx: cannot be read"));
    CHECK(has(error_of([] { onnx::load<float>("/"); }), "no regular file"));
    CHECK(has(error_of([] { onnx::load<float>(""); }), "no path"));
  }
  SUBCASE("opsets") {
    CHECK(has(complaint(file(good, 0)), "the opset is 0; it must be from 1 to 27"));
    CHECK(has(complaint(file(good, 6)), "node 0 'first' (Gemm) is of opset 6; this operator must be of opset 7 to 27"));
    CHECK(has(complaint(file(good, 28)), "the opset is 28"));
  }
  SUBCASE("operators, all at once") {
    const std::string text = changed([](Graph& g) {
      g.nodes.push_back(node("Zap", {"y"}, {"z"}));
      g.nodes.push_back(node("Boom", {"y"}, {"u"}));
    });
    CHECK(has(text, "node 3 (Zap)"));
    CHECK(has(text, "lacking: Boom, Zap"));
    const std::string custom = changed([](Graph& g) { g.nodes[0].text(7, "com.example"); });
    CHECK(has(custom, "com.example.Gemm"));
  }
  SUBCASE("cycles and what is missing") {
    const std::string cycle = changed([](Graph& g) { g.nodes[1] = node("Add", {"a", "y"}, {"h"}, {}, "loop"); });
    CHECK(has(cycle, "node 1 'loop' (Add) needs 'y', which it or a node behind it makes"));
    CHECK(has(cycle, "bad.onnx: byte "));
    const std::string self = changed([](Graph& g) { g.nodes[1] = node("Tanh", {"h"}, {"h"}); });
    CHECK(has(self, "without a cycle"));
    CHECK(has(changed([](Graph& g) { g.nodes[1] = node("Tanh", {"b"}, {"h"}); }), "needs 'b', which nothing in the file makes"));
    CHECK(has(changed([](Graph& g) { g.outputs[0] = port("q", {1}); }), "nothing makes the output 'q'"));
    CHECK(has(changed([](Graph& g) { g.outputs.clear(); }), "has no outputs"));
    CHECK(has(changed([](Graph& g) { g.nodes[1] = node("Tanh", {"a"}, {"a"}); }), "makes 'a', which is there already"));
    CHECK(has(changed([](Graph& g) { g.initialisers.push_back(g.initialisers[0]); }), "two initialisers named 'w1'"));
  }
  SUBCASE("tensors") {
    const auto with = [&](const Message& t) { return changed([&](Graph& g) { g.initialisers[1] = t; }); };
    CHECK(has(with(tensor_head("b1", 1, {std::int64_t{1} << 40}).text(9, "abcd")),
              "has 4 bytes; it must have 1099511627776 elements"));
    CHECK(has(with(tensor_head("b1", 1, {std::int64_t{1} << 40, std::int64_t{1} << 40})), "so many elements cannot be in a file"));
    CHECK(has(with(tensor_head("b1", 1, {-2})), "an axis of length -2"));
    const std::string empty = with(tensor_head("b1", 1, {0, std::int64_t{1} << 40, std::int64_t{1} << 40}));
    CHECK((empty.empty() || has(empty, "bad.onnx: byte ")));
    CHECK(has(with(tensor_head("b1", 1, {2}).integer(2, (std::int64_t{1} << 32) + 1)), "element type 4294967297"));
    CHECK(has(with(tensor_head("b1", 1, {2})), "has 0 elements; it must have 2"));
    CHECK(has(with(tensor_head("b1", 10, {2}).text(9, "abcd")), "elements of type float16; they must be"));
    CHECK(has(with(tensor_head("b1", 99, {2})), "element type 99"));
    CHECK(has(with(tensor_head("", 1, {0})), "has no name"));
  }
  SUBCASE("inputs") {
    CHECK(has(changed([](Graph& g) { g.inputs[0] = port("x", {1}, 2); }), "input 'x' has elements of type uint8"));
    const auto length = [](std::int64_t n) {
      const Message shape = Message().message(1, Message().integer(1, n));
      return Message().text(1, "x").message(2, Message().message(1, Message().integer(1, 1).message(2, shape)));
    };
    CHECK(has(changed([&](Graph& g) { g.inputs[0] = length(-5); }), "the length of an axis is -5; it must be at least 0"));
    CHECK(changed([&](Graph& g) { g.inputs[0] = length(5); }).empty());
    CHECK(has(changed([](Graph& g) { g.inputs.push_back(g.inputs[0]); }), "two inputs named 'x'"));
  }
}

TEST_CASE("onnx: weights in other files") {
  const Directory folder;
  folder.write("model/w.bin", std::string(8, '\0') + float_bytes({0.125F, -0.25F}));
  folder.write("outside.bin", float_bytes({0.125F, -0.25F}));
  const auto load_with = [&](const std::vector<std::pair<std::string, std::string>>& entries) {
    Graph graph = small_network();
    Message t = tensor_head("b1", 1, {2});
    for (const auto& [name, value] : entries) t.message(13, Message().text(1, name).text(2, value));
    graph.initialisers[1] = t.integer(14, 1);
    return onnx::load<float>(folder.write("model/net.onnx", file(graph)));
  };
  const auto net = load_with({{"location", "w.bin"}, {"offset", "8"}, {"length", "8"}});
  CHECK(is(net.weights.at("b1").value(), {0.125, -0.25}));
  CHECK(is(load_with({{"location", "w.bin"}, {"offset", "8"}}).weights.at("b1").value(), {0.125, -0.25}));
  const auto complaint = [&](const std::vector<std::pair<std::string, std::string>>& entries) {
    return error_of([&] { load_with(entries); });
  };
  const std::string out = "it must be one in the model's folder";
  CHECK(has(complaint({{"location", "../outside.bin"}}), out));
  CHECK(has(complaint({{"location", (folder.path / "outside.bin").string()}}), out));
  CHECK(has(complaint({}), out));
  fs::create_symlink(folder.path / "outside.bin", folder.path / "model" / "link.bin");
  CHECK(has(complaint({{"location", "link.bin"}}), out));
  CHECK(has(complaint({{"location", "w.bin"}, {"offset", "12"}, {"length", "8"}}), "has 16 bytes"));
  CHECK(has(complaint({{"location", "w.bin"}, {"offset", "1"}, {"length", "18446744073709551615"}}), "has 16 bytes"));
  CHECK(has(complaint({{"location", "w.bin"}, {"offset", "x"}}), "it must be a whole number"));
  CHECK(has(complaint({{"location", "w.bin"}}), "has 16 bytes; it must have 2 elements"));
  CHECK(has(complaint({{"location", "none.bin"}}), "cannot be read"));
}

TEST_CASE("onnx: errors of a run name the node, the file and the user's line") {
  const Directory folder;
  const auto net = onnx::load<float>(folder.write("net.onnx", file(small_network())));
  CHECK(has(error(__LINE__, [&] { net(Variable<float>()); }), "input 'x' is an undefined Variable"));
  const Labels whole = xgrad::full<std::int64_t>({1, 3}, 1);
  const Array<float> wide = xgrad::ones<float>({2, 4});
  CHECK(has(error(__LINE__, [&] { net(wide); }), "input 'x' has the shape (2, 4); in the file it is (any, 3)"));
  CHECK(has(error(__LINE__, [&] { net.run({}); }), "0 inputs were given"));
  CHECK(has(error(__LINE__, [&] { net.run({whole}); }), "has integers as elements; the file has it as float"));

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
            "attribute 'speed' is not supported by this library (node 1 (Tanh)"));
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

TEST_CASE("onnx: windows of shapes and lengths that do not fit are refused") {
  const Message one_by_one = attribute("kernel_shape", Dims{1, 1});
  for (const char* op : {"Conv", "ConvTranspose"}) {
    CAPTURE(op);
    CHECK(has(refusal(op, {reals({1, 1, 3, 3}), reals({1, 1})}, {one_by_one}), "they must have equally many axes, 3 or more"));
    CHECK(has(refusal(op, {reals({1, 1, 3, 3}), reals({})}, {one_by_one}), "equally many axes"));
    CHECK(has(refusal(op, {reals({1, 1, 3, 3}), reals({1, 1, 1})}, {one_by_one}), "equally many axes"));
    CHECK(has(refusal(op, {reals({1, 1}), reals({1, 1})}), "equally many axes"));
    CHECK(has(refusal(op, {reals({1, 1, 3, 3}), reals({1, 0, huge, 1})}), "the weights' kernel has 288230376151711744"));
    CHECK(has(refusal(op, {reals({1, 0, huge, 1}), reals({1, 0, 1, 1})}), "no longer than 2^30"));
  }
  CHECK(has(refusal("MaxPool", {reals({1, 0, huge, 1})}, {one_by_one}), "no longer than 2^30"));
  const std::int64_t least = std::numeric_limits<std::int64_t>::min();
  for (const std::int64_t length : {least, std::int64_t{0}, std::numeric_limits<std::int64_t>::max()})
    CHECK(has(refusal("ConvTranspose", {reals({1, 1, 3, 3}), reals({1, 1, 2, 2})}, {attribute("output_shape", Dims{length, 4})}),
              "output_shape has " + std::to_string(length)));
}

TEST_CASE("onnx: an attribute of another type is refused") {
  const Variable<double> x(Array<double>{-2, 3});
  CHECK(is(std::get<0>(of_node("LeakyRelu", {x}, {attribute_number("alpha", 0.5F)})).value(), {-1, 3}));
  CHECK(has(refusal("LeakyRelu", {x}, {attribute("alpha", 1)}), "attribute 'alpha' is of type INT; it must be FLOAT"));
  CHECK(has(refusal("Gelu", {x}, {attribute("approximate", Dims{1})}, 20), "is of type INTS; it must be STRING"));
  // files of the first version say no types: what is there does
  CHECK(is(std::get<0>(of_node("LeakyRelu", {x}, {Message().text(1, "alpha").number(2, 0.5F)})).value(), {-1, 3}));
  CHECK(has(refusal("LeakyRelu", {x}, {Message().text(1, "alpha").integer(3, 1)}), "is of type INT; it must be FLOAT"));
  for (const std::int64_t type : {std::int64_t{1}, std::int64_t{-1}, std::int64_t{32}, std::numeric_limits<std::int64_t>::max()})
    CHECK(has(refusal("LeakyRelu", {x}, {Message().text(1, "alpha").integer(3, 1).integer(20, type)}),
              "the attribute 'alpha' has values of other types than " + std::to_string(type)));
  CHECK(has(refusal("LeakyRelu", {x}, {Message().text(1, "alpha").integer(3, 1).number(2, 1)}), "these must be of one type"));
}

TEST_CASE("onnx: axes of any length, without elements, take no time") {
  CHECK(shape_of(of_node("EyeLike", {reals({huge, 0})})) == Shape{huge, 0});
  CHECK(shape_of(of_node("Trilu", {reals({huge, 0})})) == Shape{huge, 0});
  CHECK(shape_of(of_node("Trilu", {reals({0, 1U << 29U, 1U << 29U})})) == Shape{0, 1U << 29U, 1U << 29U});
  const std::vector<Message> shrunk{attribute("axes", Dims{2, 1}), attribute("antialias", 1), attribute("mode", "linear"),
                                    attribute("keep_aspect_ratio_policy", "not_larger")};
  CHECK(shape_of(of_node("Resize", {reals({0, std::size_t{1} << 40U, 1}), nothing(), nothing(), labels({1, 1})}, shrunk)) ==
        Shape{0, 1, 1});
  for (const auto& each : {std::pair{"RNN", std::size_t{1}}, std::pair{"GRU", std::size_t{3}}, std::pair{"LSTM", std::size_t{4}}}) {
    const char* op = each.first;
    const std::size_t gates = each.second;
    CAPTURE(op);
    CHECK(has(refusal(op, {reals({huge, 0, 2}), reals({1, gates, 2}), reals({1, gates, 1})}), "they must have elements"));
    CHECK(has(refusal(op, {reals({huge, 1, 0}), reals({1, gates, 0}), reals({1, gates, 1})}), "they must have elements"));
    CHECK(has(refusal(op, {reals({0, 1, 2}), reals({1, gates, 2}), reals({1, gates, 1})}), "they must have elements"));
  }
}

TEST_CASE("onnx: Resize to and from places far away") {
  std::vector<double> numbers(49);
  for (std::size_t k = 0; k < numbers.size(); ++k) numbers[k] = static_cast<double>(k);
  const Variable<double> line = xgrad_test::leaf({49}, numbers);
  const auto attributes = [](const char* mode) {
    return std::vector<Message>{attribute("mode", mode), attribute("coordinate_transformation_mode", "tf_crop_and_resize"),
                                attribute_number("extrapolation_value", -7)};
  };
  const auto inputs = [&](double first, double last, std::int64_t size) {
    const Variable<double> roi(Array<double>{first, last});
    return std::vector<Value>{line, roi, nothing(), labels({size})};
  };
  for (const char* mode : {"nearest", "linear", "cubic"}) {
    CAPTURE(mode);
    for (const double edge : {1e30, -1e7, xgrad_test::inf, xgrad_test::na}) {
      CHECK(has(refusal("Resize", inputs(0, edge, 3), attributes(mode)), "it must be from -10^6 to 10^6"));
      CHECK(has(refusal("Resize", inputs(edge, 1, 3), attributes(mode)), "it must be from -10^6 to 10^6"));
    }
    const auto far = std::get<0>(of_node("Resize", inputs(-1e6, 1e6, 2), attributes(mode)));
    CHECK(is(far.value(), {-7, -7}));
    CHECK(is(xgrad_test::gradient(far, line), std::vector<double>(49, 0.0)));
    CHECK(is(std::get<0>(of_node("Resize", inputs(0, 1, 1), attributes(mode))).value(), {24}, 1e-12));
  }
  // what lies beyond has no weights that could be divided by
  auto excluding = attributes("linear");
  excluding.push_back(attribute("exclude_outside", 1));
  const auto beyond = std::get<0>(of_node("Resize", inputs(0, 3, 2), excluding));
  CHECK(is(beyond.value(), {0, -7}));
  const Array<double> slope = xgrad_test::gradient(beyond, line);
  CHECK(std::none_of(slope.begin(), slope.end(), [](double x) { return std::isnan(x); }));
  const std::vector<Message> covering{attribute("keep_aspect_ratio_policy", "not_smaller")};
  CHECK(
      has(refusal("Resize", {reals({1, 2}), nothing(), nothing(), labels({900000000, 1})}, covering), "a size becomes 1800000000"));
}

TEST_CASE("onnx: sums of integers are right or refused") {
  const std::string exact = "it must stay below 2^53";
  const std::int64_t much = 3000000000, most = (std::int64_t{1} << 53U) - 1;
  const auto same = [](const Value& value, const std::vector<std::int64_t>& expected) {
    const Labels is = std::get<1>(value);
    return std::equal(is.begin(), is.end(), expected.begin(), expected.end());
  };
  CHECK(has(refusal("MatMul", {labels({much, 1, -much}), labels({much, 1, much})}), exact));
  CHECK(same(of_node("MatMul", {labels({much, 1, -much}), labels({1, 1, 1})}), {1}));
  CHECK(has(refusal("ReduceSum", {labels({most, 1, 1, -most})}), exact));
  CHECK(same(of_node("ReduceSum", {labels({most - 1, -1})}), {most - 2}));
  CHECK(has(refusal("CumSum", {labels({most, 1, 1, -most}), labels({0})}), exact));
  CHECK(same(of_node("CumSum", {labels({5, -7, 1}), labels({0})}), {5, -2, -1}));
  CHECK(has(refusal("ReduceSumSquare", {labels({much, 1})}), exact));
  CHECK(same(of_node("ReduceMin", {labels({most, -most, most})}), {-most}));
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

TEST_CASE("onnx: a tensor alone that cannot be read is an error of the user's line") {
  const Directory folder;
  const fs::path bad = folder.write("bad.pb", "\x08\xff");
  CHECK(has(error(__LINE__, [&] { onnx::load_tensor<float>(bad); }), "bad.pb: byte 0"));
}

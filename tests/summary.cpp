// What a network is made of, as a table; and its graph as a drawing.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
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
  CHECK(summary.input == Shape{1, 28, 28, 1});
  CHECK(summary.parameters == nn::parameter_count(net));
  CHECK(summary.bytes == 4 * 61706);
  CHECK(summary.unused.empty());

  const std::string text = fmt::format("{}", summary);
  CHECK(text == nn::to_string(summary));
  CHECK(count(text, "\n") == 15);  // titles, rule, input, twelve rows; then the totals
  CHECK(has(text, "fc1"));
  CHECK(has(text, "48 120"));
  CHECK(text.ends_with("61 706 parameters, 246.8 kB"));
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

TEST_CASE("a drawing has a node for each operation, leaf and kept constant, and an edge for each use") {
  const auto x = leaf({2, 3}), w = leaf({3});
  const Variable<float> constant(xgrad::ones<float>({2, 3}));
  const auto square = x * x;
  const auto y = sum(square * w * constant);
  const std::string text = xgrad::dot(y, {{"x", x}, {"weights \"w\\1\"", w}, {"mask", constant}, {"squared", square}});
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
  CHECK(text == xgrad::dot(y, {{"x", x}, {"weights \"w\\1\"", w}, {"mask", constant}, {"squared", square}}));
}

TEST_CASE("drawings of a leaf, a constant, a freed graph, and nothing") {
  CHECK(count(xgrad::dot(leaf({2})), "class=leaf") == 1);
  CHECK(count(xgrad::dot(Variable<double>(2.5)), "class=constant") == 1);
  const auto x = leaf({4});
  const auto y = sum(x * Array<float>(xgrad::ones<float>({4})));
  CHECK(count(xgrad::dot(y), "class=constant") == 1);
  backward(y);
  CHECK(count(xgrad::dot(y), "class=constant") == 0);
  CHECK(count(xgrad::dot(y), " -> ") == 2);
  CHECK_THROWS_WITH_AS(xgrad::dot(Variable<float>{}), doctest::Contains("dot: the Variable is undefined"), xgrad::GraphError);
}

TEST_CASE("a graph of 200000 operations is drawn without recursion") {
  auto y = leaf({});
  for (int k = 0; k < 200000; ++k) y = y + 1.0F;
  CHECK(count(xgrad::dot(y), " -> ") == 200000);
}

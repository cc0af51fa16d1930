// Operators of ONNX by themselves: what is refused, and what is computed at the ends.
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
using xgrad_test::error_of;
using xgrad_test::has;
using xgrad_test::is;

namespace {

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
  return onnx::load<double>(folder.write("node.onnx", file(graph, opset))).run(std::move(given)).at(0);
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

#pragma once
// Writes ONNX files, right and wrong ones: protobuf's wire format, as far as that takes.
#include <bit>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace onnx_model {

/// A message that grows by fields.
struct Message {
  std::string bytes;

  Message& key(unsigned field, unsigned type) { return raw_varint((field << 3U) | type); }
  Message& raw_varint(std::uint64_t value) {
    for (; value >= 128; value >>= 7U) bytes += static_cast<char>((value & 127U) | 128U);
    bytes += static_cast<char>(value);
    return *this;
  }
  Message& integer(unsigned field, std::int64_t value) { return key(field, 0).raw_varint(static_cast<std::uint64_t>(value)); }
  Message& text(unsigned field, const std::string& value) {
    key(field, 2).raw_varint(value.size());
    bytes += value;
    return *this;
  }
  Message& message(unsigned field, const Message& value) { return text(field, value.bytes); }
  Message& number(unsigned field, float value) {
    key(field, 5);
    for (unsigned k = 0; k < 4; ++k) bytes += static_cast<char>(std::bit_cast<std::uint32_t>(value) >> (8U * k));
    return *this;
  }
};

inline std::string float_bytes(const std::vector<float>& values) {
  std::string raw;
  for (const float value : values)
    for (unsigned k = 0; k < 4; ++k) raw += static_cast<char>(std::bit_cast<std::uint32_t>(value) >> (8U * k));
  return raw;
}

using Dims = std::vector<std::int64_t>;

/// A TensorProto; type 1 is float, 7 int64.
inline Message tensor_head(const std::string& name, int type, const Dims& dims) {
  Message tensor;
  for (const std::int64_t dim : dims) tensor.integer(1, dim);
  return tensor.integer(2, type).text(8, name);
}
inline Message tensor(const std::string& name, const Dims& dims, const std::vector<float>& values) {
  return tensor_head(name, 1, dims).text(9, float_bytes(values));
}
inline Message integers(const std::string& name, const Dims& values) {
  Message result = tensor_head(name, 7, {static_cast<std::int64_t>(values.size())});
  for (const std::int64_t value : values) result.integer(7, value);
  return result;
}

inline Message node(const std::string& op, const std::vector<std::string>& inputs, const std::vector<std::string>& outputs,
                    const std::vector<Message>& attributes = {}, const std::string& name = "") {
  Message result;
  for (const auto& input : inputs) result.text(1, input);
  for (const auto& output : outputs) result.text(2, output);
  result.text(3, name).text(4, op);
  for (const auto& attribute : attributes) result.message(5, attribute);
  return result;
}
inline Message attribute(const std::string& name, std::int64_t value) {
  return Message().text(1, name).integer(3, value).integer(20, 2);
}
inline Message attribute(const std::string& name, const std::string& value) {
  return Message().text(1, name).text(4, value).integer(20, 3);
}
inline Message attribute(const std::string& name, const Dims& values) {
  Message result = Message().text(1, name);
  for (const std::int64_t value : values) result.integer(8, value);
  return result.integer(20, 7);
}

/// A ValueInfoProto; a length of -1 is left open.
inline Message port(const std::string& name, const Dims& dims, int type = 1) {
  Message shape;
  for (const std::int64_t dim : dims) shape.message(1, dim < 0 ? Message().text(2, "batch") : Message().integer(1, dim));
  return Message().text(1, name).message(2, Message().message(1, Message().integer(1, type).message(2, shape)));
}

struct Graph {
  std::vector<Message> nodes, initialisers, inputs, outputs;
};
inline std::string file(const Graph& graph, std::int64_t opset = 17) {
  Message g;
  for (const auto& n : graph.nodes) g.message(1, n);
  g.text(2, "graph");
  for (const auto& t : graph.initialisers) g.message(5, t);
  for (const auto& p : graph.inputs) g.message(11, p);
  for (const auto& p : graph.outputs) g.message(12, p);
  return Message().integer(1, 8).text(2, "test").message(7, g).message(8, Message().text(1, "").integer(2, opset)).bytes;
}

/// tanh(x w1ᵀ + b1) w2ᵀ, of 3 inputs, 2 hidden units and one result.
inline Graph small_network() {
  Graph graph;
  graph.nodes = {node("Gemm", {"x", "w1", "b1"}, {"a"}, {attribute("transB", 1)}, "first"), node("Tanh", {"a"}, {"h"}, {}, "bend"),
                 node("Gemm", {"h", "w2"}, {"y"}, {attribute("transB", 1)}, "second")};
  graph.initialisers = {tensor("w1", {2, 3}, {0.5F, -1, 0.25F, 1, 0.75F, -0.5F}), tensor("b1", {2}, {0.125F, -0.25F}),
                        tensor("w2", {1, 2}, {1, -2})};
  graph.inputs = {port("x", {-1, 3})};
  graph.outputs = {port("y", {-1, 1})};
  return graph;
}

}  // namespace onnx_model

#pragma once
/// What an ONNX file is to say, and the writer of it: protobuf's wire format, as wire.hpp reads it.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <xgrad/core/where.hpp>
#include <xgrad/graph/attribute.hpp>

namespace xgrad::onnx {

struct WrittenNode {
  std::string op, name;
  std::vector<std::string> inputs, outputs;
  std::vector<xgrad::Attribute> attributes;  ///< whole numbers, numbers, texts and lists of whole numbers
};

/// A weight or constant. Its elements are kept by somebody, `owner` or the network.
struct WrittenTensor {
  std::string name;
  int type = 0;  ///< as ElementType
  std::vector<std::int64_t> dims;
  const void* data = nullptr;
  std::size_t bytes = 0;
  std::shared_ptr<const void> owner = {};
};

struct WrittenPort {
  std::string name;
  int type = 0;
  std::vector<std::int64_t> dims;  ///< -1: the number of samples, which the file leaves open; -2: another length that it does
};

struct WrittenModel {
  std::vector<WrittenNode> nodes;
  std::vector<WrittenTensor> tensors;
  std::vector<WrittenPort> inputs, outputs;
  std::vector<WrittenPort> values = {};  ///< what nodes make of which the shape is known: for who looks at the file
};

/// Opset 17, IR 8. Throws FileError, also for weights of 2 GB and more, which no such file can hold.
void write_model(const WrittenModel& model, const std::filesystem::path& path, Where at);

}  // namespace xgrad::onnx

#include "write.hpp"

#include <fmt/format.h>
#include <bit>
#include <cstring>
#include <variant>

#include <xgrad/core/error.hpp>
#include <xgrad/core/file.hpp>

namespace xgrad::onnx {
namespace {

// ONNX's numbers for what attributes are.
constexpr std::int64_t number = 1, integer = 2, text = 3, integers = 7;

/// A message that grows by fields, whose numbers are those of onnx.proto.
class Message {
 public:
  Message& add(unsigned field, std::int64_t value) {
    key(field, 0);
    varint(static_cast<std::uint64_t>(value));
    return *this;
  }
  Message& add(unsigned field, float value) {
    key(field, 5);
    const auto bits = std::bit_cast<std::uint32_t>(value);
    bytes_.append(reinterpret_cast<const char*>(&bits), sizeof bits);
    return *this;
  }
  Message& add(unsigned field, std::string_view value) {
    begin(field, value.size());
    bytes_ += value;
    return *this;
  }
  Message& add(unsigned field, const Message& value) { return add(field, std::string_view(value.bytes_)); }
  /// What comes before so many bytes of a text or message.
  Message& begin(unsigned field, std::size_t size) {
    key(field, 2);
    varint(size);
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  void key(unsigned field, unsigned type) { varint(field << 3U | type); }
  void varint(std::uint64_t value) {
    for (; value >= 128; value >>= 7U) bytes_ += static_cast<char>((value & 127U) | 128U);
    bytes_ += static_cast<char>(value);
  }
  std::string bytes_;
};

Message message_of(const xgrad::Attribute& attribute) {
  Message message;
  message.add(1, attribute.name);
  const auto add = [&]<class X>(const X& value) {
    if constexpr (std::is_same_v<X, bool> || std::is_same_v<X, std::int64_t>)
      message.add(3, std::int64_t{value}).add(20, integer);
    else if constexpr (std::is_same_v<X, double>)
      message.add(2, static_cast<float>(value)).add(20, number);
    else if constexpr (std::is_same_v<X, std::string>)
      message.add(4, value).add(20, text);
    else {
      for (const auto element : value) message.add(8, static_cast<std::int64_t>(element));
      message.add(20, integers);
    }
  };
  std::visit(add, attribute.value);
  return message;
}

Message message_of(const WrittenNode& node) {
  Message message;
  for (const auto& input : node.inputs) message.add(1, input);
  for (const auto& output : node.outputs) message.add(2, output);
  message.add(3, node.name).add(4, node.op);
  for (const auto& attribute : node.attributes) message.add(5, message_of(attribute));
  return message;
}

Message message_of(const WrittenPort& port) {
  Message shape;
  for (const std::int64_t length : port.dims) {
    Message dim;
    if (length == -1)
      dim.add(2, std::string_view("batch"));
    else if (length >= 0)
      dim.add(1, length);
    shape.add(1, dim);
  }
  Message tensor, type, message;
  tensor.add(1, std::int64_t{port.type}).add(2, shape);
  type.add(1, tensor);
  return message.add(1, port.name).add(2, type);
}

/// All of a tensor but its elements, which follow.
Message head_of(const WrittenTensor& tensor) {
  Message message;
  for (const std::int64_t length : tensor.dims) message.add(1, length);
  return message.add(2, std::int64_t{tensor.type}).add(8, tensor.name).begin(9, tensor.bytes);
}

}  // namespace

void write_model(const WrittenModel& model, const std::filesystem::path& path, Where at) {
  static_assert(std::endian::native == std::endian::little, "numbers are copied as they lie in memory");
  constexpr std::uint64_t most = 0x7fffffff;
  Message first, last;  // of the graph, before and behind the tensors
  for (const auto& node : model.nodes) first.add(1, message_of(node));
  first.add(2, std::string_view("xgrad"));
  for (const auto& port : model.inputs) last.add(11, message_of(port));
  for (const auto& port : model.outputs) last.add(12, message_of(port));
  for (const auto& port : model.values) last.add(13, message_of(port));
  std::vector<std::string> heads;  // of the tensors
  std::uint64_t bytes = first.bytes().size() + last.bytes().size();
  for (const auto& tensor : model.tensors) {
    const Message head = head_of(tensor);
    Message field;
    field.begin(5, head.bytes().size() + tensor.bytes);
    heads.push_back(field.bytes() + head.bytes());
    bytes += heads.back().size() + tensor.bytes;
  }
  if (bytes > most)
    throw FileError(
        at, "save",
        fmt::format("{}: the network has {} bytes; there must be at most 2^31 - 1 in an ONNX file", path.string(), bytes));
  Message opset;
  opset.add(1, std::string_view()).add(2, std::int64_t{17});
  Message begin, end;
  begin.add(1, std::int64_t{8}).add(2, std::string_view("xgrad")).add(8, opset).begin(7, bytes);

  WholeFile file(path, "save", at);
  file.write(begin.bytes());
  file.write(first.bytes());
  for (std::size_t k = 0; k < heads.size(); ++k) {
    file.write(heads[k]);
    file.write(model.tensors[k].data, model.tensors[k].bytes);
  }
  file.write(last.bytes());
  file.commit();
}

}  // namespace xgrad::onnx

#pragma once
/// What an ONNX file says, before anything is made of it.
#include <optional>

#include <xgrad/onnx/onnx.hpp>

#include "wire.hpp"

namespace xgrad::onnx {

/// ONNX's numbers for what elements are.
enum class ElementType : int { none = 0, float32 = 1, int32 = 6, int64 = 7, boolean = 9, float64 = 11 };
/// "float", "uint8", "float8e4m3fn"; "element type 99" of one that does not exist.
std::string name_of_element(std::int64_t type);
/// "FLOAT", "INTS"; its number of one that does not exist.
std::string name_of_attribute_type(std::int64_t type);
/// Whether a Value can have such elements.
bool supported(std::int64_t type);

/// A tensor whose elements are still bytes of the file.
struct Tensor {
  const std::uint8_t* at = nullptr;  ///< where in the file it stands
  std::string name;
  std::int64_t type = 0;
  std::vector<std::int64_t> dims;
  std::optional<Bytes> raw;
  std::vector<float> floats;
  std::vector<double> doubles;
  std::vector<std::int64_t> integers;
  bool strings = false, external = false;
  std::vector<std::pair<std::string, std::string>> where_external;
};

/// ONNX's numbers for what attributes are.
enum class AttributeType : int { none = 0, number = 1, integer = 2, text = 3, tensor = 4, numbers = 6, integers = 7, texts = 8 };

struct Attribute {
  std::string name;
  std::int64_t type = 0;  ///< as an AttributeType, or another number; none only of an attribute that has nothing in it
  float number = 0;
  std::int64_t integer = 0;
  std::string text;
  std::vector<float> numbers;
  std::vector<std::int64_t> integers;
  std::vector<std::string> texts;
  std::optional<Value<double>> tensor;
  std::string trouble;  ///< why the tensor cannot be had, if so
};

struct Node {
  const std::uint8_t* at = nullptr;
  std::string name, op, domain;
  std::vector<std::string> inputs, outputs;
  std::vector<Attribute> attributes;
};

struct Model {
  std::int64_t ir_version = 0;
  int opset = 0;
  std::vector<Node> nodes;
  std::vector<Tensor> initialisers;
  std::vector<Port> inputs, outputs;
};

/// A file's contents. Throws FileError for anything but a regular file.
std::vector<std::uint8_t> read_file(const std::filesystem::path& path, Where at);
/// ... of a part of it.
std::vector<std::uint8_t> read_file(const std::filesystem::path& path, std::uint64_t offset, std::optional<std::uint64_t> length,
                                    Where at);

Model read_model(const Source& source);
Tensor read_tensor(Reader reader);
/// The elements, from the file, or from one beside it. Throws FileError when there are not as many as the shape says.
template <class T>
Value<T> value_of(const Source& source, const Tensor& tensor);

/// "node 3 'conv1' (Conv)"
std::string describe(std::size_t index, const Node& node);

}  // namespace xgrad::onnx

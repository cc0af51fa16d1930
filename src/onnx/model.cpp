#include "model.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace xgrad::onnx {

namespace {

constexpr std::array<std::string_view, 27> element_names{
    "undefined",      "float",      "uint8",          "int8",   "uint16", "int16",      "int32",      "int64",    "string",
    "bool",           "float16",    "double",         "uint32", "uint64", "complex64",  "complex128", "bfloat16", "float8e4m3fn",
    "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz", "uint4",  "int4",   "float4e2m1", "float8e8m0", "uint2",    "int2"};

Attribute read_attribute(Reader reader) {
  Attribute a;
  std::uint32_t held = 0;  // bit k: it has what attributes of type k have, in field k + 1
  while (reader.next()) {
    if (reader.field() >= 2 && reader.field() <= 11) held |= 1U << (reader.field() - 1);
    switch (reader.field()) {
      case 1:
        a.name = reader.text();
        break;
      case 2:
        a.number = reader.number();
        break;
      case 3:
        a.integer = reader.integer();
        break;
      case 4:
        a.text = reader.text();
        break;
      case 5: {
        const Tensor tensor = read_tensor(reader.message());
        try {
          a.tensor = value_of<double>(reader.source(), tensor);
        } catch (const FileError& error) {
          a.trouble = error.message();
        }
        break;
      }
      case 7:
        reader.numbers(a.numbers);
        break;
      case 8:
        reader.integers(a.integers);
        break;
      case 9:
        a.texts.push_back(reader.text());
        break;
      case 20:
        a.type = reader.integer();
        break;
      default:
        reader.skip();  // graphs and lists of tensors: who asks for them finds nothing
    }
  }
  if (a.type == 0 && std::has_single_bit(held)) a.type = std::countr_zero(held);  // files of the first version say no types
  if (held != 0 && (a.type < 1 || a.type > 10 || !(held >> a.type & 1U)))
    reader.fail("the attribute '" + a.name + "' has values of other types than " + std::to_string(a.type) +
                ", which it says that it is; these must be of one type");
  return a;
}

Node read_node(Reader reader, const std::uint8_t* at) {
  Node node;
  node.at = at;
  while (reader.next()) switch (reader.field()) {
      case 1:
        node.inputs.push_back(reader.text());
        break;
      case 2:
        node.outputs.push_back(reader.text());
        break;
      case 3:
        node.name = reader.text();
        break;
      case 4:
        node.op = reader.text();
        break;
      case 5:
        node.attributes.push_back(read_attribute(reader.message()));
        break;
      case 7:
        node.domain = reader.text();
        break;
      default:
        reader.skip();
    }
  return node;
}

void read_shape(Reader reader, Port& port) {
  port.any_shape = false;
  while (reader.next()) {
    if (reader.field() != 1) {
      reader.skip();
      continue;
    }
    Reader dim = reader.message();
    std::int64_t length = -1;
    while (dim.next()) {
      if (dim.field() != 1) {
        dim.skip();
        continue;
      }
      length = dim.integer();
      if (length < 0) dim.fail("the length of an axis is " + std::to_string(length) + "; it must be at least 0");
    }
    port.shape.push_back(length);
  }
}

Port read_port(Reader reader) {
  Port port;
  port.any_shape = true;
  port.element = "undefined";
  while (reader.next()) {
    if (reader.field() == 1) {
      port.name = reader.text();
    } else if (reader.field() == 2) {
      Reader type = reader.message();
      while (type.next()) {
        if (type.field() != 1) {
          if (type.field() == 4 || type.field() == 5 || type.field() == 8 || type.field() == 9)
            type.fail("an input or output is a sequence, a map or optional; it must be a tensor");
          type.skip();
          continue;
        }
        Reader tensor = type.message();
        while (tensor.next()) {
          if (tensor.field() == 1)
            port.element = name_of_element(tensor.integer());
          else if (tensor.field() == 2)
            read_shape(tensor.message(), port);
          else
            tensor.skip();
        }
      }
    } else {
      reader.skip();
    }
  }
  return port;
}

void read_graph(Reader reader, Model& model) {
  while (reader.next()) switch (reader.field()) {
      case 1: {
        const Bytes bytes = reader.bytes();
        model.nodes.push_back(read_node(Reader(reader.source(), bytes), bytes.data()));
        break;
      }
      case 5:
        model.initialisers.push_back(read_tensor(reader.message()));
        break;
      case 11:
        model.inputs.push_back(read_port(reader.message()));
        break;
      case 12:
        model.outputs.push_back(read_port(reader.message()));
        break;
      case 15:
        reader.fail("there are sparse initialisers; they must be dense");
      default:
        reader.skip();
    }
}

}  // namespace

std::string name_of_element(std::int64_t type) {
  if (type < 0 || type >= static_cast<std::int64_t>(element_names.size())) return "element type " + std::to_string(type);
  return std::string(element_names[static_cast<std::size_t>(type)]);
}

std::string name_of_attribute_type(std::int64_t type) {
  constexpr std::array<const char*, 11> names{"UNDEFINED", "FLOAT", "INT",     "STRING",  "TENSOR", "GRAPH",
                                              "FLOATS",    "INTS",  "STRINGS", "TENSORS", "GRAPHS"};
  return type < 0 || type > 10 ? std::to_string(type) : names[static_cast<std::size_t>(type)];
}

bool supported(std::int64_t type) {
  if (type < 0 || type >= static_cast<std::int64_t>(element_names.size())) return false;
  switch (static_cast<ElementType>(type)) {
    case ElementType::float32:
    case ElementType::float64:
    case ElementType::int32:
    case ElementType::int64:
    case ElementType::boolean:
      return true;
    default:
      return false;
  }
}

Tensor read_tensor(Reader reader) {
  Tensor tensor;
  tensor.at = reader.position();
  while (reader.next()) {
    switch (reader.field()) {
      case 1:
        reader.integers(tensor.dims);
        break;
      case 2:
        tensor.type = reader.integer();
        break;
      case 3:
        reader.fail("a tensor is stored in segments; it must be in one piece");
      case 4:
        reader.numbers(tensor.floats);
        break;
      case 5:
      case 7:
        reader.integers(tensor.integers);
        break;
      case 6:
        tensor.strings = true;
        reader.skip();
        break;
      case 8:
        tensor.name = reader.text();
        break;
      case 9:
        tensor.raw = reader.bytes();
        break;
      case 10:
        reader.numbers(tensor.doubles);
        break;
      case 13: {
        Reader entry = reader.message();
        auto& [key, value] = tensor.where_external.emplace_back();
        while (entry.next()) {
          if (entry.field() == 1)
            key = entry.text();
          else if (entry.field() == 2)
            value = entry.text();
          else
            entry.skip();
        }
        break;
      }
      case 14:
        tensor.external = reader.integer() == 1;
        break;
      default:
        reader.skip();
    }
  }
  return tensor;
}

Model read_model(const Source& source) {
  Model model;
  bool graph = false, opset = false;
  Reader reader(source, source.bytes);
  while (reader.next()) switch (reader.field()) {
      case 1:
        model.ir_version = reader.integer();
        break;
      case 7:
        if (graph) reader.fail("there is a second graph; a model must have one");
        graph = true;
        read_graph(reader.message(), model);
        break;
      case 8: {
        std::string domain;
        std::int64_t version = 0;
        Reader entry = reader.message();
        while (entry.next()) {
          if (entry.field() == 1)
            domain = entry.text();
          else if (entry.field() == 2)
            version = entry.integer();
          else
            entry.skip();
        }
        if (!domain.empty() && domain != "ai.onnx") break;  // its nodes say so themselves
        if (version < 1 || version > 27) reader.fail("the opset is " + std::to_string(version) + "; it must be from 1 to 27");
        model.opset = static_cast<int>(version);
        opset = true;
        break;
      }
      default:
        reader.skip();
    }
  if (!graph) source.fail("there is no graph in it; it must be an ONNX model, whole");
  if (!opset) source.fail("it does not say its opset; it must be an ONNX model, whole, of opset 1 to 27");
  return model;
}

std::string describe(std::size_t index, const Node& node) {
  std::string text = "node " + std::to_string(index);
  if (!node.name.empty()) text += " '" + node.name + "'";
  return text + " (" + node.op + ")";
}

}  // namespace xgrad::onnx

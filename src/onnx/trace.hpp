#pragma once
/// What a network has done with its input.
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <xgrad/formula/formula.hpp>
#include <xgrad/graph/attribute.hpp>
#include <xgrad/graph/variable.hpp>
#include <xgrad/onnx/onnx.hpp>

namespace xgrad::onnx {

struct TracedValue {
  Shape shape;
  const void* data = nullptr;
  std::size_t bytes = 0;              ///< of an element
  int type = 0;                       ///< of the elements, as ElementType
  std::shared_ptr<const void> owner;  ///< keeps the elements
  std::string name;                   ///< its path in the network, "conv1.weight", if it has one
  bool dynamic = false;               ///< whether it depends on the input
};
/// An operation that ran. Values are numbers of places in Trace::values.
struct TracedOp {
  std::string name;
  Where where;
  std::vector<xgrad::Attribute> attributes;
  const Program* program = nullptr;        ///< of an elementwise operation
  std::shared_ptr<const void> owner = {};  ///< keeps the program
  std::vector<std::size_t> inputs;
  std::optional<std::size_t> selector = {};  ///< the mask of a `where`, the indices of what takes by them, a loss's labels
  std::size_t output = 0;
};
struct Trace {
  std::vector<TracedValue> values;  ///< the input is the first
  std::vector<TracedOp> ops;
  std::vector<std::size_t> outputs;
  std::vector<std::string> output_names;
  std::map<std::string, std::size_t> state;  ///< the network's own values, by their paths
  std::size_t samples = 0;
  bool is_double = false;
};
/// What is kept of a run for shapes alone, which may have many samples: no value.
struct Outline {
  std::vector<TracedOp> ops;               ///< without inputs and output
  std::vector<std::vector<Shape>> shapes;  ///< of each operation's inputs, selector and result
  Shape input;
  std::vector<Shape> outputs;
  std::size_t samples = 0;
};

/// Runs the network, which records nothing, on x: numbers, or integers that it takes for indices.
template <class T>
Trace trace(const detail::Function<T>& net, std::span<const NamedVariable<T>> state, Value<T> x);
template <class T>
Outline outline(const detail::Function<T>& net, Value<T> x);

}  // namespace xgrad::onnx

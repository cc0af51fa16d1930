#include <utility>

#include "graph.hpp"

namespace xgrad::onnx {

namespace {

std::string port_shape(const Port& port) {
  std::string text = "(";
  for (std::size_t k = 0; k < port.shape.size(); ++k)
    text += (k ? ", " : "") + (port.shape[k] < 0 ? "any" : std::to_string(port.shape[k]));
  return text + ")";
}

template <class T>
void check_input(const Port& port, const Value<T>& value, Where at) {
  const std::string name = "input '" + port.name + "' ";
  if (!present<T>(value)) throw ValueError(at, "run", name + "is an undefined Variable; it must have a value");
  const std::size_t kind = port.element == "float" || port.element == "double" ? 0 : port.element == "bool" ? 2 : 1;
  if (value.index() != kind)
    throw ValueError(at, "run",
                     name + "has " + kind_of<T>(value) + " as elements; they must be " + port.element + ", as in the file");
  if (port.any_shape) return;
  const Shape shape = shape_of<T>(value);
  bool fits = shape.size() == port.shape.size();
  for (std::size_t k = 0; fits && k < shape.size(); ++k)
    fits = port.shape[k] < 0 || static_cast<std::uint64_t>(port.shape[k]) == shape[k];
  if (!fits)
    throw ShapeError(at, "run",
                     name + "has the shape " + to_string(shape) + "; it must be " + port_shape(port) + ", as in the file");
}

}  // namespace

template <Real T>
const std::vector<Port>& Network<T>::inputs() const {
  return graph_->inputs;
}
template <Real T>
const std::vector<Port>& Network<T>::outputs() const {
  return graph_->outputs;
}
template <Real T>
int Network<T>::opset() const {
  return graph_->opset;
}

template <Real T>
std::vector<Value<T>> Network<T>::run(std::vector<Value<T>> inputs, Where at) const {
  const detail::Graph<T>& graph = *graph_;
  if (inputs.size() != graph.inputs.size())
    throw ValueError(at, "run",
                     std::to_string(inputs.size()) + " inputs were given; they must be " + std::to_string(graph.inputs.size()) +
                         ", as the network of " + graph.path.string() + " has");
  std::vector<Value<T>> slots(graph.slots);
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    check_input<T>(graph.inputs[k], inputs[k], at);
    slots[graph.input_slots[k]] = std::move(inputs[k]);
  }
  inputs.clear();
  for (const auto& [slot, value] : graph.constants) slots[slot] = value;
  for (const auto& [name, slot] : graph.weights) {
    const auto found = weights.find(name);
    if (found == weights.end()) throw ValueError(at, "run", "the network has lost its weight '" + name + "'; it must be there");
    slots[slot] = found->second;
  }
  for (const detail::Step<T>& step : graph.steps) {
    std::vector<Value<T>> given;
    given.reserve(step.inputs.size());
    for (const detail::Input& input : step.inputs) {
      if (input.slot == detail::nowhere)
        given.emplace_back();
      else if (input.last)
        given.push_back(std::exchange(slots[input.slot], Value<T>()));
      else
        given.push_back(slots[input.slot]);
    }
    try {
      Call<T> call(step.node, graph.opset, std::move(given), at);
      Values<T> made = step.entry.function(call);
      call.finish();
      for (std::size_t i = 0; i < step.outputs.size(); ++i) {
        if (step.outputs[i] == detail::nowhere) continue;
        if (i >= made.size())
          call.refuse("output " + std::to_string(i) + " is not supported by this library; nothing must need it");
        slots[step.outputs[i]] = std::move(made[i]);
      }
    } catch (...) {
      try {
        xgrad::detail::rethrow(at, "onnx");
      } catch (Error& error) {
        error.note(describe(step.number, step.node) + " of " + graph.path.string());
        throw;
      }
    }
  }
  std::vector<Value<T>> results;
  for (const std::size_t slot : graph.output_slots) results.push_back(slots[slot]);
  return results;
}

template <Real T>
Variable<T> Network<T>::operator()(Variable<T> x, Where at) const {
  std::vector<Value<T>> inputs;
  inputs.push_back(std::move(x));
  std::vector<Value<T>> results = run(std::move(inputs), at);
  if (results[0].index() != 0)
    throw ValueError(at, "run",
                     "output '" + graph_->outputs[0].name + "' has " + kind_of<T>(results[0]) +
                         " as elements; they must be floating-point numbers: call run, which gives others too");
  return std::get<0>(std::move(results[0]));
}

template class Network<float>;
template class Network<double>;

}  // namespace xgrad::onnx

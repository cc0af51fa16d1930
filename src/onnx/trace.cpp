#include "trace.hpp"

#include <algorithm>
#include <unordered_map>

#include <xgrad/graph/mode.hpp>
#include <xgrad/graph/observer.hpp>

#include "../ops/routine.hpp"
#include "model.hpp"
#include "taking.hpp"

namespace xgrad::onnx {
namespace {

constexpr int type_of_index = static_cast<int>(ElementType::int64);
template <class T>
constexpr int type_of = static_cast<int>(std::is_same_v<T, double> ? ElementType::float64 : ElementType::float32);

template <class T>
TracedOp traced(const Event<T>& event) {
  TracedOp op{.name = std::string(event.op), .where = event.where, .attributes = event.attributes(), .inputs = {}};
  if (Ref<const xgrad::detail::CompiledRoutine> routine = xgrad::detail::routine_of(event)) {
    op.program = &routine->traced();
    op.owner = std::make_shared<const Ref<const xgrad::detail::CompiledRoutine>>(std::move(routine));
  }
  return op;
}

template <class T>
Shape shape_of(const Value<T>& x) {
  return std::visit([](const auto& value) { return Shape(value.shape().begin(), value.shape().end()); }, x);
}
/// Whether indices are what the network was given, under this shape or another.
template <class T>
bool is_input(const Labels& index, const Value<T>& x) {
  const Labels* labels = std::get_if<Labels>(&x);
  return labels && index.size() > 0 &&
         std::equal(index.data(), index.data() + index.size(), labels->data(), labels->data() + labels->size());
}

/// The labels of a loss; what another operation takes, which its attributes tell from then on.
template <class T>
std::optional<Labels> indices_of(const Event<T>& event, TracedOp& op) {
  if (const Ref<Storage<std::int64_t>> labels = xgrad::detail::labels_of(event)) return labels->array;
  const xgrad::detail::Positions* positions = xgrad::detail::positions_of(event);
  if (!positions) return {};
  const bool adds = event.inputs.size() == 2;
  std::optional<Taking> taken =
      taking(event.op, event.inputs[0].shape(), adds ? event.inputs[1].shape() : event.value.shape(), *positions);
  if (!taken) return {};
  op.attributes.push_back({"axis", static_cast<std::int64_t>(taken->axis)});
  if (event.op == "median") return {};
  if (event.op == "sort" || event.op == "topk") {  // the indices are the numbers' own, and no constants
    const auto [largest, smallest] = first_is(event.inputs[0].value(), event.value.value(), taken->axis);
    op.attributes.push_back({"first", std::vector<std::int64_t>{largest, smallest}});
    return {};
  }
  return std::move(taken->index);
}

template <class T>
class Listener {
 public:
  Listener(std::span<const NamedVariable<T>> state, const Value<T>& x) : x_(x) {
    for (const auto& named : state) names_.emplace(named.variable.storage().get(), named.name);
    result.is_double = std::is_same_v<T, double>;
    result.samples = shape_of(x).at(0);
    if (const auto* variable = std::get_if<Variable<T>>(&x))
      place(*variable);
    else
      place(std::get<Labels>(x));
    result.values[0].dynamic = true;
    for (const auto& named : state) result.state.emplace(named.name, place(named.variable));
  }
  /// The place of a value, a new one where it was not met before. Values are kept, so no two have one address.
  std::size_t place(const Variable<T>& variable) {
    const auto [found, fresh] = places_.emplace(variable.storage().get(), result.values.size());
    if (fresh) {
      auto owner = std::make_shared<const Variable<T>>(variable.storage());
      TracedValue value{.shape = variable.shape(),
                        .data = variable.value().data(),
                        .bytes = sizeof(T),
                        .type = type_of<T>,
                        .owner = std::move(owner),
                        .name = {}};
      if (const auto name = names_.find(variable.storage().get()); name != names_.end()) value.name = name->second;
      result.values.push_back(std::move(value));
    }
    return found->second;
  }
  void hear(const Event<T>& event) {
    if (event.what != Seen::result) return;
    TracedOp op = traced(event);
    if (Ref<Storage<bool>> mask = xgrad::detail::mask_of(event)) {
      op.selector = result.values.size();
      result.values.push_back({.shape = mask->array.shape(),
                               .data = mask->array.data(),
                               .bytes = 1,
                               .type = static_cast<int>(ElementType::boolean),
                               .owner = std::make_shared<const Ref<Storage<bool>>>(mask),
                               .name = {}});
    } else if (std::optional<Labels> index = indices_of(event, op)) {
      op.selector = is_input(*index, x_) ? input_as(index->shape(), event.where) : place(std::move(*index));
    }
    bool dynamic = op.selector && result.values[*op.selector].dynamic;
    for (const Variable<T>& input : event.inputs) {
      op.inputs.push_back(place(input));
      dynamic |= result.values[op.inputs.back()].dynamic;
    }
    op.output = place(event.value);
    TracedValue& value = result.values[op.output];
    value.dynamic = dynamic;
    // a weight under another shape or order is still that weight
    if (!dynamic && op.inputs.size() == 1 && value.name.empty() && (op.name == "reshape" || op.name == "permute"))
      value.name = result.values[op.inputs[0]].name;
    result.ops.push_back(std::move(op));
  }

  Trace result;

 private:
  std::size_t place(Labels labels) {
    auto kept = std::make_shared<const Labels>(std::move(labels));
    result.values.push_back({.shape = kept->shape(),
                             .data = kept->data(),
                             .bytes = sizeof(std::int64_t),
                             .type = type_of_index,
                             .owner = kept,
                             .name = {}});
    return result.values.size() - 1;
  }
  /// The network's input under a shape.
  std::size_t input_as(const Shape& shape, Where at) {
    if (shape == result.values[0].shape) return 0;
    result.values.push_back({.shape = shape, .type = type_of_index, .owner = {}, .name = {}, .dynamic = true});
    result.ops.push_back({.name = "reshape", .where = at, .attributes = {}, .inputs = {0}, .output = result.values.size() - 1});
    return result.values.size() - 1;
  }

  const Value<T>& x_;
  std::unordered_map<const void*, std::string> names_;
  std::unordered_map<const void*, std::size_t> places_;
};

}  // namespace

template <class T>
Trace trace(const detail::Function<T>& net, std::span<const NamedVariable<T>> state, Value<T> x) {
  Listener<T> listener(state, x);
  const NoGrad quiet;
  detail::Outputs<T> outputs;
  {
    const Observe observe([&]<class U>(const Event<U>& event) {
      if constexpr (std::is_same_v<U, T>) listener.hear(event);
    });
    outputs = net(x);
  }
  for (const Variable<T>& y : outputs.values) listener.result.outputs.push_back(listener.place(y));
  listener.result.output_names = std::move(outputs.names);
  return std::move(listener.result);
}

template <class T>
Outline outline(const detail::Function<T>& net, Value<T> x) {
  const NoGrad quiet;
  Outline result;
  result.input = shape_of(x);
  result.samples = result.input.at(0);
  const Observe observe([&]<class U>(const Event<U>& event) {
    if constexpr (std::is_same_v<U, T>) {
      if (event.what != Seen::result) return;
      TracedOp op = traced(event);
      std::vector<Shape> shapes;
      for (const Variable<T>& input : event.inputs) shapes.push_back(input.shape());
      if (Ref<Storage<bool>> mask = xgrad::detail::mask_of(event)) {
        shapes.push_back(mask->array.shape());
      } else if (const std::optional<Labels> index = indices_of(event, op)) {
        shapes.push_back(index->shape());
        if (is_input(*index, x) && shapes.back() != result.input) {
          result.ops.push_back({.name = "reshape", .where = event.where, .attributes = {}, .inputs = {}});
          result.shapes.push_back({result.input, shapes.back()});
        }
      }
      shapes.push_back(event.value.shape());
      result.ops.push_back(std::move(op));
      result.shapes.push_back(std::move(shapes));
    }
  });
  for (const Variable<T>& y : net(x).values) result.outputs.push_back(y.shape());
  return result;
}

template Trace trace<float>(const detail::Function<float>&, std::span<const NamedVariable<float>>, Value<float>);
template Trace trace<double>(const detail::Function<double>&, std::span<const NamedVariable<double>>, Value<double>);
template Outline outline<float>(const detail::Function<float>&, Value<float>);
template Outline outline<double>(const detail::Function<double>&, Value<double>);

}  // namespace xgrad::onnx

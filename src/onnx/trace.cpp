#include "trace.hpp"

#include <unordered_map>

#include <xgrad/graph/mode.hpp>
#include <xgrad/graph/observer.hpp>

#include "../ops/routine.hpp"
#include "model.hpp"

namespace xgrad::onnx {
namespace {

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
class Listener {
 public:
  explicit Listener(std::span<const NamedVariable<T>> state) {
    for (const auto& named : state) names_.emplace(named.variable.storage().get(), named.name);
    result.is_double = std::is_same_v<T, double>;
  }
  /// The place of a value, a new one where it was not met before. Values are kept, so no two have one address.
  std::size_t place(const Variable<T>& variable) {
    const auto [found, fresh] = places_.emplace(variable.storage().get(), result.values.size());
    if (fresh) {
      auto owner = std::make_shared<const Variable<T>>(variable.storage());
      TracedValue value{.shape = variable.shape(),
                        .data = variable.value().data(),
                        .bytes = sizeof(T),
                        .type = static_cast<int>(std::is_same_v<T, double> ? ElementType::float64 : ElementType::float32),
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
      op.mask = result.values.size();
      result.values.push_back({.shape = mask->array.shape(),
                               .data = mask->array.data(),
                               .bytes = 1,
                               .type = static_cast<int>(ElementType::boolean),
                               .owner = std::make_shared<const Ref<Storage<bool>>>(mask),
                               .name = {}});
    }
    bool dynamic = false;
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
  std::unordered_map<const void*, std::string> names_;
  std::unordered_map<const void*, std::size_t> places_;
};

}  // namespace

template <class T>
Trace trace(const detail::Function<T>& net, std::span<const NamedVariable<T>> state, Variable<T> x) {
  Listener<T> listener(state);
  const NoGrad quiet;
  listener.result.samples = x.shape().at(0);
  listener.place(x);
  listener.result.values[0].dynamic = true;
  detail::Outputs<T> outputs;
  {
    const Observe observe([&]<class U>(const Event<U>& event) {
      if constexpr (std::is_same_v<U, T>) listener.hear(event);
    });
    outputs = net(std::move(x));
  }
  for (const Variable<T>& y : outputs.values) listener.result.outputs.push_back(listener.place(y));
  listener.result.output_names = std::move(outputs.names);
  return std::move(listener.result);
}

template <class T>
Outline outline(const detail::Function<T>& net, Variable<T> x) {
  const NoGrad quiet;
  Outline result;
  result.input = x.shape();
  result.samples = x.shape().at(0);
  const Observe observe([&]<class U>(const Event<U>& event) {
    if constexpr (std::is_same_v<U, T>) {
      if (event.what != Seen::result) return;
      result.ops.push_back(traced(event));
      std::vector<Shape>& shapes = result.shapes.emplace_back();
      for (const Variable<T>& input : event.inputs) shapes.push_back(input.shape());
      if (Ref<Storage<bool>> mask = xgrad::detail::mask_of(event)) shapes.push_back(mask->array.shape());
      shapes.push_back(event.value.shape());
    }
  });
  for (const Variable<T>& y : net(std::move(x)).values) result.outputs.push_back(y.shape());
  return result;
}

template Trace trace<float>(const detail::Function<float>&, std::span<const NamedVariable<float>>, Variable<float>);
template Trace trace<double>(const detail::Function<double>&, std::span<const NamedVariable<double>>, Variable<double>);
template Outline outline<float>(const detail::Function<float>&, Variable<float>);
template Outline outline<double>(const detail::Function<double>&, Variable<double>);

}  // namespace xgrad::onnx

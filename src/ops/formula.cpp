#include <xgrad/ops/formula.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <optional>

#include <xgrad/core/parallel.hpp>
#include <xgrad/graph/apply.hpp>
#include <xgrad/ops/reduce.hpp>

#include "../kernels/table.hpp"
#include "routine.hpp"
#include "stacked.hpp"
#include "support.hpp"

namespace xgrad {
using namespace detail;

CompiledRoutine::CompiledRoutine(std::string name, const Program& program, std::vector<Program> given)
    : name_(std::move(name)), traced_(program), program_(optimise(program)), given_(std::move(given)) {
  const auto is_operation = [](const Instr& instr) { return instr.op != Primitive::input; };
  const Instr& result = program_.code[static_cast<std::size_t>(program_.result)];
  if (!is_operation(result) || result.a < 0 || std::ranges::count_if(program_.code, is_operation) != 1) return;
  const auto input = [&](int operand) {
    return static_cast<std::size_t>(program_.code[static_cast<std::size_t>(operand < 0 ? result.a : operand)].a);
  };
  single_ = {static_cast<std::size_t>(result.op), input(result.a), input(result.b), input(result.c)};
}

void CompiledRoutine::find_gradients() const {
  const std::scoped_lock lock(mutex_);
  if (differentiated_.load(std::memory_order_relaxed)) return;
  std::vector<Gradient> gradients(program_.inputs);
  for (std::size_t i = 0; i < program_.inputs; ++i) {
    Derivative derivative = given_.empty() ? differentiate(traced_, i) : compact(given_[i]);
    Gradient& gradient = gradients[i];
    gradient.reads = std::move(derivative.reads);
    for (const std::uint8_t read : gradient.reads)
      if (read > 0) gradient.uses |= read > program_.inputs ? use::output : use::input(read - 1U);
    const Instr& result = derivative.program.code[static_cast<std::size_t>(derivative.program.result)];
    gradient.passes = is_input(derivative.program, 0) && gradient.reads[0] == 0;
    gradient.zero = result.op == Primitive::constant && result.constant == 0;
    if (!given_.empty() && !gradient.zero && std::ranges::find(gradient.reads, 0) == gradient.reads.end())
      throw ValueError(
          fmt::format("derivative {} does not use its first parameter, the gradient of the result; it must multiply by it", i));
    if (gradient.reads.size() > most_inputs)
      throw ValueError(
          fmt::format("the derivative reads {} values; it must be at most {}: the formula has been differentiated too often",
                      gradient.reads.size(), most_inputs));
    if (!gradient.passes && !gradient.zero)
      gradient.routine = Ref<const CompiledRoutine>(new CompiledRoutine(name_ + "'", derivative.program, {}));
  }
  gradients_ = std::move(gradients);
  differentiated_.store(true, std::memory_order_release);
}

namespace {

/// The shape that all inputs broadcast to: that of the first one, or a new one, which `room` holds then.
template <class T>
const Shape& common_shape(std::span<const Array<T>* const> inputs, std::optional<Shape>& room) {
  const Shape* shape = &inputs[0]->shape();
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    if (inputs[i]->shape() == *shape) continue;
    if (inputs.size() > 2 && !can_broadcast(*shape, inputs[i]->shape())) {
      std::string shapes;
      for (const Array<T>* input : inputs) shapes += (shapes.empty() ? "" : ", ") + to_string(input->shape());
      throw ShapeError(fmt::format(
          "the inputs are {}: input {} does not broadcast with those before it; lengths must be equal, or 1", shapes, i));
    }
    shape = &room.emplace(broadcast_shapes(*shape, inputs[i]->shape()));
  }
  if (room) check_size(*room, sizeof(T));
  return *shape;
}

/// Runs a program into `out`, which may be the buffer of an input of full shape.
template <class T>
Ref<Storage<T>> evaluate(const CompiledRoutine& routine, std::span<const Array<T>* const> arrays, const Shape& shape,
                         Ref<Storage<T>> out) {
  const std::size_t n = out->array.size();
  if (const auto& single = routine.single();
      single && n < parallel_threshold && std::ranges::all_of(arrays, [&](const Array<T>* array) { return array->size() == n; })) {
    // few elements of full shape need no plan
    kernels::table<T>().formula[single->primitive][0](out->array.data(), arrays[single->a]->data(), arrays[single->b]->data(),
                                                      arrays[single->c]->data(), n);
    return out;
  }
  std::array<ProgramInput<T>, most_inputs> inputs;
  for (std::size_t i = 0; i < arrays.size(); ++i)
    inputs[i] = {arrays[i]->data(), arrays[i]->size() == n ? &shape : &arrays[i]->shape()};
  run<T>(routine.program(), out->array.data(), shape, std::span(inputs).first(arrays.size()));
  return out;
}

/// The op of every formula.
template <class T>
struct FormulaOp {
  Ref<const CompiledRoutine> routine;

  std::string_view name() const { return routine->name(); }
  std::uint32_t uses(std::size_t i) const { return routine->gradient(i).uses; }

  Result<T> forward(Inputs<T> in) {
    std::array<const Array<T>*, most_inputs> arrays;
    for (std::size_t i = 0; i < in.size(); ++i) arrays[i] = &in[i];
    const std::span<const Array<T>* const> inputs(arrays.data(), in.size());
    std::optional<Shape> room;
    const Shape& shape = common_shape(inputs, room);
    for (std::size_t i = 0; i < in.size(); ++i)
      if (in.reusable(i) && in[i].shape() == shape) return evaluate(*routine, inputs, shape, in.take(i));
    return evaluate(*routine, inputs, shape, Storage<T>::create(shape));
  }

  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t i) const {
    const CompiledRoutine::Gradient& gradient = routine->gradient(i);
    if (gradient.zero) return Variable<T>(zeros<T>(c.input_shape(i), Where{}));
    if (gradient.passes) return sum_to(c.take(g), c.input_shape(i));
    const std::size_t count = gradient.reads.size(), n = routine->program().inputs;
    if (!recording()) {  // the same on arrays: nothing to record, so no Variables to count
      Variable<T> result = slope_times(gradient, c, g);
      if (result.value().shape() == c.input_shape(i)) return result;
      return sum_to(std::move(result), c.input_shape(i));
    }
    std::array<Variable<T>, 4> few;
    std::vector<Variable<T>> many(count > few.size() ? count : 0);
    const std::span<Variable<T>> inputs = (many.empty() ? std::span<Variable<T>>(few) : std::span<Variable<T>>(many)).first(count);
    for (std::size_t k = 0; k < count; ++k) {
      const std::uint8_t read = gradient.reads[k];
      inputs[k] = read == 0 ? g : read > n ? c.output() : c.input(read - 1U);
    }
    return sum_to(apply<T>(FormulaOp{gradient.routine}, inputs, c.where()), c.input_shape(i));
  }
  Variable<T> stacked_vjp(const Context<T>& c, const Variable<T>& g, std::size_t i) const {
    const CompiledRoutine::Gradient& gradient = routine->gradient(i);
    if (gradient.zero) return Variable<T>(zeros<T>(stack_of(g.shape()[0], c.input_shape(i)), Where{}));
    return sum_each_to(gradient.passes ? g : slope_times(gradient, c, g), c.input_shape(i), c.where());
  }

 private:
  /// The derivative times g, of the shape of the result, or of several stacked. What else it reads broadcasts.
  Variable<T> slope_times(const CompiledRoutine::Gradient& gradient, const Context<T>& c, const Variable<T>& g) const {
    Ref<Storage<T>> mine = c.take_storage(g);
    const Array<T>& slope = mine ? mine->array : g.value();
    const std::size_t count = gradient.reads.size(), n = routine->program().inputs;
    std::array<const Array<T>*, most_inputs> arrays;
    for (std::size_t k = 0; k < count; ++k) {
      const std::uint8_t read = gradient.reads[k];
      arrays[k] = read == 0 ? &slope : read > n ? &c.output_value() : &c.input_value(read - 1U);
    }
    const std::span<const Array<T>* const> inputs(arrays.data(), count);
    std::optional<Shape> room;
    const Shape& shape = common_shape(inputs, room);
    const bool in_place = mine && mine->references.only_one() && slope.shape() == shape;
    Ref<Storage<T>> out = in_place ? std::move(mine) : Storage<T>::create(shape);
    return Variable<T>(evaluate(*gradient.routine, inputs, shape, std::move(out)));
  }
};

}  // namespace

void detail::Routine::destroy() const noexcept { delete static_cast<const CompiledRoutine*>(this); }

Ref<const Routine> detail::make_routine(std::string_view name, const Untraced* lambdas, std::size_t derivatives) {
  std::vector<Program> programs;
  for (std::size_t k = 0; k <= derivatives; ++k) lambdas[k].trace(programs.emplace_back(lambdas[k].inputs), lambdas[k].lambda);
  const Program formula = std::move(programs.front());
  programs.erase(programs.begin());
  return Ref<const Routine>(new CompiledRoutine(std::string(name), formula, std::move(programs)));
}

template <class T>
Variable<T> detail::call(const Ref<const Routine>& routine, Variable<T>* inputs, std::size_t count, Where at) {
  return apply<T>(FormulaOp<T>{Ref<const CompiledRoutine>(static_cast<const CompiledRoutine*>(routine.get()))},
                  std::span<Variable<T>>(inputs, count), at);
}

XGRAD_BOTH(detail::call);

template <class T>
Ref<const CompiledRoutine> detail::routine_of(const Event<T>& event) {
  if (event.describe != &describe_op<FormulaOp<T>>) return {};
  return static_cast<const FormulaOp<T>*>(event.described)->routine;
}
XGRAD_BOTH(detail::routine_of);

}  // namespace xgrad

#include <xgrad/ops/formula.hpp>

#include <array>

#include <xgrad/graph/apply.hpp>
#include <xgrad/ops/reduce.hpp>

#include "support.hpp"
#include "routine.hpp"

namespace xgrad {

CompiledRoutine::CompiledRoutine(std::string name, const Program& program, std::vector<Program> given)
    : name_(std::move(name)), traced_(program), program_(optimise(program)), given_(std::move(given)) {}

std::uint32_t CompiledRoutine::uses(std::size_t i) const {
  std::uint32_t result = use::none;
  for (const std::uint8_t read : gradient(i).reads)
    if (read > program_.inputs)
      result |= use::output;
    else if (read > 0)
      result |= use::input(read - 1U);
  return result;
}

void CompiledRoutine::find_gradients() const {
  gradients_.resize(program_.inputs);
  for (std::size_t i = 0; i < program_.inputs; ++i) {
    Derivative derivative = given_.empty() ? differentiate(traced_, i) : compact(given_[i]);
    Gradient& gradient = gradients_[i];
    gradient.reads = std::move(derivative.reads);
    const Instr& result = derivative.program.code[static_cast<std::size_t>(derivative.program.result)];
    gradient.passes = is_input(derivative.program, 0) && gradient.reads[0] == 0;
    gradient.zero = result.op == Primitive::constant && result.constant == 0;
    if (!gradient.passes && !gradient.zero) gradient.routine = Ref<const CompiledRoutine>(new CompiledRoutine(name_ + "'", derivative.program, {}));
  }
}

namespace {

/// The op of every formula.
template <class T>
struct FormulaOp {
  Ref<const CompiledRoutine> routine;

  std::string_view name() const { return routine->name(); }
  std::uint32_t uses(std::size_t i) const { return routine->uses(i); }

  Result<T> forward(Inputs<T> in) {
    constexpr std::size_t most = 24;  // eight inputs, two more with each derivative
    if (in.size() > most) throw ValueError("the formula has " + std::to_string(in.size()) + " inputs; at most " + std::to_string(most) + " are supported");
    std::array<ProgramInput<T>, most> inputs;
    Shape shape = in[0].shape();
    for (std::size_t i = 0; i < in.size(); ++i) {
      inputs[i] = {in[i].data(), &in[i].shape()};
      if (i > 0 && in[i].shape() != shape) shape = broadcast_shapes(shape, in[i].shape());
    }
    Ref<Storage<T>> out;
    for (std::size_t i = 0; i < in.size() && !out; ++i)
      if (in.reusable(i) && in[i].shape() == shape) out = in.take(i);
    if (!out) out = Storage<T>::create(Array<T>(shape));
    run<T>(routine->program(), out->array.data(), shape, std::span(inputs).first(in.size()));
    return out;
  }

  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t i) const {
    const CompiledRoutine::Gradient& gradient = routine->gradient(i);
    if (gradient.zero) return Variable<T>(zeros<T>(c.input_shape(i)));
    if (gradient.passes) return sum_to(g, c.input_shape(i));
    std::vector<Variable<T>> inputs;
    inputs.reserve(gradient.reads.size());
    for (const std::uint8_t read : gradient.reads) {
      if (read == 0)
        inputs.push_back(g);
      else if (read > routine->program().inputs)
        inputs.push_back(c.output());
      else
        inputs.push_back(c.input(read - 1U));
    }
    return sum_to(apply<T>(FormulaOp{gradient.routine}, std::move(inputs), c.where()), c.input_shape(i));
  }
};

}  // namespace

void Routine::destroy() const noexcept { delete static_cast<const CompiledRoutine*>(this); }

Ref<const Routine> detail::make_routine(std::string name, const Program& program, std::vector<Program> derivatives) {
  return Ref<const Routine>(new CompiledRoutine(std::move(name), program, std::move(derivatives)));
}

template <class T>
Variable<T> detail::call(const Ref<const Routine>& routine, std::span<Variable<T>> inputs, Where where) {
  return apply<T>(FormulaOp<T>{Ref<const CompiledRoutine>(static_cast<const CompiledRoutine*>(routine.get()))}, inputs, where);
}

XGRAD_BOTH(detail::call);

}  // namespace xgrad

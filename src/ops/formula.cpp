#include <xgrad/ops/formula.hpp>

#include <array>

#include <xgrad/graph/apply.hpp>
#include <xgrad/ops/reduce.hpp>

#include "support.hpp"
#include "routine.hpp"

namespace xgrad {

CompiledRoutine::CompiledRoutine(std::string name, const Program& program, std::vector<Program> given)
    : name_(std::move(name)), traced_(program), program_(optimise(program)), given_(std::move(given)) {}

void CompiledRoutine::find_gradients() const {
  gradients_.resize(program_.inputs);
  for (std::size_t i = 0; i < program_.inputs; ++i) {
    Derivative derivative = given_.empty() ? differentiate(traced_, i) : compact(given_[i]);
    Gradient& gradient = gradients_[i];
    gradient.reads = std::move(derivative.reads);
    for (const std::uint8_t read : gradient.reads)
      if (read > 0) gradient.uses |= read > program_.inputs ? use::output : use::input(read - 1U);
    const Instr& result = derivative.program.code[static_cast<std::size_t>(derivative.program.result)];
    gradient.passes = is_input(derivative.program, 0) && gradient.reads[0] == 0;
    if (gradient.reads.size() > most_inputs) throw ValueError(name_ + ": this derivative reads too many values; the formula has been differentiated too often");
    gradient.zero = result.op == Primitive::constant && result.constant == 0;
    if (!gradient.passes && !gradient.zero) gradient.routine = Ref<const CompiledRoutine>(new CompiledRoutine(name_ + "'", derivative.program, {}));
  }
}

namespace {

/// The op of every formula.
template <class T>
struct FormulaOp {
  const Ref<const CompiledRoutine> routine;  // const: copied when the op moves into its node, for `apply` still asks it its name

  std::string_view name() const { return routine->name(); }
  std::uint32_t uses(std::size_t i) const { return routine->gradient(i).uses; }

  Result<T> forward(Inputs<T> in) {
    std::array<ProgramInput<T>, most_inputs> inputs;
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
    const std::size_t count = gradient.reads.size();
    std::array<Variable<T>, 4> few;
    std::vector<Variable<T>> many(count > few.size() ? count : 0);
    const std::span<Variable<T>> inputs = (many.empty() ? std::span<Variable<T>>(few) : std::span<Variable<T>>(many)).first(count);
    for (std::size_t k = 0; k < count; ++k) {
      const std::uint8_t read = gradient.reads[k];
      inputs[k] = read == 0 ? g : read > routine->program().inputs ? c.output() : c.input(read - 1U);
    }
    return sum_to(apply<T>(FormulaOp{gradient.routine}, inputs, c.where()), c.input_shape(i));
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

// Cuts programs in two: what is computed once, and what is computed for every element.
#include "program.hpp"

namespace xgrad {
Halves split_scalars(const Program& program, std::size_t first) {
  const std::size_t count = program.code.size();
  std::vector<bool> scalar(count), needed(count);
  for (std::size_t k = 0; k < count; ++k) {
    const Instr& instr = program.code[k];
    scalar[k] = instr.op == Primitive::input ? index(instr.a) >= first : true;
    for_operands(instr, [&](std::size_t operand) { scalar[k] = scalar[k] && scalar[operand]; });
  }
  needed[index(program.result)] = true;
  for (int k : program.more) needed[index(k)] = true;
  for (std::size_t k = count; k-- > 0;)
    if (needed[k]) for_operands(program.code[k], [&](std::size_t operand) { needed[operand] = true; });

  // What the elements read of the scalars.
  std::vector<bool> read(count);
  const auto reads = [&](std::size_t k) { read[k] = scalar[k] && program.code[k].op != Primitive::constant; };
  for (std::size_t k = 0; k < count; ++k)
    if (needed[k] && !scalar[k]) for_operands(program.code[k], reads);
  reads(index(program.result));

  std::size_t scalars = 0, handed = 0;
  for (std::size_t k = 0; k < count; ++k) {
    if (program.code[k].op == Primitive::input && scalar[k]) ++scalars;
    if (read[k]) ++handed;
  }
  Halves halves{Program(scalars), handed, Program(first + handed)};
  std::vector<int> in_scalars(count, -1), in_elements(count, -1);
  const auto copy = [](const Instr& instr, Program& to, const std::vector<int>& moved) {
    Instr copied = instr;
    for (int* k : {&copied.a, &copied.b, &copied.c})
      if (*k >= 0) *k = moved[index(*k)];
    return to.push(copied);
  };
  std::size_t next = first;
  for (std::size_t k = 0; k < count; ++k) {
    const Instr& instr = program.code[k];
    if (!needed[k]) continue;
    if (instr.op == Primitive::input)
      (scalar[k] ? in_scalars : in_elements)[k] = scalar[k] ? instr.a - static_cast<int>(first) : instr.a;
    else if (scalar[k])
      in_scalars[k] = copy(instr, halves.scalars, in_scalars);
    else
      in_elements[k] = copy(instr, halves.elements, in_elements);
    if (!scalar[k]) continue;
    if (instr.op == Primitive::constant) {
      in_elements[k] = halves.elements.push(instr);
    } else if (read[k]) {
      halves.scalars.more.push_back(in_scalars[k]);
      in_elements[k] = static_cast<int>(next++);
    }
  }
  halves.elements.result = in_elements[index(program.result)];
  for (int k : program.more) {
    if (scalar[index(k)])
      halves.scalars.more.push_back(in_scalars[index(k)]);
    else
      halves.elements.more.push_back(in_elements[index(k)]);
  }
  return halves;
}

void run_scalars(const Program& program, std::span<const double> inputs, std::span<double> results) {
  std::vector<double> values;
  values.reserve(program.code.size());
  const auto value = [&](int k) { return k < 0 ? 0.0 : values[index(k)]; };
  for (const Instr& instr : program.code)
    values.push_back(instr.op == Primitive::input      ? inputs[index(instr.a)]
                     : instr.op == Primitive::constant ? instr.constant
                                                       : evaluate(instr.op, value(instr.a), value(instr.b), value(instr.c)));
  for (std::size_t r = 0; r < program.more.size(); ++r) results[r] = values[index(program.more[r])];
}

}  // namespace xgrad

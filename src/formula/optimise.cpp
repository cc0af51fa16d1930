// Makes a recorded program ready to run.
#include <algorithm>
#include <optional>

#include "../kernels/table.hpp"
#include "program.hpp"

namespace xgrad {
namespace {

/// How often each value is used by code that matters to the result; 0 for dead code.
std::vector<int> count_uses(const Program& program) {
  std::vector<int> uses(program.code.size(), 0);
  uses[index(program.result)] = 1;
  for (int k : program.more) ++uses[index(k)];
  for (std::size_t k = program.code.size(); k-- > 0;)
    if (uses[k] > 0) for_operands(program.code[k], [&](std::size_t operand) { ++uses[operand]; });
  return uses;
}

/// A sum or difference with a product that nobody else uses, as one instruction of `program`.
std::optional<Instr> contract(const Program& program, const std::vector<int>& uses, const Instr& instr) {
  using P = Primitive;
  const auto at = [&](int k) -> const Instr& { return program.code[index(k)]; };
  const auto is_product = [&](int k) { return at(k).op == P::mul || at(k).op == P::square; };
  const auto fused = [&](P op, int product, int other) {
    const Instr& m = at(product);
    return Instr{.op = op, .a = m.a, .b = m.op == P::square ? m.a : m.b, .c = other};
  };
  const auto usable = [&](int k) { return is_product(k) && uses[index(k)] == 1; };
  if (instr.op == P::add) {
    // Of two products the one of what is at hand joins the sum, and the other may hand its value on.
    const auto leaf = [&](int k) { return at(k).op == P::input || at(k).op == P::constant; };
    const auto shallow = [&](int k) { return leaf(at(k).a) && (at(k).b < 0 || leaf(at(k).b)); };
    if (usable(instr.a) && usable(instr.b) && shallow(instr.a) && !shallow(instr.b)) return fused(P::fma, instr.a, instr.b);
    if (usable(instr.b)) return fused(P::fma, instr.b, instr.a);
    if (usable(instr.a)) return fused(P::fma, instr.a, instr.b);
  }
  // a * b - c * d stays: rounding one product alone would make a * b - a * b nonzero.
  if (instr.op == P::sub && !(is_product(instr.a) && is_product(instr.b))) {
    if (usable(instr.a)) return fused(P::fms, instr.a, instr.b);
    if (usable(instr.b)) return fused(P::fnma, instr.b, instr.a);
  }
  return std::nullopt;
}

/// Makes of several results as many steps: what is an input, a constant or a result before is copied.
Program with_own_results(const Program& program) {
  Program result = program;
  std::vector<bool> taken(program.code.size(), false);
  const auto own = [&](int& k) {
    const Primitive op = program.code[index(k)].op;
    if (op == Primitive::input || op == Primitive::constant || taken[index(k)]) {
      result.code.push_back({.op = Primitive::maximum, .a = k, .b = k});
      k = static_cast<int>(result.code.size()) - 1;
    } else {
      taken[index(k)] = true;
    }
  };
  own(result.result);
  for (int& k : result.more) own(k);
  return result;
}

/// Drops what the results do not need.
Program without_dead_code(const Program& program) {
  const std::vector<int> uses = count_uses(program);
  std::vector<int> moved(program.code.size(), -1);
  const auto move = [&](int& k) {
    if (k >= 0) k = moved[index(k)];
  };
  Program result;
  result.inputs = program.inputs;
  for (std::size_t k = 0; k < program.code.size(); ++k) {
    if (uses[k] == 0) continue;
    Instr instr = program.code[k];
    if (instr.op != Primitive::input) {
      move(instr.a);
      move(instr.b);
      move(instr.c);
    }
    moved[k] = static_cast<int>(result.code.size());
    result.code.push_back(instr);
  }
  result.result = moved[index(program.result)];
  for (int k : program.more) result.more.push_back(moved[index(k)]);
  return result;
}

/// Marks what no step but the next uses, where one kernel can do both.
void chain(Program& program) {
  std::vector<int> uses = count_uses(program);
  for (int k : program.more) --uses[index(k)];
  if (!program.more.empty()) --uses[index(program.result)];
  Instr* last = nullptr;
  std::size_t at = 0;
  for (std::size_t k = 0; k < program.code.size(); ++k) {
    Instr& instr = program.code[k];
    instr.chained = false;
    if (instr.op == Primitive::input || instr.op == Primitive::constant) continue;
    if (last && uses[at] == 1 && kernels::can_chain(last->op) && kernels::can_chain(instr.op))
      for_operands(instr, [&](std::size_t operand) { last->chained |= operand == at; });
    last = &instr;
    at = k;
  }
}

/// Gives every value a slot for as long as it is needed. Inputs, constants, results and what is chained need none.
void assign_slots(Program& program) {
  std::vector<bool> is_result(program.code.size(), false);
  is_result[index(program.result)] = true;
  for (int k : program.more) is_result[index(k)] = true;
  std::vector<std::size_t> last_use(program.code.size(), 0);
  for (std::size_t k = 0; k < program.code.size(); ++k)
    for_operands(program.code[k], [&](std::size_t operand) { last_use[operand] = k; });
  std::vector<int> free;
  program.slots = 0;
  for (std::size_t k = 0; k < program.code.size(); ++k) {
    Instr& instr = program.code[k];
    instr.slot = -1;
    if (instr.op == Primitive::input || instr.op == Primitive::constant) continue;
    for_operands(instr, [&](std::size_t operand) {  // first: kernels may write over their operands
      const int slot = program.code[operand].slot;
      if (slot >= 0 && last_use[operand] == k && std::find(free.begin(), free.end(), slot) == free.end()) free.push_back(slot);
    });
    if (instr.chained || is_result[k]) continue;
    if (free.empty()) free.push_back(program.slots++);
    instr.slot = free.back();
    free.pop_back();
  }
}

}  // namespace

Program optimise(const Program& traced) {
  const Program program = traced.more.empty() ? traced : with_own_results(traced);
  const std::vector<int> uses = count_uses(program);
  Program fused = program;
  for (std::size_t k = 0; k < fused.code.size(); ++k)
    if (uses[k] > 0)
      if (auto instr = contract(program, uses, program.code[k])) fused.code[k] = *instr;
  Program result = without_dead_code(fused);
  chain(result);
  assign_slots(result);
  return result;
}

Derivative compact(const Program& program) {
  Derivative result{optimise(program), {}};
  for (Instr& instr : result.program.code) {
    if (instr.op != Primitive::input) continue;
    result.reads.push_back(static_cast<std::uint8_t>(instr.a));
    instr.a = static_cast<int>(result.reads.size()) - 1;
  }
  result.program.inputs = result.reads.size();
  return result;
}

}  // namespace xgrad

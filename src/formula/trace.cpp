// Records formulas: each new instruction is simplified, or found among the earlier ones.
#include <fmt/format.h>
#include <bit>
#include <cmath>
#include <iterator>
#include <optional>
#include <utility>

#include "../kernels/table.hpp"
#include "program.hpp"

namespace xgrad {
namespace {

bool commutes(Primitive op) {
  using P = Primitive;
  return op == P::add || op == P::mul || op == P::maximum || op == P::minimum || op == P::equal || op == P::not_equal ||
         op == P::logical_and || op == P::logical_or;
}

/// Whether 1 / x is exact, in float too: x is a power of two that leaves the result normal.
bool has_exact_reciprocal(double x) {
  int exponent = 0;
  return std::abs(std::frexp(x, &exponent)) == 0.5 && std::abs(exponent) < 120;
}

/// Looks at the operands of an instruction that is about to be added.
class Simplifier {
 public:
  Simplifier(Program& program, const Instr& instr) : program_(program), i_(instr) {}

  /// Index of a simpler instruction with the same value, if there is one.
  std::optional<int> simplify() {
    using P = Primitive;
    if (auto value = folded()) return program_.constant(*value);
    switch (i_.op) {
      case P::neg:
        if (is(i_.a, P::neg)) return at(i_.a).a;
        break;
      case P::add:
        if (is(i_.a, 0)) return i_.b;
        if (is(i_.b, 0)) return i_.a;
        if (is(i_.b, P::neg)) return push(P::sub, i_.a, at(i_.b).a);
        if (is(i_.a, P::neg)) return push(P::sub, i_.b, at(i_.a).a);
        break;
      case P::sub:
        if (is(i_.b, 0)) return i_.a;
        if (is(i_.a, 0)) return push(P::neg, i_.b);
        if (is(i_.b, P::neg)) return push(P::add, i_.a, at(i_.b).a);
        break;
      case P::mul:
        if (is(i_.a, 1)) return i_.b;
        if (is(i_.b, 1)) return i_.a;
        if (is(i_.a, -1)) return push(P::neg, i_.b);
        if (is(i_.b, -1)) return push(P::neg, i_.a);
        if (i_.a == i_.b) return push(P::square, i_.a);
        break;
      case P::div:
        if (is(i_.b, 1)) return i_.a;
        if (is(i_.b, P::constant) && has_exact_reciprocal(at(i_.b).constant))
          return push(P::mul, i_.a, program_.constant(1 / at(i_.b).constant));
        if (is(i_.a, 1)) return push(P::reciprocal, i_.b);
        break;
      case P::logical_and:
        if (is(i_.a, P::constant)) return at(i_.a).constant != 0 ? i_.b : i_.a;
        if (is(i_.b, P::constant)) return at(i_.b).constant != 0 ? i_.a : i_.b;
        break;
      case P::logical_not:
        if (is(i_.a, P::logical_not)) return at(i_.a).a;
        break;
      case P::where:
        if (is(i_.a, P::constant)) return at(i_.a).constant != 0 ? i_.b : i_.c;
        if (i_.b == i_.c) return i_.b;
        break;
      default:
        break;
    }
    return std::nullopt;
  }

 private:
  const Instr& at(int k) const { return program_.code[static_cast<std::size_t>(k)]; }
  bool is(int k, Primitive op) const { return at(k).op == op; }
  bool is(int k, double value) const { return is(k, Primitive::constant) && at(k).constant == value; }
  int push(Primitive op, int a, int b = -1) { return program_.push({.op = op, .a = a, .b = b}); }

  std::optional<double> folded() const {
    double values[3] = {};
    for (int n = 0; int k : {i_.a, i_.b, i_.c}) {
      if (k >= 0 && !is(k, Primitive::constant)) return std::nullopt;
      if (k >= 0) values[n++] = at(k).constant;
    }
    return evaluate(i_.op, values[0], values[1], values[2]);
  }

  Program& program_;
  Instr i_;
};

}  // namespace

double evaluate(Primitive op, double a, double b, double c) {
  struct alignas(64) Padded {
    double value[8];
  };
  const Padded pa{{a}}, pb{{b}}, pc{{c}};
  Padded result;
  kernels::table<double>().formula[static_cast<std::size_t>(op)][0](result.value, pa.value, pb.value, pc.value, 1);
  return result.value[0];
}

Program::Program(std::size_t n) : inputs(n) {
  code.reserve(n + 8);
  for (std::size_t k = 0; k < n; ++k) code.push_back({.op = Primitive::input, .a = static_cast<int>(k)});
}

int Program::push(Instr instr) {
  const bool leaf = instr.op == Primitive::input || instr.op == Primitive::constant;
  if (commutes(instr.op) && instr.a > instr.b) std::swap(instr.a, instr.b);
  if (!leaf)
    if (auto simpler = Simplifier(*this, instr).simplify()) return *simpler;
  const auto bits = [](double x) { return std::bit_cast<std::uint64_t>(x); };  // NaN equals itself, 0 differs from -0
  for (std::size_t k = 0; k < code.size(); ++k) {
    const Instr& other = code[k];
    if (other.op == instr.op && other.a == instr.a && other.b == instr.b && other.c == instr.c &&
        bits(other.constant) == bits(instr.constant))
      return static_cast<int>(k);
  }
  code.push_back(instr);
  return static_cast<int>(code.size()) - 1;
}

Sym pow(Sym x, int exponent) {
  if (exponent < 0) return reciprocal(pow(x, -exponent));
  Program* program = x.program();
  Sym result(program, program->constant(1));
  for (Sym power = x; exponent != 0; exponent /= 2) {
    if (exponent % 2 != 0) result *= power;
    if (exponent > 1) power = square(power);
  }
  return result;
}

bool is_input(const Program& program, std::size_t k) {
  const Instr& result = program.code[static_cast<std::size_t>(program.result)];
  return result.op == Primitive::input && static_cast<std::size_t>(result.a) == k;
}

std::string to_string(const Program& program) {
  std::string text;
  const auto out = std::back_inserter(text);
  for (std::size_t k = 0; k < program.code.size(); ++k) {
    const Instr& instr = program.code[k];
    fmt::format_to(out, "v{} = {}", k, name(instr.op));
    if (instr.op == Primitive::input) {
      fmt::format_to(out, " {}", instr.a);
    } else if (instr.op == Primitive::constant) {
      fmt::format_to(out, " {}", instr.constant);
    } else {
      for (int operand : {instr.a, instr.b, instr.c})
        if (operand >= 0) fmt::format_to(out, " v{}", operand);
    }
    text += "; ";
  }
  fmt::format_to(out, "v{}", program.result);
  for (int k : program.more) fmt::format_to(out, ", v{}", k);
  return text;
}

}  // namespace xgrad

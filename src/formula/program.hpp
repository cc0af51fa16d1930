#pragma once
/// What the library does with a recorded formula: simplify it, differentiate it, run it. Visible outside for the tests only.
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <xgrad/core/array.hpp>
#include <xgrad/formula/formula.hpp>

namespace xgrad {
using detail::Instr;

constexpr std::string_view name(Primitive op) {
  constexpr std::array<std::string_view, primitive_count> names{
      "input", "constant", "neg",    "abs",   "sign",     "square",    "sqrt", "rsqrt",      "reciprocal", "exp",       "expm1",
      "log",   "log1p",    "sin",    "cos",   "tanh",     "sigmoid",   "relu", "softplus",   "floor",      "ceil",      "round",
      "log2",  "log10",    "tan",    "asin",  "acos",     "atan",      "sinh", "cosh",       "asinh",      "acosh",     "atanh",
      "erf",   "ndtr",     "lgamma", "flush", "not",      "add",       "sub",  "mul",        "div",        "maximum",   "minimum",
      "pow",   "atan2",    "hypot",  "fmod",  "gaussian", "polygamma", "less", "less_equal", "equal",      "not_equal", "and",
      "or",    "where",    "clamp",  "fma",   "fms",      "fnma"};
  static_assert(!names.back().empty(), "every primitive has a name");
  return names[static_cast<std::size_t>(op)];
}

/// "v0 = input 0; v1 = constant 2; v2 = mul v0 v1; v2", and with several results "…; v2, v1"
XGRAD_API std::string to_string(const Program& program);

/// Whether the program just hands on its k-th input.
XGRAD_API bool is_input(const Program& program, std::size_t k);

/// The program ready to run: no dead code, products and sums contracted to fma, chains marked, slots given to
/// the values.
XGRAD_API Program optimise(const Program& program);

/// A gradient's program and what it reads.
struct Derivative {
  Program program;
  /// What the program's k-th input stands for: 0 is the gradient g of the result, 1 + i is input i of the formula, n + 1 is the
  /// result y of the formula.
  std::vector<std::uint8_t> reads;
};

/// The gradient with respect to one input, as a program. `program` need not be optimised.
XGRAD_API Derivative differentiate(const Program& program, std::size_t wrt);

/// Optimises a program with inputs (g, x0 …, y) and drops the inputs it does not read.
XGRAD_API Derivative compact(const Program& program);

/// An input array of run(). Its shape broadcasts to the result's.
template <class T>
struct ProgramInput {
  const T* data;
  const Shape* shape;
};

/// Computes the program for every element of `shape`. `out` may be the buffer of an input of that same shape. All buffers come from
/// the pool: they are aligned to 64 bytes, and the rest of their last 64 bytes may be read and, for `out`, written.
template <class T>
XGRAD_API void run(const Program& program, T* out, const Shape& shape, std::span<const ProgramInput<T>> inputs);

/// The same for a program with several results, in one pass: the first goes to outs[0], then those of `more`. Each of `outs` may be
/// the buffer of any input of full shape, which is read before it is written. With fewer than `few` elements the calling thread
/// does it all.
template <class T>
XGRAD_API void run(const Program& program, std::span<T* const> outs, const Shape& shape, std::span<const ProgramInput<T>> inputs,
                   std::size_t alone);

extern template XGRAD_API void run(const Program&, float*, const Shape&, std::span<const ProgramInput<float>>);
extern template XGRAD_API void run(const Program&, double*, const Shape&, std::span<const ProgramInput<double>>);
extern template XGRAD_API void run(const Program&, std::span<float* const>, const Shape&, std::span<const ProgramInput<float>>,
                                   std::size_t);
extern template XGRAD_API void run(const Program&, std::span<double* const>, const Shape&, std::span<const ProgramInput<double>>,
                                   std::size_t);

/// The value of an instruction for these operands, in the library's own arithmetic.
XGRAD_API double evaluate(Primitive op, double a, double b, double c);

/// A program of which some inputs are one number for all elements, cut in two.
struct Halves {
  Program scalars;         ///< of those inputs; its results are all in `more`: first what the elements read of them …
  std::size_t handed = 0;  ///< … so many, then the results, but for the first, that are scalars
  Program elements;  ///< of the other inputs and of what is handed on; its results are the first and those that are no scalars
};

/// Cuts a program whose inputs from number `first` on are scalars. What depends on them alone is computed once instead of in every
/// run, and in double precision. Neither half is optimised.
XGRAD_API Halves split_scalars(const Program& program, std::size_t first);

/// The results of a program of scalars for these inputs.
XGRAD_API void run_scalars(const Program& program, std::span<const double> inputs, std::span<double> results);

/// Evaluates a program line by line on values of any type: `apply(instr, operands)` gives the value of each instruction that is not
/// an input, constants included.
template <class V, class Apply>
V replay(const Program& program, std::span<const V> inputs, const Apply& apply) {
  std::vector<V> values;
  values.reserve(program.code.size());
  for (const Instr& instr : program.code) {
    if (instr.op == Primitive::input) {
      values.push_back(inputs[static_cast<std::size_t>(instr.a)]);
      continue;
    }
    std::vector<V> operands;
    for (int k : {instr.a, instr.b, instr.c})
      if (k >= 0) operands.push_back(values[static_cast<std::size_t>(k)]);
    values.push_back(apply(instr, std::span<const V>(operands)));
  }
  return values[static_cast<std::size_t>(program.result)];
}

inline std::size_t index(int k) { return static_cast<std::size_t>(k); }

/// Calls f with the number of each operand of an instruction.
template <class F>
void for_operands(const Instr& instr, const F& f) {
  if (instr.op == Primitive::input) return;
  for (int k : {instr.a, instr.b, instr.c})
    if (k >= 0) f(index(k));
}

}  // namespace xgrad

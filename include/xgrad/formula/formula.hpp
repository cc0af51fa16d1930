#pragma once
/// Elementwise formulas. A formula is an ordinary lambda, `[](auto x) { return x / (1 + abs(x)); }`. It is called once, with
/// symbols, and what it computes is recorded as a small program; the library runs that with kernels of its own.
#include <concepts>
#include <cstddef>
#include <type_traits>
#include <utility>
#include <vector>

#include <xgrad/core/api.hpp>
#include <xgrad/core/primitive.hpp>

namespace xgrad {

namespace detail {
/// One line of a program. Operands are indices of earlier lines; -1 where the primitive takes fewer.
struct Instr {
  Primitive op = Primitive::constant;
  int a = -1, b = -1, c = -1;  ///< for an input, `a` is its number
  int slot = -1;               ///< where run() keeps the value; given by optimise()
  bool chained = false;        ///< run() hands the value on to the next step in a register; set by optimise()
  double constant = 0;
};
}  // namespace detail

/// A formula as a list of instructions, each value computed once (SSA). A value type.
struct Program {
  Program() = default;
  /// The first `n` instructions are the inputs in order.
  XGRAD_API explicit Program(std::size_t n);

  /// Index of an instruction that computes this: an earlier one if there is one, the simplest one where the result is the same
  /// (x * 1 is x, constants are computed). Simplifications are exact but for the sign of zero.
  XGRAD_API int push(detail::Instr instr);
  int constant(double value) { return push({.op = Primitive::constant, .constant = value}); }

  std::vector<detail::Instr> code;
  std::size_t inputs = 0;
  int result = -1;        ///< index of the instruction that is the value of the formula
  std::vector<int> more;  ///< those of its further values, if it has several
  int slots = -1;         ///< values alive at once beside inputs and result; -1 before optimise()
};

/// A number inside a formula: an input or something computed from inputs. It has no value yet. Symbols live as long as the call
/// of the lambda that got them.
class Sym {
 public:
  Sym(Program* program, int id) : program_(program), id_(id) {}
  Program* program() const { return program_; }
  int id() const { return id_; }

 private:
  Program* program_;
  int id_;
};

/// A condition inside a formula. It has no value yet, so `if` and `?:` cannot look at it: use where(condition, a, b).
class SymBool {
 public:
  explicit SymBool(Sym mask) : mask_(mask) {}
  Sym mask() const { return mask_; }

  template <class T>
  requires std::same_as<T, bool>
  explicit operator T() const {
    static_assert(!std::same_as<T, bool>,
                  "a condition in a formula has no value while the formula is recorded: instead of `if` or `?:`, "
                  "use where(condition, a, b)");
    return false;
  }

 private:
  Sym mask_;  // 1 or 0
};

namespace detail {

template <class A>
concept SymOrNumber = std::same_as<A, Sym> ||(std::is_arithmetic_v<A> && !std::same_as<A, bool>);
/// Operands of a formula's operation: symbols and numbers, at least one of them a symbol.
template <class... A>
concept SymOperands = (SymOrNumber<A> && ...) && (std::same_as<A, Sym> || ...);

inline Program* program_of() { return nullptr; }
template <class A, class... Rest>
Program* program_of(const A& first, const Rest&... rest) {
  if constexpr (std::same_as<A, Sym>)
    return first.program();
  else
    return program_of(rest...);
}

template <class A>
int id_of(Program* program, const A& operand) {
  if constexpr (std::same_as<A, Sym>)
    return operand.id();
  else
    return program->constant(static_cast<double>(operand));
}

template <class A>
Sym record(Primitive op, A a) {
  Program* p = program_of(a);
  return {p, p->push({op, id_of(p, a)})};
}
template <class A, class B>
Sym record(Primitive op, A a, B b) {
  Program* p = program_of(a, b);
  const int ia = id_of(p, a), ib = id_of(p, b);
  return {p, p->push({op, ia, ib})};
}
template <class A, class B, class C>
Sym record(Primitive op, A a, B b, C c) {
  Program* p = program_of(a, b, c);
  const int ia = id_of(p, a), ib = id_of(p, b), ic = id_of(p, c);
  return {p, p->push({op, ia, ib, ic})};
}

}  // namespace detail

// clang-format off
inline Sym operator+(Sym x) { return x; }
inline Sym operator-(Sym x) { return detail::record(Primitive::neg, x); }
inline Sym abs(Sym x) { return detail::record(Primitive::abs, x); }
inline Sym sign(Sym x) { return detail::record(Primitive::sign, x); }
inline Sym square(Sym x) { return detail::record(Primitive::square, x); }
inline Sym sqrt(Sym x) { return detail::record(Primitive::sqrt, x); }
inline Sym rsqrt(Sym x) { return detail::record(Primitive::rsqrt, x); }
inline Sym reciprocal(Sym x) { return detail::record(Primitive::reciprocal, x); }
inline Sym exp(Sym x) { return detail::record(Primitive::exp, x); }
inline Sym expm1(Sym x) { return detail::record(Primitive::expm1, x); }
inline Sym log(Sym x) { return detail::record(Primitive::log, x); }
inline Sym log1p(Sym x) { return detail::record(Primitive::log1p, x); }
inline Sym sin(Sym x) { return detail::record(Primitive::sin, x); }
inline Sym cos(Sym x) { return detail::record(Primitive::cos, x); }
inline Sym tanh(Sym x) { return detail::record(Primitive::tanh, x); }
inline Sym sigmoid(Sym x) { return detail::record(Primitive::sigmoid, x); }
inline Sym relu(Sym x) { return detail::record(Primitive::relu, x); }
/// log(1 + exp(x)), without overflow.
inline Sym softplus(Sym x) { return detail::record(Primitive::softplus, x); }
inline Sym floor(Sym x) { return detail::record(Primitive::floor, x); }
inline Sym ceil(Sym x) { return detail::record(Primitive::ceil, x); }
/// To the nearest whole number, halves to the even one.
inline Sym round(Sym x) { return detail::record(Primitive::round, x); }
inline Sym log2(Sym x) { return detail::record(Primitive::log2, x); }
inline Sym log10(Sym x) { return detail::record(Primitive::log10, x); }
inline Sym tan(Sym x) { return detail::record(Primitive::tan, x); }
inline Sym asin(Sym x) { return detail::record(Primitive::asin, x); }
inline Sym acos(Sym x) { return detail::record(Primitive::acos, x); }
inline Sym atan(Sym x) { return detail::record(Primitive::atan, x); }
inline Sym sinh(Sym x) { return detail::record(Primitive::sinh, x); }
inline Sym cosh(Sym x) { return detail::record(Primitive::cosh, x); }
inline Sym asinh(Sym x) { return detail::record(Primitive::asinh, x); }
inline Sym acosh(Sym x) { return detail::record(Primitive::acosh, x); }
inline Sym atanh(Sym x) { return detail::record(Primitive::atanh, x); }
inline Sym erf(Sym x) { return detail::record(Primitive::erf, x); }
/// Φ, the standard normal distribution, whose left tail keeps its digits (SciPy's name).
inline Sym ndtr(Sym x) { return detail::record(Primitive::ndtr, x); }
/// exp(-x²), right to its last digits: of a square that was rounded exp has lost some. With `half` exp(-x²/2).
inline Sym gaussian(Sym x, bool half = false) { return detail::record(Primitive::gaussian, half ? 0.5 : 1, x); }
/// log |gamma(x)|
inline Sym lgamma(Sym x) { return detail::record(Primitive::lgamma, x); }
/// x, but 0 where it is so near to 0 that it would be stored as a denormal number, whose arithmetic takes a hundred times as long.
inline Sym flush(Sym x) { return detail::record(Primitive::flush, x); }
/// Derivative number `order` of digamma.
inline Sym polygamma(int order, Sym x) { return detail::record(Primitive::polygamma, order, x); }
inline Sym digamma(Sym x) { return polygamma(0, x); }

template <class A, class B> requires detail::SymOperands<A, B>
Sym operator+(A a, B b) { return detail::record(Primitive::add, a, b); }
template <class A, class B> requires detail::SymOperands<A, B>
Sym operator-(A a, B b) { return detail::record(Primitive::sub, a, b); }
template <class A, class B> requires detail::SymOperands<A, B>
Sym operator*(A a, B b) { return detail::record(Primitive::mul, a, b); }
template <class A, class B> requires detail::SymOperands<A, B>
Sym operator/(A a, B b) { return detail::record(Primitive::div, a, b); }
template <detail::SymOrNumber B> Sym& operator+=(Sym& a, B b) { return a = a + b; }
template <detail::SymOrNumber B> Sym& operator-=(Sym& a, B b) { return a = a - b; }
template <detail::SymOrNumber B> Sym& operator*=(Sym& a, B b) { return a = a * b; }
template <detail::SymOrNumber B> Sym& operator/=(Sym& a, B b) { return a = a / b; }
/// NaN if either is NaN. Where they are equal the gradient is split evenly.
template <class A, class B> requires detail::SymOperands<A, B>
Sym maximum(A a, B b) { return detail::record(Primitive::maximum, a, b); }
template <class A, class B> requires detail::SymOperands<A, B>
Sym minimum(A a, B b) { return detail::record(Primitive::minimum, a, b); }
/// a to the power b; 1 for b = 0.
template <class A, class B> requires(detail::SymOperands<A, B> && !std::same_as<B, int>)
Sym pow(A a, B b) { return detail::record(Primitive::pow, a, b); }
/// The angle of the point (x, y).
template <class A, class B> requires detail::SymOperands<A, B>
Sym atan2(A y, B x) { return detail::record(Primitive::atan2, y, x); }
/// sqrt(a² + b²) without overflow. The gradient at 0 is 0.
template <class A, class B> requires detail::SymOperands<A, B>
Sym hypot(A a, B b) { return detail::record(Primitive::hypot, a, b); }
/// a - trunc(a / b) * b, exactly: the remainder with the sign of a.
template <class A, class B> requires detail::SymOperands<A, B>
Sym fmod(A a, B b) { return detail::record(Primitive::fmod, a, b); }

template <class A, class B> requires detail::SymOperands<A, B>
SymBool operator<(A a, B b) { return SymBool(detail::record(Primitive::less, a, b)); }
template <class A, class B> requires detail::SymOperands<A, B>
SymBool operator<=(A a, B b) { return SymBool(detail::record(Primitive::less_equal, a, b)); }
template <class A, class B> requires detail::SymOperands<A, B>
SymBool operator>(A a, B b) { return b < a; }
template <class A, class B> requires detail::SymOperands<A, B>
SymBool operator>=(A a, B b) { return b <= a; }
template <class A, class B> requires detail::SymOperands<A, B>
SymBool equal(A a, B b) { return SymBool(detail::record(Primitive::equal, a, b)); }
template <class A, class B> requires detail::SymOperands<A, B>
SymBool not_equal(A a, B b) { return SymBool(detail::record(Primitive::not_equal, a, b)); }
template <detail::SymOrNumber B> SymBool operator==(Sym a, B b) { return equal(a, b); }
template <detail::SymOrNumber B> SymBool operator!=(Sym a, B b) { return not_equal(a, b); }
template <class A> requires std::is_arithmetic_v<A> SymBool operator==(A a, Sym b) { return equal(a, b); }
template <class A> requires std::is_arithmetic_v<A> SymBool operator!=(A a, Sym b) { return not_equal(a, b); }
inline SymBool operator&&(SymBool a, SymBool b) { return SymBool(detail::record(Primitive::logical_and, a.mask(), b.mask())); }
inline SymBool operator||(SymBool a, SymBool b) { return SymBool(detail::record(Primitive::logical_or, a.mask(), b.mask())); }
inline SymBool operator!(SymBool a) { return SymBool(detail::record(Primitive::logical_not, a.mask())); }
// clang-format on

/// `a` where the condition holds, else `b`. What is not chosen, NaN included, reaches neither the value nor a gradient.
template <detail::SymOrNumber A, detail::SymOrNumber B>
Sym where(SymBool condition, A a, B b) {
  return detail::record(Primitive::where, condition.mask(), a, b);
}
/// minimum(maximum(x, low), high), with the whole gradient going to x at the bounds.
template <class X, class L, class H>
requires detail::SymOperands<X, L, H> Sym clamp(X x, L low, H high) { return detail::record(Primitive::clamp, x, low, high); }

/// x to a whole power, by repeated multiplication; pow(x, 0) is 1.
XGRAD_API Sym pow(Sym x, int exponent);

/// Calls a formula with the N inputs of a program that has nothing but those yet.
template <std::size_t N, class F>
void trace_into(Program& program, const F& formula) {
  const auto call = [&]<std::size_t... I>(std::index_sequence<I...>) {
    return formula((static_cast<void>(I), Sym(&program, static_cast<int>(I)))...);
  };
  using Result = decltype(call(std::make_index_sequence<N>()));
  static_assert(detail::SymOrNumber<Result>, "a formula returns a symbol or a number");
  program.result = detail::id_of(&program, call(std::make_index_sequence<N>()));
}

/// The program of a formula with N inputs.
template <std::size_t N, class F>
Program trace(const F& formula) {
  Program program(N);
  trace_into<N>(program, formula);
  return program;
}

}  // namespace xgrad

#pragma once
#include <cstddef>
#include <cstdint>

namespace xgrad {

/// The operations that formulas are made of. To add one: an entry here, its name (src/formula/program.hpp), its symbol function
/// (formula.hpp), kernel (src/kernels/level/primitives.cpp or special.cpp) and its derivative (src/formula/differentiate.cpp), each
/// a line.
enum class Primitive : std::uint8_t {
  input,
  constant,
  // one operand
  neg,
  abs,
  sign,
  square,
  sqrt,
  rsqrt,
  reciprocal,
  exp,
  expm1,
  log,
  log1p,
  sin,
  cos,
  tanh,
  sigmoid,
  relu,
  softplus,  ///< log(1 + exp(x))
  floor,
  ceil,
  round,  ///< halves to even
  log2,
  log10,
  tan,
  asin,
  acos,
  atan,
  sinh,
  cosh,
  asinh,
  acosh,
  atanh,
  erf,
  ndtr,  ///< the standard normal distribution Φ
  lgamma,
  flush,  ///< 0 for a denormal number
  logical_not,
  // two operands
  add,
  sub,
  mul,
  div,
  maximum,
  minimum,
  pow,
  atan2,
  hypot,
  fmod,
  gaussian,   ///< exp(-a b²); a is 1 or 1/2
  polygamma,  ///< derivative number a of digamma at b; a is a whole number from 0 on
  less,
  less_equal,
  equal,
  not_equal,
  logical_and,
  logical_or,
  // three operands
  where,
  clamp,
  fma,   ///< a * b + c, found by optimise
  fms,   ///< a * b - c
  fnma,  ///< c - a * b
  count
};

inline constexpr std::size_t primitive_count = static_cast<std::size_t>(Primitive::count);

}  // namespace xgrad

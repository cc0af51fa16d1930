// The derivatives of all elementwise operations.
#include <limits>
#include <numbers>
#include <optional>

#include "program.hpp"

namespace xgrad {
namespace {

/// The change of a value when the chosen input changes by g; nothing where the value does not depend on that input.
using Tangent = std::optional<Sym>;

/// Symbols of an instruction's operands and result, and the tangents of the operands.
struct Line {
  Sym a, b, c, y;
  Tangent ta, tb, tc;
  bool computed;  ///< y is no array that is kept but computed once more, so that reading the operand instead costs nothing
};

Sym or_zero(const Tangent& t, Program* program) { return t ? *t : Sym(program, program->constant(0)); }

Tangent operator+(const Tangent& a, const Tangent& b) { return a && b ? *a + *b : a ? a : b; }
Tangent operator-(const Tangent& a, const Tangent& b) { return a && b ? *a - *b : a ? a : b ? Tangent(-*b) : b; }
Tangent operator*(const Tangent& t, Sym factor) { return t ? *t * factor : t; }
Tangent operator/(const Tangent& t, Sym divisor) { return t ? *t / divisor : t; }
Tangent choose(SymBool condition, const Tangent& a, const Tangent& b, Program* program) {
  return where(condition, or_zero(a, program), or_zero(b, program));
}

/// d pow(a, b) / da. At a = 0 the product would be 0 * inf for b = 0.
Sym power_slope(Sym a, Sym b) {
  const Sym p = pow(a, b - 1);
  return where(b == 0 && abs(p) == std::numeric_limits<double>::infinity(), 0, b * p);
}
/// d pow(a, b) / db. At a = 0 the product would be 0 * -inf.
Sym power_growth(Sym a, Sym b, Sym y) { return where(a == 0 && b >= 0, 0, y * log(a)); }

/// 1 - a²: near ±1 the product keeps more digits, near 0 the difference does, in its derivative.
Sym one_less_square(Sym a) { return where(abs(a) < 0.5, 1 - square(a), (1 - a) * (1 + a)); }

/// The logistic function at -a, where y is that at a: 1 - y has no digits left where y is near 1.
Sym rest_of_sigmoid(Sym a, Sym y, bool computed) { return computed ? sigmoid(-a) : 1 - y; }

/// A line per primitive. Of y + 1 no digits would be left for expm1, and squares of large numbers would overflow for asinh and
/// atan2.
Tangent tangent(Primitive op, const Line& line, Program* program) {
  using P = Primitive;
  const auto& [a, b, c, y, ta, tb, tc, computed] = line;
  switch (op) {
    // clang-format off
    case P::neg: return -*ta;
    case P::abs: return *ta * sign(a);
    case P::square: return 2 * (*ta * a);
    case P::sqrt: return *ta / (2 * y);
    case P::rsqrt: return -0.5 * *ta * (square(y) * y);
    case P::reciprocal: return -(*ta * square(y));
    case P::exp: return *ta * y;
    case P::expm1: return *ta * exp(a);
    case P::log: return *ta / a;
    case P::log1p: return *ta / (1 + a);
    case P::sin: return *ta * cos(a);
    case P::cos: return -(*ta * sin(a));
    case P::tanh: return *ta * (1 - square(y));
    case P::sigmoid: return *ta * (y * rest_of_sigmoid(a, y, computed));
    case P::relu: return where(y <= 0, 0, *ta);
    case P::softplus: return *ta * sigmoid(a);
    case P::log2: return *ta / (a * std::numbers::ln2);
    case P::log10: return *ta / (a * std::numbers::ln10);
    case P::tan: return *ta * (1 + square(y));
    case P::asin: return *ta * rsqrt(one_less_square(a));
    case P::acos: return -(*ta * rsqrt(one_less_square(a)));
    case P::atan: return *ta / (1 + square(a));
    case P::sinh: return *ta * cosh(a);
    case P::cosh: return *ta * sinh(a);
    case P::asinh: return *ta / hypot(a, 1);
    case P::acosh: return *ta * (rsqrt(a - 1) * rsqrt(a + 1));
    case P::atanh: return *ta / one_less_square(a);
    case P::erf: return *ta * (2 * std::numbers::inv_sqrtpi * gaussian(a));
    case P::ndtr: return *ta * (0.5 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi * gaussian(a, true));
    case P::lgamma: return *ta * digamma(a);
    case P::flush: return ta;
    case P::add: return ta + tb;
    case P::sub: return ta - tb;
    case P::mul: return ta * b + tb * a;
    case P::div: return (ta - tb * y) / b;
    case P::maximum: return choose(a == b, Tangent((or_zero(ta, program) + or_zero(tb, program)) * 0.5), choose(a > b, ta, tb, program), program);
    case P::minimum: return choose(a == b, Tangent((or_zero(ta, program) + or_zero(tb, program)) * 0.5), choose(a < b, ta, tb, program), program);
    case P::pow: return ta * power_slope(a, b) + tb * power_growth(a, b, y);
    case P::atan2: return ta * (b / hypot(a, b) / hypot(a, b)) - tb * (a / hypot(a, b) / hypot(a, b));
    case P::hypot: return ta * where(y == 0, 0, a / y) + tb * where(y == 0, 0, b / y);
    case P::fmod: return ta - tb * round((a - y) / b);
    case P::gaussian: return tb * (-2 * a * (b * y));
    case P::polygamma: return tb * detail::record(P::polygamma, a + 1, b);
    case P::where: return choose(SymBool(a), tb, tc, program);
    case P::clamp: return choose(a > c || b > c, tc, choose(a < b, tb, ta, program), program);
    case P::fma: return ta * b + tb * a + tc;
    case P::fms: return ta * b + tb * a - tc;
    case P::fnma: return tc - (ta * b + tb * a);
    // clang-format on
    case P::sign:
    case P::floor:
    case P::ceil:
    case P::round:
    case P::logical_not:
    case P::less:
    case P::less_equal:
    case P::equal:
    case P::not_equal:
    case P::logical_and:
    case P::logical_or:
    case P::input:
    case P::constant:
    case P::count:
      break;
  }
  return std::nullopt;
}

}  // namespace

// The Jacobian of an elementwise function is diagonal, so g times it is the same from either side. We carry g along the program
// from the input instead of back from the result: then `where` selects between finished tangents, and a NaN or infinity of the
// branch not taken, even inside its derivative (sqrt at 0, log at 0), cannot get through. Sweeping backwards it would meet a
// masked gradient as 0 * inf.
Derivative differentiate(const Program& program, std::size_t wrt) {
  const Program f = optimise(program);
  Program d(f.inputs + 2);  // g, x0 ..., y
  const auto input = [&](std::size_t k) { return Sym(&d, static_cast<int>(k)); };
  std::vector<Sym> values;  // of the formula's instructions
  std::vector<Tangent> tangents;
  const auto value = [&](int k) { return k < 0 ? input(0) : values[static_cast<std::size_t>(k)]; };
  const auto tangent_of = [&](int k) { return k < 0 ? Tangent() : tangents[static_cast<std::size_t>(k)]; };

  for (std::size_t k = 0; k < f.code.size(); ++k) {
    const Instr& i = f.code[k];
    const bool is_result = static_cast<int>(k) == f.result;
    if (i.op == Primitive::input) {
      values.push_back(input(1 + static_cast<std::size_t>(i.a)));
      tangents.push_back(static_cast<std::size_t>(i.a) == wrt ? Tangent(input(0)) : Tangent());
      continue;
    }
    if (i.op == Primitive::constant) {
      values.emplace_back(&d, d.constant(i.constant));
      tangents.emplace_back();
      continue;
    }
    // The value is kept where it is the result's, else computed again.
    const Sym a = value(i.a), b = value(i.b), c = value(i.c);
    const auto operand = [](int id, Sym s) { return id < 0 ? -1 : s.id(); };
    const Sym y = is_result ? input(f.inputs + 1)
                            : Sym(&d, d.push({.op = i.op, .a = operand(i.a, a), .b = operand(i.b, b), .c = operand(i.c, c)}));
    const Line line{a, b, c, y, tangent_of(i.a), tangent_of(i.b), tangent_of(i.c), !is_result};
    values.push_back(y);
    tangents.push_back(line.ta || line.tb || line.tc ? tangent(i.op, line, &d) : Tangent());
  }
  d.result = or_zero(tangents[static_cast<std::size_t>(f.result)], &d).id();
  return compact(d);
}

}  // namespace xgrad

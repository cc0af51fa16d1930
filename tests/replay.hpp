#pragma once
// Formulas replayed on Variables, and formulas of random operations.
#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <span>
#include <vector>

#include <xgrad/xgrad.hpp>

#include "../src/formula/program.hpp"

namespace replay_test {

using namespace xgrad;
using V = Variable<double>;
using Operands = std::span<const V>;

/// One node for one primitive.
inline V primitive_node(Primitive op, Operands x) {
  using P = Primitive;
  using Call = std::function<V(Operands)>;
  const auto one = [](auto f) -> Call { return [f = elementwise("one", f)](Operands v) { return f(v[0]); }; };
  const auto two = [](auto f) -> Call { return [f = elementwise("two", f)](Operands v) { return f(v[0], v[1]); }; };
  const auto three = [](auto f) -> Call { return [f = elementwise("three", f)](Operands v) { return f(v[0], v[1], v[2]); }; };
  static const std::map<Primitive, Call> nodes{
      {P::neg, one([](auto a) { return -a; })},
      {P::abs, one([](auto a) { return abs(a); })},
      {P::sign, one([](auto a) { return sign(a); })},
      {P::square, one([](auto a) { return square(a); })},
      {P::sqrt, one([](auto a) { return sqrt(a); })},
      {P::rsqrt, one([](auto a) { return rsqrt(a); })},
      {P::reciprocal, one([](auto a) { return reciprocal(a); })},
      {P::exp, one([](auto a) { return exp(a); })},
      {P::expm1, one([](auto a) { return expm1(a); })},
      {P::log, one([](auto a) { return log(a); })},
      {P::log1p, one([](auto a) { return log1p(a); })},
      {P::sin, one([](auto a) { return sin(a); })},
      {P::cos, one([](auto a) { return cos(a); })},
      {P::tanh, one([](auto a) { return tanh(a); })},
      {P::sigmoid, one([](auto a) { return sigmoid(a); })},
      {P::relu, one([](auto a) { return relu(a); })},
      {P::softplus, one([](auto a) { return softplus(a); })},
      {P::tan, one([](auto a) { return tan(a); })},
      {P::atan, one([](auto a) { return atan(a); })},
      {P::sinh, one([](auto a) { return sinh(a); })},
      {P::cosh, one([](auto a) { return cosh(a); })},
      {P::asinh, one([](auto a) { return asinh(a); })},
      {P::erf, one([](auto a) { return erf(a); })},
      {P::ndtr, one([](auto a) { return ndtr(a); })},
      {P::logical_not, one([](auto a) { return where(a != 0, 0, 1); })},
      {P::add, two([](auto a, auto b) { return a + b; })},
      {P::sub, two([](auto a, auto b) { return a - b; })},
      {P::mul, two([](auto a, auto b) { return a * b; })},
      {P::div, two([](auto a, auto b) { return a / b; })},
      {P::maximum, two([](auto a, auto b) { return maximum(a, b); })},
      {P::minimum, two([](auto a, auto b) { return minimum(a, b); })},
      {P::pow, two([](auto a, auto b) { return pow(a, b); })},
      {P::hypot, two([](auto a, auto b) { return hypot(a, b); })},
      {P::atan2, two([](auto a, auto b) { return atan2(a, b); })},
      {P::gaussian, two([](auto a, auto b) { return detail::record(P::gaussian, a, b); })},
      {P::less, two([](auto a, auto b) { return where(a < b, 1, 0); })},
      {P::less_equal, two([](auto a, auto b) { return where(a <= b, 1, 0); })},
      {P::equal, two([](auto a, auto b) { return where(a == b, 1, 0); })},
      {P::not_equal, two([](auto a, auto b) { return where(a != b, 1, 0); })},
      {P::logical_and, two([](auto a, auto b) { return where(a != 0 && b != 0, 1, 0); })},
      {P::logical_or, two([](auto a, auto b) { return where(a != 0 || b != 0, 1, 0); })},
      {P::where, three([](auto a, auto b, auto c) { return where(a != 0, b, c); })},
      {P::clamp, three([](auto a, auto b, auto c) { return clamp(a, b, c); })},
      {P::fma, three([](auto a, auto b, auto c) { return a * b + c; })},
      {P::fms, three([](auto a, auto b, auto c) { return a * b - c; })},
      {P::fnma, three([](auto a, auto b, auto c) { return c - a * b; })},
  };
  REQUIRE_MESSAGE(nodes.contains(op), name(op), " has no entry in the table of replayed primitives");
  return nodes.at(op)(x);
}

inline V replayed(const Program& program, const std::vector<V>& x) {
  return replay<V>(program, x, [](const xgrad::detail::Instr& instr, Operands operands) {
    return instr.op == Primitive::constant ? V(instr.constant) : primitive_node(instr.op, operands);
  });
}

/// A program of random operations that stays finite and, with it, differentiable nearly everywhere.
inline Sym random_formula(Generator& generator, Sym a, Sym b, Sym c) {
  std::vector<Sym> values{a, b, c};
  const auto any = [&] { return values[generator.below(values.size())]; };
  for (std::size_t n = 4 + generator.below(10); n > 0; --n) {
    const Sym u = any(), v = any(), w = any();
    switch (generator.below(28)) {
      case 0:
        values.push_back(u + v);
        break;
      case 1:
        values.push_back(u - v);
        break;
      case 2:
        values.push_back(tanh(u) * v);
        break;
      case 3:
        values.push_back(u / (1 + square(v)));
        break;
      case 4:
        values.push_back(maximum(u, v));
        break;
      case 5:
        values.push_back(minimum(u, 0.5 * v));
        break;
      case 6:
        values.push_back(where(u < v, v, w));
        break;
      case 7:
        values.push_back(where(u <= 0 || !(v > w), u * 2, w));
        break;
      case 8:
        values.push_back(clamp(u, -1.5, tanh(v) + 2));
        break;
      case 9:
        values.push_back(sin(u));
        break;
      case 10:
        values.push_back(cos(u) * 0.7);
        break;
      case 11:
        values.push_back(sigmoid(u) - 0.25);
        break;
      case 12:
        values.push_back(relu(u));
        break;
      case 13:
        values.push_back(abs(u));
        break;
      case 14:
        values.push_back(exp(-square(u)));
        break;
      case 15:
        values.push_back(log1p(square(u)));
        break;
      case 16:
        values.push_back(log(1 + abs(u)));
        break;
      case 17:
        values.push_back(sqrt(square(u) + 0.5));
        break;
      case 18:
        values.push_back(rsqrt(1 + square(v)) * w);
        break;
      case 19:
        values.push_back(expm1(sin(u)));
        break;
      case 20:
        values.push_back(pow(tanh(u), 3) + sign(v) * w);
        break;
      case 21:
        values.push_back(softplus(u) - v);
        break;
      case 22:
        values.push_back(erf(u) * v + ndtr(w));
        break;
      case 23:
        values.push_back(atan(u) + sinh(tanh(v)));
        break;
      case 24:
        values.push_back(pow(1.5 + tanh(u), tanh(v)));
        break;
      case 25:
        values.push_back(hypot(u, 1 + square(v)) - w);
        break;
      case 26:
        values.push_back(atan2(u, 1 + square(v)) + asinh(w) - cosh(tanh(u)));
        break;
      default:
        values.push_back(tanh(u) * tanh(v) - w + tan(tanh(w)));
        break;
    }
  }
  return values.back();
}

}  // namespace replay_test

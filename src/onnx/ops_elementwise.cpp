// Functions of each element: of floating-point numbers, and of integers where shapes are computed with them.
#include <algorithm>
#include <cmath>
#include <limits>

#include <xgrad/ops/activation.hpp>

#include "call.hpp"

namespace xgrad::onnx {

namespace {

template <class T, Variable<T> (*f)(Variable<T>, Where)>
Values<T> unary(Call<T>& c) {
  return one<T>(f(c.real(0), c.where));
}

using Integer = std::int64_t;
using Bits = std::uint64_t;

/// Signed arithmetic that wraps.
Integer wrapped(Bits bits) { return static_cast<Integer>(bits); }
Integer add_integers(Integer a, Integer b) { return wrapped(static_cast<Bits>(a) + static_cast<Bits>(b)); }
Integer sub_integers(Integer a, Integer b) { return wrapped(static_cast<Bits>(a) - static_cast<Bits>(b)); }
Integer mul_integers(Integer a, Integer b) { return wrapped(static_cast<Bits>(a) * static_cast<Bits>(b)); }
Integer negated(Integer a) { return sub_integers(0, a); }
Integer larger(Integer a, Integer b) { return std::max(a, b); }
Integer smaller(Integer a, Integer b) { return std::min(a, b); }

template <class T, Variable<T> (*f)(Variable<T>, Where), Integer (*g)(Integer)>
Values<T> unary_any(Call<T>& c) {
  if (c.look(0).index() == 1) return one<T>(map<Integer>(c.integers(0), g));
  return unary<T, f>(c);
}
Integer absolute(Integer a) { return a < 0 ? negated(a) : a; }
Integer sign_of(Integer a) { return (a > 0) - (a < 0); }

/// The second operand. Before opset 7 `axis` says along which axes of the first one it lies, and nothing broadcasts without being
/// asked.
template <class T>
Variable<T> second_operand(Call<T>& c) {
  if (c.opset() >= 7) return c.real(1);
  const bool broadcast = c.integer("broadcast", 0) != 0;
  const Shape first = c.shape(0);
  Shape shape = c.shape(1);
  if (!broadcast && shape != first)
    c.refuse("the operands have the shapes " + to_string(first) + " and " + to_string(shape) +
             "; without broadcast they must be equal");
  if (c.given("axis")) {
    const auto axis = static_cast<std::size_t>(c.axis(c.integer("axis", 0), first.size()));
    if (axis + shape.size() > first.size())
      c.refuse("the operands have the shapes " + to_string(first) + " and " + to_string(shape) +
               "; the second must fit behind axis " + std::to_string(axis));
    while (axis + shape.size() < first.size()) shape.push_back(1);
  }
  return reshape(c.real(1), shape, c.where);
}

template <class T, Variable<T> (*f)(Variable<T>, std::type_identity_t<Variable<T>>, Where), Integer (*g)(Integer, Integer)>
Values<T> binary(Call<T>& c) {
  if (c.look(0).index() == 1) {
    const Labels a = c.integers(0), b = c.integers(1);
    return one<T>(zip<Integer>(a, b, g, c.where));
  }
  Variable<T> b = second_operand(c);
  return one<T>(f(c.real(0), std::move(b), c.where));
}
/// ... of one input or more, folded from the left.
template <class T, Variable<T> (*f)(Variable<T>, std::type_identity_t<Variable<T>>, Where), Integer (*g)(Integer, Integer)>
Values<T> variadic(Call<T>& c) {
  if (c.look(0).index() == 1) {
    Labels result = c.integers(0);
    for (std::size_t k = 1; k < c.inputs(); ++k) result = zip<Integer>(result, c.integers(k), g, c.where);
    return one<T>(std::move(result));
  }
  Variable<T> result = c.real(0);
  for (std::size_t k = 1; k < c.inputs(); ++k) result = f(std::move(result), c.real(k), c.where);
  return one<T>(std::move(result));
}
template <class T>
Values<T> mean_of_inputs(Call<T>& c) {
  Variable<T> result = c.real(0);
  for (std::size_t k = 1; k < c.inputs(); ++k) result = add(std::move(result), c.real(k), c.where);
  return one<T>(div(std::move(result), scalar<T>(static_cast<double>(c.inputs())), c.where));
}

void check_divisors(const Labels& b, Where at) {
  for (const Integer x : b)
    if (x == 0) throw ValueError(at, "onnx", "an integer is divided by 0; it must be another number");
}
template <class T>
Values<T> divide(Call<T>& c) {
  if (c.look(0).index() != 1) {
    Variable<T> b = second_operand(c);
    return one<T>(div(c.real(0), std::move(b), c.where));
  }
  const Labels a = c.integers(0), b = c.integers(1);
  check_divisors(b, c.where);
  return one<T>(zip<Integer>(
      a, b, [](Integer x, Integer y) { return y == -1 ? negated(x) : x / y; }, c.where));
}
template <class T>
Values<T> modulo(Call<T>& c) {
  const bool like_c = c.integer("fmod", 0) != 0;
  if (c.look(0).index() != 1) {
    if (!like_c) c.refuse("fmod is 0; for floating-point numbers it must be 1");
    return one<T>(fmod(c.real(0), c.real(1), c.where));
  }
  const Labels a = c.integers(0), b = c.integers(1);
  check_divisors(b, c.where);
  return one<T>(zip<Integer>(
      a, b,
      [like_c](Integer x, Integer y) -> Integer {
        if (y == -1) return 0;
        const Integer rest = x % y;
        return !like_c && rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
      },
      c.where));
}
template <class T>
Values<T> power(Call<T>& c) {
  if (c.look(0).index() == 0) {
    Variable<T> exponent = to_real<T>(c.look(1));
    return one<T>(pow(c.real(0), std::move(exponent), c.where));
  }
  const Labels base = c.integers(0);
  if (c.look(1).index() == 1)
    return one<T>(zip<Integer>(
        base, c.integers(1),
        [](Integer x, Integer n) -> Integer {
          if (n < 0) return x == 1 ? 1 : x == -1 ? (n % 2 ? -1 : 1) : 0;
          Integer result = 1;
          for (; n > 0; n >>= 1, x = mul_integers(x, x))
            if (n & 1) result = mul_integers(result, x);
          return result;
        },
        c.where));
  const Variable<T> raised = pow(to_real<T>(base), c.real(1), c.where);
  return one<T>(to_integers<T>(raised));
}

/// min(max(x, low), high), either bound left out or not.
template <class T>
Values<T> clip(Call<T>& c) {
  if (c.look(0).index() == 1) {
    Labels x = c.integers(0);
    if (c.has(1)) x = zip<Integer>(x, c.integers(1), larger, c.where);
    if (c.has(2)) x = zip<Integer>(x, c.integers(2), smaller, c.where);
    return one<T>(std::move(x));
  }
  const double inf = std::numeric_limits<double>::infinity();
  const double low = c.number("min", -inf), high = c.number("max", inf);
  Variable<T> lower = c.has(1) ? c.real(1) : scalar<T>(low), upper = c.has(2) ? c.real(2) : scalar<T>(high);
  return one<T>(clamp(c.real(0), std::move(lower), std::move(upper), c.where));
}

template <class T>
Values<T> celu(Call<T>& c) {
  const double alpha = c.number("alpha", 1);
  Variable<T> scaled = div(c.real(0), scalar<T>(alpha), c.where);
  return one<T>(mul(elu(std::move(scaled), 1, c.where), scalar<T>(alpha), c.where));
}
template <class T>
Values<T> elu_of(Call<T>& c) {
  return one<T>(elu(c.real(0), c.number("alpha", 1), c.where));
}
template <class T>
Values<T> selu_of(Call<T>& c) {
  const double alpha = c.number("alpha", 1.67326319217681884765625), gamma = c.number("gamma", 1.05070102214813232421875);
  return one<T>(mul(elu(c.real(0), alpha, c.where), scalar<T>(gamma), c.where));
}
template <class T>
Values<T> leaky(Call<T>& c) {
  return one<T>(leaky_relu(c.real(0), c.number("alpha", 0.01), c.where));
}
template <class T>
Values<T> prelu_of(Call<T>& c) {
  Variable<T> slope = c.real(1);
  return one<T>(prelu(c.real(0), std::move(slope), c.where));
}
template <class T>
Values<T> thresholded(Call<T>& c) {
  const Variable<T> x = c.real(0);
  const Mask above = greater(x, scalar<T>(c.number("alpha", 1)), c.where);
  return one<T>(xgrad::where(above, x, scalar<T>(0), c.where));
}
template <class T>
Values<T> hard_sigmoid(Call<T>& c) {
  const double alpha = c.number("alpha", 0.2), beta = c.number("beta", 0.5);
  Variable<T> line = add(mul(c.real(0), scalar<T>(alpha), c.where), scalar<T>(beta), c.where);
  return one<T>(clamp(std::move(line), scalar<T>(0), scalar<T>(1), c.where));
}
template <class T>
Values<T> shrink(Call<T>& c) {
  const double bias = c.number("bias", 0), edge = c.number("lambd", 0.5);
  const Variable<T> x = c.real(0);
  const Variable<T> upper =
      xgrad::where(greater(x, scalar<T>(edge), c.where), sub(x, scalar<T>(bias), c.where), scalar<T>(0), c.where);
  return one<T>(xgrad::where(less(x, scalar<T>(-edge), c.where), add(x, scalar<T>(bias), c.where), upper, c.where));
}
template <class T>
Values<T> gelu_of(Call<T>& c) {
  const std::string way = c.text("approximate", "none");
  if (way != "none" && way != "tanh") c.refuse("approximate is '" + way + "'; it must be none or tanh");
  return one<T>(gelu(c.real(0), {.approximate = way == "tanh"}, c.where));
}
template <class T>
Values<T> swish(Call<T>& c) {
  const Variable<T> x = c.real(0);
  return one<T>(mul(x, sigmoid(mul(x, scalar<T>(c.number("alpha", 1)), c.where), c.where), c.where));
}
template <class T>
Variable<T> softplus_of(Variable<T> x, Where at) {
  return softplus(std::move(x), 1, at);
}

}  // namespace

template <class T>
void add_elementwise(Table<T>& table) {
  table.insert({
      {"Abs", {unary_any<T, xgrad::abs<T>, absolute>}},
      {"Neg", {unary_any<T, xgrad::neg<T>, negated>}},
      {"Sign", {unary_any<T, xgrad::sign<T>, sign_of>}},
      {"Acos", {unary<T, xgrad::acos<T>>}},
      {"Acosh", {unary<T, xgrad::acosh<T>>}},
      {"Asin", {unary<T, xgrad::asin<T>>}},
      {"Asinh", {unary<T, xgrad::asinh<T>>}},
      {"Atan", {unary<T, xgrad::atan<T>>}},
      {"Atanh", {unary<T, xgrad::atanh<T>>}},
      {"Ceil", {unary<T, xgrad::ceil<T>>}},
      {"Cos", {unary<T, xgrad::cos<T>>}},
      {"Cosh", {unary<T, xgrad::cosh<T>>}},
      {"Erf", {unary<T, xgrad::erf<T>>}},
      {"Exp", {unary<T, xgrad::exp<T>>}},
      {"Floor", {unary<T, xgrad::floor<T>>}},
      {"HardSwish", {unary<T, xgrad::hardswish<T>>}},
      {"Log", {unary<T, xgrad::log<T>>}},
      {"Mish", {unary<T, xgrad::mish<T>>}},
      {"Reciprocal", {unary<T, xgrad::reciprocal<T>>}},
      {"Relu", {unary<T, xgrad::relu<T>>}},
      {"Round", {unary<T, xgrad::round<T>>}},
      {"Sigmoid", {unary<T, xgrad::sigmoid<T>>}},
      {"Sin", {unary<T, xgrad::sin<T>>}},
      {"Sinh", {unary<T, xgrad::sinh<T>>}},
      {"Softplus", {unary<T, softplus_of<T>>}},
      {"Softsign", {unary<T, xgrad::softsign<T>>}},
      {"Sqrt", {unary<T, xgrad::sqrt<T>>}},
      {"Tan", {unary<T, xgrad::tan<T>>}},
      {"Tanh", {unary<T, xgrad::tanh<T>>}},
      {"Add", {binary<T, xgrad::add<T>, add_integers>}},
      {"Sub", {binary<T, xgrad::sub<T>, sub_integers>}},
      {"Mul", {binary<T, xgrad::mul<T>, mul_integers>}},
      {"Div", {divide<T>}},
      {"Mod", {modulo<T>}},
      {"Pow", {power<T>}},
      {"Max", {variadic<T, xgrad::maximum<T>, larger>}},
      {"Min", {variadic<T, xgrad::minimum<T>, smaller>}},
      {"Sum", {variadic<T, xgrad::add<T>, add_integers>}},
      {"Mean", {mean_of_inputs<T>}},
      {"Clip", {clip<T>, 0b110}},
      {"Celu", {celu<T>}},
      {"Elu", {elu_of<T>}},
      {"Gelu", {gelu_of<T>}},
      {"HardSigmoid", {hard_sigmoid<T>}},
      {"LeakyRelu", {leaky<T>}},
      {"PRelu", {prelu_of<T>}},
      {"Selu", {selu_of<T>}},
      {"Shrink", {shrink<T>}},
      {"Swish", {swish<T>}},
      {"ThresholdedRelu", {thresholded<T>}},
  });
}
template void add_elementwise<float>(Table<float>&);
template void add_elementwise<double>(Table<double>&);

}  // namespace xgrad::onnx

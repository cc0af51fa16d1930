#include <fmt/format.h>
#include <algorithm>
#include <numbers>
#include <optional>

#include "../formula/program.hpp"
#include "export.hpp"

// A formula is a list of primitives, each of which is an operator of ONNX or a few. Formulas that ONNX has an operator of its own
// for are known by their programs, whoever has written them.
namespace xgrad::onnx {
namespace {

/// A value inside of a formula.
struct Name {
  std::string name;
  bool truth = false;
};

class Formula {
 public:
  explicit Formula(Exporter& e) : e_(e) {}

  Name apply(Primitive op, std::span<const Name> in) {
    std::vector<std::string> numbers;  // in order; who needs none leaves a Cast that nobody reads, which goes
    for (const Name& operand : in) numbers.push_back(numeric(operand));
    const auto x = [&](std::size_t k) { return numbers[k]; };
    switch (op) {
      // clang-format off
      case Primitive::neg: return one("Neg", x(0));
      case Primitive::abs: return one("Abs", x(0));
      case Primitive::sign: return one("Sign", x(0));
      case Primitive::square: return square(x(0));
      case Primitive::sqrt: return one("Sqrt", x(0));
      case Primitive::rsqrt: return one("Reciprocal", one("Sqrt", x(0)).name);
      case Primitive::reciprocal: return one("Reciprocal", x(0));
      case Primitive::exp: return one("Exp", x(0));
      case Primitive::expm1: return expm1(x(0));
      case Primitive::log: return one("Log", x(0));
      case Primitive::log1p: return log1p(x(0));
      case Primitive::sin: return one("Sin", x(0));
      case Primitive::cos: return one("Cos", x(0));
      case Primitive::tanh: return one("Tanh", x(0));
      case Primitive::sigmoid: return one("Sigmoid", x(0));
      case Primitive::relu: return one("Relu", x(0));
      case Primitive::softplus: return one("Softplus", x(0));
      case Primitive::floor: return one("Floor", x(0));
      case Primitive::ceil: return one("Ceil", x(0));
      case Primitive::round: return one("Round", x(0));
      case Primitive::log2: return two("Mul", one("Log", x(0)).name, number(std::numbers::log2e));
      case Primitive::log10: return two("Mul", one("Log", x(0)).name, number(std::numbers::log10e));
      case Primitive::tan: return one("Tan", x(0));
      case Primitive::asin: return one("Asin", x(0));
      case Primitive::acos: return one("Acos", x(0));
      case Primitive::atan: return one("Atan", x(0));
      case Primitive::sinh: return one("Sinh", x(0));
      case Primitive::cosh: return one("Cosh", x(0));
      case Primitive::asinh: return one("Asinh", x(0));
      case Primitive::acosh: return one("Acosh", x(0));
      case Primitive::atanh: return one("Atanh", x(0));
      case Primitive::erf: return one("Erf", x(0));
      case Primitive::ndtr:
        return two("Mul", two("Add", one("Erf", two("Mul", x(0), number(1 / std::numbers::sqrt2)).name).name, number(1)).name, number(0.5));
      case Primitive::flush: return in[0];
      case Primitive::logical_not: return {one("Not", truth(in[0])).name, true};
      case Primitive::add: return two("Add", x(0), x(1));
      case Primitive::sub: return two("Sub", x(0), x(1));
      case Primitive::mul: return two("Mul", x(0), x(1));
      case Primitive::div: return two("Div", x(0), x(1));
      case Primitive::maximum: return two("Max", x(0), x(1));
      case Primitive::minimum: return two("Min", x(0), x(1));
      case Primitive::pow: return two("Pow", x(0), x(1));
      case Primitive::hypot: return one("Sqrt", e_.node("Add", {square(x(0)).name, square(x(1)).name}));
      case Primitive::atan2: return atan2(x(0), x(1));
      case Primitive::fmod: return {e_.node("Mod", {x(0), x(1)}, {{"fmod", std::int64_t{1}}})};
      case Primitive::gaussian: return one("Exp", one("Neg", two("Mul", x(0), square(x(1)).name).name).name);
      case Primitive::less: return {two("Less", x(0), x(1)).name, true};
      case Primitive::less_equal: return {two("LessOrEqual", x(0), x(1)).name, true};
      case Primitive::equal: return {two("Equal", x(0), x(1)).name, true};
      case Primitive::not_equal: return {one("Not", two("Equal", x(0), x(1)).name).name, true};
      case Primitive::logical_and: return {e_.node("And", {truth(in[0]), truth(in[1])}), true};
      case Primitive::logical_or: return {e_.node("Or", {truth(in[0]), truth(in[1])}), true};
      case Primitive::where: return {e_.node("Where", {truth(in[0]), x(1), x(2)})};
      case Primitive::clamp: return two("Min", two("Max", x(0), x(1)).name, x(2));
      case Primitive::fma: return two("Add", two("Mul", x(0), x(1)).name, x(2));
      case Primitive::fms: return two("Sub", two("Mul", x(0), x(1)).name, x(2));
      case Primitive::fnma: return two("Sub", x(2), two("Mul", x(0), x(1)).name);
      // clang-format on
      default:
        throw Refused{fmt::format("ONNX has no {}", name(op))};
    }
  }
  std::string numeric(const Name& value) {
    return value.truth ? e_.node("Cast", {value.name}, {{"to", std::int64_t{e_.element()}}}) : value.name;
  }
  std::string number(double value) { return e_.scalar(value); }

 private:
  Name one(std::string_view op, std::string x) { return {e_.node(op, {std::move(x)})}; }
  Name two(std::string_view op, std::string a, std::string b) { return {e_.node(op, {std::move(a), std::move(b)})}; }
  Name square(const std::string& x) { return two("Mul", x, x); }
  std::string truth(const Name& value) {
    return value.truth ? value.name : one("Not", two("Equal", value.name, number(0)).name).name;
  }
  /// tanh(x / 2) (exp(x) + 1), which is exact near 0.
  Name expm1(const std::string& x) {
    return {e_.node("Mul", {one("Tanh", two("Mul", x, number(0.5)).name).name, two("Add", one("Exp", x).name, number(1)).name})};
  }
  /// With u = 1 + x it is x log(u) / (u - 1) near 0, where u - 1 has the rounding of u, and log(u) elsewhere.
  Name log1p(const std::string& x) {
    const std::string u = two("Add", x, number(1)).name, log = one("Log", u).name;
    const std::string ratio = two("Div", x, two("Sub", u, number(1)).name).name;
    const std::string near = e_.node("Where", {two("Equal", u, number(1)).name, x, two("Mul", log, ratio).name});
    return {e_.node("Where", {two("Less", one("Abs", x).name, number(1)).name, near, log})};
  }

  /// atan(y / x) for x > 0; half a turn more or less for x < 0, by y's sign; 0 for 0 / 0. The signs of zeros are not looked at.
  Name atan2(const std::string& y, const std::string& x) {
    const std::string zero = number(0), turn = number(std::numbers::pi);
    const std::string angle = one("Atan", two("Div", y, x).name).name, back = two("Less", x, zero).name;
    const std::string more = e_.node("Where", {two("Less", y, zero).name, number(-std::numbers::pi), turn});
    const std::string whole = e_.node("Where", {back, two("Add", angle, more).name, angle});
    const std::string nothing = e_.node("And", {two("Equal", x, zero).name, two("Equal", y, zero).name});
    return {e_.node("Where", {nothing, zero, whole})};
  }

  Exporter& e_;
};

template <std::size_t N, class F>
std::string program_of(const F& f) {
  return to_string(xgrad::trace<N>(f));
}

/// The program of batch normalisation in evaluation, whose scale is computed from the weight and the variance before.
const std::string& batch_norm_program() {
  static const std::string program =
      program_of<4>([](auto v, auto mean, auto scale, auto shift) { return (v - mean) * scale + shift; });
  return program;
}
const std::string& response_norm_program() {
  static const std::string program = program_of<5>(
      [](auto v, auto squares, auto factor, auto beta, auto k) { return v * exp(-beta * log(k + factor * squares)); });
  return program;
}

/// Whether an operation is this primitive of its two inputs.
bool is(const TracedOp* op, Primitive primitive) {
  if (!op || !op->program) return false;
  const auto& code = op->program->code;
  const Instr& last = code[static_cast<std::size_t>(op->program->result)];
  if (last.op != primitive || code.size() != op->program->inputs + 1) return false;
  return (last.a < 0 || last.a == 0) && (last.b < 0 || last.b == 1 || op->program->inputs == 1);
}

/// BatchNormalization, where its weight, its running variance and eps can be found: scale = 1 / sqrt(variance + eps) [weight].
bool write_batch_norm(Exporter& e) {
  const auto& in = e.op().inputs;
  if (e.dynamic(in[1]) || e.dynamic(in[2]) || e.dynamic(in[3]) || !e.dynamic(in[0])) return false;
  const std::size_t axes = e.shape(in[0]).size();
  if (axes != 4 && axes != 2) return false;
  const std::size_t channels = e.shape(in[0]).back();
  if (e.shape(in[1]) != Shape{channels} || e.shape(in[2]) != Shape{channels}) return false;
  const TracedOp* op = e.maker(in[2]);
  std::optional<std::size_t> weight;
  if (is(op, Primitive::mul)) {
    weight = op->inputs[1];
    op = e.maker(op->inputs[0]);
  }
  if (!is(op, Primitive::div)) return false;
  if (e.shape(op->inputs[0]) != Shape{} || e.number(op->inputs[0]) != 1) return false;
  op = e.maker(op->inputs[1]);
  if (!is(op, Primitive::sqrt)) return false;
  op = e.maker(op->inputs[0]);
  if (!is(op, Primitive::add) || e.shape(op->inputs[1]) != Shape{} || e.shape(op->inputs[0]) != Shape{channels}) return false;
  const double eps = e.number(op->inputs[1]);
  const auto all = [&](const char* name, double value) {
    return e.tensor(name, Shape{channels}, std::vector<double>(channels, value));
  };
  if (weight && e.shape(*weight) != Shape{channels}) return false;
  const bool has_bias = e.shape(in[3]) == Shape{channels};
  if (!has_bias && (e.shape(in[3]) != Shape{} || e.number(in[3]) != 0)) return false;
  const Order order = axes == 4 ? Order::theirs : Order::ours;
  const std::string x = e.get(in[0], order), scale = weight ? e.get(*weight) : all("ones", 1),
                    bias = has_bias ? e.get(in[3]) : all("zeros", 0);
  e.set_output(e.node("BatchNormalization", {x, scale, bias, e.get(in[1]), e.get(op->inputs[0])}, {{"epsilon", eps}}), order);
  return true;
}

/// LRN, where the sums are of the squares of as many channels on either side. Of an even number ONNX takes other ones.
bool write_response_norm(Exporter& e) {
  const auto& in = e.op().inputs;
  const TracedOp* sums = e.maker(in[1]);
  if (e.shape(in[0]).size() != 4 || !sums || sums->name != "neighbour_sum") return false;
  for (std::size_t k = 2; k < 5; ++k)
    if (e.dynamic(in[k]) || size_of(e.shape(in[k])) != 1) return false;
  const std::int64_t before = integer_of(*sums, "before"), size = 2 * before + 1;
  const TracedOp* square = e.maker(sums->inputs[0]);
  if (before != integer_of(*sums, "after") || !is(square, Primitive::square) || square->inputs[0] != in[0]) return false;
  e.set_output(e.node("LRN", {e.get(in[0], Order::theirs)},
                      {{"alpha", e.number(in[2]) * static_cast<double>(size)},
                       {"beta", e.number(in[3])},
                       {"bias", e.number(in[4])},
                       {"size", size}}),
               Order::theirs);
  return true;
}

/// Whether the inputs that a formula reads have its result's shape between them. One that it does not read may be larger.
bool reads_shape(const Exporter& e) {
  const TracedOp& op = e.op();
  const auto& code = op.program->code;
  std::vector<bool> read(code.size());
  read[static_cast<std::size_t>(op.program->result)] = true;
  for (std::size_t k = code.size(); k-- > 0;) {
    if (!read[k] || code[k].op == Primitive::input) continue;
    for (const int operand : {code[k].a, code[k].b, code[k].c})
      if (operand >= 0) read[static_cast<std::size_t>(operand)] = true;
  }
  for (std::size_t run = 0; run < Exporter::runs; ++run) {
    const Shape& result = e.shape(op.output, run);
    std::vector<std::size_t> reached;  // from the last axis; a 1 is not larger than nothing but in the number of axes
    for (std::size_t k = 0; k < code.size(); ++k) {
      if (!read[k] || code[k].op != Primitive::input) continue;
      const Shape& input = e.shape(op.inputs[static_cast<std::size_t>(code[k].a)], run);
      reached.resize(std::max(reached.size(), input.size()), 1);
      for (std::size_t axis = 0; axis < input.size(); ++axis)
        if (const std::size_t length = input[input.size() - 1 - axis]; length != 1) reached[axis] = length;
    }
    if (!std::equal(reached.begin(), reached.end(), result.rbegin(), result.rend())) return false;
  }
  return true;
}

}  // namespace

void write_formula(Exporter& e) {
  const TracedOp& op = e.op();
  const std::string text = to_string(*op.program);
  if (text == batch_norm_program() && write_batch_norm(e)) return;
  if (text == response_norm_program() && write_response_norm(e)) return;
  const Order order = e.order_for(op.output);
  Formula formula(e);
  std::vector<Name> inputs;
  for (const std::size_t input : op.inputs) inputs.push_back({e.get(input, order)});
  const Name result = replay<Name>(*op.program, inputs, [&](const Instr& instr, std::span<const Name> operands) {
    return instr.op == Primitive::constant ? Name{formula.number(instr.constant)} : formula.apply(instr.op, operands);
  });
  std::string name = formula.numeric(result);
  if (!reads_shape(e)) {
    const auto lengths = [&](std::size_t run) {
      const Shape& shape = e.shape(op.output, run);
      if (order == Order::ours) return shape;
      Shape turned;
      for (const std::size_t axis : place_in_ours) turned.push_back(shape[axis]);
      return turned;
    };
    name = e.node("Expand", {name, e.lengths(lengths(0), lengths(1))});
  }
  e.set_output(std::move(name), order);
}

}  // namespace xgrad::onnx

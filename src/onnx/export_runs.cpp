/// Three runs of a network with other numbers and numbers of samples must agree: their operations, options, formulas and lengths.
#include "export.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <bit>

#include <xgrad/core/error.hpp>

#include "../formula/program.hpp"
#include "../ops/support.hpp"

namespace xgrad::onnx {
namespace {

template <class X>
const X& option(const TracedOp& op, std::string_view name) {
  const AttributeValue* value = find(op.attributes, name);
  const X* found = value ? std::get_if<X>(value) : nullptr;
  if (!found) throw Refused{fmt::format("its option {} cannot be read", name)};
  return *found;
}
template <class X>
const X& option(const Exporter& e, std::string_view name) {
  const X& found = option<X>(e.op(), name);
  const auto same = [&](const X& other) {
    if constexpr (std::is_same_v<X, double>)
      return std::bit_cast<std::uint64_t>(other) == std::bit_cast<std::uint64_t>(found);  // NaN too
    else
      return other == found;
  };
  for (std::size_t run = 1; run < Exporter::runs; ++run)
    if (const X& other = option<X>(e.op(run), name); !same(other))
      throw Refused{fmt::format("{} in one run is {} in another; it must be the same for every input and any number of samples",
                                to_string(xgrad::Attribute{std::string(name), found}),
                                to_string(xgrad::Attribute{std::string(name), other}))};
  return found;
}

}  // namespace

Ints integers_of(const TracedOp& op, std::string_view name) { return option<Ints>(op, name); }
std::int64_t integer_of(const TracedOp& op, std::string_view name) { return option<std::int64_t>(op, name); }
Ints integers_of(const Exporter& e, std::string_view name) { return option<Ints>(e, name); }
std::int64_t integer_of(const Exporter& e, std::string_view name) { return option<std::int64_t>(e, name); }
double number_of(const Exporter& e, std::string_view name) { return option<double>(e, name); }
bool flag_of(const Exporter& e, std::string_view name) { return option<bool>(e, name); }

/// What a network does must not hang on the numbers that it is given, nor on how many samples there are.
void Exporter::check_runs() const {
  const auto fail = [&](Where at, const std::string& what) {
    throw ValueError(
        where_, "save",
        fmt::format("{} in a second run with other numbers and another number of samples; a network must do the same with "
                    "every input{}",
                    what, at ? " (" + to_string(at) + ")" : ""));
  };
  for (const std::vector<TracedOp>* ops : {&other_.ops, &many_.ops}) {
    for (std::size_t k = 0; k < std::min(one_.ops.size(), ops->size()); ++k) {
      const TracedOp &a = one_.ops[k], &b = (*ops)[k];
      if (a.name != b.name) fail(a.where, fmt::format("operation {} is {} in one run and {}", k, a.name, b.name));
      const bool same_formula =
          a.program == b.program || (a.program && b.program && to_string(*a.program) == to_string(*b.program));
      if (!same_formula) fail(a.where, fmt::format("operation {}, {}, has another formula", k, a.name));
      const bool same_inputs = ops == &other_.ops ? a.inputs == b.inputs && a.output == b.output && a.selector == b.selector
                                                  : many_.shapes[k].size() == a.inputs.size() + a.selector.has_value() + 1;
      if (!same_inputs) fail(a.where, fmt::format("operation {}, {}, has other inputs", k, a.name));
    }
    if (one_.ops.size() != ops->size())
      fail({}, fmt::format("there are {} operations in one run and {}", one_.ops.size(), ops->size()));
  }
  if (one_.outputs.size() != other_.outputs.size() || one_.outputs.size() != many_.outputs.size())
    fail({}, "there is another number of results");
  for (std::size_t k = 0; k < one_.outputs.size(); ++k)
    if (one_.outputs[k] != other_.outputs[k]) fail({}, fmt::format("the result {} is another operation's", one_.output_names[k]));
}

/// Lengths must grow evenly with the number of samples. Two runs cannot tell: a slice of the first four is all of two samples, and
/// all of three.
void Exporter::check_shapes() {
  many_shapes_.resize(one_.values.size());
  std::vector<bool> known(one_.values.size());
  const auto check = [&](std::size_t value, const Shape& many, const std::string& what) {
    const Shape &one = shape(value), &other = other_shape(value);
    if (one.size() != other.size() || one.size() != many.size() || (known[value] && many != many_shapes_[value]))
      throw ValueError(
          where_, "save",
          fmt::format("{} is {} for {} samples, {} for {} and {} for {}; it must be the same for any number of them", what,
                      to_string(one), one_.samples, to_string(other), other_.samples, to_string(many), many_.samples));
    for (std::size_t k = 0; k < one.size(); ++k) {
      const std::int64_t first = whole(other[k]) - whole(one[k]), second = whole(many[k]) - whole(one[k]);
      const std::int64_t more = whole(other_.samples) - whole(one_.samples), most = whole(many_.samples) - whole(one_.samples);
      if (more == 0 ? first == 0 && second == 0 : first * most == second * more) continue;
      throw ValueError(
          where_, "save",
          fmt::format("axis {} of {} has {} places for {} samples, {} for {} and {} for {}; it must grow evenly with their number",
                      k, what, one[k], one_.samples, other[k], other_.samples, many[k], many_.samples));
    }
    many_shapes_[value] = many;
    known[value] = true;
  };
  check(0, many_.input, "the input");
  for (std::size_t k = 0; k < one_.ops.size(); ++k) {
    const TracedOp& op = one_.ops[k];
    const std::string name = fmt::format("{} ({})", op.name, to_string(op.where));
    const std::vector<Shape>& shapes = many_.shapes[k];
    for (std::size_t i = 0; i < op.inputs.size(); ++i) check(op.inputs[i], shapes[i], fmt::format("input {} of {}", i, name));
    if (op.selector) check(*op.selector, shapes[op.inputs.size()], "the mask or index of " + name);
    check(op.output, shapes.back(), "the result of " + name);
  }
  for (std::size_t k = 0; k < one_.outputs.size(); ++k)
    check(one_.outputs[k], many_.outputs[k], "the result " + one_.output_names[k]);
}

}  // namespace xgrad::onnx

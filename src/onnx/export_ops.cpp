#include <fmt/format.h>
#include <algorithm>
#include <numeric>

#include "export.hpp"

// A function for each operation that is no formula. What it needs to know it finds in the operation's options and in the shapes of
// what went in and came out.
namespace xgrad::onnx {
namespace {

void write_reshape(Exporter& e) {
  const std::size_t x = e.op().inputs[0], y = e.op().output;
  const Shape &from = e.shape(x), &to = e.shape(y), &from_other = e.other_shape(x), &to_other = e.other_shape(y);
  // lengths that grow with the samples are left open, as long as one alone has to be found
  Ints lengths;
  std::size_t open = 0;
  for (std::size_t k = 0; k < to.size(); ++k) {
    const bool same = to[k] == to_other.at(k);
    const bool kept = !same && k < from.size() && from[k] == to[k] && from_other[k] == to_other[k];
    lengths.push_back(same ? whole(to[k]) : kept ? 0 : -1);
    open += !same && !kept;
  }
  const bool empty = std::ranges::find(to, std::size_t{0}) != to.end();  // 0 would mean to keep the length
  const std::string shape = open > 1 || empty ? e.lengths(to, to_other) : e.integers(lengths);
  std::vector<xgrad::Attribute> attributes;
  if (empty) attributes.push_back({"allowzero", std::int64_t{1}});
  e.set_output(e.node("Reshape", {e.get(x), shape}, std::move(attributes)));
}

void write_permute(Exporter& e) {
  const Ints axes = integers_of(e, "axes");
  if (axes == Ints{0, 3, 1, 2}) return e.set_output(e.get(e.op().inputs[0], Order::theirs));
  e.set_output(e.node("Transpose", {e.get(e.op().inputs[0])}, {{"perm", axes}}));
}

void write_broadcast(Exporter& e) {
  const std::size_t y = e.op().output;
  e.set_output(e.node("Expand", {e.get(e.op().inputs[0]), e.lengths(e.shape(y), e.other_shape(y))}));
}

void reduce(Exporter& e, std::string_view op, bool axes_are_input, const std::function<std::string(std::string)>& before = {},
            const std::function<std::string(std::string)>& after = {}) {
  const std::size_t x = e.op().inputs[0], y = e.op().output;
  const Ints flags = integers_of(e, "axes.reduced");
  const bool keepdims = e.shape(y).size() == e.shape(x).size();
  Order order = Order::ours;
  if (e.shape(x).size() == 4) {
    // theirs, where what is left comes out in our order: no channels, or nothing but samples and channels
    const bool in_order = flags[3] || (flags[1] && flags[2]);
    if (keepdims || in_order) order = e.order_of(x);
  }
  Ints axes;
  for (std::size_t k = 0; k < flags.size(); ++k)
    if (flags[k]) axes.push_back(whole(placed(k, order)));
  std::ranges::sort(axes);
  std::string name = e.get(x, order);
  if (before) name = before(std::move(name));
  if (!axes.empty()) {
    std::vector<xgrad::Attribute> attributes{{"keepdims", std::int64_t{keepdims}}};
    std::vector<std::string> inputs{name};
    if (axes_are_input)
      inputs.push_back(e.integers(axes));
    else
      attributes.push_back({"axes", axes});
    name = e.node(op, std::move(inputs), std::move(attributes));
  }
  if (after) name = after(std::move(name));
  Shape kept;  // sum_to may leave other axes of length 1 than the flags say
  for (std::size_t k = 0; k < flags.size(); ++k)
    if (!flags[k] || keepdims) kept.push_back(flags[k] ? 1 : e.shape(x)[k]);
  if (kept != e.shape(y)) {
    if (e.shape(y) != e.other_shape(y)) throw Refused{"its result's length depends on the number of samples"};
    name = e.node("Reshape", {name, e.integers(Ints(e.shape(y).begin(), e.shape(y).end()))});
  }
  e.set_output(std::move(name), keepdims ? order : Order::ours);
}

Write reduction(std::string_view op, bool axes_are_input = false) {
  return [=](Exporter& e) { reduce(e, op, axes_are_input); };
}

/// How many elements become one.
double count_of(Exporter& e) {
  const Ints flags = integers_of(e, "axes.reduced");
  const Shape &x = e.shape(e.op().inputs[0]), &other = e.other_shape(e.op().inputs[0]);
  double count = 1;
  for (std::size_t k = 0; k < flags.size(); ++k) {
    if (flags[k] && x[k] != other.at(k)) throw Refused{"it divides by the number of samples"};
    if (flags[k]) count *= static_cast<double>(x[k]);
  }
  return count;
}

/// The mean of the squared distances from the mean, times n / (n - ddof).
void write_variance(Exporter& e) {
  const double n = count_of(e), divisor = std::max(n - number_of(e, "ddof"), 0.0);
  const bool root = e.op().name == "std";
  Ints axes;
  const Ints flags = integers_of(e, "axes.reduced");
  for (std::size_t k = 0; k < flags.size(); ++k)
    if (flags[k]) axes.push_back(whole(k));
  e.get(e.op().inputs[0]);  // in our order, which reduce then takes
  reduce(
      e, "ReduceMean", false,
      [&](std::string x) {
        if (axes.empty()) throw Refused{"it is along no axis"};
        const std::string mean = e.node("ReduceMean", {x}, {{"axes", axes}, {"keepdims", std::int64_t{1}}});
        const std::string distance = e.node("Sub", {x, mean});
        return e.node("Mul", {distance, distance});
      },
      [&](std::string name) {
        if (divisor != n) name = e.node("Mul", {name, e.scalar(n / divisor)});
        return root ? e.node("Sqrt", {name}) : name;
      });
}

void write_norm(Exporter& e) {
  const double p = number_of(e, "p");  // neither 1 nor infinite: norm makes those of other operations
  const Ints flags = integers_of(e, "axes.reduced");
  if (std::ranges::find(flags, 1) == flags.end())
    return reduce(e, "", false, {}, [&](std::string x) { return e.node("Abs", {std::move(x)}); });
  if (p == 2) return reduce(e, "ReduceL2", false);
  reduce(
      e, "ReduceSum", true,
      [&](std::string x) {
        return e.node("Pow", {e.node("Abs", {std::move(x)}), e.scalar(p)});
      },
      [&](std::string sum) {
        return e.node("Pow", {std::move(sum), e.scalar(1 / p)});
      });
}

void write_softmax(Exporter& e) {
  const Order order = e.order_for(e.op().output);
  const std::size_t last = e.shape(e.op().output).size() - 1;
  const std::string op = e.op().name == "softmax" ? "Softmax" : "LogSoftmax";
  e.set_output(e.node(op, {e.get(e.op().inputs[0], order)}, {{"axis", whole(placed(last, order))}}), order);
}

void write_cumsum(Exporter& e) {
  const std::size_t axis = static_cast<std::size_t>(integer_of(e, "axis"));
  e.set_output(
      e.node("CumSum", {e.get(e.op().inputs[0]), e.index(whole(axis))}, {{"reverse", std::int64_t{flag_of(e, "backwards")}}}));
}

/// A mask is a constant, which must be the same in both runs.
void write_where(Exporter& e) {
  const TracedOp& op = e.op();
  if (!op.selector) throw Refused{"its mask cannot be read"};
  const Order order = e.order_for(op.output);
  std::string mask = e.get(*op.selector, order);
  e.set_output(e.node("Where", {std::move(mask), e.get(op.inputs[0], order), e.get(op.inputs[1], order)}), order);
}

/// What is on one side of a diagonal.
void write_triangle(Exporter& e) {
  const bool upper = e.op().name == "triu";
  const std::int64_t diagonal = integer_of(e, upper ? "from" : "to");
  e.set_output(e.node("Trilu", {e.get(e.op().inputs[0]), e.index(diagonal)}, {{"upper", std::int64_t{upper}}}));
}

// Products.

std::string transposed(Exporter& e, std::size_t value) {
  std::vector<std::size_t> axes(e.shape(value).size());
  std::iota(axes.begin(), axes.end(), 0);
  std::swap(axes[axes.size() - 1], axes[axes.size() - 2]);
  return e.permuted(value, axes);
}

void write_linear(Exporter& e) {
  const auto& in = e.op().inputs;
  e.set_output(e.node("Gemm", {e.get(in[0]), e.get(in[1]), e.get(in[2])}, {{"transB", std::int64_t{1}}}));
}

void write_matmul(Exporter& e) {
  const auto& in = e.op().inputs;
  const bool a = flag_of(e, "transpose_a"), b = flag_of(e, "transpose_b");
  if (e.shape(in[0]).size() == 2 && e.shape(in[1]).size() == 2 && (a || b))  // the weights keep their names and order
    return e.set_output(e.node("Gemm", {e.get(in[0]), e.get(in[1])}, {{"transA", std::int64_t{a}}, {"transB", std::int64_t{b}}}));
  e.set_output(e.node("MatMul", {a ? transposed(e, in[0]) : e.get(in[0]), b ? transposed(e, in[1]) : e.get(in[1])}));
}

// Norms: a layer norm is over the last axes, a group norm over all pixels of some channels.

/// Of the option (samples, rows, groups, width), of which the first may grow.
std::int64_t norm_shape(const Exporter& e, std::size_t k) {
  const auto length = [&](std::size_t run) { return integers_of(e.op(run), "shape").at(k); };
  for (std::size_t run = 1; run < Exporter::runs; ++run)
    if (length(run) != length(0)) throw Refused{"how many elements it takes together depends on the number of samples"};
  return length(0);
}

void write_layer_norm(Exporter& e) {
  const auto& in = e.op().inputs;
  const std::int64_t width = norm_shape(e, 3);
  const bool weight = flag_of(e, "has_weight"), bias = flag_of(e, "has_bias");
  const Shape& x = e.shape(in[0]);
  std::size_t axis = x.size() - 1;
  if (weight || bias)
    axis = x.size() - e.shape(in[1]).size();
  else
    for (std::int64_t reached = whole(x[axis]); axis > 0 && reached != width; reached *= whole(x[axis])) --axis;
  const Shape channels(x.begin() + static_cast<std::ptrdiff_t>(axis), x.end());
  std::vector<std::string> inputs{e.get(in[0])};
  inputs.push_back(weight ? e.get(in[1]) : e.tensor("ones", channels, std::vector<double>(size_of(channels), 1)));
  if (bias) inputs.push_back(e.get(in[weight ? 2 : 1]));
  e.set_output(e.node("LayerNormalization", std::move(inputs), {{"axis", whole(axis)}, {"epsilon", number_of(e, "eps")}}));
}

/// InstanceNormalization of the groups as channels, then weight and bias.
void write_group_norm(Exporter& e) {
  const auto& in = e.op().inputs;
  const std::size_t groups = static_cast<std::size_t>(norm_shape(e, 2)), x = in[0];
  const bool weight = flag_of(e, "has_weight"), bias = flag_of(e, "has_bias");
  const std::string ones = e.tensor("ones", Shape{groups}, std::vector<double>(groups, 1)),
                    zeros = e.tensor("zeros", Shape{groups}, std::vector<double>(groups, 0));
  const Shape& here = e.shape(x);
  // the channels behind the samples, as images have them in ONNX, and back
  const bool images = here.size() == 4;
  const Order order = images ? Order::theirs : Order::ours;
  std::vector<std::size_t> there(here.size());
  std::iota(there.begin(), there.end(), 0);
  std::rotate(there.begin() + 1, there.end() - 1, there.end());
  Ints lengths{-1}, back(here.size(), 0);
  for (std::size_t k = 0; k < there.size(); ++k) {
    if (k > 0 && here[there[k]] != e.other_shape(x)[there[k]]) throw Refused{"its places depend on the number of samples"};
    if (k > 0) lengths.push_back(whole(here[there[k]]));
    back[there[k]] = whole(k);
  }
  std::string name = images || here.size() < 3 ? e.get(x, order) : e.permuted(x, there);
  name = e.node("Reshape", {name, e.integers({0, whole(groups), -1})});
  name = e.node("InstanceNormalization", {name, ones, zeros}, {{"epsilon", number_of(e, "eps")}});
  name = e.node("Reshape", {name, e.integers(lengths)});
  if (!images && here.size() > 2) name = e.node("Transpose", {name}, {{"perm", back}});
  if (weight) name = e.node("Mul", {name, e.get(in[1], order)});
  if (bias) name = e.node("Add", {name, e.get(in[weight ? 2 : 1], order)});
  e.set_output(std::move(name), order);
}

/// Each result is the product of a row of x's elements, those that it has not reached replaced by 1.
void write_cumprod(Exporter& e) {
  const std::size_t x = e.op().inputs[0], axis = static_cast<std::size_t>(integer_of(e, "axis")), length = e.shape(x)[axis];
  if (e.other_shape(x)[axis] != length) throw Refused{"how many elements it multiplies depends on the number of samples"};
  if (length > 4096) throw Refused{fmt::format("it multiplies {} elements; the file takes 4096 at most", length)};
  Shape shape(e.shape(x).size() - axis + 1, 1);  // (to, from, 1, …)
  shape[0] = shape[1] = length;
  std::vector<double> reached(length * length);
  const bool backwards = flag_of(e, "backwards");
  for (std::size_t k = 0; k < reached.size(); ++k) {
    const std::size_t to = k / length, from = k % length;
    reached[k] = backwards ? from >= to : from <= to;
  }
  const std::string mask = e.node("Cast", {e.tensor("reached", shape, reached)}, {{"to", whole(9)}});  // bool
  const std::string rows = e.node("Unsqueeze", {e.get(x), e.integers({whole(axis)})});
  const std::string factors = e.node("Where", {mask, rows, e.scalar(1)});
  e.set_output(e.node("ReduceProd", {factors}, {{"axes", Ints{whole(axis) + 1}}, {"keepdims", std::int64_t{0}}}));
}

void write_concat(Exporter& e) {
  const Order order = e.order_for(e.op().output);
  const auto axis = static_cast<std::size_t>(integer_of(e, "axis"));
  std::vector<std::string> parts;
  for (const std::size_t input : e.op().inputs) parts.push_back(e.get(input, order));
  e.set_output(e.node("Concat", std::move(parts), {{"axis", whole(placed(axis, order))}}), order);
}

void write_stack(Exporter& e) {
  const std::int64_t axis = integer_of(e, "axis");
  std::vector<std::string> parts;
  for (const std::size_t input : e.op().inputs) parts.push_back(e.node("Unsqueeze", {e.get(input), e.integers({axis})}));
  e.set_output(e.node("Concat", std::move(parts), {{"axis", axis}}));
}

}  // namespace

const std::map<std::string_view, Write>& writers() {
  static const std::map<std::string_view, Write> table = [] {
    std::map<std::string_view, Write> all{
        {"amax", reduction("ReduceMax")},
        {"amin", reduction("ReduceMin")},
        {"broadcast_to", write_broadcast},
        {"concat", write_concat},
        {"cumprod", write_cumprod},
        {"cumsum", write_cumsum},
        {"det", [](Exporter& e) { e.set_output(e.node("Det", {e.get(e.op().inputs[0])})); }},
        {"logdet", [](Exporter& e) { e.set_output(e.node("Log", {e.node("Det", {e.get(e.op().inputs[0])})})); }},
        {"group_norm", write_group_norm},
        {"instance_norm", write_group_norm},
        {"layer_norm", write_layer_norm},
        {"linear", write_linear},
        {"log_softmax", write_softmax},
        {"logsumexp", reduction("ReduceLogSumExp")},
        {"matmul", write_matmul},
        {"mean", reduction("ReduceMean")},
        {"norm", write_norm},
        {"permute", write_permute},
        {"prod", reduction("ReduceProd")},
        {"reshape", write_reshape},
        {"slogdet", [](Exporter& e) { e.set_output(e.node("Log", {e.node("Abs", {e.node("Det", {e.get(e.op().inputs[0])})})})); }},
        {"softmax", write_softmax},
        {"stack", write_stack},
        {"std", write_variance},
        {"sum", reduction("ReduceSum", true)},
        {"tril", write_triangle},
        {"triu", write_triangle},
        {"var", write_variance},
        {"where", write_where},
    };
    add_images(all);
    add_indices(all);
    add_training(all);
    add_views(all);
    return all;
  }();
  return table;
}

}  // namespace xgrad::onnx

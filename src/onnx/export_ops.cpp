#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "export.hpp"

// A function for each operation that is no formula. What it needs to know it finds in the operation's options and in the shapes of
// what went in and came out.
namespace xgrad::onnx {
namespace {

constexpr std::int64_t far = std::numeric_limits<std::int64_t>::max();

std::int64_t whole(std::size_t n) { return static_cast<std::int64_t>(n); }

/// The axes of a value in an order, and its places.
std::size_t placed(std::size_t axis, Order order) { return order == Order::theirs ? place_in_theirs[axis] : axis; }

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
  const Ints axes = integers_of(e.op(), "axes");
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
  const Ints flags = integers_of(e.op(), "axes.reduced");
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
  const Ints flags = integers_of(e.op(), "axes.reduced");
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
  const double n = count_of(e), divisor = n - number_of(e.op(), "ddof");
  const bool root = e.op().name == "std";
  Ints axes;
  const Ints flags = integers_of(e.op(), "axes.reduced");
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
  const double p = number_of(e.op(), "p");
  if (p == 2) return reduce(e, "ReduceL2", false);
  if (p == 1) return reduce(e, "ReduceL1", false);
  if (p == std::numeric_limits<double>::infinity())
    return reduce(e, "ReduceMax", false, [&](std::string x) { return e.node("Abs", {std::move(x)}); });
  if (!(p > 0) || !std::isfinite(p)) throw Refused{fmt::format("p is {}; it must be positive", p)};
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
  const std::size_t axis = static_cast<std::size_t>(integer_of(e.op(), "axis"));
  e.set_output(
      e.node("CumSum", {e.get(e.op().inputs[0]), e.index(whole(axis))}, {{"reverse", std::int64_t{flag_of(e.op(), "backwards")}}}));
}

/// A mask is a constant, which must be the same in both runs.
void write_where(Exporter& e) {
  const TracedOp& op = e.op();
  if (!op.mask) throw Refused{"its mask cannot be read"};
  const Order order = e.order_for(op.output);
  std::string mask = e.get(*op.mask, order);
  e.set_output(e.node("Where", {std::move(mask), e.get(op.inputs[0], order), e.get(op.inputs[1], order)}), order);
}

/// What is on one side of a diagonal.
void write_triangle(Exporter& e) {
  const bool upper = e.op().name == "triu";
  const std::int64_t diagonal = integer_of(e.op(), upper ? "from" : "to");
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
  const bool a = flag_of(e.op(), "transpose_a"), b = flag_of(e.op(), "transpose_b");
  if (e.shape(in[0]).size() == 2 && e.shape(in[1]).size() == 2 && (a || b))  // the weights keep their names and order
    return e.set_output(e.node("Gemm", {e.get(in[0]), e.get(in[1])}, {{"transA", std::int64_t{a}}, {"transB", std::int64_t{b}}}));
  e.set_output(e.node("MatMul", {a ? transposed(e, in[0]) : e.get(in[0]), b ? transposed(e, in[1]) : e.get(in[1])}));
}

// Images.

/// {top, bottom, left, right} as ONNX has it: {top, left, bottom, right}.
Ints pads_of(const Ints& padding) { return {padding[0], padding[2], padding[1], padding[3]}; }

void write_conv(Exporter& e) {
  const auto& in = e.op().inputs;
  std::vector<std::string> inputs{e.get(in[0], Order::theirs), e.permuted(in[1], {0, 3, 1, 2})};
  if (in.size() > 2) inputs.push_back(e.get(in[2]));
  const Shape& w = e.shape(in[1]);
  e.set_output(e.node("Conv", std::move(inputs),
                      {{"kernel_shape", Ints{whole(w[1]), whole(w[2])}},
                       {"strides", integers_of(e.op(), "stride")},
                       {"pads", pads_of(integers_of(e.op(), "padding"))},
                       {"dilations", integers_of(e.op(), "dilation")},
                       {"group", integer_of(e.op(), "groups")}}),
               Order::theirs);
}

void write_conv_transpose(Exporter& e) {
  const auto& in = e.op().inputs;
  const Shape &x = e.shape(in[0]), &w = e.shape(in[1]), &y = e.shape(e.op().output);
  const Ints stride = integers_of(e.op(), "stride"), padding = integers_of(e.op(), "padding"),
             dilation = integers_of(e.op(), "dilation");
  Ints more;
  for (std::size_t k = 0; k < 2; ++k)
    more.push_back(whole(y[k + 1]) - ((whole(x[k + 1]) - 1) * stride[k] + dilation[k] * (whole(w[k + 1]) - 1) + 1 - padding[2 * k] -
                                      padding[2 * k + 1]));
  e.set_output(e.node("ConvTranspose", {e.get(in[0], Order::theirs), e.permuted(in[1], {0, 3, 1, 2})},
                      {{"kernel_shape", Ints{whole(w[1]), whole(w[2])}},
                       {"strides", stride},
                       {"pads", pads_of(padding)},
                       {"dilations", dilation},
                       {"output_padding", more},
                       {"group", integer_of(e.op(), "groups")}}),
               Order::theirs);
}

/// ceil_mode becomes padding at the end, which the maximum ignores, as does a mean that does not count it.
void write_pool(Exporter& e) {
  const TracedOp& op = e.op();
  const std::size_t in = op.inputs[0];
  const Shape &x = e.shape(in), &y = e.shape(op.output);
  const bool mean = op.name == "avg_pool2d";
  const Ints size = integers_of(op, "size"), stride = integers_of(op, "stride");
  Ints padding = integers_of(op, "padding");
  bool counted = mean && flag_of(op, "count_include_pad") && std::ranges::any_of(padding, [](auto p) { return p > 0; });
  for (std::size_t k = 0; k < 2; ++k) {
    const std::int64_t reach = (whole(y[k + 1]) - 1) * stride[k] + size[k], length = whole(x[k + 1]) + padding[2 * k];
    if (reach - length <= padding[2 * k + 1]) continue;  // the windows end before the padding does
    if (counted) throw Refused{"with ceil_mode it counts some of the padding, and some not"};
    padding[2 * k + 1] = reach - length;
  }
  for (std::size_t k = 0; k < 4; ++k)
    if (padding[k] >= size[k / 2]) throw Refused{"its padding is as large as its window, which ONNX Runtime refuses"};
  std::vector<xgrad::Attribute> attributes{{"kernel_shape", size}, {"strides", stride}, {"pads", pads_of(padding)}};
  if (counted) attributes.push_back({"count_include_pad", std::int64_t{1}});
  std::string name = e.get(in, Order::theirs);
  const bool smallest = op.name == "min_pool2d";
  if (smallest) name = e.node("Neg", {name});
  name = e.node(mean ? "AveragePool" : "MaxPool", {name}, std::move(attributes));
  if (smallest) name = e.node("Neg", {name});
  e.set_output(std::move(name), Order::theirs);
}

/// Windows that are all of one size.
void write_adaptive_pool(Exporter& e) {
  const Shape &x = e.shape(e.op().inputs[0]), &y = e.shape(e.op().output);
  if (x[1] % y[1] != 0 || x[2] % y[2] != 0) throw Refused{"its windows are not all of one size"};
  const Ints size{whole(x[1] / y[1]), whole(x[2] / y[2])};
  const char* op = e.op().name == "adaptive_avg_pool2d" ? "AveragePool" : "MaxPool";
  e.set_output(e.node(op, {e.get(e.op().inputs[0], Order::theirs)}, {{"kernel_shape", size}, {"strides", size}}), Order::theirs);
}

/// A product with a matrix of ones beside the diagonal.
void write_neighbour_sum(Exporter& e) {
  const std::size_t in = e.op().inputs[0], channels = e.shape(in).back();
  const std::int64_t before = integer_of(e.op(), "before"), after = integer_of(e.op(), "after");
  std::vector<double> band(channels * channels);
  for (std::size_t k = 0; k < band.size(); ++k) {
    const std::int64_t from = whole(k / channels), to = whole(k % channels);
    band[k] = from >= to - before && from <= to + after ? 1 : 0;
  }
  e.set_output(e.node("MatMul", {e.get(in), e.tensor("neighbours", Shape{channels, channels}, band)}));
}

// Norms: a layer norm is over the last axes, a group norm over all pixels of some channels.

void write_layer_norm(Exporter& e) {
  const auto& in = e.op().inputs;
  const Ints shape = integers_of(e.op(), "shape");
  const bool weight = flag_of(e.op(), "has_weight"), bias = flag_of(e.op(), "has_bias");
  const Shape& x = e.shape(in[0]);
  std::size_t axis = x.size();
  if (weight || bias)
    axis -= e.shape(in[1]).size();
  else
    for (std::int64_t width = 1; axis > 0 && width != shape[3]; width *= whole(x[axis])) --axis;
  const Shape channels(x.begin() + static_cast<std::ptrdiff_t>(axis), x.end());
  std::vector<std::string> inputs{e.get(in[0])};
  inputs.push_back(weight ? e.get(in[1]) : e.tensor("ones", channels, std::vector<double>(size_of(channels), 1)));
  if (bias) inputs.push_back(e.get(in[weight ? 2 : 1]));
  e.set_output(e.node("LayerNormalization", std::move(inputs), {{"axis", whole(axis)}, {"epsilon", number_of(e.op(), "eps")}}));
}

/// InstanceNormalization of the groups as channels, then weight and bias.
void write_group_norm(Exporter& e) {
  const auto& in = e.op().inputs;
  const Ints shape = integers_of(e.op(), "shape");
  const std::size_t groups = static_cast<std::size_t>(shape[2]), x = in[0];
  const bool weight = flag_of(e.op(), "has_weight"), bias = flag_of(e.op(), "has_bias");
  if (e.shape(x).size() != 4) throw Refused{"it is of no images"};
  const std::string ones = e.tensor("ones", Shape{groups}, std::vector<double>(groups, 1)),
                    zeros = e.tensor("zeros", Shape{groups}, std::vector<double>(groups, 0));
  const Shape& here = e.shape(x);
  std::string name = e.node("Reshape", {e.get(x, Order::theirs), e.integers({0, whole(groups), -1})});
  name = e.node("InstanceNormalization", {name, ones, zeros}, {{"epsilon", number_of(e.op(), "eps")}});
  name = e.node("Reshape", {name, e.integers({-1, whole(here[3]), whole(here[1]), whole(here[2])})});
  if (weight) name = e.node("Mul", {name, e.get(in[1], Order::theirs)});
  if (bias) name = e.node("Add", {name, e.get(in[weight ? 2 : 1], Order::theirs)});
  e.set_output(std::move(name), Order::theirs);
}

// Views: a part of an array, at even distances. The option says where it begins and how far its elements are apart in memory.

struct Cut {
  std::vector<std::size_t> lengths, starts;  ///< of the whole, along its axes
};
Cut cut_of(std::int64_t offset, const Shape& whole_shape) {
  Cut cut{{whole_shape.begin(), whole_shape.end()}, std::vector<std::size_t>(whole_shape.size())};
  for (std::size_t k = whole_shape.size(); k-- > 0;) {
    if (whole_shape[k] == 0) throw Refused{"it is of nothing"};
    cut.starts[k] = static_cast<std::size_t>(offset) % whole_shape[k];
    offset = static_cast<std::int64_t>(static_cast<std::size_t>(offset) / whole_shape[k]);
  }
  return cut;
}
Ints strides_of(const Shape& shape) {
  Ints strides(shape.size(), 1);
  for (std::size_t k = shape.size(); k-- > 1;) strides[k - 1] = strides[k] * whole(shape[k]);
  return strides;
}

/// A place along an axis, counted from the end where that is the same in both runs.
std::int64_t place_of(std::size_t start, std::size_t other, std::size_t length, std::size_t other_length) {
  if (start == other) return whole(start);
  if (length - start == other_length - other) return -whole(length - start);
  throw Refused{"where it begins depends on the number of samples"};
}

void write_slice(Exporter& e) {
  const std::size_t x = e.op().inputs[0], y = e.op().output;
  const Shape &from = e.shape(x), &from_other = e.other_shape(x), &to = e.shape(y), &to_other = e.other_shape(y);
  const Ints strides = integers_of(e.op(), "view.strides"), own = strides_of(from);
  const Cut cut = cut_of(integer_of(e.op(), "view.offset"), from),
            other = cut_of(integer_of(e.other_op(), "view.offset"), from_other);
  if (to.size() != from.size()) throw Refused{"it has not the axes of what it reads"};
  const Order order = e.order_for(y);
  Ints starts, ends, axes, steps;
  for (std::size_t k = 0; k < from.size(); ++k) {
    const std::int64_t step = to[k] == 1 ? 1 : strides[k] / own[k];
    if (step == 0 || (to[k] != 1 && step * own[k] != strides[k])) throw Refused{"it is not along the axes"};
    if (step == 1 && to[k] == from[k] && to_other.at(k) == from_other[k]) continue;
    const std::int64_t start = place_of(cut.starts[k], other.starts[k], from[k], from_other[k]);
    // one step behind the last, and whether that is behind the end
    const auto end_of = [&](const Cut& c, const Shape& y_shape) { return whole(c.starts[k]) + step * whole(y_shape[k]); };
    const auto ends_there = [&](std::int64_t end, std::size_t length) { return step > 0 ? end >= whole(length) : end < 0; };
    const std::int64_t end = end_of(cut, to);
    const bool to_the_end = ends_there(end, from[k]) && ends_there(end_of(other, to_other), from_other[k]);
    if (!to_the_end && (to[k] != to_other[k] || start < 0 || end < 0))
      throw Refused{"where it ends depends on the number of samples"};
    starts.push_back(start);
    ends.push_back(!to_the_end ? end : step > 0 ? far : -far);
    axes.push_back(whole(placed(k, order)));
    steps.push_back(step);
  }
  std::string name = e.get(x, order);
  if (!axes.empty()) name = e.node("Slice", {name, e.integers(starts), e.integers(ends), e.integers(axes), e.integers(steps)});
  e.set_output(std::move(name), order);
}

/// One index of an axis, which is gone then.
void write_select(Exporter& e) {
  const std::size_t x = e.op().inputs[0], y = e.op().output;
  const Shape &from = e.shape(x), &from_other = e.other_shape(x), &to = e.shape(y);
  const Ints own = strides_of(from), strides = integers_of(e.op(), "view.strides");
  const Cut cut = cut_of(integer_of(e.op(), "view.offset"), from),
            other = cut_of(integer_of(e.other_op(), "view.offset"), from_other);
  if (to.size() + 1 != from.size()) throw Refused{"it has not one axis less than what it reads"};
  for (std::size_t axis = 0; axis < from.size(); ++axis) {
    bool fits = true;
    for (std::size_t k = 0; k < to.size(); ++k) {
      const std::size_t here = k < axis ? k : k + 1;
      fits &= to[k] == from[here] && (to[k] == 1 || strides[k] == own[here]) && cut.starts[here] == 0;
    }
    if (!fits) continue;
    const std::int64_t place = place_of(cut.starts[axis], other.starts[axis], from[axis], from_other[axis]);
    return e.set_output(e.node("Gather", {e.get(x), e.index(place)}, {{"axis", whole(axis)}}));
  }
  throw Refused{"it is not along the axes"};
}

void write_pad(Exporter& e) {
  const std::size_t x = e.op().inputs[0], y = e.op().output;
  const Shape &from = e.shape(x), &to = e.shape(y), &to_other = e.other_shape(y);
  if (integers_of(e.op(), "view.strides") != strides_of(to) || from.size() != to.size()) throw Refused{"it is not along the axes"};
  const Cut cut = cut_of(integer_of(e.op(), "view.offset"), to), other = cut_of(integer_of(e.other_op(), "view.offset"), to_other);
  const Order order = e.order_for(y);
  Ints pads(2 * to.size());
  for (std::size_t k = 0; k < to.size(); ++k) {
    if (cut.starts[k] != other.starts[k] || to[k] - from[k] != to_other.at(k) - e.other_shape(x)[k])
      throw Refused{"how much it pads depends on the number of samples"};
    pads[placed(k, order)] = whole(cut.starts[k]);
    pads[to.size() + placed(k, order)] = whole(to[k] - from[k] - cut.starts[k]);
  }
  e.set_output(e.node("Pad", {e.get(x, order), e.integers(pads), e.scalar(number_of(e.op(), "background"))}), order);
}

void write_concat(Exporter& e) {
  const Order order = e.order_for(e.op().output);
  const auto axis = static_cast<std::size_t>(integer_of(e.op(), "axis"));
  std::vector<std::string> parts;
  for (const std::size_t input : e.op().inputs) parts.push_back(e.get(input, order));
  e.set_output(e.node("Concat", std::move(parts), {{"axis", whole(placed(axis, order))}}), order);
}

void write_stack(Exporter& e) {
  const std::int64_t axis = integer_of(e.op(), "axis");
  std::vector<std::string> parts;
  for (const std::size_t input : e.op().inputs) parts.push_back(e.node("Unsqueeze", {e.get(input), e.integers({axis})}));
  e.set_output(e.node("Concat", std::move(parts), {{"axis", axis}}));
}

}  // namespace

const std::map<std::string_view, Write>& writers() {
  static const std::map<std::string_view, Write> table{
      {"adaptive_avg_pool2d", write_adaptive_pool},
      {"adaptive_max_pool2d", write_adaptive_pool},
      {"amax", reduction("ReduceMax")},
      {"amin", reduction("ReduceMin")},
      {"avg_pool2d", write_pool},
      {"broadcast_to", write_broadcast},
      {"concat", write_concat},
      {"conv2d", write_conv},
      {"conv_transpose2d", write_conv_transpose},
      {"cumsum", write_cumsum},
      {"flip", write_slice},
      {"group_norm", write_group_norm},
      {"instance_norm", write_group_norm},
      {"layer_norm", write_layer_norm},
      {"linear", write_linear},
      {"log_softmax", write_softmax},
      {"logsumexp", reduction("ReduceLogSumExp")},
      {"matmul", write_matmul},
      {"max_pool2d", write_pool},
      {"mean", reduction("ReduceMean")},
      {"min_pool2d", write_pool},
      {"neighbour_sum", write_neighbour_sum},
      {"norm", write_norm},
      {"pad", write_pad},
      {"permute", write_permute},
      {"prod", reduction("ReduceProd")},
      {"reshape", write_reshape},
      {"select", write_select},
      {"slice", write_slice},
      {"softmax", write_softmax},
      {"split", write_slice},
      {"stack", write_stack},
      {"std", write_variance},
      {"sum", reduction("ReduceSum", true)},
      {"tril", write_triangle},
      {"triu", write_triangle},
      {"var", write_variance},
      {"where", write_where},
  };
  return table;
}

}  // namespace xgrad::onnx

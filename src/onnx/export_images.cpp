#include <algorithm>
#include <limits>
#include <utility>

#include "export.hpp"

// Operations of images: convolutions, pools, other sizes.
namespace xgrad::onnx {
namespace {

/// {top, bottom, left, right} as ONNX has it: {top, left, bottom, right}.
Ints pads_of(const Ints& padding) { return {padding[0], padding[2], padding[1], padding[3]}; }

void write_conv(Exporter& e) {
  const auto& in = e.op().inputs;
  std::vector<std::string> inputs{e.get(in[0], Order::theirs), e.permuted(in[1], {0, 3, 1, 2})};
  if (in.size() > 2) inputs.push_back(e.get(in[2]));
  const Shape& w = e.shape(in[1]);
  e.set_output(e.node("Conv", std::move(inputs),
                      {{"kernel_shape", Ints{whole(w[1]), whole(w[2])}},
                       {"strides", integers_of(e, "stride")},
                       {"pads", pads_of(integers_of(e, "padding"))},
                       {"dilations", integers_of(e, "dilation")},
                       {"group", integer_of(e, "groups")}}),
               Order::theirs);
}

void write_conv_transpose(Exporter& e) {
  const auto& in = e.op().inputs;
  const Shape &x = e.shape(in[0]), &w = e.shape(in[1]), &y = e.shape(e.op().output);
  const Ints stride = integers_of(e, "stride"), padding = integers_of(e, "padding"), dilation = integers_of(e, "dilation");
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
                       {"group", integer_of(e, "groups")}}),
               Order::theirs);
}

/// ceil_mode becomes padding at the end, which the maximum ignores, as does a mean. Where the mean counts the other padding, that
/// is a Pad in front of it.
void write_pool(Exporter& e) {
  const TracedOp& op = e.op();
  const std::size_t in = op.inputs[0];
  const Shape &x = e.shape(in), &y = e.shape(op.output);
  const bool mean = op.name == "avg_pool2d";
  const Ints size = integers_of(e, "size"), stride = integers_of(e, "stride");
  Ints padding = integers_of(e, "padding");
  const bool counted = mean && flag_of(e, "count_include_pad") && std::ranges::any_of(padding, [](auto p) { return p > 0; });
  std::string name = e.get(in, Order::theirs);
  Ints beyond(4);
  for (std::size_t k = 0; k < 2; ++k) {
    const std::int64_t reach = (whole(y[k + 1]) - 1) * stride[k] + size[k], length = whole(x[k + 1]) + padding[2 * k];
    beyond[2 * k + 1] = std::max<std::int64_t>(0, reach - length - padding[2 * k + 1]);  // else the windows end before the padding
  }
  const bool both = counted && beyond != Ints(4);
  if (both) {
    name = e.node("Pad", {name, e.integers({0, 0, padding[0], padding[2], 0, 0, padding[1], padding[3]})});
    padding = beyond;
  } else {
    for (std::size_t k = 0; k < 4; ++k) padding[k] += beyond[k];
  }
  for (std::size_t k = 0; k < 4; ++k)
    if (padding[k] >= size[k / 2]) throw Refused{"its padding is as large as its window, which ONNX Runtime refuses"};
  std::vector<xgrad::Attribute> attributes{{"kernel_shape", size}, {"strides", stride}, {"pads", pads_of(padding)}};
  if (counted && !both) attributes.push_back({"count_include_pad", std::int64_t{1}});
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
  const std::int64_t before = integer_of(e, "before"), after = integer_of(e, "after");
  std::vector<double> band(channels * channels);
  for (std::size_t k = 0; k < band.size(); ++k) {
    const std::int64_t from = whole(k / channels), to = whole(k % channels);
    band[k] = from >= to - before && from <= to + after ? 1 : 0;
  }
  e.set_output(e.node("MatMul", {e.get(in), e.tensor("neighbours", Shape{channels, channels}, band)}));
}

/// y(i, j) = max over p, q of x(p, q) - cost(q - j) - cost(p - i), where a cost is of one axis alone: the maximum along either axis
/// of x minus a matrix, whose elements out of reach are infinite.
void write_deform_pool(Exporter& e) {
  const TracedOp& op = e.op();
  const Shape &x = e.shape(op.inputs[0]), &y = e.shape(op.output);
  const std::size_t channels = x[3];
  const Ints stride = integers_of(e, "stride");
  std::string name = e.get(op.inputs[0], Order::theirs);
  const std::string weights = e.get(op.inputs[1]);
  for (std::size_t axis = 1; axis < 3; ++axis) {
    const std::size_t from = x[axis], to = y[axis];
    std::vector<double> features(2 * to * from), outside(to * from);
    for (std::size_t i = 0; i < to; ++i)
      for (std::size_t p = 0; p < from; ++p) {
        const std::int64_t d = whole(p) - whole(i) * stride[axis - 1];
        const bool reached = !find(op.attributes, "reach") || std::abs(d) <= integers_of(e, "reach")[axis - 1];
        features[i * from + p] = reached ? static_cast<double>(d * d) : 0;
        features[(to + i) * from + p] = reached ? static_cast<double>(d) : 0;
        outside[i * from + p] = reached ? 0 : std::numeric_limits<double>::infinity();
      }
    // a and b are of the columns, c and d of the rows
    const std::string pair =
        e.node("Gather", {weights, e.integers(axis == 2 ? Ints{0, 1} : Ints{2, 3})}, {{"axis", std::int64_t{1}}});
    std::string cost = e.node("MatMul", {pair, e.tensor("displacements", Shape{2, to * from}, features)});
    cost = e.node("Add", {cost, e.tensor("out_of_reach", Shape{to * from}, outside)});
    Ints lengths{whole(channels), whole(to), whole(from)};
    lengths.insert(axis == 1 ? lengths.end() : lengths.begin() + 1, 1);
    cost = e.node("Reshape", {cost, e.integers(lengths)});
    // along the rows (n, c, 1, h, w) - (c, oh, h, 1), along the columns (n, c, h, 1, w) - (c, 1, ow, w)
    name = e.node("Unsqueeze", {name, e.integers({whole(axis + 1)})});
    name = e.node("ReduceMax", {e.node("Sub", {name, cost})}, {{"axes", Ints{axis == 1 ? 3 : 4}}, {"keepdims", std::int64_t{0}}});
  }
  e.set_output(std::move(name), Order::theirs);
}

/// Whether result i of `to`, computed as ONNX Runtime does, in float, is where it is here.
bool same_nearest(std::size_t from, std::size_t to) {
  const float scale = static_cast<float>(to) / static_cast<float>(from);
  for (std::size_t i = 0; i < to; ++i)
    if (static_cast<std::size_t>(static_cast<float>(i) / scale) != i * from / to) return false;
  return true;
}

void write_interpolate(Exporter& e) {
  const std::size_t in = e.op().inputs[0], out = e.op().output;
  const Shape &x = e.shape(in), &y = e.shape(out);
  std::string name = e.get(in, Order::theirs);
  if (integer_of(e, "mode") == 0 && !(same_nearest(x[1], y[1]) && same_nearest(x[2], y[2]))) {
    for (std::size_t axis = 1; axis < 3; ++axis) {
      Ints index;
      for (std::size_t i = 0; i < y[axis]; ++i) index.push_back(whole(i * x[axis] / y[axis]));
      name = e.node("Gather", {name, e.integers(index)}, {{"axis", whole(axis + 1)}});
    }
    return e.set_output(std::move(name), Order::theirs);
  }
  const auto sizes = [&](const Shape& shape) { return Shape{shape[0], shape[3], shape[1], shape[2]}; };
  std::vector<xgrad::Attribute> attributes;
  if (integer_of(e, "mode") == 0)
    attributes = {{"mode", std::string("nearest")},
                  {"coordinate_transformation_mode", std::string("asymmetric")},
                  {"nearest_mode", std::string("floor")}};
  else
    attributes = {{"mode", std::string("linear")},
                  {"coordinate_transformation_mode", std::string(flag_of(e, "align_corners") ? "align_corners" : "half_pixel")}};
  const std::string lengths = e.lengths(sizes(y), sizes(e.other_shape(out)));
  e.set_output(e.node("Resize", {name, "", "", lengths}, std::move(attributes)), Order::theirs);
}

}  // namespace

void add_images(std::map<std::string_view, Write>& table) {
  table.insert({
      {"adaptive_avg_pool2d", write_adaptive_pool},
      {"adaptive_max_pool2d", write_adaptive_pool},
      {"avg_pool2d", write_pool},
      {"conv2d", write_conv},
      {"conv2d_input_grad", write_conv_transpose},
      {"conv_transpose2d", write_conv_transpose},
      {"distance_transform_pool2d", write_deform_pool},
      {"interpolate", write_interpolate},
      {"max_pool2d", write_pool},
      {"min_pool2d", write_pool},
      {"neighbour_sum", write_neighbour_sum},
  });
}

}  // namespace xgrad::onnx

#include <utility>

#include "export.hpp"

// Operations that take elements by their numbers. These are constants, or what the network was given.
namespace xgrad::onnx {
namespace {

std::string index_of(Exporter& e) {
  if (!e.op().selector) throw Refused{"its indices cannot be read"};
  return e.get(*e.op().selector);
}

/// index_select and embedding: the axes of the index take the place of an axis.
void write_rows(Exporter& e) {
  const std::string index = index_of(e);
  const std::size_t axis = static_cast<std::size_t>(integer_of(e, "axis")), x = e.op().inputs[0];
  const bool in_place = e.shape(*e.op().selector).size() == 1 && e.dynamic(x);
  const Order order = in_place ? e.order_for(e.op().output) : Order::ours;
  e.set_output(e.node("Gather", {e.get(x, order), index}, {{"axis", whole(placed(axis, order))}}), order);
}

/// gather and take_along_axis; the latter may repeat x along other axes.
void write_elements(Exporter& e) {
  const std::string index = index_of(e);
  const std::size_t axis = static_cast<std::size_t>(integer_of(e, "axis")), x = e.op().inputs[0], y = e.op().output;
  const auto stretched = [&](std::size_t run) {
    Shape shape(e.shape(y, run).begin(), e.shape(y, run).end());
    for (std::size_t k = 0; k < shape.size(); ++k)
      if (k == axis || e.shape(x, run)[k] != 1) shape[k] = e.shape(x, run)[k];
    return shape;
  };
  std::string name = e.get(x);
  if (stretched(0) != e.shape(x, 0) || stretched(1) != e.shape(x, 1))
    name = e.node("Expand", {name, e.lengths(stretched(0), stretched(1))});
  e.set_output(e.node("GatherElements", {name, index}, {{"axis", whole(axis)}}));
}

void write_scatter_add(Exporter& e) {
  const std::string index = index_of(e);
  const auto& in = e.op().inputs;
  e.set_output(e.node("ScatterElements", {e.get(in[0]), index, e.get(in[1])},
                      {{"axis", integer_of(e, "axis")}, {"reduction", std::string("add")}}));
}

void write_masked_select(Exporter& e) {
  const std::string index = index_of(e);
  e.set_output(e.node("Gather", {e.node("Reshape", {e.get(e.op().inputs[0]), e.integers({-1})}), index}));
}

/// sort and topk. Which way shows in the numbers: each run says whether the first was the largest, and the smallest.
void write_order(Exporter& e) {
  const std::size_t x = e.op().inputs[0], y = e.op().output, axis = static_cast<std::size_t>(integer_of(e, "axis"));
  bool largest = true, smallest = true;
  for (std::size_t run = 0; run < Exporter::runs; ++run) {
    const Ints first = integers_of(e.op(run), "first");
    largest &= first[0] != 0;
    smallest &= first[1] != 0;
    if (e.shape(y, run)[axis] != e.shape(y)[axis]) throw Refused{"how many it takes depends on the number of samples"};
  }
  if (!largest && !smallest) throw Refused{"its order cannot be told"};
  e.set_output(e.node("TopK", {e.get(x), e.integers({whole(e.shape(y)[axis])})},
                      {{"axis", whole(axis)}, {"largest", std::int64_t{largest}}}, 2));
}

/// cross_entropy and nll_loss, whose classes are the last axis here and the second there, so rows of them.
void write_class_loss(Exporter& e) {
  const std::size_t x = e.op().inputs[0], y = e.op().output;
  const std::int64_t classes = whole(e.shape(x).back());
  if (e.other_shape(x).back() != e.shape(x).back()) throw Refused{"how many classes there are depends on the number of samples"};
  std::string scores = e.get(x), labels = index_of(e);
  const bool rows = e.shape(x).size() == 2;
  if (!rows)
    scores = e.node("Reshape", {scores, e.integers({-1, classes})}), labels = e.node("Reshape", {labels, e.integers({-1})});
  std::string loss = e.node(e.op().name == "nll_loss" ? "NegativeLogLikelihoodLoss" : "SoftmaxCrossEntropyLoss", {scores, labels},
                            {{"ignore_index", std::int64_t{-1}}, {"reduction", std::string("none")}});
  if (!rows) loss = e.node("Reshape", {loss, e.lengths(e.shape(y), e.other_shape(y))});
  e.set_output(std::move(loss));
}

/// One or two of the middle, of rows.
void write_middle(Exporter& e) {
  const Shape &x = e.shape(e.op().inputs[0]), &y = e.shape(e.op().output);
  if (x[1] != e.other_shape(e.op().inputs[0])[1]) throw Refused{"how many it takes the median of depends on the number of samples"};
  const std::int64_t half = whole(x[1] / 2);
  const std::string lower = e.node("TopK", {e.get(e.op().inputs[0]), e.integers({half + 1})},
                                   {{"axis", std::int64_t{1}}, {"largest", std::int64_t{0}}}, 2);
  e.set_output(e.node("Gather", {lower, e.integers(y[1] == 1 ? Ints{half} : Ints{half - 1, half})}, {{"axis", std::int64_t{1}}}));
}

}  // namespace

void add_indices(std::map<std::string_view, Write>& table) {
  table.insert({
      {"cross_entropy", write_class_loss},
      {"embedding", write_rows},
      {"gather", write_elements},
      {"index_select", write_rows},
      {"masked_select", write_masked_select},
      {"median", write_middle},
      {"nll_loss", write_class_loss},
      {"scatter_add", write_scatter_add},
      {"sort", write_order},
      {"take_along_axis", write_elements},
      {"topk", write_order},
  });
}

}  // namespace xgrad::onnx

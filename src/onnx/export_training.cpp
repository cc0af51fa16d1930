#include <algorithm>
#include <cmath>
#include <utility>

#include "export.hpp"

// What a network does in training alone.
namespace xgrad::onnx {
namespace {

/// By the batch's statistics. The running ones are those beside the weight: the node moves them on, and nobody reads what it makes.
void write_batch_norm(Exporter& e) {
  const auto& in = e.op().inputs;
  const std::size_t axes = e.shape(in[0]).size(), channels = e.shape(in[0]).back();
  if (axes != 2 && axes != 4) throw Refused{"in training it is of neither images nor vectors"};
  const bool weight = flag_of(e, "has_weight"), bias = flag_of(e, "has_bias");
  const auto all = [&](const char* name, double value) {
    return e.tensor(name, Shape{channels}, std::vector<double>(channels, value));
  };
  const std::string path = weight ? e.path_of(in[1]) : std::string();
  const auto running = [&](const char* name, const char* otherwise, double value) {
    const auto found = path.ends_with("weight") ? e.state(path.substr(0, path.size() - 6) + name) : std::nullopt;
    return found && e.shape(*found) == Shape{channels} ? e.get(*found) : all(otherwise, value);
  };
  const Order order = axes == 4 ? Order::theirs : Order::ours;
  std::vector<std::string> inputs{e.get(in[0], order)};
  inputs.push_back(weight ? e.get(in[1]) : all("ones", 1));
  inputs.push_back(bias ? e.get(in[weight ? 2 : 1]) : all("zeros", 0));
  inputs.push_back(running("running_mean", "zeros", 0));
  inputs.push_back(running("running_var", "ones", 1));
  e.set_output(
      e.node("BatchNormalization", std::move(inputs),
             {{"epsilon", number_of(e, "eps")}, {"momentum", 1 - number_of(e, "momentum")}, {"training_mode", std::int64_t{1}}}, 3),
      order);
}

/// The probability of a 0, of the factor of all others, 1 / (1 - p), which is 0 for p = 1.
std::string ratio(Exporter& e) {
  const double scale = number_of(e, "scale");
  return e.scalar(scale == 0 ? 1 : std::round((1 - 1 / scale) * 1e6) / 1e6);  // scale has been rounded
}

void write_dropout(Exporter& e) {
  const Order order = e.order_for(e.op().output);
  const std::string p = ratio(e);
  e.set_output(e.node("Dropout", {e.get(e.op().inputs[0], order), p, e.truth()}), order);
}

/// Whole channels: a factor for each.
void write_channel_dropout(Exporter& e) {
  const Order order = e.order_for(e.op().output);
  const std::size_t x = e.op().inputs[0];
  const auto factors = [&](std::size_t run) {
    Shape shape(e.shape(x, run).begin(), e.shape(x, run).end());
    for (std::size_t k = 1; k + 1 < shape.size(); ++k) shape[k] = 1;
    if (order == Order::theirs) std::swap(shape[1], shape[3]);
    return shape;
  };
  const std::string ones = e.node("Expand", {e.scalar(1), e.lengths(factors(0), factors(1))});
  const std::string p = ratio(e);
  const std::string mask = e.node("Dropout", {ones, p, e.truth()});
  e.set_output(e.node("Mul", {e.get(x, order), mask}), order);
}

}  // namespace

void add_training(std::map<std::string_view, Write>& table) {
  table.insert({
      {"batch_norm", write_batch_norm},
      {"dropout", write_dropout},
      {"dropout2d", write_channel_dropout},
  });
}

}  // namespace xgrad::onnx

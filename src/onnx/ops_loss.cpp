// Losses of classes.
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/loss.hpp>

#include "windows.hpp"

namespace xgrad::onnx {

namespace {

template <class T, class Options>
Options options_of(Call<T>& c) {
  Options options;
  const std::string reduction = c.text("reduction", "mean");
  if (reduction != "mean" && reduction != "sum" && reduction != "none")
    c.refuse("reduction is '" + reduction + "'; it must be mean, sum or none");
  options.reduction = reduction == "mean" ? Reduction::mean : reduction == "sum" ? Reduction::sum : Reduction::none;
  if (c.given("ignore_index")) options.ignore_index = c.integer("ignore_index", 0);
  if (c.has(2)) {
    const Variable<T> weights = c.real(2);
    if (weights.requires_grad()) c.refuse("the weights of the classes need a gradient; they must be constants");
    options.class_weights.assign(weights.value().data(), weights.value().data() + weights.size());
  }
  return options;
}

template <class T>
Values<T> negative_log_likelihood(Call<T>& c) {
  const auto options = options_of<T, NllLossOptions>(c);
  if (c.shape(0).size() < 2) c.refuse("the input has the shape " + to_string(c.shape(0)) + "; it must be (n, c, …)");
  const Labels labels = c.integers(1);
  return one<T>(nll_loss(channels_last(c.real(0), c.where), labels, options, c.where));
}

template <class T>
Values<T> softmax_cross_entropy(Call<T>& c) {
  const auto options = options_of<T, CrossEntropyOptions>(c);
  if (c.shape(0).size() < 2) c.refuse("the input has the shape " + to_string(c.shape(0)) + "; it must be (n, c, …)");
  const Labels labels = c.integers(1);
  const Variable<T> scores = c.real(0);
  Values<T> result = one<T>(cross_entropy(channels_last(scores, c.where), labels, options, c.where));
  if (c.outputs() > 1) result.push_back(log_softmax(scores, 1, c.where));
  return result;
}

}  // namespace

template <class T>
void add_losses(Table<T>& table) {
  table.insert({
      {"NegativeLogLikelihoodLoss", {negative_log_likelihood<T>, 0b110}},
      {"SoftmaxCrossEntropyLoss", {softmax_cross_entropy<T>, 0b110}},
  });
}
template void add_losses<float>(Table<float>&);
template void add_losses<double>(Table<double>&);

}  // namespace xgrad::onnx

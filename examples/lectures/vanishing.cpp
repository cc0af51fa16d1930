/// Gradients that vanish and explode: how long the gradient of each layer's weights is before anything is learned, for 2 and 20
/// logistic layers with small and large weights, for 20 ReLU layers, plain and residual; and how those with small weights learn.
#include <cmath>

#include "lecture.hpp"

using Var = xg::Variable<float>;
using Linear = xg::nn::Linear<float>;
using Step = Var (*)(const Linear&, const Var&);
constexpr std::size_t width = 32;

Var logistic(const Linear& layer, const Var& x) { return sigmoid(layer(x)); }
Var plain(const Linear& layer, const Var& x) { return relu(layer(x)); }
Var residual(const Linear& layer, const Var& x) { return x + layer(relu(x)); }

struct Stack {
  Linear first{49, width}, last{width, 10, {.init = xg::nn::init::normal(0, 0.1)}};
  std::vector<Linear> layers;
  Step through;

  Stack(std::size_t depth, double std, Step step) : through(step) {
    for (std::size_t k = 0; k < depth; ++k)
      layers.emplace_back(width, width, xg::nn::LinearOptions{.init = xg::nn::init::normal(0, std)});
  }
  Var operator()(const Var& images) const {
    Var x = first(flatten(avg_pool2d(images, 4)));
    for (const Linear& layer : layers) x = through(layer, x);
    return last(x);
  }
  XGRAD_FIELDS(first, layers, last)
};

draw::Series lengths(const char* name, const Stack& net, const xg::Batch<float>& batch) {
  backward(cross_entropy(net(batch.images), batch.labels));
  draw::Series result{name, {}, {}, true};
  for (const Linear& layer : net.layers) {
    result.x.push_back(static_cast<double>(result.x.size() + 1));
    result.y.push_back(norm(Var(layer.weight.grad())).item());
  }
  fmt::print("{:<20} first layer {:.1e}, last {:.1e}\n", name, result.y.front(), result.y.back());
  return result;
}

draw::Series learn(const char* name, const Stack& net, xg::Loader<float> loader, int epochs) {
  xg::optim::Optimizer opt(xg::nn::parameters(net), xg::optim::SGD{.lr = 0.02, .momentum = 0.9});
  draw::Series result{name, {}, {}};
  for (int epoch = 0; epoch < epochs; ++epoch)
    for (auto [images, labels] : loader) {
      const Var loss = cross_entropy(net(images), labels);
      opt.zero_grad();
      backward(loss);
      opt.step();
      result.x.push_back(static_cast<double>(result.x.size() + 1)), result.y.push_back(loss.item());
    }
  fmt::print("{:<20} loss {:.3f} after {} steps\n", name, result.y.back(), result.y.size());
  return draw::averaged(result, 60);
}

int main(int argc, char** argv) {
  return lecture(argc, argv, "Vanishing and exploding gradients", [](const Lecture& l) {
    const xg::Split data = l.digits(l.size<std::size_t>(10000, 640), 1);
    const xg::Loader<float> loader(data.train, {.batch_size = 64, .mean = {0.13}, .std = {0.31}});
    const auto batch = loader.batch(0, 0);
    const double small = 0.1, large = 0.5, he = std::sqrt(2.0 / width);
    const std::vector<draw::Series> slow{
        lengths("2 logistic, small", {2, small, logistic}, batch), lengths("2 logistic, large", {2, large, logistic}, batch),
        lengths("20 logistic, small", {20, small, logistic}, batch), lengths("20 logistic, large", {20, large, logistic}, batch)};
    const std::vector<draw::Series> fast{
        lengths("20 ReLU, small", {20, small, plain}, batch), lengths("20 ReLU, He's", {20, he, plain}, batch),
        lengths("20 ReLU, large", {20, large, plain}, batch), lengths("20 residual, small", {20, small, residual}, batch)};
    must(slow[2].y.front() < 1e-6 * slow[2].y.back(), "logistic layers let gradients vanish");
    must(fast[3].y.front() > 0.01 * fast[3].y.back(), "residual ones hand them on");
    must(fast[2].y.front() > 1e3 * fast[1].y.front(), "large weights let them explode");
    const int epochs = l.size(6, 1);
    const std::vector<draw::Series> curves{learn("20 logistic", {20, small, logistic}, loader, epochs),
                                           learn("20 ReLU", {20, small, plain}, loader, epochs),
                                           learn("20 residual", {20, small, residual}, loader, epochs)};
    const draw::Axis x{"layer"}, y{.label = "length of the gradient", .scale = draw::Scale::log};
    draw::write_svg(
        l.file("vanishing.svg"),
        draw::panels({chart(slow, {.title = "Logistic layers, small and large weights", .x = x, .y = y, .width = 480}),
                      chart(fast, {.title = "20 ReLU layers, by their weights", .x = x, .y = y, .width = 480}),
                      chart(curves, {.title = "Learning with small weights", .x = {"step"}, .y = {"loss"}, .width = 480})},
                     3));
  });
}

/// Perceptrons of two and of three layers (1986) and LeNet (1989, 1998), with ReLU and in the lecture's form (convolution, max
/// pooling, then the logistic function), learn digits.
#include "../../models/lenet.hpp"

#include "../../models/cnn.hpp"
#include "lecture.hpp"

/// Trains, and gives the accuracy on the test set after each epoch.
template <class Net>
draw::Series train(const char* name, Net net, const xg::Split& data, double rate, std::size_t epochs) {
  const xg::nn::Summary summary = xg::nn::summary(net, {1, 28, 28, 1});
  std::size_t multiply_adds = 0;
  for (const auto& row : summary.rows) multiply_adds += row.multiply_adds;
  const auto [mean, std] = channel_moments(data.train);
  xg::Loader<float> loader(data.train, {.batch_size = 64, .seed = 1, .workers = 1, .mean = mean, .std = std});
  xg::optim::Optimizer opt(xg::nn::parameters(net), xg::optim::Adam{});
  const auto schedule = xg::optim::one_cycle(epochs * loader.count(), rate);
  draw::Series curve{name, {}, {}, true};
  for (std::size_t step = 0; loader.state.epoch < epochs;) {
    for (auto [images, labels] : loader) {
      opt.options.lr = schedule(step++);
      const auto loss = cross_entropy(net(images), labels);
      opt.zero_grad();
      backward(loss);
      opt.step();
    }
    curve.x.push_back(static_cast<double>(loader.state.epoch));
    curve.y.push_back(xg::nn::evaluate(net, data.test, {.batch_size = 500, .mean = mean, .std = std}).accuracy());
  }
  fmt::print("{:<26}{:11}{:16}{:11.2f} %\n", name, summary.parameters, multiply_adds, 100 * curve.y.back());
  return curve;
}

int main(int argc, char** argv) {
  return lecture(argc, argv, "Perceptrons and LeNet learn digits", [](const Lecture& l) {
    const xg::Split data = l.digits(l.size<std::size_t>(60000, 4000), l.size<std::size_t>(10000, 500));
    const std::size_t epochs = l.size<std::size_t>(4, 2);
    fmt::print("{} digits to learn from, {} epochs, {} to test with\n\n", data.train.size(), epochs, data.test.size());
    fmt::print("network                    parameters   multiply-adds     accuracy\n");
    using xg::nn::Flatten, xg::nn::Linear, xg::nn::ReLU, xg::nn::Sequential;
    const Sequential three{Flatten{}, Linear<float>(784, 256), ReLU{}, Linear<float>(256, 128), ReLU{}, Linear<float>(128, 10)};
    const std::vector<draw::Series> curves{
        train("perceptron, two layers", xg::models::MLP<>(), data, 2e-3, epochs),
        train("perceptron, three layers", three, data, 2e-3, epochs),
        train("LeNet, ReLU", xg::models::LeNet<>(), data, 4e-3, epochs),
        train("LeNet, logistic", xg::models::LogisticLeNet<>(), data, l.size(5e-3, 1e-2), epochs)};
    must(xg::nn::parameter_count(xg::models::LeNet<>()) == 61706, "LeNet's parameters");
    for (const draw::Series& curve : curves) must(curve.y.back() > l.size(0.95, 0.2), "each learns digits");
    draw::write_chart(l.file("lenet.svg"), curves,
                      {.title = "Digits", .x = {"epoch"}, .y = {.label = "test accuracy", .scale = draw::Scale::share}});
  });
}

/// ReLU against tanh (Krizhevsky, Sutskever & Hinton 2012, figure 1): epochs until a convolutional network has the same loss on
/// what it learns from. Each has the initialisation that suits it and the best of three rates; nothing regularises.
#include "lecture.hpp"

struct Net {
  xg::Variable<float> (*phi)(xg::Variable<float>, xg::Where);
  double gain;
  xg::nn::Init init = xg::nn::init::kaiming_uniform({.gain = gain});
  xg::nn::Conv2d<float> conv1{3, 16, 5, {.padding = 2, .init = init}}, conv2{16, 32, 3, {.padding = 1, .init = init}};
  xg::nn::Conv2d<float> conv3{32, 32, 3, {.padding = 1, .init = init}};
  xg::nn::Linear<float> hidden{512, 64, {.init = init}}, out{64, 10, {.init = xg::nn::init::kaiming_uniform({.gain = 1})}};

  Net(decltype(phi) activation, double with_gain) : phi(activation), gain(with_gain) {}
  xg::Variable<float> act(xg::Variable<float> x) const { return phi(std::move(x), xg::Where::current()); }
  xg::Variable<float> operator()(xg::Variable<float> x) const {
    for (const auto* conv : {&conv1, &conv2, &conv3}) x = max_pool2d(act((*conv)(std::move(x))), 2);
    return out(act(hidden(flatten(std::move(x)))));
  }
  XGRAD_FIELDS(conv1, conv2, conv3, hidden, out)
};

/// The mean loss of each epoch, until it is below `goal` or the epochs are over.
draw::Series train(const std::string& name, Net net, const xg::Split& data, double rate, double goal, std::size_t epochs) {
  const auto [mean, std] = channel_moments(data.train);
  xg::Loader<float> loader(data.train, {.batch_size = 50, .mean = mean, .std = std});
  xg::optim::Optimizer opt(xg::nn::parameters(net), xg::optim::SGD{.lr = rate, .momentum = 0.9});
  draw::Series curve{name, {}, {}};
  while (loader.state.epoch < epochs && (curve.y.empty() || !(curve.y.back() < goal))) {
    double total = 0;
    for (auto [images, labels] : loader) {
      const auto loss = cross_entropy(net(images), labels);
      opt.zero_grad();
      backward(loss);
      opt.step();
      total += loss.item() / static_cast<double>(loader.count());
    }
    curve.x.push_back(static_cast<double>(loader.state.epoch)), curve.y.push_back(total);
  }
  fmt::print("{:<5} rate {:<6} {:3.0f} epochs, loss {:.3f}\n", name, rate, curve.x.back(), curve.y.back());
  return curve;
}

int main(int argc, char** argv) {
  return lecture(argc, argv, "ReLU against tanh: epochs to the same loss", [](const Lecture& l) {
    const xg::Split data = l.shapes(l.size<std::size_t>(4000, 1000), 10);
    const double goal = l.size(0.2, 1.5);
    // epochs to the goal, and behind all that reach it the loss that is left
    const auto rank = [&](const draw::Series& curve) {
      const double loss = curve.y.back();
      return loss < goal ? static_cast<double>(curve.x.size()) : loss < 1e3 ? 1e3 + loss : 1e9;
    };
    std::vector<draw::Series> best;
    for (const bool rectified : {true, false}) {
      draw::Series first;
      for (const double rate : {0.003, 0.01, 0.03}) {
        xg::seed(1);
        const Net net = rectified ? Net(xg::relu<float>, xg::nn::init::gain::relu) : Net(xg::tanh<float>, 1);
        const draw::Series curve = train(rectified ? "ReLU" : "tanh", net, data, rate, goal, l.size<std::size_t>(25, 10));
        if (first.x.empty() || rank(curve) < rank(first)) first = curve;
      }
      must(first.y.back() < goal || first.y.back() < 0.9 * first.y.front(), "the loss falls");
      best.push_back(first);
    }
    for (const draw::Series& curve : best)
      fmt::print("the best with {}: {} epochs to a loss of {:.3f}\n", curve.name, curve.x.size(), curve.y.back());
    draw::write_chart(l.file("relu_tanh.svg"), best,
                      {.title = "ReLU against tanh", .x = {.label = "epoch"}, .y = {.label = "training loss", .unit = "nats"}});
  });
}

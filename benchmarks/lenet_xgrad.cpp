// A user's program: trains LeNet-5 on MNIST and prints how long each epoch took.   usage: lenet_xgrad DIRECTORY EPOCHS
#include <fmt/core.h>

#include <chrono>
#include <cstdlib>
#include <xgrad/xgrad.hpp>

namespace xg = xgrad;

struct LeNet {
  xg::nn::Conv2d<float> conv1{1, 6, 5, {.padding = 2}};
  xg::nn::Conv2d<float> conv2{6, 16, 5};
  xg::nn::Linear<float> fc1{400, 120}, fc2{120, 84}, fc3{84, 10};

  xg::Variable<float> operator()(xg::Variable<float> x) const {
    x = max_pool2d(relu(conv1(std::move(x))), 2);
    x = max_pool2d(relu(conv2(std::move(x))), 2);
    x = relu(fc1(flatten(std::move(x))));
    return fc3(relu(fc2(std::move(x))));
  }
};

int main(int, char** argv) {
  xg::seed(1);
  xg::Split mnist = xg::load_mnist(argv[1]);
  xg::Loader<float> batches(std::move(mnist.train), {.batch_size = 64, .mean = {0.1307}, .std = {0.3081}});
  LeNet net;
  xg::optim::Optimizer opt(xg::nn::parameters(net), xg::optim::SGD{.lr = 0.01, .momentum = 0.9});
  for (int epoch = 0; epoch < std::atoi(argv[2]); ++epoch) {
    const auto start = std::chrono::steady_clock::now();
    double total = 0;
    for (auto [images, labels] : batches) {
      const auto loss = cross_entropy(net(images), labels);
      opt.zero_grad();
      backward(loss);
      opt.step();
      total += loss.item();
    }
    fmt::print("{:.6f} seconds, loss {:.4f}\n", std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(),
               total / static_cast<double>(batches.count()));
  }
}

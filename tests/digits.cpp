// The built-in digits are neither too easy nor too hard: what a linear classifier reaches on them, and what a small LeNet does.
#include <doctest/doctest.h>

#include <xgrad/xgrad.hpp>

#include "../models/lenet.hpp"

namespace xg = xgrad;

namespace {

struct Linear {
  xg::nn::Linear<float> layer{784, 10};
  xg::Variable<float> operator()(xg::Variable<float> x) const { return layer(flatten(std::move(x))); }
};

/// Trains with the recipe of examples/mnist.cpp; the accuracy on other digits.
template <class Net>
double accuracy_of(Net net, std::size_t digits, std::size_t epochs, double lr) {
  const xg::Dataset train = xg::digits(digits, 1), test = xg::digits(2000, 2);
  xg::Generator generator(3);
  xg::nn::initialize(net, generator);
  xg::Loader<float> loader(train, {.seed = 3, .mean = {0.1307}, .std = {0.3081}});
  xg::optim::Optimizer opt(xg::nn::parameters(net), xg::optim::SGD{.momentum = 0.9, .weight_decay = 5e-4, .nesterov = true});
  const auto schedule = xg::optim::one_cycle(epochs * loader.count(), lr);
  std::size_t step = 0;
  for (std::size_t epoch = 0; epoch < epochs; ++epoch)
    for (auto [images, labels] : loader) {
      opt.options.lr = schedule(step++);
      auto loss = cross_entropy(net(images), labels);
      opt.zero_grad();
      backward(loss);
      opt.step();
    }
  return xg::nn::evaluate(net, test, {.batch_size = 500, .mean = {0.1307}, .std = {0.3081}}).accuracy();
}

}  // namespace

TEST_CASE("a linear classifier stays under 92 % on the built-in digits") {
  const double accuracy = accuracy_of(Linear{}, 10'000, 6, 0.005);
  CHECK(accuracy < 0.92);
  CHECK(accuracy > 0.75);
}

TEST_CASE("LeNet passes 98.5 % on the built-in digits") { CHECK(accuracy_of(xg::models::LeNet<>{}, 12'000, 4, 0.05) >= 0.985); }

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
  xg::nn::initialise(net, generator);
  xg::Batches<float> batches(train, {.mean = 0.1307, .deviation = 0.3081}, generator);
  xg::optim::SGD<float> opt(xg::nn::parameters(net), {.momentum = 0.9, .weight_decay = 5e-4, .nesterov = true});
  const xg::optim::OneCycle schedule(epochs * batches.count(), lr);
  std::size_t step = 0;
  for (std::size_t epoch = 0; epoch < epochs; ++epoch)
    for (auto [images, labels] : batches) {
      opt.set_lr(schedule(step++));
      auto loss = cross_entropy(net(images), labels);
      opt.zero_grad();
      backward(loss);
      opt.step();
    }
  const xg::NoGrad no_grad;
  std::size_t right = 0;
  xg::Batches<float> all(test, {.size = 500, .shuffle = false, .mean = 0.1307, .deviation = 0.3081});
  for (auto [images, labels] : all) {
    const xg::Labels guess = argmax(net(images), -1);
    for (std::size_t i = 0; i < labels.size(); ++i) right += guess.data()[i] == labels.data()[i];
  }
  return static_cast<double>(right) / static_cast<double>(test.size());
}

}  // namespace

TEST_CASE("a linear classifier stays under 92 % on the built-in digits") {
  const double accuracy = accuracy_of(Linear{}, 10'000, 6, 0.005);
  CHECK(accuracy < 0.92);
  CHECK(accuracy > 0.75);
}

TEST_CASE("LeNet passes 98.5 % on the built-in digits") { CHECK(accuracy_of(xg::models::LeNet<>{}, 12'000, 4, 0.05) >= 0.985); }

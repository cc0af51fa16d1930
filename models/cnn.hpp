#pragma once
#include <cstddef>
#include <utility>
#include <vector>

#include <xgrad/xgrad.hpp>

namespace xgrad::models {

/// A perceptron with a hidden layer (Rumelhart, Hinton & Williams 1986), with ReLU. Images (n, 28, 28, 1) to scores (n, 10).
template <class T = float>
struct MLP {
  nn::Linear<T> hidden{784, 256}, out{256, 10};

  Variable<T> operator()(Variable<T> x) const { return out(relu(hidden(flatten(std::move(x))))); }
};

/// Convolutions of 3×3 with batch normalisation, in pairs before a max pool each, and a linear layer behind dropout: a small VGG.
/// Images (n, side, side, channels[0]) to scores (n, 10). As it is, for (n, 28, 28, 1), it has 96 554 parameters.
template <class T = float>
struct CNN {
  std::vector<nn::Conv2d<T>> convs;
  std::vector<nn::BatchNorm<T>> norms;
  nn::Dropout drop{0.3};
  nn::Linear<T> fc;

  explicit CNN(const std::vector<std::size_t>& channels = {1, 32, 32, 64, 64}, std::size_t side = 28)
      : fc(channels.back() * (side >> channels.size() / 2) * (side >> channels.size() / 2), 10,
           {.init = nn::init::kaiming_uniform({.gain = 0.1})}) {
    for (std::size_t k = 1; k < channels.size(); ++k) {
      convs.emplace_back(channels[k - 1], channels[k], 3, nn::Conv2dLayerOptions{.padding = 1, .bias = false});
      norms.emplace_back(channels[k]);
    }
  }
  Variable<T> operator()(Variable<T> x) const {
    for (std::size_t k = 0; k < convs.size(); ++k) {
      x = relu(norms[k](convs[k](std::move(x))));
      if (k % 2 == 1) x = max_pool2d(std::move(x), 2);
    }
    return fc(drop(flatten(std::move(x))));
  }
  XGRAD_FIELDS(convs, norms, drop, fc)
};

/// Two convolutions of 5×5 with batch normalisation and max pooling, a hidden layer with dropout. Images (n, 28, 28, 1) to scores
/// (n, 10).
template <class T = float>
struct TwoConv {
  nn::Conv2d<T> conv1{1, 32, 5, {.padding = 2, .bias = false}}, conv2{32, 64, 5, {.padding = 2, .bias = false}};
  nn::BatchNorm<T> norm1{32}, norm2{64};
  nn::Linear<T> fc1{3136, 128}, fc2{128, 10};
  nn::Dropout drop1{0.25}, drop2{0.5};

  Variable<T> operator()(Variable<T> x) const {
    x = max_pool2d(relu(norm1(conv1(std::move(x)))), 2);
    x = max_pool2d(relu(norm2(conv2(std::move(x)))), 2);
    x = relu(fc1(drop1(flatten(std::move(x)))));
    return fc2(drop2(std::move(x)));
  }
};

}  // namespace xgrad::models

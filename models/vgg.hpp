#pragma once
#include <cstddef>
#include <utility>
#include <vector>

#include <xgrad/xgrad.hpp>

namespace xgrad::models {

/// VGG-A (Simonyan & Zisserman 2014, "Very deep convolutional networks for large-scale image recognition"): eight convolutions of
/// 3×3 and three linear layers. Images (n, 224, 224, 3) to scores (n, 1000); 132 863 336 parameters.
template <class T = float>
struct VGGA {
  std::vector<nn::Conv2d<T>> convs = layers({3, 64, 128, 256, 256, 512, 512, 512, 512});
  nn::Linear<T> fc1{25088, 4096}, fc2{4096, 4096};
  nn::Linear<T> fc3{4096, 1000, {.init = nn::init::kaiming_uniform({.gain = 0.1})}};
  nn::Dropout drop1{0.5}, drop2{0.5};

  static std::vector<nn::Conv2d<T>> layers(const std::vector<std::size_t>& channels) {
    std::vector<nn::Conv2d<T>> result;
    for (std::size_t k = 1; k < channels.size(); ++k)
      result.emplace_back(channels[k - 1], channels[k], 3, nn::Conv2dLayerOptions{.padding = 1});
    return result;
  }
  Variable<T> operator()(Variable<T> x) const {
    for (std::size_t k = 0; k < convs.size(); ++k) {
      x = relu(convs[k](std::move(x)));
      if (k < 2 || k % 2 == 1) x = max_pool2d(std::move(x), 2);
    }
    x = drop1(relu(fc1(flatten(std::move(x)))));
    return fc3(drop2(relu(fc2(std::move(x)))));
  }
};

}  // namespace xgrad::models

#pragma once
#include <cstddef>
#include <utility>

#include <xgrad/xgrad.hpp>

namespace xgrad::models {

struct AlexNetConfig {
  std::size_t classes = 1000;
  std::size_t divide = 1;  ///< the numbers of channels and units: a smaller network
  std::size_t side = 227;  ///< pixels of the images' sides; at least 67
};
/// AlexNet (Krizhevsky et al. 2012, "ImageNet classification with deep convolutional neural networks"), with the two groups that
/// its two GPUs made. Images (n, 227, 227, 3) to scores (n, 1000); 60 965 224 parameters. The paper's alpha of the response norm
/// multiplies a sum, ours a mean over five channels.
template <class T = float>
struct AlexNet {
  nn::Conv2d<T> conv1, conv2, conv3, conv4, conv5;
  nn::Linear<T> fc6, fc7, fc8;
  nn::Dropout drop6{0.5}, drop7{0.5};

  explicit AlexNet(const AlexNetConfig& config = {}) : AlexNet(config.classes, config.divide, (config.side - 35) / 32) {}
  /// Of 1/d of the channels, with images of pixels² behind the last pool.
  AlexNet(std::size_t classes, std::size_t d, std::size_t pixels)
      : conv1(3, 96 / d, 11, {.stride = 4}),
        conv2(96 / d, 256 / d, 5, {.padding = 2, .groups = 2}),
        conv3(256 / d, 384 / d, 3, {.padding = 1}),
        conv4(384 / d, 384 / d, 3, {.padding = 1, .groups = 2}),
        conv5(384 / d, 256 / d, 3, {.padding = 1, .groups = 2}),
        fc6(pixels * pixels * 256 / d, 4096 / d),
        fc7(4096 / d, 4096 / d),
        fc8(4096 / d, classes, {.init = nn::init::kaiming_uniform({.gain = 0.1})}) {}

  Variable<T> operator()(Variable<T> x) const {
    const LocalResponseNormOptions paper{.alpha = 5e-4, .beta = 0.75, .k = 2};
    x = max_pool2d(local_response_norm(relu(conv1(std::move(x))), 5, paper), 3, {.stride = 2});
    x = max_pool2d(local_response_norm(relu(conv2(std::move(x))), 5, paper), 3, {.stride = 2});
    x = relu(conv4(relu(conv3(std::move(x)))));
    x = flatten(max_pool2d(relu(conv5(std::move(x))), 3, {.stride = 2}));
    x = drop6(relu(fc6(std::move(x))));
    return fc8(drop7(relu(fc7(std::move(x)))));
  }
  XGRAD_FIELDS(conv1, conv2, conv3, conv4, conv5, fc6, fc7, fc8, drop6, drop7)
};

}  // namespace xgrad::models

#pragma once
#include <utility>

#include <xgrad/xgrad.hpp>

namespace xgrad::models {

/// AlexNet (Krizhevsky et al. 2012, "ImageNet classification with deep convolutional neural networks"), with the two groups that
/// its two GPUs made. Images (n, 227, 227, 3) to scores (n, 1000); 60 965 224 parameters. The paper's alpha of the response norm
/// multiplies a sum, ours a mean over five channels.
template <class T = float>
struct AlexNet {
  nn::Conv2d<T> conv1{3, 96, 11, {.stride = 4}};
  nn::Conv2d<T> conv2{96, 256, 5, {.padding = 2, .groups = 2}};
  nn::Conv2d<T> conv3{256, 384, 3, {.padding = 1}};
  nn::Conv2d<T> conv4{384, 384, 3, {.padding = 1, .groups = 2}};
  nn::Conv2d<T> conv5{384, 256, 3, {.padding = 1, .groups = 2}};
  nn::Linear<T> fc6{9216, 4096}, fc7{4096, 4096};
  nn::Linear<T> fc8{4096, 1000, {.init = nn::init::kaiming_uniform({.gain = 0.1})}};
  nn::Dropout drop6{0.5}, drop7{0.5};

  Variable<T> operator()(Variable<T> x) const {
    const LocalResponseNormOptions paper{.alpha = 5e-4, .beta = 0.75, .k = 2};
    x = max_pool2d(local_response_norm(relu(conv1(std::move(x))), 5, paper), 3, {.stride = 2});
    x = max_pool2d(local_response_norm(relu(conv2(std::move(x))), 5, paper), 3, {.stride = 2});
    x = relu(conv4(relu(conv3(std::move(x)))));
    x = flatten(max_pool2d(relu(conv5(std::move(x))), 3, {.stride = 2}));
    x = drop6(relu(fc6(std::move(x))));
    return fc8(drop7(relu(fc7(std::move(x)))));
  }
};

}  // namespace xgrad::models

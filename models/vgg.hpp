#pragma once
#include <cstddef>
#include <utility>
#include <vector>

#include <xgrad/xgrad.hpp>

namespace xgrad::models {

/// A column of table 1 of Simonyan & Zisserman 2014, and its sizes, which a smaller network may change.
struct VGGConfig {
  std::vector<std::vector<std::ptrdiff_t>> filters;  ///< the sizes of the filters, stage by stage; each stage ends in a max pool
  bool response_norm = false;                        ///< behind the first convolution
  std::size_t width = 64;                            ///< channels of the first stage; each has twice as many, at most eight times
  std::size_t side = 224, hidden = 4096, classes = 1000;  ///< pixels of the images' sides, units of the linear layers
};
inline const VGGConfig vgg_a{.filters = {{3}, {3}, {3, 3}, {3, 3}, {3, 3}}},
    vgg_a_lrn{.filters = vgg_a.filters, .response_norm = true}, vgg_b{.filters = {{3, 3}, {3, 3}, {3, 3}, {3, 3}, {3, 3}}},
    vgg_c{.filters = {{3, 3}, {3, 3}, {3, 3, 1}, {3, 3, 1}, {3, 3, 1}}},
    vgg_d{.filters = {{3, 3}, {3, 3}, {3, 3, 3}, {3, 3, 3}, {3, 3, 3}}},
    vgg_e{.filters = {{3, 3}, {3, 3}, {3, 3, 3, 3}, {3, 3, 3, 3}, {3, 3, 3, 3}}};

/// VGG (Simonyan & Zisserman 2014, "Very deep convolutional networks for large-scale image recognition"): stages of convolutions,
/// then three linear layers, `VGG<> net(vgg_d)`. Images (n, 224, 224, 3) to scores (n, 1000). Parameters: A and A-LRN 132 863 336,
/// B 133 047 848, C 133 638 952, D 138 357 544, E 143 667 240.
template <class T = float>
struct VGG {
  std::vector<std::vector<nn::Conv2d<T>>> stages;
  nn::Linear<T> fc1, fc2, fc3;
  nn::Dropout drop1{0.5}, drop2{0.5};
  bool response_norm;

  explicit VGG(const VGGConfig& c = vgg_a)
      : stages(convolutions(c)),
        fc1((c.side >> stages.size()) * (c.side >> stages.size()) * stages.back().back().weight.shape()[0], c.hidden),
        fc2(c.hidden, c.hidden),
        fc3(c.hidden, c.classes, {.init = nn::init::kaiming_uniform({.gain = 0.1})}),
        response_norm(c.response_norm) {}
  static std::vector<std::vector<nn::Conv2d<T>>> convolutions(const VGGConfig& c) {
    std::vector<std::vector<nn::Conv2d<T>>> result;
    for (std::size_t in = 3, k = 0; k < c.filters.size(); ++k) {
      result.emplace_back();
      for (const std::ptrdiff_t size : c.filters[k])
        in = result.back()
                 .emplace_back(in, c.width << (k < 3 ? k : 3), size, nn::Conv2dLayerOptions{.padding = size / 2})
                 .weight.shape()[0];
    }
    return result;
  }
  /// What the convolutions see: (n, 224, 224, 3) to (n, 7, 7, 512).
  Variable<T> features(Variable<T> x) const {
    for (std::size_t k = 0; k < stages.size(); ++k) {
      for (const auto& conv : stages[k]) x = relu(conv(std::move(x)));
      if (k == 0 && response_norm) x = local_response_norm(std::move(x), 5, {.alpha = 5e-4, .beta = 0.75, .k = 2});
      x = max_pool2d(std::move(x), 2);
    }
    return x;
  }
  Variable<T> operator()(Variable<T> x) const {
    x = drop1(relu(fc1(flatten(features(std::move(x))))));
    return fc3(drop2(relu(fc2(std::move(x)))));
  }
  XGRAD_FIELDS(stages, fc1, fc2, fc3, drop1, drop2)
};

}  // namespace xgrad::models

#pragma once
#include <cstddef>
#include <utility>
#include <variant>
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
/// B 133 047 848, C 133 638 952, D 138 357 544, E 143 667 240. Layers have the names and places that they have in torchvision.
template <class T = float>
struct VGG {
  using Layer = std::variant<nn::Conv2d<T>, nn::ReLU, nn::LocalResponseNorm, nn::MaxPool2d>;
  std::vector<Layer> features;
  nn::Sequential<nn::Linear<T>, nn::ReLU, nn::Dropout, nn::Linear<T>, nn::ReLU, nn::Dropout, nn::Linear<T>> classifier;

  explicit VGG(const VGGConfig& c = vgg_a)
      : features(layers(c)),
        classifier{{(c.side >> c.filters.size()) * (c.side >> c.filters.size()) * channels(c, c.filters.size() - 1), c.hidden},
                   {},
                   nn::Dropout{0.5},
                   {c.hidden, c.hidden},
                   {},
                   nn::Dropout{0.5},
                   {c.hidden, c.classes, {.init = nn::init::kaiming_uniform({.gain = 0.1})}}} {}
  static std::size_t channels(const VGGConfig& c, std::size_t stage) { return c.width << (stage < 3 ? stage : 3); }
  static std::vector<Layer> layers(const VGGConfig& c) {
    std::vector<Layer> result;
    for (std::size_t in = 3, k = 0; k < c.filters.size(); ++k) {
      for (const std::ptrdiff_t size : c.filters[k]) {
        result.emplace_back(nn::Conv2d<T>(in, channels(c, k), size, {.padding = size / 2}));
        result.emplace_back(nn::ReLU{});
        in = channels(c, k);
      }
      if (k == 0 && c.response_norm) result.emplace_back(nn::LocalResponseNorm{5, {.alpha = 5e-4, .beta = 0.75, .k = 2}});
      result.emplace_back(nn::MaxPool2d{2});
    }
    return result;
  }
  /// What the convolutions see: (n, 224, 224, 3) to (n, 7, 7, 512).
  Variable<T> maps(Variable<T> x) const {
    for (const Layer& layer : features) x = std::visit([&](const auto& f) { return f(std::move(x)); }, layer);
    return x;
  }
  Variable<T> operator()(Variable<T> x) const { return classifier(flatten(maps(std::move(x)))); }
  XGRAD_FIELDS(features, classifier)
};

}  // namespace xgrad::models

#pragma once
#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#include <xgrad/xgrad.hpp>

namespace xgrad::models {

/// A convolution and two of 1×1 behind it: a small perceptron that slides over the image; then what follows it.
struct MlpConvConfig {
  std::ptrdiff_t size, stride, padding;
  std::array<std::size_t, 3> channels;            ///< of the three convolutions
  enum { nothing, max, average } pool = nothing;  ///< 3×3 with stride 2
  bool drop = false;                              ///< dropout of a half behind it
};
using NINConfig = std::vector<MlpConvConfig>;

/// For images (n, 32, 32, 3), to scores (n, 10): 966 986 parameters.
inline const NINConfig nin_cifar{{5, 1, 2, {192, 160, 96}, MlpConvConfig::max, true},
                                 {5, 1, 2, {192, 192, 192}, MlpConvConfig::average, true},
                                 {3, 1, 1, {192, 192, 10}}};
/// For images (n, 224, 224, 3), to scores (n, 1000): 7 595 176 parameters.
inline const NINConfig nin_imagenet{{11, 4, 0, {96, 96, 96}, MlpConvConfig::max},
                                    {5, 1, 2, {256, 256, 256}, MlpConvConfig::max},
                                    {3, 1, 1, {384, 384, 384}, MlpConvConfig::max, true},
                                    {3, 1, 1, {1024, 1024, 1000}}};

/// Network in Network (Lin, Chen & Yan 2013) with the layers of its authors' programs: no linear layer, the means of the last maps
/// are the scores (without a ReLU before, so that each may be learned). `NIN<> net(nin_imagenet)`.
template <class T = float>
struct NIN {
  std::vector<std::array<nn::Conv2d<T>, 3>> blocks;
  nn::Dropout drop{0.5};
  NINConfig config;

  explicit NIN(const NINConfig& layers = nin_cifar) : config(layers) {
    std::size_t in = 3;
    for (const MlpConvConfig& layer : config) {
      const auto& c = layer.channels;
      const bool last = blocks.size() + 1 == config.size();
      blocks.push_back(
          {nn::Conv2d<T>(in, c[0], layer.size, {.stride = layer.stride, .padding = layer.padding}), nn::Conv2d<T>(c[0], c[1], 1),
           nn::Conv2d<T>(c[1], c[2], 1, {.init = nn::init::kaiming_uniform({.gain = last ? 0.1 : nn::init::gain::relu})})});
      in = c[2];
    }
  }
  Variable<T> operator()(Variable<T> x) const {
    for (std::size_t k = 0; k < blocks.size(); ++k) {
      const auto& [conv, one, two] = blocks[k];
      x = two(relu(one(relu(conv(std::move(x))))));
      if (k + 1 < blocks.size()) x = relu(std::move(x));
      if (config[k].pool == MlpConvConfig::max) x = max_pool2d(std::move(x), 3, {.stride = 2, .ceil_mode = true});
      if (config[k].pool == MlpConvConfig::average) x = avg_pool2d(std::move(x), 3, {.stride = 2, .ceil_mode = true});
      if (config[k].drop) x = drop(std::move(x));
    }
    return global_avg_pool2d(std::move(x));
  }
  XGRAD_FIELDS(blocks, drop)
};

}  // namespace xgrad::models

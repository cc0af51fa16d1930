#pragma once
#include <array>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include <xgrad/xgrad.hpp>

namespace xgrad::models {

/// A convolution that keeps the size, or halves it with stride 2, and batch normalisation in place of a bias.
template <class T = float>
struct ConvNorm {
  nn::Conv2d<T> conv;
  nn::BatchNorm<T> norm;

  ConvNorm(std::size_t in, std::size_t out, std::ptrdiff_t size, std::ptrdiff_t stride = 1)
      : conv(in, out, size, {.stride = stride, .padding = size / 2, .bias = false}), norm(out) {}
  Variable<T> operator()(Variable<T> x) const { return norm(conv(std::move(x))); }
  XGRAD_FIELDS(conv, norm)
};

/// Two convolutions of 3×3; where it halves the size the shortcut takes every second pixel and pads the channels with zeros.
template <class T = float>
struct PaddedBlock {
  ConvNorm<T> a, b;
  std::ptrdiff_t stride, more;  // channels
  bool plain;                   // no shortcut

  PaddedBlock(std::size_t in, std::size_t out, bool without_shortcut = false)
      : a(in, out, 3, in == out ? 1 : 2),
        b(out, out, 3),
        stride(in == out ? 1 : 2),
        more(static_cast<std::ptrdiff_t>(out - in)),
        plain(without_shortcut) {}
  Variable<T> operator()(Variable<T> x) const {
    Variable<T> y = b(relu(a(x)));
    if (plain) return relu(std::move(y));
    if (more > 0) x = pad(slice(std::move(x), {{}, {.step = stride}, {.step = stride}}), {{}, {}, {}, {0, more}});
    return relu(std::move(y) + std::move(x));
  }
  XGRAD_FIELDS(a, b)
};

struct CifarResNetConfig {
  std::size_t depth = 20;  ///< 6 n + 2
  std::size_t width = 16;  ///< channels of the first stage; each of the three has twice as many
  std::size_t classes = 10;
  bool plain = false;  ///< without shortcuts, to compare
};
/// ResNet-20, 32, 44, 56, 110 for small images (He et al. 2015, "Deep residual learning for image recognition", section 4.2):
/// `CifarResNet<> net({.depth = 56})`. Images (n, 32, 32, 3) to scores (n, 10); ResNet-20 has 269 722 parameters, 32 464 154, 56
/// 853 018.
template <class T = float>
struct CifarResNet {
  ConvNorm<T> stem;
  std::vector<PaddedBlock<T>> blocks;
  nn::Linear<T> fc;

  explicit CifarResNet(const CifarResNetConfig& c = {})
      : stem(3, c.width, 3), fc(4 * c.width, c.classes, {.init = nn::init::kaiming_uniform({.gain = 0.1})}) {
    const std::size_t each = (c.depth - 2) / 6;
    for (std::size_t in = c.width, k = 0; k < 3 * each; ++k, in = blocks.back().b.conv.weight.shape()[0])
      blocks.emplace_back(in, c.width << k / each, c.plain);
  }
  Variable<T> operator()(Variable<T> x) const {
    x = relu(stem(std::move(x)));
    for (const auto& block : blocks) x = block(std::move(x));
    return fc(global_avg_pool2d(std::move(x)));
  }
  XGRAD_FIELDS(stem, blocks, fc)
};
template <class T = float>
using ResNet20 = CifarResNet<T>;

/// A convolution without a bias that keeps the size, or halves it with stride 2.
template <class T>
nn::Conv2d<T> conv(std::size_t in, std::size_t out, std::ptrdiff_t size, std::ptrdiff_t stride = 1) {
  return {in, out, size, {.stride = stride, .padding = size / 2, .bias = false}};
}
/// What stands in a block's shortcut where the shape changes: a 1×1.
template <class T>
using Downsample = std::optional<nn::Sequential<nn::Conv2d<T>, nn::BatchNorm<T>>>;

/// Two convolutions of 3×3.
template <class T = float>
struct BasicBlock {
  static constexpr std::size_t wider = 1;
  nn::Conv2d<T> conv1;
  nn::BatchNorm<T> bn1;
  nn::Conv2d<T> conv2;
  nn::BatchNorm<T> bn2;
  Downsample<T> downsample;

  BasicBlock(std::size_t in, std::size_t width, std::ptrdiff_t stride)
      : conv1(conv<T>(in, width, 3, stride)), bn1(width), conv2(conv<T>(width, width, 3)), bn2(width) {
    if (in != width) downsample.emplace(conv<T>(in, width, 1, stride), nn::BatchNorm<T>(width));
  }
  Variable<T> operator()(Variable<T> x) const {
    Variable<T> y = bn2(conv2(relu(bn1(conv1(x)))));
    return relu(std::move(y) + (downsample ? (*downsample)(std::move(x)) : std::move(x)));
  }
  XGRAD_FIELDS(conv1, bn1, conv2, bn2, downsample)
};

/// 1×1 to fewer channels, 3×3, 1×1 to four times as many.
template <class T = float>
struct Bottleneck {
  static constexpr std::size_t wider = 4;
  nn::Conv2d<T> conv1;
  nn::BatchNorm<T> bn1;
  nn::Conv2d<T> conv2;
  nn::BatchNorm<T> bn2;
  nn::Conv2d<T> conv3;
  nn::BatchNorm<T> bn3;
  Downsample<T> downsample;

  Bottleneck(std::size_t in, std::size_t width, std::ptrdiff_t stride)
      : conv1(conv<T>(in, width, 1)),
        bn1(width),
        conv2(conv<T>(width, width, 3, stride)),
        bn2(width),
        conv3(conv<T>(width, 4 * width, 1)),
        bn3(4 * width) {
    if (in != 4 * width) downsample.emplace(conv<T>(in, 4 * width, 1, stride), nn::BatchNorm<T>(4 * width));
  }
  Variable<T> operator()(Variable<T> x) const {
    Variable<T> y = relu(bn2(conv2(relu(bn1(conv1(x))))));
    y = bn3(conv3(std::move(y)));
    return relu(std::move(y) + (downsample ? (*downsample)(std::move(x)) : std::move(x)));
  }
  XGRAD_FIELDS(conv1, bn1, conv2, bn2, conv3, bn3, downsample)
};

struct ResNetConfig {
  std::vector<int> depths{3, 4, 6, 3};  ///< blocks in each stage, of which there are at most four
  std::size_t width = 64;               ///< of the first stage; each has twice as many
  std::size_t classes = 1000;
};
/// ResNets of the same paper, of BasicBlock or Bottleneck, with the stride in the 3×3 as everybody has it today. Images
/// (n, 224, 224, 3) to scores (n, 1000). Layers have the names that they have in torchvision.
template <template <class> class Block, class T = float>
struct ResNet {
  nn::Conv2d<T> conv1;
  nn::BatchNorm<T> bn1;
  std::vector<Block<T>> layer1, layer2, layer3, layer4;
  nn::Linear<T> fc;

  explicit ResNet(const ResNetConfig& c = {})
      : conv1(conv<T>(3, c.width, 7, 2)),
        bn1(c.width),
        fc((c.width << (c.depths.size() - 1)) * Block<T>::wider, c.classes, {.init = nn::init::kaiming_uniform({.gain = 0.1})}) {
    const std::array stages{&layer1, &layer2, &layer3, &layer4};
    for (std::size_t in = c.width, k = 0; k < c.depths.size(); ++k)
      for (int block = 0; block < c.depths[k]; ++block, in = (c.width << k) * Block<T>::wider)
        stages.at(k)->emplace_back(in, c.width << k, k > 0 && block == 0 ? 2 : 1);
  }
  Variable<T> operator()(Variable<T> x) const {
    x = max_pool2d(relu(bn1(conv1(std::move(x)))), 3, {.stride = 2, .padding = 1});
    for (const auto* stage : {&layer1, &layer2, &layer3, &layer4})
      for (const auto& block : *stage) x = block(std::move(x));
    return fc(global_avg_pool2d(std::move(x)));
  }
  XGRAD_FIELDS(conv1, bn1, layer1, layer2, layer3, layer4, fc)
};

/// 11 689 512 parameters.
template <class T = float>
struct ResNet18 : ResNet<BasicBlock, T> {
  using Base = ResNet<BasicBlock, T>;
  using Base::conv1, Base::bn1, Base::layer1, Base::layer2, Base::layer3, Base::layer4, Base::fc;

  ResNet18() : Base({.depths = {2, 2, 2, 2}}) {}
  XGRAD_FIELDS(conv1, bn1, layer1, layer2, layer3, layer4, fc)
};
/// 21 797 672 parameters.
template <class T = float>
using ResNet34 = ResNet<BasicBlock, T>;
/// 25 557 032 parameters.
template <class T = float>
using ResNet50 = ResNet<Bottleneck, T>;

}  // namespace xgrad::models

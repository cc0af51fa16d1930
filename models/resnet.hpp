#pragma once
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

/// Two convolutions of 3×3; a 1×1 in the shortcut where the shape changes.
template <class T = float>
struct BasicBlock {
  static constexpr std::size_t wider = 1;
  ConvNorm<T> a, b;
  std::optional<ConvNorm<T>> shortcut;

  BasicBlock(std::size_t in, std::size_t width, std::ptrdiff_t stride) : a(in, width, 3, stride), b(width, width, 3) {
    if (in != width) shortcut.emplace(in, width, 1, stride);
  }
  Variable<T> operator()(Variable<T> x) const {
    Variable<T> y = b(relu(a(x)));
    return relu(std::move(y) + (shortcut ? (*shortcut)(std::move(x)) : std::move(x)));
  }
  XGRAD_FIELDS(a, b, shortcut)
};

/// 1×1 to fewer channels, 3×3, 1×1 to four times as many; a 1×1 in the shortcut where the shape changes.
template <class T = float>
struct Bottleneck {
  static constexpr std::size_t wider = 4;
  ConvNorm<T> a, b, c;
  std::optional<ConvNorm<T>> shortcut;

  Bottleneck(std::size_t in, std::size_t width, std::ptrdiff_t stride)
      : a(in, width, 1), b(width, width, 3, stride), c(width, 4 * width, 1) {
    if (in != 4 * width) shortcut.emplace(in, 4 * width, 1, stride);
  }
  Variable<T> operator()(Variable<T> x) const {
    Variable<T> y = c(relu(b(relu(a(x)))));
    return relu(std::move(y) + (shortcut ? (*shortcut)(std::move(x)) : std::move(x)));
  }
  XGRAD_FIELDS(a, b, c, shortcut)
};

struct ResNetConfig {
  std::vector<int> depths{3, 4, 6, 3};  ///< blocks in each stage
  std::size_t width = 64;               ///< of the first stage; each has twice as many
  std::size_t classes = 1000;
};
/// ResNets of the same paper, of BasicBlock or Bottleneck, with the stride in the 3×3 as everybody has it today. Images
/// (n, 224, 224, 3) to scores (n, 1000).
template <template <class> class Block, class T = float>
struct ResNet {
  ConvNorm<T> stem;
  std::vector<Block<T>> blocks;
  nn::Linear<T> fc;

  explicit ResNet(const ResNetConfig& c = {})
      : stem(3, c.width, 7, 2),
        fc((c.width << (c.depths.size() - 1)) * Block<T>::wider, c.classes, {.init = nn::init::kaiming_uniform({.gain = 0.1})}) {
    std::size_t in = c.width, width = c.width;
    for (const int depth : c.depths) {
      for (int k = 0; k < depth; ++k, in = width * Block<T>::wider)
        blocks.emplace_back(in, width, k == 0 && width > c.width ? 2 : 1);
      width *= 2;
    }
  }
  Variable<T> operator()(Variable<T> x) const {
    x = max_pool2d(relu(stem(std::move(x))), 3, {.stride = 2, .padding = 1});
    for (const auto& block : blocks) x = block(std::move(x));
    return fc(global_avg_pool2d(std::move(x)));
  }
  XGRAD_FIELDS(stem, blocks, fc)
};

/// 11 689 512 parameters.
template <class T = float>
struct ResNet18 : ResNet<BasicBlock, T> {
  using ResNet<BasicBlock, T>::stem, ResNet<BasicBlock, T>::blocks, ResNet<BasicBlock, T>::fc;

  ResNet18() : ResNet<BasicBlock, T>({.depths = {2, 2, 2, 2}}) {}
  XGRAD_FIELDS(stem, blocks, fc)
};
/// 21 797 672 parameters.
template <class T = float>
using ResNet34 = ResNet<BasicBlock, T>;
/// 25 557 032 parameters.
template <class T = float>
using ResNet50 = ResNet<Bottleneck, T>;

}  // namespace xgrad::models

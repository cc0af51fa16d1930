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

  PaddedBlock(std::size_t in, std::size_t out)
      : a(in, out, 3, in == out ? 1 : 2), b(out, out, 3), stride(in == out ? 1 : 2), more(static_cast<std::ptrdiff_t>(out - in)) {}
  Variable<T> operator()(Variable<T> x) const {
    Variable<T> y = b(relu(a(x)));
    if (more > 0) x = pad(slice(std::move(x), {{}, {.step = stride}, {.step = stride}}), {{}, {}, {}, {0, more}});
    return relu(std::move(y) + std::move(x));
  }
  XGRAD_FIELDS(a, b)
};

/// ResNet-20 for small images (He et al. 2015, "Deep residual learning for image recognition", section 4.2). Images (n, 32, 32, 3)
/// to scores (n, 10); 269 722 parameters.
template <class T = float>
struct ResNet20 {
  ConvNorm<T> stem{3, 16, 3};
  std::vector<PaddedBlock<T>> blocks{{16, 16}, {16, 16}, {16, 16}, {16, 32}, {32, 32}, {32, 32}, {32, 64}, {64, 64}, {64, 64}};
  nn::Linear<T> fc{64, 10, {.init = nn::init::kaiming_uniform({.gain = 0.1})}};

  Variable<T> operator()(Variable<T> x) const {
    x = relu(stem(std::move(x)));
    for (const auto& block : blocks) x = block(std::move(x));
    return fc(global_avg_pool2d(std::move(x)));
  }
};

/// 1×1 to fewer channels, 3×3, 1×1 to four times as many; a 1×1 in the shortcut where the shape changes.
template <class T = float>
struct Bottleneck {
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

/// ResNet-50 of the same paper, with the stride in the 3×3 as everybody has it today. Images (n, 224, 224, 3) to scores (n, 1000);
/// 25 557 032 parameters.
template <class T = float>
struct ResNet50 {
  ConvNorm<T> stem{3, 64, 7, 2};
  std::vector<Bottleneck<T>> blocks = stages({3, 4, 6, 3});
  nn::Linear<T> fc{2048, 1000, {.init = nn::init::kaiming_uniform({.gain = 0.1})}};

  static std::vector<Bottleneck<T>> stages(const std::vector<int>& depths) {
    std::vector<Bottleneck<T>> result;
    std::size_t in = 64, width = 64;
    for (const int depth : depths) {
      for (int k = 0; k < depth; ++k, in = 4 * width) result.emplace_back(in, width, k == 0 && width > 64 ? 2 : 1);
      width *= 2;
    }
    return result;
  }
  Variable<T> operator()(Variable<T> x) const {
    x = max_pool2d(relu(stem(std::move(x))), 3, {.stride = 2, .padding = 1});
    for (const auto& block : blocks) x = block(std::move(x));
    return fc(global_avg_pool2d(std::move(x)));
  }
};

}  // namespace xgrad::models

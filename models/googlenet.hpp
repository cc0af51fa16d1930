#pragma once
#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#include <xgrad/xgrad.hpp>

namespace xgrad::models {

/// Four branches side by side: 1×1, 3×3 and 5×5 behind a 1×1 that reduces, and a pool before a 1×1.
template <class T = float>
struct Inception {
  nn::Conv2d<T> one, reduce3, three, reduce5, five, project;

  /// Channels: one, reduce3, three, reduce5, five, project.
  Inception(std::size_t in, std::array<std::size_t, 6> c)
      : one(in, c[0], 1),
        reduce3(in, c[1], 1),
        three(c[1], c[2], 3, {.padding = 1}),
        reduce5(in, c[3], 1),
        five(c[3], c[4], 5, {.padding = 2}),
        project(in, c[5], 1) {}
  Variable<T> operator()(Variable<T> x) const {
    return concat<T>({relu(one(x)), relu(three(relu(reduce3(x)))), relu(five(relu(reduce5(x)))),
                      relu(project(max_pool2d(x, 3, {.stride = 1, .padding = 1})))},
                     -1);
  }
  XGRAD_FIELDS(one, reduce3, three, reduce5, five, project)
};

/// one, reduce3, three, reduce5, five, project of the nine inceptions: table 1 of Szegedy et al. 2014.
inline constexpr std::array<std::array<std::size_t, 6>, 9> inception_channels{{{64, 96, 128, 16, 32, 32},
                                                                               {128, 128, 192, 32, 96, 64},
                                                                               {192, 96, 208, 16, 48, 64},
                                                                               {160, 112, 224, 24, 64, 64},
                                                                               {128, 128, 256, 24, 64, 64},
                                                                               {112, 144, 288, 32, 64, 64},
                                                                               {256, 160, 320, 32, 128, 128},
                                                                               {256, 160, 320, 32, 128, 128},
                                                                               {384, 192, 384, 48, 128, 128}}};

struct GoogLeNetConfig {
  std::size_t classes = 1000;
  std::size_t divide = 1;  ///< the numbers of channels: a smaller network
  std::size_t side = 224;  ///< pixels of the images' sides, for the heads; at least 80
};
/// GoogLeNet (Szegedy et al. 2014, "Going deeper with convolutions") without its auxiliary heads. Images (n, 224, 224, 3) to scores
/// (n, 1000); 6 998 552 parameters.
template <class T = float>
struct GoogLeNet {
  nn::Conv2d<T> conv1, reduce2, conv2;
  std::vector<Inception<T>> blocks;
  nn::Dropout drop{0.4};
  nn::Linear<T> fc;

  explicit GoogLeNet(const GoogLeNetConfig& c = {})
      : conv1(3, 64 / c.divide, 7, {.stride = 2, .padding = 3}),
        reduce2(64 / c.divide, 64 / c.divide, 1),
        conv2(64 / c.divide, 192 / c.divide, 3, {.padding = 1}),
        fc(1024 / c.divide, c.classes, {.init = nn::init::kaiming_uniform({.gain = 0.1})}) {
    std::size_t in = 192 / c.divide;
    for (std::array<std::size_t, 6> channels : inception_channels) {
      for (std::size_t& count : channels) count /= c.divide;
      blocks.emplace_back(in, channels);
      in = channels[0] + channels[2] + channels[4] + channels[5];
    }
  }
  Variable<T> operator()(Variable<T> x) const {
    return run(std::move(x), [](std::size_t, const Variable<T>&) {});
  }
  /// ... where see(k, y) gets what each inception gives.
  template <class See>
  Variable<T> run(Variable<T> x, See see) const {
    const Pool2dOptions half{.stride = 2, .ceil_mode = true};
    x = local_response_norm(max_pool2d(relu(conv1(std::move(x))), 3, half), 5);
    x = local_response_norm(relu(conv2(relu(reduce2(std::move(x))))), 5);
    x = max_pool2d(std::move(x), 3, half);
    for (std::size_t k = 0; k < blocks.size(); ++k) {
      if (k == 2 || k == 7) x = max_pool2d(std::move(x), 3, half);
      x = blocks[k](std::move(x));
      see(k, x);
    }
    return fc(drop(global_avg_pool2d(std::move(x))));
  }
  XGRAD_FIELDS(conv1, reduce2, conv2, blocks, drop, fc)
};

/// A classifier for training on what an inception in the middle gives: (n, 14, 14, in) to scores (n, 1000).
template <class T = float>
struct AuxiliaryHead {
  nn::Conv2d<T> conv;
  nn::Linear<T> fc1, fc2;
  nn::Dropout drop{0.7};

  /// `pixels` are those that the average pool leaves.
  AuxiliaryHead(std::size_t in, std::size_t pixels, std::size_t classes, std::size_t divide)
      : conv(in, 128 / divide, 1),
        fc1(pixels * 128 / divide, 1024 / divide),
        fc2(1024 / divide, classes, {.init = nn::init::kaiming_uniform({.gain = 0.1})}) {}
  Variable<T> operator()(Variable<T> x) const {
    x = relu(conv(avg_pool2d(std::move(x), 5, {.stride = 3})));
    return fc2(drop(relu(fc1(flatten(std::move(x))))));
  }
  XGRAD_FIELDS(conv, fc1, fc2, drop)
};

/// GoogLeNet with its two auxiliary heads, which make the gradient reach the first layers: 13 378 280 parameters. Trained, `net`
/// is used without them.
template <class T = float>
struct GoogLeNetHeads {
  GoogLeNet<T> net;
  AuxiliaryHead<T> aux1, aux2;

  explicit GoogLeNetHeads(const GoogLeNetConfig& c = {})
      : net(c),
        aux1(512 / c.divide, pixels(c.side), c.classes, c.divide),
        aux2(528 / c.divide, pixels(c.side), c.classes, c.divide) {}
  static std::size_t pixels(std::size_t side) { return ((side + 15) / 16 - 2) / 3 * (((side + 15) / 16 - 2) / 3); }

  /// The scores, and those of the heads.
  std::array<Variable<T>, 3> operator()(Variable<T> x) const {
    Variable<T> first, second;
    Variable<T> scores = net.run(std::move(x), [&](std::size_t k, const Variable<T>& y) {
      if (k == 2) first = aux1(y);
      if (k == 5) second = aux2(y);
    });
    return {std::move(scores), std::move(first), std::move(second)};
  }
  /// The cross-entropy of all three; those of the heads count 0.3 times.
  static Variable<T> loss(const std::array<Variable<T>, 3>& scores, const Labels& labels) {
    return cross_entropy(scores[0], labels) + T(0.3) * (cross_entropy(scores[1], labels) + cross_entropy(scores[2], labels));
  }
  XGRAD_FIELDS(net, aux1, aux2)
};

}  // namespace xgrad::models

#pragma once
/// A small network that learns to tell coloured shapes, for the programs that look into it.
#include <algorithm>
#include <utility>
#include <vector>

#include "lecture.hpp"

/// Three convolutions, the mean of each channel, and a linear layer. Images (n, h, w, 3) of numbers from 0 to 1 to scores (n, 10).
struct Seer {
  xg::nn::Conv2d<float> conv1{3, 24, 5, {.padding = 2, .init = xg::nn::init::kaiming_uniform({.gain = 0.3})}},
      conv2{24, 48, 3, {.padding = 1}}, conv3{48, 96, 3, {.padding = 1}};
  xg::nn::Linear<float> out{96, 10};

  /// What the convolutions see, before ReLU: (n, h, w, 24), (n, h / 2, w / 2, 48), (n, h / 4, w / 4, 96).
  std::vector<xg::Variable<float>> maps(const xg::Variable<float>& x) const {
    const auto first = conv1(4 * (x - 0.5)), middle = conv2(max_pool2d(relu(first), 2));
    return {first, middle, conv3(max_pool2d(relu(middle), 2))};
  }
  xg::Variable<float> operator()(const xg::Variable<float>& x) const { return out(global_avg_pool2d(relu(maps(x)[2]))); }
};

inline Seer trained(const xg::Split& data, std::size_t epochs) {
  Seer net;
  xg::Loader<float> loader(
      data.train,
      {.batch_size = 50, .augment = {xg::augment::Shift{.pixels = 2, .fill = xg::augment::Fill::edge}, xg::augment::Flip{}}});
  xg::optim::Optimizer opt(xg::nn::parameters(net), xg::optim::AdamW{.weight_decay = 0.2});
  const auto rate = xg::optim::one_cycle(epochs * loader.count(), 4e-3);
  for (std::size_t step = 0; loader.state.epoch < epochs;)
    for (auto [images, labels] : loader) {
      opt.options.lr = rate(step++);
      const auto loss = cross_entropy(net(images), labels);
      opt.zero_grad();
      backward(loss);
      opt.step();
    }
  fmt::print("a network of {} parameters, {} images, {} epochs: {:.1f} % of {} test images\n", xg::nn::parameter_count(net),
             data.train.size(), epochs, 100 * xg::nn::evaluate(net, data.test).accuracy(), data.test.size());
  return net;
}

/// The first `n` images of a data set as numbers from 0 to 1, (n, h, w, 3).
inline xg::Variable<float> images_of(const xg::Dataset& data, std::size_t n) {
  const xg::Loader<float> loader(data, {.batch_size = std::min(n, data.size()), .shuffle = false});
  return xg::Variable<float>(loader.batch(0, 0).images);
}

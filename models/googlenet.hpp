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

/// GoogLeNet (Szegedy et al. 2014, "Going deeper with convolutions") without its auxiliary heads. Images (n, 224, 224, 3) to scores
/// (n, 1000); 6 998 552 parameters.
template <class T = float>
struct GoogLeNet {
  nn::Conv2d<T> conv1{3, 64, 7, {.stride = 2, .padding = 3}}, reduce2{64, 64, 1}, conv2{64, 192, 3, {.padding = 1}};
  std::vector<Inception<T>> blocks{
      {192, {64, 96, 128, 16, 32, 32}},     {256, {128, 128, 192, 32, 96, 64}},   {480, {192, 96, 208, 16, 48, 64}},
      {512, {160, 112, 224, 24, 64, 64}},   {512, {128, 128, 256, 24, 64, 64}},   {512, {112, 144, 288, 32, 64, 64}},
      {528, {256, 160, 320, 32, 128, 128}}, {832, {256, 160, 320, 32, 128, 128}}, {832, {384, 192, 384, 48, 128, 128}}};
  nn::Dropout drop{0.4};
  nn::Linear<T> fc{1024, 1000, {.init = nn::init::kaiming_uniform({.gain = 0.1})}};

  Variable<T> operator()(Variable<T> x) const {
    const Pool2dOptions half{.stride = 2, .ceil_mode = true};
    x = local_response_norm(max_pool2d(relu(conv1(std::move(x))), 3, half), 5);
    x = local_response_norm(relu(conv2(relu(reduce2(std::move(x))))), 5);
    x = max_pool2d(std::move(x), 3, half);
    for (std::size_t k = 0; k < blocks.size(); ++k) {
      if (k == 2 || k == 7) x = max_pool2d(std::move(x), 3, half);
      x = blocks[k](std::move(x));
    }
    return fc(drop(global_avg_pool2d(std::move(x))));
  }
};

}  // namespace xgrad::models

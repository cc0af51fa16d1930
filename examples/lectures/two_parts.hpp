#pragma once
/// Images that all have parts, a disc and a bar, and some a figure: a disc about twelve pixels above a bar.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "lecture.hpp"

constexpr std::size_t side = 32;
constexpr std::int64_t apart = 12;

struct Scenes {
  xg::Array<float> images, figure;  // (n, 32, 32, 1); (n) of 1 and 0
  xg::Labels at;                    // (n, 2, 2): row and column of disc and bar
};

/// Every second one has a figure, whose bar is off its place by up to three pixels; of the others one half has the parts elsewhere,
/// the other half one part alone.
inline Scenes scenes(std::size_t n, xg::Generator random) {
  Scenes s{xg::normal({n, side, side, 1}, 0, 0.15, random), xg::zeros<float>({n}), xg::zeros<std::int64_t>({n, 2, 2})};
  const auto between = [&](std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(high - low + 1)));
  };
  for (std::size_t i = 0; i < n; ++i) {
    s.figure(i) = i % 2 == 0 ? 1.0F : 0.0F;
    const std::int64_t y = between(3, 13), x = between(6, 25), missing = i % 4 == 1 ? between(0, 1) : 2;
    std::int64_t dy = between(-3, 3), dx = between(-3, 3);  // a figure's bar is off its place by so much
    while (i % 2 == 1 && std::abs(dy) + std::abs(dx) < 8) dy = between(3 - y - apart, 28 - y - apart), dx = between(3 - x, 28 - x);
    const std::int64_t places[2][2]{{y, x}, {y + apart + dy, x + dx}};
    for (std::int64_t part = 0; part < 2; ++part)
      for (std::int64_t v = -3; v <= 3; ++v)
        for (std::int64_t u = -3; u <= 3; ++u) {
          const auto row = static_cast<std::size_t>(places[part][0] + v), column = static_cast<std::size_t>(places[part][1] + u);
          s.at(i, static_cast<std::size_t>(part), 0) = places[part][0],
                                                  s.at(i, static_cast<std::size_t>(part), 1) = places[part][1];
          if (part != missing && (part == 0 ? u * u + v * v <= 10 : std::abs(u) <= 1)) s.images(i, row, column, 0) += 1;
        }
  }
  return s;
}

/// One of them, in colour.
inline draw::Pixels shown(const Scenes& s, std::size_t i) {
  draw::Pixels image(xg::Shape{side, side, 3});
  for (std::size_t k = 0; k < image.size(); ++k)
    image.data()[k] = static_cast<std::uint8_t>(std::clamp(60 + 120 * s.images.data()[i * side * side + k / 3], 0.0F, 255.0F));
  return image;
}

/// How far below and to the right of its middle a filter looks: the middle of its positive weights, to whole pixels. Nothing tells
/// a filter to hold its part in its own middle.
inline std::array<std::int64_t, 2> looks_at(const xg::Variable<float>& filters, std::size_t part) {
  const xg::Array<float> w = relu(select(filters, 0, static_cast<std::ptrdiff_t>(part))).value();
  const std::size_t n = w.shape()[0];
  double all = 0, down = 0, right = 0;
  for (std::size_t i = 0; i < w.size(); ++i) {
    const auto weight = static_cast<double>(w.data()[i]);
    all += weight, down += weight * static_cast<double>(i / n), right += weight * static_cast<double>(i % n);
  }
  const double middle = static_cast<double>(n - 1) / 2;
  return {std::lround(down / all - middle), std::lround(right / all - middle)};
}

/// A frame of 9×9 around a part that was found, orange for the disc, blue for the bar.
inline void frame(draw::Pixels& image, std::int64_t row, std::int64_t column, std::size_t part) {
  constexpr std::array<std::array<std::uint8_t, 3>, 2> colours{{{240, 129, 60}, {86, 180, 233}}};
  const auto end = static_cast<std::int64_t>(side);
  for (std::int64_t v = std::max<std::int64_t>(row - 4, 0); v <= row + 4 && v < end; ++v)
    for (std::int64_t u = std::max<std::int64_t>(column - 4, 0); u <= column + 4 && u < end; ++u)
      if (std::max(std::abs(v - row), std::abs(u - column)) == 4)
        for (std::size_t c = 0; c < 3; ++c) image(static_cast<std::size_t>(v), static_cast<std::size_t>(u), c) = colours[part][c];
}

/// What a part pays that is off its place by up to 8 pixels, from blue, less than nothing, to red: a dx² + b dx + c dy² + d dy.
inline draw::Pixels costs(const xg::Variable<float>& weights) {
  xg::Array<float> map(xg::Shape{17, 17});
  const float* w = weights.value().data();
  for (std::size_t i = 0; i < map.size(); ++i) {
    const float dy = static_cast<float>(i / 17) - 8, dx = static_cast<float>(i % 17) - 8;
    map.data()[i] = w[0] * dx * dx + w[1] * dx + w[2] * dy * dy + w[3] * dy;
  }
  return draw::to_colours(map);
}

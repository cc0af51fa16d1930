#include <xgrad/data/shapes.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include <xgrad/core/parallel.hpp>
#include <xgrad/core/random.hpp>

#include "../ops/support.hpp"

namespace xgrad {
namespace {

constexpr std::size_t side = 32, channels = 3, pixels = side * side * channels;
constexpr std::array names{"disc", "ring", "square", "frame", "triangle", "cross", "star", "moon", "bars", "heart"};

/// How far (x, y) lies outside of a shape that fills about the circle of radius 1, negative inside; near the edge about right.
float outside(std::size_t shape, float x, float y) {
  const float r = std::hypot(x, y), box = std::max(std::abs(x), std::abs(y));
  switch (shape) {
    case 0:  // disc
      return r - 0.9F;
    case 1:  // ring
      return std::abs(r - 0.72F) - 0.2F;
    case 2:  // square
      return box - 0.78F;
    case 3:  // frame
      return std::abs(box - 0.64F) - 0.18F;
    case 4:  // triangle, one corner up
      return std::max(y - 0.55F, 0.866F * std::abs(x) - 0.5F * y - 0.5F);
    case 5:  // cross
      return std::max(std::min(std::abs(x), std::abs(y)) - 0.27F, box - 0.95F);
    case 6: {  // star with five points: the fifth of the plane around one of them
      constexpr float fifth = 2 * std::numbers::pi_v<float> / 5;
      const float angle = std::atan2(x, -y), turned = angle - fifth * std::round(angle / fifth);
      const float u = r * std::abs(std::sin(turned)), v = r * std::cos(turned);
      return 0.8F * u + 0.42F * v - 0.42F;
    }
    case 7:  // moon
      return std::max(r - 0.95F, 0.85F - std::hypot(x - 0.5F, y));
    case 8:  // three bars
      return std::max({std::abs(x - 0.62F * std::round(std::clamp(x / 0.62F, -1.0F, 1.0F))) - 0.17F, box - 0.85F});
    default: {  // heart
      const float u = std::abs(x), v = 0.25F - y;
      const float lobe = std::hypot(u - 0.42F, v - 0.2F) - 0.48F;
      return std::min(lobe, std::max(0.72F * u - 0.7F * v - 0.48F, v - 0.2F));
    }
  }
}

struct Colour {
  std::array<float, channels> part;
};

float brightness(const Colour& c) { return 0.3F * c.part[0] + 0.59F * c.part[1] + 0.11F * c.part[2]; }

void paint(std::size_t shape, std::uint64_t seed, std::uint8_t* out) {
  Generator random(seed);
  const auto between = [&](float low, float high) { return low + (high - low) * static_cast<float>(random.uniform()); };
  const auto colour = [&] {
    Colour c{};
    for (float& part : c.part) part = between(0, 255);
    return c;
  };
  // The shape mostly is the lighter of the two: so much a linear classifier may know.
  Colour ground = colour(), ink = colour();
  for (int k = 0; k < 50 && std::abs(brightness(ink) - brightness(ground)) < 50; ++k) ink = colour();
  if (brightness(ink) < brightness(ground) && between(0, 1) < 0.65F) std::swap(ink, ground);
  const Colour other = colour();
  const float size = between(8, 13), turn = between(-0.35F, 0.35F), x0 = between(12, 19), y0 = between(12, 19);
  const float slope_x = between(-1.5F, 1.5F), slope_y = between(-1.5F, 1.5F), noise = between(5, 25);
  // the other thing: a small disc or a thin line that goes through
  const bool line = between(0, 1) < 0.5F;
  const float small = line ? between(0.5F, 1.2F) : between(1.5F, 3), far = between(9, 17), way = between(0, 6.2832F);
  const float dx = std::cos(way), dy = std::sin(way);

  const auto part = [](float distance) { return std::clamp(0.5F - distance, 0.0F, 1.0F); };  // of a pixel that is inside
  for (std::size_t row = 0; row < side; ++row)
    for (std::size_t column = 0; column < side; ++column) {
      const float x = static_cast<float>(column) - 15.5F, y = static_cast<float>(row) - 15.5F;
      const float u = x + 15.5F - x0, v = y + 15.5F - y0;
      const float in_shape = part(size * outside(shape, (std::cos(turn) * u + std::sin(turn) * v) / size,
                                                 (std::cos(turn) * v - std::sin(turn) * u) / size));
      const float in_other = part(line ? std::abs(dx * x + dy * y - far) - small : std::hypot(x - far * dx, y - far * dy) - small);
      for (std::size_t c = 0; c < channels; ++c) {
        float level = ground.part[c] + slope_x * x + slope_y * y;
        level += in_other * (other.part[c] - level);
        level += in_shape * (ink.part[c] - level);
        level += noise * 1.7320508F * between(-1, 1);
        *out++ = static_cast<std::uint8_t>(std::clamp(level, 0.0F, 255.0F));
      }
    }
}

}  // namespace

Dataset shapes(std::size_t n, std::uint64_t seed, Where at) {
  detail::placed(at, "shapes", [&] { check_size(Shape{n}, pixels + 3 * sizeof(std::int64_t)); });
  Dataset result{make_array<std::uint8_t>(Shape{n, side, side, channels}),
                 make_array<std::int64_t>(Shape{n}),
                 {names.begin(), names.end()},
                 names.size()};
  Generator random(seed);
  const std::vector<std::size_t> order = random.permutation(n);
  std::vector<std::uint64_t> seeds(n);  // one for each picture, so that threads may share the work in any way
  for (std::uint64_t& s : seeds) s = random.next();
  parallel_for(n, 50000, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      result.labels.data()[i] = static_cast<std::int64_t>(order[i] % names.size());
      paint(order[i] % names.size(), seeds[i], result.images.data() + i * pixels);
    }
  });
  return result;
}

}  // namespace xgrad

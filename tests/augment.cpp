// What augmentation makes of images.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "support.hpp"

using namespace xgrad;
using namespace xgrad_test;

namespace {

Array<float> ramp(std::size_t h, std::size_t w, std::size_t c) {
  Array<float> image(Shape{h, w, c});
  std::iota(image.data(), image.data() + image.size(), 1.0F);
  return image;
}

}  // namespace

TEST_CASE("augmentation: whole pixels") {
  const Array<float> image = ramp(3, 4, 2);
  Generator generator(1);
  Array<float> flipped = image;
  augment::Flip{1}(flipped, generator);
  for (std::size_t y = 0; y < 3; ++y)
    for (std::size_t x = 0; x < 4; ++x)
      for (std::size_t c = 0; c < 2; ++c) CHECK(flipped(y, x, c) == image(y, 3 - x, c));
  augment::Flip{0}(flipped, generator);
  augment::Flip{1}(flipped, generator);
  CHECK(flipped == image);
  // what a shift by (dy, dx) may give, of which all come up
  for (const bool edge : {false, true}) {
    std::set<std::pair<int, int>> seen;
    for (int trial = 0; trial < 400; ++trial) {
      Array<float> moved = image;
      augment::Shift{.pixels = 1, .fill = edge ? augment::Fill::edge : augment::Fill::zeros}(moved, generator);
      int fits = 0;
      for (int dy = -1; dy <= 1; ++dy)
        for (int dx = -1; dx <= 1; ++dx) {
          bool same = true;
          for (int y = 0; y < 3; ++y)
            for (int x = 0; x < 4; ++x) {
              const int py = std::clamp(y + dy, 0, 2), px = std::clamp(x + dx, 0, 3);
              const bool out = py != y + dy || px != x + dx;
              for (int c = 0; c < 2; ++c) same &= moved(y, x, c) == (out && !edge ? 0 : image(py, px, c));
            }
          if (same) seen.emplace(dy, dx), ++fits;
        }
      CHECK(fits == 1);
    }
    CHECK(seen.size() == 9);
  }
  std::set<float> corners;
  for (int trial = 0; trial < 300; ++trial) {
    Array<float> cut = image;
    augment::Crop{.padding = 0, .height = 2, .width = 2}(cut, generator);
    CHECK(cut.shape() == Shape{2, 2, 2});
    CHECK(cut(1, 1, 1) - cut(0, 0, 0) == 11);
    corners.insert(cut(0, 0, 0));
  }
  CHECK(corners.size() == 6);
  std::set<std::ptrdiff_t> holes;
  for (int trial = 0; trial < 300; ++trial) {
    Array<float> cut = image;
    augment::Cutout{.size = 2}(cut, generator);
    holes.insert(std::count(cut.begin(), cut.end(), 0.0F));
  }
  CHECK(holes == std::set<std::ptrdiff_t>{2, 4, 8});  // a corner, an edge, inside
}

TEST_CASE("augmentation: turns, stretches and bends") {
  Generator generator(1);
  // without any change nothing changes; a ramp that is moved or scaled remains one
  const Array<float> image = ramp(9, 9, 1);
  Array<float> same = image;
  augment::Affine{}(same, generator);
  augment::Elastic{.alpha = 0}(same, generator);
  augment::Jitter{0, 0}(same, generator);
  for (std::size_t i = 0; i < 81; ++i) CHECK(same.data()[i] == doctest::Approx(std::min(image.data()[i], 1.0F)));
  for (int trial = 0; trial < 20; ++trial) {
    Array<float> moved = image;
    augment::Affine{.degrees = 30, .translate = 1, .scale = {0.9, 1.1}, .shear = 10}(moved, generator);
    const auto at = [&](std::size_t y, std::size_t x) { return static_cast<double>(moved(y, x, 0)); };
    CHECK(at(3, 3) + at(5, 5) == doctest::Approx(2 * at(4, 4)));  // linear
    CHECK(at(3, 4) - at(4, 4) == doctest::Approx(at(4, 4) - at(5, 4)));
    Array<float> turned = image;
    augment::Rotate{40}(turned, generator);
    CHECK(static_cast<double>(turned(4, 4, 0)) == doctest::Approx(41));  // the centre stays
    // lengths stay: of the ramp's gradient (1, 9)
    const double dx = static_cast<double>(turned(4, 5, 0) - turned(4, 4, 0)),
                 dy = static_cast<double>(turned(5, 4, 0) - turned(4, 4, 0));
    CHECK(std::hypot(dx, dy) == doctest::Approx(std::hypot(1, 9)));
  }
  Array<float> bent = ramp(20, 20, 1);
  augment::Elastic{.alpha = 30, .sigma = 4, .fill = augment::Fill::edge}(bent, generator);
  CHECK(bent != ramp(20, 20, 1));
  double rough = 0;
  for (std::size_t y = 6; y < 14; ++y)
    for (std::size_t x = 6; x < 13; ++x)
      rough = std::max(rough, std::abs(static_cast<double>(bent(y, x + 1, 0) - bent(y, x, 0)) - 1));
  CHECK(rough < 20);  // neighbours stay neighbours: rows are 20 apart
}

TEST_CASE("augmentation: mixup") {
  const Array<double> images = [] {
    Array<double> x(Shape{6, 2});
    std::iota(x.data(), x.data() + 12, 0.0);
    return x;
  }();
  const Labels labels{0, 1, 2, 0, 1, 2};
  Generator generator(4);
  std::vector<double> shares;
  for (int trial = 0; trial < 200; ++trial) {
    const auto [mixed, p] = augment::mixup(images, labels, 3, 2.0, generator);
    std::set<long> partners;
    double share = -1;
    for (std::size_t i = 0; i < 6; ++i)
      if (const double own = p(i, static_cast<std::size_t>(labels(i))); own < 1) share = own;  // its partner is of another class
    if (share < 0) continue;
    shares.push_back(share);
    for (std::size_t i = 0; i < 6; ++i) {
      CHECK(p(i, 0) + p(i, 1) + p(i, 2) == doctest::Approx(1));
      // the first feature is twice the index: that of the partner follows from what is mixed in
      const double partner = (mixed(i, 0) / 2 - share * static_cast<double>(i)) / (1 - share);
      CHECK(mixed(i, 1) == doctest::Approx(mixed(i, 0) + 1));
      const long j = std::lround(partner);
      CHECK(partner == doctest::Approx(static_cast<double>(j)).epsilon(1e-6));
      partners.insert(j);
      const auto other = static_cast<std::size_t>(labels(static_cast<std::size_t>(j))), own = static_cast<std::size_t>(labels(i));
      CHECK(p(i, own) == doctest::Approx(own == other ? 1 : share));
    }
    CHECK(partners.size() == 6);
  }
  // Beta(2, 2) has mean 1/2 and deviation 0.224
  double mean = 0, square = 0;
  for (double share : shares) mean += share / static_cast<double>(shares.size());
  for (double share : shares) square += (share - mean) * (share - mean) / static_cast<double>(shares.size());
  CHECK(mean == doctest::Approx(0.5).epsilon(0.15));
  CHECK(std::sqrt(square) == doctest::Approx(0.224).epsilon(0.25));
}

TEST_CASE("augmentation: options that make no sense") {
  Generator generator(1);
  const auto complains = [&](const Augmentation<float>& change, const std::string& text) {
    Array<float> image = ramp(3, 3, 1);
    const std::string what = error_of<ValueError>([&] { change(image, generator); });
    CHECK_MESSAGE(what.find(text) != std::string::npos, what);
    CHECK(image == ramp(3, 3, 1));
    Array<float> flat = ramp(1, 1, 3);
    flat = full<float>(Shape{3}, 1);
    CHECK(error_of<ShapeError>([&] { change(flat, generator); }).find("must be an image (height, width, channels)") !=
          std::string::npos);
  };
  complains(augment::Flip{1.5}, "augment::Flip: p is 1.5; it must be from 0 to 1");
  complains(augment::Crop{.padding = 1, .height = 6}, "augment::Crop: height is 6; it must be at most 5, that of the padded image");
  complains(augment::Crop{.padding = ~std::size_t{0}}, "padding is");
  complains(augment::Shift{.pixels = ~std::size_t{0}}, "pixels is");
  complains(augment::Cutout{.size = ~std::size_t{0}}, "size is");
  complains(augment::Affine{.scale = {0, 1}}, "scale[0] is 0");
  complains(augment::Affine{.shear = 90}, "shear is 90");
  complains(augment::Rotate{std::nan("")}, "degrees is nan");
  complains(augment::Elastic{.sigma = 0}, "sigma is 0");
  complains(augment::Jitter{.brightness = -1}, "brightness is -1");
}

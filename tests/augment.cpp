// What augmentation makes of images.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <string>
#include <tuple>
#include <utility>
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

/// The (dy, dx) by which `image` may have been moved to give `moved`; what was not inside is 0, or the edge's.
std::set<std::pair<int, int>> moves(const Array<float>& moved, const Array<float>& image, int most, bool edge) {
  const int h = static_cast<int>(image.shape()[0]), w = static_cast<int>(image.shape()[1]);
  std::set<std::pair<int, int>> result;
  for (int dy = -most; dy <= most; ++dy)
    for (int dx = -most; dx <= most; ++dx) {
      bool same = true;
      for (int y = 0; y < h; ++y)
        for (int x = 0; x < w; ++x) {
          const int py = std::clamp(y + dy, 0, h - 1), px = std::clamp(x + dx, 0, w - 1);
          const bool out = py != y + dy || px != x + dx;
          for (std::size_t c = 0; c < image.shape()[2]; ++c) same &= moved(y, x, c) == (out && !edge ? 0 : image(py, px, c));
        }
      if (same) result.emplace(dy, dx);
    }
  return result;
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
  // each move comes up, and nothing else; a crop as large as the image was is one
  for (const bool edge : {false, true}) {
    const augment::Fill fill = edge ? augment::Fill::edge : augment::Fill::zeros;
    for (const Augmentation<float>& change : {Augmentation<float>(augment::Shift{.pixels = 1, .fill = fill}),
                                              Augmentation<float>(augment::Crop{.padding = 1, .fill = fill})}) {
      std::set<std::pair<int, int>> seen;
      for (int trial = 0; trial < 400; ++trial) {
        Array<float> moved = image;
        change(moved, generator);
        REQUIRE(moved.shape() == image.shape());
        const std::set<std::pair<int, int>> found = moves(moved, image, 1, edge);
        REQUIRE(found.size() == 1);
        seen.insert(*found.begin());
      }
      CHECK(seen.size() == 9);
    }
  }
  Array<float> padded = image;
  augment::Crop{.padding = 1, .height = 5, .width = 6}(padded, generator);
  REQUIRE(padded.shape() == Shape{5, 6, 2});
  for (std::size_t y = 0; y < 5; ++y)
    for (std::size_t x = 0; x < 6; ++x) CHECK(padded(y, x, 1) == (y % 4 == 0 || x % 5 == 0 ? 0 : image(y - 1, x - 1, 1)));
  std::set<float> corners;
  for (int trial = 0; trial < 300; ++trial) {
    Array<float> cut = image;
    augment::Crop{.padding = 0, .height = 2, .width = 2}(cut, generator);
    CHECK(cut.shape() == Shape{2, 2, 2});
    CHECK(cut(1, 1, 1) - cut(0, 0, 0) == 11);
    corners.insert(cut(0, 0, 0));
  }
  CHECK(corners.size() == 6);
  for (const float value : {0.0F, 0.25F}) {
    std::set<std::ptrdiff_t> holes;
    for (int trial = 0; trial < 300; ++trial) {
      Array<float> cut = image;
      augment::Cutout{.size = 2, .value = static_cast<double>(value)}(cut, generator);
      holes.insert(std::count(cut.begin(), cut.end(), value));
      for (std::size_t i = 0; i < cut.size(); ++i) CHECK((cut.data()[i] == value || cut.data()[i] == image.data()[i]));
    }
    CHECK(holes == std::set<std::ptrdiff_t>{2, 4, 8});  // a corner, an edge, inside
  }
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

TEST_CASE("augmentation: how far an affine map goes") {
  // the channels are the places x and y of which a pixel was taken; at the centre the image is not at its edge
  Array<double> image(Shape{9, 9, 2});
  for (std::size_t y = 0; y < 9; ++y)
    for (std::size_t x = 0; x < 9; ++x) image(y, x, 0) = static_cast<double>(x), image(y, x, 1) = static_cast<double>(y);
  struct Map {
    double x, y;            // moved by
    double xx, xy, yx, yy;  // the place x per pixel of x and of y, and the place y
  };
  Generator generator(3);
  const auto maps = [&](const augment::Affine& change) {
    std::vector<Map> result;
    for (int trial = 0; trial < 300; ++trial) {
      Array<double> x = image;
      change(x, generator);
      result.push_back({4 - x(4, 4, 0), 4 - x(4, 4, 1), x(4, 5, 0) - x(4, 4, 0), x(5, 4, 0) - x(4, 4, 0), x(4, 5, 1) - x(4, 4, 1),
                        x(5, 4, 1) - x(4, 4, 1)});
    }
    return result;
  };
  // all of [low, high] is drawn, and nothing else
  const auto spread = [](const std::vector<Map>& all, auto f, double low, double high) {
    double least = 1e9, most = -1e9;
    for (const Map& m : all) least = std::min(least, f(m)), most = std::max(most, f(m));
    const double span = high - low, eps = 1e-12;
    CHECK(least >= low - eps);
    CHECK(least <= low + 0.05 * span + eps);
    CHECK(most <= high + eps);
    CHECK(most >= high - 0.05 * span - eps);
  };
  const auto turned = maps({.degrees = 30});
  spread(
      turned, [](const Map& m) { return std::atan2(m.yx, m.xx) * 180 / 3.14159265358979; }, -30, 30);
  for (const Map& m : turned) {
    CHECK(std::hypot(m.xx, m.yx) == doctest::Approx(1));
    CHECK(m.xy == doctest::Approx(-m.yx));
    CHECK(m.yy == doctest::Approx(m.xx));
    CHECK(std::abs(m.x) + std::abs(m.y) < 1e-12);
  }
  const auto moved = maps({.translate = 1.5});
  spread(
      moved, [](const Map& m) { return m.x; }, -1.5, 1.5);
  spread(
      moved, [](const Map& m) { return m.y; }, -1.5, 1.5);
  for (const Map& m : moved) CHECK((m.xx == doctest::Approx(1) && std::abs(m.xy) + std::abs(m.yx) < 1e-12));
  const auto scaled = maps({.scale = {0.5, 2}});
  spread(
      scaled, [](const Map& m) { return 1 / m.xx; }, 0.5, 2);  // a factor of 2 makes a thing twice as large
  for (const Map& m : scaled) CHECK((m.yy == doctest::Approx(m.xx) && std::abs(m.xy) + std::abs(m.yx) + std::abs(m.x) < 1e-12));
  const auto sheared = maps({.shear = 40});
  spread(
      sheared, [](const Map& m) { return std::atan(m.xy) * 180 / 3.14159265358979; }, -40, 40);
  for (const Map& m : sheared) CHECK((m.xx == doctest::Approx(1) && m.yy == doctest::Approx(1) && std::abs(m.yx) < 1e-12));
}

TEST_CASE("augmentation: brightness and contrast") {
  Array<float> image(Shape{1, 4, 1});  // of mean 0.5
  image(0, 0, 0) = image(0, 3, 0) = 0.4F;
  image(0, 1, 0) = 0.5F;
  image(0, 2, 0) = 0.7F;
  Generator generator(5);
  double least_more = 1, most_more = -1, least_factor = 2, most_factor = 0;
  for (int trial = 0; trial < 300; ++trial) {
    Array<float> x = image;
    augment::Jitter{.brightness = 0.1, .contrast = 0.4}(x, generator);
    const double a = static_cast<double>(x(0, 0, 0)), b = static_cast<double>(x(0, 1, 0)), c = static_cast<double>(x(0, 2, 0));
    const double more = b - 0.5, factor = (c - a) / 0.3;
    CHECK(x(0, 3, 0) == x(0, 0, 0));
    CHECK(c - b == doctest::Approx(2 * (b - a)).epsilon(1e-4));  // one factor for all, about the mean
    least_more = std::min(least_more, more), most_more = std::max(most_more, more);
    least_factor = std::min(least_factor, factor), most_factor = std::max(most_factor, factor);
  }
  for (const auto& [least, most, middle, reach] :
       {std::tuple{least_more, most_more, 0.0, 0.1}, std::tuple{least_factor, most_factor, 1.0, 0.4}}) {
    CHECK(least >= middle - reach - 1e-5);
    CHECK(least <= middle - 0.9 * reach);
    CHECK(most <= middle + reach + 1e-5);
    CHECK(most >= middle + 0.9 * reach);
  }
  std::set<float> seen;  // black and white are the ends
  for (int trial = 0; trial < 50; ++trial) {
    Array<float> x = image;
    augment::Jitter{.brightness = 9, .contrast = 0}(x, generator);
    seen.insert(x.begin(), x.end());
    CHECK(*std::min_element(x.begin(), x.end()) >= 0);
    CHECK(*std::max_element(x.begin(), x.end()) <= 1);
  }
  CHECK(seen.contains(0));
  CHECK(seen.contains(1));
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

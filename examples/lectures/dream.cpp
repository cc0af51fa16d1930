/// Gradient ascent on the image: what a unit, a class and a layer would like to see. The picture grows by octaves, is moved a
/// little at every step (jitter) and blurred now and then, so that what is found is no noise.
#include "seer.hpp"

using Var = xg::Variable<float>;

Var blurred(const Var& x) { return avg_pool2d(x, 3, {.stride = 1, .padding = 1, .count_include_pad = false}); }

/// Goes up the gradient of `liking` from an image (1, h, w, 3), at each of the sides in turn.
template <class Liking>
Var climb(Var image, const std::vector<std::ptrdiff_t>& sides, int steps, const Liking& liking) {
  for (const std::ptrdiff_t side : sides) {
    image = interpolate(image, side, {.mode = xg::Interpolation::bilinear});
    for (int step = 1; step <= steps; ++step) {
      const xg::Labels by = xg::randint({2}, -2, 3);
      const Var moved(roll(roll(image, by(0), 1), by(1), 2).value(), true);
      const Var slope = grad(liking(moved), {moved})[0];
      image = moved.detach() + 0.02 * slope / (mean(abs(slope)) + 1e-12);
      image = clamp(roll(roll(image, -by(0), 1), -by(1), 2), 0, 1);
      if (step % 4 == 0 && step < steps) image = lerp(image, blurred(image), 0.5);
    }
  }
  return image;
}

Var noise(std::size_t n) { return Var(xg::uniform({n, 32, 32, 3}, 0.3, 0.7)); }
draw::Pixels shown(const Var& image) { return draw::to_pixels(squeeze(image, 0).value()); }

int main(int argc, char** argv) {
  return lecture(argc, argv, "Activation maximisation and deep dream", [](const Lecture& l) {
    const xg::Split data = l.shapes(l.size<std::size_t>(6000, 1500), l.size<std::size_t>(2000, 400));
    const Seer net = trained(data, l.size<std::size_t>(10, 5));
    const int steps = l.size(60, 24);

    // units of the last convolution, in the middle of the picture
    const auto middle = [&](const Var& image, std::int64_t unit) {
      return mean(slice(net.maps(image)[2], {{}, {3, 5}, {3, 5}, {unit, unit + 1}}), {1, 2, 3});
    };
    const Var alive = mean(relu(net.maps(noise(64))[2]), {0, 1, 2});
    std::vector<draw::Picture> pictures;
    double least = 1e9;
    for (const std::int64_t unit : topk(alive, 8).indices) {  // those that noise excites most
      const double by_noise = mean(relu(middle(noise(64), unit))).item();
      const Var image = climb(noise(1), {16, 24, 32}, steps, [&](const Var& x) {
        return x.shape()[1] == 32 ? sum(middle(x, unit)) : mean(slice(net.maps(x)[2], 3, {unit, unit + 1}));
      });
      const double reached = relu(middle(image, unit)).item();
      least = std::min(least, reached / by_noise);
      fmt::print("unit {:>2}: {:6.3f} on noise, {:6.2f} on its picture, {:.0f} times as much\n", unit, by_noise, reached,
                 reached / by_noise);
      pictures.push_back({shown(image), fmt::format("unit {}", unit), fmt::format("{:.0f} × noise", reached / by_noise)});
    }
    must(least >= 10, "each unit is at least ten times as active as on noise");
    draw::write_gallery(l.file("dream_units.svg"), pictures,
                        {.title = "What eight units of the last convolution would like to see", .columns = 4});

    pictures.clear();
    float surest = 0, least_sure = 1;
    for (std::size_t k = 0; k < 10; ++k) {
      const xg::Labels label{static_cast<std::int64_t>(k)};
      const auto sure = [&](const Var& image) { return select(select(softmax(net(image)), 0, 0), 0, label(0)).item(); };
      const Var image = climb(noise(1), {16, 24, 32}, steps, [&](const Var& x) { return -cross_entropy(net(x), label); });
      const float p = sure(image), blurry = sure(blurred(image));
      surest = std::max(surest, p), least_sure = std::min(least_sure, p);
      fmt::print("{:<10} recognised with {:.2f} %, blurred with {:.2f} %\n", data.train.names[k], 100 * p, 100 * blurry);
      pictures.push_back({shown(image), data.train.names[k], fmt::format("{:.1f} %", 100 * p)});
    }
    must(l.size(least_sure, surest) > 0.9f,
         "the network is sure of each class in its picture, of one at least if it has hardly learned");
    draw::write_gallery(l.file("dream_classes.svg"), pictures, {.title = "What the network would call …", .columns = 5});

    pictures.clear();
    const Var start = slice(images_of(data.test, 8), 0, {5, 6});
    pictures.push_back({shown(start), "an image"});
    for (std::size_t layer = 0; layer < 3; ++layer) {
      const auto excitement = [&](const Var& x) { return mean(square(relu(net.maps(x)[layer]))); };
      const Var dream = climb(start, {48, 68, 96}, steps / 5, excitement);
      const double before = excitement(interpolate(start, 96, {.mode = xg::Interpolation::bilinear})).item(),
                   after = excitement(dream).item();
      fmt::print("convolution {}: its mean square rises from {:.3f} to {:.3f}\n", layer + 1, before, after);
      pictures.push_back(
          {shown(dream), fmt::format("convolution {}", layer + 1), fmt::format("{:.0f} times as excited", after / before)});
    }
    draw::write_gallery(l.file("dream.svg"), pictures,
                        {.title = "Deep dream: what excites a whole layer", .columns = 4, .width = 960});
  });
}

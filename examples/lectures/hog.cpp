/// Hand-made features: histograms of oriented gradients, 36 numbers for each cell of 8×8 pixels (Dalal & Triggs 2005), under a
/// linear classifier, against the same classifier on the pixels.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "lecture.hpp"

using Var = xg::Variable<float>;
constexpr double pi = std::numbers::pi;

/// (n, h / 8, w / 8, 9): how much slope each cell has in each of nine directions, shared between the two nearest.
Var histograms(const Var& images) {
  const Var grey = mean(images, {3}, {.keepdims = true});
  const Var across = reshape(Var(xg::Array<float>{-1, 0, 1}), {1, 1, 3, 1});
  const Var edges = pad(grey, {{0, 0}, {1, 1}, {1, 1}, {0, 0}}, {.mode = xg::PadMode::edge});
  const Var dx = slice(conv2d(edges, across), {{}, {1, -1}}),
            dy = slice(conv2d(edges, reshape(across, {1, 3, 1, 1})), {{}, {}, {1, -1}});
  const Var strength = hypot(dx, dy), angle = atan2(dy, dx) * (9 / pi);  // 9 is half a turn
  std::vector<Var> bins;
  for (int k = 0; k < 9; ++k) {
    const Var off = angle - k - 9 * round((angle - k) / 9);  // from -4.5 to 4.5
    bins.push_back(avg_pool2d(strength * maximum(1 - abs(off), 0), 8));
  }
  return concat(bins, 3);
}

/// (n, h / 8, w / 8, 36): the histogram of each cell in proportion to each of the four blocks of 2×2 cells that it is in.
Var features(const Var& cells) {
  const auto n = static_cast<std::ptrdiff_t>(cells.shape()[1]);
  const Var energy = pad(sum(square(cells), {3}, {.keepdims = true}), {{0, 0}, {1, 1}, {1, 1}, {0, 0}});
  const Var blocks = sqrt(4 * avg_pool2d(energy, 2, {.stride = 1}) + 1e-4);
  std::vector<Var> parts;
  for (const std::ptrdiff_t i : {0, 1})
    for (const std::ptrdiff_t j : {0, 1}) parts.push_back(minimum(cells / slice(blocks, {{}, {i, i + n}, {j, j + n}}), 0.2));
  return concat(parts, 3);
}

Var images_of(const xg::Dataset& data) {
  return Var(xg::Loader<float>(data, {.batch_size = data.size(), .shuffle = false}).batch(0, 0).images);
}

double accuracy_of_linear(const Var& train, const Var& test, const xg::Split& data, std::size_t epochs) {
  const xg::nn::Linear<float> net(train.shape()[1], 10);
  const double centre = mean(train).item(), spread = xg::std(train).item();
  xg::Loader<float> loader(xg::Source<float>(((train - centre) / spread).value(), data.train.labels), {.batch_size = 100});
  xg::optim::Optimizer opt(xg::nn::parameters(net), xg::optim::SGD{.momentum = 0.9, .weight_decay = 1e-3});
  const auto rate = xg::optim::cosine(0.01, epochs * loader.count());
  for (std::size_t step = 0; loader.state.epoch < epochs;)
    for (auto [x, y] : loader) {
      opt.options.lr = rate(step++);
      opt.zero_grad();
      backward(cross_entropy(net(x), y));
      opt.step();
    }
  return 100 * xg::nn::evaluate(net, xg::Source<float>(((test - centre) / spread).value(), data.test.labels)).accuracy();
}

/// Each cell as nine strokes along the edges that it has.
draw::Pixels strokes(const Var& cells) {
  const std::size_t side = 24, n = cells.shape()[0];
  xg::Array<float> picture(xg::Shape{n * side, n * side}, 0.0F);
  for (std::size_t y = 0; y < n * side; ++y)
    for (std::size_t x = 0; x < n * side; ++x)
      for (std::size_t k = 0; k < 9; ++k) {
        const double u = static_cast<double>(x % side) - 11.5, v = static_cast<double>(y % side) - 11.5,
                     a = static_cast<double>(k) * pi / 9;
        if (std::abs(u * std::cos(a) + v * std::sin(a)) < 0.9 && std::hypot(u, v) < 11)
          picture(y, x) = std::max(picture(y, x), cells.value()(y / side, x / side, k));
      }
  return draw::to_pixels(picture, 0, amax(cells).item());
}

int main(int argc, char** argv) {
  return lecture(argc, argv, "Histograms of oriented gradients under a linear classifier", [](const Lecture& l) {
    const xg::Split data = l.shapes(l.size<std::size_t>(20000, 500), l.size<std::size_t>(5000, 300));
    const std::size_t epochs = l.size<std::size_t>(20, 3);
    const Var train = images_of(data.train), test = images_of(data.test), cells = histograms(test);
    const double pixels = accuracy_of_linear(flatten(train), flatten(test), data, epochs);
    const double hog = accuracy_of_linear(flatten(features(histograms(train))), flatten(features(cells)), data, epochs);
    fmt::print("a linear classifier on the 3072 pixels: {:.1f} % of {} test images\n", pixels, data.test.size());
    fmt::print("on {} numbers of oriented gradients: {:.1f} %\n", flatten(features(cells)).shape()[1], hog);
    must(hog > pixels, "the features help");
    std::vector<draw::Picture> pictures;
    for (std::size_t k = 0; k < 6; ++k)
      pictures.push_back({draw::picture(data.test.images, k), data.test.names[static_cast<std::size_t>(data.test.labels(k))]});
    for (std::size_t k = 0; k < 6; ++k)
      pictures.push_back({strokes(select(cells, 0, static_cast<std::ptrdiff_t>(k))), "its gradients", "", "", draw::Look::ink});
    draw::write_gallery(l.file("hog.svg"), pictures, {.title = "Images, and the edges in each of their cells", .columns = 6});
  });
}

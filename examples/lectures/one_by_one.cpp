/// Convolutions of 1×1: a linear layer over the channels of each pixel, and what it saves in front of a 3×3.
#include "lecture.hpp"

using Var = xg::Variable<double>;

/// 256 → 256 channels by 3×3: at once, or from 64 channels that a 1×1 has made.
struct Direct {
  xg::nn::Conv2d<float> conv{256, 256, 3, {.padding = 1}};
  xg::Variable<float> operator()(xg::Variable<float> x) const { return conv(std::move(x)); }
};
struct Bottleneck {
  xg::nn::Conv2d<float> reduce{256, 64, 1}, conv{64, 256, 3, {.padding = 1}};
  xg::Variable<float> operator()(xg::Variable<float> x) const { return conv(relu(reduce(std::move(x)))); }
};

struct Cost {
  std::size_t parameters = 0, multiply_adds = 0;
  double milliseconds = 0;  // of one image, the best of some
};

template <class Net>
Cost cost(const Net& net, const xg::Shape& shape, int times) {
  const xg::nn::Summary summary = xg::nn::summary(net, shape);
  Cost result{summary.parameters};
  for (const auto& row : summary.rows) result.multiply_adds += row.multiply_adds;
  const xg::NoGrad no_grad;
  const xg::Variable<float> x(xg::normal(shape));
  result.milliseconds = least_milliseconds(times, [&] { net(x); });
  return result;
}

int main(int argc, char** argv) {
  return lecture(argc, argv, "Convolutions of 1×1", [](const Lecture& l) {
    const Var x(xg::normal<double>({2, 7, 7, 16}), true), w(xg::normal<double>({8, 16}), true), b(xg::normal<double>({8}), true);
    const Var convolved = conv2d(x, reshape(w, {8, 1, 1, 16}), b), mixed = linear(x, w, b), g(xg::normal<double>(mixed.shape()));
    const auto from_conv = grad(sum(convolved * g), {x, w, b}), from_linear = grad(sum(mixed * g), {x, w, b});
    double apart = amax(abs(convolved - mixed)).item();
    for (std::size_t k = 0; k < 3; ++k) apart = std::max(apart, amax(abs(from_conv[k] - from_linear[k])).item());
    fmt::print("a 1×1 convolution and a linear layer over channels: result and gradients at most {:.1g} apart\n\n", apart);
    must(apart < 1e-12, "they are one");

    const Cost direct = cost(Direct(), {1, 28, 28, 256}, l.size(20, 2)), less = cost(Bottleneck(), {1, 28, 28, 256}, l.size(20, 2));
    fmt::print("256 → 256 channels, 28×28   parameters   multiply-adds   milliseconds\n");
    fmt::print("3×3                        {:11}{:16}{:15.2f}\n", direct.parameters, direct.multiply_adds, direct.milliseconds);
    fmt::print("1×1 to 64, then 3×3        {:11}{:16}{:15.2f}\n", less.parameters, less.multiply_adds, less.milliseconds);
    must(direct.parameters == 590080 && direct.multiply_adds == 462422016, "the direct one's numbers");
    must(less.parameters == 164160 && less.multiply_adds == 128450560, "the bottleneck's numbers");

    // three filters of 1×1 that see brightness, red against green, yellow against blue
    const xg::Batch<float> photo = xg::Loader<float>(l.shapes(20, 20).train, {.batch_size = 20, .shuffle = false}).batch(0, 0);
    const xg::Array<float> filters{{0.3F, 0.59F, 0.11F}, {0.5F, -0.5F, 0}, {0.25F, 0.25F, -0.5F}};
    std::vector<draw::Picture> pictures;
    for (const std::int64_t k : {3, 12}) {
      const xg::Variable<float> image = slice(xg::Variable<float>(photo.images), 0, {k, k + 1});
      const xg::Variable<float> seen = conv2d(image, reshape(xg::Variable<float>(filters), {3, 1, 1, 3}));
      pictures.push_back({draw::to_pixels(squeeze(image).value()), "an image"});
      pictures.push_back({draw::to_pixels(squeeze(slice(seen, 3, {0, 1}), 0).value()), "brightness"});
      pictures.push_back(
          {draw::to_colours(squeeze(slice(seen, 3, {1, 2}), 0).value(), 0.5), "red against green", "red above 0, blue below"});
      pictures.push_back({draw::to_colours(squeeze(slice(seen, 3, {2, 3}), 0).value(), 0.5), "yellow against blue"});
    }
    draw::write_gallery(l.file("one_by_one.svg"), pictures, {.title = "Three filters of 1×1", .columns = 4});
  });
}

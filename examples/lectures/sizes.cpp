/// Sizes: of what a convolution gives, of its parameters, of the linear layer that it stands for, and of what a pixel deep in a
/// network sees of the image (its receptive field).
#include "../../models/alexnet.hpp"
#include "../../models/vgg.hpp"
#include "lecture.hpp"

using Var = xg::Variable<float>;

/// The result's side and how a summary remarks on it: ⌊(N + 2P - K) / S⌋ + 1.
void side(std::size_t n, std::ptrdiff_t k, std::ptrdiff_t p, std::ptrdiff_t s) {
  const xg::nn::Sequential net{xg::nn::Conv2d<float>(1, 1, k, {.stride = s, .padding = p})};
  const xg::nn::SummaryRow row = xg::nn::summary(net, {1, n, n, 1}).rows.at(0);
  fmt::print("{:3}{:3}{:3}{:3}{:8}{}\n", n, k, p, s, row.output[1], row.remarks.empty() ? "" : "   " + row.remarks[0]);
  const auto length = static_cast<std::ptrdiff_t>(n);
  must(static_cast<std::ptrdiff_t>(row.output[1]) == (length + 2 * p - k) / s + 1, "the formula");
}

/// The receptive fields of a network's convolutions, layer by layer.
template <class Net>
draw::Series fields(const char* name, const Net& net, const xg::Shape& shape) {
  draw::Series result{name, {}, {}, true};
  fmt::print("{}:", name);
  for (const auto& row : xg::nn::summary(net, shape).rows) {
    if (row.field.empty() || row.parameters == 0) continue;
    const int field = std::stoi(row.field);
    fmt::print(" {}", field);
    result.x.push_back(static_cast<double>(result.x.size() + 1)), result.y.push_back(field);
  }
  fmt::print("\n");
  return result;
}

int main(int argc, char** argv) {
  return lecture(argc, argv, "Sizes, parameters and receptive fields of convolutions", [](const Lecture& l) {
    fmt::print("  N  K  P  S  result\n");
    for (const std::ptrdiff_t s : {1, 2, 3}) side(7, 3, 0, s);
    side(7, 3, 1, 1);
    side(32, 5, 0, 1);
    side(28, 5, 0, 1);
    for (const std::ptrdiff_t k : {1, 3, 5, 7}) side(32, k, (k - 1) / 2, 1);  // P = (K - 1) / 2 keeps the size

    const xg::nn::Conv2d<float> ten(3, 10, 5, {.padding = 2}), six(3, 6, 5);
    const Var image(xg::zeros<float>({1, 32, 32, 3}));
    fmt::print("\nten filters of 5×5 on 32×32×3, P = 2: {}, {} parameters; six without padding: {}\n", ten(image).shape(),
               xg::nn::parameter_count(ten), six(image).shape());
    must(xg::nn::parameter_count(ten) == 760, "K²C₁C₂ + C₂");
    const std::int64_t photo = 256 * 256 * 3;
    fmt::print("a linear layer from 32·32·3 to 28·28·1 has {} weights, one filter of 5×5×3 has {}\n", 32 * 32 * 3 * 28 * 28,
               5 * 5 * 3);
    fmt::print("from 256·256·3 to 128·128·3: {}; to 32·32·36: {}\n", photo * 128 * 128 * 3, photo * 32 * 32 * 36);

    fmt::print("\nreceptive fields of the convolutions, in pixels of the image\n");
    const auto alexnet = fields("AlexNet", xg::models::AlexNet<>(), {1, 227, 227, 3});
    const auto vgg = fields("VGG-D", xg::models::VGG<>(xg::models::vgg_d), {1, 224, 224, 3});
    must(alexnet.y == std::vector<double>{11, 51, 99, 131, 163}, "AlexNet's fields");
    must(vgg.y.front() == 3 && vgg.y.at(5) == 32 && vgg.y.at(12) == 196, "those of VGG-D");
    draw::write_chart(l.file("sizes.svg"), {alexnet, vgg},
                      {.title = "Receptive fields", .x = {"convolution"}, .y = {.label = "side", .unit = "pixels of the image"}});
  });
}

// The networks of models/ have the parameters, multiply-adds, sizes and receptive fields of their papers. Large ones are made
// once, and see one image.
#include <doctest/doctest.h>

#include <cmath>

#include "../models/alexnet.hpp"
#include "../models/cnn.hpp"
#include "../models/googlenet.hpp"
#include "../models/lenet.hpp"
#include "../models/nin.hpp"
#include "../models/resnet.hpp"
#include "../models/vgg.hpp"

namespace models = xgrad::models;
namespace nn = xgrad::nn;
using xgrad::Shape;

namespace {

using Strings = std::vector<std::string>;
using Sizes = std::vector<std::size_t>;

struct Totals {
  std::size_t parameters, multiply_adds;
  bool operator==(const Totals&) const = default;
};
Totals totals(const nn::Summary& summary) {
  Totals result{summary.parameters, 0};
  for (const nn::SummaryRow& row : summary.rows) result.multiply_adds += row.multiply_adds;
  return result;
}
template <class Net>
Totals totals(const Net& net, const Shape& images) {
  return totals(nn::summary(net, images));
}
/// The receptive field of a layer, which has the name.
std::string field(const nn::Summary& summary, const std::string& name) {
  for (const nn::SummaryRow& row : summary.rows)
    if (row.name == name) return row.field;
  return "no such layer";
}
std::size_t layers_with_weights(const nn::Summary& summary) {
  std::size_t count = 0;
  for (const nn::SummaryRow& row : summary.rows) count += row.parameters > 0;
  return count;
}

/// The loss of a new network on images of noise: near ln(classes) where it takes each class for as likely.
template <class Net>
double first_loss(const Net& net, std::size_t batch, std::size_t size, std::size_t classes) {
  const auto x = xgrad::normal<float>({batch, size, size, 3});
  const auto y = xgrad::randint({batch}, 0, static_cast<std::int64_t>(classes));
  const xgrad::NoGrad guard;
  return cross_entropy(net(xgrad::Variable<float>(x)), y).item();
}

}  // namespace

TEST_CASE("models: LeNet, perceptron and small CNN") {
  CHECK(totals(models::LeNet<>(), {1, 28, 28, 1}) == Totals{61706, 416520});
  CHECK(totals(models::LogisticLeNet<>(), {1, 28, 28, 1}) == Totals{61706, 416520});
  CHECK(totals(models::MLP<>(), {1, 28, 28, 1}) == Totals{784 * 256 + 256 + 2560 + 10, 784 * 256 + 2560});
  CHECK(nn::parameter_count(models::CNN<>()) == 96554);
  CHECK(nn::parameter_count(models::TwoConv<>()) == 455018);
  xgrad::seed(1);
  CHECK(std::abs(first_loss(models::CNN<>({3, 64, 64, 128, 128, 256, 256}, 32), 8, 32, 10) - std::log(10.0)) < 0.3);
}

TEST_CASE("models: AlexNet") {
  xgrad::seed(1);
  const models::AlexNet<> net;
  const nn::Summary summary = nn::summary(net, {1, 227, 227, 3});
  CHECK(totals(summary) == Totals{60965224, 724406816});
  Sizes neurons;
  Strings fields;
  for (const nn::SummaryRow& row : summary.rows)
    if (!row.name.empty()) {
      neurons.push_back(xgrad::size_of(row.output));
      if (row.output.size() == 4) fields.push_back(row.field);
    }
  CHECK(neurons == Sizes{290400, 186624, 64896, 64896, 43264, 4096, 4096, 1000});
  CHECK(summary.rows.front().output == Shape{1, 55, 55, 96});  // a lecture prints 253440 = 55·48·96, and so 55·7·96 too few
  CHECK(neurons.front() - 253440 == 55 * 7 * 96);
  CHECK(fields == Strings{"11×11", "51×51", "99×99", "131×131", "163×163"});
  CHECK(std::abs(first_loss(net, 1, 227, 1000) - std::log(1000.0)) < 1);
}

// One network whose convolutions are changed: the linear layers, nearly all of the parameters, are the same.
TEST_CASE("models: VGG A, A-LRN, B, C, D, E") {
  struct Row {
    const models::VGGConfig& config;
    std::size_t layers;
    Totals totals;
  };
  models::VGG<> net;
  for (const auto& [config, layers, expected] : {
           Row{models::vgg_a, 11, {132863336, 7609090048}},
           Row{models::vgg_a_lrn, 11, {132863336, 7609090048}},
           Row{models::vgg_b, 13, {133047848, 11308466176}},
           Row{models::vgg_c, 16, {133638952, 11770888192}},
           Row{models::vgg_d, 16, {138357544, 15470264320}},
           Row{models::vgg_e, 19, {143667240, 19632062464}},
       }) {
    net.features = models::VGG<>::layers(config);
    const nn::Summary summary = nn::summary(net, {1, 224, 224, 3});
    CHECK(totals(summary) == expected);
    CHECK(layers_with_weights(summary) == layers);
    const bool normed = std::ranges::any_of(summary.rows, [](const auto& row) { return row.op == "local_response_norm"; });
    CHECK(normed == config.response_norm);
    if (&config != &models::vgg_d) continue;
    CHECK(std::abs(first_loss(net, 1, 224, 1000) - std::log(1000.0)) < 1);
    CHECK(field(summary, "features.0") == "3×3");
    CHECK(field(summary, "features.12") == "32×32");
    CHECK(field(summary, "features.28") == "196×196");
  }
}

TEST_CASE("models: VGG as it is made of a configuration, and what its convolutions see") {
  models::VGGConfig small = models::vgg_d;
  small.width = 4, small.side = 64, small.hidden = 8, small.classes = 5;
  const models::VGG<double> net(small);
  const xgrad::Variable<double> x(xgrad::normal<double>({2, 64, 64, 3}));
  CHECK(net.maps(x).shape() == Shape{2, 2, 2, 32});
  CHECK(net(x).shape() == Shape{2, 5});
  CHECK(nn::named_parameters(net).front().name == "features.0.weight");
}

TEST_CASE("models: GoogLeNet, its heads, and VGG D beside it") {
  xgrad::seed(1);
  const models::GoogLeNetHeads<> heads;
  CHECK(totals(heads.net, {1, 224, 224, 3}) == Totals{6998552, 1582671872});
  const nn::Summary summary = nn::summary(heads, {1, 224, 224, 3});
  CHECK(totals(summary) == Totals{13378280, 1582671872 + 8372224});
  CHECK(summary.unused.empty());
  CHECK(std::abs(first_loss(heads.net, 1, 64, 1000) - std::log(1000.0)) < 1);
  CHECK(138357544 / 6998552.0 == doctest::Approx(19.8).epsilon(0.005));
  CHECK(15470264320 / 1582671872.0 == doctest::Approx(9.8).epsilon(0.005));
}

TEST_CASE("models: GoogLeNet's losses are added, those of the heads three tenths") {
  const auto scores = [](double right, double wrong) {
    xgrad::Array<double> value(Shape{1, 2});
    value(0, 0) = right;
    value(0, 1) = wrong;
    return xgrad::Variable<double>(std::move(value), true);
  };
  const auto first = scores(1, 0), second = scores(0, 2), third = scores(3, 3);
  const auto loss = models::GoogLeNetHeads<double>::loss({first, second, third}, {0});
  CHECK(loss.item() == doctest::Approx(std::log(1 + std::exp(-1)) + 0.3 * (std::log(1 + std::exp(2)) + std::log(2))));
  CHECK(grad(loss, {third})[0].value()(0, 0) == doctest::Approx(-0.3 / 2));
}

TEST_CASE("models: ResNets for small images and for large") {
  const auto images = [](std::size_t side) { return Shape{1, side, side, 3}; };
  xgrad::seed(1);
  const models::ResNet20<> resnet20;
  CHECK(totals(resnet20, images(32)) == Totals{269722, 40551040});
  CHECK(std::abs(first_loss(resnet20, 8, 32, 10) - std::log(10.0)) < 0.3);
  CHECK(totals(models::CifarResNet<>({.depth = 32}), images(32)) == Totals{464154, 68862592});
  CHECK(nn::parameter_count(models::CifarResNet<>({.plain = true})) == 269722);
  CHECK(totals(models::ResNet18<>(), images(224)) == Totals{11689512, 1814073344});
  CHECK(totals(models::ResNet34<>(), images(224)) == Totals{21797672, 3663761408});
  const models::ResNet50<> resnet50;
  CHECK(std::abs(first_loss(resnet50, 2, 64, 1000) - std::log(1000.0)) < 0.3);
  const nn::Summary summary = nn::summary(resnet50, images(224));
  CHECK(totals(summary) == Totals{25557032, 4089184256});
  CHECK(layers_with_weights(summary) == 2 * 53 + 1);  // a norm behind each convolution, four shortcuts
  const nn::Summary small = nn::summary(models::CifarResNet<>({.depth = 56}), images(32));
  CHECK(totals(small) == Totals{853018, 125485696});
  CHECK(layers_with_weights(small) == 2 * 55 + 1);
}

TEST_CASE("models: Network in Network for small images and for large") {
  xgrad::seed(1);
  const models::NIN<> nin;
  CHECK(totals(nin, {1, 32, 32, 3}) == Totals{966986, 222486528});
  CHECK(std::abs(first_loss(nin, 2, 32, 10) - std::log(10.0)) < 0.5);
  const models::NIN<> large(models::nin_imagenet);
  CHECK(totals(large, {1, 224, 224, 3}) == Totals{7595176, 1100188800});
  CHECK(std::abs(first_loss(large, 1, 224, 1000) - std::log(1000.0)) < 1);
}

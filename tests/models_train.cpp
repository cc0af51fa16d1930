// The networks of models/, made small: their gradients in double, and that each learns twenty images by heart.
#include <doctest/doctest.h>

#include <cmath>

#include "../models/alexnet.hpp"
#include "../models/cnn.hpp"
#include "../models/googlenet.hpp"
#include "../models/lenet.hpp"
#include "../models/nin.hpp"
#include "../models/resnet.hpp"
#include "../models/transformer.hpp"
#include "../models/vgg.hpp"

namespace models = xgrad::models;
namespace nn = xgrad::nn;
using xgrad::Labels;
using xgrad::Shape;
using xgrad::Variable;

namespace {

constexpr std::size_t classes = 10;

Labels labels(std::size_t n) {
  Labels result(Shape{n});
  for (std::size_t k = 0; k < n; ++k) result(k) = static_cast<std::int64_t>(k % classes);
  return result;
}
template <class T>
Variable<T> loss_of(const Variable<T>& scores, const Labels& truth) {
  return cross_entropy(scores, truth);
}
template <class T>
Variable<T> loss_of(const std::array<Variable<T>, 3>& scores, const Labels& truth) {
  return models::GoogLeNetHeads<T>::loss(scores, truth);
}

/// Of the parameters and the images, in the mode the network is in. What has one axis begins at 0 or 1, and would hide errors.
template <class Net>
void check_gradient(Net& net, const Shape& images) {
  for (const auto& named : nn::named_parameters(net))
    if (Variable<double> v = named.variable; v.shape().size() == 1)
      v.update([](xgrad::Array<double>& a) { a += xgrad::normal<double>(a.shape(), 0, 0.1); });
  auto inputs = nn::named_parameters(net);
  inputs.push_back({"images", Variable<double>(xgrad::normal<double>(images), true)});
  const auto& x = inputs.back().variable;
  const auto report = gradcheck([&] { return loss_of(net(x), labels(images[0])); }, inputs, {.joint = true});
  CHECK_MESSAGE(report.ok(), to_string(report));
}
/// ... in both modes of its norms, without dropout.
template <class Net>
void check_both_modes(Net net, const Shape& images) {
  nn::train(net);
  if constexpr (requires { net.drop; }) nn::eval(net.drop);
  if constexpr (requires { net.drop1; }) nn::eval(net.drop1), nn::eval(net.drop2);
  check_gradient(net, images);
  net(Variable<double>(xgrad::normal<double>(images)));  // means and variances that are not 0 and 1
  nn::eval(net);
  check_gradient(net, images);
}
template <class Net>
void check_evaluated(Net net, const Shape& images) {
  nn::eval(net);
  check_gradient(net, images);
}

/// Trains on twenty images of noise; the loss is then measured as in use, without dropout and with the norms' running values.
template <class Net>
void learns(Net net, const Shape& image, double rate = 2e-3, std::size_t steps = 1000) {
  const Variable<float> x(xgrad::normal<float>({20, image[0], image[1], image[2]}));
  const Labels y = labels(20);
  xgrad::optim::Optimizer opt(nn::parameters(net), xgrad::optim::Adam{.lr = rate});
  const double enough = 0.1 * std::log(static_cast<double>(classes));
  double loss = 1e9;
  std::size_t step = 0;
  while (step < steps && !(loss < enough)) {
    nn::train(net);
    for (const std::size_t end = step + 10; step < end; ++step) {
      opt.zero_grad();
      backward(loss_of(net(x), y));
      opt.step();
    }
    nn::eval(net);
    const xgrad::NoGrad no_grad;
    loss = static_cast<double>(loss_of(net(x), y).item());
  }
  MESSAGE(loss, " after ", step, " steps");
  CHECK(loss < enough);
}

models::VGGConfig small(models::VGGConfig config, std::size_t width) {
  config.width = width, config.side = 32, config.hidden = 32, config.classes = classes;
  return config;
}
const std::vector<models::VGGConfig> vggs{models::vgg_a, models::vgg_a_lrn, models::vgg_b,
                                          models::vgg_c, models::vgg_d,     models::vgg_e};
const models::NINConfig small_nin{{5, 1, 2, {16, 12, 12}, models::MlpConvConfig::max, true},
                                  {3, 1, 1, {16, 12, 12}, models::MlpConvConfig::average, true},
                                  {3, 1, 1, {16, 16, classes}}};

}  // namespace

TEST_CASE("models: gradients of networks for digits") {
  xgrad::seed(1);
  check_evaluated(models::LeNet<double>(), {2, 28, 28, 1});
  check_evaluated(models::LogisticLeNet<double>(), {2, 28, 28, 1});
  check_evaluated(models::MLP<double>(), {2, 28, 28, 1});
  check_both_modes(models::CNN<double>({1, 4, 4, 6, 6}, 8), {3, 8, 8, 1});
  check_both_modes(models::TwoConv<double>(), {2, 28, 28, 1});
}

TEST_CASE("models: gradients of AlexNet, VGG, GoogLeNet with its heads, NIN") {
  xgrad::seed(2);
  check_evaluated(models::AlexNet<double>({.classes = classes, .divide = 8, .side = 67}), {2, 67, 67, 3});
  for (const models::VGGConfig& config : vggs) check_evaluated(models::VGG<double>(small(config, 4)), {2, 32, 32, 3});
  check_evaluated(models::GoogLeNetHeads<double>({.classes = classes, .divide = 4, .side = 80}), {1, 80, 80, 3});
  check_evaluated(models::NIN<double>(small_nin), {2, 12, 12, 3});
}

TEST_CASE("models: gradients of residual networks, with norms in training and in use") {
  xgrad::seed(3);
  check_both_modes(models::CifarResNet<double>({.depth = 8, .width = 4}), {2, 8, 8, 3});
  check_both_modes(models::CifarResNet<double>({.depth = 8, .width = 4, .plain = true}), {2, 8, 8, 3});
  const models::ResNetConfig config{.depths = {2, 1}, .width = 4, .classes = classes};
  check_both_modes(models::ResNet<models::BasicBlock, double>(config), {2, 32, 32, 3});
  check_both_modes(models::ResNet<models::Bottleneck, double>(config), {2, 32, 32, 3});
}

TEST_CASE("models: networks for digits learn") {
  xgrad::seed(4);
  learns(models::LeNet<>(), {28, 28, 1});
  learns(models::LogisticLeNet<>(), {28, 28, 1}, 5e-3);
  learns(models::MLP<>(), {28, 28, 1});
  learns(models::CNN<>({1, 8, 8, 16, 16}, 12), {12, 12, 1}, 5e-3);
  learns(models::TwoConv<>(), {28, 28, 1});
}

TEST_CASE("models: AlexNet, VGG, GoogLeNet with its heads and NIN learn") {
  xgrad::seed(5);
  learns(models::AlexNet<>({.classes = classes, .divide = 8, .side = 67}), {67, 67, 3}, 1e-3);
  for (const models::VGGConfig& config : vggs) {
    models::VGGConfig vgg = small(config, 8);
    vgg.hidden = 128;
    learns(models::VGG<>(vgg), {32, 32, 3}, 5e-4);
  }
  learns(models::GoogLeNetHeads<>({.classes = classes, .divide = 8, .side = 80}), {80, 80, 3});
  learns(models::NIN<>(small_nin), {12, 12, 3}, 5e-3);
}

namespace {
/// What the convolutions of VGG D see, and a linear layer of one's own on it.
struct OnFeatures {
  models::VGG<> vgg{small(models::vgg_d, 8)};
  nn::Linear<float> out{64, classes};
  Variable<float> operator()(Variable<float> x) const { return out(flatten(vgg.maps(std::move(x)))); }
};
}  // namespace

TEST_CASE("models: VGG D's convolutions, frozen, are features from which a linear layer learns") {
  xgrad::seed(7);
  OnFeatures net;
  nn::freeze(net.vgg);
  std::vector<xgrad::Array<float>> before;
  for (const auto& named : nn::named_state(net.vgg)) before.push_back(named.variable.value());
  learns(net, {32, 32, 3}, 1e-2);
  std::size_t k = 0;
  for (const auto& named : nn::named_state(net.vgg)) {
    CHECK_MESSAGE(named.variable.value() == before.at(k), named.name);
    ++k;
  }
  CHECK(k == 2 * (13 + 3));
}

TEST_CASE("models: residual networks learn") {
  xgrad::seed(6);
  learns(models::CifarResNet<>({.depth = 20, .width = 4}), {12, 12, 3}, 5e-3);
  const models::ResNetConfig config{.depths = {2, 1}, .width = 4, .classes = classes};
  learns(models::ResNet<models::BasicBlock>(config), {32, 32, 3}, 5e-3);
  learns(models::ResNet<models::Bottleneck>(config), {32, 32, 3}, 5e-3);
}

namespace {
/// 0 1 2 3 4 5 6 7 0 1 … in steps of 1 where it begins with an even number, else of 3, so that each number follows from the first
/// and the last.
Labels texts(std::size_t n, std::size_t length) {
  Labels result(Shape{n, length});
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t k = 0; k < length; ++k) result(i, k) = static_cast<std::int64_t>((i + k * (i % 2 == 0 ? 1 : 3)) % 8);
  return result;
}
template <class T>
Variable<T> foretold(const models::CharTransformer<T>& net, const Labels& all) {
  const std::size_t n = all.shape()[0], length = all.shape()[1] - 1;
  Labels text(Shape{n, length}), next(Shape{n, length});
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t k = 0; k < length; ++k) text(i, k) = all(i, k), next(i, k) = all(i, k + 1);
  return cross_entropy(net(text), next);
}
}  // namespace

TEST_CASE("models: a transformer foretells characters, from those before alone") {
  xgrad::seed(7);
  const models::CharTransformerConfig config{.characters = 8, .length = 12, .width = 16, .heads = 4, .layers = 2, .dropout = 0};
  models::CharTransformer<double> net(config);
  CHECK(nn::parameter_count(net) == 8 * 16 + 12 * 16 + 2 * (12 * 16 * 16 + 13 * 16) + 2 * 16 + 16 * 8 + 8);
  const Labels text = texts(1, 12);
  Labels changed = text;
  changed(0, 11) = 5;
  const auto a = net(text), b = net(changed);
  CHECK(a.shape() == Shape{1, 12, 8});
  CHECK(amax(abs(slice(a - b, 1, {0, 11}))).item() == 0);
  CHECK(amax(abs(slice(a - b, 1, {11, 12}))).item() > 0);

  for (const auto& named : nn::named_parameters(net))  // larger than they begin, or hardly anything depends on attention
    Variable<double>(named.variable).update([](xgrad::Array<double>& w) { w += xgrad::normal<double>(w.shape(), 0, 0.2); });
  const auto report = gradcheck([&] { return foretold(net, texts(2, 9)); }, nn::named_parameters(net), {.joint = true});
  CHECK_MESSAGE(report.ok(), to_string(report));

  models::CharTransformer<float> learning({.characters = 8, .length = 16, .width = 32, .heads = 4, .layers = 2});
  xgrad::optim::Optimizer opt(nn::parameters(learning), xgrad::optim::AdamW{.lr = 5e-3});
  const auto loss = [&] {
    nn::eval(learning);
    const xgrad::NoGrad no_grad;
    const float result = foretold(learning, texts(20, 13)).item();
    nn::train(learning);
    return static_cast<double>(result);
  };
  std::size_t step = 0;
  for (; step < 400 && loss() > 0.02; ++step) {
    opt.zero_grad();
    backward(foretold(learning, texts(20, 13)));
    opt.step();
  }
  MESSAGE(loss(), " after ", step, " steps");
  CHECK(loss() < 0.1 * std::log(8.0));
  nn::eval(learning);
  CHECK(learning.go_on({1, 4, 7}, 6, 0.05) == std::vector<std::int64_t>{1, 4, 7, 2, 5, 0, 3, 6, 1});
  CHECK(learning.go_on({2, 3, 4}, 4, 0.05) == std::vector<std::int64_t>{2, 3, 4, 5, 6, 7, 0});
}

/// Trains a network on images and says how well it does: what docs/results.md was measured with.
///   train NETWORK DIRECTORY [EPOCHS [SAMPLES]]     of each set SAMPLES are used, all by default
/// mlp, logistic, lenet, cnn and cnn2 take the files of MNIST or Fashion-MNIST; resnet20 and vgg those of CIFAR-10's binary
/// version.
#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <xgrad/xgrad.hpp>

#include "../models/cnn.hpp"
#include "../models/lenet.hpp"
#include "../models/resnet.hpp"
#include "program.hpp"

namespace xg = xgrad;
namespace augment = xg::augment;

struct Recipe {
  std::size_t epochs, batch_size;
  double rate;  // the greatest of a one-cycle schedule
  std::vector<xg::Augmentation<float>> augment = {};
  bool mirrored = false;  // whether a mirror image has the same class, so that scores may be the mean of both
};

/// The mean of a network's scores for images and for their mirror images.
template <class Net>
struct Mirrored {
  Net net;
  xg::Variable<float> operator()(const xg::Variable<float>& images) const { return (net(images) + net(flip(images, 2))) / 2; }
  XGRAD_FIELDS(net)
};

template <class Net, class Rule>
void train(Net net, const xg::Split& data, const Recipe& recipe, Rule rule) {
  const auto [mean, std] = channel_moments(data.train);
  const xg::Source<float> training(data.train), test(data.test);
  xg::Loader<float> loader(
      training, {.batch_size = recipe.batch_size, .seed = 1, .workers = 1, .augment = recipe.augment, .mean = mean, .std = std});
  xg::optim::Optimizer opt(xg::nn::parameters(net), rule);
  const auto rate = xg::optim::one_cycle(std::max<std::size_t>(recipe.epochs * loader.count(), 1), recipe.rate);
  xg::Progress progress({.epochs = recipe.epochs, .samples = loader.samples()});
  std::size_t step = 0;
  const xg::LoaderOptions<float> options{.batch_size = 500, .mean = mean, .std = std};
  xg::Metrics tested;
  while (loader.state.epoch < recipe.epochs) {
    for (auto [images, labels] : loader) {
      opt.options.lr = rate(step++);
      const auto scores = net(images);
      const auto loss = cross_entropy(scores, labels);
      opt.zero_grad();
      backward(loss);
      if (!std::isfinite(loss.item()))
        throw std::runtime_error(fmt::format("the loss is {} at step {}; it must be finite; try a smaller rate than {}",
                                             loss.item(), step, opt.options.lr));
      opt.step();
      xg::Metrics metrics;
      metrics.add(scores.value(), labels);
      progress.step(labels.size(), {{"loss", loss.item()}, {"accuracy %", 100 * metrics.accuracy()}});
    }
    tested = xg::nn::evaluate(net, test, options);
    progress.epoch({{"test %", 100 * tested.accuracy()}});
  }
  fmt::print("test accuracy {:.2f} %, top-5 {:.2f} %, loss {:.4f}, {:.0f} s\n", 100 * tested.accuracy(), 100 * tested.top5(),
             tested.loss(), progress.seconds());
  if (recipe.mirrored) {
    Mirrored<Net> both{net};
    fmt::print("with the mirror images {:.2f} %\n", 100 * xg::nn::evaluate(both, test, options).accuracy());
  }
}

int main(int argc, char** argv) try {
  hold_standard_streams();
  const std::string_view name = argc > 1 ? argv[1] : "";
  const bool known = name == "mlp" || name == "logistic" || name == "lenet" || name == "cnn" || name == "cnn2",
             colours = name == "resnet20" || name == "vgg";
  if (argc < 3 || !(known || colours)) {
    std::fputs("usage: train mlp|logistic|lenet|cnn|cnn2|resnet20|vgg DIRECTORY [EPOCHS [SAMPLES]]\n", stderr);
    return 2;
  }
  const std::size_t told = argc > 3 ? whole_number("EPOCHS", argv[3], 100'000) : 0,
                    most = whole_number("SAMPLES", argc > 4 ? argv[4] : "60000", 1'000'000);
  const auto epochs = [&](std::size_t usual) { return told > 0 ? told : usual; };
  xg::Split data = colours ? xg::load_cifar10(argv[2]) : xg::load_mnist(argv[2]);
  for (xg::Dataset* set : {&data.train, &data.test}) *set = slice(*set, 0, std::min<std::size_t>(most, set->size()));

  xg::seed(1);
  namespace models = xg::models;
  const xg::optim::SGD momentum{.momentum = 0.9, .weight_decay = 5e-4, .nesterov = true};
  if (name == "mlp") train(models::MLP<>(), data, {epochs(8), 64, 2e-3}, xg::optim::AdamW{});
  if (name == "logistic") train(models::LogisticLeNet<>(), data, {epochs(4), 64, 5e-3}, xg::optim::Adam{});
  if (name == "lenet") train(models::LeNet<>(), data, {epochs(8), 64, 0.05}, momentum);
  if (name == "cnn") train(models::CNN<>(), data, {epochs(12), 128, 0.1, {augment::Shift{.pixels = 2}}}, momentum);
  if (name == "cnn2") train(models::TwoConv<>(), data, {epochs(36), 128, 0.1, {augment::Flip{}}, true}, momentum);
  if (name == "resnet20")
    train(models::ResNet20<>(), data, {epochs(5), 128, 0.2, {augment::Crop{.padding = 4}, augment::Flip{}}, true}, momentum);
  if (name == "vgg")
    train(models::CNN<>({3, 64, 64, 128, 128, 256, 256}, 32), data,
          {epochs(12), 128, 0.1, {augment::Crop{.padding = 4}, augment::Flip{}}, true}, momentum);
  check_output();
} catch (const std::exception& error) {
  return complain("train", error.what());
}

/// ResNet-20 learns CIFAR-10 (He et al. 2015, section 4.2), from random crops and flips.
///   cifar DIRECTORY [EPOCHS [SAMPLES]]     DIRECTORY has the binary version's files; SAMPLES of each set are used, all by default
#include <fmt/format.h>
#include <algorithm>
#include <cstdlib>
#include <utility>

#include <xgrad/xgrad.hpp>

#include "../models/resnet.hpp"

namespace xg = xgrad;

int main(int argc, char** argv) try {
  if (argc < 2) {
    fmt::print(stderr, "usage: cifar DIRECTORY [EPOCHS [SAMPLES]]\n");
    return 2;
  }
  const auto epochs = std::strtoull(argc > 2 ? argv[2] : "5", nullptr, 10),
             most = std::strtoull(argc > 3 ? argv[3] : "60000", nullptr, 10);
  xg::Split data = xg::load_cifar10(argv[1]);
  for (xg::Dataset* set : {&data.train, &data.test}) *set = slice(*set, 0, std::min<std::size_t>(most, set->size()));
  const auto [mean, std] = channel_moments(data.train);
  const xg::Source<float> train(std::move(data.train)), test(std::move(data.test));

  xg::seed(1);
  xg::models::ResNet20<> net;
  xg::Loader<float> loader(train, {.batch_size = 128,
                                   .seed = 1,
                                   .workers = 1,
                                   .augment = {xg::augment::Crop{.padding = 4}, xg::augment::Flip{}},
                                   .mean = mean,
                                   .std = std});
  xg::optim::Optimizer opt(xg::nn::parameters(net), xg::optim::SGD{.momentum = 0.9, .weight_decay = 5e-4, .nesterov = true});
  const auto rate = xg::optim::one_cycle(std::max<std::size_t>(epochs * loader.count(), 1), 0.2);
  xg::Progress progress({.epochs = epochs, .samples = loader.samples()});
  std::size_t step = 0;
  xg::Metrics tested;
  while (loader.state.epoch < epochs) {
    for (auto [images, labels] : loader) {
      opt.options.lr = rate(step++);
      const auto scores = net(images);
      const auto loss = cross_entropy(scores, labels);
      opt.zero_grad();
      backward(loss);
      opt.step();
      xg::Metrics metrics;
      metrics.add(scores.value(), labels);
      progress.step(labels.size(), {{"loss", loss.item()}, {"accuracy %", 100 * metrics.accuracy()}});
    }
    tested = xg::nn::evaluate(net, test, {.batch_size = 500, .mean = mean, .std = std});
    progress.epoch({{"test %", 100 * tested.accuracy()}});
  }
  fmt::print("test accuracy {:.2f} %, top-5 {:.2f} %, loss {:.4f}, {:.0f} s\n", 100 * tested.accuracy(), 100 * tested.top5(),
             tested.loss(), progress.seconds());
} catch (const std::exception& error) {
  fmt::print(stderr, "cifar: {}\n", xg::printable(error.what()));
  return 1;
}

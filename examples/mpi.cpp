/// LeNet learns to read digits in as many programs as mpirun starts: the library's own digits, or MNIST from a folder.
///
///     mpirun -n 2 build/examples/mpi [FOLDER [EPOCHS [CHECKPOINT]]]
///
/// The batch of 64 is divided among them. With a checkpoint it goes on where that was written, at the end of an epoch.
#include <fmt/format.h>
#include <filesystem>
#include <string>

#include <xgrad/mpi/mpi.hpp>
#include <xgrad/xgrad.hpp>

#include "../models/lenet.hpp"
#include "program.hpp"

namespace xg = xgrad;

namespace {

/// All that a checkpoint has.
struct Run {
  xg::models::LeNet<> net;
  xg::optim::Optimizer<float, xg::optim::SGD> opt;
  xg::Loader<float> batches;
  std::uint64_t step = 0;
};

void train(xg::mpi::World& world, const std::string& folder, std::uint64_t epochs, const std::string& checkpoint) {
  const xg::Split data = folder.empty() ? xg::Split{xg::digits(4000, 1), xg::digits(1000, 2)} : xg::load_mnist(folder);
  if (64 % world.size() != 0) throw std::runtime_error(fmt::format("there are {} ranks; they must divide 64", world.size()));
  const xg::LoaderOptions<float> options{.batch_size = 64 / world.size(),
                                         .drop_last = true,
                                         .seed = 1,
                                         .mean = {0.1307},
                                         .std = {0.3081},
                                         .part = world.rank(),
                                         .parts = world.size()};
  xg::seed(1);
  const xg::models::LeNet<> net;
  const xg::optim::SGD rule{.momentum = 0.9, .weight_decay = 5e-4, .nesterov = true};
  Run run{net, xg::optim::Optimizer(xg::nn::parameters(net), rule), xg::Loader<float>(data.train, options)};
  world.broadcast(run.net);
  world.check(run.batches);
  if (!checkpoint.empty() && world.mean(std::filesystem::exists(checkpoint)) > 0) world.load(run, checkpoint);

  auto sync = world.average_gradients(run.net);
  const auto rate = xg::optim::one_cycle(run.batches.count() * epochs, 0.05);
  while (run.batches.state.epoch < epochs) {
    double sum = 0;
    for (auto [images, labels] : run.batches) {
      run.opt.options.lr = rate(run.step++);
      const auto loss = cross_entropy(run.net(images), labels);
      run.opt.zero_grad();
      backward(loss);
      run.opt.step();
      sum += static_cast<double>(loss.item());
    }
    const double mean = world.mean(sum / static_cast<double>(run.batches.count()));
    if (!checkpoint.empty()) world.save(run, checkpoint);
    if (world.rank() == 0) fmt::print("epoch {}: loss {:.4f}\n", run.batches.state.epoch, mean);
  }
  if (world.rank() > 0) return;
  const xg::Metrics test =
      xg::nn::evaluate(run.net, data.test, {.batch_size = 500, .shuffle = false, .mean = {0.1307}, .std = {0.3081}});
  fmt::print("{} ranks of {} threads, {:.1f} s of waiting\ntest accuracy {:.2f} %\n", world.size(), xg::num_threads(),
             sync.waited(), 100 * test.accuracy());
}

}  // namespace

int main(int argc, char** argv) {
  hold_standard_streams();
  try {
    xg::mpi::World world(argc, argv);
    const auto argument = [&](int k, const char* otherwise) { return std::string(argc > k ? argv[k] : otherwise); };
    train(world, argument(1, ""), whole_number("EPOCHS", argument(2, "3"), 100'000), argument(3, ""));
    check_output();
    return 0;
  } catch (const std::exception& error) {
    return complain("mpi", error.what());
  }
}

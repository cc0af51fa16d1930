// The time of a training step on several ranks, with what it waits for others.
//
//     mpirun -n 2 mpi_step NETWORK BATCH [THREADS [SECONDS_OF_LATENCY BYTES_PER_SECOND [BUCKET]]]
//
// NETWORK is lenet, resnet20 or wide (four linear layers of 1024, 17 MB of gradients); the batch is that of all ranks together. The
// latency and the speed make the network slower than it is, a bucket has so many bytes. Prints the median of 5 rounds.
#include <fmt/format.h>
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <xgrad/mpi/mpi.hpp>
#include <xgrad/xgrad.hpp>

#include "../models/lenet.hpp"
#include "../models/resnet.hpp"
#include "../tests/mpi/slow.hpp"

namespace xg = xgrad;

namespace {

struct Wide {
  xg::nn::Linear<float> a{1024, 1024}, b{1024, 1024}, c{1024, 1024}, d{1024, 1024}, out{1024, 10};
  auto operator()(xg::Variable<float> x) const { return out(relu(d(relu(c(relu(b(relu(a(flatten(std::move(x))))))))))); }
};

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

template <class Net>
void measure(xg::mpi::World& world, const std::string& name, std::size_t batch, const xg::Shape& image,
             xg::mpi::AverageOptions options) {
  const Net net;
  world.broadcast(net);
  auto sync = world.average_gradients(net, options);
  xg::optim::Optimizer opt(xg::nn::parameters(net), xg::optim::SGD{.lr = 1e-3, .momentum = 0.9});
  const std::size_t mine = batch / world.size();
  xg::Shape shape{mine};
  shape.insert(shape.end(), image.begin(), image.end());
  xg::Array<float> x(shape);
  xg::Generator(world.rank()).fill_normal(x, 0, 1);
  xg::Labels labels(xg::Shape{mine});
  for (std::size_t k = 0; k < mine; ++k) labels(k) = static_cast<std::int64_t>(k % 10);
  double forward = 0;
  const auto step = [&] {
    const double begin = now();
    const auto loss = cross_entropy(net(x), labels);
    forward += now() - begin;
    opt.zero_grad();
    backward(loss);
    opt.step();
  };
  const double begin = now();
  for (int k = 0; k < 5; ++k) step();
  const auto steps = static_cast<int>(world.mean(std::max(1.0, 1.5 / ((now() - begin) / 5))));
  std::vector<std::pair<double, double>> rounds;
  forward = 0;
  for (int round = 0; round < 5; ++round) {
    world.barrier();
    const double from = now(), waited = sync.waited();
    for (int k = 0; k < steps; ++k) step();
    world.barrier();
    rounds.emplace_back((now() - from) / steps, (sync.waited() - waited) / steps);
  }
  std::ranges::sort(rounds);
  if (world.rank() == 0)
    fmt::print(
        "{} batch {}: {} ranks of {} threads: {:.3f} ms a step, {:.3f} of them waiting, {:.3f} forward; {} bytes of gradients, {} "
        "buckets\n",
        name, batch, world.size(), xg::num_threads(), 1e3 * rounds[2].first, 1e3 * rounds[2].second, 1e3 * forward / (5 * steps),
        4 * xg::nn::parameter_count(net), sync.buckets().size());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) throw std::invalid_argument("usage: mpi_step lenet|resnet20|wide BATCH [THREADS [LATENCY BANDWIDTH [BUCKET]]]");
  const std::string name = argv[1];
  const auto number = [&](int k) { return argc > k ? std::atof(argv[k]) : 0.0; };
  const double latency = number(4), bandwidth = number(5);
  std::unique_ptr<xg::mpi::Transport> transport = xg::mpi::mpi_transport(argc, argv);
  if (latency > 0 || bandwidth > 0) transport = std::make_unique<xgrad_test::Slow>(std::move(transport), latency, bandwidth);
  xg::mpi::World world(std::move(transport), {.threads = static_cast<int>(number(3))});
  xg::mpi::AverageOptions options;
  if (number(6) > 0) options.bucket = static_cast<std::size_t>(number(6));
  const auto batch = static_cast<std::size_t>(number(2));
  if (name == "lenet") measure<xg::models::LeNet<>>(world, name, batch, {28, 28, 1}, options);
  if (name == "resnet20") measure<xg::models::ResNet20<>>(world, name, batch, {32, 32, 3}, options);
  if (name == "wide") measure<Wide>(world, name, batch, {32, 32, 1}, options);
}

// Checkpoints of many ranks.
#include <filesystem>
#include <numeric>

#include "ranks.hpp"

namespace ranks {
namespace {

struct Run {
  Net<float> net;
  xg::optim::Optimizer<float, xg::optim::Adam> opt;
  xg::Loader<float> batches;
  xg::Generator generator;
  std::vector<double> losses = {};
};

Run new_run(xg::mpi::World& world, std::uint64_t seed, std::size_t samples) {
  xg::seed(seed);
  const Net<float> net;
  return {net, xg::optim::Optimizer(xg::nn::parameters(net), xg::optim::Adam{.lr = 0.01}),
          xg::Loader<float>(images<float>(samples), {.batch_size = 4, .part = world.rank(), .parts = world.size()}),
          xg::Generator(seed, world.rank())};
}

void go_on(xg::mpi::World& world, Run& run, std::size_t steps, const std::string& path = {}) {
  const auto sync = world.average_gradients(run.net);
  while (run.losses.size() < steps)
    for (auto [x, y] : run.batches) {
      x(0) += static_cast<float>(run.generator.normal());
      const auto loss = cross_entropy(run.net(x), y);
      run.opt.zero_grad();
      backward(loss);
      run.opt.step();
      run.losses.push_back(loss.item());
      if (run.losses.size() == 11 && !path.empty()) world.save(run, path);
      if (run.losses.size() >= steps) break;
    }
}

constexpr std::size_t per_rank = 30;

}  // namespace

/// A checkpoint has averaged running statistics, and parameters that are the same on all ranks, or it is not written.
void saves(xg::mpi::World& world, const std::string& folder) {
  const std::string path = folder + "/normed.safetensors", apart = folder + "/apart.safetensors";
  xg::seed(1);
  Normed net;
  net.norm.running_mean.update([&](auto& mean) { mean(3) = static_cast<double>(world.rank()); });
  world.save(net, path);
  Normed read;
  world.load(read, path);
  check(read.norm.running_mean.value()(3) == (count(world) - 1) / 2, "a checkpoint has averaged running statistics");

  std::string text = error_of([&] { world.save(Net<float>(), folder + "/none/x.safetensors"); });
  check(has(text, "checkpoints.cpp:") && has(text, "none"), "a checkpoint that cannot be written is an error on all ranks");
  if (world.size() == 1) return;
  if (world.rank() == world.size() - 1) net.out.bias.update([](auto& b) { b(2) += 1e-12; });
  text = error_of([&] { world.save(net, apart); });
  check(has(text, "out.bias has other bits than on rank 0"), "parameters that differ are an error of save");
  check(!std::filesystem::exists(apart), "…, and no checkpoint");
}

/// A run that goes on from a checkpoint in the middle of an epoch is the run that was never interrupted.
void resumes(xg::mpi::World& world, const std::string& folder) {
  const std::string path = folder + "/run.safetensors";
  Run first = new_run(world, 5, per_rank * world.size()), second = new_run(world, 6, per_rank * world.size());
  world.broadcast(first.net);
  go_on(world, first, 20, path);
  world.save(first, folder + "/end.safetensors");
  world.load(second, path);
  check(second.losses.size() == 11 && second.batches.state.epoch == 1 && second.batches.state.position == 3,
        "a checkpoint has it all");
  go_on(world, second, 20);
  check(distance(first.net, second.net) == 0, "a run that is resumed goes on to the same bits");
  world.compare(second.net);
}

/// Another start goes on with the checkpoint that `resumes` has left: as many ranks to the same bits, others from an epoch's end.
void reloads(xg::mpi::World& world, const std::string& folder) {
  const std::string path = folder + "/run.safetensors";
  const std::size_t ranks = std::stoul(xg::nn::load_metadata(path).at("xgrad.ranks"));
  Run run = new_run(world, 9, per_rank * ranks), end = new_run(world, 10, per_rank * ranks);
  world.load(run, path);
  world.compare(run.net);
  check(run.losses.size() == 11, "any number of ranks goes on with a checkpoint");
  xg::Generator generator = run.generator;
  const double drawn = generator.uniform();
  for (std::size_t rank = 0; rank < world.size(); ++rank)  // no two alike
    check(world.sum(drawn == world.sum(rank == world.rank() ? drawn : 0) ? 1 : 0) == 1, "each rank draws its own numbers");

  world.load(end, folder + "/end.safetensors");
  check(end.losses.size() == 20 && distance(run.net, end.net) > 1e-3, "the end is another");
  if (world.size() == ranks) {
    go_on(world, run, 20);
    check(distance(run.net, end.net) == 0, "as many ranks go on to the same bits in another start");
    check(world.rank() > 0 || run.losses == end.losses, "…, with the same losses");  // those of rank 0 are in the file
  } else {
    ++run.batches.state.epoch;
    run.batches.state.position = 0;
    go_on(world, run, 60);
    world.compare(run.net);
    const auto mean = [&](std::size_t from) {
      const auto begin = run.losses.begin() + static_cast<std::ptrdiff_t>(from);
      return world.mean(std::accumulate(begin, begin + 10, 0.0) / 10);
    };
    check(mean(50) < 0.8 * mean(0), "another number of ranks goes on to learn");
  }
}

/// The checkpoint of ranks of which one was killed in step 4, or when it wrote that step's.
void is_whole(xg::mpi::World& world, const std::string& folder) {
  Steps run;
  world.load(run, folder + "/killed.safetensors");
  check(run.step == 3, "the last checkpoint is that of the last step");
  for (const auto& p : xg::nn::parameters(run.net))
    check(std::ranges::all_of(p.value(), [](double w) { return w == 3; }), "…, and whole");
}

}  // namespace ranks

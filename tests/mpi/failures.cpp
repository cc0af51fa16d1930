// What all ranks must notice, and what ends them.
#include <sys/resource.h>
#include <unistd.h>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <stdexcept>

#include "ranks.hpp"

namespace ranks {

/// What differs between ranks is said by all of them, and they can go on.
void errors(xg::mpi::World& world) {
  const std::size_t last = world.size() - 1;
  const bool odd = world.rank() == last;
  using Options = xg::LoaderOptions<double>;
  const Options usual{.batch_size = 3, .part = world.rank(), .parts = world.size()};
  const auto refuses = [&](const Options& options, const std::string& problem, std::size_t samples = 0) {
    const xg::Loader<double> batches(images<double>(8 * world.size() + (odd ? samples : 0)), odd ? options : usual);
    const std::string text = error_of([&] { world.check(batches); });
    check(has(text, "failures.cpp:") && has(text, "check: ") && has(text, problem), problem.c_str());
  };
  const auto with = [&](auto change) {
    Options options = usual;
    change(options);
    return options;
  };
  refuses(with([](Options& o) { ++o.parts; }),
          fmt::format("the Loader has part {} of {}; it must have part {} of {}", last, world.size() + 1, last, world.size()));
  if (world.size() == 1) return;
  refuses(with([](Options& o) { o.part = 0; }), fmt::format("rank {}: the Loader has part 0 of {}", last, world.size()));
  refuses(with([](Options& o) { o.batch_size = 5; }), fmt::format("rank {}: batch_size is 5, on rank 0 it is 3", last));
  refuses(with([](Options& o) { o.seed = 9; }), fmt::format("rank {}: seed is 9, on rank 0 it is 0", last));
  refuses(with([](Options& o) { o.shuffle = false; }), fmt::format("rank {}: shuffle is 0, on rank 0 it is 1", last));
  refuses(with([](Options& o) { o.drop_last = true; }),
          fmt::format("rank {}: the number of batches is 2, on rank 0 it is 3", last));
  refuses(usual,
          fmt::format("rank {}: the number of samples is {}, on rank 0 it is {}", last, 8 * world.size() + 1, 8 * world.size()), 1);

  for (const xg::Shape& other : {xg::Shape{3, 2}, xg::Shape{6}, xg::Shape{2, 4}}) {  // of as many numbers, and of more
    const xg::Variable<double> x(xg::Array<double>(odd ? other : xg::Shape{2, 3}, 1.0));
    const std::string text = error_of([&] { static_cast<void>(world.mean(x)); });
    check(has(text, "failures.cpp:") &&
              has(text, fmt::format("mean: rank {}: x is {}, on rank 0 (2, 3); it must", last, xg::to_string(other))),
          "the mean of Variables of different shapes is an error");
  }
  check(world.sum(1) == count(world), "all go on after an error that all have had");
}

void must_fail(xg::mpi::World& world, const std::string& how, int who, const std::string& folder) {
  const bool odd = world.rank() == static_cast<std::size_t>(who);
  Steps run;
  Net<double>& net = run.net;
  if (how == "networks" || how == "slow end") return odd ? world.broadcast(Other()) : world.broadcast(net);
  world.broadcast(net);
  if (how == "parameters") {
    const Other other;
    if (odd)
      static_cast<void>(world.average_gradients(other));
    else
      static_cast<void>(world.average_gradients(net));
  }
  if (how == "apart" && odd) net.conv.bias.update([](auto& b) { b(1) += 1e-12; });
  if (how == "drift") {
    if (odd) net.hidden.bias.update([](auto& b) { b(3) += 1e-12; });
    world.compare(net);
  }
  const auto source = images<double>(world.size() * 16 - (how == "data" && odd ? 8 : 0));
  const auto sync = world.average_gradients(net);
  xg::Loader<double> batches(source, {.batch_size = 4, .part = world.rank(), .parts = world.size()});
  if (how != "steps") world.check(batches);
  const std::string path = folder + "/killed.safetensors";
  for (;;)
    for (auto [x, y] : batches) {
      ++run.step;
      if (odd && run.step == 4) {
        if (how == "silent") sleep(30);
        if (how == "uncaught" || how == "caught" || how == "lives") throw std::runtime_error("something went wrong");
        if (how == "exit") std::exit(0);
        if (how == "kill") std::raise(SIGKILL);
        if (how == "kill in save") {  // by SIGXFSZ, in the middle of the file
          const rlimit half{std::filesystem::file_size(path) / 2, RLIM_INFINITY}, no_core{0, 0};
          setrlimit(RLIMIT_CORE, &no_core);
          setrlimit(RLIMIT_FSIZE, &half);
        }
        if (how == "steps") return;
        if (how == "nan") x(0) = std::numeric_limits<double>::quiet_NaN();
      }
      for (const auto& p : xg::nn::parameters(net)) p.node()->gradient = {};
      backward(cross_entropy(net(x), y));
      if (how.starts_with("kill")) {
        for (auto& p : xg::nn::parameters(net)) p.update([&](auto& w) { w.fill(static_cast<double>(run.step)); });
        world.save(run, path);
      }
      if (run.step > 1000) throw std::runtime_error("nobody has noticed");
    }
}

}  // namespace ranks

// Which checkpoints of a run are kept: the last, the best, every n-th.
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <chrono>
#include <filesystem>
#include <random>
#include <string>
#include <thread>

#include "directory.hpp"
#include "support.hpp"

namespace xg = xgrad;
namespace fs = std::filesystem;
using namespace xgrad_test;

namespace {

struct Run {
  xg::nn::Linear<float> layer{3, 2};
  std::int64_t epoch = 0;
  xg::nn::Checkpoints kept{""};
};

/// A run with all that may keep something between steps.
struct Training {
  struct Net {
    xg::nn::Conv2d<float> conv{3, 4, 3, {.stride = 4}};
    xg::nn::BatchNorm<float> norm{4};
    xg::nn::Dropout drop{0.5};
    xg::nn::Linear<float> out{4 * 8 * 8, 10};
    xg::Variable<float> operator()(const xg::Variable<float>& x) const { return out(drop(flatten(relu(norm(conv(x)))))); }
  };
  Net net{};
  xg::optim::Optimizer<float, xg::optim::AdamW> opt{xg::nn::parameters(net), {.lr = 0.01}};
  xg::optim::Plateau rate{0.01, {.factor = 0.5, .patience = 0}};
  xg::Loader<float> loader{
      xg::shapes(24, 3),
      {.batch_size = 7, .seed = 2, .workers = 2, .augment = {xg::augment::Crop{.padding = 2}, xg::augment::Flip{}}}};
  xg::Generator mixing{7}, generator{};
  xg::draw::History history{};
  std::int64_t step = 0;

  /// Trains to `last` steps in all; `then` comes after each.
  template <class F>
  void go(std::int64_t last, const F& then) {
    while (step < last)
      for (auto [images, labels] : loader) {
        const auto [mixed, probabilities] = xg::augment::mixup(images, labels, 10, 0.5, mixing);
        const auto loss = cross_entropy(net(mixed), probabilities);
        opt.zero_grad();
        backward(loss);
        opt.step();
        const auto value = static_cast<double>(loss.item());
        opt.options.lr = rate(value);
        history.add(static_cast<double>(++step), {{"loss", value}});
        generator = xg::default_generator();
        then();
        if (step == last) break;
      }
  }
};

constexpr std::int64_t steps = 10;  // of 4 in an epoch
constexpr const char* killed_run = "checkpoints: a run in a process of its own";

/// This program, with that run alone.
pid_t begin_run(const std::string& path) {
  setenv("XGRAD_RUN", path.c_str(), 1);
  const std::string name = std::string("--test-case=") + killed_run;
  std::string arguments[] = {"checkpoints", "--no-skip", "--out=/dev/null", name};
  char* argv[] = {arguments[0].data(), arguments[1].data(), arguments[2].data(), arguments[3].data(), nullptr};
  pid_t child = 0;
  REQUIRE(posix_spawn(&child, "/proc/self/exe", nullptr, nullptr, argv, environ) == 0);
  return child;
}
/// How it ended.
int end_of(pid_t child) {
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return status;
}

std::int64_t epoch_in(const std::string& path) {
  Run run;
  xg::nn::load(run, path);
  return run.epoch;
}

}  // namespace

TEST_CASE("checkpoints: the last, the best and every n-th are kept") {
  const Directory folder;
  Run run;
  run.kept = xg::nn::Checkpoints(folder.file("a/b"), {.every = 2});
  CHECK(run.kept.best_epoch() == -1);
  CHECK(std::isnan(run.kept.best_score()));
  const double scores[] = {na, 0.5, 0.75, 0.75, 0.25, na};
  for (std::size_t k = 0; k < 6; ++k) {
    run.epoch = static_cast<std::int64_t>(k) + 1;
    run.kept.save(run, k + 1, scores[k]);
  }
  CHECK(epoch_in(run.kept.last()) == 6);
  CHECK(epoch_in(run.kept.best()) == 3);
  CHECK(run.kept.best_epoch() == 3);
  CHECK(run.kept.best_score() == 0.75);
  for (std::size_t k = 1; k <= 6; ++k) CHECK(fs::exists(run.kept.of_epoch(k)) == (k % 2 == 0));
  CHECK(fs::path(run.kept.of_epoch(4)).filename() == "epoch-0004.safetensors");
  CHECK(epoch_in(run.kept.of_epoch(4)) == 4);
}

TEST_CASE("checkpoints: a run that goes on knows the best score so far") {
  const Directory folder;
  Run run;
  run.kept = xg::nn::Checkpoints(folder.file("runs"), {.lower_is_better = true});
  run.kept.save(run, 1, 0.5);
  run.kept.save(run, 2, 0.25);
  Run again;
  again.kept = xg::nn::Checkpoints(folder.file("runs"), {.lower_is_better = true});
  xg::nn::load(again, again.kept.last());
  CHECK(again.kept.best_score() == 0.25);
  again.epoch = 3;
  again.kept.save(again, 3, 0.3);
  CHECK(again.kept.best_epoch() == 2);
  CHECK(epoch_in(again.kept.last()) == 3);
  CHECK(epoch_in(again.kept.best()) == 0);
}

TEST_CASE("checkpoints: a last one that names a best one comes after it") {
  const Directory folder;
  Run run;
  run.kept = xg::nn::Checkpoints(folder.file("runs"));
  run.kept.save(run, 1, 0.5);
  fs::remove(run.kept.best());
  fs::create_directories(run.kept.best() + "/x");  // which no file replaces
  CHECK(error(__LINE__, [&] { run.kept.save(run, 2, 0.75); }).starts_with("save: "));
  Run again;
  again.kept = xg::nn::Checkpoints(folder.file("runs"));
  xg::nn::load(again, again.kept.last());
  CHECK(again.kept.best_score() == 0.5);
  CHECK(run.kept.best_score() == 0.5);
}

TEST_CASE("checkpoints: what cannot be written is an error, and no best score") {
  const Directory folder;
  folder.write("file", "x");
  Run run;
  run.kept = xg::nn::Checkpoints(folder.file("file/inside"));
  CHECK(error(__LINE__, [&] { run.kept.save(run, 1, 0.5); }).starts_with("save: "));
  CHECK(run.kept.best_epoch() == -1);
}

TEST_CASE("checkpoints: a run that was left at any step and goes on ends with the same bits") {
  const Directory folder;
  const auto path = [&](std::int64_t step) { return folder.file(std::to_string(step) + ".safetensors"); };
  xg::seed(5);
  Training whole;
  whole.generator = xg::default_generator();
  xg::nn::save(whole, path(0));
  whole.go(steps, [&] { xg::nn::save(whole, path(whole.step)); });
  const std::string end = contents(path(steps));
  for (std::int64_t step = 0; step < steps; ++step) {
    CAPTURE(step);
    xg::seed(77);
    Training again;
    xg::nn::load(again, path(step));
    CHECK(again.step == step);
    xg::default_generator() = again.generator;
    again.opt.options.lr = again.rate.value();
    again.go(steps, [] {});
    xg::nn::save(again, folder.file("end.safetensors"));
    CHECK(contents(folder.file("end.safetensors")) == end);
  }
}

TEST_CASE("checkpoints: a run in a process of its own" * doctest::skip()) {
  const char* const path = std::getenv("XGRAD_RUN");
  if (!path) return;
  xg::seed(5);
  Training run;
  run.generator = xg::default_generator();
  if (fs::exists(path)) {
    xg::nn::load(run, path);
    xg::default_generator() = run.generator;
    run.opt.options.lr = run.rate.value();
  }
  run.go(steps, [&] { xg::nn::save(run, path); });
}

// XGRAD_KILLS says how often.
TEST_CASE("checkpoints: a run that is killed at any moment and goes on ends with the same bits") {
  using Clock = std::chrono::steady_clock;
  const char* const wanted = std::getenv("XGRAD_KILLS");
  const int kills = wanted ? std::atoi(wanted) : 10;
  const Directory folder;
  const auto begin = Clock::now();
  REQUIRE(end_of(begin_run(folder.file("whole"))) == 0);
  const std::chrono::duration<double> whole = Clock::now() - begin;
  const std::string end = contents(folder / "whole"), path = folder.file("killed");
  std::random_device seed;
  std::uniform_real_distribution<double> moment(0, whole.count());
  for (int k = 0; k < kills; ++k) {
    const pid_t child = begin_run(path);
    std::this_thread::sleep_for(std::chrono::duration<double>(moment(seed)));
    kill(child, SIGKILL);
    const int status = end_of(child);
    if (!WIFEXITED(status)) continue;
    CHECK(WEXITSTATUS(status) == 0);  // it was over before; another begins
    CHECK(contents(path) == end);
    fs::remove(path);
  }
  CHECK(end_of(begin_run(path)) == 0);
  CHECK(contents(path) == end);
}

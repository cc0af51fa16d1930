// Which checkpoints of a run are kept: the last, the best, every n-th.
#include <filesystem>

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

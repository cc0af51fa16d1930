#pragma once
/// Which checkpoints of a run are kept.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>

#include <xgrad/core/api.hpp>
#include <xgrad/core/fields.hpp>
#include <xgrad/core/where.hpp>
#include <xgrad/state/state.hpp>

namespace xgrad::nn {

struct CheckpointOptions {
  std::size_t every = 0;         ///< every so many epochs there is one that stays, "epoch-0010.safetensors"; 0: none
  bool lower_is_better = false;  ///< as of a loss; an accuracy is better when it is higher
};

/// Writes the checkpoints of a run of training into a directory: "last.safetensors" after every epoch, "best.safetensors" when the
/// score is better than all before, and every n-th under a name of its own. It is a member of the run that it saves, so that a run
/// which goes on knows the best score so far:
///
///     struct Run {
///       Net<> net;
///       optim::Optimizer<float, optim::Adam> opt;
///       Loader<float> loader;
///       nn::Checkpoints kept;
///     };
///     …
///     if (std::filesystem::exists(run.kept.last())) nn::load(run, run.kept.last());
///     …
///     run.kept.save(run, run.loader.state.epoch, accuracy);  // after every epoch
///
/// Dropout draws from the thread's default_generator(), which is not in the run: to go on bit for bit, keep it there too, in a
/// member `Generator generator`: `run.generator = default_generator()` before `save` and the other way round after `load`.
class Checkpoints {
 public:
  std::string directory;
  CheckpointOptions options;

  /// The directory is made when the first checkpoint is written.
  explicit Checkpoints(std::string folder, CheckpointOptions o = {}) : directory(std::move(folder)), options(o) {}

  /// Saves `run`, which may have this as a member. A score that is NaN is no better than another. Each file is written whole or not
  /// at all. Throws FileError; the best score is then what it was.
  template <class Run>
  void save(const Run& run, std::size_t epoch, double score, Where at = Where::current()) {
    const double best = best_;
    const std::int64_t best_epoch = best_epoch_;
    const bool better = !std::isnan(score) && (best_epoch_ < 0 || (options.lower_is_better ? score < best_ : score > best_));
    if (better) {
      best_ = score;
      best_epoch_ = static_cast<std::int64_t>(epoch);
    }
    try {
      make_directory(at);
      if (better) nn::save(run, this->best(), at);  // before the last one, which says that it is there
      nn::save(run, last(), at);
      if (options.every > 0 && epoch % options.every == 0) nn::save(run, of_epoch(epoch), at);
    } catch (...) {
      best_ = best;
      best_epoch_ = best_epoch;
      throw;
    }
  }

  std::string last() const { return path("last"); }
  std::string best() const { return path("best"); }
  /// Of epoch 12: "epoch-0012.safetensors" in the directory.
  XGRAD_API std::string of_epoch(std::size_t epoch) const;

  /// The best score so far, NaN before the first, and its epoch, -1 before the first.
  double best_score() const { return best_epoch_ < 0 ? std::numeric_limits<double>::quiet_NaN() : best_; }
  std::int64_t best_epoch() const { return best_epoch_; }

 private:
  XGRAD_API std::string path(const std::string& name) const;
  XGRAD_API void make_directory(Where at) const;

  double best_ = 0;
  std::int64_t best_epoch_ = -1;
  XGRAD_FIELDS(best_, best_epoch_)
};

}  // namespace xgrad::nn

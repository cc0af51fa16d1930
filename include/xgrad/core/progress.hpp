#pragma once
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <xgrad/core/api.hpp>

namespace xgrad {

struct ProgressOptions {
  std::size_t epochs = 1;
  std::size_t samples = 0;  ///< in an epoch, such as Loader::samples()
  std::size_t epoch = 0,
              done = 0;  ///< where a run that is resumed goes on: epochs that are over, samples of the next that are done
  std::FILE* to = stdout;
};

/// Tells how a training loop goes: on a terminal one line that is rewritten at most ten times a second, elsewhere one line for each
/// epoch. Without colours, so that NO_COLOR has nothing to turn off.
///
///     Progress progress({.epochs = 10, .samples = loader.samples()});
///     while (loader.state.epoch < 10) {
///       for (auto [images, labels] : loader) {
///         …
///         progress.step(labels.size(), {{"loss", loss.item()}});
///       }
///       progress.epoch({{"test accuracy", 100 * nn::evaluate(net, test).accuracy()}});
///     }
///
///     epoch 3/10   loss 0.3211   1520 samples/s   1:12 left
class Progress {
 public:
  using Values = std::initializer_list<std::pair<std::string_view, double>>;

  XGRAD_API explicit Progress(ProgressOptions options);
  /// Ends the terminal's line where it is open.
  XGRAD_API ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// So many samples more are done. The line shows for each name the mean over the epoch, weighted by samples.
  XGRAD_API void step(std::size_t samples, Values values = {});
  /// The epoch is over; the line gets these values too, and an end.
  XGRAD_API void epoch(Values values = {});

  /// Mean over the epoch that runs, or 0 for a name that has not been given.
  XGRAD_API double mean(std::string_view name) const;
  /// Since the beginning.
  XGRAD_API double seconds() const;
  /// Samples a second in `step`s; the time between the last step of an epoch and `epoch` is left out.
  XGRAD_API double speed() const;
  /// What the line says at the moment.
  XGRAD_API std::string line() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Sum {
    std::string name;
    double total = 0, weight = 0;
  };

  const ProgressOptions options_;
  const bool terminal_;
  std::size_t epoch_, done_;  // epochs, and samples of this one
  std::size_t total_ = 0;     // samples since the beginning
  std::vector<Sum> sums_;
  std::chrono::duration<double> elsewhere_{0};
  bool open_ = false;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point shown_ = start_, stepped_ = start_;
};

}  // namespace xgrad

#pragma once
/// Tells how the training goes: one line that is rewritten on a terminal, a few plain lines per epoch elsewhere.
#include <chrono>
#include <cstddef>
#include <string>

class Progress {
 public:
  /// `before`: how many samples of these epochs an earlier run has done.
  Progress(std::size_t epochs, std::size_t samples, std::size_t before = 0);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// A batch is done: how many samples it had, how many of them were right, and the mean loss.
  void batch(std::size_t samples, std::size_t right, double loss);
  /// An epoch is done, and what the test set says.
  void epoch(double test_accuracy);

  /// Seconds since the beginning; images per second while training, which leaves out the testing.
  double seconds() const;
  double speed() const;

 private:
  using Clock = std::chrono::steady_clock;
  std::string line() const;

  const bool terminal_;
  const std::size_t epochs_, samples_, before_;
  std::size_t epoch_, done_, counted_ = 0, right_ = 0, told_ = 0, total_ = 0;
  double loss_ = 0, testing_ = 0;
  bool open_ = false;  // the terminal's line has text, and no end yet
  const Clock::time_point start_ = Clock::now();
  Clock::time_point shown_ = start_, trained_ = start_;
};

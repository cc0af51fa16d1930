#include "progress.hpp"

#include <fmt/format.h>
#include <unistd.h>
#include <algorithm>

#include "files.hpp"

namespace {

constexpr std::size_t lines_per_epoch = 4;  // where the output is no terminal

double between(std::chrono::steady_clock::time_point from, std::chrono::steady_clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

Progress::Progress(std::size_t epochs, std::size_t samples, std::size_t before)
    : terminal_(isatty(STDOUT_FILENO) != 0),
      epochs_(epochs),
      samples_(samples),
      before_(before),
      epoch_(before / samples),
      done_(before % samples) {}

Progress::~Progress() {
  if (open_) say("\n");
}

double Progress::seconds() const { return between(start_, Clock::now()); }
double Progress::speed() const {
  const double time = between(start_, trained_) - testing_;
  return time > 0 ? static_cast<double>(total_) / time : 0;
}

std::string Progress::line() const {
  const std::size_t rest = epochs_ * samples_ - std::min(before_ + total_, epochs_ * samples_);
  const auto left =
      static_cast<unsigned>(seconds() * static_cast<double>(rest) / static_cast<double>(std::max<std::size_t>(total_, 1)) + 0.5);
  const auto n = static_cast<double>(std::max<std::size_t>(counted_, 1));
  return fmt::format("epoch {}/{}   loss {:.4f}   accuracy {:.2f} %   {:.0f} images/s   {}:{:02} left", epoch_ + 1, epochs_,
                     loss_ / n, 100 * static_cast<double>(right_) / n, speed(), left / 60, left % 60);
}

void Progress::batch(std::size_t samples, std::size_t right, double loss) {
  done_ += samples;
  total_ += samples;
  counted_ += samples;
  right_ += right;
  loss_ += loss * static_cast<double>(samples);
  trained_ = Clock::now();
  if (terminal_ && between(shown_, trained_) > 0.1) {
    say(fmt::format("\r{}\x1b[K", line()));
    shown_ = trained_;
    open_ = true;
  } else if (!terminal_ && done_ < samples_ && done_ * lines_per_epoch / samples_ > told_) {
    told_ = done_ * lines_per_epoch / samples_;
    say(fmt::format("{}\n", line()));
  }
}

void Progress::epoch(double test_accuracy) {
  const Clock::time_point now = Clock::now();
  testing_ += between(trained_, now);
  trained_ = now;
  say(fmt::format("{}{}   test {:.2f} %{}\n", terminal_ ? "\r" : "", line(), 100 * test_accuracy, terminal_ ? "\x1b[K" : ""));
  ++epoch_;
  done_ = counted_ = right_ = told_ = 0;
  loss_ = 0;
  open_ = false;
}

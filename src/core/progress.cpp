#include <xgrad/core/progress.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#if __has_include(<unistd.h>)
#include <unistd.h>
#define XGRAD_HAS_TERMINALS
#endif

namespace xgrad {
namespace {

bool is_terminal(std::FILE* file) {
#ifdef XGRAD_HAS_TERMINALS
  return isatty(fileno(file)) != 0;
#else
  static_cast<void>(file);
  return false;
#endif
}

/// "1:02:03" or "2:03".
std::string clock_text(double seconds) {
  const auto s = static_cast<unsigned long long>(std::clamp(seconds, 0.0, 1e9) + 0.5);
  return s < 3600 ? fmt::format("{}:{:02}", s / 60, s % 60) : fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

}  // namespace

Progress::Progress(ProgressOptions options)
    : options_(options), terminal_(is_terminal(options.to)), epoch_(options.epoch), done_(options.done) {}

Progress::~Progress() {
  if (open_) std::fputs("\n", options_.to);
}

double Progress::seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

double Progress::speed() const {
  const double time = (std::chrono::duration<double>(stepped_ - start_) - elsewhere_).count();
  return time > 0 ? static_cast<double>(total_) / time : 0;
}

double Progress::mean(std::string_view name) const {
  const auto found = std::find_if(sums_.begin(), sums_.end(), [&](const Sum& sum) { return sum.name == name; });
  return found == sums_.end() || found->weight == 0 ? 0 : found->total / found->weight;
}

std::string Progress::line() const {
  std::string text = fmt::format("epoch {}/{}", epoch_ + 1, options_.epochs);
  for (const Sum& sum : sums_)
    if (const double mean = sum.total / sum.weight; sum.weight > 0)  // a NaN may have a sign, which says nothing
      text += fmt::format("   {} {:.4g}", sum.name, std::isnan(mean) ? std::abs(mean) : mean);
  text += fmt::format("   {:.0f} samples/s", speed());
  const double all = static_cast<double>(options_.epochs) * static_cast<double>(options_.samples),
               done = static_cast<double>(epoch_) * static_cast<double>(options_.samples) + static_cast<double>(done_);
  if (total_ > 0 && all > done)
    text += fmt::format("   {} left", clock_text(seconds() / static_cast<double>(total_) * (all - done)));
  return text;
}

void Progress::step(std::size_t samples, Values values) {
  done_ += samples;
  total_ += samples;
  const auto weight = static_cast<double>(samples);
  for (const auto& [name, value] : values) {
    auto sum = std::find_if(sums_.begin(), sums_.end(), [wanted = name](const Sum& s) { return s.name == wanted; });
    if (sum == sums_.end()) sum = sums_.insert(sums_.end(), Sum{std::string(name)});
    sum->total += weight * value;
    sum->weight += weight;
  }
  stepped_ = Clock::now();
  if (!terminal_ || stepped_ - shown_ < std::chrono::milliseconds(100)) return;
  shown_ = stepped_;
  open_ = true;
  std::fputs(fmt::format("\r{}\x1b[K", line()).c_str(), options_.to);
  std::fflush(options_.to);
}

void Progress::epoch(Values values) {
  const Clock::time_point now = Clock::now();
  elsewhere_ += now - stepped_;
  stepped_ = now;
  std::string text = line();
  for (const auto& [name, value] : values) text += fmt::format("   {} {:.4g}", name, value);
  std::fputs(fmt::format("{}{}{}\n", terminal_ ? "\r" : "", text, terminal_ ? "\x1b[K" : "").c_str(), options_.to);
  std::fflush(options_.to);
  ++epoch_;
  done_ = 0;
  open_ = false;
  for (Sum& sum : sums_) sum.total = sum.weight = 0;
}

}  // namespace xgrad

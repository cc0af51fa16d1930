#pragma once
#include <cmath>
#include <cstddef>
#include <numbers>

#include <xgrad/core/error.hpp>

namespace xgrad::optim {

struct OneCycleOptions {
  double warm_up = 0.3;       ///< share of the steps in which the rate rises
  double start_divisor = 25;  ///< the first rate is max_lr / start_divisor …
  double end_divisor = 1e4;   ///< … and the last one the first / end_divisor
};

/// The learning rate of one cycle (Smith & Topin 2018): up to max_lr and down again, each along half a cosine.
///
///     xg::optim::OneCycle schedule(steps, 0.05);
///     for (std::size_t step = 0; step < steps; ++step) {
///       opt.set_lr(schedule(step));
class OneCycle {
 public:
  OneCycle(std::size_t steps, double max_lr, OneCycleOptions options = {}, Where where = Where::current())
      : max_(max_lr), options_(options) {
    if (steps == 0 || !(max_lr > 0) || !(options.warm_up > 0 && options.warm_up < 1) || !(options.start_divisor > 0) ||
        !(options.end_divisor > 0))
      throw ValueError(where, "OneCycle", "steps must be positive, max_lr and the divisors above 0, and warm_up between 0 and 1");
    top_ = options.warm_up * static_cast<double>(steps) - 1;
    last_ = static_cast<double>(steps) - 1;
  }

  /// The rate for step 0 … steps-1; the last rate from then on.
  double operator()(std::size_t step) const {
    const double first = max_ / options_.start_divisor, end = first / options_.end_divisor, at = static_cast<double>(step);
    if (at <= top_) return top_ > 0 ? between(first, max_, at / top_) : max_;
    return between(max_, end, last_ > top_ ? std::fmin(1, (at - top_) / (last_ - top_)) : 1);
  }

 private:
  static double between(double from, double to, double share) {
    return to + (from - to) / 2 * (1 + std::cos(std::numbers::pi * share));
  }

  double max_, top_, last_;
  OneCycleOptions options_;
};

}  // namespace xgrad::optim

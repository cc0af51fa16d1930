#pragma once
#include <cmath>
#include <cstddef>
#include <numbers>
#include <string_view>

#include <xgrad/core/error.hpp>

namespace xgrad::optim {

namespace detail {
/// Throws ValueError: "lr is inf; it must be finite".
[[noreturn]] XGRAD_API void wrong_option(Where where, std::string_view who, std::string_view option, double value,
                                         std::string_view must);
}  // namespace detail

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
  /// Throws ValueError unless there is a step, max_lr and the divisors are positive and finite, and warm_up is between 0 and 1.
  OneCycle(std::size_t steps, double max_lr, OneCycleOptions options = {}, Where where = Where::current())
      : max_(max_lr), options_(options) {
    const auto need = [&](bool fits, std::string_view option, auto value, std::string_view must) {
      if (!fits) detail::wrong_option(where, "OneCycle", option, static_cast<double>(value), must);
    };
    const auto positive = [](double x) { return x > 0 && std::isfinite(x); };
    need(steps > 0, "steps", steps, "be positive");
    need(positive(max_lr), "max_lr", max_lr, "be positive and finite");
    need(options.warm_up > 0 && options.warm_up < 1, "warm_up", options.warm_up, "be between 0 and 1");
    need(positive(options.start_divisor), "start_divisor", options.start_divisor, "be positive and finite");
    need(positive(options.end_divisor), "end_divisor", options.end_divisor, "be positive and finite");
    need(std::isfinite(max_lr / options.start_divisor / options.end_divisor), "the last rate",
         max_lr / options.start_divisor / options.end_divisor, "be finite: max_lr / start_divisor / end_divisor");
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

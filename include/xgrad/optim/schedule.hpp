#pragma once
/// Schedules: an option of a rule as a function of the step. Where PyTorch has a schedule, its numbers and its names.
///
///     const auto rate = xg::optim::warm_up(xg::optim::cosine(0.1, 9000), 1000);
///     for (std::size_t step = 0; step < 10000; ++step) {
///       opt.options.lr = rate(step);
///
/// Any lambda of a std::size_t is one too.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include <xgrad/core/error.hpp>
#include <xgrad/core/fields.hpp>

namespace xgrad::optim {

namespace detail {
/// Throws ValueError: "lr is inf; it must be finite".
[[noreturn]] XGRAD_API void wrong_option(Where at, std::string_view who, std::string_view option, double value,
                                         std::string_view must);
}  // namespace detail

/// The value at step 0, 1, … All that are made here throw ValueError for arguments that are not finite or lengths of 0.
using Schedule = std::function<double(std::size_t step)>;

/// The same at every step.
XGRAD_API Schedule constant(double value, Where at = Where::current());
/// value · gamma^⌊step / step_size⌋ (StepLR): gamma 0.5 halves it every step_size steps.
XGRAD_API Schedule step_decay(double value, std::size_t step_size, double gamma = 0.1, Where at = Where::current());
/// value · gamma^(how many of the milestones have been reached) (MultiStepLR). Throws ValueError unless they rise.
XGRAD_API Schedule multi_step(double value, std::vector<std::size_t> milestones, double gamma = 0.1, Where at = Where::current());
/// value · gamma^step (ExponentialLR): value · e^(-k step) for gamma = e^(-k).
XGRAD_API Schedule exponential(double value, double gamma, Where at = Where::current());
/// value / (1 + k · step). Throws ValueError for a negative k.
XGRAD_API Schedule inverse_time(double value, double k, Where at = Where::current());
/// From value · start_factor to value · end_factor along a line of `steps` steps, and stays (LinearLR).
XGRAD_API Schedule linear_factor(double value, double start_factor, double end_factor, std::size_t steps,
                                 Where at = Where::current());
/// value · (1 - step / steps)^power, and 0 from `steps` on (PolynomialLR).
XGRAD_API Schedule polynomial(double value, std::size_t steps, double power = 1, Where at = Where::current());
/// From value down to `least` along half a cosine of `steps` steps (CosineAnnealingLR), and stays, where PyTorch's rises again.
XGRAD_API Schedule cosine(double value, std::size_t steps, double least = 0, Where at = Where::current());
struct CosineRestartsOptions {
  std::size_t factor = 1;  ///< each cosine is so many times as long as the one before
  double least = 0;        ///< the value at its end
};
/// A cosine over and over (CosineAnnealingWarmRestarts; Loshchilov & Hutter 2017), the first of `steps` steps.
XGRAD_API Schedule cosine_restarts(double value, std::size_t steps, CosineRestartsOptions options = {},
                                   Where at = Where::current());

/// A line from start_factor times the first value of `next` up to it, in `steps` steps; then `next`, from its beginning.
XGRAD_API Schedule warm_up(Schedule next, std::size_t steps, double start_factor = 1.0 / 3, Where at = Where::current());
/// The first schedule up to the first milestone, then the next, each from its own beginning (SequentialLR). Throws ValueError
/// unless there is one milestone fewer than schedules, and they rise.
XGRAD_API Schedule sequential(std::vector<Schedule> schedules, std::vector<std::size_t> milestones, Where at = Where::current());
/// The product of the values (ChainedScheduler, whose schedulers each multiply the rate).
XGRAD_API Schedule chained(std::vector<Schedule> schedules, Where at = Where::current());

struct OneCycleOptions {
  double pct_start = 0.3;         ///< share of the steps in which the value rises
  double div_factor = 25;         ///< the first value is max / div_factor …
  double final_div_factor = 1e4;  ///< … and the last one the first / final_div_factor
  bool linear = false;            ///< along lines instead of half a cosine each
  double base_momentum = 0.85,    ///< of one_cycle_momentum: the least …
      max_momentum = 0.95;        ///< … and the largest
};
/// Up to `max` and down again in so many steps (OneCycleLR; Smith & Topin 2018), and stays at the last value. Throws ValueError
/// unless there is a step, max and the divisors are positive and finite, and pct_start is between 0 and 1.
XGRAD_API Schedule one_cycle(std::size_t steps, double max, OneCycleOptions options = {}, Where at = Where::current());
/// What PyTorch's OneCycleLR makes of the momentum (of beta1 with Adam) meanwhile: from max_momentum down to base_momentum while
/// the rate rises, and up again while it falls. Give the options that one_cycle got; the divisors mean nothing here. Throws
/// ValueError unless there is a step, both momenta are finite, and pct_start is between 0 and 1.
///
///     const auto rate = optim::one_cycle(steps, 0.4), momentum = optim::one_cycle_momentum(steps);
///     opt.options.lr = rate(step);
///     opt.options.momentum = momentum(step);   // the rule's formula is recorded anew, which takes some microseconds
XGRAD_API Schedule one_cycle_momentum(std::size_t steps, OneCycleOptions options = {}, Where at = Where::current());

struct PlateauOptions {
  double factor = 0.1;        ///< what the value is multiplied with
  std::size_t patience = 10;  ///< how many results in a row may be no better
  double threshold = 1e-4;    ///< how much better counts: as a share of the best, or with `absolute` as a difference
  bool absolute = false;
  bool maximise = false;     ///< whether larger results are better
  std::size_t cooldown = 0;  ///< how many results do not count after a change
  double least = 0;          ///< the value does not fall below
};

/// Lowers a value when results stop to improve (ReduceLROnPlateau). It has a state, which is saved and loaded with the struct that
/// it is a member of.
///
///     xg::optim::Plateau rate(0.1, {.patience = 3});
///     for (int epoch = 0; epoch < 50; ++epoch) {
///       …
///       opt.options.lr = rate(validation_loss);
class Plateau {
 public:
  /// Throws ValueError unless value, threshold and least are from 0 up and finite, and factor is from 0 to less than 1.
  XGRAD_API explicit Plateau(double value, PlateauOptions options = {}, Where at = Where::current());

  /// The value after this result. A NaN is no improvement.
  XGRAD_API double operator()(double result);
  double value() const noexcept { return value_; }

 private:
  double value_, best_;
  std::uint64_t bad_ = 0, cooling_ = 0;
  PlateauOptions options_;
  XGRAD_FIELDS(value_, best_, bad_, cooling_)
};

}  // namespace xgrad::optim

#include <xgrad/optim/schedule.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace xgrad::optim {
namespace {

/// The checks of a schedule's arguments, with its name and the user's line.
struct Check {
  std::string_view who;
  Where where;

  const Check& finite(std::string_view name, double x) const { return need(std::isfinite(x), name, x, "be finite"); }
  const Check& not_negative(std::string_view name, double x) const {
    return need(x >= 0 && std::isfinite(x), name, x, "be from 0 up and finite");
  }
  const Check& positive(std::string_view name, double x) const {
    return need(x > 0 && std::isfinite(x), name, x, "be positive and finite");
  }
  const Check& length(std::string_view name, std::size_t n) const {
    return need(n > 0, name, static_cast<double>(n), "be positive");
  }
  const Check& need(bool good, std::string_view name, double x, std::string_view must) const {
    if (!good) detail::wrong_option(where, who, name, x, must);
    return *this;
  }
  const Check& rising(const std::vector<std::size_t>& milestones) const {
    for (std::size_t k = 1; k < milestones.size(); ++k)
      if (milestones[k] <= milestones[k - 1])
        throw ValueError(where, who,
                         fmt::format("milestone {} is {}, after {}; they must rise", k, milestones[k], milestones[k - 1]));
    return *this;
  }
  const Check& defined(const std::vector<Schedule>& schedules) const {
    if (schedules.empty()) throw ValueError(where, who, "there are no schedules; there must be one at least");
    for (std::size_t k = 0; k < schedules.size(); ++k)
      if (!schedules[k]) throw ValueError(where, who, fmt::format("schedule {} is an empty function; it must be callable", k));
    return *this;
  }
};

double number(std::size_t n) { return static_cast<double>(n); }

/// From one value to another along half a cosine.
double along_cosine(double from, double to, double share) {
  return to + (from - to) / 2 * (1 + std::cos(std::numbers::pi * share));
}

}  // namespace

void detail::wrong_option(Where at, std::string_view who, std::string_view option, double value, std::string_view must) {
  throw ValueError(at, who, fmt::format("{} is {}; it must {}", option, value, must));
}

Schedule constant(double value, Where at) {
  Check{"constant", at}.finite("value", value);
  return [=](std::size_t) { return value; };
}

Schedule step_decay(double value, std::size_t step_size, double gamma, Where at) {
  Check{"step_decay", at}.finite("value", value).length("step_size", step_size).finite("gamma", gamma);
  return [=](std::size_t step) { return value * std::pow(gamma, number(step / step_size)); };
}

Schedule multi_step(double value, std::vector<std::size_t> milestones, double gamma, Where at) {
  Check{"multi_step", at}.finite("value", value).finite("gamma", gamma).rising(milestones);
  return [=, milestones = std::move(milestones)](std::size_t step) {
    return value *
           std::pow(gamma, number(static_cast<std::size_t>(std::ranges::upper_bound(milestones, step) - milestones.begin())));
  };
}

Schedule exponential(double value, double gamma, Where at) {
  Check{"exponential", at}.finite("value", value).finite("gamma", gamma);
  return [=](std::size_t step) { return value * std::pow(gamma, number(step)); };
}

Schedule inverse_time(double value, double k, Where at) {
  Check{"inverse_time", at}.finite("value", value).not_negative("k", k);
  return [=](std::size_t step) { return value / (1 + k * number(step)); };
}

Schedule linear_factor(double value, double start_factor, double end_factor, std::size_t steps, Where at) {
  Check{"linear_factor", at}
      .finite("value", value)
      .finite("start_factor", start_factor)
      .finite("end_factor", end_factor)
      .length("steps", steps);
  return [=](std::size_t step) {
    return value * (start_factor + (end_factor - start_factor) * number(std::min(step, steps)) / number(steps));
  };
}

Schedule polynomial(double value, std::size_t steps, double power, Where at) {
  Check{"polynomial", at}.finite("value", value).length("steps", steps).positive("power", power);
  return [=](std::size_t step) { return value * std::pow(1 - number(std::min(step, steps)) / number(steps), power); };
}

Schedule cosine(double value, std::size_t steps, double least, Where at) {
  Check{"cosine", at}.finite("value", value).length("steps", steps).finite("least", least);
  return [=](std::size_t step) { return along_cosine(value, least, number(std::min(step, steps)) / number(steps)); };
}

Schedule cosine_restarts(double value, std::size_t steps, CosineRestartsOptions options, Where where) {
  Check{"cosine_restarts", where}
      .finite("value", value)
      .length("steps", steps)
      .length("factor", options.factor)
      .finite("least", options.least);
  return [=, factor = options.factor, least = options.least](std::size_t step) {
    double at = number(step), length = number(steps);
    if (factor == 1) at = std::fmod(at, length);
    for (; at >= length; length *= number(factor)) at -= length;
    return along_cosine(value, least, at / length);
  };
}

Schedule warm_up(Schedule next, std::size_t steps, double start_factor, Where at) {
  Check{"warm_up", at}.defined({next}).length("steps", steps).finite("start_factor", start_factor);
  return [=, next = std::move(next)](std::size_t step) {
    if (step >= steps) return next(step - steps);
    return next(0) * (start_factor + (1 - start_factor) * number(step) / number(steps));
  };
}

Schedule sequential(std::vector<Schedule> schedules, std::vector<std::size_t> milestones, Where at) {
  Check{"sequential", at}.defined(schedules).rising(milestones);
  if (schedules.size() != milestones.size() + 1)
    throw ValueError(at, "sequential",
                     fmt::format("there are {} schedules and {} milestones; there must be one milestone fewer than schedules",
                                 schedules.size(), milestones.size()));
  return [schedules = std::move(schedules), milestones = std::move(milestones)](std::size_t step) {
    const auto k = static_cast<std::size_t>(std::ranges::upper_bound(milestones, step) - milestones.begin());
    return schedules[k](k == 0 ? step : step - milestones[k - 1]);
  };
}

Schedule chained(std::vector<Schedule> schedules, Where at) {
  Check{"chained", at}.defined(schedules);
  return [schedules = std::move(schedules)](std::size_t step) {
    double product = 1;
    for (const Schedule& each : schedules) product *= each(step);
    return product;
  };
}

namespace {

/// From `first` to `turn` in the first part of the steps, from there to `last` in the second.
Schedule two_parts(double first, double turn, double last, std::size_t steps, const OneCycleOptions& options) {
  const double top = options.pct_start * number(steps) - 1, end = number(steps) - 1;
  return [=, linear = options.linear](std::size_t step) {
    const auto between = [&](double from, double to, double share) {
      return linear ? from + (to - from) * share : along_cosine(from, to, share);
    };
    const double at = number(step);
    if (at <= top) return top > 0 ? between(first, turn, at / top) : turn;
    return between(turn, last, end > top ? std::fmin(1, (at - top) / (end - top)) : 1);
  };
}

}  // namespace

Schedule one_cycle(std::size_t steps, double max, OneCycleOptions options, Where at) {
  const Check check{"one_cycle", at};
  check.length("steps", steps)
      .positive("max", max)
      .need(options.pct_start > 0 && options.pct_start < 1, "pct_start", options.pct_start, "be between 0 and 1")
      .positive("div_factor", options.div_factor)
      .positive("final_div_factor", options.final_div_factor);
  const double first = max / options.div_factor, end = first / options.final_div_factor;
  check.need(std::isfinite(end), "the last value", end, "be finite: max / div_factor / final_div_factor");
  return two_parts(first, max, end, steps, options);
}

Schedule one_cycle_momentum(std::size_t steps, OneCycleOptions options, Where at) {
  Check{"one_cycle_momentum", at}
      .length("steps", steps)
      .finite("base_momentum", options.base_momentum)
      .finite("max_momentum", options.max_momentum)
      .need(options.pct_start > 0 && options.pct_start < 1, "pct_start", options.pct_start, "be between 0 and 1");
  return two_parts(options.max_momentum, options.base_momentum, options.max_momentum, steps, options);
}

Plateau::Plateau(double value, PlateauOptions options, Where at)
    : value_(value),
      best_(options.maximise ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity()),
      options_(options) {
  Check{"Plateau", at}
      .not_negative("value", value)
      .need(options.factor >= 0 && options.factor < 1, "factor", options.factor, "be from 0 to less than 1")
      .not_negative("threshold", options.threshold)
      .not_negative("least", options.least);
}

double Plateau::operator()(double result) {
  const double sign = options_.maximise ? 1 : -1;
  const double wanted = options_.absolute ? best_ + sign * options_.threshold : best_ * (1 + sign * options_.threshold);
  if (options_.maximise ? result > wanted : result < wanted) {
    best_ = result;
    bad_ = 0;
  } else {
    ++bad_;
  }
  if (cooling_ > 0) {
    --cooling_;
    bad_ = 0;
  }
  if (bad_ > options_.patience) {
    value_ = std::max(value_ * options_.factor, options_.least);
    cooling_ = options_.cooldown;
    bad_ = 0;
  }
  return value_;
}

}  // namespace xgrad::optim

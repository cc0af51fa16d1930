#include <xgrad/autodiff/gradcheck.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <span>
#include <utility>

#include "../core/unravel.hpp"
#include "gradcheck_slopes.hpp"

namespace xgrad {
namespace {

using checking::Comparison, checking::Direction, checking::Move, checking::V, checking::Values;

/// Says along which directions the derivatives are compared, and what follows for each input.
class Checker {
 public:
  Checker(const std::function<V()>& closure, const std::vector<NamedVariable<double>>& inputs, const GradcheckOptions& options,
          Where at)
      : options_(options), where_(at), generator_(options.seed), slopes_(closure, inputs, options, generator_, at) {}

  GradcheckReport run() {
    GradcheckReport report{.where = where_, .inputs = {}, .failure = slopes_.begin(), .method = {}};
    if (!report.failure.empty()) return report;
    report.method = slopes_.method();
    while (slopes_.order() < options_.order) {
      slopes_.next_order();
      if (options_.joint)
        check_jointly(report.inputs);
      else
        for (std::size_t k = 0; k < slopes_.inputs().size(); ++k) report.inputs.push_back(check(k));
    }
    return report;
  }

 private:
  /// Keeps the worst comparison of an input.
  void note(GradcheckInput& input, std::size_t k, std::size_t element, bool located, const std::vector<Comparison>& all) {
    for (std::size_t o = 0; o < all.size(); ++o) {
      const Comparison& c = all[o];
      input.ok = input.ok && c.error <= options_.rtol;
      const bool wrong = c.error > options_.rtol;
      const std::pair rank{wrong ? 1 + located : 0, c.error};  // a wrong entry says more than a wrong direction
      if (!(rank > worst_)) continue;
      worst_ = rank;
      input.index = located ? unravel_index(element, input.shape) : Shape{};
      input.result_index = unravel_index(o, slopes_.result_shape());
      input.analytic = c.analytic;
      input.numeric = c.numeric.value;
      input.error = c.error;
      input.located = located;
      input.point = located ? slopes_.point(k).data()[element] : 0;
      input.left = c.numeric.left;
      input.right = c.numeric.right;
      const double slope = std::max(std::abs(c.numeric.left), std::abs(c.numeric.right));
      input.kink = wrong && std::abs(input.right - input.left) > 1e-3 * slope + 10 * c.numeric.noise;
    }
  }

  bool entry(GradcheckInput& input, std::size_t k, std::size_t element) {
    const auto all = slopes_.along({{k, element, {1.0}}});
    note(input, k, element, true, all);
    return std::ranges::all_of(all, [&](const Comparison& c) { return c.error <= options_.rtol; });
  }

  /// Halves a direction that disagrees, and follows the worse half, down to one element.
  Move search(Direction direction) {
    const auto distance = [&](const Direction& d) {
      const Comparison c = slopes_.along(d)[0];
      const double apart = std::abs(c.analytic - c.numeric.value);
      return std::isnan(apart) ? std::numeric_limits<double>::infinity() : apart;
    };
    while (length_of(direction) > 1) {
      auto [left, right] = halves(std::move(direction));
      const bool go_right = distance(right) > distance(left);
      direction = std::move(go_right ? right : left);
    }
    return direction[0];
  }

  /// Divides the elements of some inputs, so that none of a class hides the others: by the size of the value and of the analytic
  /// gradient, each in thousands of what is usual. Almost always there is one class.
  std::vector<Direction> classes(const std::vector<std::size_t>& inputs) {
    const auto usual = [](Values sizes) {
      std::erase_if(sizes, [](double x) { return !(x > 0); });
      if (sizes.empty()) return 1.0;
      const auto middle = sizes.begin() + static_cast<std::ptrdiff_t>(sizes.size() / 2);
      std::nth_element(sizes.begin(), middle, sizes.end());
      return *middle;
    };
    Values values, slopes;
    for (const std::size_t k : inputs) {
      const Array<double>& point = slopes_.point(k);
      for (const double x : std::span(point.data(), point.size())) values.push_back(std::abs(x));
      for (const double g : slopes_.gradients(k)[0]) slopes.push_back(std::abs(g));
    }
    const double value = std::max(1.0, usual(values)), slope = usual(slopes);
    const auto thousands = [](double x, double unit) {
      return x <= 1e3 * unit ? 0U : std::isfinite(x) ? 1 + static_cast<unsigned>(std::log10(x / unit / 1e3) / 3) : 1000U;
    };
    using Class = std::pair<unsigned, unsigned>;
    std::map<Class, std::size_t> counts;
    for (std::size_t i = 0; i < values.size(); ++i) ++counts[{thousands(values[i], value), thousands(slopes[i], slope)}];
    std::vector<Direction> result;
    for (const auto& [key, count] : counts) {
      const double length = 1 / std::sqrt(static_cast<double>(count));
      Direction& direction = result.emplace_back();
      std::size_t i = 0;
      for (const std::size_t k : inputs) {
        Move move{k, 0, Values(slopes_.point(k).size(), 0.0)};
        for (double& step : move.step) {
          if (counts.size() == 1 || key == Class(thousands(values[i], value), thousands(slopes[i], slope))) step = length;
          ++i;
        }
        direction.push_back(std::move(move));
      }
    }
    return result;
  }

  /// Random signs.
  void shuffle(Direction& direction) {
    std::uint64_t bits = 0;
    unsigned left = 0;
    for (Move& move : direction)
      for (double& step : move.step) {
        if (left == 0) {
          bits = generator_.next();
          left = 64;
        }
        if (bits & 1) step = -step;
        bits >>= 1;
        --left;
      }
  }

  /// Moves the elements of some inputs all at once. Calls found(element that is wrong) for the first direction that disagrees.
  template <class Found>
  void check_directions(GradcheckInput& input, const std::vector<std::size_t>& inputs, Found found) {
    bool failed = false;
    for (Direction& direction : classes(inputs)) {
      double longest = 0;
      for (const Move& move : direction)
        for (const double step : move.step) longest = std::max(longest, std::abs(step));
      for (std::size_t n = 0; n < options_.directions; ++n) {
        shuffle(direction);
        const auto all = slopes_.along(direction);
        note(input, inputs[0], 0, false, all);
        ++input.directions;
        const Comparison& c = all[0];
        const double larger = std::max(std::abs(c.analytic), std::abs(c.numeric.value));
        input.visible = std::max(input.visible, (options_.rtol * larger + options_.atol + c.numeric.noise) / longest);
        if (c.error <= options_.rtol || std::exchange(failed, true)) continue;
        found(search(direction));
      }
    }
  }

  GradcheckInput check(std::size_t k) {
    const Array<double>& point = slopes_.point(k);
    GradcheckInput input{.name = slopes_.inputs()[k].name,
                         .order = slopes_.order(),
                         .shape = point.shape(),
                         .index = {},
                         .result_index = {},
                         .note = {}};
    worst_ = {-1, 0.0};
    const std::size_t n = point.size();
    std::size_t failed = 0;
    constexpr std::size_t enough = 32;  // wrong entries, each of which takes five times as long
    if (slopes_.gradients(k).empty()) {
      // the result is empty
    } else if (n <= options_.max_entries) {
      for (; input.entries < n && failed < enough; ++input.entries) failed += !entry(input, k, input.entries);
    } else {
      for (; input.entries < options_.samples && failed < enough; ++input.entries) failed += !entry(input, k, generator_.below(n));
      if (failed < enough) check_directions(input, {k}, [&](const Move& wrong) { entry(input, k, wrong.first); });
    }
    judge(input, k);
    return input;
  }

  /// All inputs at once: a row for them together, and one for each that is found wrong.
  void check_jointly(std::vector<GradcheckInput>& rows) {
    std::vector<std::size_t> all;
    std::size_t elements = 0;
    for (std::size_t k = 0; k < slopes_.inputs().size(); ++k) {
      if (slopes_.gradients(k).empty() || slopes_.point(k).size() == 0) continue;
      all.push_back(k);
      elements += slopes_.point(k).size();
    }
    const auto row = [&](const std::string& name, const Shape& shape) {
      return GradcheckInput{.name = name, .order = slopes_.order(), .shape = shape, .index = {}, .result_index = {}, .note = {}};
    };
    GradcheckInput joint = row(fmt::format("all {} together", slopes_.inputs().size()), Shape{elements});
    std::vector<GradcheckInput> wrong;
    worst_ = {-1, 0.0};
    if (!all.empty())
      check_directions(joint, all, [&](const Move& element) {
        const std::size_t k = element.input;
        const auto worst = std::exchange(worst_, {-1, 0.0});
        wrong.push_back(row(slopes_.inputs()[k].name, slopes_.point(k).shape()));
        entry(wrong.back(), k, element.first);
        wrong.back().entries = 1;
        worst_ = worst;
      });
    rows.push_back(std::move(joint));
    for (std::size_t k = 0; k < slopes_.inputs().size(); ++k) {
      const auto found = std::ranges::find(wrong, slopes_.inputs()[k].name, &GradcheckInput::name);
      GradcheckInput each = found == wrong.end() ? row(slopes_.inputs()[k].name, slopes_.point(k).shape()) : *found;
      judge(each, k);
      if (!each.ok) rows.push_back(std::move(each));
    }
  }

  /// What the comparisons of single entries do not say.
  void judge(GradcheckInput& input, std::size_t k) {
    bool zero = true;
    for (const Values& row : slopes_.gradients(k)) zero = zero && std::ranges::all_of(row, [](double g) { return g == 0; });
    // Second derivatives of linear functions are zero, and so on; that of <u, gradient> with respect to v is not.
    const bool may_be_zero = options_.allow_zero.covers(slopes_.inputs()[k].name) ||
                             (slopes_.order() == 2 ? k + 1 < slopes_.inputs().size() : slopes_.order() > 2);
    const std::string allow = fmt::format("{{.allow_zero = {{\"{}\"}}}}", slopes_.inputs()[k].name);
    if (!input.ok) {
      const auto odd = [&](double x, const char* which) {
        if (!std::isfinite(x) && input.note.empty())
          input.note = fmt::format("{} is {}", which, std::isnan(x) ? "nan" : x > 0 ? "inf" : "-inf");
      };
      odd(input.analytic, "analytic");
      odd(input.numeric, "numeric");
      if (input.note.empty() && input.kink)
        input.note = fmt::format("kink?{} The slope is {:.4g} on the left and {:.4g} on the right; check at another point",
                                 input.located ? fmt::format(" The entry is {:.6g}.", input.point) : "", input.left, input.right);
      else if (input.note.empty() && !slopes_.used(k))
        input.note = "the graph does not lead from the result to it: something is detached, or computed inside NoGrad";
      else if (input.note.empty() && zero)
        input.note = "its gradient is all zero";
    } else if (zero && !may_be_zero) {
      input.ok = false;
      input.note = size_of(input.shape) == 0 || slopes_.gradients(k).empty()
                       ? "there is nothing to check: it, or the result, is empty"
                   : !slopes_.used(k)
                       ? fmt::format("the function does not depend on it; leave it out, or pass {}", allow)
                       : fmt::format("its gradient is all zero, which proves nothing; check at another point, or pass {}", allow);
    }
  }

  const GradcheckOptions& options_;
  Where where_;
  Generator generator_;
  checking::Slopes slopes_;
  std::pair<int, double> worst_;
};

void validate(const std::vector<NamedVariable<double>>& inputs, const GradcheckOptions& options, Where at) {
  if (inputs.empty()) throw ValueError(at, "gradcheck", "there are no inputs to check; there must be at least one");
  if (options.order < 1) throw ValueError(at, "gradcheck", fmt::format("order is {}; it must be at least 1", options.order));
  if (!(options.rtol > 0) || !(options.atol >= 0))
    throw ValueError(at, "gradcheck",
                     fmt::format("rtol is {}, atol {}; rtol must be above 0 and atol not below", options.rtol, options.atol));
  if (options.joint && options.directions == 0)
    throw ValueError(at, "gradcheck", "directions is 0; it must be at least 1 for a joint check");
  for (const std::string& name : options.allow_zero.names)
    if (std::ranges::none_of(inputs, [&](const auto& input) { return AllowZero({name}).covers(input.name); }))
      throw ValueError(at, "gradcheck", fmt::format("allow_zero has {}; it must be the name of an input, or of a layer", name));
  for (const auto& [name, x] : inputs) {
    if (!x.defined()) throw GraphError(at, "gradcheck", name + " is an undefined Variable; it must have a value before it is used");
    if (!x.requires_grad())
      throw GraphError(at, "gradcheck",
                       name + " needs no gradient; it must be made with requires_grad = true, or captured in the function instead");
    if (!x.is_leaf())
      throw GraphError(
          at, "gradcheck",
          fmt::format(
              "{} is the result of {} recorded at {}, so its value cannot be moved; it must be a leaf: Variable(x.value(), true)",
              name, x.node()->name(), to_string(x.node()->where())));
  }
}

}  // namespace

GradcheckReport detail::run_gradcheck(const std::function<Variable<double>()>& closure, std::vector<NamedVariable<double>> inputs,
                                      const GradcheckOptions& options, Where at) {
  validate(inputs, options, at);
  return Checker(closure, inputs, options, at).run();
}

void detail::wrong_arity(std::size_t takes, std::size_t given, Where at) {
  throw ValueError(
      at, "gradcheck",
      fmt::format("the function takes {} Variable{}; {} inputs must not be given to it", takes, takes == 1 ? "" : "s", given));
}

std::vector<NamedVariable<double>> detail::number_inputs(const std::vector<Variable<double>>& inputs, const char* name) {
  std::vector<NamedVariable<double>> result;
  for (std::size_t k = 0; k < inputs.size(); ++k) result.push_back({fmt::format("{} {}", name, k), inputs[k]});
  return result;
}

}  // namespace xgrad

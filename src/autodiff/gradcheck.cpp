#include <xgrad/autodiff/gradcheck.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <span>
#include <unordered_set>

#include <xgrad/autodiff/backward.hpp>
#include <xgrad/core/random.hpp>
#include <xgrad/ops/arithmetic.hpp>
#include <xgrad/ops/reduce.hpp>

#include "../graph/journal.hpp"

namespace xgrad {
namespace {

using V = Variable<double>;
using Values = std::vector<double>;

Values values_of(const V& x) { return {x.value().data(), x.value().data() + x.size()}; }

Shape unravel(std::size_t i, const Shape& shape) {
  Shape index = shape;
  for (std::size_t k = shape.size(); k-- > 0; i /= shape[k]) index[k] = i % shape[k];
  return index;
}

/// How elements of an input move: element `first + j` by step[j].
struct Move {
  std::size_t input, first;
  Values step;
};
/// … and those of several inputs at once.
using Direction = std::vector<Move>;

std::size_t length_of(const Direction& direction) {
  std::size_t n = 0;
  for (const Move& move : direction) n += move.step.size();
  return n;
}
/// The first half of a direction's elements, and the rest.
std::pair<Direction, Direction> halves(Direction direction) {
  std::pair<Direction, Direction> result;
  std::size_t left = length_of(direction) / 2;
  for (Move& move : direction) {
    const std::size_t n = std::min(left, move.step.size());
    const auto middle = move.step.begin() + static_cast<std::ptrdiff_t>(n);
    if (n < move.step.size()) result.second.push_back({move.input, move.first + n, Values(middle, move.step.end())});
    move.step.resize(n);
    if (n > 0) result.first.push_back(std::move(move));
    left -= n;
  }
  return result;
}

/// The inputs while they move. Puts values, and the counts of their assignments, back: a graph that kept them stays good.
class Moving {
 public:
  explicit Moving(const std::vector<NamedVariable<double>>& inputs) : recording_(detail::thread_state.recording) {
    for (const auto& input : inputs) add(input.variable);
    detail::thread_state.recording = true;
  }
  ~Moving() {
    for (Saved& s : saved_) {
      restore(s, 0, s.value.size());
      s.storage->version = s.version;
    }
    detail::thread_state.recording = recording_;
  }
  Moving(const Moving&) = delete;
  Moving& operator=(const Moving&) = delete;

  void add(const V& x) { saved_.push_back({x.storage(), x.storage()->version, Array<double>(x.value())}); }
  /// The point plus t times the direction.
  void to(const Direction& direction, double t) {
    for (const Move& move : direction) {
      Saved& s = saved_[move.input];
      const double* from = s.value.data() + move.first;
      double* x = s.storage->array.data() + move.first;
      for (std::size_t j = 0; j < move.step.size(); ++j) x[j] = from[j] + t * move.step[j];
      ++s.storage->version;
    }
  }
  void back(const Direction& direction) {
    for (const Move& move : direction) restore(saved_[move.input], move.first, move.step.size());
  }
  const Array<double>& point(std::size_t k) const { return saved_[k].value; }

 private:
  struct Saved {
    Ref<Storage<double>> storage;
    std::uint32_t version;
    Array<double> value;
  };
  static void restore(Saved& s, std::size_t first, std::size_t count) noexcept {
    if (count != 0) std::memcpy(s.storage->array.data() + first, s.value.data() + first, count * sizeof(double));
  }
  std::vector<Saved> saved_;
  bool recording_;
};

/// A derivative by differences with one step.
struct Estimate {
  double value, left, right;  ///< left and right: the one-sided slopes
  double noise;               ///< how wrong it may be by rounding of what changed, if that was computed well
  double most;                ///< … and if all of the result is rounded as its largest part is
};

/// A derivative along a direction as the graph has it, and the rounding of the sum that it is.
struct Analytic {
  double value, rounding;
};

/// One comparison of the two derivatives.
struct Comparison {
  double analytic = 0, error = 0;
  Estimate numeric{};
};

/// Checks the derivatives of one order. What it checks is the function itself (order 1, small Jacobian) or a scalar made of it:
/// s1 = <v, f>, s2 = <u, gradient of s1>, and so on, with random v and u.
class Checker {
 public:
  Checker(const std::function<V()>& closure, const std::vector<NamedVariable<double>>& inputs, const GradcheckOptions& options,
          Where where)
      : closure_(closure), inputs_(inputs), options_(options), where_(where), generator_(options.seed), moving_(inputs) {}
  ~Checker() {  // what the function writes itself, such as running statistics
    journal_.writes.exchange();
    journal_.writes = {};
  }
  Checker(const Checker&) = delete;
  Checker& operator=(const Checker&) = delete;

  GradcheckReport run() {
    GradcheckReport report{.where = where_, .inputs = {}, .failure = {}, .method = {}};
    const V first = result();
    shape_ = first.shape();
    report.failure = repeat(values_of(first));
    if (!report.failure.empty()) return report;

    v_ = NamedVariable<double>{"gradient of the result", V(weights(shape_, size_of(shape_) == 1), true)};
    std::size_t entries = 0;
    for (const auto& input : inputs_) entries += input.variable.size();
    whole_ = !options_.joint && entries * first.size() <= options_.max_entries;
    report.method = first.size() == 1 ? "the result's only entry"
                    : whole_          ? fmt::format("every entry of the result {}", to_string(shape_))
                             : fmt::format("a random combination of the result's {} entries {}", first.size(), to_string(shape_));
    for (order_ = 1; order_ <= options_.order; ++order_) {
      if (order_ == 2) {
        whole_ = false;
        inputs_.push_back(v_);
        moving_.add(v_.variable);
      }
      if (order_ >= 2) {
        u_.emplace_back();
        const std::size_t count = inputs_.size() - (order_ == 2);  // s1 differentiated by v is just the function again
        for (std::size_t k = 0; k < count; ++k) u_.back().push_back(V(weights(inputs_[k].variable.shape(), false)));
      }
      differentiate();
      if (options_.joint)
        check_jointly(report.inputs);
      else
        for (std::size_t k = 0; k < inputs_.size(); ++k) report.inputs.push_back(check(k));
    }
    return report;
  }

 private:
  /// Random numbers away from 0; for a scalar result at order 1 just 1, so that the report shows the derivatives themselves.
  Array<double> weights(const Shape& shape, bool one) {
    Array<double> w = make_array<double>(shape);
    for (double& x : std::span(w.data(), w.size()))
      x = one ? 1 : generator_.uniform(0.5, 1.5) * (generator_.below(2) == 0 ? 1 : -1);
    return w;
  }

  V result() {
    V y = closure_();
    if (!y.defined()) throw GraphError(where_, "gradcheck", "the function returned an undefined Variable; it must have a value");
    return y;
  }

  std::string repeat(const Values& first) {
    const V again = result();
    if (again.shape() != shape_)
      return fmt::format("the function is not deterministic: called twice at the same point it gave {} and {}", to_string(shape_),
                         to_string(again.shape()));
    for (std::size_t k = 0; k < first.size(); ++k)
      if (const double a = first[k], b = again.value().data()[k];
          std::memcmp(&a, &b, sizeof a) != 0 && !(std::isnan(a) && std::isnan(b)))
        return fmt::format(
            "the function is not deterministic: called twice at the same point, entry {} of its result was {} and {}; "
            "seed its random numbers inside the function, or switch them off",
            to_string(unravel(k, shape_)), a, b);
    return {};
  }

  /// The terms that the scalar of an order is the sum of, by the graph.
  std::vector<V> terms(int order, bool record) {
    std::vector<V> t{weighted(result(), v_.variable)};
    for (int k = 1; k < order; ++k) {
      std::vector<V> x;
      const std::vector<V>& u = u_[static_cast<std::size_t>(k - 1)];
      for (std::size_t i = 0; i < u.size(); ++i) x.push_back(inputs_[i].variable);
      std::vector<V> g;
      if (const V s = total(std::move(t)); s.requires_grad())
        g = grad(s, x, {.create_graph = record || k + 1 < order, .allow_unused = true}, where_);
      else
        for (const V& input : x) g.emplace_back(zeros<double>(input.shape(), Where{}));
      t.clear();
      for (std::size_t i = 0; i < x.size(); ++i) t.push_back(weighted(g[i], u[i]));
    }
    return t;
  }
  V weighted(const V& x, const V& w) {
    if (x.shape() != w.shape())
      throw ShapeError(where_, "gradcheck",
                       fmt::format("the function's result was {} and is now {}; it must keep its shape", to_string(w.shape()),
                                   to_string(x.shape())));
    return mul(x, w, where_);
  }
  V total(std::vector<V> t) {
    V s = sum(std::move(t[0]), {}, {}, where_);
    for (std::size_t i = 1; i < t.size(); ++i) s = add(std::move(s), sum(std::move(t[i]), {}, {}, where_), where_);
    return s;
  }

  /// The analytic derivatives: jacobian_[input][output].
  void differentiate() {
    V y;
    magnitude_ = 0;
    centre_.clear();
    if (whole_) {
      y = result();
      centre_ = values_of(y);
      for (const double value : centre_) magnitude_ = std::max(magnitude_, std::abs(value));
    } else {
      std::vector<V> t = terms(order_, true);
      for (const V& part : t) centre_.insert(centre_.end(), part.value().data(), part.value().data() + part.size());
      for (const double value : centre_) magnitude_ += std::abs(value);
      y = total(std::move(t));
    }
    largest_ = std::max(largest_, magnitude_);
    std::vector<V> x;
    for (const auto& input : inputs_) x.push_back(input.variable);
    jacobian_.assign(x.size(), {});
    used_.assign(x.size(), true);
    for (std::size_t o = 0; o < y.size(); ++o) {
      Array<double> seed = zeros<double>(y.shape(), Where{});
      seed.data()[o] = 1;
      std::vector<V> g;
      if (y.requires_grad()) g = grad(y, x, V(std::move(seed)), {.retain_graph = true, .allow_unused = true}, where_);
      for (std::size_t k = 0; k < x.size(); ++k) jacobian_[k].push_back(g.empty() ? Values(x[k].size(), 0.0) : values_of(g[k]));
    }
    for (std::size_t k = 0; k < x.size(); ++k) used_[k] = depends(y, x[k]);
  }
  /// Whether the graph leads from y to x.
  bool depends(const V& y, const V& x) const {
    if (!y.requires_grad()) return false;
    std::vector<const Node<double>*> queue{y.node().get()};
    std::unordered_set<const Node<double>*> seen{queue[0]};
    for (std::size_t k = 0; k < queue.size(); ++k) {
      if (queue[k] == x.node().get()) return true;
      for (const auto& edge : queue[k]->edges())
        if (edge.node && seen.insert(edge.node.get()).second) queue.push_back(edge.node.get());
    }
    return false;
  }

  /// How the outputs differ from what they are at the point, and the size of all that differs. The terms of a sum are compared one
  /// by one: a large one that stays as it is adds no rounding.
  struct Change {
    Values by, size;
  };
  Change at(const Direction& direction, double t) {
    moving_.to(direction, t);
    std::vector<V> now;
    if (whole_)
      now.push_back(result());
    else
      now = terms(order_, false);
    Change change;
    long double by = 0, size = 0;
    std::size_t k = 0;
    for (const V& part : now) {
      if (whole_ && part.shape() != shape_)
        throw ShapeError(where_, "gradcheck",
                         fmt::format("the function's result was {} and is now {}; it must keep its shape", to_string(shape_),
                                     to_string(part.shape())));
      for (const double value : std::span(part.value().data(), part.size())) {
        const double was = centre_[k++], difference = value == was ? 0 : value - was;
        const double larger = value == was ? 0 : std::max(std::abs(value), std::abs(was));
        if (whole_) {
          change.by.push_back(difference);
          change.size.push_back(larger);
        } else {
          by += difference;
          size += larger;
        }
      }
    }
    if (!whole_) change = {{static_cast<double>(by)}, {static_cast<double>(size)}};
    return change;
  }

  /// Differences along a direction, of every output, with step h.
  std::vector<Estimate> differences(const Direction& direction, double h) {
    const Change l2 = at(direction, -2 * h), l1 = at(direction, -h), r1 = at(direction, h), r2 = at(direction, 2 * h);
    moving_.back(direction);
    constexpr double rounding = 16 * std::numeric_limits<double>::epsilon();
    std::vector<Estimate> result;
    for (std::size_t o = 0; o < r1.by.size(); ++o)
      result.push_back({.value = (l2.by[o] - r2.by[o] + 8 * (r1.by[o] - l1.by[o])) / (12 * h),
                        .left = (l2.by[o] - 4 * l1.by[o]) / (2 * h),
                        .right = (4 * r1.by[o] - r2.by[o]) / (2 * h),
                        .noise = rounding * std::max({l2.size[o], l1.size[o], r1.size[o], r2.size[o]}) / h,
                        .most = rounding * magnitude_ / h});
    return result;
  }

  Comparison compare(const Analytic& of_graph, const Estimate& numeric) const {
    const double analytic = of_graph.value, n = numeric.value, difference = std::abs(analytic - n);
    if (difference == 0) return {analytic, 0, numeric};
    // A derivative of higher order may be what is left of terms that cancel, as large as those of lower orders, or 1.
    const double left = whole_ ? 0 : 16 * std::numeric_limits<double>::epsilon() * std::min(largest_, 1.0);
    const double allowed =
        std::max(std::abs(analytic), std::abs(n)) + (options_.atol + numeric.noise + of_graph.rounding + left) / options_.rtol;
    const double error = difference / allowed;
    return {analytic, std::isnan(error) ? std::numeric_limits<double>::infinity() : error, numeric};
  }

  /// The derivatives along a direction that the graph has.
  std::vector<Analytic> analytic_along(const Direction& direction) const {
    std::vector<Analytic> result;
    for (std::size_t o = 0; o < jacobian_[direction[0].input].size(); ++o) {
      long double d = 0, size = 0;
      for (const Move& move : direction) {
        const double* g = jacobian_[move.input][o].data() + move.first;
        for (std::size_t j = 0; j < move.step.size(); ++j) {
          const double term = move.step[j] * g[j];
          d += term;
          size += std::abs(term);
        }
      }
      result.push_back({static_cast<double>(d), 16 * std::numeric_limits<double>::epsilon() * static_cast<double>(size)});
    }
    return result;
  }

  /// Steps to try, each smaller than the one before. The first balances rounding (16 eps / h) against the stencil's own error (of
  /// order h^4) for functions that change on the scale of 1, or of x where it is larger; the last are for functions that change on
  /// the scale of the smallest x that moves: log, sqrt, 1 / x.
  Values steps(const Direction& direction) const {
    double square = 0, least = std::numeric_limits<double>::infinity(), longest = 0;
    std::size_t count = 0;
    for (const Move& move : direction) {
      const double* x = moving_.point(move.input).data() + move.first;
      for (std::size_t j = 0; j < move.step.size(); ++j) {
        if (move.step[j] == 0) continue;
        ++count;
        square += x[j] * x[j];
        if (x[j] != 0) least = std::min(least, std::abs(x[j]));
        longest = std::max(longest, std::abs(move.step[j]));
      }
    }
    // of one element without the square, which might overflow
    const double scale = count == 1 ? least : std::sqrt(square / static_cast<double>(count));
    const double first = 1e-3 * (scale > 1 && std::isfinite(scale) ? scale : 1);
    Values result{first, first * 1e-1, first * 1e-2, first * 1e-3, first * 1e-4};
    if (std::isfinite(least) && longest > 0)
      for (const double part : {1e-3, 1e-4, 1e-5})
        if (const double h = part * least / longest; h < 0.9 * result.back() && h > 0) result.push_back(h);
    return result;
  }

  static double apart(const Estimate& a, const Estimate& b) { return std::abs(a.value - b.value); }

  /// The step that agrees best with the next smaller one, relative to what they say, where it agrees closely; else in absolute
  /// terms, because of a derivative that is 0 rounding alone is left. (Across a pole large steps agree on nearly nothing.)
  static std::size_t settled(const std::vector<std::vector<Estimate>>& tries, std::size_t o) {
    double least = std::numeric_limits<double>::infinity(), closest = least;
    std::size_t absolute = tries.size(), relative = absolute;
    for (std::size_t t = 0; t + 1 < tries.size(); ++t) {
      const Estimate &a = tries[t][o], &b = tries[t + 1][o];
      const double distance = apart(a, b) + a.noise, part = distance / std::max(std::abs(a.value), std::abs(b.value));
      if (distance < least) {
        least = distance;
        absolute = t;
      }
      if (part < closest) {
        closest = part;
        relative = t;
      }
    }
    return closest < 1e-5 ? relative : absolute;
  }

  /// Compares along a direction; the outputs' comparisons. Where the first step does not agree, smaller ones are tried, and of
  /// neighbours those that differ least are believed, whatever the analytic derivative is. By how much they differ says, too, how
  /// much is rounded inside the function, where that is more than can be seen in its result.
  std::vector<Comparison> along(const Direction& direction) {
    const std::vector<Analytic> analytic = analytic_along(direction);
    const Values h = steps(direction);
    std::vector<std::vector<Estimate>> tries{differences(direction, h[0])};
    std::vector<Comparison> result;
    for (std::size_t o = 0; o < analytic.size(); ++o) result.push_back(compare(analytic[o], tries[0][o]));
    if (std::ranges::all_of(result, [&](const Comparison& c) { return c.error <= options_.rtol; })) return result;
    for (std::size_t step = 1; step < h.size(); ++step) tries.push_back(differences(direction, h[step]));
    for (std::size_t o = 0; o < analytic.size(); ++o) {
      if (result[o].error <= options_.rtol) continue;
      const std::size_t t = settled(tries, o);
      if (t + 1 >= tries.size()) continue;
      Estimate a = tries[t][o];
      double seen = 4 * apart(a, tries[t + 1][o]);
      if (t + 2 < tries.size()) seen = std::max(seen, 4 * apart(a, tries[t + 2][o]));
      a.noise = std::max(a.noise, std::isfinite(seen) ? std::min(a.most, seen) : 0);
      result[o] = compare(analytic[o], a);
    }
    return result;
  }

  /// Keeps the worst comparison of an input.
  void note(GradcheckInput& input, std::size_t k, std::size_t element, bool located, const std::vector<Comparison>& all) {
    for (std::size_t o = 0; o < all.size(); ++o) {
      const Comparison& c = all[o];
      input.ok = input.ok && c.error <= options_.rtol;
      const bool wrong = c.error > options_.rtol;
      const std::pair rank{wrong ? 1 + located : 0, c.error};  // a wrong entry says more than a wrong direction
      if (!(rank > worst_)) continue;
      worst_ = rank;
      input.index = located ? unravel(element, input.shape) : Shape{};
      input.result_index = unravel(o, whole_ ? shape_ : Shape{});
      input.analytic = c.analytic;
      input.numeric = c.numeric.value;
      input.error = c.error;
      input.located = located;
      input.point = located ? moving_.point(k).data()[element] : 0;
      input.left = c.numeric.left;
      input.right = c.numeric.right;
      const double slope = std::max(std::abs(c.numeric.left), std::abs(c.numeric.right));
      input.kink = wrong && std::abs(input.right - input.left) > 1e-3 * slope + 10 * c.numeric.noise;
    }
  }

  bool entry(GradcheckInput& input, std::size_t k, std::size_t element) {
    const auto all = along({{k, element, {1.0}}});
    note(input, k, element, true, all);
    return std::ranges::all_of(all, [&](const Comparison& c) { return c.error <= options_.rtol; });
  }

  /// Halves a direction that disagrees, and follows the worse half, down to one element.
  Move search(Direction direction) {
    const auto distance = [&](const Direction& d) {
      const Comparison c = along(d)[0];
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
      const Array<double>& point = moving_.point(k);
      for (const double x : std::span(point.data(), point.size())) values.push_back(std::abs(x));
      for (const double g : jacobian_[k][0]) slopes.push_back(std::abs(g));
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
        Move move{k, 0, Values(moving_.point(k).size(), 0.0)};
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
        const auto all = along(direction);
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
    const Array<double>& point = moving_.point(k);
    GradcheckInput input{
        .name = inputs_[k].name, .order = order_, .shape = point.shape(), .index = {}, .result_index = {}, .note = {}};
    worst_ = {-1, 0.0};
    const std::size_t n = point.size();
    std::size_t failed = 0;
    constexpr std::size_t enough = 32;  // wrong entries, each of which takes five times as long
    if (jacobian_[k].empty()) {
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
    for (std::size_t k = 0; k < inputs_.size(); ++k) {
      if (jacobian_[k].empty() || moving_.point(k).size() == 0) continue;
      all.push_back(k);
      elements += moving_.point(k).size();
    }
    const auto row = [&](const std::string& name, const Shape& shape) {
      return GradcheckInput{.name = name, .order = order_, .shape = shape, .index = {}, .result_index = {}, .note = {}};
    };
    GradcheckInput joint = row(fmt::format("all {} together", inputs_.size()), Shape{elements});
    std::vector<GradcheckInput> wrong;
    worst_ = {-1, 0.0};
    if (!all.empty())
      check_directions(joint, all, [&](const Move& element) {
        const std::size_t k = element.input;
        const auto worst = std::exchange(worst_, {-1, 0.0});
        wrong.push_back(row(inputs_[k].name, moving_.point(k).shape()));
        entry(wrong.back(), k, element.first);
        wrong.back().entries = 1;
        worst_ = worst;
      });
    rows.push_back(std::move(joint));
    for (std::size_t k = 0; k < inputs_.size(); ++k) {
      const auto found = std::ranges::find(wrong, inputs_[k].name, &GradcheckInput::name);
      GradcheckInput each = found == wrong.end() ? row(inputs_[k].name, moving_.point(k).shape()) : *found;
      judge(each, k);
      if (!each.ok) rows.push_back(std::move(each));
    }
  }

  /// What the comparisons of single entries do not say.
  void judge(GradcheckInput& input, std::size_t k) {
    bool zero = true;
    for (const Values& row : jacobian_[k]) zero = zero && std::ranges::all_of(row, [](double g) { return g == 0; });
    // Second derivatives of linear functions are zero, and so on; that of <u, gradient> with respect to v is not.
    const bool may_be_zero = options_.allow_zero.covers(inputs_[k].name) || (order_ == 2 ? k + 1 < inputs_.size() : order_ > 2);
    const std::string allow = fmt::format("{{.allow_zero = {{\"{}\"}}}}", inputs_[k].name);
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
      else if (input.note.empty() && !used_[k])
        input.note = "the graph does not lead from the result to it: something is detached, or computed inside NoGrad";
      else if (input.note.empty() && zero)
        input.note = "its gradient is all zero";
    } else if (zero && !may_be_zero) {
      input.ok = false;
      input.note = size_of(input.shape) == 0 || jacobian_[k].empty() ? "there is nothing to check: it, or the result, is empty"
                   : !used_[k]
                       ? fmt::format("the function does not depend on it; leave it out, or pass {}", allow)
                       : fmt::format("its gradient is all zero, which proves nothing; check at another point, or pass {}", allow);
    }
  }

  const std::function<V()>& closure_;
  std::vector<NamedVariable<double>> inputs_;
  const GradcheckOptions& options_;
  Where where_;
  Generator generator_;
  Shape shape_;
  NamedVariable<double> v_;
  std::vector<std::vector<V>> u_;  // per order above 1 and input
  int order_ = 1;
  bool whole_ = false;
  std::pair<int, double> worst_;
  double magnitude_ = 0, largest_ = 0;  // of this order's results, and of all so far
  detail::Journal journal_;
  Moving moving_;
  std::vector<std::vector<Values>> jacobian_;
  std::vector<bool> used_;
  Values centre_;  // the outputs, or the terms of the only one, at the point
};

void validate(const std::vector<NamedVariable<double>>& inputs, const GradcheckOptions& options, Where where) {
  if (inputs.empty()) throw ValueError(where, "gradcheck", "there are no inputs to check; there must be at least one");
  if (options.order < 1) throw ValueError(where, "gradcheck", fmt::format("order is {}; it must be at least 1", options.order));
  if (!(options.rtol > 0) || !(options.atol >= 0))
    throw ValueError(where, "gradcheck",
                     fmt::format("rtol is {}, atol {}; rtol must be above 0 and atol not below", options.rtol, options.atol));
  if (options.joint && options.directions == 0)
    throw ValueError(where, "gradcheck", "directions is 0; a joint check needs at least 1");
  for (const std::string& name : options.allow_zero.names)
    if (std::ranges::none_of(inputs, [&](const auto& input) { return AllowZero({name}).covers(input.name); }))
      throw ValueError(where, "gradcheck", fmt::format("allow_zero has {}; it must be the name of an input, or of a layer", name));
  for (const auto& [name, x] : inputs) {
    if (!x.defined())
      throw GraphError(where, "gradcheck", name + " is an undefined Variable; it must have a value before it is used");
    if (!x.requires_grad())
      throw GraphError(where, "gradcheck",
                       name + " needs no gradient; it must be made with requires_grad = true, or captured in the function instead");
    if (!x.is_leaf())
      throw GraphError(
          where, "gradcheck",
          fmt::format(
              "{} is the result of {} recorded at {}, so its value cannot be moved; it must be a leaf: Variable(x.value(), true)",
              name, x.node()->name(), to_string(x.node()->where())));
  }
}

}  // namespace

GradcheckReport detail::run_gradcheck(const std::function<Variable<double>()>& closure, std::vector<NamedVariable<double>> inputs,
                                      const GradcheckOptions& options, Where where) {
  validate(inputs, options, where);
  return Checker(closure, inputs, options, where).run();
}

void detail::wrong_arity(std::size_t takes, std::size_t given, Where where) {
  throw ValueError(
      where, "gradcheck",
      fmt::format("the function takes {} Variable{}; {} inputs must not be given to it", takes, takes == 1 ? "" : "s", given));
}

std::vector<NamedVariable<double>> detail::number_inputs(const std::vector<Variable<double>>& inputs, const char* name) {
  std::vector<NamedVariable<double>> result;
  for (std::size_t k = 0; k < inputs.size(); ++k) result.push_back({fmt::format("{} {}", name, k), inputs[k]});
  return result;
}

}  // namespace xgrad

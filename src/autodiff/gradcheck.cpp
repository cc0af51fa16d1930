#include <xgrad/autodiff/gradcheck.hpp>

#include <fmt/format.h>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <span>
#include <unordered_set>

#include <xgrad/autodiff/backward.hpp>
#include <xgrad/core/random.hpp>
#include <xgrad/ops/arithmetic.hpp>
#include <xgrad/ops/reduce.hpp>

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

/// The inputs while they move. Puts values, and the counts of their assignments, back: a graph that kept them stays good.
class Moving {
 public:
  explicit Moving(const std::vector<NamedVariable<double>>& inputs) : recording_(detail::thread_state.recording) {
    for (const auto& input : inputs) add(input.variable);
    detail::thread_state.recording = true;
  }
  ~Moving() {
    for (Saved& s : saved_) {
      restore(s);
      s.storage->version = s.version;
    }
    detail::thread_state.recording = recording_;
  }
  Moving(const Moving&) = delete;
  Moving& operator=(const Moving&) = delete;

  void add(const V& x) { saved_.push_back({x.storage(), x.storage()->version, Array<double>(x.value())}); }
  /// Input k at its point plus t times the direction, whose entry j is that of element `first + j`.
  void to(std::size_t k, std::size_t first, const Values& direction, double t) {
    Saved& s = saved_[k];
    restore(s);
    for (std::size_t j = 0; j < direction.size(); ++j) s.storage->array.data()[first + j] += t * direction[j];
    ++s.storage->version;
  }
  void back(std::size_t k) { restore(saved_[k]); }
  const Array<double>& point(std::size_t k) const { return saved_[k].value; }

 private:
  struct Saved {
    Ref<Storage<double>> storage;
    std::uint32_t version;
    Array<double> value;
  };
  static void restore(Saved& s) noexcept {
    if (s.value.size() != 0) std::memcpy(s.storage->array.data(), s.value.data(), s.value.size() * sizeof(double));
  }
  std::vector<Saved> saved_;
  bool recording_;
};

/// A derivative by differences with one step.
struct Estimate {
  double value, left, right;  ///< left and right: the one-sided slopes
  double noise;               ///< how wrong it may be by rounding alone
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

  GradcheckReport run() {
    GradcheckReport report{.where = where_, .inputs = {}, .failure = {}, .method = {}};
    const V first = result();
    shape_ = first.shape();
    report.failure = repeat(values_of(first));
    if (!report.failure.empty()) return report;

    v_ = NamedVariable<double>{"gradient of the result", V(weights(shape_, size_of(shape_) == 1), true)};
    std::size_t entries = 0;
    for (const auto& input : inputs_) entries += input.variable.size();
    whole_ = entries * first.size() <= options_.max_entries;
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
      for (std::size_t k = 0; k < inputs_.size(); ++k) report.inputs.push_back(check(k));
    }
    return report;
  }

 private:
  /// Random numbers away from 0; for a scalar result at order 1 just 1, so that the report shows the derivatives themselves.
  Array<double> weights(const Shape& shape, bool one) {
    Array<double> w(shape);
    for (double& x : std::span(w.data(), w.size()))
      x = one ? 1 : generator_.uniform(0.5, 1.5) * (generator_.below(2) == 0 ? 1 : -1);
    return w;
  }

  V result() {
    V y = closure_();
    if (!y.defined()) throw GraphError(where_, "gradcheck", "the function returned an undefined Variable");
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

  /// The scalar of an order, by the graph. Notes how large the terms are that it sums: rounding is in proportion to them.
  V scalar(int order, bool record) {
    V s = weighted(result(), v_.variable);
    for (int k = 1; k < order; ++k) {
      std::vector<V> x;
      const std::vector<V>& u = u_[static_cast<std::size_t>(k - 1)];
      for (std::size_t i = 0; i < u.size(); ++i) x.push_back(inputs_[i].variable);
      std::vector<V> g;
      if (s.requires_grad())
        g = grad(s, x, {.create_graph = record || k + 1 < order, .allow_unused = true}, where_);
      else
        for (const V& input : x) g.emplace_back(zeros<double>(input.shape()));
      s = 0;
      magnitude_ = 0;
      for (std::size_t i = 0; i < x.size(); ++i) s = add(s, weighted(g[i], u[i]), where_);
    }
    return s;
  }
  V weighted(const V& x, const V& w) {
    if (x.shape() != w.shape())
      throw ShapeError(where_, "gradcheck",
                       fmt::format("the function's result was {} and is now {}", to_string(w.shape()), to_string(x.shape())));
    V product = mul(x, w, where_);
    for (const double term : values_of(product)) magnitude_ += std::abs(term);
    return sum(std::move(product), {}, {}, where_);
  }

  /// The analytic derivatives: jacobian_[input][output].
  void differentiate() {
    magnitude_ = 0;
    const V y = whole_ ? result() : scalar(order_, true);
    if (whole_)
      for (const double value : values_of(y)) magnitude_ = std::max(magnitude_, std::abs(value));
    std::vector<V> x;
    for (const auto& input : inputs_) x.push_back(input.variable);
    jacobian_.assign(x.size(), {});
    used_.assign(x.size(), true);
    for (std::size_t o = 0; o < y.size(); ++o) {
      Array<double> seed = zeros<double>(y.shape());
      seed.data()[o] = 1;
      std::vector<V> g;
      if (y.requires_grad()) g = grad(y, x, V(std::move(seed)), {.retain_graph = true, .allow_unused = true}, where_);
      for (std::size_t k = 0; k < x.size(); ++k) jacobian_[k].push_back(g.empty() ? Values(x[k].size(), 0.0) : values_of(g[k]));
    }
    for (std::size_t k = 0; k < x.size(); ++k) used_[k] = depends(y, x[k]);
    centre_ = values_of(y);
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

  Values evaluate() {
    if (!whole_) return {scalar(order_, false).item()};
    const V y = result();
    if (y.shape() != shape_)
      throw ShapeError(where_, "gradcheck",
                       fmt::format("the function's result was {} and is now {}", to_string(shape_), to_string(y.shape())));
    return values_of(y);
  }

  /// Differences along a direction, of every output, with step h.
  std::vector<Estimate> differences(std::size_t k, std::size_t first, const Values& direction, double h) {
    const double magnitude = magnitude_;
    const auto at = [&](double t) {
      moving_.to(k, first, direction, t);
      return evaluate();
    };
    const Values l2 = at(-2 * h), l1 = at(-h), r1 = at(h), r2 = at(2 * h);
    moving_.back(k);
    magnitude_ = magnitude;
    std::vector<Estimate> result;
    for (std::size_t o = 0; o < r1.size(); ++o)
      result.push_back({.value = (l2[o] - r2[o] + 8 * (r1[o] - l1[o])) / (12 * h),
                        .left = (3 * centre_[o] - 4 * l1[o] + l2[o]) / (2 * h),
                        .right = (4 * r1[o] - 3 * centre_[o] - r2[o]) / (2 * h),
                        .noise = 16 * std::numeric_limits<double>::epsilon() * magnitude / h});
    return result;
  }

  Comparison compare(double analytic, const Estimate& numeric) const {
    const double n = numeric.value, difference = std::abs(analytic - n);
    if (difference == 0) return {analytic, 0, numeric};
    const double allowed = std::max(std::abs(analytic), std::abs(n)) + (options_.atol + numeric.noise) / options_.rtol;
    const double error = difference / allowed;
    return {analytic, std::isnan(error) ? std::numeric_limits<double>::infinity() : error, numeric};
  }

  /// Compares along a direction; the outputs' comparisons. The step is first the one that balances rounding (16 eps / h) against
  /// the stencil's own error (h^4 f''''' / 30) for functions that change on the scale of 1, or of x where it is larger. Where that
  /// does not agree, smaller ones are tried, and the two neighbours that differ least are believed, whatever the analytic
  /// derivative is.
  std::vector<Comparison> along(std::size_t k, std::size_t first, const Values& direction, double scale) {
    Values analytic;
    for (const Values& row : jacobian_[k])
      analytic.push_back(
          std::inner_product(direction.begin(), direction.end(), row.begin() + static_cast<std::ptrdiff_t>(first), 0.0));
    double h = 1e-3 * std::max(1.0, scale);
    std::vector<std::vector<Estimate>> tries{differences(k, first, direction, h)};
    std::vector<Comparison> result;
    for (std::size_t o = 0; o < analytic.size(); ++o) result.push_back(compare(analytic[o], tries[0][o]));
    if (std::ranges::all_of(result, [&](const Comparison& c) { return c.error <= options_.rtol; })) return result;
    for (int step = 0; step < 4; ++step) tries.push_back(differences(k, first, direction, h /= 10));
    for (std::size_t o = 0; o < analytic.size(); ++o) {
      if (result[o].error <= options_.rtol) continue;
      double least = std::numeric_limits<double>::infinity();
      for (std::size_t t = 0; t + 1 < tries.size(); ++t) {
        const Estimate &a = tries[t][o], &b = tries[t + 1][o];
        const double distance = std::abs(a.value - b.value) + a.noise;
        if (!(distance < least)) continue;
        least = distance;
        result[o] = compare(analytic[o], a);
      }
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
    const auto all = along(k, element, {1.0}, std::abs(moving_.point(k).data()[element]));
    note(input, k, element, true, all);
    return std::ranges::all_of(all, [&](const Comparison& c) { return c.error <= options_.rtol; });
  }

  /// Halves the range of a direction that disagrees, and follows the worse half, down to one entry.
  void search(GradcheckInput& input, std::size_t k, std::size_t first, Values direction, double scale) {
    while (direction.size() > 1) {
      const auto middle = direction.begin() + static_cast<std::ptrdiff_t>(direction.size() / 2);
      Values left(direction.begin(), middle), right(middle, direction.end());
      const auto distance = [&](std::size_t from, const Values& d) {
        const Comparison c = along(k, from, d, scale)[0];
        const double apart = std::abs(c.analytic - c.numeric.value);
        return std::isnan(apart) ? std::numeric_limits<double>::infinity() : apart;
      };
      const bool go_right = distance(first + left.size(), right) > distance(first, left);
      if (go_right) first += left.size();
      direction = std::move(go_right ? right : left);
    }
    entry(input, k, first);
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
      for (; input.directions < options_.directions && failed < enough; ++input.directions) {
        Values direction(n);
        for (double& d : direction) d = (generator_.below(2) == 0 ? 1 : -1) / std::sqrt(static_cast<double>(n));
        double square = 0;
        for (const double x : std::span(point.data(), n)) square += x * x;
        const double scale = std::sqrt(square / static_cast<double>(n));
        const auto all = along(k, 0, direction, scale);
        note(input, k, 0, false, all);
        if (all[0].error <= options_.rtol) continue;
        ++failed;
        if (failed == 1) search(input, k, 0, direction, scale);
      }
    }
    judge(input, k);
    return input;
  }

  /// What the comparisons of single entries do not say.
  void judge(GradcheckInput& input, std::size_t k) {
    bool zero = true;
    for (const Values& row : jacobian_[k]) zero = zero && std::ranges::all_of(row, [](double g) { return g == 0; });
    // Second derivatives of linear functions are zero, and so on; that of <u, gradient> with respect to v is not.
    const bool may_be_zero = options_.allow_zero || (order_ == 2 ? k + 1 < inputs_.size() : order_ > 2);
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
                       ? "the function does not depend on it; leave it out, or pass {.allow_zero = true}"
                       : "its gradient is all zero, which proves nothing; check at another point, or pass {.allow_zero = true}";
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
  double magnitude_ = 0;
  Moving moving_;
  std::vector<std::vector<Values>> jacobian_;
  std::vector<bool> used_;
  Values centre_;
};

void validate(const std::vector<NamedVariable<double>>& inputs, const GradcheckOptions& options, Where where) {
  if (inputs.empty()) throw ValueError(where, "gradcheck", "there are no inputs to check");
  if (options.order < 1) throw ValueError(where, "gradcheck", fmt::format("order is {}; it must be at least 1", options.order));
  if (!(options.rtol > 0) || !(options.atol >= 0))
    throw ValueError(where, "gradcheck",
                     fmt::format("rtol is {}, atol {}; rtol must be above 0 and atol not below", options.rtol, options.atol));
  for (const auto& [name, x] : inputs) {
    if (!x.defined()) throw GraphError(where, "gradcheck", name + " is an undefined Variable: give it a value before it is used");
    if (!x.requires_grad())
      throw GraphError(where, "gradcheck",
                       name +
                           " needs no gradient, so there is none to check: make it with requires_grad = true, or capture it in the "
                           "function instead");
    if (!x.is_leaf())
      throw GraphError(
          where, "gradcheck",
          fmt::format(
              "{} is the result of {} recorded at {}, so its value cannot be moved; make a leaf of it: Variable(x.value(), true)",
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
  throw ValueError(where, "gradcheck",
                   fmt::format("the function takes {} Variable{}, but {} inputs are given", takes, takes == 1 ? "" : "s", given));
}

std::vector<NamedVariable<double>> detail::number_inputs(const std::vector<Variable<double>>& inputs, const char* name) {
  std::vector<NamedVariable<double>> result;
  for (std::size_t k = 0; k < inputs.size(); ++k) result.push_back({fmt::format("{} {}", name, k), inputs[k]});
  return result;
}

}  // namespace xgrad

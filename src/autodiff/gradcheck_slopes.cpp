#include "gradcheck_slopes.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>

#include <xgrad/autodiff/backward.hpp>
#include <xgrad/ops/arithmetic.hpp>
#include <xgrad/ops/reduce.hpp>

#include "../core/unravel.hpp"
#include "../graph/walk.hpp"

namespace xgrad::checking {
namespace {

Values values_of(const V& x) { return {x.value().data(), x.value().data() + x.size()}; }

double apart(const Estimate& a, const Estimate& b) { return std::abs(a.value - b.value); }

/// The step that agrees best with the next smaller one, relative to what they say, where it agrees closely; else in absolute
/// terms, because of a derivative that is 0 rounding alone is left. (Across a pole large steps agree on nearly nothing.)
std::size_t settled(const std::vector<std::vector<Estimate>>& tries, std::size_t o) {
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

}  // namespace

Slopes::Slopes(const std::function<V()>& closure, const std::vector<NamedVariable<double>>& inputs, const GradcheckOptions& options,
               Generator& generator, Where at)
    : closure_(closure), inputs_(inputs), options_(options), generator_(generator), where_(at), moving_(inputs) {}

Slopes::~Slopes() {
  journal_.writes.exchange();
  journal_.writes = {};
}

std::string Slopes::begin() {
  const V first = result();
  shape_ = first.shape();
  entries_ = first.size();
  std::string failure = repeat(values_of(first));
  if (!failure.empty()) return failure;
  v_ = NamedVariable<double>{"gradient of the result", V(weights(shape_, entries_ == 1), true)};
  std::size_t elements = 0;
  for (const auto& input : inputs_) elements += input.variable.size();
  whole_ = !options_.joint && elements * entries_ <= options_.max_entries;
  return {};
}

std::string Slopes::method() const {
  return entries_ == 1 ? "the result's only entry"
         : whole_      ? fmt::format("every entry of the result {}", to_string(shape_))
                       : fmt::format("a random combination of the result's {} entries {}", entries_, to_string(shape_));
}

void Slopes::next_order() {
  ++order_;
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
}

/// Random numbers away from 0; for a scalar result at order 1 just 1, so that the report shows the derivatives themselves.
Array<double> Slopes::weights(const Shape& shape, bool one) {
  Array<double> w = make_array<double>(shape);
  for (double& x : std::span(w.data(), w.size())) x = one ? 1 : generator_.uniform(0.5, 1.5) * (generator_.below(2) == 0 ? 1 : -1);
  return w;
}

V Slopes::result() {
  V y = closure_();
  if (!y.defined()) throw GraphError(where_, "gradcheck", "the function returned an undefined Variable; it must have a value");
  return y;
}

std::string Slopes::repeat(const Values& first) {
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
          to_string(unravel_index(k, shape_)), a, b);
  return {};
}

/// The terms that the scalar of an order is the sum of, by the graph.
std::vector<V> Slopes::terms(int order, bool record) {
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
V Slopes::weighted(const V& x, const V& w) {
  if (x.shape() != w.shape())
    throw ShapeError(where_, "gradcheck",
                     fmt::format("the function's result was {} and is now {}; it must keep its shape", to_string(w.shape()),
                                 to_string(x.shape())));
  return mul(x, w, where_);
}
V Slopes::total(std::vector<V> t) {
  V s = sum(std::move(t[0]), {}, {}, where_);
  for (std::size_t i = 1; i < t.size(); ++i) s = add(std::move(s), sum(std::move(t[i]), {}, {}, where_), where_);
  return s;
}

/// The analytic derivatives: jacobian_[input][output].
void Slopes::differentiate() {
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
  std::vector<Node<double>*> from;
  if (y.requires_grad()) from = xgrad::detail::ancestors<double>({y.node().get()});
  for (std::size_t k = 0; k < x.size(); ++k) used_[k] = std::ranges::find(from, x[k].node().get()) != from.end();
}

Slopes::Change Slopes::at(const Direction& direction, double t) {
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
std::vector<Estimate> Slopes::differences(const Direction& direction, double h) {
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

Comparison Slopes::compare(const Analytic& of_graph, const Estimate& numeric) const {
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
std::vector<Analytic> Slopes::analytic_along(const Direction& direction) const {
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
Values Slopes::steps(const Direction& direction) const {
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

/// Compares along a direction; the outputs' comparisons. Where the first step does not agree, smaller ones are tried, and of
/// neighbours those that differ least are believed, whatever the analytic derivative is. By how much they differ says, too, how
/// much is rounded inside the function, where that is more than can be seen in its result.
std::vector<Comparison> Slopes::along(const Direction& direction) {
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

}  // namespace xgrad::checking

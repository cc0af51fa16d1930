#include <xgrad/optim/minimise.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <memory>

#include <xgrad/optim/schedule.hpp>

namespace xgrad::optim {
namespace {

using Vector = std::vector<double>;

double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}
Vector along(const Vector& x, double step, const Vector& direction) {
  Vector result(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) result[i] = x[i] + step * direction[i];
  return result;
}
Vector difference(const Vector& a, const Vector& b) { return along(a, -1, b); }
double largest(const Vector& x) {
  double most = 0;
  for (double e : x) most = std::abs(e) <= most ? most : std::abs(e);  // NaN counts
  return most;
}

/// Where to go from a point, and what a step there has taught.
class Direction {
 public:
  virtual ~Direction() = default;
  virtual Vector next(const Vector& x, const Vector& gradient) = 0;
  /// After a step s that changed the gradient by y.
  virtual void learn(const Vector& s, const Vector& y) = 0;
  /// Forgets all; false when there is nothing to forget.
  virtual bool forget() = 0;
};

/// -H g with an inverse Hessian H that is kept as a matrix (Nocedal & Wright, 6.17 and 6.20).
class Dense : public Direction {
 public:
  Vector next(const Vector&, const Vector& gradient) override {
    const std::size_t n = gradient.size();
    Vector d(n);
    for (std::size_t i = 0; i < n; ++i) {
      if (h_.empty()) {
        d[i] = -gradient[i];
        continue;
      }
      double sum = 0;
      for (std::size_t j = 0; j < n; ++j) sum += h_[i * n + j] * gradient[j];
      d[i] = -sum;
    }
    return d;
  }
  void learn(const Vector& s, const Vector& y) override {
    const std::size_t n = s.size();
    const double sy = dot(s, y), yy = dot(y, y);
    if (!(sy > 1e-14 * yy)) return;
    if (h_.empty()) {
      h_.assign(n * n, 0);
      for (std::size_t i = 0; i < n; ++i) h_[i * n + i] = sy / yy;
    }
    Vector hy(n);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) hy[i] += h_[i * n + j] * y[j];
    const double factor = (1 + dot(y, hy) / sy) / sy;
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) h_[i * n + j] += factor * s[i] * s[j] - (hy[i] * s[j] + s[i] * hy[j]) / sy;
  }
  bool forget() override { return !std::exchange(h_, {}).empty(); }

 private:
  Vector h_;
};

/// The same product from the last steps (Nocedal & Wright, algorithm 7.4).
class Recent : public Direction {
 public:
  explicit Recent(std::size_t most) : most_(most) {}
  Vector next(const Vector&, const Vector& gradient) override {
    Vector q = gradient, alpha(steps_.size());
    for (std::size_t k = steps_.size(); k-- > 0;) {
      alpha[k] = dot(steps_[k].s, q) / steps_[k].sy;
      q = along(q, -alpha[k], steps_[k].y);
    }
    const double scale = steps_.empty() ? 1 : steps_.back().sy / dot(steps_.back().y, steps_.back().y);
    for (double& e : q) e *= scale;
    for (std::size_t k = 0; k < steps_.size(); ++k) q = along(q, alpha[k] - dot(steps_[k].y, q) / steps_[k].sy, steps_[k].s);
    for (double& e : q) e = -e;
    return q;
  }
  void learn(const Vector& s, const Vector& y) override {
    const double sy = dot(s, y);
    if (!(sy > 1e-14 * dot(y, y))) return;
    steps_.push_back({s, y, sy});
    if (steps_.size() > most_) steps_.pop_front();
  }
  bool forget() override { return !std::exchange(steps_, {}).empty(); }

 private:
  struct Step {
    Vector s, y;
    double sy;
  };
  std::size_t most_;
  std::deque<Step> steps_;
};

/// Solves a d = -g by Cholesky's factors of a, n × n; false when a is not positive definite.
bool solve(Vector a, const Vector& g, Vector& d) {
  const std::size_t n = g.size();
  d.resize(n);
  double most = 0;
  for (std::size_t i = 0; i < n; ++i) most = std::max(most, std::abs(a[i * n + i]));
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = a[i * n + j];
      for (std::size_t k = 0; k < j; ++k) sum -= a[i * n + k] * a[j * n + k];
      if (i == j && !(sum > 1e-14 * most)) return false;
      a[i * n + j] = i == j ? std::sqrt(sum) : sum / a[j * n + j];
    }
  for (std::size_t i = 0; i < n; ++i) {
    double sum = -g[i];
    for (std::size_t k = 0; k < i; ++k) sum -= a[i * n + k] * d[k];
    d[i] = sum / a[i * n + i];
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t k = i + 1; k < n; ++k) d[i] -= a[k * n + i] * d[k];
    d[i] /= a[i * n + i];
  }
  return true;
}

/// By the Hessian or what stands for it (Nocedal & Wright, algorithm 3.3).
class Exact : public Direction {
 public:
  explicit Exact(std::function<Vector(const Vector&)> hessian) : hessian_(std::move(hessian)) {}
  Vector next(const Vector& x, const Vector& gradient) override {
    const std::size_t n = x.size();
    const Vector h = hessian_(x);
    const double most = largest(h);
    Vector d;
    for (double more = 0; more <= 1e12 * (1 + most); more = std::max(10 * more, 1e-6 * (1 + most))) {
      Vector a = h;
      for (std::size_t i = 0; i < n; ++i) a[i * n + i] += more;
      if (solve(std::move(a), gradient, d)) return d;
    }
    return along(Vector(n), -1, gradient);
  }
  void learn(const Vector&, const Vector&) override {}
  bool forget() override { return false; }

 private:
  std::function<Vector(const Vector&)> hessian_;
};

/// A point on the line, with value, slope along it and gradient.
struct Point {
  double step = 0, value = 0, slope = 0;
  Vector x, gradient;
  bool finite() const { return std::isfinite(value) && std::isfinite(slope); }
};

/// Where a cubic through two points with these slopes is least; in the middle, when it is not well inside.
double between(const Point& a, const Point& b) {
  const double middle = (a.step + b.step) / 2;
  if (!b.finite()) return middle;
  const double d1 = a.slope + b.slope - 3 * (a.value - b.value) / (a.step - b.step), square = d1 * d1 - a.slope * b.slope;
  if (!(square >= 0)) return middle;
  const double d2 = (b.step > a.step ? 1 : -1) * std::sqrt(square);
  const double step = b.step - (b.step - a.step) * (b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2);
  const double low = std::min(a.step, b.step), width = std::abs(b.step - a.step);
  return step > low + 0.1 * width && step < low + 0.9 * width ? step : middle;
}

/// The strong Wolfe conditions (Nocedal & Wright, algorithms 3.5 and 3.6). `found` is the best point so far; false when none is
/// lower.
template <class At>
bool search(const At& at, const Point& start, double first, Point& found) {
  constexpr double c1 = 1e-4, c2 = 0.9;
  const auto too_high = [&](const Point& p, const Point& low) {
    return !p.finite() || p.value > start.value + c1 * p.step * start.slope || p.value >= low.value;
  };
  Point low = start, high;
  bool bracketed = false;
  double step = first;
  for (int k = 0; k < 40; ++k) {
    Point p = at(bracketed ? between(low, high) : step);
    if (too_high(p, low)) {
      high = std::move(p);
      bracketed = true;
    } else {
      if (std::abs(p.slope) <= -c2 * start.slope) {
        found = std::move(p);
        return true;
      }
      // The minimum is between the new lowest point and the side to which the slope falls.
      if (bracketed ? p.slope * (high.step - low.step) >= 0 : p.slope >= 0) {
        high = std::move(low);
        bracketed = true;
      }
      low = std::move(p);
      step = 2 * low.step;
    }
    if (bracketed && std::abs(high.step - low.step) <= 1e-15 * std::max(high.step, low.step)) break;
  }
  if (!(low.value < start.value)) return false;
  found = std::move(low);
  return true;
}

}  // namespace

std::string to_string(const MinimiseReport& report) {
  const std::string_view why = report.stop == Stop::gradient      ? "the gradient is small"
                               : report.stop == Stop::change      ? "the value hardly changes"
                               : report.stop == Stop::iterations  ? "max_iter was reached"
                               : report.stop == Stop::line_search ? "no point along the direction is lower"
                                                                  : "value or gradient are not finite at the start";
  return fmt::format("stopped after {} iterations and {} evaluations, as {}: value {:.3g}, gradient {:.3g}", report.iterations,
                     report.evaluations, why, report.value, report.gradient);
}

MinimiseReport detail::minimise(const Objective& objective, std::vector<double>& x, std::size_t history,
                                const MinimiseOptions& options, const char* who, Where where) {
  const auto tolerance = [&](const char* name, double value) {
    if (!(value >= 0)) wrong_option(where, who, name, value, "be from 0 up");
  };
  tolerance("tolerance_grad", options.tolerance_grad);
  tolerance("tolerance_change", options.tolerance_change);
  std::unique_ptr<Direction> direction;
  if (objective.hessian)
    direction = std::make_unique<Exact>(objective.hessian);
  else if (history > 0)
    direction = std::make_unique<Recent>(history);
  else
    direction = std::make_unique<Dense>();

  MinimiseReport report;
  Point here;
  here.x = x;
  here.value = objective.value(here.x, here.gradient);
  ++report.evaluations;
  const auto stop = [&](Stop why) {
    report.stop = why;
    report.value = here.value;
    report.gradient = largest(here.gradient);
    x = here.x;
    return report;
  };
  if (!std::isfinite(here.value) || !std::isfinite(largest(here.gradient))) return stop(Stop::not_finite);
  bool fresh = !objective.hessian;  // whether the direction is the gradient's, which has no length to go by
  while (true) {
    if (largest(here.gradient) <= options.tolerance_grad) return stop(Stop::gradient);
    if (report.iterations == options.max_iter) return stop(Stop::iterations);
    const Vector d = direction->next(here.x, here.gradient);
    here.slope = dot(d, here.gradient);
    const auto at = [&](double step) {
      Point p;
      p.step = step;
      p.x = along(here.x, step, d);
      p.value = objective.value(p.x, p.gradient);
      ++report.evaluations;
      p.slope = dot(p.gradient, d);
      return p;
    };
    here.step = 0;
    Point next;
    const double first = fresh ? std::min(1.0, 1 / std::sqrt(dot(here.gradient, here.gradient))) : 1;
    if (!(here.slope < 0) || !search(at, here, first, next)) {
      if (!direction->forget()) return stop(Stop::line_search);
      fresh = true;
      continue;
    }
    ++report.iterations;
    direction->learn(difference(next.x, here.x), difference(next.gradient, here.gradient));
    const double change = std::abs(next.value - here.value);
    here = std::move(next);
    fresh = false;
    if (change <= options.tolerance_change * std::max(1.0, std::abs(here.value)) && largest(here.gradient) > options.tolerance_grad)
      return stop(Stop::change);
  }
}

}  // namespace xgrad::optim

#include <xgrad/testing/check_op.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include <xgrad/autodiff/backward.hpp>
#include <xgrad/autodiff/gradcheck.hpp>
#include <xgrad/core/random.hpp>
#include <xgrad/ops/arithmetic.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/reduce.hpp>

#include "../autodiff/engine.hpp"
#include "../graph/walk.hpp"

namespace xgrad {
namespace {

using testing::Domain;
using testing::OpReport;
using testing::OpRow;
using Values = std::vector<Array<double>>;

}  // namespace

std::vector<Array<double>> testing::sample(const OpRow& row) {
  Generator generator(row.seed);
  std::size_t total = 0, used = 0;
  for (const Shape& shape : row.shapes) total += size_of(shape);
  const std::vector<std::size_t> order = generator.permutation(total);
  Values result;
  for (std::size_t k = 0; k < row.shapes.size(); ++k) {
    const Domain domain = row.domains[std::min(k, row.domains.size() - 1)];
    Array<double> x(row.shapes[k]);
    for (double& value : std::span(x.data(), x.size())) {
      if (row.distinct)  // one grid for all inputs
        value = domain.low + (domain.high - domain.low) * (static_cast<double>(order[used++]) + 0.5) / static_cast<double>(total);
      else
        do value = generator.uniform(domain.low, domain.high);
        while (std::abs(value - domain.avoid) < 0.05);
      value = static_cast<float>(value);  // so that float and double begin at the same numbers
    }
    result.push_back(std::move(x));
  }
  return result;
}

namespace {

template <class T>
std::vector<Variable<T>> leaves(const Values& values) {
  std::vector<Variable<T>> result;
  for (const Array<double>& value : values) {
    Array<T> x(value.shape());
    std::transform(value.data(), value.data() + value.size(), x.data(), [](double v) { return static_cast<T>(v); });
    result.emplace_back(std::move(x), true);
  }
  return result;
}

/// Largest distance, relative to the largest value or 1. Infinite when the shapes differ or a NaN is on one side only.
template <class X>
double distance(const Array<X>& x, const Array<double>& y) {
  if (x.shape() != y.shape()) return std::numeric_limits<double>::infinity();
  double largest = 1, apart = 0;
  for (std::size_t k = 0; k < x.size(); ++k) {
    const double p = static_cast<double>(x.data()[k]), q = y.data()[k];
    if (std::isnan(p) != std::isnan(q)) return std::numeric_limits<double>::infinity();
    if (std::isnan(p) || p == q) continue;
    largest = std::max({largest, std::abs(p), std::abs(q)});
    apart = std::max(apart, std::abs(p - q));
  }
  return apart / largest;
}

class Check {
 public:
  Check(const OpRow& row, Where at) : row_(row), values_(sample(row)) { report.where = at; }

  void values(const detail::VectorFunction<double>& op) {
    const auto x = leaves<double>(values_);
    const Variable<double> y = op(x);
    for (std::size_t k = 0; k < x.size(); ++k)
      judge(distance(x[k].value(), values_[k]) == 0, "inputs stay as they are", fmt::format("input {} was changed", k));
    {
      const NoGrad no_grad;
      const bool same = distance(op(x).value(), y.value()) == 0;
      judge(same, "values are the same without recording", "inside NoGrad the values are others");
      for (std::size_t k = 0; k < x.size(); ++k)
        judge(distance(x[k].value(), values_[k]) == 0, "inputs stay as they are",
              fmt::format("input {} was changed inside NoGrad", k));
    }
    if (!row_.reference) return;
    const Array<double> expected = row_.reference(values_);
    const double apart = distance(y.value(), expected);
    judge(apart < 1e-12, "values are those of the reference",
          y.shape() != expected.shape()
              ? fmt::format("the result is {}, the reference {}", to_string(y.shape()), to_string(expected.shape()))
              : fmt::format("values differ from the reference by {:.2g}", apart));
  }

  void derivatives(const detail::VectorFunction<double>& op) {
    const auto checked = gradcheck([&](const std::vector<Variable<double>>& x) { return op(x); }, leaves<double>(values_),
                                   {.order = row_.order, .rtol = row_.rtol, .allow_zero = row_.allow_zero}, report.where);
    judge(checked.ok(), fmt::format("derivatives to order {} are those of differences", row_.order), to_string(checked));
  }

  void in_float(const detail::VectorFunction<double>& op, const detail::VectorFunction<float>& op_float) {
    const auto x = leaves<double>(values_);
    const auto xf = leaves<float>(values_);
    const Variable<double> y = op(x);
    const Variable<float> yf = op_float(xf);
    double apart = distance(yf.value(), y.value());
    judge(apart < 1e-5, "values in float agree with those in double", fmt::format("float differs from double by {:.2g}", apart));
    const auto g = gradients<double>(y, x);
    const auto gf = gradients<float>(yf, xf);
    for (std::size_t k = 0; k < g.size(); ++k) {
      apart = distance(gf[k].value(), g[k].value());
      judge(apart < 1e-5, "gradients in float agree with those in double",
            fmt::format("the gradient for input {} in float differs from double by {:.2g}", k, apart));
    }
  }

  /// Each input is an intermediate result whose buffer nobody else holds: the op may take it, the gradients must not notice.
  void last_references(const detail::VectorFunction<double>& op) {
    const auto x = leaves<double>(values_);
    const auto direct = gradients<double>(op(x), x);
    std::vector<Variable<double>> copies;
    for (const auto& v : x) copies.push_back(mul(v, 1.0));
    Variable<double> y = op(copies);
    copies.clear();
    const auto through = gradients<double>(std::move(y), x);
    for (std::size_t k = 0; k < x.size(); ++k)
      judge(distance(through[k].value(), direct[k].value()) < 1e-14, "gradients survive that buffers are reused",
            fmt::format("the gradient for input {} changes when the inputs are last references: what it needs is not kept", k));
  }

  /// What a first use has left is what a second one's gradients are added to.
  void used_twice(const detail::VectorFunction<double>& op) {
    const auto x = leaves<double>(values_);
    const auto once = gradients<double>(op(x), x);
    const Variable<double> first = op(x), second = op(x);
    const auto both = grad(add(sum(square(first)), sum(square(second))), x, {.allow_unused = true}, report.where);
    for (std::size_t k = 0; k < x.size(); ++k)
      judge(distance(both[k].value(), mul(once[k], 2.0).value()) < 1e-13, "gradients of two uses add up",
            fmt::format("the gradient for input {} of two uses is not twice that of one", k));
  }

  /// The rows of the Jacobian, which go through the graph together.
  void many_gradients(const detail::VectorFunction<double>& op) {
    const auto x = leaves<double>(values_);
    const Variable<double> y = op(x);
    if (!y.requires_grad()) return;
    std::vector<Ref<Node<double>>> targets;
    std::size_t columns = 0;
    for (const Variable<double>& v : x) {
      targets.push_back(v.node());
      columns += v.size();
    }
    if (columns != 0 && y.size() > (std::size_t{1} << 21) / columns) return;  // gradcheck takes samples of those, too
    // Twice, so that there are many for a single result, too.
    Shape pair(y.shape().size() + 1, 1);
    pair[0] = 2;
    Array<double> factors = zeros<double>(pair);
    factors.data()[0] = 1.5;
    factors.data()[1] = -0.75;
    const Variable<double> both = mul(Variable<double>(std::move(factors)), y);
    Array<double> weights = zeros<double>(both.shape());
    for (std::size_t i = 0; i < weights.size(); ++i) weights.data()[i] = 0.5 + 0.25 * static_cast<double>(i % 7);
    const Values rows = engine::jacobian<double>(both.node(), targets, {.retain = true, .who = "check_op", .where = report.where});
    const auto single = grad(sum(mul(both, Variable<double>(weights))), x, {.allow_unused = true}, report.where);
    for (std::size_t k = 0; k < x.size(); ++k) {
      Array<double> total = zeros<double>(x[k].shape());
      for (std::size_t i = 0; i < both.size(); ++i)
        for (std::size_t j = 0; j < total.size(); ++j) total.data()[j] += weights.data()[i] * rows[k].data()[i * total.size() + j];
      judge(distance(total, single[k].value()) < 1e-11, "many gradients at once are those of one at a time",
            fmt::format("the gradient for input {} is another when it is one of many (stacked_vjp)", k));
    }
  }

  void kept(const detail::VectorFunction<double>& op) {
    for (std::size_t k = 0; k < values_.size(); ++k) {
      std::vector<Variable<double>> x;
      for (std::size_t i = 0; i < values_.size(); ++i) x.emplace_back(Array<double>(values_[i]), i == k);
      const Variable<double> y = op(x);
      std::string excess;
      std::vector<Node<double>*> roots;
      if (y.requires_grad()) roots.push_back(y.node().get());
      for (const Node<double>* node : detail::ancestors(roots))
        for (const Edge<double>& edge : node->edges())
          for (std::size_t i = 0; i < x.size(); ++i)
            if (edge.kept == x[i].storage() && !(row_.kept[k] & use::input(i))) excess = fmt::format("input {}", i);
      judge(excess.empty(), "nothing is kept beyond what gradients need",
            fmt::format("for the gradient of input {}, {} is kept", k, excess));
    }
  }

  /// Runs a part. What it throws is a failure.
  template <class F>
  void part(const char* name, F f) {
    try {
      f();
    } catch (const std::exception& error) {
      report.failures.push_back(fmt::format("{}: {}", name, error.what()));
    }
  }

  OpReport report;

 private:
  template <class T>
  std::vector<Variable<T>> gradients(const Variable<T>& y, const std::vector<Variable<T>>& x) const {
    return grad(sum(square(y)), x, {.allow_unused = true}, report.where);
  }
  void judge(bool good, const std::string& what, const std::string& otherwise) {
    if (!good) return report.failures.push_back(otherwise);
    if (std::ranges::find(report.passed, what) == report.passed.end()) report.passed.push_back(what);
  }

  const OpRow& row_;
  Values values_;
};

}  // namespace

testing::OpReport detail::run_check_op(const VectorFunction<double>& op, const VectorFunction<float>& op_float, const OpRow& row,
                                       Where at) {
  if (row.shapes.empty()) throw ValueError(at, "check_op", "there are no inputs; their shapes must be given");
  if (row.domains.empty()) throw ValueError(at, "check_op", "domains is empty; it must have an entry, or be left out for [-2, 2)");
  if (!row.kept.empty() && row.kept.size() != row.shapes.size())
    throw ValueError(at, "check_op",
                     fmt::format("kept has {} entries, shapes {}; they must be equal", row.kept.size(), row.shapes.size()));
  for (const Domain& d : row.domains)
    if (!(d.high - d.low > 0.2 || row.distinct))
      throw ValueError(at, "check_op", fmt::format("the domain [{}, {}) is too narrow; it must be wider than 0.2", d.low, d.high));
  Check check(row, at);
  check.part("values", [&] { check.values(op); });
  if (row.order > 0) check.part("derivatives", [&] { check.derivatives(op); });
  if (op_float) check.part("in float", [&] { check.in_float(op, op_float); });
  check.part("last references", [&] { check.last_references(op); });
  check.part("two uses", [&] { check.used_twice(op); });
  if (row.order > 0) check.part("many gradients", [&] { check.many_gradients(op); });
  if (!row.kept.empty()) check.part("kept", [&] { check.kept(op); });
  return std::move(check.report);
}

std::string testing::to_string(const OpReport& report) {
  std::string text = fmt::format("check_op at {}: {}", xgrad::to_string(report.where), report.ok() ? "ok" : "FAILED");
  for (const std::string& failure : report.failures) text += "\n  FAILED  " + failure;
  for (const std::string& what : report.passed) text += "\n  ok      " + what;
  return text;
}

}  // namespace xgrad

#pragma once
/// Derivatives along directions, as the graph has them and by differences.
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include <xgrad/autodiff/gradcheck.hpp>
#include <xgrad/core/random.hpp>

#include "../graph/journal.hpp"
#include "gradcheck_point.hpp"

namespace xgrad::checking {

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

/// The function that is checked and its derivatives of one order after the other. Of order 1 and with a small Jacobian these are
/// the function's own, else those of a scalar made of it: s1 = <v, f>, s2 = <u, gradient of s1>, and so on, with random v and u.
/// What the function writes itself, such as running statistics, is put back in the end.
class Slopes {
 public:
  Slopes(const std::function<V()>& closure, const std::vector<NamedVariable<double>>& inputs, const GradcheckOptions& options,
         Generator& generator, Where at);
  ~Slopes();
  Slopes(const Slopes&) = delete;
  Slopes& operator=(const Slopes&) = delete;

  /// Calls the function; says what is wrong with it, or nothing.
  std::string begin();
  /// Goes to the first order, then to the next. The second makes the gradient of the result one of the inputs.
  void next_order();

  int order() const { return order_; }
  /// What of the result is differentiated.
  std::string method() const;
  /// Shape of what is differentiated.
  Shape result_shape() const { return whole_ ? shape_ : Shape{}; }
  const std::vector<NamedVariable<double>>& inputs() const { return inputs_; }
  const Array<double>& point(std::size_t k) const { return moving_.point(k); }
  /// The gradients for input k, of each element that is differentiated.
  const std::vector<Values>& gradients(std::size_t k) const { return jacobian_[k]; }
  /// Whether the graph leads from the result to input k.
  bool used(std::size_t k) const { return used_[k]; }

  /// Compares along a direction; the outputs' comparisons.
  std::vector<Comparison> along(const Direction& direction);

 private:
  /// How the outputs differ from what they are at the point, and the size of all that differs. The terms of a sum are compared one
  /// by one: a large one that stays as it is adds no rounding.
  struct Change {
    Values by, size;
  };

  Array<double> weights(const Shape& shape, bool one);
  V result();
  std::string repeat(const Values& first);
  std::vector<V> terms(int order, bool record);
  V weighted(const V& x, const V& w);
  V total(std::vector<V> t);
  void differentiate();
  Change at(const Direction& direction, double t);
  std::vector<Estimate> differences(const Direction& direction, double h);
  Comparison compare(const Analytic& of_graph, const Estimate& numeric) const;
  std::vector<Analytic> analytic_along(const Direction& direction) const;
  Values steps(const Direction& direction) const;

  const std::function<V()>& closure_;
  std::vector<NamedVariable<double>> inputs_;
  const GradcheckOptions& options_;
  Generator& generator_;
  Where where_;
  Shape shape_;
  std::size_t entries_ = 0;  // of the result
  NamedVariable<double> v_;
  std::vector<std::vector<V>> u_;  // per order above 1 and input
  int order_ = 0;
  bool whole_ = false;
  double magnitude_ = 0, largest_ = 0;  // of this order's results, and of all so far
  detail::Journal journal_;
  Moving moving_;
  std::vector<std::vector<Values>> jacobian_;  // [input][output]
  std::vector<bool> used_;
  Values centre_;  // the outputs, or the terms of the only one, at the point
};

}  // namespace xgrad::checking

#pragma once
/// Functions of one number that the standard library lacks, slow and simple.
#include <cmath>

namespace naive_special {

inline double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
inline double softplus(double x) { return std::log(1 + std::exp(x)); }
inline double phi(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

/// Differences of lgamma would lose half of the digits: recurrence to where the first terms of the series are exact.
inline double digamma(double x) {
  double result = 0;
  for (; x < 200; x += 1) result -= 1 / x;
  const double z = 1 / (x * x);
  return result + std::log(x) - 0.5 / x - z * (1.0 / 12 - z * (1.0 / 120 - z / 252));
}

}  // namespace naive_special

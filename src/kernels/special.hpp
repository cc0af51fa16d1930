#pragma once
#include "table.hpp"

namespace xgrad::kernels {

/// The primitives that call the C library (or our own plain code) for each element: the same at every level.
void fill_special(Table<float>& table);
void fill_special(Table<double>& table);

/// Derivative number n of digamma, n from 0 to 60 (0 is digamma itself); NaN for other n. At the poles 0, -1, -2, … it is infinite
/// for odd n, and NaN for even n, but for digamma of ±0, which is ∓inf.
double polygamma(int n, double x);

}  // namespace xgrad::kernels

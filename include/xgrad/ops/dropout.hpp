#pragma once
/// Dropout. Channels are the last axis, as everywhere.
#include <xgrad/core/random.hpp>
#include <xgrad/graph/variable.hpp>

namespace xgrad {

struct DropoutOptions {
  bool training = true;  ///< else x comes back as it is
};
/// Zeros with probability p, the other elements divided by 1 - p, so that the mean stays (Srivastava et al. 2014). The same seed of
/// the generator drops the same elements. A NaN that is dropped is gone. Throws ValueError unless 0 <= p <= 1.
///
/// Shapes: (…) → the same
/// Gradient: g times the same mask, divided by 1 - p
template <class T>
XGRAD_API Variable<T> dropout(Variable<T> x, double p = 0.5, DropoutOptions options = {},
                              Generator& generator = default_generator(), Where at = Where::current());
/// Drops whole channels: x is (n, …, c), and each of the n · c maps is zero with probability p (Tompson et al. 2015). Throws
/// ShapeError when x has less than two axes.
///
/// Shapes: (n, …, c) → the same
/// Gradient: g times the same mask, divided by 1 - p
template <class T>
XGRAD_API Variable<T> dropout2d(Variable<T> x, double p = 0.5, DropoutOptions options = {},
                                Generator& generator = default_generator(), Where at = Where::current());

}  // namespace xgrad

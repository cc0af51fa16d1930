#pragma once
/// Normalisation. Channels are the last axis, as everywhere: x is (…, c), images are (n, h, w, c).
#include <xgrad/graph/variable.hpp>

namespace xgrad {

struct BatchNormOptions {
  bool training = true;   ///< normalise with the batch's own mean and variance; else with the running ones
  double momentum = 0.1;  ///< how much of the running statistics a batch replaces, 0 to 1
  double eps = 1e-5;      ///< added to the variance
};

/// Batch normalisation (Ioffe & Szegedy 2015): each channel of x (…, c) minus its mean, divided by √(variance + eps), times weight
/// (c) plus bias (c), which may be undefined for none.
///
/// In training mean and variance are those of the batch, the variance with divisor n. Where running_mean and running_var (c) are
/// defined they are updated, all their copies with them, the variance with the unbiased one (divisor n - 1). In evaluation they
/// take the batch's place. Throws ShapeError when a vector is not (c) or a batch to train on has less than two values per channel,
/// ValueError for options out of range or no running statistics in evaluation, GraphError when they require a gradient.
///
/// As with all norms here, equal numbers give the bias, however large they are, and numbers whose squares overflow or vanish are
/// normalised in another unit.
///
/// Shapes: (…, c) → the same
/// Gradient: (g w - mean(g w) - h mean(g w h)) / s with h = (x - mean) / s, s = √(variance + eps), the means over all but the last
/// axis; in evaluation g w / s; Σ g h for the weight w, Σ g for the bias
template <class T>
XGRAD_API Variable<T> batch_norm(Variable<T> x, std::type_identity_t<Variable<T>> weight, std::type_identity_t<Variable<T>> bias,
                                 std::type_identity_t<Variable<T>> running_mean, std::type_identity_t<Variable<T>> running_var,
                                 BatchNormOptions options = {}, Where at = Where::current());

struct LayerNormOptions {
  int axes = 1;       ///< how many of the last axes are normalised together
  double eps = 1e-5;  ///< added to the variance (of rms_norm: to the mean square)
};
/// Layer normalisation (Ba et al. 2016): minus the mean over the last axes, divided by √(variance + eps), the variance with divisor
/// n; times weight plus bias, both of the shape of those axes, or undefined for none. Throws ShapeError when they do not fit,
/// ValueError for a negative eps.
///
/// Shapes: (…, c) → the same
/// Gradient: as batch_norm, the means over the last axes
template <class T>
XGRAD_API Variable<T> layer_norm(Variable<T> x, std::type_identity_t<Variable<T>> weight = {},
                                 std::type_identity_t<Variable<T>> bias = {}, LayerNormOptions options = {},
                                 Where at = Where::current());
/// x divided by √(mean of x² over the last axes + eps), times weight, undefined for none (Zhang & Sennrich 2019). Throws
/// ShapeError when there are fewer axes or the weight does not fit, ValueError for a negative eps.
///
/// Shapes: (…, c) → the same
/// Gradient: that of x / √(mean(x²) + eps) times the weight
template <class T>
XGRAD_API Variable<T> rms_norm(Variable<T> x, std::type_identity_t<Variable<T>> weight = {}, LayerNormOptions options = {},
                               Where at = Where::current());

struct GroupNormOptions {
  double eps = 1e-5;
};
/// Group normalisation (Wu & He 2018): x (n, …, c) is normalised over all places and the c / groups neighbouring channels of each
/// group, for each of the n alone; weight and bias (c) as in batch_norm. Throws ShapeError when they do not fit or the groups do
/// not divide the channels, ValueError for a negative eps.
///
/// Shapes: (n, …, c) → the same
/// Gradient: as batch_norm, the means over each group
template <class T>
XGRAD_API Variable<T> group_norm(Variable<T> x, int groups, std::type_identity_t<Variable<T>> weight = {},
                                 std::type_identity_t<Variable<T>> bias = {}, GroupNormOptions options = {},
                                 Where at = Where::current());
/// group_norm with a group for each channel (Ulyanov et al. 2016). Errors as group_norm.
///
/// Shapes: (n, …, c) → the same
/// Gradient: as batch_norm, the means over each channel of each image
template <class T>
XGRAD_API Variable<T> instance_norm(Variable<T> x, std::type_identity_t<Variable<T>> weight = {},
                                    std::type_identity_t<Variable<T>> bias = {}, GroupNormOptions options = {},
                                    Where at = Where::current());

struct LocalResponseNormOptions {
  double alpha = 1e-4, beta = 0.75, k = 1;
};
/// Local response normalisation (Krizhevsky et al. 2012), as PyTorch has it: x / (k + alpha / size · Σ x²)^beta, the sum over the
/// `size` neighbouring channels from size / 2 before to (size - 1) / 2 behind; channels that are not there count as 0. (The paper's
/// alpha is not divided by size.) Throws ValueError for a size below 1, ShapeError when x has no axis.
///
/// Shapes: (…, c) → the same
/// Gradient: that of the formula, whose sum is its own gradient mirrored
template <class T>
XGRAD_API Variable<T> local_response_norm(Variable<T> x, int size, LocalResponseNormOptions options = {},
                                          Where at = Where::current());

struct NormalizeOptions {
  int p = 2;           ///< 1 for Σ|x|, 2 for √Σx²
  double eps = 1e-12;  ///< the norm is taken for at least this
};
/// x divided by its norm along an axis. Zeros stay zeros, and have the gradient of x / eps. Throws ShapeError when there is no such
/// axis, ValueError for another p.
///
/// Shapes: (…) → the same
/// Gradient: (g - y Σ g y) / norm for p = 2
template <class T>
XGRAD_API Variable<T> normalize(Variable<T> x, int axis = -1, NormalizeOptions options = {}, Where at = Where::current());

}  // namespace xgrad

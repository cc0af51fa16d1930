#pragma once
#include <xgrad/ops/elementwise.hpp>

namespace xgrad {

// Elementwise; NaN stays NaN. All of them but softmax and log_softmax.

/// max(x, 0). The gradient at 0 is 0.
template <class T>
XGRAD_API Variable<T> relu(Variable<T> x, Where at = Where::current());
/// min(max(x, 0), 6). The gradient at 0 and at 6 is 0.
///
/// Gradient: g where 0 < x < 6, else 0
template <class T>
XGRAD_API Variable<T> relu6(Variable<T> x, Where at = Where::current());
struct HardtanhOptions {
  double min_val = -1, max_val = 1;
};
/// min(max(x, min_val), max_val). Unlike that of clamp the gradient at the bounds is 0, as PyTorch has it.
///
/// Gradient: g where min_val < x < max_val, else 0
template <class T>
XGRAD_API Variable<T> hardtanh(Variable<T> x, HardtanhOptions options = {}, Where at = Where::current());
/// x above 0, slope · x elsewhere (Maas et al. 2013). The gradient at 0 is the slope.
///
/// Gradient: g where x > 0, else slope g
template <class T>
XGRAD_API Variable<T> leaky_relu(Variable<T> x, double slope = 0.01, Where at = Where::current());
/// leaky_relu with slopes that are learned (He et al. 2015): a number, or one per channel, the last axis. `slope` broadcasts to x,
/// from the last axis on; the slope's gradient at x = 0 is 0. Throws ShapeError.
///
/// Gradient: g where x > 0, else slope g, for x; x g where x <= 0, else 0, for the slope
template <class T>
XGRAD_API Variable<T> prelu(Variable<T> x, std::type_identity_t<Variable<T>> slope, Where at = Where::current());
/// x above 0, alpha (exp(x) - 1) elsewhere (Clevert et al. 2016). The gradient at 0 is alpha.
///
/// Gradient: g where x > 0, else g alpha exp(x)
template <class T>
XGRAD_API Variable<T> elu(Variable<T> x, double alpha = 1, Where at = Where::current());
/// scale · elu(x, alpha) with the numbers that keep mean 0 and variance 1 (Klambauer et al. 2017). The gradient at 0 is
/// scale · alpha.
///
/// Gradient: g scale where x > 0, else g scale alpha exp(x)
template <class T>
XGRAD_API Variable<T> selu(Variable<T> x, Where at = Where::current());

/// The logistic function 1 / (1 + exp(-x)), without overflow at either end. The gradient is found from the result alone, y (1 - y),
/// and so is 0 where y has become 1 (from x = 17 on in float), with an error of one rounding of 1 before that; of
/// the left tail it keeps all digits.
template <class T>
XGRAD_API Variable<T> sigmoid(Variable<T> x, Where at = Where::current());
/// log(sigmoid(x)), without overflow.
///
/// Gradient: g sigmoid(-x)
template <class T>
XGRAD_API Variable<T> log_sigmoid(Variable<T> x, Where at = Where::current());
/// The hyperbolic tangent. The gradient is found from the result alone, 1 - y², and so is 0 where y has become ±1 (beyond |x| = 9
/// in float), with an error of one rounding of 1 before that.
template <class T>
XGRAD_API Variable<T> tanh(Variable<T> x, Where at = Where::current());
/// log(1 + exp(beta x)) / beta, without overflow.
///
/// Gradient: g sigmoid(beta x)
template <class T>
XGRAD_API Variable<T> softplus(Variable<T> x, double beta = 1, Where at = Where::current());
/// x / (1 + |x|). The gradient at 0 is 1, and its own is 0.
///
/// Gradient: g / (1 + |x|)²
template <class T>
XGRAD_API Variable<T> softsign(Variable<T> x, Where at = Where::current());
/// x sigmoid(x), also called swish (Hendrycks & Gimpel 2016; Ramachandran et al. 2017). Above 0 the second derivative is right to a
/// rounding of 1, times x, because 1 - sigmoid(x) is what rounding has left of 1. Below, derivatives keep their digits, but for
/// terms that cancel where they cross 0.
///
/// Gradient: g s (1 + x (1 - s)) with s = sigmoid(x)
template <class T>
XGRAD_API Variable<T> silu(Variable<T> x, Where at = Where::current());
/// x tanh(softplus(x)) (Misra 2019). Above 0 derivatives are right to a rounding of 1, the second times x, because 1 - t² is what
/// rounding has left of 1. Below, they keep their digits, but for terms that cancel where they cross 0.
///
/// Gradient: g (t + x (1 - t²) sigmoid(x)) with t = tanh(softplus(x))
template <class T>
XGRAD_API Variable<T> mish(Variable<T> x, Where at = Where::current());
/// x min(max(x + 3, 0), 6) / 6 (Howard et al. 2019). The gradient is 0 at -3 and 1 at 3.
///
/// Gradient: 0 below -3, g (2 x + 3) / 6 between, g above 3
template <class T>
XGRAD_API Variable<T> hardswish(Variable<T> x, Where at = Where::current());

struct GeluOptions {
  /// By tanh: x/2 (1 + tanh(√(2/π) (x + 0.044715 x³))).
  bool approximate = false;
};
/// x Φ(x), where Φ is the standard normal distribution (Hendrycks & Gimpel 2016). By tanh it and
/// its derivatives are right to 2e-5 of themselves (float), because an exponent of up to 88 is rounded; above 0 the second
/// derivative is right to a rounding of 1, times x, and below 0 terms cancel where derivatives cross 0.
///
/// Gradient: g (Φ(x) + x φ(x)) with the density φ
template <class T>
XGRAD_API Variable<T> gelu(Variable<T> x, GeluOptions options = {}, Where at = Where::current());

/// exp(x) / sum(exp(x)) along an axis, computed after subtracting the largest: logits of ±1e4 and -inf are fine, and elements that
/// are inf share all of it.
/// Throws ShapeError when x has no such axis.
///
/// Shapes: (…, n, …) → the same
/// Gradient: y (g - Σ g y) along the axis
template <class T>
XGRAD_API Variable<T> softmax(Variable<T> x, int axis = -1, Where at = Where::current());
/// log(softmax(x)), stable in the same way. Errors as softmax.
///
/// Shapes: (…, n, …) → the same
/// Gradient: g - softmax(x) Σ g along the axis
template <class T>
XGRAD_API Variable<T> log_softmax(Variable<T> x, int axis = -1, Where at = Where::current());

}  // namespace xgrad

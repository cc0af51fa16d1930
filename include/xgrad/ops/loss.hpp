#pragma once
#include <concepts>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <vector>

#include <xgrad/core/indices.hpp>
#include <xgrad/graph/variable.hpp>

namespace xgrad {

enum class Reduction {
  mean,  ///< the mean over all samples
  sum,   ///< their sum
  none,  ///< one loss per sample
};

struct LossOptions {
  Reduction reduction = Reduction::mean;
};

// Losses of classes. Scores are (…, classes), labels (…): any integer array. An array of floating-point numbers is never taken
// for labels.

struct NllLossOptions {
  Reduction reduction = Reduction::mean;
  std::vector<double> class_weights = {};         ///< one per class; none means 1 for all
  std::optional<std::int64_t> ignore_index = {};  ///< samples with this label have loss 0 and no gradient
};
struct CrossEntropyOptions {
  Reduction reduction = Reduction::mean;
  std::vector<double> class_weights = {};         ///< one per class; none means 1 for all
  std::optional<std::int64_t> ignore_index = {};  ///< samples with this label have loss 0 and no gradient
  double label_smoothing = 0;  ///< this part of each target, from 0 to 1, is spread evenly over all classes (Szegedy et al. 2016)
};
struct MultiMarginOptions {
  Reduction reduction = Reduction::mean;
  double margin = 1;
  int p = 1;                               ///< 1, or 2 for squares
  bool per_class = true;                   ///< divide by the number of classes, as PyTorch does; else the plain sum of the margins
  std::vector<double> class_weights = {};  ///< one per class; none means 1 for all
};

/// The negative logarithm of softmax(logits) at each sample's label. Stable for logits of ±1e4, and -inf is fine. The mean is
/// divided by the sum of the weights used: a sample has that of its class, an ignored one 0 (so it is NaN where all are ignored).
/// Throws ShapeError when the shapes do not fit, IndexError for a label out of range, ValueError for options that make no sense.
///
/// Shapes: (…, classes), labels (…) or probabilities (…, classes) → () or (…)
/// Gradient: g weight (softmax(x) - target), over the divisor of the mean; -g weight log softmax(x) for probabilities
template <class T>
XGRAD_API Variable<T> cross_entropy(Variable<T> logits, const Indices& labels, CrossEntropyOptions options = {},
                                    Where at = Where::current());
/// ... with a probability for each class, of the logits' shape, instead of labels: -Σ weight · p · log softmax(logits). They are an
/// array of T or a Variable, which may need gradients too. The mean is over the samples, whatever the weights; there is nothing to
/// ignore.
template <class T>
XGRAD_API Variable<T> cross_entropy(Variable<T> logits, std::type_identity_t<Variable<T>> probabilities,
                                    CrossEntropyOptions options = {}, Where at = Where::current());
template <class T, Expression P>
requires(std::floating_point<detail::ValueOf<P>>) Variable<T> cross_entropy(Variable<T> logits, const P& probabilities,
                                                                            CrossEntropyOptions options = {},
                                                                            Where at = Where::current()) {
  static_assert(
      ExpressionOf<P, T>,
      "xgrad: the probabilities of cross_entropy are numbers of the logits' type, float or double; write xt::cast<T>(array)");
  return cross_entropy(std::move(logits), Variable<T>(probabilities), std::move(options), at);
}

/// -log_probabilities at each sample's label: cross_entropy for what log_softmax gives. Means and errors as cross_entropy.
///
/// Shapes: (…, classes), labels (…) → () or (…)
/// Gradient: -g weight at the label, 0 elsewhere
template <class T>
XGRAD_API Variable<T> nll_loss(Variable<T> log_probabilities, const Indices& labels, NllLossOptions options = {},
                               Where at = Where::current());

/// The hinge loss of many classes (support vector machine; Weston & Watkins 1999): the sum
/// over the other classes of max(0, margin - score of the label + score)ᵖ, times the label's class weight. The gradient at the kink
/// is 0. The mean is over the samples, whatever the weights. Errors as cross_entropy.
///
/// Shapes: (…, classes), labels (…) → () or (…)
/// Gradient: g for each class inside the margin, minus their sum at the label; times p (…)ᵖ⁻¹
template <class T>
XGRAD_API Variable<T> multi_margin_loss(Variable<T> scores, const Indices& labels, MultiMarginOptions options = {},
                                        Where at = Where::current());

// Losses of each element. The operands broadcast, and either may need gradients; where shapes do not fit they throw ShapeError.

/// (a - b)². Throws ShapeError when the shapes do not broadcast, and also when they do but neither is the common one and a and b
/// have as many elements, such as (n) and (n, 1): a mistake that would pass unnoticed.
///
/// Gradient: 2 g (a - b) for a, the negative for b
template <class T>
XGRAD_API Variable<T> mse_loss(Variable<T> a, std::type_identity_t<Variable<T>> b, LossOptions options = {},
                               Where at = Where::current());
/// |a - b|; the gradient at 0 is 0. Throws ShapeError when the shapes do not broadcast.
///
/// Gradient: g sign(a - b) for a, the negative for b
template <class T>
XGRAD_API Variable<T> l1_loss(Variable<T> a, std::type_identity_t<Variable<T>> b, LossOptions options = {},
                              Where at = Where::current());
struct SmoothL1Options {
  Reduction reduction = Reduction::mean;
  double beta = 1;  ///< 0 gives l1_loss
};
/// The loss of boxes in detection (Girshick 2015): (a - b)² / (2 beta) where |a - b| < beta, |a - b| - beta / 2 elsewhere. Throws
/// ValueError for a negative beta.
///
/// Shapes: broadcast → () or (…)
/// Gradient: g (a - b) / beta inside, g sign(a - b) outside, for a; the negative for b
template <class T>
XGRAD_API Variable<T> smooth_l1_loss(Variable<T> a, std::type_identity_t<Variable<T>> b, SmoothL1Options options = {},
                                     Where at = Where::current());
struct HuberOptions {
  Reduction reduction = Reduction::mean;
  double delta = 1;
};
/// (a - b)² / 2 where |a - b| <= delta, delta (|a - b| - delta / 2) elsewhere (Huber 1964). Throws ValueError unless delta > 0.
///
/// Shapes: broadcast → () or (…)
/// Gradient: g (a - b) inside, g delta sign(a - b) outside, for a; the negative for b
template <class T>
XGRAD_API Variable<T> huber_loss(Variable<T> a, std::type_identity_t<Variable<T>> b, HuberOptions options = {},
                                 Where at = Where::current());

/// -(target log p + (1 - target) log(1 - p)) of probabilities p. As in PyTorch the logarithms are not less than -100, and in the
/// gradient (p - target) / (p (1 - p)) the divisor is not less than 1e-12. The second derivative is right to a rounding of its
/// terms, 1 / (p (1 - p)) and |p - target| / (p (1 - p))². Throws ShapeError when the shapes do not broadcast.
///
/// Gradient: g (p - target) / (p (1 - p)) for p, g (log(1 - p) - log p) for the target
template <class T>
XGRAD_API Variable<T> binary_cross_entropy(Variable<T> p, std::type_identity_t<Variable<T>> target, LossOptions options = {},
                                           Where at = Where::current());
struct BinaryCrossEntropyOptions {
  Reduction reduction = Reduction::mean;
  double pos_weight = 1;  ///< of the targets' positive part
};
/// binary_cross_entropy of sigmoid(logits), without its loss of digits: pos_weight target softplus(-x) + (1 - target) softplus(x).
/// An infinite logit with its own target, 0 or 1, has no loss. Errors as binary_cross_entropy.
///
/// Gradient: g ((1 - target) σ(x) - pos_weight target σ(-x)) for x, g (pos_weight softplus(-x) - softplus(x)) for the target
template <class T>
XGRAD_API Variable<T> binary_cross_entropy_with_logits(Variable<T> logits, std::type_identity_t<Variable<T>> target,
                                                       BinaryCrossEntropyOptions options = {}, Where at = Where::current());
struct HingeOptions {
  Reduction reduction = Reduction::mean;
  double margin = 1;
};
/// max(0, margin - score · target) for targets of -1 and 1. The gradient at the kink is 0. Losses are right to a rounding of
/// margin. Throws ShapeError when the shapes do not broadcast.
///
/// Gradient: -g target inside the margin for the scores, -g scores for the target
template <class T>
XGRAD_API Variable<T> hinge_loss(Variable<T> scores, std::type_identity_t<Variable<T>> target, HingeOptions options = {},
                                 Where at = Where::current());

struct KlDivOptions {
  Reduction reduction = Reduction::mean;
  bool log_target = false;  ///< the target too is a logarithm
};
/// target (log target - x), where x is the logarithm of a probability; 0 for a target of 0 (whose logarithm is -inf), whatever x
/// is, and its gradient is 0 then. The mean is over all elements as in PyTorch; the divergence of distributions is the sum, divided
/// by the number of samples. Where log target and x are nearly equal, losses and gradients are right to a rounding of each. Throws
/// ShapeError when the shapes do not broadcast.
///
/// Gradient: -g target for x, g (log target + 1 - x) for the target
template <class T>
XGRAD_API Variable<T> kl_div(Variable<T> x, std::type_identity_t<Variable<T>> target, KlDivOptions options = {},
                             Where at = Where::current());
struct PoissonNllOptions {
  Reduction reduction = Reduction::mean;
  bool log_input = true;  ///< x is the logarithm of the rate, else the rate
  bool full = false;      ///< with Stirling's approximation of log target! for targets above 1
  double eps = 1e-8;      ///< added to the rate before its logarithm is taken
};
/// The negative log-likelihood of counts under a Poisson distribution: exp(x) - target x, or x - target log(x + eps). Losses and
/// gradients are right to a rounding of their terms. Throws ShapeError when the shapes do not broadcast.
///
/// Gradient: g (exp(x) - target), or g (1 - target / (x + eps)), for x; -g x, or -g log(x + eps), for the target
template <class T>
XGRAD_API Variable<T> poisson_nll_loss(Variable<T> x, std::type_identity_t<Variable<T>> target, PoissonNllOptions options = {},
                                       Where at = Where::current());
struct GaussianNllOptions {
  Reduction reduction = Reduction::mean;
  bool full = false;  ///< with the constant log(2π) / 2
  double eps = 1e-6;  ///< variances below are taken for it, and get no gradient
};
/// The negative log-likelihood under normal distributions: (log variance + (x - target)² / variance) / 2. Throws ValueError for a
/// negative variance. Losses and gradients are right to a rounding of their terms.
///
/// Shapes: broadcast → () or (…)
/// Gradient: g (x - target) / variance for x, the negative for target, g (1 / variance - (x - target)² / variance²) / 2 for the
/// variance
template <class T>
XGRAD_API Variable<T> gaussian_nll_loss(Variable<T> x, std::type_identity_t<Variable<T>> target,
                                        std::type_identity_t<Variable<T>> variance, GaussianNllOptions options = {},
                                        Where at = Where::current());

struct CosineSimilarityOptions {
  double eps = 1e-8;  ///< norms below are taken for it
};
/// The cosine of the angle between a and b along an axis, which goes away: Σ a b / (|a| |b|). The operands broadcast. Throws
/// ShapeError when they do not, or have no such axis.
///
/// Shapes: broadcast, then without the axis
/// Gradient: g (b / (|a| |b|) - y a / |a|²) for a, and likewise for b
template <class T>
XGRAD_API Variable<T> cosine_similarity(Variable<T> a, std::type_identity_t<Variable<T>> b, int axis = -1,
                                        CosineSimilarityOptions options = {}, Where at = Where::current());

}  // namespace xgrad

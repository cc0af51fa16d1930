#pragma once
/// How layers draw their first weights. Each that draws takes an Init among its options:
///
///     nn::Linear<float> hidden(784, 100, {.init = nn::init::xavier_normal()});
///     nn::Conv2d<float> conv(64, 64, 3, {.init = nn::init::kaiming_normal({.gain = 0.1, .fan = nn::init::Fan::out})});
///     nn::Linear<float> out(100, 10, {.init = [](Generator& g) { return g.uniform(-0.1, 0.1); }});
#include <concepts>
#include <cstdint>
#include <string>
#include <type_traits>

#include <xgrad/core/random.hpp>
#include <xgrad/state/visit.hpp>

namespace xgrad::nn {

/// How many inputs each output of a weight sees, and how many outputs each input reaches.
struct Fans {
  double in, out;
};
/// Of a weight whose first axis is the output: linear (out, in), conv2d (out, kh, kw, in). Throws ShapeError for fewer than two
/// axes.
XGRAD_API Fans fans(const Shape& shape, Where at = Where::current());

namespace init {
/// Which of the two keeps its size: the signals, forward, or the gradients, backward.
enum class Fan : std::uint8_t { in, out };
}  // namespace init

/// A way to draw a weight: one of those in nn::init, or a function of a Generator that gives one number, for each element anew.
class Init {
 public:
  using Each = double (*)(Generator&);
  template <class F>
  requires(std::convertible_to<F, Each>&& std::is_invocable_r_v<double, F, Generator&>) constexpr Init(
      F each)  // NOLINT(google-explicit-constructor)
      : law_(Law::each), each_(each) {}

  /// Sets all elements of a weight whose first axis is the output. Throws ShapeError for one of fewer than two axes where the way
  /// asks how many inputs there are; ValueError for numbers that no distribution has.
  template <Real T>
  XGRAD_API void operator()(Array<T>& weight, Generator& generator, Where at = Where::current()) const;

  enum class Law : std::uint8_t {
    each,
    constant,
    uniform,
    normal,
    truncated_normal,
    xavier_uniform,
    xavier_normal,
    kaiming_uniform,
    kaiming_normal,
    orthogonal,
    dirac
  };
  /// For nn::init.
  constexpr Init(Law law, double a, double b = 0, double low = 0, double high = 0, init::Fan fan = init::Fan::in)
      : law_(law), fan_(fan), a_(a), b_(b), low_(low), high_(high) {}

 private:
  Law law_;
  init::Fan fan_ = init::Fan::in;
  double a_ = 0, b_ = 0, low_ = 0, high_ = 0;
  Each each_ = nullptr;
};

template <>
inline constexpr bool skip<Init> = true;

namespace init {

/// What a weight's deviation is multiplied by so that signals keep their size through the activation behind it: PyTorch's
/// calculate_gain. Sigmoid, and none, have 1.
namespace gain {
inline constexpr double linear = 1, sigmoid = 1, tanh = 5.0 / 3, relu = 1.4142135623730951, selu = 0.75;
/// √(2 / (1 + slope²))
XGRAD_API double leaky_relu(double slope = 0.01);
}  // namespace gain

/// The same number everywhere.
constexpr Init constant(double value) { return {Init::Law::constant, value}; }
/// Uniform in [low, high).
constexpr Init uniform(double low, double high) { return {Init::Law::uniform, low, high}; }
/// The normal distribution.
constexpr Init normal(double mean = 0, double std = 1) { return {Init::Law::normal, mean, std}; }
/// The normal distribution, given that the number is in [low, high].
constexpr Init truncated_normal(double mean = 0, double std = 1, double low = -2, double high = 2) {
  return {Init::Law::truncated_normal, mean, std, low, high};
}

/// Variance 2 gain² / (fan_in + fan_out), for sigmoid and tanh (Glorot & Bengio 2010).
constexpr Init xavier_uniform(double gain = 1) { return {Init::Law::xavier_uniform, gain}; }
constexpr Init xavier_normal(double gain = 1) { return {Init::Law::xavier_normal, gain}; }

struct KaimingOptions {
  double gain = gain::relu;  ///< see nn::init::gain
  Fan fan = Fan::in;         ///< in: signals keep their size; out: gradients do
};
/// Variance gain² / fan, by default 2 / fan_in, so that networks with ReLU keep the size of their signals (He et al. 2015, "Delving
/// deep into rectifiers").
constexpr Init kaiming_uniform(KaimingOptions o = {}) { return {Init::Law::kaiming_uniform, o.gain, 0, 0, 0, o.fan}; }
constexpr Init kaiming_normal(KaimingOptions o = {}) { return {Init::Law::kaiming_normal, o.gain, 0, 0, 0, o.fan}; }

/// Rows that are orthogonal and have length `gain`, or columns where there are fewer of them; the weight is taken as a matrix
/// (out, everything else), and all such matrices are equally likely (Saxe et al. 2014). It takes time rows² · columns.
constexpr Init orthogonal(double gain = 1) { return {Init::Law::orthogonal, gain}; }
/// A convolution or linear layer that hands its inputs on: output k of each group is input k of the group, as far as there are
/// both. Throws ValueError unless the groups divide the outputs.
constexpr Init dirac(int groups = 1) { return {Init::Law::dirac, static_cast<double>(groups)}; }

}  // namespace init

namespace detail {
struct Initialiser {
  Generator& generator;
  template <class V>
  void operator()(const std::string&, V&) const {}
  template <class X>
  void object(X& x) const {
    if constexpr (requires { x.reset_parameters(generator); }) x.reset_parameters(generator);
  }
};
}  // namespace detail

/// Draws the weights of a network anew: calls `reset_parameters(generator)` of every layer that has it, in the order of the
/// members, a struct's members before the struct itself.
template <class Net>
void initialize(Net& net, Generator& generator) {
  static_assert(!std::is_const_v<Net>, "xgrad: initialize changes the network, which must not be const");
  visit(net, detail::Initialiser{generator});
}

}  // namespace xgrad::nn

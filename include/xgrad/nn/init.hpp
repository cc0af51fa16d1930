#pragma once
#include <string>

#include <xgrad/core/random.hpp>
#include <xgrad/state/visit.hpp>

namespace xgrad::nn {

/// How many inputs each output of a weight sees, and how many outputs each input reaches.
struct Fans {
  double in, out;
};
/// Of a weight whose first axis is the output: linear (out, in), conv2d (out, kh, kw, in). Throws ShapeError for fewer than two
/// axes.
XGRAD_API Fans fans(const Shape& shape, Where where = Where::current());

// All of these throw ShapeError for a weight of fewer than two axes.

/// Weights from a distribution whose variance is 2 / fan_in, so that ReLU networks keep the size of their signals
/// (He et al. 2015, "Delving deep into rectifiers").
template <class T>
XGRAD_API void kaiming_uniform(Array<T>& weight, Generator& generator, Where where = Where::current());
template <class T>
XGRAD_API void kaiming_normal(Array<T>& weight, Generator& generator, Where where = Where::current());

/// Variance 2 / (fan_in + fan_out), for sigmoid and tanh (Glorot & Bengio 2010).
template <class T>
XGRAD_API void xavier_uniform(Array<T>& weight, Generator& generator, Where where = Where::current());
template <class T>
XGRAD_API void xavier_normal(Array<T>& weight, Generator& generator, Where where = Where::current());

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
  visit(net, detail::Initialiser{generator});
}

}  // namespace xgrad::nn

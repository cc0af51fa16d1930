#pragma once
#include <cmath>
#include <cstddef>

#include <xgrad/core/random.hpp>
#include <xgrad/nn/visit.hpp>

namespace xgrad::nn {

/// How many inputs each output of a weight sees, and how many outputs each input reaches.
struct Fans {
  double in, out;
};
/// Of a weight whose first axis is the output: linear (out, in), conv2d (out, kh, kw, in).
inline Fans fans(const Shape& shape, Where where = Where::current()) {
  if (shape.size() < 2)
    throw ShapeError(where, "fans",
                     "the weight is " + to_string(shape) + "; it must have an output axis and at least one input axis");
  double area = 1;
  for (std::size_t k = 1; k + 1 < shape.size(); ++k) area *= static_cast<double>(shape[k]);
  return {area * static_cast<double>(shape.back()), area * static_cast<double>(shape[0])};
}

/// Weights from a distribution whose variance is 2 / fan_in, so that ReLU networks keep the size of their signals
/// (He et al. 2015, "Delving deep into rectifiers").
template <class T>
void kaiming_uniform(Array<T>& weight, Generator& generator, Where where = Where::current()) {
  const double bound = std::sqrt(6 / fans(weight.shape(), where).in);
  generator.fill_uniform(weight, -bound, bound);
}
template <class T>
void kaiming_normal(Array<T>& weight, Generator& generator, Where where = Where::current()) {
  generator.fill_normal(weight, 0, std::sqrt(2 / fans(weight.shape(), where).in));
}

/// Variance 2 / (fan_in + fan_out), for sigmoid and tanh (Glorot & Bengio 2010).
template <class T>
void xavier_uniform(Array<T>& weight, Generator& generator, Where where = Where::current()) {
  const Fans f = fans(weight.shape(), where);
  const double bound = std::sqrt(6 / (f.in + f.out));
  generator.fill_uniform(weight, -bound, bound);
}
template <class T>
void xavier_normal(Array<T>& weight, Generator& generator, Where where = Where::current()) {
  const Fans f = fans(weight.shape(), where);
  generator.fill_normal(weight, 0, std::sqrt(2 / (f.in + f.out)));
}

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
void initialise(Net& net, Generator& generator) {
  visit(net, detail::Initialiser{generator});
}

}  // namespace xgrad::nn

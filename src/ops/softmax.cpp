#include <fmt/format.h>

#include <xgrad/graph/apply.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/loss.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include "../kernels/softmax.hpp"
#include "support.hpp"

namespace xgrad {
namespace {

constexpr ReduceOptions keep{.keepdims = true};

// Softmax and its relatives work along the last axis, which is contiguous.

template <class T>
struct Softmax {
  static constexpr std::string_view name = "softmax";
  static constexpr std::array uses{use::output};

  Result<T> forward(Inputs<T> in) {
    Array<T> out(in[0].shape());
    const std::size_t n = out.shape().back();
    kernels::softmax(in[0].data(), out.data(), n == 0 ? 0 : out.size() / n, n);
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    const Variable<T> y = c.output();
    return y * (g - sum(g * y, {-1}, keep));
  }
};

template <class T>
struct LogSoftmax {
  static constexpr std::string_view name = "log_softmax";
  static constexpr std::array uses{use::output};

  Result<T> forward(Inputs<T> in) {
    Array<T> out(in[0].shape());
    const std::size_t n = out.shape().back();
    kernels::log_softmax(in[0].data(), out.data(), n == 0 ? 0 : out.size() / n, n);
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const { return g - exp(c.output()) * sum(g, {-1}, keep); }
};

using SharedLabels = Ref<Storage<std::int64_t>>;

/// (softmax(x) - one-hot(labels)) * g, the gradient of CrossEntropy.
template <class T>
struct CrossEntropyGrad {
  static constexpr std::string_view name = "cross_entropy_grad";
  static constexpr std::array uses{use::input(0) | use::input(1), use::input(0)};  // logits, g
  SharedLabels labels;

  Result<T> forward(Inputs<T> in) {
    Array<T> out(in[0].shape());
    kernels::cross_entropy_grad(in[0].data(), labels->array.data(), in[1].data(), out.data(), in[1].size(), out.shape().back());
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& v, std::size_t i) const {
    const Variable<T> p = softmax(c.input(0));
    if (i == 0) {
      Variable<T> weighted = v * reshape(c.input(1), kept_shape());
      return p * (weighted - sum(p * weighted, {-1}, keep));
    }
    return sum(v * (p - one_hot(p.shape())), {-1});
  }

 private:
  Shape kept_shape() const {
    Shape shape = labels->array.shape();
    shape.push_back(1);
    return shape;
  }
  Array<T> one_hot(const Shape& shape) const {
    Array<T> result = zeros<T>(shape);
    for (std::size_t r = 0; r < labels->array.size(); ++r)
      result.data()[r * shape.back() + static_cast<std::size_t>(labels->array.data()[r])] = 1;
    return result;
  }
};

/// One loss per row.
template <class T>
struct CrossEntropy {
  static constexpr std::string_view name = "cross_entropy";
  static constexpr std::array uses{use::input(0)};
  SharedLabels labels;

  Result<T> forward(Inputs<T> in) {
    const Shape& shape = in[0].shape();
    const Labels& y = labels->array;
    if (shape.empty() || y.shape() != Shape(shape.begin(), shape.end() - 1))
      throw ShapeError(fmt::format("logits are {}, labels are {}: logits must have the labels' axes and one more for the classes",
                                   to_string(shape), to_string(y.shape())));
    const std::size_t classes = shape.back();
    for (std::size_t r = 0; r < y.size(); ++r)
      if (y.data()[r] < 0 || static_cast<std::size_t>(y.data()[r]) >= classes)
        throw IndexError(fmt::format("label {} at index {} is out of range: {} classes take 0 to {}", y.data()[r], r, classes,
                                     static_cast<std::ptrdiff_t>(classes) - 1));
    Array<T> loss(y.shape());
    kernels::cross_entropy(in[0].data(), y.data(), loss.data(), y.size(), classes);
    return loss;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    return apply(CrossEntropyGrad<T>{labels}, {c.input(0), g}, c.where());
  }
};

/// Runs an op of the last axis along any axis.
template <class T, class Op>
Variable<T> along(Op op, Variable<T> x, int axis, Where where) {
  const std::size_t rank = x.shape(where).size(), k = placed(where, Op::name, [&] { return normalise_axis(axis, rank); });
  if (k + 1 == rank) return apply(std::move(op), {std::move(x)}, where);
  std::vector<std::ptrdiff_t> swapped(rank);
  for (std::size_t j = 0; j < rank; ++j) swapped[j] = static_cast<std::ptrdiff_t>(j);
  std::swap(swapped[k], swapped[rank - 1]);
  return permute(apply(std::move(op), {permute(std::move(x), swapped, where)}, where), swapped, where);
}

template <class T>
Variable<T> reduced(Variable<T> loss, Reduction reduction, Where where) {
  if (reduction == Reduction::none) return loss;
  return reduction == Reduction::sum ? sum(std::move(loss), {}, {}, where) : mean(std::move(loss), {}, {}, where);
}

}  // namespace

template <class T>
Variable<T> softmax(Variable<T> x, int axis, Where where) {
  return along(Softmax<T>{}, std::move(x), axis, where);
}
template <class T>
Variable<T> log_softmax(Variable<T> x, int axis, Where where) {
  return along(LogSoftmax<T>{}, std::move(x), axis, where);
}

template <class T>
Variable<T> cross_entropy(Variable<T> logits, const Labels& labels, LossOptions options, Where where) {
  return reduced(apply(CrossEntropy<T>{Storage<std::int64_t>::create(labels)}, {std::move(logits)}, where), options.reduction,
                 where);
}
template <class T>
Variable<T> mse_loss(Variable<T> a, std::type_identity_t<Variable<T>> b, LossOptions options, Where where) {
  if (a.defined() && b.defined() && a.size() > 1 && a.size() == b.size() && !broadcasts_to(a.shape(), b.shape()) &&
      !broadcasts_to(b.shape(), a.shape()))
    throw ShapeError(where, "mse_loss",
                     fmt::format("a is {}, b is {}: as many elements in another shape; use reshape to make the shapes equal",
                                 to_string(a.shape()), to_string(b.shape())));
  static const auto& op = *new auto(elementwise("mse_loss", [](auto x, auto y) { return square(x - y); }));
  return reduced(op(std::move(a), std::move(b), where), options.reduction, where);
}

XGRAD_BOTH(softmax);
XGRAD_BOTH(log_softmax);
template Variable<float> cross_entropy<float>(Variable<float>, const Labels&, LossOptions, Where);
template Variable<double> cross_entropy<double>(Variable<double>, const Labels&, LossOptions, Where);
XGRAD_BOTH(mse_loss);

}  // namespace xgrad

#include <xgrad/ops/activation.hpp>

#include <xgrad/graph/apply.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include "../kernels/array/softmax.hpp"
#include "support.hpp"

namespace xgrad {
using namespace detail;

namespace {

constexpr ReduceOptions keep{.keepdims = true};

// Softmax and its relatives work along the last axis, which is contiguous.

/// kernel(x, …, out, rows, n) into a new array of x's shape.
template <class T, class Kernel, class... More>
Array<T> by_rows(Kernel kernel, const Array<T>& x, const More&... more) {
  Array<T> out = make_array<T>(x.shape());
  const std::size_t n = out.shape().back();
  kernel(x.data(), more.data()..., out.data(), n == 0 ? 0 : out.size() / n, n);
  return out;
}

template <class T>
struct Softmax {
  static constexpr std::string_view name = "softmax";
  static constexpr std::array uses{use::output};

  Result<T> forward(Inputs<T> in) { return by_rows(kernels::softmax<T>, in[0]); }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    if (!recording()) return Variable<T>(by_rows(kernels::softmax_grad<T>, c.output_value(), g.value()));
    const Variable<T> y = c.output();
    return y * (g - sum(g * y, {-1}, keep));
  }
};

template <class T>
struct LogSoftmax {
  static constexpr std::string_view name = "log_softmax";
  static constexpr std::array uses{use::output};

  Result<T> forward(Inputs<T> in) { return by_rows(kernels::log_softmax<T>, in[0]); }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    if (!recording()) return Variable<T>(by_rows(kernels::log_softmax_grad<T>, c.output_value(), g.value()));
    return g - exp(c.output()) * sum(g, {-1}, keep);
  }
};

/// Runs an op of the last axis along any axis.
template <class T, class Op>
Variable<T> along(Op op, Variable<T> x, int axis, Where at) {
  const std::size_t rank = shape_of(x, at, Op::name).size(), k = placed(at, Op::name, [&] { return normalise_axis(axis, rank); });
  if (k + 1 == rank) return apply(std::move(op), {std::move(x)}, at);
  std::vector<std::ptrdiff_t> swapped(rank);
  for (std::size_t j = 0; j < rank; ++j) swapped[j] = static_cast<std::ptrdiff_t>(j);
  std::swap(swapped[k], swapped[rank - 1]);
  return permute(apply(std::move(op), {permute(std::move(x), swapped, at)}, at), swapped, at);
}

}  // namespace

template <class T>
Variable<T> softmax(Variable<T> x, int axis, Where at) {
  return along(Softmax<T>{}, std::move(x), axis, at);
}
template <class T>
Variable<T> log_softmax(Variable<T> x, int axis, Where at) {
  return along(LogSoftmax<T>{}, std::move(x), axis, at);
}

XGRAD_BOTH(softmax);
XGRAD_BOTH(log_softmax);

}  // namespace xgrad

#include <xgrad/ops/linalg.hpp>

#include <fmt/format.h>

#include <xgrad/core/parallel.hpp>
#include <xgrad/graph/apply.hpp>
#include <xgrad/ops/arithmetic.hpp>
#include <xgrad/ops/index.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include "../kernels/matrix/gemm.hpp"
#include "batched.hpp"
#include "stacked.hpp"
#include "support.hpp"

namespace xgrad {
using namespace detail;

namespace {

/// The matrix product of arrays with at least two axes. Its transposes make it closed under differentiation.
template <class T>
struct Matmul {
  static constexpr std::string_view name = "matmul";
  static constexpr std::array uses{use::input(1), use::input(0)};
  MatmulOptions flags;

  Result<T> forward(Inputs<T> in) {
    const Shape &a = in[0].shape(), &b = in[1].shape();
    const std::size_t a_row = a.size() - 2 + flags.transpose_a, b_row = b.size() - 2 + flags.transpose_b;
    const std::size_t a_column = 2 * a.size() - 3 - a_row, b_column = 2 * b.size() - 3 - b_row;
    const std::size_t m = a[a_row], k = a[a_column], n = b[b_column];
    if (k != b[b_row])
      throw ShapeError(fmt::format("a is {}, b is {}; a.shape[{}] = {} must equal b.shape[{}] = {}", to_string(a), to_string(b),
                                   a_column, k, b_row, b[b_row]));
    const Shape a_batch = batch_of(a), b_batch = batch_of(b);
    Shape shape = broadcast_shapes(a_batch, b_batch);
    const std::size_t count = size_of(shape);
    const Shape batch = shape;
    shape.push_back(m);
    shape.push_back(n);
    Array<T> out = make_array<T>(shape);
    if (out.size() == 0) return out;
    if (b_batch.empty() && !flags.transpose_a) {  // one matrix for the whole batch: one product
      kernels::gemm(false, flags.transpose_b, count * m, n, k, in[0].data(), in[1].data(), out.data());
      return out;
    }
    const auto products = [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i)
        kernels::gemm(flags.transpose_a, flags.transpose_b, m, n, k, in[0].data() + batch_offset(i, batch, a_batch) * m * k,
                      in[1].data() + batch_offset(i, batch, b_batch) * k * n, out.data() + i * m * n);
    };
    // Many products go side by side; the threads share each of a few.
    if (count >= static_cast<std::size_t>(num_threads()))
      parallel_for(count, m * n * k, products);
    else
      products(0, count);
    return out;
  }

  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t i) const {
    return sum_to(unsummed_vjp(c, g, i), c.input_shape(i));
  }
  Variable<T> stacked_vjp(const Context<T>& c, const Variable<T>& g, std::size_t i) const {
    const Shape &shape = c.input_shape(i), &stack = g.shape();
    // What is summed over a batch would be larger than anything else in the graph if it were there for all gradients at once.
    if (size_of(stack, 1, stack.size() - 2) > size_of(shape, 0, shape.size() - 2)) {
      Array<T> rows = make_array<T>(stack_of(stack[0], shape));
      for (std::size_t k = 0; k < stack[0]; ++k) {
        const Variable<T> row = vjp(c, select(g, 0, static_cast<std::ptrdiff_t>(k)), i);
        std::copy_n(row.value().data(), row.size(), rows.data() + k * row.size());
      }
      return Variable<T>(std::move(rows));
    }
    return sum_each_to(unsummed_vjp(c, g, i), c.input_shape(i), c.where());
  }

 private:
  Variable<T> unsummed_vjp(const Context<T>& c, const Variable<T>& g, std::size_t i) const {
    const auto [ta, tb] = flags;
    if (i == 0)
      return ta ? matmul(c.input(1), g, {.transpose_a = tb, .transpose_b = true}) : matmul(g, c.input(1), {.transpose_b = !tb});
    return tb ? matmul(g, c.input(0), {.transpose_a = true, .transpose_b = ta}) : matmul(c.input(0), g, {.transpose_a = !ta});
  }
};

/// x wᵀ + b on matrices: a row of x (n, in) gives one of the result (n, out).
template <class T>
struct Linear {
  static constexpr std::string_view name = "linear";
  static constexpr std::array uses{use::input(1), use::input(0), use::none};

  Result<T> forward(Inputs<T> in) {
    const std::size_t rows = in[0].shape()[0], columns = in[0].shape()[1], outputs = in[1].shape()[0];
    Array<T> out = make_array<T>(Shape{rows, outputs});
    if (out.size() == 0) return out;
    kernels::gemm(false, true, rows, outputs, columns, in[0].data(), in[1].data(), out.data(), false, in[2].data());
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t i) const {
    if (i == 2) return sum(g, 0);
    return i == 0 ? matmul(g, c.input(1)) : matmul(g, c.input(0), {.transpose_a = true});
  }
  Variable<T> stacked_vjp(const Context<T>& c, const Variable<T>& g, std::size_t i) const {
    if (i == 2) return sum(g, 1);
    return i == 0 ? matmul(g, c.input(1)) : matmul(g, c.input(0), {.transpose_a = true});
  }
};

}  // namespace

template <class T>
Variable<T> matmul(Variable<T> a, std::type_identity_t<Variable<T>> b, MatmulOptions options, Where at) {
  const std::size_t a_rank = shape_of(a, at).size(), b_rank = shape_of(b, at).size();
  if (a_rank == 0 || b_rank == 0)
    throw ShapeError(at, "matmul",
                     fmt::format("a is {}, b is {}; both must have at least one axis: multiply by a number with *",
                                 to_string(a.shape()), to_string(b.shape())));
  if ((a_rank == 1 && options.transpose_a) || (b_rank == 1 && options.transpose_b))
    throw ShapeError(at, "matmul",
                     fmt::format("a is {}, b is {}; the flag must be left out: a vector has no transpose", to_string(a.shape()),
                                 to_string(b.shape())));
  if (a_rank > 1 && b_rank > 1) return apply(Matmul<T>{options}, {std::move(a), std::move(b)}, at);
  const std::size_t a_axis = options.transpose_a ? a_rank - 2 : a_rank - 1, b_axis = b_rank == 1           ? 0
                                                                                     : options.transpose_b ? b_rank - 1
                                                                                                           : b_rank - 2;
  if (a.shape()[a_axis] != b.shape()[b_axis])
    throw ShapeError(at, "matmul",
                     fmt::format("a is {}, b is {}; a.shape[{}] = {} must equal b.shape[{}] = {}", to_string(a.shape()),
                                 to_string(b.shape()), a_axis, a.shape()[a_axis], b_axis, b.shape()[b_axis]));
  if (a_rank == 1) a = reshape(a, {1, -1}, at);
  if (b_rank == 1) b = reshape(b, {-1, 1}, at);
  Variable<T> product = apply(Matmul<T>{options}, {std::move(a), std::move(b)}, at);
  const Shape& full = product.shape();
  Shape shape = batch_of(full);
  if (a_rank > 1) shape.push_back(full[full.size() - 2]);
  if (b_rank > 1) shape.push_back(full.back());
  return reshape(std::move(product), shape, at);
}

template <class T>
Variable<T> linear(Variable<T> x, std::type_identity_t<Variable<T>> w, std::type_identity_t<Variable<T>> b, Where at) try {
  const Shape &shape = shape_of(x, at), &weight = shape_of(w, at);
  if (weight.size() != 2 || shape.empty() || shape.back() != weight[1])
    throw ShapeError(
        at, "linear",
        fmt::format("x is {}, w is {}; w must be (out, in) with in equal to x's last axis", to_string(shape), to_string(weight)));
  if (b.defined() && b.shape() != Shape{weight[0]})
    throw ShapeError(at, "linear",
                     fmt::format("w is {}, b is {}; b must be ({},), one number per output", to_string(weight),
                                 to_string(b.shape()), weight[0]));
  Shape result = shape;
  result.back() = weight[0];
  const bool matrix = shape.size() == 2;
  if (!matrix) {
    const std::size_t rows = placed(at, "linear", [&] { return size_of(shape, 0, shape.size() - 1); });
    x = reshape(std::move(x), Shape{rows, weight[1]}, at);
  }
  Variable<T> y = b.defined() ? apply(Linear<T>{}, {std::move(x), std::move(w), std::move(b)}, at)
                              : apply(Matmul<T>{{.transpose_b = true}}, {std::move(x), std::move(w)}, at);
  return matrix ? y : reshape(std::move(y), result, at);
} catch (Error& error) {
  called(error, at);
}

XGRAD_BOTH(matmul);
XGRAD_BOTH(linear);

}  // namespace xgrad

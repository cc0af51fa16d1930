// Linear equations, factorisations and determinants. The gradients are those of M. Giles, "An extended collection of matrix
// derivative results for forward and reverse mode algorithmic differentiation" (2008), and for cholesky of I. Murray,
// "Differentiation of the Cholesky decomposition" (2016).
#include <fmt/format.h>
#include <algorithm>
#include <memory>

#include <xgrad/core/parallel.hpp>
#include <xgrad/graph/apply.hpp>
#include <xgrad/ops/arithmetic.hpp>
#include <xgrad/ops/linalg.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include "../core/unravel.hpp"
#include "../kernels/matrix/factor.hpp"
#include "../kernels/matrix/gemm.hpp"
#include "batched.hpp"
#include "support.hpp"

namespace xgrad {
using namespace detail;

namespace {

/// The number of rows. Throws ShapeError when `a` is not made of square matrices.
std::size_t square_length(const Shape& a) {
  if (a.size() < 2 || a[a.size() - 1] != a[a.size() - 2])
    throw ShapeError(fmt::format("a is {}; its last two axes must be a square matrix", to_string(a)));
  return a.back();
}

/// "a", or "matrix (1, 2) of the batch a".
std::string which(std::size_t matrix, const Shape& a) {
  const Shape batch = batch_of(a);
  if (batch.empty()) return "a";
  if (batch.size() == 1) return fmt::format("matrix {} of the batch a", matrix);
  return fmt::format("matrix {} of the batch a", to_string(unravel_index(matrix, batch)));
}

/// How many matrices there are to compute with: a batch of matrices without elements, however long, has none.
std::size_t matrices_in(const Shape& shape) { return size_of(shape) == 0 ? 0 : size_of(batch_of(shape)); }

/// The factors of a batch of matrices.
template <class T>
struct Factors {
  Array<T> lu;
  std::vector<int> pivots;
  std::size_t n, count;
  kernels::Failure singular;

  explicit Factors(const Array<T>& a) : lu(a), n(square_length(a.shape())), count(matrices_in(a.shape())), singular{count, 0} {
    pivots.resize(count * n);
    singular = kernels::factor_lu_batch(count, n, lu.data(), pivots.data());
  }
  void need_regular() const {
    if (singular.matrix < count)
      throw ValueError(
          fmt::format("{} is singular, pivot {} is 0; it must be regular", which(singular.matrix, lu.shape()), singular.row));
  }
  const T* matrix(std::size_t i) const { return lu.data() + i * n * n; }
  const int* pivots_of(std::size_t i) const { return pivots.data() + i * n; }
};

/// x with zeros above (or below) the diagonal, and the diagonal times a factor. Its own adjoint.
template <class T>
struct OneTriangle {
  static constexpr std::string_view name = "triangle";
  static constexpr std::array uses{use::none};
  bool lower;
  T diagonal;

  Result<T> forward(Inputs<T> in) {
    Array<T> out = make_array<T>(in[0].shape());
    const std::size_t n = out.shape().back();
    for (std::size_t k = 0; k < out.size(); ++k) {
      const std::size_t row = k / n % n, column = k % n;
      const T x = in[0].data()[k];
      out.data()[k] = row == column ? x * diagonal : (row > column) == lower ? x : T(0);
    }
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const { return apply(*this, {g}, c.where()); }
};

/// Throws ShapeError unless b, whose axis `axis` counts the rows, fits a. Returns how many rows.
std::size_t check_rows(const Shape& a, const Shape& b, std::size_t axis) {
  const std::size_t n = square_length(a);
  if (b[axis] != n)
    throw ShapeError(fmt::format("a is {}, b is {}; b.shape[{}] = {} must equal the number of a's rows, {}", to_string(a),
                                 to_string(b), axis, b[axis], n));
  return n;
}
/// The shape of a⁻¹ b, batches broadcast.
Shape solved_shape(const Shape& a, const Shape& b) {
  const std::size_t n = check_rows(a, b, b.size() - 2);
  Shape shape = broadcast_shapes(batch_of(a), batch_of(b));
  shape.push_back(n);
  shape.push_back(b.back());
  return shape;
}

/// b, repeated as the batch `shape` says, is solved in place: solve_one(matrix of a, k, matrix of the result) does one.
template <class T, class F>
Array<T> solve_batch(const Array<T>& a, const Array<T>& b, const Shape& shape, F solve_one) {
  const Shape a_batch = batch_of(a.shape()), b_batch = batch_of(b.shape()), batch = batch_of(shape);
  const std::size_t n = shape[shape.size() - 2], k = shape.back(), count = matrices_in(shape);
  Array<T> out = make_array<T>(shape);
  parallel_for(count, n * n * k, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      T* to = out.data() + i * n * k;
      std::copy_n(b.data() + batch_offset(i, batch, b_batch) * n * k, n * k, to);
      solve_one(batch_offset(i, batch, a_batch), k, to);
    }
  });
  return out;
}

/// a⁻¹ b, or a⁻ᵀ b. Forward and gradients share the factors of a.
template <class T>
struct Solve {
  static constexpr std::string_view name = "solve";
  static constexpr std::array uses{use::input(0) | use::output, use::input(0)};
  bool transpose = false;
  std::shared_ptr<const Factors<T>> factors = {};

  Result<T> forward(Inputs<T> in) {
    const Shape shape = solved_shape(in[0].shape(), in[1].shape());
    if (!factors) {
      auto fresh = std::make_shared<Factors<T>>(in[0]);
      fresh->need_regular();
      factors = std::move(fresh);
    }
    return solve_batch(in[0], in[1], shape, [&](std::size_t i, std::size_t k, T* x) {
      kernels::solve_lu(transpose, factors->n, k, factors->matrix(i), factors->pivots_of(i), x);
    });
  }
  void vjps(const Context<T>& c, const Variable<T>& g, Gradients<T>& out) const {
    const Variable<T> gb = apply(Solve{!transpose, factors}, {c.input(0), g}, c.where());
    if (out.wants(0)) {
      const Variable<T> x = c.output();
      const Variable<T> ga = transpose ? matmul(x, gb, {.transpose_b = true}) : matmul(gb, x, {.transpose_b = true});
      out.set(0, sum_to(-ga, c.input_shape(0)));
    }
    if (out.wants(1)) out.set(1, sum_to(gb, c.input_shape(1)));
  }
};

template <class T>
struct TriangularSolve {
  static constexpr std::string_view name = "triangular_solve";
  static constexpr std::array uses{use::input(0) | use::output, use::input(0)};
  TriangularSolveOptions options;

  Result<T> forward(Inputs<T> in) {
    const Array<T>& a = in[0];
    const Shape shape = solved_shape(a.shape(), in[1].shape());
    const std::size_t n = a.shape().back();
    check_diagonal(a, n);
    const kernels::Triangle kind{options.lower, options.transpose, options.unit_diagonal};
    return solve_batch(a, in[1], shape,
                       [&](std::size_t i, std::size_t k, T* x) { kernels::solve_triangle(kind, n, k, a.data() + i * n * n, x); });
  }
  void vjps(const Context<T>& c, const Variable<T>& g, Gradients<T>& out) const {
    TriangularSolveOptions flipped = options;
    flipped.transpose = !options.transpose;
    const Variable<T> gb = apply(TriangularSolve{flipped}, {c.input(0), g}, c.where());
    if (out.wants(0)) {
      const Variable<T> x = c.output();
      Variable<T> ga = options.transpose ? matmul(x, gb, {.transpose_b = true}) : matmul(gb, x, {.transpose_b = true});
      ga = apply(OneTriangle<T>{options.lower, options.unit_diagonal ? T(0) : T(1)}, {-ga}, c.where());
      out.set(0, sum_to(std::move(ga), c.input_shape(0)));
    }
    if (out.wants(1)) out.set(1, sum_to(gb, c.input_shape(1)));
  }

 private:
  void check_diagonal(const Array<T>& a, std::size_t n) const {
    if (options.unit_diagonal) return;
    for (std::size_t row = 0; row < a.size() / std::max<std::size_t>(n, 1); ++row)
      if (a.data()[row * n + row % n] == 0)
        throw ValueError(
            fmt::format("{} is singular, its diagonal is 0 at {}; it must be regular", which(row / n, a.shape()), row % n));
  }
};

template <class T>
struct Inverse {
  static constexpr std::string_view name = "inverse";
  static constexpr std::array uses{use::output};

  Result<T> forward(Inputs<T> in) {
    const Factors<T> factors(in[0]);
    factors.need_regular();
    const std::size_t n = factors.n;
    Array<T> out = zeros<T>(in[0].shape(), Where{});
    parallel_for(factors.count, n * n * n, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) {
        T* x = out.data() + i * n * n;
        for (std::size_t k = 0; k < n; ++k) x[k * n + k] = 1;
        kernels::solve_lu(false, n, n, factors.matrix(i), factors.pivots_of(i), x);
      }
    });
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    const Variable<T> y = c.output();
    return -matmul(matmul(y, g, {.transpose_a = true}), y, {.transpose_b = true});
  }
};

template <class T>
struct Cholesky {
  static constexpr std::string_view name = "cholesky";
  static constexpr std::array uses{use::output};

  Result<T> forward(Inputs<T> in) {
    const Shape& shape = in[0].shape();
    const std::size_t n = square_length(shape), count = matrices_in(shape);
    Array<T> out = make_array<T>(shape);
    const kernels::Failure failure = kernels::cholesky_batch(count, n, in[0].data(), out.data());
    if (failure.matrix < count)
      throw ValueError(fmt::format("{} is not positive definite, nor is its leading {} × {} block; it must be",
                                   which(failure.matrix, shape), failure.row + 1, failure.row + 1));
    return out;
  }
  /// With l = cholesky(s): the gradient of s is l⁻ᵀ Φ(lᵀ g) l⁻¹, made symmetric; Φ takes the lower triangle and halves the
  /// diagonal.
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    const Variable<T> l = c.output();
    const Variable<T> phi = apply(OneTriangle<T>{true, T(0.5)}, {matmul(l, g, {.transpose_a = true})}, c.where());
    const Variable<T> half = triangular_solve(l, phi, {.transpose = true});
    const Variable<T> gs = triangular_solve(l, swap_last(half, c.where()), {.transpose = true});
    return (gs + swap_last(gs, c.where())) * T(0.5);
  }
};

/// g (…) times a⁻ᵀ (…, n, n)
template <class T>
Variable<T> times_inverse_transposed(const Variable<T>& g, Variable<T> a, Where at) {
  Shape shape = g.shape();
  shape.push_back(1);
  shape.push_back(1);
  return reshape(g, shape) * swap_last(inverse(std::move(a), at), at);
}

/// The gradient of the determinants, without a division by them. Its own has one.
template <class T>
struct Cofactors {
  static constexpr std::string_view name = "det";
  static constexpr std::array uses{use::input(0)};

  Result<T> forward(Inputs<T> in) {
    const std::size_t n = square_length(in[0].shape()), count = matrices_in(in[0].shape());
    Array<T> out = make_array<T>(in[0].shape());
    parallel_for(count, n * n * n, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) kernels::cofactors(n, in[0].data() + i * n * n, out.data() + i * n * n);
    });
    return out;
  }
  /// It is asked for where a matrix is singular, and there it has none: c (v : c) - c vᵀ c is divided by the determinant.
  Variable<T> vjp(const Context<T>& context, const Variable<T>&, std::size_t) const {
    const Array<T> sizes = det(context.input(0).detach()).value();
    const T* const first = std::find(sizes.data(), sizes.data() + sizes.size(), T(0));
    throw ValueError(fmt::format("{} is singular; it must be regular for a second derivative of det",
                                 which(static_cast<std::size_t>(first - sizes.data()), context.input_shape(0))));
  }
};

template <class T>
struct Det {
  static constexpr std::string_view name = "det";
  static constexpr std::array uses{use::input(0) | use::output};

  Result<T> forward(Inputs<T> in) {
    const Factors<T> factors(in[0]);
    Array<T> out = make_array<T>(batch_of(in[0].shape()));
    for (std::size_t i = 0; i < out.size(); ++i)  // also of matrices without elements: their determinant is 1
      out.data()[i] = kernels::determinant(factors.n, factors.matrix(i), factors.pivots_of(i));
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    const Array<T>& sizes = c.output_value();
    if (std::find(sizes.data(), sizes.data() + sizes.size(), T(0)) == sizes.data() + sizes.size())
      return times_inverse_transposed(g * c.output(), c.input(0), c.where());
    Shape each = g.shape();
    each.insert(each.end(), {1, 1});
    return reshape(g, each) * apply(Cofactors<T>{}, {c.input(0)}, c.where());
  }
};

/// log |det a|. The signs go to `signs`; without it they must be positive.
template <class T>
struct LogDet {
  static constexpr std::array uses{use::input(0)};
  Array<T>* signs = nullptr;  // of the caller; good for the call of forward only
  bool with_signs = false;

  std::string_view name() const { return with_signs ? "slogdet" : "logdet"; }

  Result<T> forward(Inputs<T> in) {
    const Factors<T> factors(in[0]);
    if (!with_signs) factors.need_regular();
    Array<T> out = make_array<T>(batch_of(in[0].shape()));
    if (signs) *signs = make_array<T>(out.shape());
    for (std::size_t i = 0; i < out.size(); ++i) {
      const auto [sign, size] = kernels::log_determinant(factors.n, factors.matrix(i), factors.pivots_of(i));
      if (signs)
        signs->data()[i] = sign;
      else if (sign < 0)
        throw ValueError(
            fmt::format("{} has a negative determinant; it must be positive, or its logarithm is not a real number: use slogdet",
                        which(i, in[0].shape())));
      out.data()[i] = size;
    }
    signs = nullptr;
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    return times_inverse_transposed(g, c.input(0), c.where());
  }
};

/// Runs an op on a and b, where b may be a vector that stands for a column.
template <class T, class Op>
Variable<T> with_column(Op op, Variable<T> a, Variable<T> b, Where at) {
  static_cast<void>(shape_of(a, at, Op::name));
  const std::size_t rank = shape_of(b, at, Op::name).size();
  if (rank == 0)
    throw ShapeError(at, Op::name, fmt::format("b is {}; it must be a vector (n,) or matrices (…, n, k)", to_string(b.shape())));
  if (rank > 1) return apply(std::move(op), {std::move(a), std::move(b)}, at);
  placed(at, Op::name, [&] { return check_rows(shape_of(a, at), b.shape(), 0); });
  Variable<T> x = apply(std::move(op), {std::move(a), reshape(std::move(b), {-1, 1}, at)}, at);
  const Shape shape(x.shape().begin(), x.shape().end() - 1);
  return reshape(std::move(x), shape, at);
}

}  // namespace

template <class T>
Variable<T> solve(Variable<T> a, std::type_identity_t<Variable<T>> b, Where at) {
  return with_column(Solve<T>{}, std::move(a), std::move(b), at);
}
template <class T>
Variable<T> triangular_solve(Variable<T> a, std::type_identity_t<Variable<T>> b, TriangularSolveOptions options, Where at) {
  return with_column(TriangularSolve<T>{options}, std::move(a), std::move(b), at);
}
template <class T>
Variable<T> inverse(Variable<T> a, Where at) {
  return apply(Inverse<T>{}, {std::move(a)}, at);
}
template <class T>
Variable<T> cholesky(Variable<T> a, Where at) {
  return apply(Cholesky<T>{}, {std::move(a)}, at);
}
template <class T>
Variable<T> det(Variable<T> a, Where at) {
  return apply(Det<T>{}, {std::move(a)}, at);
}
template <class T>
Variable<T> logdet(Variable<T> a, Where at) {
  return apply(LogDet<T>{}, {std::move(a)}, at);
}
template <class T>
SignAndLog<T> slogdet(Variable<T> a, Where at) {
  Array<T> signs;
  Variable<T> size = apply(LogDet<T>{&signs, true}, {std::move(a)}, at);
  return {Variable<T>(std::move(signs)), std::move(size)};
}

XGRAD_BOTH(solve);
XGRAD_BOTH(triangular_solve);
XGRAD_BOTH(inverse);
XGRAD_BOTH(cholesky);
XGRAD_BOTH(det);
XGRAD_BOTH(logdet);
XGRAD_BOTH(slogdet);

}  // namespace xgrad

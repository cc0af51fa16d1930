#pragma once
#include <cstddef>
#include <initializer_list>
#include <string_view>
#include <vector>

#include <xgrad/ops/arithmetic.hpp>

namespace xgrad {

struct MatmulOptions {
  bool transpose_a = false;  ///< use a with its last two axes swapped
  bool transpose_b = false;
};

/// The matrix product. (m, k) by (k, n) gives (m, n); leading axes are a batch and broadcast; a vector on either side stands for
/// a row or a column, which the result then lacks. Throws ShapeError when the inner lengths differ or an operand has no axis.
///
/// Shapes: (…, m, k), (…, k, n) → (…, m, n)
/// Gradient: matmul(g, bᵀ) for a, matmul(aᵀ, g) for b, summed over what was broadcast
template <class T>
XGRAD_API Variable<T> matmul(Variable<T> a, std::type_identity_t<Variable<T>> b, MatmulOptions options = {},
                             Where at = Where::current());

template <class T, class L>
requires(ExpressionOf<L, T>) Variable<T> matmul(const L& a, Variable<T> b, MatmulOptions options = {},
                                                Where at = Where::current()) {
  return matmul(Variable<T>(a), std::move(b), options, at);
}

/// x wᵀ + b: x (…, in), w (out, in), b (out) or undefined for none; the result is (…, out). Throws ShapeError for other shapes.
///
/// Shapes: (…, in), (out, in), (out) → (…, out)
/// Gradient: matmul(g, w) for x, gᵀ x for w, Σ g over all but the last axis for b
template <class T>
XGRAD_API Variable<T> linear(Variable<T> x, std::type_identity_t<Variable<T>> w, std::type_identity_t<Variable<T>> b = {},
                             Where at = Where::current());

// Products of all kinds, by way of matmul.

/// The sum over a's last axis and b's last but one (the only one of a vector), as NumPy has it: of two vectors the inner product.
/// A number on either side multiplies. Throws ShapeError when the lengths differ.
///
/// Shapes: (…, k), (…, k, n) → (…, …, n)
/// Gradient: by way of matmul
template <class T>
XGRAD_API Variable<T> dot(Variable<T> a, std::type_identity_t<Variable<T>> b, Where at = Where::current());
/// Every element of a times every element of b: (m, n), where m and n are their sizes. Throws ShapeError when that is more than
/// memory holds.
///
/// Shapes: any of m and of n elements → (m, n)
/// Gradient: g b for a, gᵀ a for b
template <class T>
XGRAD_API Variable<T> outer(Variable<T> a, std::type_identity_t<Variable<T>> b, Where at = Where::current());
XGRAD_LEFT_OPERAND(dot)
XGRAD_LEFT_OPERAND(outer)

/// The sum over the last `axes` axes of a and the first `axes` of b. Throws ShapeError when their lengths differ.
///
/// Shapes: a and b without the axes that are summed over
/// Gradient: by way of matmul
template <class T>
XGRAD_API Variable<T> tensordot(Variable<T> a, std::type_identity_t<Variable<T>> b, int axes = 2, Where at = Where::current());
/// The sum over a's axes `a_axes` together with b's axes `b_axes`, in this order. The result has a's other axes, then b's. Throws
/// ShapeError when an axis is not there or comes twice, the lists are not equally long or the lengths of two axes differ.
template <class T>
XGRAD_API Variable<T> tensordot(Variable<T> a, std::type_identity_t<Variable<T>> b, std::vector<std::ptrdiff_t> a_axes,
                                std::vector<std::ptrdiff_t> b_axes, Where at = Where::current());

/// Einstein summation: each operand's axes are named by letters, what has the same letter is multiplied along it, and letters that
/// the result lacks are summed over.
///
///     einsum("bij,bjk->bik", {a, b})   // matrix products
///     einsum("ii", {a})                // the trace: a letter that is there twice means the diagonal
///     einsum("...ij->...ji", {a})      // "..." stands for any leading axes, which broadcast
///
/// Without "->" the result has the axes of "..." and then, in the order of the alphabet, the letters that are there once. An axis
/// of length 1 broadcasts. Several operands are multiplied two at a time, the cheapest product first. Throws ValueError for an
/// equation that makes no sense, ShapeError when it does not fit the operands.
///
/// Shapes: as the equation says
/// Gradient: by way of matmul, mul, sum, permute and diagonal
template <class T>
XGRAD_API Variable<T> einsum(std::string_view equation, std::vector<Variable<T>> operands, Where at = Where::current());
template <class T>
Variable<T> einsum(std::string_view equation, std::initializer_list<Variable<T>> operands, Where at = Where::current()) {
  return einsum(equation, std::vector<Variable<T>>(operands), at);
}

/// The sum of the diagonal of the plane of two axes, which the result lacks. The diagonal begins `offset` columns to the right, or
/// -offset rows down. Throws ShapeError unless the axes are two.
///
/// Shapes: (…, n, m, …) → (…)
/// Gradient: g on the diagonal, 0 elsewhere
template <class T>
XGRAD_API Variable<T> trace(Variable<T> x, std::ptrdiff_t offset = 0, int axis1 = 0, int axis2 = 1, Where at = Where::current());

// Of square matrices (…, n, n), leading axes being a batch; ShapeError when they are not square. A matrix that is singular to the
// last bit is a ValueError that says which of the batch it is; one that is nearly so gives large numbers. det and slogdet take
// both.

/// x with a x = b: b is (…, n, k), its batch and a's broadcast, or a vector (n). Throws ShapeError when b does not fit, ValueError
/// for a singular matrix.
///
/// Shapes: (…, n, n), (…, n, k) or (n) → as b
/// Gradient: v = solve(aᵀ, g) for b, -v yᵀ for a
template <class T>
XGRAD_API Variable<T> solve(Variable<T> a, std::type_identity_t<Variable<T>> b, Where at = Where::current());

XGRAD_LEFT_OPERAND(solve)

struct TriangularSolveOptions {
  bool lower = true;           ///< which triangle of a is read; the other one counts as 0
  bool transpose = false;      ///< solve aᵀ x = b
  bool unit_diagonal = false;  ///< a's diagonal is not read and counts as 1
};
/// solve for triangular matrices. Throws ValueError for a zero on a diagonal.
///
/// Shapes: (…, n, n), (…, n, k) or (n) → as b
/// Gradient: v = triangular_solve(aᵀ, g) for b, the triangle of -v yᵀ for a
template <class T>
XGRAD_API Variable<T> triangular_solve(Variable<T> a, std::type_identity_t<Variable<T>> b, TriangularSolveOptions options = {},
                                       Where at = Where::current());

template <class T, class L>
requires(ExpressionOf<L, T>) Variable<T> triangular_solve(const L& a, Variable<T> b, TriangularSolveOptions options = {},
                                                          Where at = Where::current()) {
  return triangular_solve(Variable<T>(a), std::move(b), options, at);
}

/// a⁻¹. Throws ValueError for a singular matrix. To multiply by it, solve is faster and more accurate.
///
/// Shapes: (…, n, n) → the same
/// Gradient: -yᵀ g yᵀ
template <class T>
XGRAD_API Variable<T> inverse(Variable<T> a, Where at = Where::current());
/// The lower triangular l with l lᵀ = a, for symmetric positive definite a; the gradient is symmetric. Of an a that is not
/// symmetric, (a + aᵀ) / 2 is taken. Throws ValueError for a matrix that is not positive definite.
///
/// Shapes: (…, n, n) → the same
/// Gradient: y⁻ᵀ Φ(yᵀ g) y⁻¹ made symmetric; Φ takes the lower triangle and halves the diagonal
template <class T>
XGRAD_API Variable<T> cholesky(Variable<T> a, Where at = Where::current());

/// The determinant, 0 for a singular matrix. Where one of a batch is singular the gradients are the cofactors, found with complete
/// pivoting, about as dear as three inverses; a second derivative at a singular matrix is a ValueError. Throws ShapeError for
/// matrices that are not square.
///
/// Shapes: (…, n, n) → (…)
/// Gradient: g y a⁻ᵀ, which at a singular matrix is g times the cofactors
template <class T>
XGRAD_API Variable<T> det(Variable<T> a, Where at = Where::current());
/// The logarithm of the determinant, also where that itself would overflow. Throws ValueError for a matrix that is singular or
/// whose determinant is negative.
///
/// Shapes: (…, n, n) → (…)
/// Gradient: g a⁻ᵀ
template <class T>
XGRAD_API Variable<T> logdet(Variable<T> a, Where at = Where::current());

template <class T>
struct SignAndLog {
  Variable<T> sign;       ///< 1, -1, or for a singular matrix 0; a constant
  Variable<T> logabsdet;  ///< the logarithm of the determinant's size
};
/// Sign and logarithm of the determinant, 0 and -inf for a singular matrix, of which the gradient is a ValueError. Throws
/// ShapeError for matrices that are not square.
///
/// Shapes: (…, n, n) → two of (…)
/// Gradient: g a⁻ᵀ for logabsdet; the sign is a constant
template <class T>
XGRAD_API SignAndLog<T> slogdet(Variable<T> a, Where at = Where::current());

}  // namespace xgrad

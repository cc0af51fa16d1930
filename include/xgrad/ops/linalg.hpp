#pragma once
#include <xgrad/graph/variable.hpp>

namespace xgrad {

struct MatmulOptions {
  bool transpose_a = false;  ///< use a with its last two axes swapped
  bool transpose_b = false;
};

/// The matrix product. (m, k) by (k, n) gives (m, n); leading axes are a batch and broadcast; a vector on either side stands for
/// a row or a column, which the result then lacks. Throws ShapeError when the inner lengths differ or an operand has no axis.
template <class T>
XGRAD_API Variable<T> matmul(Variable<T> a, std::type_identity_t<Variable<T>> b, MatmulOptions options = {},
                             Where where = Where::current());

/// x wᵀ + b: x (…, in), w (out, in), b (out) or undefined for none; the result is (…, out).
template <class T>
XGRAD_API Variable<T> linear(Variable<T> x, std::type_identity_t<Variable<T>> w, std::type_identity_t<Variable<T>> b = {},
                             Where where = Where::current());

}  // namespace xgrad

// Matrix products.
#include <xgrad/ops/linalg.hpp>

#include "call.hpp"

namespace xgrad::onnx {

namespace {

template <class T>
Values<T> product(Call<T>& c) {
  if (c.look(0).index() == 1) {
    const Labels a = c.integers(0), b = c.integers(1);
    const auto times = [&](Variable<double> x, Variable<double> y) { return matmul(std::move(x), std::move(y), {}, c.where); };
    return one<T>(exact_sums(c.where, times, a, b));
  }
  Variable<T> b = c.real(1);
  return one<T>(matmul(c.real(0), std::move(b), {}, c.where));
}

template <class T>
Values<T> gemm(Call<T>& c) {
  const double alpha = c.number("alpha", 1), beta = c.number("beta", 1);
  const MatmulOptions options{.transpose_a = c.integer("transA", 0) != 0, .transpose_b = c.integer("transB", 0) != 0};
  Variable<T> a = c.real(0), b = c.real(1);
  if (a.shape().size() != 2 || b.shape().size() != 2)
    c.refuse("the matrices have the shapes " + to_string(a.shape()) + " and " + to_string(b.shape()) + "; they must have 2 axes");
  const bool biased = c.has(2);
  if (biased && options.transpose_b && !options.transpose_a && alpha == 1 && beta == 1 && c.shape(2) == Shape{b.shape()[0]}) {
    Variable<T> bias = c.real(2);
    return one<T>(linear(std::move(a), std::move(b), std::move(bias), c.where));
  }
  Variable<T> y = matmul(std::move(a), std::move(b), options, c.where);
  if (alpha != 1) y = mul(std::move(y), scalar<T>(alpha), c.where);
  if (!biased) return one<T>(std::move(y));
  Variable<T> bias = c.real(2);
  if (!broadcasts_to(bias.shape(), y.shape()))
    c.refuse("C has the shape " + to_string(bias.shape()) + "; it must broadcast to " + to_string(y.shape()));
  if (beta != 1) bias = mul(std::move(bias), scalar<T>(beta), c.where);
  return one<T>(add(std::move(y), std::move(bias), c.where));
}

template <class T>
Values<T> einstein_sum(Call<T>& c) {
  const std::string equation = c.text("equation", "");
  std::vector<Variable<T>> operands;
  for (std::size_t k = 0; k < c.inputs(); ++k) operands.push_back(c.real(k));
  return one<T>(einsum(equation, std::move(operands), c.where));
}

template <class T>
Values<T> determinant(Call<T>& c) {
  return one<T>(det(c.real(0), c.where));
}

}  // namespace

template <class T>
void add_products(Table<T>& table) {
  table.insert({
      {"Det", {determinant<T>}},
      {"Einsum", {einstein_sum<T>}},
      {"Gemm", {gemm<T>}},
      {"MatMul", {product<T>}},
  });
}
template void add_products<float>(Table<float>&);
template void add_products<double>(Table<double>&);

}  // namespace xgrad::onnx

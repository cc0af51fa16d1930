#include "table.hpp"

namespace golden {

void linalg_rows(Table& table) {
  ROW("matmul", "matrices, vectors, row, column, batch, broadcast, shared, batch by vector, ones, inner empty, empty, odd",
      matmul(x[0], x[1]));
  ROW("matmul", "transpose a", matmul(x[0], x[1], {.transpose_a = true}));
  ROW("matmul", "transpose b", matmul(x[0], x[1], {.transpose_b = true}));
  ROW("matmul", "transpose both", matmul(x[0], x[1], {.transpose_a = true, .transpose_b = true}));
  ROW("linear", "matrix, vector, batch, empty", linear(x[0], x[1]));
  ROW("linear bias", "matrix, vector, batch, empty", linear(x[0], x[1], x[2]));
  ROW("dot", "vectors, matrices, ranks, number", dot(x[0], x[1]));
  ROW("outer", "vectors, matrices", outer(x[0], x[1]));
  ROW("tensordot", "two", tensordot(x[0], x[1]));
  ROW("tensordot", "one", tensordot(x[0], x[1], 1));
  ROW("tensordot", "none", tensordot(x[0], x[1], 0));
  ROW("tensordot", "named", tensordot(x[0], x[1], {2, 0}, {0, 2}));
  ROW("einsum ij,jk->ik", "plain", einsum("ij,jk->ik", x));
  ROW("einsum bij,bjk->bik", "plain", einsum("bij,bjk->bik", x));
  ROW("einsum ii->", "plain", einsum("ii->", x));
  ROW("einsum ii->i", "plain", einsum("ii->i", x));
  ROW("einsum ij->ji", "plain", einsum("ij->ji", x));
  ROW("einsum ij->j", "plain", einsum("ij->j", x));
  ROW("einsum i,j->ij", "plain", einsum("i,j->ij", x));
  ROW("einsum bhqd,bhkd->bhqk", "plain", einsum("bhqd,bhkd->bhqk", x));
  ROW("einsum ...ij,...jk->...ik", "plain", einsum("...ij,...jk->...ik", x));
  ROW("einsum ij,jk,kl->il", "plain", einsum("ij,jk,kl->il", x));
  ROW("einsum i,ij,j->", "plain", einsum("i,ij,j->", x));
  ROW("einsum bn,anm,bm->ba", "plain", einsum("bn,anm,bm->ba", x));
  ROW("einsum ij,jk", "plain", einsum("ij,jk", x));
  ROW("trace", "plain, wide", trace(x[0]));
  ROW("trace", "offset", trace(x[0], 1));
  ROW("trace", "batch", trace(x[0], 0, 1, 2));
  ROW("inverse", "one, batch, number, empty", inverse(x[0]));
  ROW("det", "one, batch, number, empty, singular", det(x[0]));
  ROW("slogdet", "one, batch, number, empty", slogdet(x[0]));
  ROW("logdet", "one, batch, number, empty", logdet(x[0]));
  ROW("cholesky", "one, batch, number, empty", cholesky(x[0]));
  ROW("solve", "matrix, vector, batch, broadcast, no columns", solve(x[0], x[1]));
  ROW("triangular_solve", "lower, batch", triangular_solve(x[0], x[1]));
  ROW("triangular_solve", "upper", triangular_solve(x[0], x[1], {.lower = false}));
  ROW("triangular_solve", "transpose", triangular_solve(x[0], x[1], {.transpose = true}));
  ROW("triangular_solve", "unit", triangular_solve(x[0], x[1], {.unit_diagonal = true}));
}

}  // namespace golden

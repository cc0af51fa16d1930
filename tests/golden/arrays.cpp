#include <limits>

#include "table.hpp"

namespace golden {

constexpr double inf = std::numeric_limits<double>::infinity();

/// The ways of reducing that all reductions are tried with: f(x, axes, options).
template <class F>
void reduction(Table& table, const std::string& name, F) {
  ROW(name, "all", F{}(x[0], {}, {}));
  ROW(name, "axis 0", F{}(x[0], 0, {}));
  ROW(name, "last", F{}(x[0], -1, {}));
  ROW(name, "two, ones", F{}(x[0], {0, 2}, {}));
  ROW(name, "keepdims", F{}(x[0], 1, true));
}
#define REDUCTION(name, ...)                                             \
  reduction(table, name, []<class X>(const X& x, Axes axes, bool keep) { \
    static_cast<void>(keep);                                             \
    return __VA_ARGS__;                                                  \
  })

void reduce_rows(Table& table) {
  REDUCTION("sum", sum(x, axes, {.keepdims = keep}));
  ROW("sum", "number", sum(x[0]));
  ROW("sum", "empty", sum(x[0], 0));
  ROW("sum", "nothing left", sum(x[0], 1));
  REDUCTION("mean", mean(x, axes, {.keepdims = keep}));
  ROW("mean", "of nothing", mean(x[0], 1));
  REDUCTION("var", var(x, axes, {.keepdims = keep}));
  ROW("var", "ddof", var(x[0], 1, {.ddof = 1}));
  ROW("var", "far from zero", var(x[0], 1));
  REDUCTION("std", xgrad::std(x, axes, {.keepdims = keep}));
  ROW("std", "ddof", xgrad::std(x[0], 1, {.ddof = 1}));
  REDUCTION("amax", amax(x, axes, {.keepdims = keep}));
  ROW("amax", "ties, nan", amax(x[0], 1));
  REDUCTION("amin", amin(x, axes, {.keepdims = keep}));
  ROW("amin", "ties, nan", amin(x[0], 1));
  ROW("argmax", "all", argmax(x[0]));
  ROW("argmax", "axis, nan", argmax(x[0], 1));
  ROW("argmax", "keepdims", argmax(x[0], 1, {.keepdims = true}));
  ROW("argmin", "all", argmin(x[0]));
  ROW("argmin", "axis, nan", argmin(x[0], 1));
  ROW("argmin", "keepdims", argmin(x[0], 1, {.keepdims = true}));
  REDUCTION("logsumexp", logsumexp(x, axes, {.keepdims = keep}));
  ROW("logsumexp", "extreme", logsumexp(x[0], 1))
      .in_float(2e-3, "the gradient is exp(x - y), and of 10000 a float has three places behind the point");
  REDUCTION("norm p=1", norm(x, axes, {.p = 1, .keepdims = keep}));
  REDUCTION("norm p=2", norm(x, axes, {.keepdims = keep}));
  REDUCTION("norm p=3", norm(x, axes, {.p = 3, .keepdims = keep}));
  REDUCTION("norm p=1.5", norm(x, axes, {.p = 1.5, .keepdims = keep}));
  REDUCTION("norm p=inf", norm(x, axes, {.p = inf, .keepdims = keep}));
  REDUCTION("norm p=-inf", norm(x, axes, {.p = -inf, .keepdims = keep}));
  ROW("norm p=0", "signs", norm(x[0], 1, {.p = 0}));
  ROW("norm p=1", "signs", norm(x[0], 1, {.p = 1}));
  ROW("norm p=2", "signs, extreme, zeros", norm(x[0], 1));
  ROW("norm p=3", "signs", norm(x[0], 1, {.p = 3}));
  ROW("norm p=1.5", "signs", norm(x[0], 1, {.p = 1.5}));
  ROW("norm p=inf", "signs", norm(x[0], 1, {.p = inf}));
  ROW("norm p=-inf", "signs", norm(x[0], 1, {.p = -inf}));
  REDUCTION("prod", prod(x, axes, {.keepdims = keep}));
  ROW("prod", "a zero, of nothing", prod(x[0], 1));
  ROW("cumsum", "last", cumsum(x[0], -1));
  ROW("cumsum", "middle, zeros", cumsum(x[0], 1));
  ROW("cumsum", "ones, empty", cumsum(x[0], 0));
  ROW("cumprod", "last", cumprod(x[0], -1));
  ROW("cumprod", "middle, zeros", cumprod(x[0], 1));
  ROW("cumprod", "ones, empty", cumprod(x[0], 0));
  ROW("sort", "plain, ties, nan, empty", sort(x[0]));
  ROW("sort", "plain descending, ties descending, nan descending, empty descending", sort(x[0], 0, {.descending = true}));
  ROW("argsort", "plain, ties, nan, empty", argsort(x[0]));
  ROW("argsort", "plain descending, ties descending, nan descending, empty descending", argsort(x[0], 0, {.descending = true}));
  ROW("topk", "largest, ties", topk(x[0], 2));
  ROW("topk", "smallest", topk(x[0], 3, 0, {.largest = false}));
  ROW("topk", "none", topk(x[0], 0));
  REDUCTION("median", median(x, axes, {.keepdims = keep}));
  ROW("median", "odd", median(x[0], 1));
  ROW("any", "all", xgrad::any(x[0]));
  ROW("any", "axis, empty", xgrad::any(x[0], 1));
  ROW("any", "keepdims", xgrad::any(x[0], 1, {.keepdims = true}));
  ROW("all", "all", xgrad::all(x[0]));
  ROW("all", "axis, empty", xgrad::all(x[0], 1));
  ROW("all", "keepdims", xgrad::all(x[0], 1, {.keepdims = true}));
  ROW("count_nonzero", "all", xgrad::count_nonzero(x[0]));
  ROW("count_nonzero", "axis, empty", xgrad::count_nonzero(x[0], 1));
  ROW("sum_to", "row", sum_to(x[0], {3}));
  ROW("sum_to", "column", sum_to(x[0], {3, 1}));
  ROW("sum_to", "number", sum_to(x[0], Shape{}));
  ROW("sum_to", "same", sum_to(x[0], {2, 3}));
}

void shape_rows(Table& table) {
  ROW("reshape", "plain", reshape(x[0], {4, 6}));
  ROW("reshape", "rest", reshape(x[0], {3, -1}));
  ROW("reshape", "empty", reshape(x[0], {0, 7}));
  ROW("flatten", "plain", flatten(x[0]));
  ROW("flatten", "all", flatten(x[0], 0));
  ROW("permute", "plain", permute(x[0], {2, 0, 1}));
  ROW("permute", "negative", permute(x[0], {-1, 1, 0}));
  ROW("transpose", "plain", transpose(x[0]));
  ROW("transpose", "axes", transpose(x[0], {0, 2, 1}));
  ROW("broadcast_to", "plain", broadcast_to(x[0], {2, 3, 4}));
  ROW("broadcast_to", "number", broadcast_to(x[0], {2, 3}));
  ROW("broadcast_to", "empty", broadcast_to(x[0], {0, 3}));
  ROW("squeeze", "all", squeeze(x[0]));
  ROW("squeeze", "axis", squeeze(x[0], 0));
  ROW("unsqueeze", "front", unsqueeze(x[0], 0));
  ROW("unsqueeze", "last", unsqueeze(x[0], -1));
  ROW("concat", "rows", concat(x));
  ROW("concat", "columns", concat(x, -1));
  ROW("concat", "twice the same", concat({x[0], x[0]}));
  ROW("stack", "front", stack(x));
  ROW("stack", "last", stack(x, -1));
  ROW("split", "parts", split(x[0], 2));
  ROW("split", "lengths", split(x[0], {1, 0, 5}, 1));
  ROW("pad", "constant", pad(x[0], {{1, 0}, {0, 2}}, {.value = 0.5}));
  ROW("pad", "everywhere", pad(x[0], 1));
  ROW("pad", "reflect", pad(x[0], {{1, 2}, {2, 3}}, {.mode = PadMode::reflect}));
  ROW("pad", "edge", pad(x[0], {{3, 1}, {0, 2}}, {.mode = PadMode::edge}));
  ROW("flip", "all", flip(x[0]));
  ROW("flip", "axis", flip(x[0], 1));
  ROW("roll", "axis", roll(x[0], 1, 1));
  ROW("roll", "back", roll(x[0], -5, 0));
  ROW("roll", "flat", roll(x[0], 2));
  ROW("tile", "plain", tile(x[0], {2, 1}));
  ROW("tile", "shorter", tile(x[0], {2}));
  ROW("tile", "longer", tile(x[0], {2, 1, 2}));
  ROW("repeat", "flat", repeat(x[0], 2));
  ROW("repeat", "axis", repeat(x[0], 3, 1));
  ROW("diagonal", "plain", diagonal(x[0]));
  ROW("diagonal", "offset", diagonal(x[0], 1));
  ROW("diagonal", "axes", diagonal(x[0], -1, 2, 0));
  ROW("diag", "vector", diag(x[0]));
  ROW("diag", "vector above", diag(x[0], 1));
  ROW("diag", "matrix", diag(x[0], -1));
  ROW("tril", "plain", tril(x[0]));
  ROW("tril", "above", tril(x[0], 1));
  ROW("triu", "plain", triu(x[0]));
  ROW("triu", "below", triu(x[0], -1));
}

void index_rows(Table& table) {
  ROW("slice", "part", slice(x[0], {{1, 3}}));
  ROW("slice", "steps", slice(x[0], {{.step = 2}, {1, 6, 3}}));
  ROW("slice", "backwards", slice(x[0], {{}, {.step = -2}}));
  ROW("slice", "negative bounds", slice(x[0], {{-3, -1}}));
  ROW("slice", "axis", slice(x[0], 1, {2, 4}));
  ROW("slice", "nothing", slice(x[0], {{2, 2}}));
  ROW("slice_update", "part", slice_update(x[0], {{1, 3}}, x[1]));
  ROW("slice_update", "broadcast", slice_update(x[0], {{.step = 2}}, x[1]));
  ROW("slice_update", "number", slice_update(x[0], {{}, {1, 4, 2}}, x[1]));
  ROW("select", "axis 0", select(x[0], 0, 1));
  ROW("select", "from the end", select(x[0], 1, -1));
  ROW("index_select", "rows, matrix, empty", index_select(x[0], 0, labels(x[1])));
  ROW("index_select", "columns", index_select(x[0], 1, labels(x[1])));
  ROW("embedding", "plain, one, empty", embedding(labels(x[0]), x[1]));
  ROW("gather", "rows", gather(x[0], 0, labels(x[1])));
  ROW("gather", "columns", gather(x[0], 1, labels(x[1])));
  ROW("take_along_axis", "same", take_along_axis(x[0], labels(x[1]), 0));
  ROW("take_along_axis", "broadcast", take_along_axis(x[0], labels(x[1]), 1));
  ROW("scatter_add", "rows", scatter_add(x[0], 0, labels(x[1]), x[2]));
  ROW("scatter_add", "columns", scatter_add(x[0], 1, labels(x[1]), x[2]));
  ROW("masked_select", "same", masked_select(x[0], x[1] > 0));
  ROW("masked_select", "broadcast", masked_select(x[0], unsqueeze(x[1], 1) > 0));
  ROW("masked_fill", "number, broadcast, nan", masked_fill(x[0], x[1] > 0, x[2]));
  ROW("one_hot", "vector", one_hot(labels(x[0]), 4));
  ROW("one_hot", "matrix", one_hot(labels(x[0]), 3));
}

}  // namespace golden

// Reductions, shapes and indices for the fuzzer.
#include "api_fuzz.hpp"

namespace api_fuzz {

#define REDUCTION(name) CALL(#name, name(f.any(), f.axes(), {.keepdims = f.flip()}))
#define LOOK(name, ...)                                                                        \
  {                                                                                            \
#name, [](A<T> f) -> Variable<T> { static_cast<void>(name(f.any(), __VA_ARGS__)); return {}; } \
  }

namespace {

Slice range(Source& f) {
  Slice result;
  if (f.flip()) result.start = f.number();
  if (f.flip()) result.stop = f.number();
  if (f.flip()) result.step = f.number();
  return result;
}
std::vector<Slice> ranges(Source& f) {
  std::vector<Slice> result(f.below(4));
  for (Slice& slice : result) slice = range(f);
  return result;
}
/// One that may fit, with one axis of any length.
template <class T>
Labels index_along(A<T> f, const Variable<T>& x, int axis) {
  Shape shape = f.shape_of(x);
  const auto rank = static_cast<int>(shape.size());
  std::size_t n = 3;
  if (axis >= -rank && axis < rank) {
    std::size_t& length = shape[static_cast<std::size_t>(axis < 0 ? axis + rank : axis)];
    n = length;
    length = f.length();
  }
  return f.labels(f.chance(80) ? shape : f.shape(), n);
}
int some_axis(Source& f, std::size_t rank) {
  return rank > 0 && f.chance(85) ? static_cast<int>(f.below(2 * rank)) - static_cast<int>(rank) : f.integer();
}

}  // namespace

template <class T>
std::vector<Call<T>> array_calls() {
  return {
      REDUCTION(sum),
      REDUCTION(mean),
      REDUCTION(amax),
      REDUCTION(amin),
      REDUCTION(logsumexp),
      REDUCTION(prod),
      REDUCTION(median),
      CALL("sum_to", sum_to(f.any(), f.shape())),
      CALL("var", var(f.any(), f.axes(), {.ddof = f.real(), .keepdims = f.flip()})),
      CALL("std", xgrad::std(f.any(), f.axes(), {.ddof = f.real(), .keepdims = f.flip()})),
      CALL("norm", norm(f.any(), f.axes(), {.p = f.flip() ? 2 : f.real(), .keepdims = f.flip()})),
      LOOK(argmax, f.axis(), {.keepdims = f.flip()}),
      LOOK(argmin, f.axis(), {.keepdims = f.flip()}),
      LOOK(any, f.axes(), {.keepdims = f.flip()}),
      LOOK(all, f.axes(), {.keepdims = f.flip()}),
      LOOK(count_nonzero, f.axes(), {.keepdims = f.flip()}),
      LOOK(argsort, f.integer(), {.descending = f.flip()}),
      CALL("cumsum", cumsum(f.any(), f.integer())),
      CALL("cumprod", cumprod(f.any(), f.integer())),
      CALL("sort", sort(f.any(), f.integer(), {.descending = f.flip()})),
      CALL("topk", topk(f.any(), f.number(), f.integer(), {.largest = f.flip()}).values),
      {"reshape",
       [](A<T> f) -> Variable<T> {
         const Variable<T> x = f.any();
         if (f.flip()) return reshape(x, f.any_shape());
         if (f.flip()) return reshape(x, {f.number(), -1});
         return reshape(x, {f.number(), f.number(), f.number()});
       }},
      CALL("flatten", flatten(f.any(), f.integer())),
      CALL("permute", permute(f.any(), f.list())),
      CALL("transpose", transpose(f.any())),
      {"broadcast_to",
       [](A<T> f) -> Variable<T> {
         const Shape shape = f.any_shape();
         Shape from = shape;
         for (std::size_t& n : from)
           if (n > 5 || f.flip()) n = 1;
         return broadcast_to(f.fitting(from), shape);
       }},
      CALL("squeeze", squeeze(f.any(), f.axes())),
      CALL("unsqueeze", unsqueeze(f.any(), f.integer())),
      {"concat",
       [](A<T> f) -> Variable<T> {
         std::vector<Variable<T>> xs;
         const Shape shape = f.shape();
         for (std::size_t n = f.below(4); n-- > 0;) xs.push_back(f.fitting(shape));
         return xgrad::concat(std::move(xs), f.integer());
       }},
      {"stack",
       [](A<T> f) -> Variable<T> {
         std::vector<Variable<T>> xs;
         const Shape shape = f.shape();
         for (std::size_t n = f.below(4); n-- > 0;) xs.push_back(f.fitting(shape));
         return xgrad::stack(std::move(xs), f.integer());
       }},
      {"split",
       [](A<T> f) -> Variable<T> {
         const Variable<T> x = f.any();
         const auto parts = f.flip() ? split(x, f.integer(), f.integer()) : split(x, f.list(), f.integer());
         return parts.empty() ? Variable<T>() : parts[f.below(parts.size())];
       }},
      {"pad",
       [](A<T> f) -> Variable<T> {
         const Variable<T> x = f.any();
         std::vector<PadWidth> widths(f.chance(90) ? f.shape_of(x).size() : f.below(4));
         for (PadWidth& width : widths) width = {f.little(), f.little()};
         return pad(x, widths, {.mode = static_cast<PadMode>(f.below(3)), .value = f.real()});
       }},
      CALL("flip", flip(f.any(), f.axes())),
      CALL("roll", roll(f.any(), f.number(), f.axis())),
      CALL("tile", tile(f.any(), f.list())),
      CALL("repeat", repeat(f.any(), f.number(), f.axis())),
      {"diagonal",
       [](A<T> f) -> Variable<T> {
         if (f.flip()) return diagonal(f.any(), f.number());
         return diagonal(f.any(), f.number(), f.integer(), f.integer());
       }},
      CALL("diag", diag(f.of_rank(1 + f.below(2)), f.number())),
      {"slice", [](A<T> f) -> Variable<T> { return f.flip() ? slice(f.any(), ranges(f)) : slice(f.any(), f.integer(), range(f)); }},
      CALL("slice_update", slice_update(f.any(), ranges(f), f.flip() ? f.of(Shape{}) : f.any())),
      CALL("select", select(f.any(), f.integer(), f.number())),
      {"index_select",
       [](A<T> f) -> Variable<T> {
         const Variable<T> x = f.any();
         const int axis = some_axis(f, f.shape_of(x).size());
         const std::size_t k = axis < 0 ? f.shape_of(x).size() + static_cast<std::size_t>(axis) : static_cast<std::size_t>(axis);
         return index_select(x, axis, f.labels(f.shape(), f.at(x, k)));
       }},
      {"embedding",
       [](A<T> f) -> Variable<T> {
         const Variable<T> weights = f.of_rank(2);
         return embedding(f.labels(f.shape(), f.at(weights, 0)), weights);
       }},
      {"gather",
       [](A<T> f) -> Variable<T> {
         const Variable<T> x = f.any();
         const int axis = some_axis(f, f.shape_of(x).size());
         return gather(x, axis, index_along(f, x, axis));
       }},
      {"take_along_axis",
       [](A<T> f) -> Variable<T> {
         const Variable<T> x = f.any();
         const int axis = some_axis(f, f.shape_of(x).size());
         return take_along_axis(x, index_along(f, x, axis), axis);
       }},
      {"scatter_add",
       [](A<T> f) -> Variable<T> {
         const Variable<T> x = f.any();
         const int axis = some_axis(f, f.shape_of(x).size());
         const Labels index = index_along(f, x, axis);
         return scatter_add(x, axis, index, f.fitting(index.shape()));
       }},
      {"masked_select",
       [](A<T> f) -> Variable<T> {
         const Variable<T> x = f.any();
         return masked_select(x, f.mask(f.chance(70) ? f.shape_of(x) : f.shape()));
       }},
      {"masked_fill",
       [](A<T> f) -> Variable<T> {
         const Variable<T> x = f.any();
         return masked_fill(x, f.mask(f.chance(70) ? f.shape_of(x) : f.shape()), f.flip() ? f.of(Shape{}) : f.any());
       }},
      {"one_hot", [](A<T> f) -> Variable<T> { return one_hot<T>(f.labels(), static_cast<std::size_t>(f.number())); }},
      CALL("tril", tril(f.any(), f.number())),
      CALL("triu", triu(f.any(), f.number())),
  };
}

template std::vector<Call<float>> array_calls<float>();
template std::vector<Call<double>> array_calls<double>();

}  // namespace api_fuzz

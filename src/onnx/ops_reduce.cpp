// Reductions, orders and running sums. Those of integers are done in double, and refused where that would not be exact.
#include <cmath>
#include <limits>

#include <xgrad/ops/extremes.hpp>
#include <xgrad/ops/scan.hpp>
#include <xgrad/ops/sort.hpp>
#include <xgrad/ops/statistics.hpp>

#include "call.hpp"

namespace xgrad::onnx {

namespace {

enum class Kind { sum, mean, max, min, prod, l1, l2, log_sum, log_sum_exp, sum_square };

/// A reduction whose elements may be none.
template <class U>
Variable<U> extreme(bool largest, Variable<U> x, const Axes& axes, bool keepdims, Where at) {
  if (x.size() > 0) return largest ? amax(std::move(x), axes, {keepdims}, at) : amin(std::move(x), axes, {keepdims}, at);
  const U inf = std::numeric_limits<U>::infinity();
  const Shape shape = sum(std::move(x), axes, {keepdims}, at).shape();
  return full<U>(shape, largest ? -inf : inf, at);
}

template <class U>
Variable<U> reduce(Kind kind, Variable<U> x, const Axes& axes, bool keepdims, Where at) {
  const ReduceOptions options{keepdims};
  switch (kind) {
    case Kind::sum:
      return sum(std::move(x), axes, options, at);
    case Kind::mean:
      return mean(std::move(x), axes, options, at);
    case Kind::max:
      return extreme(true, std::move(x), axes, keepdims, at);
    case Kind::min:
      return extreme(false, std::move(x), axes, keepdims, at);
    case Kind::prod:
      return prod(std::move(x), axes, options, at);
    case Kind::l1:
      return sum(abs(std::move(x), at), axes, options, at);
    case Kind::l2:
      return norm(std::move(x), axes, {.p = 2, .keepdims = keepdims}, at);
    case Kind::log_sum:
      return log(sum(std::move(x), axes, options, at), at);
    case Kind::log_sum_exp:
      return logsumexp(std::move(x), axes, options, at);
    default:
      return sum(square(std::move(x), at), axes, options, at);
  }
}

template <class T, Kind kind>
Values<T> reduction(Call<T>& c) {
  const bool keepdims = c.integer("keepdims", 1) != 0, nothing = c.integer("noop_with_empty_axes", 0) != 0;
  std::vector<std::int64_t> list = c.integers("axes");
  if (c.has(1)) list = c.list(1);
  const Axes axes = list.empty() && !nothing ? Axes() : Axes(places(list));
  switch (c.look(0).index()) {
    case 0:
      return one<T>(reduce(kind, c.real(0), axes, keepdims, c.where));
    case 1: {
      if (kind == Kind::mean || kind == Kind::l2 || kind == Kind::log_sum || kind == Kind::log_sum_exp)
        c.refuse("input 0 has integers as elements; they must be floating-point numbers");
      const Labels x = c.integers(0);
      if (x.size() == 0 && (kind == Kind::max || kind == Kind::min))
        c.refuse("there are no integers to choose from; there must be one");
      const auto of = [&](Variable<double> v) { return reduce(kind, std::move(v), axes, keepdims, c.where); };
      if (kind != Kind::max && kind != Kind::min) return one<T>(exact_sums(c.where, of, x));
      return one<T>(whole(of(exactly(x, c.where)).value(), c.where));
    }
    default: {
      if (kind != Kind::max && kind != Kind::min) c.refuse("input 0 has truth values as elements; they must be numbers");
      const Mask x = c.truths(0);
      return one<T>(kind == Kind::max ? xgrad::any(x, axes, {keepdims}, c.where) : xgrad::all(x, axes, {keepdims}, c.where));
    }
  }
}

template <class U>
Labels place_of_extreme(bool largest, bool last, Variable<U> x, int axis, bool keepdims, Where at) {
  const auto length = static_cast<std::int64_t>(x.shape().at(static_cast<std::size_t>(axis)));
  if (last) x = flip(std::move(x), axis, at);
  Labels result = largest ? argmax(x, axis, {keepdims}, at) : argmin(x, axis, {keepdims}, at);
  if (last)
    for (std::int64_t& place : result) place = length - 1 - place;
  return result;
}
template <class T, bool largest>
Values<T> arg_extreme(Call<T>& c) {
  const bool keepdims = c.integer("keepdims", 1) != 0, last = c.integer("select_last_index", 0) != 0;
  const int axis = c.axis(c.integer("axis", 0), c.shape(0).size());
  if (c.look(0).index() == 1)
    return one<T>(place_of_extreme(largest, last, exactly(c.integers(0), c.where), axis, keepdims, c.where));
  return one<T>(place_of_extreme(largest, last, c.real(0), axis, keepdims, c.where));
}

template <class T>
Values<T> top_k(Call<T>& c) {
  const int axis = c.axis(c.integer("axis", -1), c.shape(0).size());
  const TopKOptions options{.largest = c.integer("largest", 1) != 0};
  c.integer("sorted", 1);  // where it is 0 any order will do
  const std::int64_t k = c.given("k") ? c.integer("k", 0) : c.integer_input(1);
  Values<T> result;
  if (c.look(0).index() == 1) {
    const Labels x = c.integers(0);
    Labels indices = topk(exactly(x, c.where), k, axis, options, c.where).indices;
    result.push_back(rearrange_one<T>(c, x, [&](auto v) { return gather(std::move(v), axis, indices, c.where); }));
    result.push_back(std::move(indices));
    return result;
  }
  TopK<T> top = topk(c.real(0), k, axis, options, c.where);
  result.push_back(std::move(top.values));
  result.push_back(std::move(top.indices));
  return result;
}

template <class U>
Variable<U> running_sum(Variable<U> x, int axis, bool exclusive, bool reverse, Where at) {
  if (reverse) x = flip(std::move(x), axis, at);
  if (exclusive) {  // all but the last element, behind a zero
    Shape shape = x.shape();
    if (shape[static_cast<std::size_t>(axis)] > 0) {
      shape[static_cast<std::size_t>(axis)] = 1;
      std::vector<Variable<U>> parts{zeros<U>(shape, at), slice(std::move(x), axis, {.stop = -1}, at)};
      x = concat(std::move(parts), axis, at);
    }
  }
  x = cumsum(std::move(x), axis, at);
  return reverse ? flip(std::move(x), axis, at) : x;
}
template <class T>
Values<T> cumulative(Call<T>& c) {
  const bool exclusive = c.integer("exclusive", 0) != 0, reverse = c.integer("reverse", 0) != 0;
  const int axis = c.axis(c.integer_input(1), c.shape(0).size());
  if (c.look(0).index() == 1)
    return one<T>(exact_sums(
        c.where, [&](Variable<double> v) { return running_sum(std::move(v), axis, exclusive, reverse, c.where); }, c.integers(0)));
  return one<T>(running_sum(c.real(0), axis, exclusive, reverse, c.where));
}

}  // namespace

template <class T>
void add_reductions(Table<T>& table) {
  table.insert({
      {"ArgMax", {arg_extreme<T, true>}},
      {"ArgMin", {arg_extreme<T, false>}},
      {"CumSum", {cumulative<T>}},
      {"ReduceL1", {reduction<T, Kind::l1>}},
      {"ReduceL2", {reduction<T, Kind::l2>}},
      {"ReduceLogSum", {reduction<T, Kind::log_sum>}},
      {"ReduceLogSumExp", {reduction<T, Kind::log_sum_exp>}},
      {"ReduceMax", {reduction<T, Kind::max>}},
      {"ReduceMean", {reduction<T, Kind::mean>}},
      {"ReduceMin", {reduction<T, Kind::min>}},
      {"ReduceProd", {reduction<T, Kind::prod>}},
      {"ReduceSum", {reduction<T, Kind::sum>}},
      {"ReduceSumSquare", {reduction<T, Kind::sum_square>}},
      {"TopK", {top_k<T>}},
  });
}
template void add_reductions<float>(Table<float>&);
template void add_reductions<double>(Table<double>&);

}  // namespace xgrad::onnx

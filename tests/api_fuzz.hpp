#pragma once
/// Random arguments for the public API: small and fitting, small and not fitting, absurd.
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <xgrad/xgrad.hpp>

namespace api_fuzz {

using namespace xgrad;

class Source {
 public:
  explicit Source(std::uint64_t seed) : random(seed) {}

  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random.below(n)); }
  bool chance(std::size_t percent) { return below(100) < percent; }
  bool flip() { return below(2) == 0; }
  /// Small three times in four, else near a power of 2 or at an end.
  std::ptrdiff_t number() {
    if (chance(75)) return static_cast<std::ptrdiff_t>(below(9)) - 3;
    const auto near = static_cast<std::int64_t>(below(5)) - 2;
    const std::uint64_t power = chance(20) ? std::uint64_t{1} << 63 : std::uint64_t{1} << below(64);
    const std::uint64_t bits = power + static_cast<std::uint64_t>(near);
    return static_cast<std::ptrdiff_t>(flip() ? bits : 0 - bits);
  }
  /// Mostly 1 to 4.
  std::ptrdiff_t positive() { return chance(80) ? 1 + static_cast<std::ptrdiff_t>(below(4)) : number(); }
  /// Mostly 0 to 2.
  std::ptrdiff_t little() { return chance(80) ? static_cast<std::ptrdiff_t>(below(3)) : number(); }
  int integer() {
    constexpr int ends[]{std::numeric_limits<int>::max(), std::numeric_limits<int>::min(), std::numeric_limits<int>::min() + 1,
                         1 << 30, -(1 << 16)};
    return chance(88) ? static_cast<int>(below(9)) - 4 : ends[below(std::size(ends))];
  }
  double real() {
    constexpr double odd[]{0,
                           -1,
                           1e300,
                           -1e300,
                           1e-300,
                           std::numeric_limits<double>::infinity(),
                           -std::numeric_limits<double>::infinity(),
                           std::numeric_limits<double>::quiet_NaN()};
    return chance(80) ? random.uniform(0, 1) : odd[below(std::size(odd))];
  }

  std::size_t length() { return chance(7) ? 0 : 1 + below(4); }
  Shape shape(std::size_t rank) {
    Shape result(rank);
    for (std::size_t& n : result) n = length();
    if (rank > 0 && chance(2)) result[below(rank)] = 200 + below(200);
    if (rank > 1 && chance(4)) {  // no elements, and lengths whose product wraps
      for (std::size_t& n : result)
        if (flip()) n = static_cast<std::size_t>(number());
      result[below(rank)] = 0;
    }
    return result;
  }
  Shape shape() { return shape(below(5)); }
  /// As a user may ask for.
  Shape any_shape() {
    Shape result = shape();
    for (std::size_t& n : result)
      if (chance(20)) n = static_cast<std::size_t>(number());
    return result;
  }
  Extent2d extent() { return {positive(), positive()}; }
  Padding2d padding() { return {little(), little(), little(), little()}; }
  std::vector<std::ptrdiff_t> list(std::size_t most = 5) {
    std::vector<std::ptrdiff_t> result(below(most));
    for (std::ptrdiff_t& n : result) n = number();
    return result;
  }
  Axes axes() {
    if (chance(30)) return Axes();
    if (chance(50)) return Axes(integer());
    std::vector<std::ptrdiff_t> result(below(4));
    for (std::ptrdiff_t& axis : result) axis = chance(90) ? static_cast<std::ptrdiff_t>(below(6)) - 3 : number();
    return Axes(result);
  }
  std::optional<int> axis() { return flip() ? std::optional(integer()) : std::nullopt; }

  Labels labels(const Shape& shape, std::size_t n) {
    Labels result = zeros<std::int64_t>(shape);
    for (std::int64_t& label : std::span(result.data(), result.size()))
      label = n > 0 && chance(99) ? static_cast<std::int64_t>(below(n)) : number();
    return result;
  }
  Labels labels() { return labels(shape(), 3); }
  Mask mask(const Shape& shape) {
    Mask result = full<bool>(shape, false);
    for (bool& bit : std::span(result.data(), result.size())) bit = flip();
    return result;
  }

  Generator random;
};

/// ... of one element type.
template <class T>
class Arguments : public Source {
 public:
  using V = Variable<T>;
  using Source::Source;

  V of(const Shape& shape) {
    if (chance(1)) return V();
    Array<T> x = zeros<T>(shape);
    random.fill_uniform(x, -1, 1);
    if (x.size() > 0 && chance(5)) x.data()[below(x.size())] = static_cast<T>(real());
    V result(std::move(x), flip());
    if (chance(10) && result.requires_grad()) return result * 1;  // a result, whose buffer may be taken over
    if (result.requires_grad()) leaves.push_back(result);
    return result;
  }
  V any() { return of(shape()); }
  V of_rank(std::size_t rank) { return chance(90) ? of(shape(rank)) : any(); }
  /// Four times in five of this shape.
  V fitting(const Shape& shape) { return chance(80) ? of(shape) : any(); }
  /// What may broadcast with a shape.
  V partner(Shape shape) {
    if (chance(20)) return any();
    for (std::size_t& n : shape)
      if (chance(30)) n = n == 1 ? length() : 1;
    if (!shape.empty() && chance(20)) shape.erase(shape.begin());
    return of(shape);
  }
  V maybe(const Shape& shape) { return flip() ? V() : fitting(shape); }
  V square() {
    const std::size_t n = length();
    return fitting(flip() ? Shape{n, n} : Shape{length(), n, n});
  }
  static Shape shape_of(const V& x) { return x.defined() ? x.shape() : Shape{}; }
  static std::size_t last(const V& x) { return x.defined() && !x.shape().empty() ? x.shape().back() : 1; }
  static std::size_t at(const V& x, std::size_t k) { return x.defined() && k < x.shape().size() ? x.shape()[k] : 1; }

  /// Mostly none; else one for each of the last axis, or not.
  std::vector<double> class_weights(const V& x) {
    if (!chance(20)) return {};
    const std::size_t n = chance(80) ? std::min<std::size_t>(last(x), 1000) : below(4);
    return std::vector<double>(n, chance(80) ? 0.5 : real());
  }

  std::vector<V> leaves;
};

/// One call of one operation, with its result where that has gradients.
template <class T>
struct Call {
  std::string name;
  Variable<T> (*run)(Arguments<T>&);
};

// The table, in parts: one file would take long to compile.
template <class T>
std::vector<Call<T>> elementwise_calls();
template <class T>
std::vector<Call<T>> array_calls();
template <class T>
std::vector<Call<T>> network_calls();
template <class T>
std::vector<Call<T>> maker_calls();

/// What a call is given, in the tables of calls.
template <class T>
using A = Arguments<T>&;

}  // namespace api_fuzz

/// A line of the tables: a name, and what is called with arguments from `f`.
#define CALL(name, expression)                             \
  {                                                        \
    name, [](A<T> f) -> Variable<T> { return expression; } \
  }

#pragma once
/// What names elements of an array: integers and masks. xtensor would convert arrays of numbers to either without a word, so that a
/// label 1.7 became 1 and a score 0.5 true; here that does not compile.
#include <algorithm>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <type_traits>
#include <utility>

#include <xgrad/core/array.hpp>

namespace xgrad {

/// An array of any kind: an xtensor container, view or lazy expression, or a Variable.
template <class E>
concept AnyArray = Expression<E> || is_variable<std::remove_cvref_t<E>>;

namespace detail {
template <class E>
using ValueOf = std::remove_cv_t<typename std::remove_cvref_t<E>::value_type>;
}  // namespace detail

/// Integers that name elements, rows or classes: Labels, any other integer container or expression, or a list in braces. Made for
/// the duration of a call: Labels that have a name are referred to, not copied.
class Indices {
 public:
  Indices(const Labels& values) : values_(&values) {}                    // NOLINT(google-explicit-constructor)
  Indices(Labels&& values) : own_(std::move(values)), values_(&own_) {}  // NOLINT(google-explicit-constructor)
  template <AnyArray E>
  requires(!std::same_as<E, Labels>) Indices(const E& values) : Indices(convert(values)) {}  // NOLINT(google-explicit-constructor)
  Indices(std::initializer_list<std::int64_t> values) : Indices(Labels(Shape{values.size()})) {  // gather(x, 0, {2, 0})
    std::copy(values.begin(), values.end(), own_.data());
  }
  Indices(const Indices&) = delete;
  Indices& operator=(const Indices&) = delete;
  const Labels& values() const noexcept { return *values_; }

 private:
  template <class E>
  static Labels convert(const E& values) {
    using V = detail::ValueOf<E>;
    static_assert(!std::floating_point<V>,
                  "xgrad: labels and indices are integers, and this array has floating-point numbers, which would be cut off; if "
                  "whole numbers are meant, write xt::cast<std::int64_t>(array)");
    static_assert(!std::same_as<V, bool>,
                  "xgrad: labels and indices are integers, and this array is a mask; masked_select and where take masks");
    if constexpr (IntegerExpression<E>)
      return values;
    else
      return {};
  }
  Labels own_;
  const Labels* values_;
};

/// Indices as an option, which may be left out: they are copied.
class OptionalIndices {
 public:
  OptionalIndices() = default;
  OptionalIndices(std::nullopt_t) {}                                // NOLINT(google-explicit-constructor)
  OptionalIndices(Labels&& values) : values_(std::move(values)) {}  // NOLINT(google-explicit-constructor)
  template <AnyArray E>
  OptionalIndices(const E& values) : values_(Indices(values).values()) {}  // NOLINT(google-explicit-constructor)
  OptionalIndices(std::initializer_list<std::int64_t> list) : values_(Indices(list).values()) {}
  OptionalIndices(std::initializer_list<std::initializer_list<std::int64_t>> rows) : values_(Labels(rows)) {}
  OptionalIndices(std::optional<Labels> values) : values_(std::move(values)) {}  // NOLINT(google-explicit-constructor)
  const std::optional<Labels>& values() const noexcept { return values_; }

 private:
  std::optional<Labels> values_;
};

/// A condition per element: a Mask or any other container or expression of bool. Otherwise as Indices.
class Condition {
 public:
  Condition(const Mask& mask) : mask_(&mask) {}                    // NOLINT(google-explicit-constructor)
  Condition(Mask&& mask) : own_(std::move(mask)), mask_(&own_) {}  // NOLINT(google-explicit-constructor)
  template <AnyArray E>
  requires(!std::same_as<E, Mask>) Condition(const E& mask) : Condition(convert(mask)) {}  // NOLINT(google-explicit-constructor)
  Condition(const Condition&) = delete;
  Condition& operator=(const Condition&) = delete;
  const Mask& mask() const noexcept { return *mask_; }

 private:
  template <class E>
  static Mask convert(const E& mask) {
    static_assert(std::same_as<detail::ValueOf<E>, bool>,
                  "xgrad: a mask has elements of bool, and this array has numbers; write the comparison that is meant, x > 0");
    if constexpr (ExpressionOf<E, bool>)
      return mask;
    else
      return {};
  }
  Mask own_;
  const Mask* mask_;
};

}  // namespace xgrad

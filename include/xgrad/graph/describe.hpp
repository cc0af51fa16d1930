#pragma once
/// Finds the options of an op, by reflection.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <xgrad/core/array.hpp>
#include <xgrad/core/fields.hpp>
#include <xgrad/graph/attribute.hpp>
#include <xgrad/graph/node.hpp>

namespace xgrad {

namespace detail {

template <class>
inline constexpr bool is_storage = false;
template <class T>
inline constexpr bool is_storage<Ref<Storage<T>>> = true;
template <class X>
concept HasValue = requires(const X& x) {
  x.has_value();
  *x;
};
template <class X>
concept Listing = requires(const X& x) {
  x.begin() != x.end();
  x.size();
  requires std::is_arithmetic_v<std::remove_cvref_t<decltype(*x.begin())>>;
};

/// "I32 (4, 2)" for an array of these elements: their sign, kind and size.
XGRAD_API std::string array_in_words(bool floating, bool is_signed, std::size_t bytes, const Shape& shape);
template <class U>
std::string array_in_words(const Array<U>& array) {
  return array_in_words(std::is_floating_point_v<U>, std::is_signed_v<U>, std::is_same_v<U, bool> ? 0 : sizeof(U), array.shape());
}

// Puts an attribute on the list; out of line, since each op would compile it.
using Attributes = std::vector<Attribute>;
XGRAD_API void put(Attributes& out, const std::string& name, bool value);
XGRAD_API void put(Attributes& out, const std::string& name, std::int64_t value);
XGRAD_API void put(Attributes& out, const std::string& name, double value);
XGRAD_API void put(Attributes& out, const std::string& name, std::string_view value);
XGRAD_API void put(Attributes& out, const std::string& name, std::span<const std::int64_t> value);
XGRAD_API void put(Attributes& out, const std::string& name, std::span<const double> value);

template <class X>
void put_value(Attributes& out, const std::string& name, const X& x) {
  if constexpr (std::is_same_v<X, bool>) {
    put(out, name, x);
  } else if constexpr (std::is_integral_v<X> || std::is_enum_v<X>) {
    put(out, name, static_cast<std::int64_t>(x));
  } else if constexpr (std::is_floating_point_v<X>) {
    put(out, name, static_cast<double>(x));
  } else if constexpr (std::is_convertible_v<const X&, std::string_view>) {
    put(out, name, std::string_view(x));
  } else if constexpr (std::is_floating_point_v<std::remove_cvref_t<decltype(*x.begin())>>) {
    const std::vector<double> numbers(x.begin(), x.end());
    put(out, name, std::span(numbers));
  } else {
    const std::vector<std::int64_t> numbers(x.begin(), x.end());
    put(out, name, std::span(numbers));
  }
}

/// Whether all members are whole numbers, as those of an extent.
template <class X>
constexpr bool all_whole() {
  const auto whole = []<class... M>(fields::Types<M...>) {
    return sizeof...(M) > 0 && ((std::is_integral_v<M> && !std::is_same_v<M, bool>)&&...);
  };
  return whole(fields::field_types<X>());
}

/// Whether a member only holds others: "options.stride" is called "stride".
template <class X>
constexpr bool is_holder(std::string_view name) {
  if constexpr (HasValue<X>)
    return is_holder<std::remove_cvref_t<decltype(*std::declval<const X&>())>>(name);
  else if constexpr (fields::reflects<X>())
    return !all_whole<X>() && (name == "options" || name == "flags");
  else
    return false;
}

/// Puts on the list what can be told of x. What cannot is what forward has left behind for the gradient, such as factors.
template <class X>
void describe(const X& x, const std::string& name, Attributes& out) {
  if constexpr (std::is_arithmetic_v<X> || std::is_enum_v<X> || std::is_convertible_v<const X&, std::string_view> || Listing<X>) {
    if constexpr (!Expression<X>)
      put_value(out, name, x);
    else
      put(out, name, std::string_view(array_in_words(x)));
  } else if constexpr (is_storage<X>) {
    if (x) put(out, name, std::string_view(array_in_words(x->array)));
  } else if constexpr (HasValue<X>) {
    if (x.has_value()) describe(*x, name, out);
  } else if constexpr (fields::reflects<X>()) {
    if constexpr (all_whole<X>()) {
      std::vector<std::int64_t> numbers;
      for_each_field(x, [&](std::string_view, const auto& member) { numbers.push_back(static_cast<std::int64_t>(member)); });
      put(out, name, std::span<const std::int64_t>(numbers));
    } else {
      for_each_field(x, [&](std::string_view member_name, const auto& member) {
        const std::string_view field = fields::without_underscore(member_name);
        describe(member,
                 is_holder<std::remove_cvref_t<decltype(member)>>(field) ? name
                 : name.empty()                                          ? std::string(field)
                                                                         : name + "." + std::string(field),
                 out);
      });
    }
  }
}

/// The attributes of an op. Its name, where it is a member, is none of them.
template <class Op>
std::vector<Attribute> attributes_of(const Op& op, std::string_view name) {
  std::vector<Attribute> result;
  if constexpr (fields::reflects<Op>())
    for_each_field(op, [&](std::string_view field, const auto& member) {
      if constexpr (std::is_same_v<std::remove_cvref_t<decltype(member)>, std::string_view>)
        if (member == name) return;
      describe(
          member,
          is_holder<std::remove_cvref_t<decltype(member)>>(field) ? std::string() : std::string(fields::without_underscore(field)),
          result);
    });
  return result;
}

/// How many bytes the arrays in x have.
template <class X>
std::size_t bytes_in(const X& x) {
  if constexpr (Container<X>) {
    return x.size() * sizeof(typename X::value_type);
  } else if constexpr (is_storage<X>) {
    return x ? bytes_in(x->array) : 0;
  } else if constexpr (fields::reflects<X>()) {
    std::size_t bytes = 0;
    for_each_field(x, [&](std::string_view, const auto& member) { bytes += bytes_in(member); });
    return bytes;
  } else {
    return 0;
  }
}

}  // namespace detail
}  // namespace xgrad

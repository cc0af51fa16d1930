#pragma once
/// The members of a struct and their names, so that a network needs no registration.
///
///     struct Block { Conv2d<float> conv{3, 8, 3}; BatchNorm<float> norm{8}; };      // an aggregate: nothing to do
///     class Scale {                                                               // anything else lists its members
///      public:
///       explicit Scale(float start) : factor_(start, true) {}
///      private:
///       Variable<float> factor_;
///       XGRAD_FIELDS(factor_)
///     };
#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <xgrad/core/detail_bind.hpp>

/// Stands in a class, in any section, and lists its members, their names alone. What is left out is not trained,
/// saved or cloned. A class that is derived from one with a list has a list of its own, which may name inherited members.
// What walks the list is a template that costs nothing where nobody does; a local class may have no member templates, hence the
// lambda.
#define XGRAD_FIELDS(...)                                                          \
  friend struct ::xgrad::detail::fields::Listed;                                   \
  auto xgrad_fields() {                                                            \
    return [&](auto&& xgrad_f) -> decltype(auto) { return xgrad_f(__VA_ARGS__); }; \
  }                                                                                \
  auto xgrad_fields() const {                                                      \
    return [&](auto&& xgrad_f) -> decltype(auto) { return xgrad_f(__VA_ARGS__); }; \
  }                                                                                \
  constexpr ::std::string_view xgrad_names() const { return #__VA_ARGS__; }
/// ... members that are options of construction: cloned and printed, neither trained nor in any file.
#define XGRAD_CONSTANTS(...)                                                       \
  friend struct ::xgrad::detail::fields::Listed;                                   \
  auto xgrad_fields() const {                                                      \
    return [&](auto&& xgrad_f) -> decltype(auto) { return xgrad_f(__VA_ARGS__); }; \
  }                                                                                \
  constexpr ::std::string_view xgrad_names() const { return #__VA_ARGS__; }

#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wundefined-var-template"
#pragma clang diagnostic ignored "-Wundefined-internal"
#endif

namespace xgrad {
namespace detail::fields {

template <class... X>
struct Types {};
template <class>
inline constexpr bool never = false;

/// XGRAD_FIELDS makes it a friend.
struct Listed {
  template <class X>
  static constexpr bool in = requires {
    &X::xgrad_names;
  };
  /// Whether the list is the class's own and not one of its base.
  template <class X>
  static constexpr bool own() {
    return std::is_same_v<decltype(&X::xgrad_names), std::string_view (X::*)() const>;
  }
  /// f(members…)
  template <class X, class F>
  static decltype(auto) fields(X& x, F&& f) {
    return x.xgrad_fields()(std::forward<F>(f));
  }
  template <class X>
  static std::string_view names(X& x) {
    return x.xgrad_names();
  }
};

// How many members an aggregate has: as many as there may be initialisers in its braces. Any stands for whatever a member is
// made from. It is never run, but clang wants it defined: a std::optional of a type in an anonymous namespace counts as a use.
struct Any {
  template <class U>
  [[noreturn]] operator U() const {  // NOLINT(google-explicit-constructor)
    __builtin_trap();
  }
};
/// Whether X{Any…} is valid with `I` initialisers.
template <class X, std::size_t... I>
constexpr bool takes(std::index_sequence<I...>) {
  return requires { X{((void)I, Any{})...}; };
}
/// Counts upwards to the last number that is valid: a member without a default initialiser makes smaller ones invalid.
template <class X, std::size_t N = 0>
constexpr std::size_t count() {
  if constexpr (N > max_fields)
    return takes<X>(std::make_index_sequence<N>{}) ? N : 0;
  else if constexpr (takes<X>(std::make_index_sequence<N>{}) && !takes<X>(std::make_index_sequence<N + 1>{}))
    return N;
  else
    return count<X, N + 1>();
}

/// Converts to what X is derived from, and so initialises nothing but a base class.
template <class X>
struct AnyBase {
  template <class U>
  requires(std::is_base_of_v<U, X> && !std::is_same_v<U, X>) operator U() const;  // NOLINT(google-explicit-constructor)
};
template <class X>
constexpr bool has_base() {
  return requires { X{AnyBase<X>{}}; };
}

// Braces may be left out around the elements of a C array, so each of them has counted as a member. With its own braces the
// array uses up one initialiser, and those behind it are too many.
template <class X, std::size_t... Before, std::size_t... After>
constexpr bool takes_pair(std::index_sequence<Before...>, std::index_sequence<After...>) {
  return requires { X{((void)Before, Any{})..., {Any{}, Any{}}, ((void)After, Any{})...}; };
}
template <class X, std::size_t I, std::size_t N>
constexpr bool array_at() {
  if constexpr (takes_pair<X>(std::make_index_sequence<I>{}, std::make_index_sequence<N - I - 1>{}))
    return false;
  else
    return takes_pair<X>(std::make_index_sequence<I>{}, std::index_sequence<>{});
}
template <class X, std::size_t... I>
constexpr bool has_array(std::index_sequence<I...>) {
  return (array_at<X, I, sizeof...(I)>() || ...);
}

/// The number of members of an aggregate, or a compile error that says what is wrong with X and what to do.
template <class X>
constexpr std::size_t fields_of_aggregate() {
  if constexpr (!std::is_aggregate_v<X> || std::is_union_v<X>) {
    static_assert(
        never<X>,
        "xgrad: this class has a constructor, a private member, a base class or a virtual function: list its members in it "
        "with XGRAD_FIELDS(a, b, c), or remove the constructor");
  } else if constexpr (has_base<X>()) {
    static_assert(
        never<X>,
        "xgrad: this struct has a base class, whose members are out of reach: make the base a member, or list all members "
        "with XGRAD_FIELDS(a, b, c)");
  } else {
    constexpr std::size_t n = count<X>();
    if constexpr (n > max_fields || (n == 0 && !std::is_empty_v<X>)) {
      static_assert(
          never<X>,
          "xgrad: this struct has more than 64 members, or one that cannot be initialised from a value: nest some of them in "
          "a struct, or list them with XGRAD_FIELDS(a, b, c)");
    } else if constexpr (has_array<X>(std::make_index_sequence<n>{})) {
      static_assert(never<X>,
                    "xgrad: this struct has a C array: make it a std::array, or list the members with XGRAD_FIELDS(a, b, c)");
    } else {
      return n;
    }
  }
  return 0;
}

/// Whether the members of X are within reach: no more than a compile error would say.
template <class X>
constexpr bool reflects() {
  if constexpr (!std::is_class_v<X> || std::is_empty_v<X>) {
    return false;
  } else if constexpr (Listed::in<X>) {
    return Listed::own<X>();
  } else if constexpr (!std::is_aggregate_v<X>) {
    return false;
  } else if constexpr (has_base<X>()) {
    return false;
  } else {
    constexpr std::size_t n = count<X>();
    if constexpr (n == 0 || n > max_fields)
      return false;
    else
      return !has_array<X>(std::make_index_sequence<n>{});
  }
}

// The name of a member stands in the compiler's name of a function whose template argument points to it. The object it is a
// member of is never defined: nobody asks for more than its name.
template <class X>
struct Wrap {
  const X value;
};
template <class X>
extern const Wrap<X> object;
template <class P>
struct Pointer {
  const P* p;
};
template <class P>
Pointer(const P*) -> Pointer<P>;

template <class X, std::size_t I, std::size_t N>
constexpr auto pointer() {
  return bind<N>(object<X>.value, [](auto&... members) { return Pointer{std::get<I>(std::tuple{&members...})}; });
}
template <auto P>
constexpr std::string_view pretty() {
  return __PRETTY_FUNCTION__;
}
/// g++: "… [with auto P = Pointer<X>{(& object<Net>.Wrap<Net>::value.Net::conv1)}; …]", clang: "… [P =
/// Pointer<X>{&object.value.conv1}]"
constexpr std::string_view last_name(std::string_view text) {
  text = text.substr(0, text.rfind('}'));
  while (text.ends_with(')') || text.ends_with(' ')) text.remove_suffix(1);
  return text.substr(text.find_last_of(":.&( ") + 1);
}
template <class X, std::size_t... I>
constexpr std::array<std::string_view, sizeof...(I)> names_of_aggregate(std::index_sequence<I...>) {
  return {last_name(pretty<pointer<X, I, sizeof...(I)>()>())...};
}
template <class X, std::size_t N>
inline constexpr auto names = names_of_aggregate<X>(std::make_index_sequence<N>{});

/// Takes the first name off a list as XGRAD_FIELDS has it: "a, b, c".
constexpr std::string_view take_name(std::string_view& list) {
  const std::size_t comma = list.find(',');
  const std::string_view name = list.substr(0, comma);
  list.remove_prefix(comma == list.npos ? list.size() : comma + 1);
  list.remove_prefix(std::min(list.find_first_not_of(' '), list.size()));
  return name;
}

/// What a member is called by others: a trailing underscore marks it as private and is no part of its name.
constexpr std::string_view without_underscore(std::string_view name) {
  return name.size() > 1 && name.ends_with('_') ? name.substr(0, name.size() - 1) : name;
}

/// Types of the members of X, without const.
template <class X>
constexpr auto field_types() {
  const auto types = [](auto&... members) { return Types<std::remove_cv_t<std::remove_reference_t<decltype(members)>>...>{}; };
  using F = decltype(types);
  if constexpr (Listed::in<X>)
    return decltype(Listed::fields(std::declval<X&>(), std::declval<F>())){};
  else
    return decltype(bind<fields_of_aggregate<X>()>(std::declval<X&>(), std::declval<F>())){};
}

}  // namespace detail::fields

/// Calls f(std::string_view name, member&) for each member of x, in the order of the class: an aggregate of at most 64 members, or
/// a class with XGRAD_FIELDS. Base classes with members, C arrays, bit-fields and reference members do not work in an
/// aggregate; all but bit-fields do in a list. What cannot work does not compile.
template <class X, class F>
void for_each_field(X& x, F&& f) {
  using C = std::remove_const_t<X>;
  if constexpr (detail::fields::Listed::in<C>) {
    static_assert(
        detail::fields::Listed::own<C>(),
        "xgrad: XGRAD_FIELDS stands in a base of this class only: give the class its own XGRAD_FIELDS(a, b, c), which may name "
        "inherited members");
    [[maybe_unused]] std::string_view list = detail::fields::Listed::names(x);
    detail::fields::Listed::fields(x, [&](auto&... members) { (f(detail::fields::take_name(list), members), ...); });
  } else {
    constexpr std::size_t n = detail::fields::fields_of_aggregate<C>();
    if constexpr (n > 0)
      detail::fields::bind<n>(x, [&](auto&... members) {
        std::size_t i = 0;
        (f(detail::fields::names<C, n>[i++], members), ...);
      });
  }
}

}  // namespace xgrad

#if defined(__clang__)
#pragma clang diagnostic pop
#endif

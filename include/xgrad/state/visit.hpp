#pragma once
/// Finds the Variables of a network, however deep in structs and containers.
#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <iterator>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include <xgrad/core/fields.hpp>
#include <xgrad/core/random.hpp>
#include <xgrad/core/shape.hpp>
#include <xgrad/graph/variable.hpp>

namespace xgrad::nn {

/// Specialise to true for a class that holds nothing to train or save; clone copies it as a whole:
///
///     template <>
///     inline constexpr bool xgrad::nn::skip<MyClock> = true;
template <class X>
inline constexpr bool skip = false;

namespace detail {

using xgrad::detail::fields::field_types;
using xgrad::detail::fields::Listed;
using xgrad::detail::fields::Types;
using xgrad::detail::fields::without_underscore;

/// What the walk does with a type: `data` are numbers, what is made of them, and text. `unknown` does not compile: skipping
/// silently would be silent non-training.
enum class Kind { skipped, variable, data, fields, range, map, pointer, variant, tuple, unknown };

template <template <class...> class, class>
inline constexpr bool is_a = false;
template <template <class...> class Template, class... A>
inline constexpr bool is_a<Template, Template<A...>> = true;
template <class>
inline constexpr bool is_std_array = false;
template <class X, std::size_t N>
inline constexpr bool is_std_array<std::array<X, N>> = true;

/// Numbers that a file can hold.
template <class X>
inline constexpr bool is_number = (std::is_arithmetic_v<X> && !std::is_same_v<X, long double>) || std::is_enum_v<X>;
/// … and arrays of them, in one piece.
template <class X>
inline constexpr bool is_numbers = false;
template <class X, class A>
inline constexpr bool is_numbers<std::vector<X, A>> = is_number<X>;
template <class X, std::size_t N>
inline constexpr bool is_numbers<std::array<X, N>> = is_number<X>;
template <class X, std::size_t N>
inline constexpr bool is_numbers<X[N]> = is_number<X>;
template <class X>
constexpr bool is_data() {
  if constexpr (Container<X>)
    return is_number<typename X::value_type>;
  else
    return is_number<X> || is_numbers<X> || std::is_same_v<X, Generator> || std::is_same_v<X, std::string>;
}

/// The library's options: constants of construction.
template <class X>
constexpr bool is_options() {
  std::string_view name = __PRETTY_FUNCTION__;
  const std::size_t begin = name.find("X = xgrad::");
  if (begin == name.npos) return false;
  name = name.substr(begin, name.find_first_of(";]", begin) - begin);
  return name.ends_with("Options") || name.ends_with("::Extent2d") || name.ends_with("::Padding2d") ||
         name.ends_with("::Padding1d");
}

/// Pointers to functions or members, text of somebody else's. std::function is skipped because nobody can look into it.
template <class X>
constexpr bool is_plain() {
  if constexpr (std::is_pointer_v<X>)
    return std::is_function_v<std::remove_pointer_t<X>> || std::is_same_v<X, const char*>;
  else
    return std::is_arithmetic_v<X> || std::is_enum_v<X> || std::is_member_pointer_v<X> || std::is_null_pointer_v<X> ||
           std::is_same_v<X, std::string_view> || is_a<std::function, X>;
}
/// The library's own types without Variables, and what xtensor has that is no container of numbers.
template <class X>
constexpr bool is_constant() {
  return Expression<X> || std::is_same_v<X, Shape> || std::is_same_v<X, Axes> || is_options<X>();
}

template <class X>
constexpr Kind kind_of() {
  if constexpr (skip<X>)
    return Kind::skipped;
  else if constexpr (is_variable<X>)
    return Kind::variable;
  else if constexpr (is_data<X>())
    return Kind::data;
  else if constexpr (is_plain<X>() || is_constant<X>())
    return Kind::skipped;
  else if constexpr (Listed::in<X>)
    return Kind::fields;
  else if constexpr (is_a<std::vector, X> || is_a<std::deque, X> || is_a<std::list, X> || is_std_array<X> || std::is_array_v<X>)
    return Kind::range;
  else if constexpr (is_a<std::map, X> || is_a<std::unordered_map, X>)
    return Kind::map;
  else if constexpr (is_a<std::unique_ptr, X> || is_a<std::shared_ptr, X>)
    return requires(X & x) { *x; }
  ? Kind::pointer : Kind::unknown;  // not to void, not to an array
  else if constexpr (is_a<std::optional, X>) return Kind::pointer;
  else if constexpr (is_a<std::variant, X>) return Kind::variant;
  else if constexpr (is_a<std::pair, X> || is_a<std::tuple, X>) return Kind::tuple;
  else if constexpr (std::is_empty_v<X>) return Kind::skipped;  // holds nothing: a lambda without captures, std::monostate
  else if constexpr (std::is_aggregate_v<X>) return Kind::fields;
  else return Kind::unknown;
}
template <class X>
inline constexpr Kind kind = kind_of<std::remove_cvref_t<X>>();

template <class X>
using Inner = std::iter_value_t<decltype(std::begin(std::declval<X&>()))>;
template <class X>
using Pointee = std::remove_cvref_t<decltype(*std::declval<X&>())>;

/// Types one step down, for the containers.
template <template <class...> class Template, class... A>
constexpr auto arguments(const Template<A...>*) {
  return Types<std::remove_cvref_t<A>...>{};
}
template <class X>
constexpr auto children() {
  if constexpr (kind<X> == Kind::fields)
    return field_types<X>();
  else if constexpr (kind<X> == Kind::range)
    return Types<Inner<X>>{};
  else if constexpr (kind<X> == Kind::map)
    return Types<typename X::mapped_type>{};
  else if constexpr (kind<X> == Kind::pointer)
    return Types<Pointee<X>>{};
  else if constexpr (kind<X> == Kind::variant || kind<X> == Kind::tuple)
    return arguments(static_cast<const X*>(nullptr));
  else
    return Types<>{};
}

/// 1 when X holds Variable<float>, 2 for Variable<double>, 3 for both; 4 more when a type in it is unknown. `Seen` are the classes
/// above X: one may hold itself.
template <class X, class... Seen>
constexpr unsigned reals();
template <class... Seen, class... C>
constexpr unsigned reals_of(Types<C...>) {
  return (0U | ... | reals<C, Seen...>());
}
template <class X, class... Seen>
constexpr unsigned reals() {
  if constexpr (kind<X> == Kind::variable)
    return std::is_same_v<typename X::value_type, float> ? 1 : 2;
  else if constexpr (kind<X> == Kind::unknown)
    return 4;
  else if constexpr (kind<X> != Kind::fields)
    return reals_of<Seen...>(children<X>());
  else if constexpr ((std::is_same_v<X, Seen> || ...))
    return 0;
  else
    return reals_of<Seen..., X>(children<X>());
}

/// Whether X can be copied. std::vector says so of itself whatever its elements are.
template <class X, class... Seen>
constexpr bool copyable();
template <class... Seen, class... C>
constexpr bool all_copyable(Types<C...>) {
  return (copyable<C, Seen...>() && ...);
}
template <class X, class... Seen>
constexpr bool copyable() {
  if constexpr (!std::is_copy_constructible_v<X>)
    return false;
  else if constexpr (kind<X> == Kind::unknown || is_a<std::shared_ptr, X> || (std::is_same_v<X, Seen> || ...))
    return true;
  else
    return all_copyable<Seen..., X>(children<X>());
}

/// While one lives, `path` has one more name.
class Below {
 public:
  /// Throws GraphError when there is no end to it.
  XGRAD_API Below(std::string& path, std::string_view name);
  ~Below() { path_.resize(size_); }
  Below(const Below&) = delete;
  Below& operator=(const Below&) = delete;

 private:
  std::string& path_;
  std::size_t size_;
};

template <class X>
std::string key_name(const X& key) {
  if constexpr (std::is_integral_v<X>) {
    return std::to_string(key);
  } else {
    static_assert(std::is_convertible_v<const X&, std::string>,
                  "xgrad: the keys of a map in a network must be strings or integers");
    return key;
  }
}
/// Calls f(key, value) in the order of the keys, also for an unordered map: names must come in the same order everywhere.
template <class Map, class F>
void in_order(Map& map, F&& f) {
  std::vector<decltype(&*map.begin())> entries;
  for (auto& entry : map) entries.push_back(&entry);
  if constexpr (is_a<std::unordered_map, std::remove_const_t<Map>>)
    std::sort(entries.begin(), entries.end(), [](auto* a, auto* b) { return a->first < b->first; });
  for (auto* entry : entries) f(entry->first, entry->second);
}

/// Whether a walk has anything to do in an X.
template <class X, class F>
concept Walked = kind<X>
!= Kind::skipped && (kind<X> != Kind::data || requires(F & f, const std::string& path, X& x) { f.data(path, x); });

template <class X, class F>
void walk(X& x, std::string& path, F& f);
template <class X, class F>
void walk_below(X& x, std::string& path, std::string_view name, F& f) {
  const Below below(path, name);
  walk(x, path, f);
}

/// Calls f(path, variable) for every Variable in x. When f has them, also f.data(path, x) for numbers and what is made of them,
/// f.field(name, member) for every member of a class, and f.pointer(p) for every shared_ptr that is not null.
template <class X, class F>
void walk(X& x, std::string& path, F& f) {
  if constexpr (kind<X> == Kind::variable) {
    f(std::as_const(path), x);
  } else if constexpr (kind<X> == Kind::data) {
    if constexpr (Walked<X, F>) f.data(std::as_const(path), x);
  } else if constexpr (kind<X> == Kind::fields) {
    for_each_field(x, [&](std::string_view name, auto& member) {
      if constexpr (requires { f.field(name, member); }) f.field(name, member);
      if constexpr (Walked<std::remove_reference_t<decltype(member)>, F>) walk_below(member, path, without_underscore(name), f);
    });
    if constexpr (requires { f.object(x); }) f.object(x);
  } else if constexpr (kind<X> == Kind::range) {
    if constexpr (Walked<Inner<X>, F>) {
      std::size_t i = 0;
      for (auto& element : x) walk_below(element, path, std::to_string(i++), f);
    }
  } else if constexpr (kind<X> == Kind::map) {
    if constexpr (Walked<typename X::mapped_type, F>)
      in_order(x, [&](auto& key, auto& value) { walk_below(value, path, key_name(key), f); });
  } else if constexpr (kind<X> == Kind::pointer) {
    static_assert(
        !std::is_polymorphic_v<Pointee<X>> || std::is_final_v<Pointee<X>> || skip<Pointee<X>>,
        "xgrad: a pointer to a class with virtual functions hides the members of what it points to: hold a std::variant of "
        "the classes instead");
    if (!x) return;
    if constexpr (requires { f.pointer(x); }) f.pointer(x);
    if constexpr (std::is_const_v<X>)
      walk(std::as_const(*x), path, f);
    else
      walk(*x, path, f);
  } else if constexpr (kind<X> == Kind::variant) {
    if (!x.valueless_by_exception()) std::visit([&](auto& alternative) { walk(alternative, path, f); }, x);
  } else if constexpr (kind<X> == Kind::tuple) {
    [[maybe_unused]] std::size_t i = 0;
    std::apply([&](auto&... element) { (walk_below(element, path, std::to_string(i++), f), ...); }, x);
  } else {
    static_assert(kind<X> == Kind::skipped,
                  "xgrad: this class may hold Variables that nobody would find: list its members in it with XGRAD_FIELDS(a, b), "
                  "or, when there is nothing to train, specialise xgrad::nn::skip<X> to true; a lambda with captures goes into a "
                  "std::function");
  }
}

}  // namespace detail

/// Calls f(const std::string& path, Variable<T>&) for every Variable of a network, defined or not, in the order of the members:
/// "conv1.weight", "layers.0.bias", "blocks.stem.weight". The Variables of a const network are const.
///
/// Walked: structs of at most 64 members, classes with XGRAD_FIELDS, std::vector, array, deque, list, map, unordered_map (by key),
/// pair, tuple, optional, variant, unique_ptr, shared_ptr. Passed over, unless f has a member `data(path, x)` (see state_entries):
/// numbers, enums, Generators, arrays of numbers, std::string. Skipped: views, shapes, options, std::function, function pointers,
/// empty classes such as lambdas without captures, and what `skip` names. Anything else does not compile. A trailing underscore is
/// no part of a member's name.
template <class Net, class F>
void visit(Net& net, F&& f) {
  std::string path;
  detail::walk(net, path, f);
}

}  // namespace xgrad::nn

#pragma once
/// Layers made of layers: any that are called with what the one before gives, also functions and lambdas.
///
///     nn::Sequential net{nn::Conv2d<float>(1, 8, 5), nn::ReLU{}, nn::MaxPool2d{2}, nn::Flatten{}, nn::Linear<float>(1152, 10)};
///     fmt::print("{}\n", net);
///     auto scores = net(images);       // parameters are called "0.weight", "0.bias", "4.weight" …
///
/// Write braces, in which layers are made, and draw their weights, from left to right; between parentheses C++ leaves the order
/// open. As a member with its type: `nn::Sequential<nn::Linear<float>, nn::ReLU> hidden{{4, 8}, {}};`
#include <array>
#include <cstddef>
#include <iosfwd>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <xgrad/core/fields.hpp>
#include <xgrad/core/print.hpp>
#include <xgrad/graph/describe.hpp>
#include <xgrad/nn/activation.hpp>
#include <xgrad/ops/arithmetic.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/state/visit.hpp>

namespace xgrad::nn {
namespace detail {

/// "0, 1, 2": a list of members that are called by their places.
template <std::size_t N>
struct Places {
  std::array<char, 6 * N + 1> text{};
  std::size_t size = 0;
  constexpr Places() {
    static_assert(N <= 1000, "xgrad: a container holds at most 1000 layers");
    for (std::size_t k = 0; k < N; ++k) {
      if (k > 0) text[size++] = ',', text[size++] = ' ';
      if (k >= 100) text[size++] = static_cast<char>('0' + k / 100);
      if (k >= 10) text[size++] = static_cast<char>('0' + k / 10 % 10);
      text[size++] = static_cast<char>('0' + k % 10);
    }
  }
};
template <std::size_t N>
inline constexpr Places<N> places{};

/// An error of a layer says which it was: all of a container's layers have the line of its call.
[[noreturn]] XGRAD_API void rethrow_of_layer(std::string_view container, std::size_t place);

template <class X>
inline constexpr bool is_array = false;
template <Real T>
inline constexpr bool is_array<Array<T>> = true;

/// Calls a layer, with the user's line where it takes one; a range of layers one after the other.
template <class L, class X>
auto call_layer(const L& layer, X&& x, Where at) {
  if constexpr (std::is_invocable_v<const L&, X, Where>) {
    return layer(std::forward<X>(x), at);
  } else if constexpr (requires { layer(std::forward<X>(x), {}, at); }) {  // options before the line
    return layer(std::forward<X>(x), {}, at);
  } else if constexpr (std::is_invocable_v<const L&, X>) {
    return layer(std::forward<X>(x));
  } else if constexpr (is_array<std::remove_cvref_t<X>>) {  // a constant
    return call_layer(layer, Variable<typename std::remove_cvref_t<X>::value_type>(std::forward<X>(x)), at);
  } else {
    static_assert(kind<L> == Kind::range,
                  "xgrad: a layer in a container must be callable, when it is const, with what the layer before it returns");
    std::remove_cvref_t<X> y = std::forward<X>(x);
    for (const auto& each : layer) y = call_layer(each, std::move(y), at);
    return y;
  }
}
template <std::size_t I, class L, class X>
auto call_at(std::string_view container, const L& layers, X&& x, Where at) {
  try {
    return call_layer(std::get<I>(layers), std::forward<X>(x), at);
  } catch (...) {
    rethrow_of_layer(container, I);
  }
}

/// One layer as text: "Linear(weight (4, 3), bias (4,))", with those inside of it on lines of their own.
class LayerText {
 public:
  /// `type` as the compiler writes it: "xgrad::nn::Linear<float>".
  XGRAD_API explicit LayerText(std::string_view type);
  XGRAD_API void variable(std::string_view name, const Shape& shape);
  XGRAD_API void attributes(const std::vector<Attribute>& options);
  XGRAD_API void layer(std::string_view name, const std::string& text);
  XGRAD_API std::string str() const;

 private:
  std::string type_, facts_, layers_;
};

template <class X>
constexpr std::string_view type_name() {
  std::string_view name = __PRETTY_FUNCTION__;
  name.remove_prefix(name.find("X = ") + 4);
  return name.substr(0, name.find_last_of(name.find("; std::string_view") != name.npos ? ";" : "]"));
}
template <class X>
constexpr bool is_option() {
  return std::is_arithmetic_v<X> || std::is_enum_v<X> || is_options<X>();
}

template <class X>
std::string layer_text(const X& x) {
  LayerText text(std::is_pointer_v<X> ? "function" : type_name<X>());
  const auto add = [&](std::string_view name, const auto& member) {
    using M = std::remove_cvref_t<decltype(member)>;
    if constexpr (is_variable<M>) {
      if (member.defined()) text.variable(name, member.shape());
    } else if constexpr (is_option<M>()) {
      std::vector<Attribute> found;
      if constexpr (std::is_class_v<M>) {
        if (name == "options")
          for_each_field(member, [&](std::string_view option, const auto& value) {
            xgrad::detail::describe(value, std::string(option), found);
          });
        else
          xgrad::detail::describe(member, std::string(name), found);
      } else if (name != "training") {
        xgrad::detail::describe(member, std::string(name), found);
      }
      text.attributes(found);
    } else if constexpr (kind<M> != Kind::data) {
      text.layer(name, layer_text(member));
    }
  };
  if constexpr (kind<X> == Kind::fields) {
    bool has_options = false;
    for_each_field(x, [&](std::string_view name, const auto& member) {
      has_options |= name == "options";
      add(without_underscore(name), member);
    });
    if constexpr (Listed::in<X>) {  // what the library's layers have besides
      if constexpr (requires { x.options; })
        if (!has_options) add("options", x.options);
      if constexpr (requires { x.p; }) add("p", x.p);
    }
  } else if constexpr (kind<X> == Kind::range) {
    std::size_t k = 0;
    for (const auto& element : x) text.layer(std::to_string(k++), layer_text(element));
  } else if constexpr (kind<X> == Kind::map) {
    in_order(x, [&](auto& key, auto& value) { add(key_name(key), value); });
  } else if constexpr (kind<X> == Kind::pointer) {
    return x ? layer_text(*x) : "none";
  } else if constexpr (kind<X> == Kind::variant) {
    return std::visit([](const auto& alternative) { return layer_text(alternative); }, x);
  }
  return text.str();
}

}  // namespace detail

/// Layers one after the other: x goes through the first, what that gives through the second, and so on; the shapes are theirs. A
/// std::vector of layers may stand for one. Errors name the line of the call, and the place of the layer.
template <class... L>
class Sequential {
 public:
  std::tuple<L...> layers;

  Sequential(L... l) : layers(std::move(l)...) {}  // NOLINT(google-explicit-constructor)

  template <class X>
  auto operator()(X&& x, Where at = Where::current()) const {
    return run<0>(std::forward<X>(x), at);
  }

 private:
  template <std::size_t I, class X>
  auto run(X&& x, Where at) const {
    if constexpr (I == sizeof...(L))
      return std::forward<X>(x);
    else
      return run<I + 1>(detail::call_at<I>("Sequential", layers, std::forward<X>(x), at), at);
  }
  friend struct ::xgrad::detail::fields::Listed;
  auto xgrad_fields() {
    return [&](auto&& f) -> decltype(auto) { return std::apply(f, layers); };
  }
  auto xgrad_fields() const {
    return [&](auto&& f) -> decltype(auto) { return std::apply(f, layers); };
  }
  constexpr std::string_view xgrad_names() const {
    return {detail::places<sizeof...(L)>.text.data(), detail::places<sizeof...(L)>.size};
  }
};

/// x + body(x), or shortcut(x) + body(x) where the body changes the shape (He et al. 2015). The shapes of the two sums broadcast.
///
///     nn::Residual block{nn::Sequential{nn::Linear<float>(64, 64), nn::ReLU{}, nn::Linear<float>(64, 64)}};
template <class F, class S = Identity>
class Residual {
 public:
  F body;
  S shortcut;

  Residual(F f, S s = {}) : body(std::move(f)), shortcut(std::move(s)) {}  // NOLINT(google-explicit-constructor)

  template <class X>
  VariableOf<X> operator()(X x, Where at = Where::current()) const {
    VariableOf<X> input(std::move(x)), y = detail::call_layer(body, input, at);
    return add(std::move(y), VariableOf<X>(detail::call_layer(shortcut, std::move(input), at)), at);
  }

  XGRAD_FIELDS(body, shortcut)
};

struct ConcatOptions {
  int axis = -1;
};
/// Branches side by side, each of which sees x; what they give is joined along an axis, the last by default. The other lengths must
/// be equal.
///
///     nn::Concat wide{nn::Conv2d<float>(16, 8, 1), nn::Conv2d<float>(16, 8, 3, {.padding = 1})};      // 16 channels
///     nn::Concat tall{{.axis = 1}, a, b};
template <class... L>
class Concat {
 public:
  std::tuple<L...> branches;
  ConcatOptions options;

  Concat(L... l) : branches(std::move(l)...) {}  // NOLINT(google-explicit-constructor)
  Concat(ConcatOptions o, L... l) : branches(std::move(l)...), options(o) {}

  template <class X>
  VariableOf<X> operator()(X x, Where at = Where::current()) const {
    const VariableOf<X> input(std::move(x));
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      std::vector<VariableOf<X>> parts{detail::call_at<I>("Concat", branches, VariableOf<X>(input), at)...};
      return concat(std::move(parts), options.axis, at);
    }
    (std::index_sequence_for<L...>{});
  }

 private:
  friend struct ::xgrad::detail::fields::Listed;
  auto xgrad_fields() {
    return [&](auto&& f) -> decltype(auto) { return std::apply(f, branches); };
  }
  auto xgrad_fields() const {
    return [&](auto&& f) -> decltype(auto) { return std::apply(f, branches); };
  }
  constexpr std::string_view xgrad_names() const {
    return {detail::places<sizeof...(L)>.text.data(), detail::places<sizeof...(L)>.size};
  }
};
template <class... L>
Concat(ConcatOptions, L...) -> Concat<L...>;

namespace detail {
template <class>
inline constexpr bool is_container = false;
template <class... L>
inline constexpr bool is_container<Sequential<L...>> = true;
template <class F, class S>
inline constexpr bool is_container<Residual<F, S>> = true;
template <class... L>
inline constexpr bool is_container<Concat<L...>> = true;
}  // namespace detail
template <class X>
concept LayerContainer = detail::is_container<X>;

/// The layers, a line for each, as PyTorch shows them: "(0): Conv2d(weight (8, 5, 5, 1), bias (8,), stride=(1, 1) …)".
template <LayerContainer X>
std::string to_string(const X& container) {
  return detail::layer_text(container);
}
template <LayerContainer X>
std::ostream& operator<<(std::ostream& stream, const X& container) {
  return xgrad::detail::write(stream, to_string(container));
}

}  // namespace xgrad::nn

template <xgrad::nn::LayerContainer X>
struct fmt::formatter<X> : xgrad::detail::TextFormatter {};

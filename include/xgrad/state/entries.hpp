#pragma once
/// All that a network, or a run of training, is made of, as a list: what was learnt, what is counted, where random numbers stand.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_set>
#include <variant>
#include <vector>

#include <xgrad/core/random.hpp>
#include <xgrad/graph/variable.hpp>
#include <xgrad/state/visit.hpp>

namespace xgrad::nn {

/// What the elements of an entry are.
enum class Element : std::uint8_t { f32, f64, i8, i16, i32, i64, u8, u16, u32, u64, boolean };

/// "F32", "I64", "BOOL": as safetensors has it.
XGRAD_API std::string_view name_of(Element element);
/// How many bytes one takes.
XGRAD_API std::size_t bytes_of(Element element);

namespace detail {
/// What can be done with a container of any length whose type is forgotten.
struct ResizableContainer {
  void (*reserve)(void* container, std::size_t count);
  void (*assign)(void* container, const void* elements, std::size_t count);
  const void* (*data)(const void* container);
};
}  // namespace detail

/// One piece of a struct's state: a Variable, an Array, a number, text or a Generator. It refers to the struct, which must outlive
/// it.
struct StateEntry {
  std::string name = {};  ///< the path to it, "norm.running_mean"
  Element element = Element::f32;
  Shape shape = {};                                                               ///< () of a number, (6) of a Generator
  std::variant<std::monostate, Variable<float>, Variable<double>> variable = {};  ///< where it is one
  bool generator = false;                                                         ///< whether it is a Generator
  bool text = false;                                                              ///< … a std::string, of U8
  bool writable = true;                                                           ///< false in a const struct

  bool is_variable() const noexcept { return variable.index() != 0; }
  /// Whether it is a parameter, a Variable that requires a gradient.
  XGRAD_API bool trained() const noexcept;
  /// Whether it takes any number of elements: std::vector of numbers, and text.
  bool resizable() const noexcept { return container != nullptr; }
  std::size_t bytes() const { return size_of(shape) * bytes_of(element); }
  /// The elements, row-major.
  XGRAD_API const void* data() const;
  /// Why the entry cannot have these elements, so many of them, "element 3 is 7; a bool must be 0 or 1", or "".
  XGRAD_API std::string refuses(const void* elements, std::size_t count) const;
  /// Makes room, so that a `write` of so many elements allocates nothing.
  XGRAD_API void reserve(std::size_t count) const;
  /// Sets the elements; a Variable's by `change`. There must be as many as there are, if it is not resizable.
  XGRAD_API void write(const void* elements, std::size_t count, Where at) const;

  void* address = nullptr;  ///< of the elements of what is no Variable; of a resizable container itself
  const detail::ResizableContainer* container = nullptr;
  std::shared_ptr<const std::vector<unsigned char>> bits = {};  ///< what a std::vector<bool> has: it can tell no address
};

namespace detail {

template <class X>
constexpr Element element_of() {
  using U = std::conditional_t<std::is_enum_v<X>, std::underlying_type<X>, std::type_identity<X>>;
  using N = typename U::type;
  if constexpr (std::is_same_v<N, bool>)
    return Element::boolean;
  else if constexpr (std::is_floating_point_v<N>)
    return sizeof(N) == 4 ? Element::f32 : Element::f64;
  else if constexpr (std::is_signed_v<N>)
    return sizeof(N) == 1 ? Element::i8 : sizeof(N) == 2 ? Element::i16 : sizeof(N) == 4 ? Element::i32 : Element::i64;
  else
    return sizeof(N) == 1 ? Element::u8 : sizeof(N) == 2 ? Element::u16 : sizeof(N) == 4 ? Element::u32 : Element::u64;
}

template <class C>
inline constexpr ResizableContainer resizable_container{
    [](void* container, std::size_t count) { static_cast<C*>(container)->reserve(count); },
    [](void* container, const void* elements, std::size_t count) {
      C& to = *static_cast<C*>(container);
      if constexpr (std::is_same_v<C, std::vector<bool>>) {
        const auto* from = static_cast<const unsigned char*>(elements);
        to.assign(from, from + count);
      } else {
        to.resize(count);
        if (count > 0) std::memcpy(to.data(), elements, count * sizeof(typename C::value_type));
      }
    },
    [](const void* container) -> const void* {
      if constexpr (std::is_same_v<C, std::vector<bool>>)
        return nullptr;
      else
        return static_cast<const C*>(container)->data();
    }};

/// What a list is to have.
enum class Wanted : std::uint8_t { parameters, variables, everything };

/// Puts what a walk finds on a list, each value once.
class EntryCollector {
 public:
  XGRAD_API EntryCollector(Wanted wanted, bool writable, const char* who, Where at);
  EntryCollector(const EntryCollector&) = delete;
  EntryCollector& operator=(const EntryCollector&) = delete;
  XGRAD_API ~EntryCollector();

  void operator()(const std::string& path, const Variable<float>& variable) { add(path, variable); }
  void operator()(const std::string& path, const Variable<double>& variable) { add(path, variable); }
  /// Numbers and what is made of them. What is const is a constant of construction, like what no class lists.
  template <class X>
  void data(const std::string& path, X& x) {
    if constexpr (!std::is_const_v<X>) {
      if (wanted_ != Wanted::everything) return;
      if constexpr (std::is_same_v<X, Generator>)
        add(path, {.element = Element::u64, .shape = {x.words().size()}, .generator = true, .address = x.words().data()}, &x);
      else if constexpr (Expression<X>)
        add(path,
            {.element = element_of<typename X::value_type>(),
             .shape = Shape(x.shape().begin(), x.shape().end()),
             .address = x.data()},
            &x);
      else if constexpr (is_number<X>)
        add(path, {.element = element_of<X>(), .address = &x}, &x);
      else if constexpr (std::is_same_v<X, std::vector<bool>>)
        add(path,
            {.element = Element::boolean,
             .shape = {x.size()},
             .address = &x,
             .container = &resizable_container<X>,
             .bits = std::make_shared<const std::vector<unsigned char>>(x.begin(), x.end())},
            &x);
      else if constexpr (requires { x.reserve(0); })
        add(path,
            {.element = std::is_same_v<X, std::string> ? Element::u8 : element_of<typename X::value_type>(),
             .shape = {x.size()},
             .text = std::is_same_v<X, std::string>,
             .address = &x,
             .container = &resizable_container<X>},
            &x);
      else
        add(path,
            {.element = element_of<std::remove_cvref_t<decltype(*std::data(x))>>(),
             .shape = {std::size(x)},
             .address = std::data(x)},
            &x);
    }
  }

  /// Walks a struct, const or not, for `who`, whose errors name the line that called it. It is walked as one that is not const,
  /// because in a const one nothing tells a constant member from others.
  template <class Net>
  void walk(Net& net) {
    try {
      visit(const_cast<std::remove_const_t<Net>&>(net), *this);
    } catch (Error& error) {
      error.place(where_, who_);
      throw;
    }
  }
  XGRAD_API std::vector<StateEntry> take();
  /// The Variables among what was found.
  template <class T>
  std::vector<NamedVariable<T>> take_named();
  template <class T>
  std::vector<Variable<T>> take_variables();

 private:
  template <class T>
  void add(const std::string& path, const Variable<T>& variable);
  /// What is no Variable: the `object` may be met once more.
  XGRAD_API void add(const std::string& path, StateEntry entry, const void* object);

  Wanted wanted_;
  bool writable_;
  const char* who_;
  Where where_;
  std::vector<StateEntry> found_;
  std::unordered_set<const void*> seen_;
};
#define XGRAD_EXTERN(T)                                                                          \
  extern template XGRAD_API void EntryCollector::add<T>(const std::string&, const Variable<T>&); \
  extern template XGRAD_API std::vector<NamedVariable<T>> EntryCollector::take_named<T>();       \
  extern template XGRAD_API std::vector<Variable<T>> EntryCollector::take_variables<T>()
XGRAD_EXTERN(float);
XGRAD_EXTERN(double);
#undef XGRAD_EXTERN

/// The entries of a struct.
template <class Net>
std::vector<StateEntry> entries_for(Net&& net, Wanted wanted, const char* who, Where at) {
  EntryCollector collector(wanted, !std::is_const_v<std::remove_reference_t<Net>>, who, at);
  collector.walk(net);
  return collector.take();
}

}  // namespace detail

/// All state of a struct, in the order of its members; what `save` writes, and `load`, `copy_state` and `clone` copy:
/// - Variables, parameters and buffers;
/// - Arrays and other row-major xtensor containers of numbers, std::vector and std::array of them;
/// - numbers: floating, integers, bool, enums (as the integer behind them), and text, std::string (as bytes);
/// - Generators, as 64-bit words.
///
/// A std::vector of numbers and text may have another length in a file: loading gives them that one.
///
/// Not state but constants of construction are members that are const, options (structs of the library whose names end so),
/// views of text, shapes, functions, and whatever XGRAD_FIELDS does not list, such as the momentum of a BatchNorm; and
/// `bool training` is how the network is used at the moment. `clone` copies all these, `save` none.
///
/// Throws GraphError for a Variable that is the result of a recorded operation.
template <class Net>
std::vector<StateEntry> state_entries(Net&& net, Where at = Where::current()) {
  return detail::entries_for(net, detail::Wanted::everything, "state_entries", at);
}

}  // namespace xgrad::nn

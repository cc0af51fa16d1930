#pragma once
/// All that a network is made of, as a list: what it has learnt, what it counts, where its random numbers stand.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_set>
#include <variant>
#include <vector>

#include <xgrad/core/random.hpp>
#include <xgrad/graph/variable.hpp>
#include <xgrad/nn/visit.hpp>

namespace xgrad::nn {

/// What the elements of an entry are.
enum class Element : std::uint8_t { f32, f64, i8, i16, i32, i64, u8, u16, u32, u64, boolean };

/// "F32", "I64", "BOOL": as safetensors has it.
XGRAD_API std::string_view name_of(Element element);
/// How many bytes one takes.
XGRAD_API std::size_t bytes_of(Element element);

/// One piece of a network's state: a Variable, an Array, a number or a Generator. It refers to the network, which must outlive it.
struct StateEntry {
  std::string name;  ///< the path to it, "norm.running_mean"
  Element element = Element::f32;
  Shape shape;                                                               ///< () of a number, (6) of a Generator
  std::variant<std::monostate, Variable<float>, Variable<double>> variable;  ///< where it is one
  void* address = nullptr;                                                   ///< of the elements of anything else
  bool generator = false;                                                    ///< whether that is a Generator
  bool writable = true;                                                      ///< false in a const network

  bool is_variable() const noexcept { return variable.index() != 0; }
  /// Whether it is a parameter, a Variable that requires a gradient.
  XGRAD_API bool trained() const noexcept;
  std::size_t bytes() const { return size_of(shape) * bytes_of(element); }
  /// The elements, row-major.
  XGRAD_API const void* data() const;
  /// Why the entry cannot have these elements, "element 3 is 7; a bool must be 0 or 1", or "".
  XGRAD_API std::string refuses(const void* elements) const;
  /// Sets the elements; a Variable's by `update`.
  XGRAD_API void write(const void* elements, Where where) const;
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

/// Puts what a walk finds on a list, each value once.
class EntryCollector {
 public:
  EntryCollector(bool writable, const char* who, Where where) : writable_(writable), who_(who), where_(where) {}

  void operator()(const std::string& path, const Variable<float>& variable) { add(path, variable); }
  void operator()(const std::string& path, const Variable<double>& variable) { add(path, variable); }
  /// Numbers and what is made of them. What is const is a constant of construction, like what no class lists.
  template <class X>
  void data(const std::string& path, X& x) {
    if constexpr (!std::is_const_v<X>) {
      if constexpr (std::is_same_v<X, Generator>)
        add(path, Element::u64, {x.words().size()}, x.words().data(), true);
      else if constexpr (Expression<X>)
        add(path, element_of<typename X::value_type>(), Shape(x.shape().begin(), x.shape().end()), x.data(), false, &x);
      else if constexpr (is_number<X>)
        add(path, element_of<X>(), {}, &x);
      else
        add(path, element_of<std::remove_cvref_t<decltype(*std::data(x))>>(), {std::size(x)}, std::data(x), false, &x);
    }
  }
  std::vector<StateEntry> take() { return std::move(found_); }

 private:
  template <class T>
  void add(const std::string& path, const Variable<T>& variable);
  XGRAD_API void add(const std::string& path, Element element, Shape shape, void* address, bool generator = false,
                     const void* object = nullptr);

  bool writable_;
  const char* who_;
  Where where_;
  std::vector<StateEntry> found_;
  std::unordered_set<const void*> seen_;
};
extern template XGRAD_API void EntryCollector::add<float>(const std::string&, const Variable<float>&);
extern template XGRAD_API void EntryCollector::add<double>(const std::string&, const Variable<double>&);

/// The entries of a network, const or not, for `who`, whose errors name the line that called it. It is walked as one that is not
/// const, because in a const one nothing tells a constant member from others.
template <class Net>
std::vector<StateEntry> entries_for(Net&& net, const char* who, Where where) {
  using N = std::remove_reference_t<Net>;
  EntryCollector collector(!std::is_const_v<N>, who, where);
  try {
    visit(const_cast<std::remove_const_t<N>&>(net), collector);
  } catch (Error& error) {
    error.place(where, who);
    throw;
  }
  return collector.take();
}

}  // namespace detail

/// All state of a network, in the order of its members; what `save` writes, and `load`, `copy_parameters` and `clone` copy:
/// - Variables, parameters and buffers;
/// - Arrays and other row-major xtensor containers of numbers, std::vector and std::array of them;
/// - numbers: floating, integers, bool, enums (as the integer behind them);
/// - Generators, as 64-bit words.
///
/// Not state but constants of construction are members that are const, options (structs of the library whose names end so),
/// text, shapes, functions, views, std::vector<bool>, and whatever XGRAD_FIELDS does not list, such as the momentum of a BatchNorm;
/// and `bool training` is how the network is used at the moment. `clone` copies all these, `save` none.
///
/// Throws GraphError for a Variable that is the result of a recorded operation.
template <class Net>
std::vector<StateEntry> state_entries(Net&& net, Where where = Where::current()) {
  return detail::entries_for(net, "state_entries", where);
}

}  // namespace xgrad::nn

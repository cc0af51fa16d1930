#pragma once
// clang-format off
/// What an op is made of.
///
///     template <class T>
///     struct Cube {
///       static constexpr std::string_view name = "cube";
///       static constexpr std::array uses{use::input(0)};            // per input: what its gradient needs kept
///
///       Result<T> forward(Inputs<T> in) { … }                        // arrays in, an array out; may keep shapes or indices in the op
///
///       Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t i) const {
///         return 3 * g * square(c.input(0));                         // the gradient of input i, written with public ops
///       }
///     };
///     template <class T>
///     Variable<T> cube(Variable<T> x, Where at = Where::current()) { return apply(Cube<T>{}, {std::move(x)}, at); }
///
/// Instead of the array, `uses` may be a member function `std::uint32_t uses(std::size_t i) const`, and `name` one that returns a
/// string_view, for ops with any number of inputs or many faces. An op whose gradients share work has, instead of `vjp`,
/// `void vjps(const Context<T>& c, const Variable<T>& g, Gradients<T>& out) const`, which sets each gradient that `out` wants.
///
/// An op that reads a part of its input may have, beside `vjp`, `Variable<T> add_vjp(const Context<T>& c, const Variable<T>& g,
/// std::size_t i, Variable<T> sum) const`: `sum`, which is what else the input's gradient consists of so far, plus what `vjp`
/// returns. It is called instead of `vjp` when there is such a sum. Written with an operation that adds to a part of its last
/// reference in place, it costs what the part costs, where a gradient of zeros with the part in it costs what the whole costs.
///
/// An op may also have `Variable<T> stacked_vjp(const Context<T>& c, const Variable<T>& g, std::size_t i) const`, which does what
/// `vjp` does for several gradients at once: `g` has one more axis in front, and so has the result. `jacobian` and `hessian` call
/// it, and never record what it does. Without it they call `vjp` for one gradient after the other.
// clang-format on
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <xgrad/graph/variable.hpp>

namespace xgrad {

namespace detail {
[[noreturn]] XGRAD_API void undeclarable(std::size_t i);
}

/// What a gradient needs kept: combine with `|`.
namespace use {
inline constexpr std::uint32_t none = 0;
inline constexpr std::uint32_t output = std::uint32_t{1} << 31;
/// The value of input `i`, i < 31.
constexpr std::uint32_t input(std::size_t i) {
  if (i >= 31) detail::undeclarable(i);
  return std::uint32_t{1} << i;
}
}  // namespace use

/// The inputs of `forward`: arrays.
template <class T>
class Inputs {
 public:
  /// `keep`: which of them must stay as they are, as in `use`: because a gradient will need them, or they are the caller's.
  explicit Inputs(std::span<Variable<T>> variables, std::uint32_t keep = use::none) : variables_(variables), keep_(keep) {}
  const Array<T>& operator[](std::size_t i) const { return variables_[i].value(); }
  std::size_t size() const noexcept { return variables_.size(); }

  /// Whether this call holds the last reference to the buffer of input i and nobody needs it any more, so that the result may be
  /// written into it.
  bool reusable(std::size_t i) const { return !(i < 31 && keep_ >> i & 1) && variables_[i].storage()->references.only_one(); }
  /// Takes the buffer of a reusable input; in[i] is gone afterwards.
  Ref<Storage<T>> take(std::size_t i) const { return variables_[i].take_storage(); }
  /// The buffer of input i, to be the result's too. Whoever assigns one then changes both.
  Ref<Storage<T>> share(std::size_t i) const { return variables_[i].storage(); }

 private:
  std::span<Variable<T>> variables_;
  std::uint32_t keep_;
};

/// What `forward` returns: a new array, or the buffer taken from an input.
template <class T>
struct Result {
  Ref<Storage<T>> storage;
  Result(Array<T> array) : storage(Storage<T>::create(std::move(array))) {}  // NOLINT(google-explicit-constructor)
  Result(Ref<Storage<T>> taken) : storage(std::move(taken)) {}               // NOLINT(google-explicit-constructor)
};

namespace detail {
// What a Context throws, out of line. j is an input, or the output.
inline constexpr std::size_t the_output = ~std::size_t{0};
[[noreturn]] XGRAD_API void shapeless_input(const NodeBase& node, std::size_t wanted, std::size_t j, std::size_t inputs);
[[noreturn]] XGRAD_API void assigned_value(const NodeBase& node, std::size_t j);
[[noreturn]] XGRAD_API void absent_input(const NodeBase& node, std::size_t wanted, std::size_t j, std::size_t inputs);
[[noreturn]] XGRAD_API void undeclared_value(const NodeBase& node, std::size_t wanted, std::size_t j);
}  // namespace detail

/// What a vjp may look at: the values that its `uses` declares.
template <class T>
class Context {
 public:
  /// `last`: when this gradient is made, nobody needs the output's gradient any more.
  Context(const Node<T>& node, std::size_t wanted, std::uint32_t declared, bool last = false)
      : node_(node), wanted_(wanted), declared_(declared), last_(last) {}

  /// The value of input j; while recording (create_graph) with its history, so that gradients have gradients.
  /// Throws GraphError when `uses` does not declare it for this gradient, or when it was assigned since forward ran.
  Variable<T> input(std::size_t j) const {
    const Edge<T>& edge = kept_input(j);
    return Variable<T>(edge.kept, recording() ? edge.node : Ref<Node<T>>{});
  }
  /// ... as an array, for kernels that run when nothing is recorded.
  const Array<T>& input_value(std::size_t j) const { return kept_input(j).kept->array; }
  /// The op's own output, in the same way.
  Variable<T> output() const {
    return Variable<T>(kept_output(), recording() ? Ref<Node<T>>(const_cast<Node<T>*>(&node_)) : Ref<Node<T>>{});
  }
  const Array<T>& output_value() const { return kept_output()->array; }
  /// Shape of input j: one whose gradient is wanted, or that is kept. Other constants leave nothing that remembers; an op that
  /// needs their shapes stores them.
  const Shape& input_shape(std::size_t j) const {
    if (j < node_.edges().size()) {
      const Edge<T>& edge = node_.edges()[j];
      if (edge.node) return edge.node->shape();
      if (edge.kept) return edge.kept->array.shape();
    }
    shapeless(j);
  }
  const Shape& output_shape() const noexcept { return node_.shape(); }
  /// The g that the vjp was given, for an op that takes buffers over: where it has done its duty nobody else holds its buffer.
  /// The vjp must not look at g itself afterwards.
  Variable<T> take(const Variable<T>& g) const {
    Ref<Storage<T>> storage = take_storage(g);
    return storage ? Variable<T>(std::move(storage)) : g;
  }
  /// As take, but empty, and g untouched, where take would return g itself.
  Ref<Storage<T>> take_storage(const Variable<T>& g) const {
    if (!last_ || recording() || detail::thread_state.observer) return {};
    return const_cast<Variable<T>&>(g).take_storage();  // the engine's own, which it drops next
  }
  /// The user's line that recorded the op.
  Where where() const noexcept { return node_.where(); }

 private:
  const Edge<T>& kept_input(std::size_t j) const {
    if (j >= 31 || !(declared_ & use::input(j))) undeclared(j);
    if (j >= node_.edges().size()) absent(j);
    const Edge<T>& edge = node_.edges()[j];
    if (edge.kept->version != edge.version) assigned(j);
    return edge;
  }
  const Ref<Storage<T>>& kept_output() const {
    if (!(declared_ & use::output)) undeclared(detail::the_output);
    if (node_.output_->version != node_.output_version_) assigned(detail::the_output);  // through a detached copy
    return node_.output_;
  }
  [[noreturn]] void shapeless(std::size_t j) const { detail::shapeless_input(node_, wanted_, j, node_.edges().size()); }
  [[noreturn]] void assigned(std::size_t j) const { detail::assigned_value(node_, j); }
  [[noreturn]] void absent(std::size_t j) const { detail::absent_input(node_, wanted_, j, node_.edges().size()); }
  [[noreturn]] void undeclared(std::size_t j) const { detail::undeclared_value(node_, wanted_, j); }

  const Node<T>& node_;
  std::size_t wanted_;
  std::uint32_t declared_;
  bool last_;
};

/// Where a node's gradients go.
template <class T>
class Gradients {
 public:
  virtual bool wants(std::size_t i) const = 0;
  /// Delivers the gradient of input i, once. Its shape must be the input's. One that nobody wants is dropped.
  virtual void set(std::size_t i, Variable<T> gradient) = 0;
  /// For `apply`: as set, where input i is known to be wanted, and this to be its only gradient.
  virtual void put(std::size_t i, Variable<T> gradient) = 0;
  /// Whether that of input i has been delivered, for i < 64.
  virtual bool has(std::size_t i) const = 0;
  /// For `apply` and add_vjp: takes out what the gradient of input i, which is wanted, consists of so far; undefined where that is
  /// nothing, or where the next gradient must be seen by itself. `put_sum` puts it back with the gradient added.
  virtual Variable<T> take_sum(std::size_t i) = 0;
  virtual void put_sum(std::size_t i, Variable<T> sum) = 0;

 protected:
  ~Gradients() = default;
};

}  // namespace xgrad

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
///     Variable<T> cube(Variable<T> x, Where where = Where::current()) { return apply(Cube<T>{}, {std::move(x)}, where); }
///
/// Instead of the array, `uses` may be a member function `std::uint32_t uses(std::size_t i) const`, and `name` one that returns a
/// string_view, for ops with any number of inputs or many faces. An op whose gradients share work has, instead of `vjp`,
/// `void vjps(const Context<T>& c, const Variable<T>& g, Gradients<T>& out) const`, which sets each gradient that `out` wants.
// clang-format on
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <xgrad/graph/variable.hpp>

namespace xgrad {

/// What a gradient needs kept: combine with `|`.
namespace use {
inline constexpr std::uint32_t none = 0;
inline constexpr std::uint32_t output = std::uint32_t{1} << 31;
/// The value of input `i`, i < 31.
constexpr std::uint32_t input(std::size_t i) { return std::uint32_t{1} << i; }
}  // namespace use

/// The inputs of `forward`: arrays.
template <class T>
class Inputs {
 public:
  explicit Inputs(std::span<Variable<T>> variables) : variables_(variables) {}
  const Array<T>& operator[](std::size_t i) const { return variables_[i].value(); }
  std::size_t size() const noexcept { return variables_.size(); }

  /// Whether this call holds the last reference to the buffer of input i, so that the result may be written into it.
  bool reusable(std::size_t i) const { return variables_[i].storage()->references.only_one(); }
  /// Takes the buffer of a reusable input; in[i] is gone afterwards.
  Ref<Storage<T>> take(std::size_t i) const { return variables_[i].take_storage(); }

 private:
  std::span<Variable<T>> variables_;
};

/// What `forward` returns: a new array, or the buffer taken from an input.
template <class T>
struct Result {
  Ref<Storage<T>> storage;
  Result(Array<T> array) : storage(Storage<T>::create(std::move(array))) {}  // NOLINT(google-explicit-constructor)
  Result(Ref<Storage<T>> taken) : storage(std::move(taken)) {}               // NOLINT(google-explicit-constructor)
};

/// What a vjp may look at: the values that its `uses` declares.
template <class T>
class Context {
 public:
  Context(const Node<T>& node, std::size_t wanted, std::uint32_t declared) : node_(node), wanted_(wanted), declared_(declared) {}

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
  /// Shape of input j, which must be one whose gradient is wanted: a constant has no node that remembers. Throws GraphError
  /// otherwise.
  const Shape& input_shape(std::size_t j) const {
    if (j >= node_.edges().size() || !node_.edges()[j].node)
      throw GraphError(node_.where(), node_.name(),
                       "vjp asks for the shape of input " + std::to_string(j) +
                           ", which is a constant; keep the shape in the op when forward runs");
    return node_.edges()[j].node->shape();
  }
  const Shape& output_shape() const noexcept { return node_.shape(); }
  /// The user's line that recorded the op.
  Where where() const noexcept { return node_.where(); }

 private:
  const Edge<T>& kept_input(std::size_t j) const {
    if (j >= 31 || !(declared_ & use::input(j))) undeclared("input " + std::to_string(j));
    const Edge<T>& edge = node_.edges()[j];
    if (edge.kept->version != edge.version) changed("input " + std::to_string(j));
    return edge;
  }
  const Ref<Storage<T>>& kept_output() const {
    if (!(declared_ & use::output)) undeclared("the output");
    if (node_.output_->version != node_.output_version_) changed("the output");
    return node_.output_;
  }
  [[noreturn]] void changed(const std::string& what) const {
    throw GraphError(what + " kept by " + std::string(node_.name()) + " (" + to_string(node_.where()) +
                     ") was assigned since; run forward again");
  }
  [[noreturn]] void undeclared(const std::string& what) const {
    throw GraphError(node_.where(), node_.name(),
                     "vjp for input " + std::to_string(wanted_) + " reads " + what + ", which uses[" + std::to_string(wanted_) +
                         "] does not declare; add it there");
  }
  const Node<T>& node_;
  std::size_t wanted_;
  std::uint32_t declared_;
};

/// Where a node's gradients go.
template <class T>
class Gradients {
 public:
  virtual bool wants(std::size_t i) const = 0;
  /// Delivers the gradient of input i. Its shape must be the input's.
  virtual void set(std::size_t i, Variable<T> gradient) = 0;

 protected:
  ~Gradients() = default;
};

}  // namespace xgrad

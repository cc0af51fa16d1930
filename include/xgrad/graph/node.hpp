#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <xgrad/core/array.hpp>
#include <xgrad/core/where.hpp>
#include <xgrad/graph/attribute.hpp>
#include <xgrad/graph/mode.hpp>
#include <xgrad/graph/ref.hpp>

namespace xgrad {

template <class T>
class Node;

/// The value behind Variables. It refers to no Node but that of a leaf, so a node may keep its own output without a cycle.
template <class T>
struct Storage {
  Count references;
  std::uint32_t version = 0;  ///< counts assignments, so that a graph notices that a value it kept has changed
  Array<T> array;
  /// Of a parameter that nn::freeze has made a constant: what it was, and will be. (Ops keep masks and labels too, which have
  /// none.)
  std::conditional_t<Real<T>, Ref<Node<T>>, std::nullptr_t> thawed{};

  static Ref<Storage> create(Array<T> array);
  /// An array of this shape whose elements are not set. It is made in its place: moving an Array costs as much as a scalar op.
  static Ref<Storage> create(const Shape& shape) {
    return Ref<Storage>::first(new (memory::allocate(sizeof(Storage))) Storage(shape));
  }
  void destroy() noexcept;

 private:
  explicit Storage(Array<T>&& a) : array(std::move(a)) {}
  explicit Storage(const Shape& shape) : array(shape.empty() ? Array<T>() : Array<T>(shape)) {}  // the default has no axes
};

template <class T>
Ref<Storage<T>> Storage<T>::create(Array<T> array) {
  return Ref<Storage>::first(new (memory::allocate(sizeof(Storage))) Storage(std::move(array)));
}
template <class T>
void Storage<T>::destroy() noexcept {
  this->~Storage();
  memory::deallocate(this, sizeof(Storage));
}
#define XGRAD_EXTERN(T)                                                   \
  extern template XGRAD_API Ref<Storage<T>> Storage<T>::create(Array<T>); \
  extern template XGRAD_API void Storage<T>::destroy() noexcept
XGRAD_EXTERN(float);
XGRAD_EXTERN(double);
#undef XGRAD_EXTERN

/// What a node is, whatever its value type.
class NodeBase {
 public:
  NodeBase(const NodeBase&) = delete;
  NodeBase& operator=(const NodeBase&) = delete;

  /// Name of the op; "leaf" for a leaf.
  virtual std::string_view name() const = 0;
  /// The op's options, by name; none of a leaf.
  virtual std::vector<Attribute> attributes() const { return {}; }
  /// The line of the user's program that recorded it.
  Where where() const noexcept { return Where::current(file_, line_); }
  /// Shape of the value it produced.
  const Shape& shape() const noexcept { return shape_; }
  /// Creation order: larger than the stamp of every input.
  std::uint64_t stamp() const noexcept { return stamp_; }
  bool is_leaf() const noexcept { return leaf_; }
  /// Whether an earlier backward freed what the node kept.
  bool is_freed() const noexcept { return freed_; }

  /// Makes the node the business of one backward (by its number, never 0) until `release`. False when another one has it.
  bool claim(std::uint32_t sweep) noexcept {
    std::uint32_t nobody = 0;
    return sweep_.compare_exchange_strong(nobody, sweep, std::memory_order_acquire, std::memory_order_relaxed);
  }
  void release() noexcept { sweep_.store(0, std::memory_order_release); }
  /// Whether that backward has claimed it.
  bool claimed_by(std::uint32_t sweep) const noexcept { return sweep_.load(std::memory_order_relaxed) == sweep; }

  Count references;

 private:
  std::atomic<std::uint32_t> sweep_{0};

 public:
  /// Called with the last reference. Frees the node and all that die with it, without recursion.
  XGRAD_API void destroy() noexcept;

 protected:
  NodeBase(Where at, bool leaf) : file_(at.file_name()), line_(at.line()), leaf_(leaf) {}
  virtual ~NodeBase() = default;
  virtual void free_memory() noexcept = 0;

  std::uint64_t stamp_ = 0;
  Shape shape_;
  const char* file_;  // a Where, in pieces that leave no gap
  std::uint32_t line_;
  bool leaf_, freed_ = false;

 private:
  NodeBase* next_dead_ = nullptr;
};

/// From a node to one of its inputs.
template <class T>
struct Edge {
  Ref<Node<T>> node;          ///< empty when the input is a constant
  Ref<Storage<T>> kept;       ///< the input's value, where a gradient needs it
  std::uint32_t version = 0;  ///< of the value when it was kept
};

template <class T>
class Gradients;
template <class T>
class Context;

/// See Variable::on_grad.
template <class T>
struct GradientHook {
  std::function<Variable<T>(const Variable<T>&)> function;  ///< empty when it was removed
  Where where;
};
template <class T>
using Hooks = std::vector<std::shared_ptr<GradientHook<T>>>;

namespace detail {
// Out of line: they are seldom needed, and ops that are larger than need be are not inlined.
template <class T>
XGRAD_API std::weak_ptr<GradientHook<T>> add_hook(Node<T>& node, GradientHook<T> hook);
template <class T>
XGRAD_API void drop_hooks(Hooks<T>* hooks) noexcept;
}  // namespace detail

/// One recorded operation with one output, or a leaf. A leaf has no inputs and owns its gradient.
template <class T>
class Node : public NodeBase {
 public:
  XGRAD_API static Ref<Node> create_leaf(const Shape& shape, Where at);

  std::string_view name() const override { return "leaf"; }
  std::span<const Edge<T>> edges() const noexcept { return {edges_, edge_count_}; }
  /// Runs the op's vector-Jacobian products for the inputs that `out` wants.
  virtual void vjp(const Variable<T>&, Gradients<T>&) const {}
  /// The same for gradients that are stacked along a new first axis. False, and nothing is done, where the op cannot.
  virtual bool stacked_vjp(const Variable<T>&, Gradients<T>&) const { return false; }

  /// A leaf: the accumulated gradient. Another node: the gradient that is pending while backward runs.
  Variable<T> gradient;

  /// See Variable::on_grad. Null when there are none.
  Hooks<T>* hooks = nullptr;

  /// The op's own output, where a gradient needs it.
  const Ref<Storage<T>>& kept_output() const noexcept { return output_; }
  /// How many bytes the op itself keeps, beside inputs and output: masks, indices, statistics.
  virtual std::size_t own_bytes() const { return 0; }

  /// Drops what the op kept for its gradients.
  void free_kept() noexcept {
    freed_ = true;
    output_.reset();
    for (std::uint32_t i = 0; i < edge_count_; ++i) edges_[i].kept.reset();
  }

 protected:
  friend class Context<T>;
  using NodeBase::NodeBase;
  ~Node() override {
    if (hooks) [[unlikely]]
      detail::drop_hooks<T>(hooks);
  }
  void free_memory() noexcept override {
    this->~Node();
    memory::deallocate(this, sizeof(Node));
  }

  Edge<T>* edges_ = nullptr;
  std::uint32_t edge_count_ = 0;
  std::uint32_t output_version_ = 0;  ///< of the output when it was kept
  Ref<Storage<T>> output_;            ///< the op's own output, where a gradient needs it
};

}  // namespace xgrad

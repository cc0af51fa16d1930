#pragma once
#include <cstdint>
#include <new>
#include <span>
#include <string_view>
#include <utility>

#include <xgrad/core/array.hpp>
#include <xgrad/core/where.hpp>
#include <xgrad/graph/mode.hpp>
#include <xgrad/graph/ref.hpp>

namespace xgrad {

/// The value behind Variables. It never refers to a Node, so a node may keep its own output without a cycle.
template <class T>
struct Storage {
  Count references;
  std::uint32_t version = 0;  ///< counts assignments, so that a graph notices that a value it kept has changed
  Array<T> array;

  static Ref<Storage> create(Array<T> array) {
    return Ref<Storage>(new (memory::allocate(sizeof(Storage))) Storage(std::move(array)));
  }
  void destroy() noexcept {
    this->~Storage();
    memory::deallocate(this, sizeof(Storage));
  }

 private:
  explicit Storage(Array<T>&& a) : array(std::move(a)) {}
};

/// What a node is, whatever its value type.
class NodeBase {
 public:
  NodeBase(const NodeBase&) = delete;
  NodeBase& operator=(const NodeBase&) = delete;

  /// Name of the op; "leaf" for a leaf.
  virtual std::string_view name() const = 0;
  /// The line of the user's program that recorded it.
  Where where() const noexcept { return where_; }
  /// Shape of the value it produced.
  const Shape& shape() const noexcept { return shape_; }
  /// Creation order: larger than the stamp of every input.
  std::uint64_t stamp() const noexcept { return stamp_; }
  bool is_leaf() const noexcept { return leaf_; }
  /// Whether an earlier backward freed what the node kept.
  bool is_freed() const noexcept { return freed_; }

  Count references;
  /// Called with the last reference. Frees the node and all that die with it, without recursion.
  XGRAD_API void destroy() noexcept;

 protected:
  NodeBase(Where where, bool leaf) : where_(where), leaf_(leaf) {}
  virtual ~NodeBase() = default;
  virtual void free_memory() noexcept = 0;

  std::uint64_t stamp_ = 0;
  Shape shape_;
  Where where_;
  bool leaf_, freed_ = false;

 private:
  NodeBase* next_dead_ = nullptr;
};

template <class T>
class Node;

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

/// One recorded operation with one output, or a leaf. A leaf has no inputs and owns its gradient.
template <class T>
class Node : public NodeBase {
 public:
  static Ref<Node> create_leaf(const Shape& shape, Where where) {
    Ref<Node> node(new (memory::allocate(sizeof(Node))) Node(where, true));
    node->shape_ = shape;
    return node;
  }

  std::string_view name() const override { return "leaf"; }
  std::span<const Edge<T>> edges() const noexcept { return edges_; }
  /// Runs the op's vector-Jacobian products for the inputs that `out` wants.
  virtual void vjp(const Variable<T>&, Gradients<T>&) const {}

  /// A leaf: the accumulated gradient. Another node: the gradient that is pending while backward runs.
  Variable<T> gradient;

  /// Drops what the op kept for its gradients.
  void free_kept() noexcept {
    freed_ = true;
    output_.reset();
    for (Edge<T>& edge : edges_) edge.kept.reset();
  }

 protected:
  friend class Context<T>;
  using NodeBase::NodeBase;
  void free_memory() noexcept override {
    this->~Node();
    memory::deallocate(this, sizeof(Node));
  }

  std::span<Edge<T>> edges_;
  Ref<Storage<T>> output_;  ///< the op's own output, where a gradient needs it
  std::uint32_t output_version_ = 0;
};

}  // namespace xgrad

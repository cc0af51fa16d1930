#pragma once
#include <algorithm>
#include <cstddef>
#include <new>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <xgrad/graph/observer.hpp>
#include <xgrad/graph/op.hpp>

namespace xgrad {

namespace detail {

template <class Op>
std::string_view name_of(const Op& op) {
  if constexpr (requires { std::string_view(Op::name); })
    return Op::name;
  else
    return op.name();
}

[[noreturn]] XGRAD_API void undefined_input(std::size_t i);
[[noreturn]] XGRAD_API void undeclared_input(std::size_t i, std::size_t declared);
[[noreturn]] XGRAD_API void missing_gradient(const NodeBase& node, std::size_t i);

template <class Op>
std::uint32_t uses_of(const Op& op, std::size_t i) {
  if constexpr (requires { op.uses(i); }) {
    return op.uses(i);
  } else {
    if (i >= std::size(Op::uses)) undeclared_input(i, std::size(Op::uses));
    return Op::uses[i];
  }
}

/// The node of one op: one block from the pool that holds the op and, behind it, its edges.
template <class T, class Op>
class Recorded final : public Node<T> {
 public:
  /// When forward has run: takes the op over, the nodes of the inputs, and what gradients need (`keep`) of inputs and result.
  static Ref<Node<T>> create(Op&& op, std::span<Variable<T>> inputs, Where at, const Ref<Storage<T>>& result, std::uint32_t keep) {
    void* block = memory::allocate(bytes(inputs.size()));
    auto* node = new (block) Recorded(std::move(op), inputs.size(), at);
    ThreadState& state = thread_state;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      Edge<T>& edge = node->edges_[i];
      edge.node = inputs[i].take_node();
      if (edge.node) state.clock = std::max(state.clock, edge.node->stamp());
      if (i >= 31 || !(keep >> i & 1)) continue;
      edge.kept = inputs[i].take_storage();
      edge.version = edge.kept->version;
    }
    node->stamp_ = ++state.clock;
    node->shape_ = result->array.shape();
    if (keep & use::output) {
      node->output_ = result;
      node->output_version_ = result->version;
    }
    return Ref<Node<T>>::first(node);
  }

  std::string_view name() const override { return name_of(op); }
  std::vector<Attribute> attributes() const override { return attributes_of(op, name_of(op)); }
  std::size_t own_bytes() const override { return bytes_in(op); }

  void vjp(const Variable<T>& g, Gradients<T>& out) const override {
    if constexpr (requires(const Context<T>& c) { op.vjps(c, g, out); }) {
      std::uint32_t declared = 0;
      std::size_t first = this->edge_count_;
      for (std::size_t i = this->edge_count_; i-- > 0;)
        if (out.wants(i)) {
          declared |= uses_of(op, i);
          first = i;
        }
      op.vjps(Context<T>(*this, first, declared), g, out);
      for (std::size_t i = 0; i < this->edge_count_ && i < 64; ++i)  // has() knows no more
        if (out.wants(i) && !out.has(i)) missing_gradient(*this, i);
    } else {
      for (std::size_t i = this->edge_count_; i-- > 0;) {
        if (!this->edges_[i].node || !out.wants(i)) continue;
        const Context<T> context(*this, i, uses_of(op, i), i == 0);
        if constexpr (requires(Variable<T> sum) { op.add_vjp(context, g, i, std::move(sum)); }) {
          if (Variable<T> sum = out.take_sum(i); sum.defined()) {
            out.put_sum(i, op.add_vjp(context, g, i, std::move(sum)));
            continue;
          }
        }
        out.put(i, op.vjp(context, g, i));
      }
    }
  }
  bool stacked_vjp(const Variable<T>& g, Gradients<T>& out) const override {
    if constexpr (requires(const Context<T>& c) { op.stacked_vjp(c, g, std::size_t{0}); }) {
      for (std::size_t i = this->edge_count_; i-- > 0;)
        if (out.wants(i)) out.put(i, op.stacked_vjp(Context<T>(*this, i, uses_of(op, i), i == 0), g, i));
      return true;
    } else {
      return false;
    }
  }

  Op op;

 private:
  static constexpr std::size_t bytes(std::size_t n) { return sizeof(Recorded) + n * sizeof(Edge<T>); }

  Recorded(Op&& o, std::size_t n, Where at) : Node<T>(at, false), op(std::move(o)) {
    static_assert(alignof(Recorded) <= 64 && alignof(Edge<T>) <= alignof(Recorded));
    auto* edges = reinterpret_cast<Edge<T>*>(this + 1);
    for (std::size_t i = 0; i < n; ++i) new (edges + i) Edge<T>;
    this->edges_ = edges;
    this->edge_count_ = static_cast<std::uint32_t>(n);
  }
  ~Recorded() override {
    for (std::uint32_t i = 0; i < this->edge_count_; ++i) this->edges_[i].~Edge<T>();
  }
  void free_memory() noexcept override {
    const std::size_t size = bytes(this->edge_count_);
    this->~Recorded();
    memory::deallocate(this, size);
  }
};

template <class Op>
std::vector<Attribute> describe_op(const void* op, std::string_view name) {
  return attributes_of(*static_cast<const Op*>(op), name);
}

}  // namespace detail

/// The only door into the graph: runs an op's forward and, when an input needs a gradient and this thread is recording, records
/// it. `inputs` are consumed. An op that throws leaves everything
/// as it was; what it throws gets the user's line and its name.
template <class T, class Op>
Variable<T> apply(Op op, std::span<Variable<T>> inputs, Where at) {
  const detail::ThreadState& state = detail::thread_state;
  if (state.line) at = state.line;
  detail::Observed<T> observed;
  if (state.observer) [[unlikely]]
    observed.keep(inputs);
  std::uint32_t keep = 0;
  bool record = false;
  Ref<Node<T>> node;
  const Op* known = &op;  // recording moves the op into its node
  try {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (!inputs[i].defined()) detail::undefined_input(i);
      if (state.recording && inputs[i].requires_grad()) {
        record = true;
        keep |= detail::uses_of(op, i);
      }
    }
    Result<T> result = op.forward(Inputs<T>(inputs, keep));
    if (record) {
      node = detail::Recorded<T, Op>::create(std::move(op), inputs, at, result.storage, keep);
      known = &static_cast<const detail::Recorded<T, Op>&>(*node).op;
    }
    if (observed) [[unlikely]]
      observed.tell(result.storage.get(), node.get(), detail::name_of(*known), at, detail::describe_op<Op>, known);
    return Variable<T>(std::move(result.storage), std::move(node));
  } catch (...) {
    detail::rethrow(at, detail::name_of(*known));
  }
}

/// apply(Op{…}, {std::move(a), std::move(b)}, where)
template <class T, std::size_t N, class Op>
Variable<T> apply(Op op, Variable<T> (&&inputs)[N], Where at) {
  return apply<T, Op>(std::move(op), std::span<Variable<T>>(inputs), at);
}
template <class T, class Op>
Variable<T> apply(Op op, std::vector<Variable<T>> inputs, Where at) {
  return apply<T, Op>(std::move(op), std::span<Variable<T>>(inputs), at);
}

}  // namespace xgrad

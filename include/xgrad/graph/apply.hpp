#pragma once
#include <algorithm>
#include <cstddef>
#include <new>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

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

template <class Op>
std::uint32_t uses_of(const Op& op, std::size_t i) {
  if constexpr (requires { op.uses(i); })
    return op.uses(i);
  else if (i < std::size(Op::uses))
    return Op::uses[i];
  else
    throw GraphError("`uses` has " + std::to_string(std::size(Op::uses)) + " entries and no input " + std::to_string(i) +
                     "; give it one per input");
}

/// The node of one op: one block from the pool that holds the op and, behind it, its edges.
template <class T, class Op>
class Recorded final : public Node<T> {
 public:
  static Recorded* create(Op&& op, std::span<Variable<T>> inputs, std::uint32_t keep, Where where) {
    void* block = memory::allocate(bytes(inputs.size()));
    auto* node = new (block) Recorded(std::move(op), inputs.size(), where);
    ThreadState& state = thread_state;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      Edge<T>& edge = node->edges_[i];
      if (i < 31 && (keep & use::input(i))) {
        edge.kept = inputs[i].storage();
        edge.version = edge.kept->version;
      }
      edge.node = inputs[i].take_node();
      if (edge.node) state.clock = std::max(state.clock, edge.node->stamp());
    }
    node->stamp_ = ++state.clock;
    return node;
  }

  std::string_view name() const override { return name_of(op); }

  void vjp(const Variable<T>& g, Gradients<T>& out) const override {
    if constexpr (requires(const Context<T>& c) { op.vjps(c, g, out); }) {
      std::uint32_t declared = 0;
      std::size_t first = this->edges_.size();
      for (std::size_t i = this->edges_.size(); i-- > 0;)
        if (out.wants(i)) {
          declared |= uses_of(op, i);
          first = i;
        }
      op.vjps(Context<T>(*this, first, declared), g, out);
    } else {
      for (std::size_t i = this->edges_.size(); i-- > 0;)
        if (out.wants(i)) out.set(i, op.vjp(Context<T>(*this, i, uses_of(op, i)), g, i));
    }
  }

  void finish(const Result<T>& result, std::uint32_t keep) {
    this->shape_ = result.storage->array.shape();
    if (!(keep & use::output)) return;
    this->output_ = result.storage;
    this->output_version_ = result.storage->version;
  }

  Op op;

 private:
  static constexpr std::size_t bytes(std::size_t n) { return sizeof(Recorded) + n * sizeof(Edge<T>); }

  Recorded(Op&& o, std::size_t n, Where where) : Node<T>(where, false), op(std::move(o)) {
    static_assert(alignof(Recorded) <= 64 && alignof(Edge<T>) <= alignof(Recorded));
    auto* edges = reinterpret_cast<Edge<T>*>(this + 1);
    for (std::size_t i = 0; i < n; ++i) new (edges + i) Edge<T>;
    this->edges_ = {edges, n};
  }
  ~Recorded() override {
    for (Edge<T>& edge : this->edges_) edge.~Edge<T>();
  }
  void free_memory() noexcept override {
    const std::size_t size = bytes(this->edges_.size());
    this->~Recorded();
    memory::deallocate(this, size);
  }
};

}  // namespace detail

/// The only door into the graph: runs an op's forward and, when an input needs a gradient and this thread is recording, records
/// it. `inputs` are consumed. An op that throws leaves everything as it was; what it throws gets the user's line and its name.
template <class T, class Op>
Variable<T> apply(Op op, std::span<Variable<T>> inputs, Where where) {
  const detail::ThreadState& state = detail::thread_state;
  if (state.line) where = state.line;
  Ref<Node<T>> node;
  Op* running = &op;  // recording moves the op into its node
  try {
    std::uint32_t keep = 0;
    bool record = false;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (!inputs[i].defined())
        throw GraphError("input " + std::to_string(i) + " is an undefined Variable: give it a value before it is used");
      if (state.recording && inputs[i].requires_grad()) {
        record = true;
        keep |= detail::uses_of(op, i);
      }
    }
    if (!record) return Variable<T>(op.forward(Inputs<T>(inputs)).storage);
    auto* recorded = detail::Recorded<T, Op>::create(std::move(op), inputs, keep, where);
    node = Ref<Node<T>>(recorded);
    running = &recorded->op;
    Result<T> result = recorded->op.forward(Inputs<T>(inputs));
    recorded->finish(result, keep);
    return Variable<T>(std::move(result.storage), std::move(node));
  } catch (Error& error) {
    error.place(where, detail::name_of(*running));
    throw;
  }
}

/// apply(Op{…}, {std::move(a), std::move(b)}, where)
template <class T, std::size_t N, class Op>
Variable<T> apply(Op op, Variable<T> (&&inputs)[N], Where where) {
  return apply<T, Op>(std::move(op), std::span<Variable<T>>(inputs), where);
}
template <class T, class Op>
Variable<T> apply(Op op, std::vector<Variable<T>> inputs, Where where) {
  return apply<T, Op>(std::move(op), std::span<Variable<T>>(inputs), where);
}

}  // namespace xgrad

#include <xgrad/autodiff/backward.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include <xgrad/graph/op.hpp>
#include <xgrad/ops/arithmetic.hpp>

#include "../kernels/sum.hpp"

namespace xgrad {
namespace {

template <class T>
using Ends = std::unordered_map<Node<T>*, Variable<T>>;

/// One run of the engine: nodes with a pending gradient wait in a heap, the latest recorded on top. By the time a node is on top,
/// everything that used its value has already contributed.
template <class T>
class Sweep final : public Gradients<T> {
 public:
  /// `needed` (null: everything) are the nodes worth visiting; gradients of `ends` and of leaves are collected instead of kept.
  Sweep(const std::unordered_set<Node<T>*>* needed, Ends<T>& ends, bool retain) : needed_(needed), ends_(ends), retain_(retain) {}
  ~Sweep() {
    for (Node<T>* node : heap_) node->gradient = {};  // something threw
  }

  void run(const Variable<T>& root, Variable<T> seed) {
    deliver(root.node().get(), std::move(seed));
    while (!heap_.empty()) {
      std::pop_heap(heap_.begin(), heap_.end(), earlier);
      node_ = heap_.back();
      heap_.pop_back();
      Variable<T> g = std::exchange(node_->gradient, {});
      if (needed_)
        if (auto end = ends_.find(node_); end != ends_.end()) {
          end->second = g;
          if (std::ranges::none_of(node_->edges(), [&](const Edge<T>& e) { return wanted(e); })) continue;
        }
      if (node_->is_freed())
        throw GraphError(
            fmt::format("{} recorded at {} was freed by an earlier backward; pass {{.retain_graph = true}} to the first one",
                        node_->name(), to_string(node_->where())));
      detail::thread_state.line = node_->where();
      set_.assign(node_->edges().size(), false);
      node_->vjp(g, *this);
      for (std::size_t i = 0; i < set_.size(); ++i)
        if (wants(i) && !set_[i])
          throw GraphError(node_->where(), node_->name(),
                           fmt::format("vjps did not set the gradient of input {}, which is wanted", i));
      if (!retain_) node_->free_kept();
    }
  }

  bool wants(std::size_t i) const override { return wanted(node_->edges()[i]); }

  void set(std::size_t i, Variable<T> g) override {
    if (!wants(i)) return;
    set_[i] = true;
    Node<T>* input = node_->edges()[i].node.get();
    if (!g.defined() || g.shape() != input->shape())
      throw GraphError(
          node_->where(), node_->name(),
          fmt::format("vjp for input {} returned {}, expected shape {}", i,
                      g.defined() ? "shape " + to_string(g.shape()) : "an undefined Variable", to_string(input->shape())));
    deliver(input, std::move(g));
  }

 private:
  static bool earlier(const Node<T>* a, const Node<T>* b) { return a->stamp() < b->stamp(); }
  bool wanted(const Edge<T>& edge) const { return edge.node && (!needed_ || needed_->contains(edge.node.get())); }

  void deliver(Node<T>* node, Variable<T> g) {
    if (node->is_leaf())
      return accumulate(ends_[node], std::move(g));  // leaves may be shared between threads: nothing pends in them
    const bool queued = node->gradient.defined();
    accumulate(node->gradient, std::move(g));
    if (queued) return;
    heap_.push_back(node);
    std::push_heap(heap_.begin(), heap_.end(), earlier);
  }
  static void accumulate(Variable<T>& sum, Variable<T> g) {
    if (!sum.defined())
      sum = std::move(g);
    else if (!recording() && sum.storage()->references.only_one())
      kernels::add_to(sum.storage()->array.data(), g.value().data(), g.size());
    else
      sum = add(std::move(sum), std::move(g));
  }

  const std::unordered_set<Node<T>*>* needed_;
  Ends<T>& ends_;
  bool retain_;
  Node<T>* node_ = nullptr;
  std::vector<Node<T>*> heap_;
  std::vector<char> set_;  // which gradients of the node the vjp has delivered
};

template <class T>
Variable<T> checked_seed(const Variable<T>& root, const Variable<T>* seed, const char* who, Where where) {
  if (!root.defined()) throw GraphError(where, who, "the root is an undefined Variable: give it a value before it is used");
  if (!root.requires_grad())
    throw GraphError(where, who,
                     "the root needs no gradient: nothing it was computed from has requires_grad = true, or it was computed inside "
                     "NoGrad or detached");
  if (!seed) {
    if (root.size() != 1)
      throw GraphError(where, who,
                       fmt::format("the root has shape {}, but only one element has a gradient of its own; reduce it with sum or "
                                   "mean, or pass a seed of the same shape",
                                   to_string(root.shape())));
    return Variable<T>(ones<T>(root.shape()));
  }
  if (!seed->defined() || seed->shape() != root.shape())
    throw ShapeError(where, who,
                     fmt::format("the seed has shape {}, the root {}; they must be equal",
                                 seed->defined() ? to_string(seed->shape()) : "(undefined)", to_string(root.shape())));
  return *seed;
}

/// Sets how the vjps run, and puts things back as they were.
struct Mode {
  detail::ThreadState& state = detail::thread_state;
  bool recording = state.recording;
  Where line = state.line;
  explicit Mode(bool record) { state.recording = record; }
  ~Mode() {
    state.recording = recording;
    state.line = line;
  }
};

template <class T>
void sweep(const Variable<T>& root, Variable<T> seed, const std::unordered_set<Node<T>*>* needed, Ends<T>& ends, bool retain,
           bool record, const char* who, Where where) {
  const Mode mode(record);
  try {
    Sweep<T>(needed, ends, retain).run(root, std::move(seed));
  } catch (Error& error) {
    if (!error.where())
      error.place(where, who);
    else
      error.note(fmt::format("in the {} of {}", who, to_string(where)));
    throw;
  }
}

/// The nodes on some path from the root to a target. Iterative: graphs are deep.
template <class T>
std::unordered_set<Node<T>*> paths(Node<T>* root, const Ends<T>& targets) {
  std::uint64_t oldest = ~std::uint64_t{0};
  for (const auto& target : targets) oldest = std::min(oldest, target.first->stamp());
  std::unordered_set<Node<T>*> seen{root};
  std::vector<Node<T>*> order{root};
  for (std::size_t k = 0; k < order.size(); ++k)
    for (const Edge<T>& edge : order[k]->edges())
      if (edge.node && (edge.node->stamp() >= oldest || edge.node->is_leaf()) && seen.insert(edge.node.get()).second)
        order.push_back(edge.node.get());
  std::ranges::sort(order, [](const Node<T>* a, const Node<T>* b) { return a->stamp() < b->stamp(); });
  std::unordered_set<Node<T>*> needed;
  for (Node<T>* node : order)
    if (targets.contains(node) ||
        std::ranges::any_of(node->edges(), [&](const Edge<T>& edge) { return edge.node && needed.contains(edge.node.get()); }))
      needed.insert(node);
  return needed;
}

template <class T>
void run_backward(const Variable<T>& root, const Variable<T>* seed, BackwardOptions options, Where where) {
  Variable<T> g = checked_seed(root, seed, "backward", where);
  if (seed) g = Variable<T>(Array<T>(g.value()));  // a leaf's gradient must not be the user's array
  Ends<T> leaves;
  sweep<T>(root, std::move(g), nullptr, leaves, options.retain_graph, false, "backward", where);
  const NoGrad no_grad;
  std::vector<std::pair<Node<T>*, Variable<T>>> sums;  // nothing below this loop throws, so leaves change all or none
  for (auto& [leaf, gradient] : leaves)
    sums.emplace_back(leaf, leaf->gradient.defined() ? add(leaf->gradient, std::move(gradient)) : gradient.detach());
  for (auto& [leaf, sum] : sums) leaf->gradient = std::move(sum);
}

template <class T>
std::vector<Variable<T>> run_grad(const Variable<T>& y, const std::vector<Variable<T>>& x, const Variable<T>* seed,
                                  GradOptions options, Where where) {
  Variable<T> g = checked_seed(y, seed, "grad", where);
  if (seed && !options.create_graph) g = Variable<T>(Array<T>(g.value()));
  Ends<T> ends;
  for (std::size_t k = 0; k < x.size(); ++k) {
    if (!x[k].requires_grad())
      throw GraphError(where, "grad",
                       fmt::format("x[{}] {}; make it with requires_grad = true", k,
                                   x[k].defined() ? "needs no gradient" : "is an undefined Variable"));
    ends[x[k].node().get()] = {};
  }
  const auto needed = paths(y.node().get(), ends);
  for (std::size_t k = 0; k < x.size(); ++k)
    if (!options.allow_unused && !needed.contains(x[k].node().get()))
      throw GraphError(where, "grad",
                       fmt::format("y does not depend on x[{}]; pass {{.allow_unused = true}} for a gradient of zeros", k));
  if (!needed.empty())
    sweep(y, std::move(g), &needed, ends, options.retain_graph || options.create_graph, options.create_graph, "grad", where);
  std::vector<Variable<T>> result;
  for (const Variable<T>& v : x) {
    const Variable<T>& gradient = ends[v.node().get()];
    result.push_back(gradient.defined() ? gradient : Variable<T>(zeros<T>(v.shape())));
  }
  ends.clear();
  if (!options.create_graph)  // each gets a buffer of its own, so that changing one changes no other
    for (Variable<T>& gradient : result)
      if (!gradient.storage()->references.only_one()) gradient = Variable<T>(Array<T>(gradient.value()));
  return result;
}

}  // namespace

template <class T>
void backward(const Variable<T>& root, BackwardOptions options, Where where) {
  run_backward<T>(root, nullptr, options, where);
}
template <class T>
void backward(const Variable<T>& root, const std::type_identity_t<Variable<T>>& seed, BackwardOptions options, Where where) {
  run_backward<T>(root, &seed, options, where);
}
template <class T>
std::vector<Variable<T>> grad(const Variable<T>& y, const std::vector<std::type_identity_t<Variable<T>>>& x, GradOptions options,
                              Where where) {
  return run_grad<T>(y, x, nullptr, options, where);
}
template <class T>
std::vector<Variable<T>> grad(const Variable<T>& y, const std::vector<std::type_identity_t<Variable<T>>>& x,
                              const std::type_identity_t<Variable<T>>& seed, GradOptions options, Where where) {
  return run_grad<T>(y, x, &seed, options, where);
}

#define XGRAD_INSTANTIATE(T)                                                                                                      \
  template void backward<T>(const Variable<T>&, BackwardOptions, Where);                                                          \
  template void backward<T>(const Variable<T>&, const Variable<T>&, BackwardOptions, Where);                                      \
  template std::vector<Variable<T>> grad<T>(const Variable<T>&, const std::vector<Variable<T>>&, GradOptions, Where);             \
  template std::vector<Variable<T>> grad<T>(const Variable<T>&, const std::vector<Variable<T>>&, const Variable<T>&, GradOptions, \
                                            Where);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad

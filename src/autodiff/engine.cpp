#include "engine.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <unordered_set>

#include <xgrad/graph/observer.hpp>
#include <xgrad/graph/op.hpp>
#include <xgrad/ops/arithmetic.hpp>

#include "../graph/walk.hpp"
#include "../kernels/array/sum.hpp"
#include "stacked.hpp"
#include "watch.hpp"

namespace xgrad::engine {
namespace {

template <class T>
using Ends = std::unordered_map<Node<T>*, Variable<T>>;
template <class T>
using Nodes = std::unordered_set<Node<T>*>;

/// A number of its own for every run: nodes carry that of the run that is at work on them.
std::uint32_t next_number() {
  static std::atomic<std::uint32_t> last{0};
  std::uint32_t number = 0;
  while (number == 0) number = ++last;
  return number;
}

/// How vjps run. The line, which each of them changes, is put back.
struct Mode {
  detail::RecordingGuard recording;
  detail::LineGuard line{detail::thread_state.line};
  explicit Mode(bool record) : recording(record) {}
};

/// One run of the engine: nodes with a pending gradient wait in a heap, the latest recorded on top. By the time a node is on top,
/// everything that used its value has already contributed.
///
/// A node's gradient, and what it keeps, belong to the run that has claimed the node: two threads that meet in a node would
/// otherwise mix their gradients up without a word.
template <class T>
class Sweep final : public Gradients<T> {
 public:
  /// `needed` (null: everything) are the nodes worth visiting; gradients of `ends` and of leaves are collected instead of kept.
  /// With `stacked` not 0, all gradients are as many, stacked along a first axis.
  Sweep(const Nodes<T>* needed, Ends<T>& ends, const RunOptions& options, std::size_t stacked = 0)
      : needed_(needed), ends_(ends), options_(options), stacked_(stacked) {}
  ~Sweep() {
    if (node_) node_->release();
    for (Node<T>* node : heap_) drop(*node);  // something threw
    for (Node<T>* leaf : claimed_leaves_) leaf->release();
  }
  Sweep(const Sweep&) = delete;
  Sweep& operator=(const Sweep&) = delete;

  void run(const std::vector<Root<T>>& roots) {
    for (const Root<T>& root : roots) seeds_.push_back(root.seed);
    for (const Root<T>& root : roots)
      if (!needed_ || needed_->contains(root.node.get())) deliver(root.node.get(), root.seed);
    while (!heap_.empty()) {
      std::pop_heap(heap_.begin(), heap_.end(), earlier);
      node_ = heap_.back();
      heap_.pop_back();
      visit(std::exchange(node_->gradient, {}));
      if (!uses_.empty()) [[unlikely]]
        count_uses(*node_);
      std::exchange(node_, nullptr)->release();
    }
    detail::thread_state.line = {};
    for (const Watch<T>* watch : watches_)
      for (const Ref<Node<T>>& leaf : watch->leaves())
        if (const auto use = uses_.find(leaf.get()); use != uses_.end() && use->second.count > 0)
          complete(leaf.get(), use->second);  // not all that used it had a gradient
    for (Node<T>* leaf : hooked_leaves_)
      if (!uses_.contains(leaf)) run_hooks(*leaf, ends_[leaf]);
    if (observed_)
      for (const auto& [node, g] : ends_)
        if (node->is_leaf() && g.defined()) tell_whole(*node, g);
  }

  /// For a run that goes everywhere: from now on the watches hear of their leaves.
  void follow(const std::vector<Watch<T>*>& watches, Node<T>* root) {
    for (Watch<T>* watch : watches)
      for (std::size_t k = 0; k < watch->leaves().size(); ++k) uses_[watch->leaves()[k].get()] = {watch, k, 0};
    std::unordered_set<Watch<T>*> reached;
    for (Node<T>* node : detail::ancestors<T>({root})) {
      if (const auto use = uses_.find(node); node == root && use != uses_.end()) {
        ++use->second.count;
        reached.insert(use->second.watch);
      }
      for (const Edge<T>& edge : node->edges())
        if (const auto use = uses_.find(edge.node.get()); use != uses_.end()) {
          ++use->second.count;
          reached.insert(use->second.watch);
        }
    }
    std::erase_if(uses_, [&](const auto& use) { return !reached.contains(use.second.watch); });
    for (Watch<T>* watch : watches)  // in their order
      if (reached.contains(watch)) {
        watches_.push_back(watch);
        watch->begin();
      }
  }
  /// Lets the watches say what the gradients are. Returns the leaves whose old gradient is in the new one.
  Nodes<T> finish() {
    Nodes<T> whole;
    for (Watch<T>* watch : watches_) {
      const std::vector<Ref<Node<T>>>& leaves = watch->leaves();
      std::vector<Variable<T>> gradients;
      for (const Ref<Node<T>>& leaf : leaves) {
        const auto end = ends_.find(leaf.get());
        gradients.push_back(end == ends_.end() ? Variable<T>() : end->second);
      }
      const bool replaces = watch->finish(gradients);
      for (std::size_t k = 0; k < leaves.size(); ++k) {
        Node<T>* leaf = leaves[k].get();
        if (!gradients[k].defined()) continue;
        if (!ends_[leaf].defined()) collect(leaf, gradients[k]);
        ends_[leaf] = std::move(gradients[k]);
        if (replaces) whole.insert(leaf);
      }
    }
    return whole;
  }

  bool wants(std::size_t i) const override { return wanted(node_->edges()[i]); }
  bool has(std::size_t i) const override { return i < 64 && (delivered_ >> i & 1); }

  void set(std::size_t i, Variable<T> g) override {
    const std::span<const Edge<T>> edges = node_->edges();
    if (i >= edges.size() || has(i)) [[unlikely]]
      wrong_input(i);
    if (!wanted(edges[i])) return;
    if (i < 64) delivered_ |= std::uint64_t{1} << i;
    put(i, std::move(g));
  }

  void put(std::size_t i, Variable<T> g) override {
    Node<T>* input = node_->edges()[i].node.get();
    if (!g.defined() || !(stacked_ == 0 ? g.shape() == input->shape() : g.shape() == stacked_shape(stacked_, input->shape())))
        [[unlikely]]
      wrong_shape(i, g);
    if (observed_) [[unlikely]]
      detail::tell<T>({.what = Seen::input_gradient,
                       .op = node_->name(),
                       .where = node_->where(),
                       .value = g,
                       .node = node_,
                       .input = i,
                       .result_gradient = g_});
    deliver(input, std::move(g));
  }

  Variable<T> take_sum(std::size_t i) override {
    Variable<T>* sum = observed_ ? nullptr : pending(node_->edges()[i].node.get());  // observers look at each gradient by itself
    return sum ? std::exchange(*sum, {}) : Variable<T>();
  }
  void put_sum(std::size_t i, Variable<T> sum) override {
    Node<T>* input = node_->edges()[i].node.get();
    if (!sum.defined() || sum.shape() != input->shape()) [[unlikely]]
      wrong_shape(i, sum);
    *pending(input) = std::move(sum);
  }

 private:
  struct Use {
    Watch<T>* watch;
    std::size_t number;  // of the leaf there
    std::size_t count;   // of the edges to it that are still to come
  };
  /// What a node had for its leaves has been delivered.
  void count_uses(const Node<T>& node) {
    for (const Edge<T>& edge : node.edges())
      if (const auto use = uses_.find(edge.node.get()); use != uses_.end() && --use->second.count == 0) {
        detail::thread_state.line = {};
        complete(use->first, use->second);
      }
  }
  void complete(Node<T>* leaf, const Use& use) {
    const auto end = ends_.find(leaf);
    if (end == ends_.end() || !end->second.defined()) return;
    if (leaf->hooks) run_hooks(*leaf, end->second);
    use.watch->complete(use.number, end->second);
  }
  static bool earlier(const Node<T>* a, const Node<T>* b) { return a->stamp() < b->stamp(); }
  bool wanted(const Edge<T>& edge) const { return edge.node && (!needed_ || needed_->contains(edge.node.get())); }

  void visit(Variable<T> g) {
    detail::ThreadState& state = detail::thread_state;
    if (node_->hooks) [[unlikely]] {
      state.line = {};
      run_hooks(*node_, g);
    }
    if (needed_)
      if (auto end = ends_.find(node_); end != ends_.end()) {
        end->second = g;
        if (std::ranges::none_of(node_->edges(), [&](const Edge<T>& e) { return wanted(e); })) return;
      }
    if (observed_) [[unlikely]]
      tell_whole(*node_, g);
    if (node_->is_freed()) [[unlikely]]
      freed();
    state.line = node_->where();
    delivered_ = 0;
    g_ = &g;
    if (stacked_ == 0)
      node_->vjp(g, *this);
    else if (!node_->stacked_vjp(g, *this))
      one_by_one(g);
    if (!options_.retain) node_->free_kept();
  }

  /// What stacked_vjp would do, for an op that has none.
  void one_by_one(const Variable<T>& g) {
    const std::size_t count = std::exchange(stacked_, 0);  // what vjp returns is not stacked
    Stack<T> stack(*node_, *this, count);
    for (std::size_t k = 0; k < count; ++k) stack.run(row_of(g, node_->shape(), k));
    stacked_ = count;
    stack.deliver();
  }
  [[gnu::cold, gnu::noinline]] void run_hooks(Node<T>& node, Variable<T>& g) {
    const auto given = [&](const Variable<T>& seed) { return seed.defined() && seed.storage() == g.storage(); };
    if (!recording() && std::ranges::any_of(seeds_, given)) g = Variable<T>(Array<T>(g.value()));  // a hook may write into it
    for (std::size_t k = 0; k < node.hooks->size(); ++k) {                                         // a hook may set another one
      const std::shared_ptr<GradientHook<T>> hook = (*node.hooks)[k];
      if (!hook->function) continue;
      Variable<T> replaced = hook->function(g);
      if (!replaced.defined()) continue;
      if (replaced.shape() != g.shape())
        throw ShapeError(hook->where, "on_grad",
                         fmt::format("the function returned shape {}, the gradient has {}; they must be equal",
                                     to_string(replaced.shape()), to_string(g.shape())));
      g = recording() ? std::move(replaced) : replaced.detach();
    }
  }

  /// Whether gradients of a node are collected, and go no further.
  bool is_end(Node<T>* node) const { return node->is_leaf() || (options_.stop && ends_.contains(node)); }
  /// Where the sum of a node's gradients stands; null where there cannot be one yet.
  Variable<T>* pending(Node<T>* node) {
    if (is_end(node)) return &ends_[node];
    return node->claimed_by(number_) ? &node->gradient : nullptr;
  }
  void deliver(Node<T>* node, Variable<T> g) {
    if (is_end(node)) return collect(node, std::move(g));
    if (node->claimed_by(number_)) return accumulate(node->gradient, std::move(g));
    heap_.push_back(node);
    if (!node->claim(number_)) {
      heap_.pop_back();
      busy(*node);
    }
    node->gradient = std::move(g);
    std::push_heap(heap_.begin(), heap_.end(), earlier);
  }
  static void drop(Node<T>& node) {
    node.gradient = {};
    node.release();
  }
  /// Nothing pends in leaves: threads may share them, unless they are going to be written to.
  void collect(Node<T>* node, Variable<T> g) {
    Variable<T>& sum = ends_[node];
    if (!sum.defined()) {
      if (!needed_) {
        claimed_leaves_.push_back(node);
        if (!node->claim(number_)) {
          claimed_leaves_.pop_back();
          busy(*node);
        }
      }
      if (node->hooks && !options_.stop) hooked_leaves_.push_back(node);
    }
    accumulate(sum, std::move(g));
  }
  void accumulate(Variable<T>& sum, Variable<T> g) {
    if (!sum.defined())
      sum = std::move(g);
    else if (!recording() && sum.storage()->references.only_one())
      kernels::add_to(sum.storage()->array.data(), g.value().data(), g.size());
    else
      sum = add_quietly(std::move(sum), std::move(g));
  }
  [[gnu::cold, gnu::noinline]] static void tell_whole(const Node<T>& node, const Variable<T>& g) {
    detail::tell<T>({.what = Seen::whole_gradient, .op = node.name(), .where = node.where(), .value = g, .node = &node});
  }
  Variable<T> add_quietly(Variable<T> a, Variable<T> b) const {
    const detail::Unobserved quiet;  // the sum is looked at when it is complete
    return add(std::move(a), std::move(b), options_.where);
  }
  [[noreturn, gnu::cold]] void wrong_input(std::size_t i) const {
    if (i < node_->edges().size()) set_twice(*node_, i);
    throw GraphError(node_->where(), node_->name(),
                     fmt::format("vjps set a gradient for input {}; it must be one of the {} there are", i, node_->edges().size()));
  }
  [[noreturn, gnu::cold]] void wrong_shape(std::size_t i, const Variable<T>& g) const {
    const Shape& shape = node_->edges()[i].node->shape();
    throw GraphError(node_->where(), node_->name(),
                     fmt::format("{} for input {} returned {}; it must be shape {}", stacked_ == 0 ? "vjp" : "stacked_vjp", i,
                                 g.defined() ? "shape " + to_string(g.shape()) : "an undefined Variable",
                                 to_string(stacked_ == 0 ? shape : stacked_shape(stacked_, shape))));
  }
  [[noreturn, gnu::cold]] void freed() const {
    throw GraphError(
        options_.where, options_.who,
        fmt::format("{} recorded at {} was freed by an earlier backward or grad; the first one must have {{.retain_graph = true}}",
                    node_->name(), to_string(node_->where())));
  }
  [[noreturn, gnu::cold]] void busy(const Node<T>& node) const {
    throw GraphError(options_.where, options_.who,
                     node.is_leaf() ? fmt::format("the leaf made at {} is being written to by another backward; threads must share "
                                                  "leaves through grad, which writes to none, or run one backward after the other",
                                                  to_string(node.where()))
                                    : fmt::format("{} recorded at {} is in the middle of another backward or grad; each thread "
                                                  "must record a graph of its own, or run one after the other",
                                                  node.name(), to_string(node.where())));
  }

  const Nodes<T>* needed_;
  Ends<T>& ends_;
  const RunOptions& options_;
  std::size_t stacked_;
  const std::uint32_t number_ = next_number();
  const bool observed_ = detail::thread_state.observer != nullptr;
  Node<T>* node_ = nullptr;         // at work on it …
  const Variable<T>* g_ = nullptr;  // … with this gradient
  std::uint64_t delivered_ = 0;     // a bit for each of its inputs
  std::vector<Node<T>*> heap_, claimed_leaves_, hooked_leaves_;
  std::vector<Variable<T>> seeds_;          // the user's arrays, perhaps
  std::unordered_map<Node<T>*, Use> uses_;  // of the leaves that watches follow
  std::vector<Watch<T>*> watches_;
};

/// Runs f. What it throws names the line that asked for the gradient, too.
template <class F>
void noted(const RunOptions& options, F f) {
  try {
    f();
  } catch (Error& error) {
    if (!error.where())
      error.place(options.where, options.who);
    else if (error.op() != options.who)
      error.note(fmt::format("in the {} of {}", options.who, to_string(options.where)));
    throw;
  }
}

/// The nodes on some path from a root to a target.
template <class T>
Nodes<T> paths(const std::vector<Root<T>>& roots, const Ends<T>& targets, bool stop) {
  std::uint64_t oldest = ~std::uint64_t{0};
  for (const auto& target : targets) oldest = std::min(oldest, target.first->stamp());
  std::vector<Node<T>*> from;
  for (const Root<T>& root : roots) from.push_back(root.node.get());
  const auto order = detail::ancestors(from, [&](Node<T>& node, const Edge<T>& edge) {
    return !(stop && targets.contains(&node)) && (edge.node->stamp() >= oldest || edge.node->is_leaf());
  });
  Nodes<T> needed;
  for (Node<T>* node : order)
    if (targets.contains(node) ||
        std::ranges::any_of(node->edges(), [&](const Edge<T>& edge) { return edge.node && needed.contains(edge.node.get()); }))
      needed.insert(node);
  return needed;
}

}  // namespace

template <class T>
std::vector<Variable<T>> pull(const std::vector<Root<T>>& roots, const std::vector<Ref<Node<T>>>& targets,
                              const RunOptions& options) {
  Ends<T> ends;
  for (const Ref<Node<T>>& target : targets) ends[target.get()] = {};
  const Nodes<T> needed = paths(roots, ends, options.stop);
  for (std::size_t k = 0; k < targets.size(); ++k)
    if (!options.unused && !needed.contains(targets[k].get()))
      throw GraphError(
          options.where, options.who,
          fmt::format("y does not depend on x[{}]; it must, or pass {{.allow_unused = true}} for a gradient of zeros", k));
  noted(options, [&] {
    const Mode mode(options.record);
    Sweep<T>(&needed, ends, options).run(roots);
  });
  std::vector<Variable<T>> result;
  for (const Ref<Node<T>>& target : targets) result.push_back(ends[target.get()]);
  return result;
}

template <class T>
std::vector<Array<T>> jacobian(const Ref<Node<T>>& y, const std::vector<Ref<Node<T>>>& targets, const RunOptions& options) {
  Ends<T> ends;
  for (const Ref<Node<T>>& target : targets) ends[target.get()] = {};
  const Nodes<T> needed = paths<T>({Root<T>{y, {}}}, ends, options.stop);
  const std::size_t rows = size_of(y->shape());
  std::vector<Array<T>> result;
  for (const Ref<Node<T>>& target : targets) result.push_back(zeros<T>(Shape{rows, size_of(target->shape())}, options.where));
  // Observers and hooks look at each gradient by itself.
  std::size_t largest = 1, parts = 0;
  bool single = detail::thread_state.observer != nullptr;
  for (const Node<T>* node : needed) {
    const std::size_t size = size_of(node->shape());
    largest = std::max(largest, size);
    single = single || node->hooks;
    for (const Edge<T>& edge : node->edges())
      if (edge.node && needed.contains(edge.node.get()) && size_of(edge.node->shape()) / 4 > size)
        parts += size_of(edge.node->shape());
  }
  // A single gradient of a part is added into its place, while a stack has all of what the part is of: many parts go one by one.
  single = single || parts / 16 > largest;
  const std::size_t most = single ? 1 : std::max<std::size_t>(most_stacked / largest, 1);
  for (std::size_t first = 0; first < rows; first += most) {
    const std::size_t count = std::min(most, rows - first);
    Array<T> seed = zeros<T>(count == 1 ? y->shape() : stacked_shape(count, y->shape()), options.where);
    for (std::size_t k = 0; k < count; ++k) seed.data()[k * rows + first + k] = 1;
    for (auto& end : ends) end.second = {};
    noted(options, [&] {
      const Mode mode(false);
      Sweep<T>(&needed, ends, options, count == 1 ? 0 : count).run({Root<T>{y, Variable<T>(std::move(seed))}});
    });
    for (std::size_t j = 0; j < targets.size(); ++j)
      if (const Variable<T>& g = ends[targets[j].get()]; g.defined())
        std::copy_n(g.value().data(), g.size(), result[j].data() + first * result[j].shape()[1]);
  }
  return result;
}

template <class T>
void accumulate_into_leaves(const Root<T>& root, const RunOptions& options) {
  Ends<T> leaves;
  noted(options, [&] {
    const Mode mode(false);
    Sweep<T> sweep(nullptr, leaves, options);
    if (const auto watches = followed<T>(); !watches.empty()) sweep.follow(watches, root.node.get());
    sweep.run({root});
    const Nodes<T> whole = sweep.finish();
    const auto own = [&](Variable<T> gradient) {  // it must not be the array that the user gave
      return gradient.storage() == root.seed.storage() ? Variable<T>(Array<T>(gradient.value())) : gradient.detach();
    };
    std::vector<std::pair<Node<T>*, Variable<T>>> sums;  // nothing below this loop throws, so leaves change all or none
    for (auto& [leaf, gradient] : leaves)
      sums.emplace_back(leaf, leaf->gradient.defined() && !whole.contains(leaf)
                                  ? add(leaf->gradient, std::move(gradient), options.where)
                                  : own(std::move(gradient)));
    for (auto& [leaf, sum] : sums) leaf->gradient = std::move(sum);
  });
}

#define XGRAD_INSTANTIATE(T)                                                                                                   \
  template std::vector<Variable<T>> pull<T>(const std::vector<Root<T>>&, const std::vector<Ref<Node<T>>>&, const RunOptions&); \
  template std::vector<Array<T>> jacobian<T>(const Ref<Node<T>>&, const std::vector<Ref<Node<T>>>&, const RunOptions&);        \
  template void accumulate_into_leaves<T>(const Root<T>&, const RunOptions&);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad::engine

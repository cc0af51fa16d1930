#include <xgrad/autodiff/checkpoint.hpp>

#include <fmt/format.h>
#include <cstring>
#include <unordered_map>
#include <unordered_set>

#include <xgrad/core/random.hpp>

#include "../graph/journal.hpp"
#include "../graph/walk.hpp"
#include "engine.hpp"
#include "independent.hpp"

namespace xgrad {
namespace {

template <class T>
using Vars = std::vector<Variable<T>>;

/// Puts the thread's default generator into a state, and back at the end.
class Replay {
 public:
  explicit Replay(const Generator& state) : was_(default_generator()) { default_generator() = state; }
  ~Replay() { default_generator() = was_; }
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

 private:
  Generator was_;
};

/// While it lives, the thread runs a function again: no journal hears of it, and recomputing() is true.
class Again {
 public:
  Again()
      : journal_(std::exchange(detail::thread_state.journal, nullptr)),
        recomputing_(std::exchange(detail::thread_state.recomputing, true)) {}
  ~Again() {
    detail::thread_state.journal = journal_;
    detail::thread_state.recomputing = recomputing_;
  }
  Again(const Again&) = delete;
  Again& operator=(const Again&) = delete;

 private:
  detail::Journal* journal_;
  bool recomputing_;
};

/// What a function used besides its inputs.
template <class T>
struct Captured {
  std::vector<Ref<Node<T>>> nodes;  ///< leaves and results of earlier operations
  std::unordered_map<Storage<T>*, std::pair<Ref<Storage<T>>, std::uint32_t>>
      values;              ///< … that gradients need, with their versions
  detail::Writes written;  ///< what it wrote, as that was before
};

/// Walks the graph that the function recorded: what is older than `start`, or a leaf, was there before. The first of `own` are the
/// function's inputs.
template <class T>
Captured<T> captured_by(const Variable<T>& result, const Vars<T>& own, std::uint64_t start) {
  Captured<T> found;
  std::unordered_set<const Node<T>*> inputs, met;
  for (const Variable<T>& input : own)
    if (input.requires_grad()) inputs.insert(input.node().get());
  const auto is_before = [&](const Node<T>& node) { return node.is_leaf() || node.stamp() <= start; };
  const auto capture = [&](const Ref<Node<T>>& node) {
    if (!inputs.contains(node.get()) && met.insert(node.get()).second) found.nodes.push_back(node);
  };
  if (is_before(*result.node())) {
    capture(result.node());
    return found;
  }
  const auto own_nodes =
      detail::ancestors<T>({result.node().get()}, [&](Node<T>&, const Edge<T>& edge) { return !is_before(*edge.node); });
  for (const Node<T>* node : own_nodes)
    for (const Edge<T>& edge : node->edges()) {
      const bool before = !edge.node || is_before(*edge.node);
      if (edge.node && before) capture(edge.node);
      if (edge.kept && before && !inputs.contains(edge.node.get()))
        found.values.emplace(edge.kept.get(), std::pair(edge.kept, edge.version));
    }
  return found;
}

/// The op: its inputs are the function's, and behind them what the function captured.
template <class T>
struct Checkpoint {
  static constexpr std::string_view name = "checkpoint";
  detail::VectorFunction<T> function;
  std::size_t count;    // of the function's inputs
  Generator generator;  // before the function ran
  Captured<T> captured;
  Ref<Storage<T>> result{};

  std::uint32_t uses(std::size_t) const { return use::output | ((std::uint32_t{1} << count) - 1); }
  Result<T> forward(Inputs<T>) { return std::move(result); }

  void vjps(const Context<T>& c, const Variable<T>& g, Gradients<T>& out) const {
    for (const auto& [key, value] : captured.values)
      if (value.first->version != value.second)
        throw GraphError("a value that the function of checkpoint (" + to_string(c.where()) +
                         ") captured was assigned since; forward must run again");
    const bool record = recording();
    const Array<T>& expected = c.output_value();
    Vars<T> x;
    std::vector<Ref<Node<T>>> targets;  // the wanted ones of the inputs, then of what was captured
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < count; ++i) {
      x.push_back(c.input(i));
      if (record ? x[i].requires_grad() : out.wants(i)) x[i] = engine::independent(x[i], record, c.where());
      if (!x[i].requires_grad()) continue;
      targets.push_back(x[i].node());
      places.push_back(i);
    }
    for (std::size_t k = 0; k < captured.nodes.size(); ++k) {
      if (!record && !out.wants(count + k)) continue;
      targets.push_back(captured.nodes[k]);
      places.push_back(count + k);
    }
    Variable<T> y;
    {
      const engine::Recording record_too;
      const Replay replay(generator);
      const detail::Rewound before(captured.written);
      const Again again;
      detail::KeepHooks<T> hooks;
      for (const Ref<Node<T>>& node : captured.nodes) hooks.watch(*node);
      y = function(x);
    }
    compare(y, expected, c.where());
    Vars<T> gradients(targets.size());
    if (y.requires_grad())
      gradients = engine::pull<T>({{y.node(), g}}, targets,
                                  {.retain = record, .record = record, .stop = true, .who = "checkpoint", .where = c.where()});
    for (std::size_t k = 0; k < targets.size(); ++k)
      if (out.wants(places[k]))
        out.set(places[k], gradients[k].defined() ? gradients[k] : Variable<T>(zeros<T>(targets[k]->shape(), Where{})));
  }

 private:
  static void compare(const Variable<T>& y, const Array<T>& expected, Where at) {
    const char* remedy = "; it must depend on its inputs, on values that stay as they are, and on the default generator alone";
    if (!y.defined() || y.shape() != expected.shape())
      throw GraphError(at, name,
                       fmt::format("the function returned {} when it was run again, not shape {}{}",
                                   y.defined() ? "shape " + to_string(y.shape()) : "an undefined Variable",
                                   to_string(expected.shape()), remedy));
    if (expected.size() != 0 && std::memcmp(y.value().data(), expected.data(), expected.size() * sizeof(T)) != 0)
      throw GraphError(at, name, std::string("the function returned other values when it was run again") + remedy);
  }
};

}  // namespace

template <class T>
Variable<T> detail::checkpoint(VectorFunction<T> function, Vars<T> inputs, Where at) {
  for (std::size_t k = 0; k < inputs.size(); ++k)
    if (!inputs[k].defined())
      throw GraphError(at, "checkpoint",
                       fmt::format("input {} is an undefined Variable; it must have a value before it is used", k));
  if (inputs.size() > 30)
    throw ValueError(at, "checkpoint", fmt::format("there are {} inputs; there must be at most 30", inputs.size()));
  const auto need = [&](const Variable<T>& y) {
    if (!y.defined()) throw GraphError(at, "checkpoint", "the function returned an undefined Variable; it must have a value");
  };
  if (!recording()) {
    Variable<T> y = function(inputs);
    need(y);
    return y;
  }
  // The first run records too, to see what the function uses, and drops its graph at once: no more than one segment is held.
  const Generator generator = default_generator();
  const std::uint64_t start = thread_state.clock;
  Vars<T> own;
  for (const Variable<T>& x : inputs) own.push_back(x.requires_grad() ? engine::independent(x, false, at) : x);
  detail::Journal journal;
  Variable<T> y = function(own);
  need(y);
  if (!y.requires_grad()) return y;
  Captured<T> captured = captured_by(y, own, start);
  Ref<Storage<T>> result = y.storage();
  y = {};
  own.clear();
  // what the function wrote is put back for the second run, so it may change meanwhile
  std::erase_if(captured.values, [&](const auto& value) { return journal.writes.of<T>().contains(value.first); });
  journal.close();
  captured.written = std::move(journal.writes);
  // of constants, those that the function made for itself are gone with the graph
  std::erase_if(captured.values, [](const auto& value) { return value.second.first->references.only_one(); });
  const std::size_t count = inputs.size();
  for (const Ref<Node<T>>& node : captured.nodes) inputs.emplace_back(result, node);  // for the edge: the value is not looked at
  return apply(Checkpoint<T>{std::move(function), count, generator, std::move(captured), std::move(result)}, std::move(inputs), at);
}

template Variable<float> detail::checkpoint<float>(VectorFunction<float>, Vars<float>, Where);
template Variable<double> detail::checkpoint<double>(VectorFunction<double>, Vars<double>, Where);

}  // namespace xgrad

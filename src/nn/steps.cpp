#include "steps.hpp"

#include <fmt/format.h>
#include <unordered_map>
#include <unordered_set>

#include <xgrad/core/random.hpp>

#include "../graph/journal.hpp"
#include "../graph/walk.hpp"

namespace xgrad::nn {
namespace {

/// "fc1" for "fc1.weight"; a parameter that is in no layer stands for itself.
std::string_view layer_of(std::string_view name) { return name.substr(0, name.rfind('.')); }

}  // namespace

template <class T>
Steps<T> steps_of(const detail::Performance<T>& run, const char* who, Where at) {
  std::vector<Node<T>*> roots;
  for (const Variable<T>& result : run.results)
    if (result.requires_grad()) roots.push_back(result.node().get());
  if (roots.empty())
    throw GraphError(at, who,
                     fmt::format("the network's {} neither on its input nor on a parameter; it must: was it detached?",
                                 run.results.size() == 1 ? "result depends" : "results depend"));

  // A parameter is known by its leaf, a buffer or frozen weight by the value that an operation kept.
  std::unordered_map<const void*, const NamedVariable<T>*> known;
  for (const NamedVariable<T>& named : run.state) {
    known.emplace(named.variable.storage().get(), &named);
    if (named.variable.requires_grad()) known.emplace(named.variable.node().get(), &named);
  }
  std::unordered_set<const NamedVariable<T>*> used;
  for (const Node<T>* root : roots)  // a result that is a parameter itself
    if (const auto found = known.find(root); found != known.end()) used.insert(found->second);
  Steps<T> steps;
  for (const Node<T>* node : xgrad::detail::ancestors<T>(roots)) {
    if (node->is_leaf()) continue;
    Step<T> step{node, {}, false, 0};
    for (const Edge<T>& edge : node->edges()) {
      auto found = known.find(edge.node.get());
      if (found == known.end()) found = known.find(edge.kept.get());
      if (found == known.end()) continue;
      const NamedVariable<T>& named = *found->second;
      if (step.name.empty()) step.name = layer_of(named.name);
      if (used.insert(&named).second && named.variable.requires_grad()) step.parameters += named.variable.size();
    }
    step.continues = !steps.list.empty() && !step.name.empty() && steps.list.back().name == step.name;
    steps.list.push_back(std::move(step));
  }
  for (const NamedVariable<T>& named : run.state)
    if (named.variable.requires_grad() && !used.contains(&named)) steps.unused.push_back(named.name);
  return steps;
}

struct detail::Rehearsal::Kept {
  xgrad::detail::KeepHooks<float> floats;
  xgrad::detail::KeepHooks<double> doubles;
  Generator generator = default_generator();
  EnableGrad recording;
  bool rehearsing = std::exchange(xgrad::detail::thread_state.rehearsing, true);
  xgrad::detail::Journal journal;

  Kept() = default;
  ~Kept() {
    journal.writes.exchange();
    journal.writes = {};
    default_generator() = generator;
    xgrad::detail::thread_state.rehearsing = rehearsing;
  }
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;
};

detail::Rehearsal::Rehearsal(State<float> state) : kept_(std::make_unique<Kept>()) {
  for (const auto& named : state)
    if (named.variable.node()) kept_->floats.watch(*named.variable.node());
}
detail::Rehearsal::Rehearsal(State<double> state) : kept_(std::make_unique<Kept>()) {
  for (const auto& named : state)
    if (named.variable.node()) kept_->doubles.watch(*named.variable.node());
}
detail::Rehearsal::~Rehearsal() = default;

template <class T>
void detail::Results<T>::keep(const Event<T>& event) {
  if (event.what != Seen::result || !event.node) return;
  Result& result = of[event.node];  // of a node that has died nothing is left but its address
  result.inputs.clear();
  for (const Variable<T>& input : event.inputs) result.inputs.push_back(input.shape());
  result.value = event.value;
}

template <class T>
const Variable<T>& LayerResults<T>::find(const std::vector<LayerResult<T>>& rows, std::string_view name, Where at) {
  const LayerResult<T>* found = nullptr;
  for (const LayerResult<T>& row : rows)
    if (row.name == name) found = &row;
  if (found) return found->value;
  std::vector<std::string_view> names;
  for (const LayerResult<T>& row : rows)
    if (!row.name.empty() && std::ranges::find(names, row.name) == names.end()) names.push_back(row.name);
  throw ValueError(at, "at", fmt::format("no layer is called {}; it must be one of {}", name, fmt::join(names, ", ")));
}

namespace {
template <class T>
LayerResults<T> make_results(const detail::Performance<T>& run, bool with_history, const char* who, Where at) {
  LayerResults<T> results;
  for (const Step<T>& step : steps_of(run, who, at).list) {
    const auto seen = run.seen.of.find(step.node);
    if (seen == run.seen.of.end()) continue;  // recorded before the network ran
    const Variable<T> value = with_history ? seen->second.value : seen->second.value.detach();
    if (step.continues && !results.rows.empty()) {
      results.rows.back().op += " + " + std::string(step.node->name());
      results.rows.back().value = value;
    } else {
      results.rows.push_back({step.name, std::string(step.node->name()), value});
    }
  }
  return results;
}
}  // namespace

LayerResults<float> detail::layer_results(const Performance<float>& run, bool with_history, const char* who, Where at) {
  return make_results(run, with_history, who, at);
}
LayerResults<double> detail::layer_results(const Performance<double>& run, bool with_history, const char* who, Where at) {
  return make_results(run, with_history, who, at);
}

template Steps<float> steps_of<float>(const detail::Performance<float>&, const char*, Where);
template Steps<double> steps_of<double>(const detail::Performance<double>&, const char*, Where);
template void detail::Results<float>::keep(const Event<float>&);
template void detail::Results<double>::keep(const Event<double>&);
template const Variable<float>& LayerResults<float>::find(const std::vector<LayerResult<float>>&, std::string_view, Where);
template const Variable<double>& LayerResults<double>::find(const std::vector<LayerResult<double>>&, std::string_view, Where);

}  // namespace xgrad::nn

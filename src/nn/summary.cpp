#include <xgrad/nn/summary.hpp>

#include <fmt/format.h>

#include <array>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <xgrad/core/random.hpp>

#include "../graph/journal.hpp"

namespace xgrad::nn {
namespace {

/// Every operation the results depend on, in the order in which they ran. Iterative: graphs are deep.
template <class T>
std::vector<const Node<T>*> operations(const std::vector<const Node<T>*>& roots) {
  std::vector<const Node<T>*> found;
  std::unordered_set<const Node<T>*> seen;
  for (const Node<T>* root : roots)
    if (!root->is_leaf() && seen.insert(root).second) found.push_back(root);
  for (std::size_t k = 0; k < found.size(); ++k)
    for (const Edge<T>& edge : found[k]->edges())
      if (edge.node && !edge.node->is_leaf() && seen.insert(edge.node.get()).second) found.push_back(edge.node.get());
  std::sort(found.begin(), found.end(), [](const Node<T>* a, const Node<T>* b) { return a->stamp() < b->stamp(); });
  return found;
}

/// "fc1" for "fc1.weight"; a parameter that is in no layer stands for itself.
std::string_view layer_of(std::string_view name) { return name.substr(0, name.rfind('.')); }

template <class T>
Summary make_summary(std::span<const Variable<T>> results, const Shape& input, detail::State<T> state, Where where) {
  std::vector<const Node<T>*> roots;
  for (const Variable<T>& result : results)
    if (result.requires_grad()) roots.push_back(result.node().get());
  if (roots.empty())
    throw GraphError(where, "summary",
                     fmt::format("the network's {} neither on its input nor on a parameter; it must: was it detached?",
                                 results.size() == 1 ? "result depends" : "results depend"));

  // A parameter is known by its leaf, a buffer or frozen weight by the value that an operation kept.
  std::unordered_map<const void*, const NamedVariable<T>*> known;
  Summary summary{input, {}, {}, 0, 0};
  for (const NamedVariable<T>& named : state) {
    known.emplace(named.variable.storage().get(), &named);
    if (!named.variable.requires_grad()) continue;
    known.emplace(named.variable.node().get(), &named);
    summary.parameters += named.variable.size();
  }
  summary.bytes = summary.parameters * sizeof(T);

  std::unordered_set<const NamedVariable<T>*> used;
  for (const Node<T>* root : roots)  // a result that is a parameter itself
    if (const auto found = known.find(root); found != known.end()) used.insert(found->second);
  for (const Node<T>* node : operations<T>(roots)) {
    SummaryRow row{{}, std::string(node->name()), node->shape(), 0};
    for (const Edge<T>& edge : node->edges()) {
      auto found = known.find(edge.node.get());
      if (found == known.end()) found = known.find(edge.kept.get());
      if (found == known.end()) continue;
      const NamedVariable<T>& named = *found->second;
      if (row.name.empty()) row.name = layer_of(named.name);
      if (used.insert(&named).second && named.variable.requires_grad()) row.parameters += named.variable.size();
    }
    SummaryRow* last = summary.rows.empty() ? nullptr : &summary.rows.back();
    if (last && !row.name.empty() && last->name == row.name) {
      last->op += " + " + row.op;
      last->output = row.output;
      last->parameters += row.parameters;
    } else {
      summary.rows.push_back(std::move(row));
    }
  }
  for (const NamedVariable<T>& named : state)
    if (named.variable.requires_grad() && !used.contains(&named)) summary.unused.push_back(named.name);
  return summary;
}

/// "61 706": digits in threes.
std::string grouped(std::size_t number) {
  std::string text = std::to_string(number);
  for (std::size_t k = text.size(); k > 3; k -= 3) text.insert(k - 3, " ");
  return text;
}

}  // namespace

struct detail::Rehearsal::Kept {
  xgrad::detail::KeepHooks<float> floats;
  xgrad::detail::KeepHooks<double> doubles;
  Generator generator = default_generator();
  bool recording = std::exchange(xgrad::detail::thread_state.recording, true);
  bool rehearsing = std::exchange(xgrad::detail::thread_state.rehearsing, true);
  xgrad::detail::Journal journal;

  Kept() = default;
  ~Kept() {
    journal.writes.exchange();
    journal.writes = {};
    default_generator() = generator;
    xgrad::detail::thread_state.recording = recording;
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

Summary detail::summarise(std::span<const Variable<float>> results, const Shape& input, State<float> state, Where where) {
  return make_summary(results, input, state, where);
}
Summary detail::summarise(std::span<const Variable<double>> results, const Shape& input, State<double> state, Where where) {
  return make_summary(results, input, state, where);
}

std::string to_string(const Summary& summary) {
  using Line = std::array<std::string, 4>;
  std::vector<Line> lines{{"layer", "operation", "output", "parameters"}, {"input", "", xgrad::to_string(summary.input), ""}};
  for (const SummaryRow& row : summary.rows)
    lines.push_back({row.name, row.op, xgrad::to_string(row.output), row.parameters ? grouped(row.parameters) : ""});
  std::array<std::size_t, 4> width{};
  for (const Line& line : lines)
    for (std::size_t c = 0; c < width.size(); ++c) width[c] = std::max(width[c], line[c].size());

  std::string text;
  for (std::size_t k = 0; k < lines.size(); ++k) {
    const Line& l = lines[k];
    std::string line =
        fmt::format("{:<{}}  {:<{}}  {:<{}}  {:>{}}", l[0], width[0], l[1], width[1], l[2], width[2], l[3], width[3]);
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
    if (k == 0) text += std::string(width[0] + width[1] + width[2] + width[3] + 6, '-') + '\n';
  }
  text += fmt::format("{} parameters, {:.1f} kB", grouped(summary.parameters), static_cast<double>(summary.bytes) / 1000);
  if (!summary.unused.empty()) text += fmt::format("\nunused, so they will not be trained: {}", fmt::join(summary.unused, ", "));
  return text;
}

}  // namespace xgrad::nn

#include <xgrad/nn/summary.hpp>

#include <fmt/format.h>

#include <array>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace xgrad::nn {
namespace {

/// Every operation the result depends on, in the order in which they ran. Iterative: graphs are deep.
template <class T>
std::vector<const Node<T>*> operations(const Node<T>* root) {
  std::unordered_set<const Node<T>*> seen{root};
  std::vector<const Node<T>*> found{root};
  for (std::size_t k = 0; k < found.size(); ++k)
    for (const Edge<T>& edge : found[k]->edges())
      if (edge.node && !edge.node->is_leaf() && seen.insert(edge.node.get()).second) found.push_back(edge.node.get());
  std::sort(found.begin(), found.end(), [](const Node<T>* a, const Node<T>* b) { return a->stamp() < b->stamp(); });
  return found;
}

/// "fc1" for "fc1.weight"; a parameter that is in no layer stands for itself.
std::string_view layer_of(std::string_view name) { return name.substr(0, name.rfind('.')); }

template <class T>
Summary make_summary(const Variable<T>& result, const Shape& input, detail::State<T> state, Where where) {
  if (!result.defined() || !result.requires_grad())
    throw GraphError(where, "summary", "the network's result depends neither on its input nor on a parameter; was it detached?");

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
  if (!result.is_leaf())
    for (const Node<T>* node : operations<T>(result.node().get())) {
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

Summary detail::summarise(const Variable<float>& result, const Shape& input, State<float> state, Where where) {
  return make_summary(result, input, state, where);
}
Summary detail::summarise(const Variable<double>& result, const Shape& input, State<double> state, Where where) {
  return make_summary(result, input, state, where);
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

#include <algorithm>
#include <array>
#include <set>
#include <unordered_map>

#include "graph.hpp"

namespace xgrad::onnx {

template <class T>
const Table<T>& operators() {
  static const Table<T> table = [] {
    Table<T> made;
    add_elementwise<T>(made);
    add_logic<T>(made);
    add_reductions<T>(made);
    add_shapes<T>(made);
    add_indexing<T>(made);
    add_constants<T>(made);
    add_convolutions<T>(made);
    add_pools<T>(made);
    add_norms<T>(made);
    add_products<T>(made);
    add_losses<T>(made);
    add_resize<T>(made);
    add_recurrent<T>(made);
    return made;
  }();
  return table;
}
template const Table<float>& operators<float>();
template const Table<double>& operators<double>();

namespace {

using detail::nowhere;

/// Those that have the same meaning before opset 7, or one that is seen to.
constexpr std::array<std::string_view, 18> old_operators{"Add",      "AveragePool", "Constant", "Conv", "Div",  "GlobalAveragePool",
                                                         "Identity", "MatMul",      "MaxPool",  "Mul",  "Not",  "Relu",
                                                         "Reshape",  "Sigmoid",     "Softmax",  "Sub",  "Tanh", "Transpose"};

/// Makes a graph of a model.
template <class T>
class Builder {
 public:
  Builder(const Source& source, Model model) : source_(source), model_(std::move(model)) {}

  Network<T> build() {
    graph_->path = source_.path;
    graph_->opset = model_.opset;
    find_operators();
    for (const Node& node : model_.nodes)
      for (const std::string& name : node.outputs)
        if (!name.empty()) made_later_.insert(name);
    add_initialisers();
    has_initialisers_ = !reals_.empty();
    add_inputs();
    for (std::size_t k = 0; k < model_.nodes.size(); ++k) add_step(k);
    add_outputs();
    find_trained();
    mark_last_uses();
    std::map<std::string, Variable<T>> weights;
    for (auto& [name, slot, value] : reals_) {
      graph_->weights.emplace_back(name, slot);
      if (trained_.contains(slot)) value = Variable<T>(std::move(value).value(), true, source_.where);
      weights.emplace(name, std::move(value));
    }
    graph_->slots = slots_.size();
    return Network<T>(std::move(graph_), std::move(weights));
  }

 private:
  [[noreturn]] void fail(std::size_t k, const std::string& message) const {
    source_.fail(model_.nodes[k].at, describe(k, model_.nodes[k]) + " " + message);
  }

  /// All operators that there are not, in one error.
  void find_operators() {
    std::set<std::string> missing;
    std::size_t first = nowhere;
    for (std::size_t k = 0; k < model_.nodes.size(); ++k) {
      const Node& node = model_.nodes[k];
      const bool standard = node.domain.empty() || node.domain == "ai.onnx";
      if (standard && operators<T>().contains(node.op)) continue;
      missing.insert(standard ? node.op : node.domain + "." + node.op);
      first = std::min(first, k);
    }
    if (missing.empty()) {
      for (std::size_t k = 0; k < model_.nodes.size() && model_.opset < 7; ++k)
        if (std::find(old_operators.begin(), old_operators.end(), model_.nodes[k].op) == old_operators.end())
          fail(k, "is of opset " + std::to_string(model_.opset) + "; this operator must be of opset 7 to 27");
      return;
    }
    std::string list;
    for (const std::string& op : missing) list += (list.empty() ? "" : ", ") + op;
    fail(first, "is an operator that this library lacks; of those in the file these are lacking: " + list);
  }

  /// The first node that takes a value, with a word in front of it, or "".
  std::string taker(const char* word, const std::string& name) const {
    for (std::size_t k = 0; k < model_.nodes.size(); ++k)
      if (std::ranges::find(model_.nodes[k].inputs, name) != model_.nodes[k].inputs.end())
        return word + describe(k, model_.nodes[k]);
    return "";
  }

  std::size_t add(const std::string& name) {
    const std::size_t slot = slots_.size();
    if (!slots_.emplace(name, slot).second) return nowhere;
    return slot;
  }

  void add_initialisers() {
    for (const Tensor& tensor : model_.initialisers) {
      if (tensor.name.empty()) source_.fail(tensor.at, "an initialiser has no name; it must have one");
      const std::size_t slot = add(tensor.name);
      if (slot == nowhere) source_.fail(tensor.at, "there are two initialisers named '" + tensor.name + "'; names must differ");
      initialisers_.insert(tensor.name);
      Value<T> value = read(tensor);
      if (value.index() == 0)
        reals_.push_back({tensor.name, slot, std::get<0>(std::move(value))});
      else
        graph_->constants.emplace_back(slot, std::move(value));
    }
  }

  Value<T> read(const Tensor& tensor) const {
    try {
      return value_of<T>(source_, tensor);
    } catch (FileError& error) {
      if (const std::string node = taker("of ", tensor.name); !node.empty()) error.note(node);
      throw;
    }
  }

  void add_inputs() {
    for (Port& port : model_.inputs) {
      if (initialisers_.contains(port.name)) continue;  // old files name them as inputs too
      if (!is_element(port.element))
        source_.fail("input '" + port.name + "'" + taker(" of ", port.name) + " has elements of type " + port.element +
                     "; they must be float, double, int32, int64 or bool");
      const std::size_t slot = add(port.name);
      if (slot == nowhere) source_.fail("there are two inputs named '" + port.name + "'; names must differ");
      graph_->input_slots.push_back(slot);
      graph_->inputs.push_back(std::move(port));
    }
  }

  static bool is_element(const std::string& name) {
    for (const ElementType type :
         {ElementType::float32, ElementType::float64, ElementType::int32, ElementType::int64, ElementType::boolean})
      if (name == name_of_element(static_cast<std::int64_t>(type))) return true;
    return false;
  }

  /// A Constant of numbers, where the file has no initialisers of numbers: then these are its weights.
  bool add_weight(const Node& node) {
    if (node.op != "Constant" || has_initialisers_ || node.outputs.size() != 1 || node.attributes.size() != 1) return false;
    const Attribute& a = node.attributes[0];
    if (a.name != "value" || !a.tensor || a.tensor->index() != 0) return false;
    const Array<double>& numbers = std::get<0>(*a.tensor).value();
    const std::size_t slot = numbers.dimension() == 0 || slots_.contains(node.outputs[0]) ? nowhere : add(node.outputs[0]);
    if (slot == nowhere) return false;
    reals_.push_back({node.outputs[0], slot, Variable<T>(map<T>(numbers, [](double x) { return static_cast<T>(x); }))});
    return true;
  }

  void add_step(std::size_t k) {
    const Node& node = model_.nodes[k];
    if (add_weight(node)) return;
    detail::Step<T> step{k, node, operators<T>().at(node.op), {}, {}};
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const std::string& name = node.inputs[i];
      if (name.empty()) {
        step.inputs.emplace_back();
        continue;
      }
      const auto found = slots_.find(name);
      if (found == slots_.end())
        fail(k, "needs '" + name + "', " +
                    (made_later_.contains(name)
                         ? "which it or a node behind it makes; each node must stand behind those that it needs, without a cycle"
                         : "which nothing in the file makes; it must be an input, an initialiser or a node's output"));
      step.inputs.push_back({found->second, false});
    }
    for (const std::string& name : node.outputs) {
      const std::size_t slot = name.empty() ? nowhere : add(name);
      if (!name.empty() && slot == nowhere) fail(k, "makes '" + name + "', which is there already; names must differ");
      step.outputs.push_back(slot);
    }
    graph_->steps.push_back(std::move(step));
  }

  void add_outputs() {
    for (Port& port : model_.outputs) {
      const auto found = slots_.find(port.name);
      if (found == slots_.end()) source_.fail("nothing makes the output '" + port.name + "'; a node must");
      graph_->output_slots.push_back(found->second);
      graph_->outputs.push_back(std::move(port));
    }
    if (graph_->outputs.empty()) source_.fail("the graph has no outputs; it must have one");
  }

  /// Whether an input goes into the output as it is, only somewhere else or of another type.
  static bool passes(const Node& node, std::size_t input) {
    constexpr std::array<std::string_view, 11> movers{"Cast",    "CastLike", "Expand",  "Flatten",   "Gather",   "Identity",
                                                      "Reshape", "Slice",    "Squeeze", "Transpose", "Unsqueeze"};
    return node.op == "Concat" || (input == 0 && std::find(movers.begin(), movers.end(), node.op) != movers.end());
  }
  /// The slots that something uses otherwise than as constants.
  void find_trained() {
    trained_.insert(graph_->output_slots.begin(), graph_->output_slots.end());
    for (auto step = graph_->steps.rbegin(); step != graph_->steps.rend(); ++step) {
      const bool output =
          std::any_of(step->outputs.begin(), step->outputs.end(), [&](std::size_t s) { return trained_.contains(s); });
      for (std::size_t i = 0; i < step->inputs.size(); ++i) {
        const std::size_t slot = step->inputs[i].slot;
        const bool constant = passes(step->node, i) ? !output : i < 32 && (step->entry.constants >> i & 1U);
        if (slot != nowhere && !constant) trained_.insert(slot);
      }
    }
  }

  void mark_last_uses() {
    std::vector<bool> needed(slots_.size(), false);
    for (const std::size_t slot : graph_->output_slots) needed[slot] = true;
    for (auto step = graph_->steps.rbegin(); step != graph_->steps.rend(); ++step) {
      for (std::size_t& slot : step->outputs)
        if (slot != nowhere && !needed[slot]) slot = nowhere;
      for (auto input = step->inputs.rbegin(); input != step->inputs.rend(); ++input) {
        if (input->slot == nowhere) continue;
        input->last = !needed[input->slot];
        needed[input->slot] = true;
      }
    }
  }

  struct Real {
    std::string name;
    std::size_t slot;
    Variable<T> value;
  };

  const Source& source_;
  Model model_;
  std::shared_ptr<detail::Graph<T>> graph_ = std::make_shared<detail::Graph<T>>();
  std::unordered_map<std::string, std::size_t> slots_;
  std::set<std::string> made_later_, initialisers_;
  std::set<std::size_t> trained_;
  std::vector<Real> reals_;
  bool has_initialisers_ = false;
};

}  // namespace

template <Real T>
Network<T> load(const std::filesystem::path& path, Where at) {
  try {
    const std::vector<std::uint8_t> bytes = read_file(path, at);
    const Source source{path, bytes, at};
    return Builder<T>(source, read_model(source)).build();
  } catch (...) {
    xgrad::detail::rethrow(at, "load");
  }
}
template XGRAD_API Network<float> load<float>(const std::filesystem::path&, Where);
template XGRAD_API Network<double> load<double>(const std::filesystem::path&, Where);

}  // namespace xgrad::onnx

// Makes the tree of layers from a recorded graph.
#include "graph_tree.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <xgrad/core/text.hpp>

#include "../autodiff/engine.hpp"
#include "../graph/walk.hpp"

namespace xgrad::draw {
namespace {

template <class T>
void look_at(const Array<T>& array, double& low, double& high, std::size_t& odd) {
  for (const T x : array) {
    if (!std::isfinite(x)) {
      ++odd;
      continue;
    }
    low = low <= static_cast<double>(x) ? low : static_cast<double>(x);
    high = high >= static_cast<double>(x) ? high : static_cast<double>(x);
  }
}
template <class T>
double norm_of(const Array<T>& array) {
  double sum = 0;
  for (const T x : array) sum += static_cast<double>(x) * static_cast<double>(x);
  return std::isfinite(sum) ? std::sqrt(sum) : std::numeric_limits<double>::infinity();
}

/// The norms of all gradients of one run.
template <class T>
class Norms final : public Observer {
 public:
  void see(const Event<T>& event) override {
    if (event.what == Seen::whole_gradient && event.node) of[event.node] = norm_of(event.value.value());
  }
  void see(const Event<std::conditional_t<std::is_same_v<T, float>, double, float>>&) override {}
  std::unordered_map<const NodeBase*, double> of;
};

/// While one lives, no hook of these nodes is called.
template <class T>
class Unhooked {
 public:
  explicit Unhooked(const std::vector<Node<T>*>& nodes) {
    for (Node<T>* node : nodes)
      if (node->hooks) were_.emplace_back(node, std::exchange(node->hooks, nullptr));
  }
  ~Unhooked() {
    for (const auto& [node, hooks] : were_) node->hooks = hooks;
  }
  Unhooked(const Unhooked&) = delete;
  Unhooked& operator=(const Unhooked&) = delete;

 private:
  std::vector<std::pair<Node<T>*, Hooks<T>*>> were_;
};

std::string_view up(std::string_view path) {
  const std::size_t point = path.rfind('.');
  return path.substr(0, point == path.npos ? 0 : point);
}
/// The layers that two paths share.
std::string_view common(std::string_view a, std::string_view b) {
  std::size_t end = 0;
  for (std::size_t k = 0; k <= a.size() && k <= b.size(); ++k) {
    const bool a_ends = k == a.size() || a[k] == '.', b_ends = k == b.size() || b[k] == '.';
    if (a_ends && b_ends) end = k;
    if (k == a.size() || k == b.size() || a[k] != b[k]) break;
  }
  return a.substr(0, end);
}

template <class T>
class Builder {
 public:
  Builder(const Variable<T>& y, const GraphOptions<T>& options, const char* who, Where at)
      : y_(y), options_(options), who_(who), where_(at) {
    tree_.boxes.push_back({.name = options.title});
    for (const NamedVariable<T>& named : options.names) {
      if (!named.variable.defined()) continue;
      names_.emplace(named.variable.storage().get(), &named);
      if (named.variable.requires_grad()) names_.emplace(named.variable.node().get(), &named);
    }
  }

  Tree build() {
    if (!y_.requires_grad()) {
      constant(y_.storage().get(), 0);
      return std::move(tree_);
    }
    nodes_ = detail::ancestors<T>({y_.node().get()});
    for (Node<T>* node : nodes_)
      if (!node->is_leaf()) {
        place_.emplace(node, ops_.size());
        ops_.push_back(node);
      }
    few_ = ops_.size() <= options_.most;
    if (!few_)
      tree_.remarks.push_back(fmt::format("{} operations are more than {}: layers alone are shown", ops_.size(), options_.most));
    find_gradients();
    find_values();
    find_paths();
    if (ops_.empty()) leaf(y_.node().get(), {}, 0);
    for (std::size_t k = 0; k < ops_.size(); ++k) operation(k);
    merge();
    add_up();
    return std::move(tree_);
  }

 private:
  void find_gradients() {
    if (!options_.gradients) return;
    std::vector<Ref<Node<T>>> leaves;
    bool missing = false;
    for (Node<T>* node : nodes_) {
      if (node->is_leaf()) leaves.push_back(Ref<Node<T>>(node));
      const auto* note = options_.notes ? options_.notes->find(*node) : nullptr;
      missing = missing || !note || note->gradient < 0;
    }
    if (!missing) return;
    const detail::Unobserved alone;
    Norms<T> norms;
    const Unhooked<T> unhooked(nodes_);
    try {
      engine::pull<T>({{y_.node(), Variable<T>(ones<T>(y_.shape(), where_))}}, leaves,
                      {.retain = true, .who = who_, .where = where_});
      norms_ = std::move(norms.of);
    } catch (const Error& error) {
      tree_.remarks.push_back("gradients are not shown: " + error.message());
    }
  }

  /// What the graph has kept of results.
  void find_values() {
    for (const Node<T>* node : ops_) {
      if (node->kept_output()) values_.emplace(node, node->kept_output().get());
      for (const Edge<T>& edge : node->edges())
        if (edge.node && edge.kept) values_.emplace(edge.node.get(), edge.kept.get());
    }
    values_.emplace(y_.node().get(), y_.storage().get());
  }

  const NamedVariable<T>* name_of(const Edge<T>& edge) const {
    auto found = names_.find(edge.node.get());
    if (found == names_.end() && edge.kept) found = names_.find(edge.kept.get());
    return found == names_.end() ? nullptr : found->second;
  }

  /// The layer of each operation.
  void find_paths() {
    constexpr std::size_t none = static_cast<std::size_t>(-1);
    const std::size_t n = ops_.size();
    std::vector<std::string_view> own(n);
    std::vector<bool> labelled(n);
    // Of each, the last one before it and the first one behind it that is in a layer.
    std::vector<std::size_t> before(n, none), behind(n, none);
    for (std::size_t k = 0; k < n; ++k) {
      for (const Edge<T>& edge : ops_[k]->edges()) {
        if (const auto* named = name_of(edge); named && !labelled[k] && named->name.find('.') != std::string::npos) {
          own[k] = up(named->name);
          labelled[k] = true;
        }
        if (!edge.node || edge.node->is_leaf()) continue;
        const std::size_t from = place_.at(edge.node.get()), last = labelled[from] ? from : before[from];
        if (last != none && (before[k] == none || before[k] < last)) before[k] = last;
      }
    }
    for (std::size_t k = n; k-- > 0;)
      for (const Edge<T>& edge : ops_[k]->edges()) {
        if (!edge.node || edge.node->is_leaf()) continue;
        const std::size_t from = place_.at(edge.node.get()), first = labelled[k] ? k : behind[k];
        if (first != none && first < behind[from]) behind[from] = first;
      }
    paths_.resize(n);
    std::set<std::string, std::less<>> used;
    for (std::size_t k = 0; k < n; ++k) {
      const std::string_view last = before[k] == none ? std::string_view{} : own[before[k]];
      const std::string_view next = behind[k] == none ? std::string_view{} : own[behind[k]];
      if (labelled[k]) {
        paths_[k] = own[k];
      } else if (!few_) {
        paths_[k] = before[k] != none ? last : next;
      } else if (before[k] != none && behind[k] != none) {
        // What is called far from there is called by who called that layer.
        const Where here = ops_[k]->where(), there = ops_[before[k]]->where();
        const bool near = std::string_view(here.file_name()) == there.file_name() &&
                          std::max(here.line(), there.line()) - std::min(here.line(), there.line()) <= 5;
        const std::string_view beside = near ? up(last) : up(up(last)), both = common(last, next);
        paths_[k] = both.size() > beside.size() ? both : beside;
      }
      used.emplace(paths_[k]);
    }
    if (few_) return;
    for (std::string& path : paths_) {  // a layer that has layers inside is no box for its own operations
      const auto inside = used.lower_bound(path + ".");
      if (!path.empty() && inside != used.end() && inside->starts_with(path + ".")) path += ".(itself)";
    }
  }

  std::uint32_t layer(const std::string& path) {
    if (path.empty()) return 0;
    if (const auto found = layers_.find(path); found != layers_.end()) return found->second;
    const std::string above(up(path));
    const std::uint32_t parent = layer(above);
    return layers_[path] = add({.name = path.substr(above.empty() ? 0 : above.size() + 1), .path = path, .parent = parent});
  }
  /// A layer that stands for a line of the program.
  std::uint32_t line_layer(const std::string& line) {
    const auto [found, is_new] = layers_.try_emplace("\n" + line, 0);
    if (is_new) found->second = add({.name = line, .path = line, .parent = 0});
    return found->second;
  }

  std::uint32_t add(GraphBox box) {
    const auto number = static_cast<std::uint32_t>(tree_.boxes.size());
    tree_.boxes[box.parent].children.push_back(number);
    tree_.boxes.push_back(std::move(box));
    return number;
  }

  void operation(std::size_t k) {
    const Node<T>& node = *ops_[k];
    const std::string line = node.where() ? xgrad::to_string(node.where()) : "unknown line";
    const std::uint32_t parent = !few_ && paths_[k].empty() ? line_layer(line) : layer(paths_[k]);
    GraphBox box{.kind = &node == y_.node().get() ? BoxKind::result : BoxKind::op,
                 .op = std::string(node.name()),
                 .shape = xgrad::to_string(node.shape()),
                 .line = line,
                 .bytes = size_of(node.shape()) * sizeof(T),
                 .kept = kept_by(node),
                 .operations = 1,
                 .parent = parent};
    for (const Attribute& attribute : node.attributes()) box.options += (box.options.empty() ? "" : ", ") + to_string(attribute);
    box.options = printable(box.options, 400);
    if (const auto named = names_.find(&node); named != names_.end()) box.name = box.path = named->second->name;
    measure(node, box);
    for (std::uint32_t at = parent;; at = tree_.boxes[at].parent) {  // of a layer the last result is shown
      GraphBox& above = tree_.boxes[at];
      above.shape = box.shape, above.low = box.low, above.high = box.high, above.odd = box.odd;
      if (above.line.empty()) above.line = box.line;
      if (at == 0) break;
    }
    std::vector<std::uint32_t> from;
    for (const Edge<T>& edge : node.edges()) {
      if (edge.node && !edge.node->is_leaf())
        from.push_back(boxes_.at(edge.node.get()));
      else if (edge.node)
        from.push_back(leaf(edge.node.get(), edge.kept, parent));
      else if (edge.kept)
        from.push_back(constant(edge.kept.get(), parent));
    }
    const std::uint32_t number = few_ ? add(std::move(box)) : into(parent, box);
    boxes_.emplace(&node, number);
    for (const std::uint32_t f : from)
      if (f != number && arrows_.emplace(f, number).second) tree_.arrows.push_back({f, number});
  }

  /// Adds what an operation has to its layer, where that alone is a box.
  std::uint32_t into(std::uint32_t layer, const GraphBox& box) {
    GraphBox& whole = tree_.boxes[layer];
    count(whole, box);
    name_op(whole, box.op);
    return layer;
  }
  static void name_op(GraphBox& layer, const std::string& op) {
    if (layer.op.size() < 60 && (" + " + layer.op + " + ").find(" + " + op + " + ") == std::string::npos)
      layer.op += (layer.op.empty() ? "" : " + ") + op;
  }

  std::uint32_t leaf(Node<T>* node, const Ref<Storage<T>>& kept, std::uint32_t parent) {
    if (const auto found = boxes_.find(node); found != boxes_.end()) return found->second;
    const auto named = names_.find(node);
    const NamedVariable<T>* name = named == names_.end() ? nullptr : named->second;
    GraphBox box{.kind = BoxKind::leaf,
                 .shape = xgrad::to_string(node->shape()),
                 .line = node->where() ? xgrad::to_string(node->where()) : "",
                 .bytes = size_of(node->shape()) * sizeof(T),
                 .parameters = size_of(node->shape()),
                 .parent = parent};
    title(box, name, "leaf");
    if (const Storage<T>* value = name ? name->variable.storage().get() : kept.get())
      look_at(value->array, box.low, box.high, box.odd);
    measure(*node, box);
    const std::uint32_t number = few_ ? add(std::move(box)) : (count(tree_.boxes[parent], box), parent);
    return boxes_[node] = number;
  }
  std::uint32_t constant(const Storage<T>* storage, std::uint32_t parent) {
    if (const auto found = boxes_.find(storage); found != boxes_.end()) return found->second;
    const auto named = names_.find(storage);
    GraphBox box{.kind = BoxKind::constant,
                 .shape = xgrad::to_string(storage->array.shape()),
                 .bytes = storage->array.size() * sizeof(T),
                 .parent = parent};
    title(box, named == names_.end() ? nullptr : named->second, "constant");
    look_at(storage->array, box.low, box.high, box.odd);
    return boxes_[storage] = few_ ? add(std::move(box)) : parent;
  }
  /// In its own layer a parameter has the last part of its name.
  void title(GraphBox& box, const NamedVariable<T>* named, const char* otherwise) {
    box.name = box.path = named ? named->name : otherwise;
    if (const std::string& layer = tree_.boxes[box.parent].path; !layer.empty() && box.name.starts_with(layer + "."))
      box.name = box.name.substr(layer.size() + 1);
  }

  void measure(const Node<T>& node, GraphBox& box) {
    const auto* note = options_.notes ? options_.notes->find(node) : nullptr;
    if (note && std::isnan(box.low) && box.odd == 0) {
      if (note->low <= note->high) box.low = note->low, box.high = note->high;
      box.odd = note->odd;
    }
    if (const auto value = values_.find(&node); std::isnan(box.low) && box.odd == 0 && value != values_.end())
      look_at(value->second->array, box.low, box.high, box.odd);
    if (note && note->gradient >= 0)
      box.gradient = note->gradient;
    else if (const auto norm = norms_.find(&node); norm != norms_.end())
      box.gradient = norm->second;
    if (options_.profile && !node.is_leaf())
      if (const ProfileRow row = options_.profile->of(node); row.calls + row.gradients > 0) {
        box.forward = 1000 * row.forward;
        box.backward = 1000 * row.backward;
      }
  }

  std::size_t kept_by(const Node<T>& node) {
    std::size_t bytes = node.own_bytes();
    const auto keep = [&](const Ref<Storage<T>>& storage) {
      if (storage && kept_.insert(storage.get()).second) bytes += storage->array.size() * sizeof(T);
    };
    for (const Edge<T>& edge : node.edges())
      if (edge.node && !edge.node->is_leaf()) keep(edge.kept);
    keep(node.kept_output());
    return bytes;
  }

  /// A layer that holds one layer and nothing else is one with it.
  void merge() {
    for (std::size_t k = tree_.boxes.size(); k-- > 1;) {
      GraphBox& outer = tree_.boxes[k];
      if (outer.kind != BoxKind::layer || outer.children.size() != 1) continue;
      GraphBox& inner = tree_.boxes[outer.children[0]];
      if (inner.kind != BoxKind::layer || inner.children.empty()) continue;
      outer.name += "." + inner.name;
      outer.path = inner.path;
      outer.children = std::exchange(inner.children, {});
      for (const std::uint32_t child : outer.children) tree_.boxes[child].parent = static_cast<std::uint32_t>(k);
    }
  }

  static void count(GraphBox& whole, const GraphBox& part) {
    const auto plus = [](double& a, double b) {
      if (!std::isnan(b)) a = std::isnan(a) ? b : a + b;
    };
    plus(whole.forward, part.forward);
    plus(whole.backward, part.backward);
    // of a layer it is the gradient of its parameters, taken as one long vector
    if (part.kind == BoxKind::leaf || part.kind == BoxKind::layer)
      if (!std::isnan(part.gradient))
        whole.gradient = std::isnan(whole.gradient) ? part.gradient : std::hypot(whole.gradient, part.gradient);
    whole.operations += part.operations;
    whole.parameters += part.parameters;
    if (part.kind != BoxKind::leaf && part.kind != BoxKind::constant) whole.bytes += part.bytes;
    whole.kept += part.kept;
  }
  void add_up() {
    for (std::size_t k = tree_.boxes.size(); k-- > 0;) {
      for (const std::uint32_t child : tree_.boxes[k].children) {
        count(tree_.boxes[k], tree_.boxes[child]);
        std::string_view ops = tree_.boxes[child].op;
        while (!ops.empty()) {  // "conv2d + relu"
          const std::size_t end = std::min(ops.find(" + "), ops.size());
          name_op(tree_.boxes[k], std::string(ops.substr(0, end)));
          ops.remove_prefix(std::min(end + 3, ops.size()));
        }
      }
    }
  }

  const Variable<T>& y_;
  const GraphOptions<T>& options_;
  const char* who_;
  Where where_;
  Tree tree_;
  bool few_ = true;
  std::vector<Node<T>*> nodes_, ops_;
  std::unordered_map<const void*, std::size_t> place_;  // of an operation among ops_
  std::vector<std::string> paths_;
  std::unordered_map<const void*, const NamedVariable<T>*> names_;
  std::unordered_map<const NodeBase*, double> norms_;
  std::unordered_map<const void*, const Storage<T>*> values_;
  std::unordered_set<const void*> kept_;
  std::map<std::string, std::uint32_t, std::less<>> layers_;
  std::unordered_map<const void*, std::uint32_t> boxes_;
  std::set<std::pair<std::uint32_t, std::uint32_t>> arrows_;
};

}  // namespace

struct GraphNotes::Parts {
  std::unordered_map<const NodeBase*, Note> notes;

  template <class T>
  void see(const Event<T>& event) {
    if (!event.node) return;
    if (event.what == Seen::result) {
      Note note;
      note.low = note.high = unknown;
      look_at(event.value.value(), note.low, note.high, note.odd);
      if (std::isnan(note.low)) note.low = 1, note.high = 0;
      notes[event.node] = note;
    } else if (event.what == Seen::whole_gradient) {
      Note& note = notes.try_emplace(event.node, Note{.low = 1, .high = 0}).first->second;
      note.gradient = norm_of(event.value.value());
    }
  }
};

GraphNotes::GraphNotes() : parts_(new Parts) {}
GraphNotes::~GraphNotes() = default;
void GraphNotes::see(const Event<float>& event) { parts_->see(event); }
void GraphNotes::see(const Event<double>& event) { parts_->see(event); }
const GraphNotes::Note* GraphNotes::find(const NodeBase& node) const {
  const auto found = parts_->notes.find(&node);
  return found == parts_->notes.end() ? nullptr : &found->second;
}

template <class T>
Tree tree_of(const Variable<T>& y, const GraphOptions<T>& options, const char* who, Where at) {
  if (!y.defined()) throw GraphError(at, who, "the Variable is undefined; it must have a value before it is drawn");
  return Builder<T>(y, options, who, at).build();
}
template Tree tree_of<float>(const Variable<float>&, const GraphOptions<float>&, const char*, Where);
template Tree tree_of<double>(const Variable<double>&, const GraphOptions<double>&, const char*, Where);

}  // namespace xgrad::draw

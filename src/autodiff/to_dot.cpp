#include <xgrad/autodiff/to_dot.hpp>

#include <fmt/format.h>

#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include <xgrad/core/text.hpp>

#include "../graph/walk.hpp"

namespace xgrad {
namespace {

/// For text between quotes. Graphviz takes UTF-8 as it is; a line break of its own would end up as one in the label.
std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c == '\n' || c == '\r' ? ' ' : c;
  }
  return result;
}

/// "stride=(2, 2), groups=1", no more of it than a box should have.
std::string in_words(const NodeBase& node) {
  std::string text;
  for (const Attribute& attribute : node.attributes()) text += (text.empty() ? "" : ", ") + to_string(attribute);
  return printable(text, 160);
}

template <class T>
class Drawing {
 public:
  explicit Drawing(const std::vector<NamedVariable<T>>& names) {
    for (const NamedVariable<T>& named : names) {
      if (!named.variable.defined()) continue;
      const void* key = named.variable.requires_grad() ? static_cast<const void*>(named.variable.node().get())
                                                       : static_cast<const void*>(named.variable.storage().get());
      names_.emplace(key, named.name);
    }
  }

  std::string draw(const Variable<T>& y) {
    if (!y.requires_grad()) {
      vertex(y.storage().get(), "constant", {}, y.shape(), {});
    } else {
      const std::vector<const Node<T>*> order = nodes(y.node().get());
      for (const Node<T>* node : order) {
        const char* kind = node->is_leaf() ? "leaf" : node == y.node().get() ? "result" : "op";
        vertex(node, kind, node->is_leaf() ? std::string_view{} : node->name(), node->shape(), node->where(), in_words(*node));
      }
      for (const Node<T>* node : order)
        for (const Edge<T>& edge : node->edges()) arrow(edge, node);
    }
    return fmt::format("digraph xgrad {{\n{}{}}}\n", head, text_);
  }

 private:
  static constexpr std::string_view head =
      "  graph [bgcolor=transparent, ranksep=0.3, nodesep=0.3];\n"
      "  node [shape=box, style=\"rounded,filled\", fillcolor=\"#e8eefc\", color=\"#5b7bd5\", fontname=\"Helvetica\", "
      "fontsize=11];\n"
      "  edge [color=\"#8a8f98\", arrowsize=0.7];\n";

  /// Operations in the order in which they ran, each after its leaves.
  static std::vector<const Node<T>*> nodes(Node<T>* root) {
    std::unordered_set<const Node<T>*> leaves;
    std::vector<const Node<T>*> order;
    for (const Node<T>* op : detail::ancestors<T>({root}, [](Node<T>&, const Edge<T>& edge) { return !edge.node->is_leaf(); })) {
      for (const Edge<T>& edge : op->edges())
        if (edge.node && edge.node->is_leaf() && leaves.insert(edge.node.get()).second) order.push_back(edge.node.get());
      order.push_back(op);
    }
    return order;
  }

  std::size_t vertex(const void* key, std::string_view kind, std::string_view op, const Shape& shape, Where at,
                     const std::string& options = {}) {
    const std::size_t id = ids_.size();
    ids_.emplace(key, id);
    const auto name = names_.find(key);
    std::string label = name == names_.end() ? escaped(op.empty() ? kind : op) : escaped(name->second);
    if (name != names_.end() && !op.empty()) label += " = " + escaped(op);
    label += fmt::format("{}{}", op.empty() ? "\\n" : " ", to_string(shape));
    if (!options.empty()) label += "\\n" + escaped(options);
    if (!op.empty() && at) label += fmt::format("\\n{}", escaped(to_string(at)));
    const std::string_view look = kind == "leaf"       ? ", style=filled, fillcolor=\"#fdf3dc\", color=\"#c99a2e\""
                                  : kind == "constant" ? ", style=\"filled,dashed\", fillcolor=\"#f4f4f2\", color=\"#9a9a94\""
                                  : kind == "result"   ? ", fillcolor=\"#dff3e4\", color=\"#3f9a5a\""
                                                       : "";
    text_ += fmt::format("  n{} [label=\"{}\", class={}{}];\n", id, label, kind, look);
    return id;
  }

  void arrow(const Edge<T>& edge, const Node<T>* to) {
    if (!edge.node && !edge.kept) return;  // a constant that nobody needs any more
    const void* key = edge.node ? static_cast<const void*>(edge.node.get()) : static_cast<const void*>(edge.kept.get());
    const auto known = ids_.find(key);
    const std::size_t from = known == ids_.end() ? vertex(key, "constant", {}, edge.kept->array.shape(), {}) : known->second;
    // a straight line of operations, with the leaves beside it
    text_ += fmt::format("  n{} -> n{}{};\n", from, ids_.at(to), edge.node && !edge.node->is_leaf() ? " [weight=20]" : "");
  }

  std::unordered_map<const void*, std::string> names_;
  std::unordered_map<const void*, std::size_t> ids_;
  std::string text_;
};

}  // namespace

template <class T>
std::string to_dot(const Variable<T>& y, const std::vector<std::type_identity_t<NamedVariable<T>>>& names, Where at) {
  if (!y.defined()) throw GraphError(at, "to_dot", "the Variable is undefined; it must have a value before it is drawn");
  return Drawing<T>(names).draw(y);
}

template std::string to_dot<float>(const Variable<float>&, const std::vector<NamedVariable<float>>&, Where);
template std::string to_dot<double>(const Variable<double>&, const std::vector<NamedVariable<double>>&, Where);

}  // namespace xgrad

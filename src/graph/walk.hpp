#pragma once
#include <algorithm>
#include <cstddef>
#include <unordered_set>
#include <vector>

#include <xgrad/graph/node.hpp>

namespace xgrad::detail {

/// The one way through a recorded graph, iterative because graphs are deep: the nodes that the roots were computed from, themselves
/// among them, each once, in the order in which they were recorded; leaves come first. `enter(node, edge)` says whether to follow
/// the edge from a node to one of its inputs.
template <class T, class Enter>
std::vector<Node<T>*> ancestors(const std::vector<Node<T>*>& roots, Enter enter) {
  std::vector<Node<T>*> found;
  std::unordered_set<const Node<T>*> seen;
  for (Node<T>* root : roots)
    if (seen.insert(root).second) found.push_back(root);
  for (std::size_t k = 0; k < found.size(); ++k)
    for (const Edge<T>& edge : found[k]->edges())
      if (edge.node && enter(*found[k], edge) && seen.insert(edge.node.get()).second) found.push_back(edge.node.get());
  std::ranges::sort(found, {}, [](const Node<T>* node) { return node->stamp(); });
  return found;
}
template <class T>
std::vector<Node<T>*> ancestors(const std::vector<Node<T>*>& roots) {
  return ancestors(roots, [](Node<T>&, const Edge<T>&) { return true; });
}

}  // namespace xgrad::detail

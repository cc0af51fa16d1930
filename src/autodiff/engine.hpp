#pragma once
/// Reverse mode: what backward, grad, the functional derivatives and checkpoint run.
#include <string_view>
#include <vector>

#include <xgrad/graph/variable.hpp>

namespace xgrad::engine {

/// Where a run begins: a node and the gradient that it is given.
template <class T>
struct Root {
  Ref<Node<T>> node;
  Variable<T> seed;
};

struct RunOptions {
  bool retain = false;  ///< keep what the nodes hold for their gradients
  bool record = false;  ///< record the vjps, so that the result can be differentiated
  /// Take the targets for independent: nothing flows through one of them to another, and their hooks do not run.
  bool stop = false;
  bool unused = true;    ///< let there be targets that no root depends on; otherwise they are an error before anything runs
  std::string_view who;  ///< the function that complains
  Where where;
};

/// The sum over the roots of seed times Jacobian, for each target; undefined where no root depends on it. Writes to no leaf.
template <class T>
std::vector<Variable<T>> pull(const std::vector<Root<T>>& roots, const std::vector<Ref<Node<T>>>& targets,
                              const RunOptions& options);

/// The derivatives of y for each target: a row for each element of y, a column for each of the target. The graph stays:
/// options.retain must be set. Nothing is recorded. Many rows are computed in one sweep where their gradients are not too large
/// together.
template <class T>
std::vector<Array<T>> jacobian(const Ref<Node<T>>& y, const std::vector<Ref<Node<T>>>& targets, const RunOptions& options);

/// Adds the root's gradient to every leaf that it was computed from: to all, or when anything throws to none.
template <class T>
void accumulate_into_leaves(const Root<T>& root, const RunOptions& options);

}  // namespace xgrad::engine

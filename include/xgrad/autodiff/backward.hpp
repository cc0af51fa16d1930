#pragma once
#include <type_traits>
#include <vector>

#include <xgrad/graph/variable.hpp>

namespace xgrad {

struct BackwardOptions {
  /// Keep what the graph holds for its gradients, so that backward can run through it again.
  bool retain_graph = false;
};

/// Adds the gradient of `root` to every leaf it was computed from: afterwards `leaf.grad()` has it. `root` must have one element.
/// Never builds a graph; for gradients of gradients use `grad`. When anything throws, the leaves are as before.
///
/// Throws GraphError: the root needs no gradient; has more than one element and no seed; the graph was freed by an earlier
/// backward; a kept value was assigned since. Two threads may run backward at once as long as they share no leaf that requires a
/// gradient and no recorded result; where they must share leaves, use `grad`, which writes to none.
template <class T>
XGRAD_API void backward(const Variable<T>& root, BackwardOptions options = {}, Where at = Where::current());
/// ... with a gradient for the root: of the same shape, one weight per element.
template <class T>
XGRAD_API void backward(const Variable<T>& root, const std::type_identity_t<Variable<T>>& seed, BackwardOptions options = {},
                        Where at = Where::current());

struct GradOptions {
  /// Record the computation of the gradients, so that they can be differentiated again. Keeps the graph too.
  bool create_graph = false;
  bool retain_graph = false;
  /// An x that y does not depend on has a gradient of zeros instead of being an error.
  bool allow_unused = false;
};

/// The gradients of `y` with respect to each `x` (leaves or intermediate results), in order; no leaf is written to.
/// `y` must have one element. Throws GraphError as backward does, and for an x that y does not depend on.
template <class T>
XGRAD_API std::vector<Variable<T>> grad(const Variable<T>& y, const std::vector<std::type_identity_t<Variable<T>>>& x,
                                        GradOptions options = {}, Where at = Where::current());
/// ... with a gradient for y: the product of `seed` and the Jacobian.
template <class T>
XGRAD_API std::vector<Variable<T>> grad(const Variable<T>& y, const std::vector<std::type_identity_t<Variable<T>>>& x,
                                        const std::type_identity_t<Variable<T>>& seed, GradOptions options = {},
                                        Where at = Where::current());

}  // namespace xgrad

#pragma once
#include <cstddef>

#include <xgrad/graph/node.hpp>

namespace xgrad::detail {

/// Throws a ValueError when the gradient that `node` computed for its input i from `g` has what DetectAnomaly looks for.
template <class T>
void check_gradient(const Variable<T>& gradient, const Node<T>& node, std::size_t i, const Variable<T>& g);

/// ... when the gradient of a node's result, summed from what all its users contributed, has.
template <class T>
void check_sum(const Variable<T>& gradient, const Node<T>& node);

}  // namespace xgrad::detail

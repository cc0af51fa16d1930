#pragma once
/// Drawing a graph.
#include <string>
#include <type_traits>
#include <vector>

#include <xgrad/graph/variable.hpp>

namespace xgrad {

/// The graph that computed `y`, in the language of Graphviz: a rounded box per operation (its name, the shape of its result, its
/// options, the line that recorded it), a plain box per leaf, and a dashed one per constant that a gradient keeps. `names` says
/// what leaves, constants or results are called; nn::named_parameters makes such a list.
///
///     std::ofstream("step.dot") << xg::to_dot(loss, xg::nn::named_parameters(net));   // then: dot -Tsvg step.dot -o step.svg
///
/// Every node has a class for CSS: `op`, `leaf`, `constant`, or `result` for y itself. What a backward has freed is not drawn.
/// Throws GraphError for an undefined Variable.
template <class T>
XGRAD_API std::string to_dot(const Variable<T>& y, const std::vector<std::type_identity_t<NamedVariable<T>>>& names = {},
                             Where at = Where::current());

}  // namespace xgrad

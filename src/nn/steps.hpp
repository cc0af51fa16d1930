#pragma once
#include <string>
#include <vector>

#include <xgrad/nn/summary.hpp>

namespace xgrad::nn {

/// An operation that a network's results depend on.
template <class T>
struct Step {
  const Node<T>* node;
  std::string name;        ///< of the layer whose parameters it uses, or ""
  bool continues;          ///< whether the one before is of the same layer, and so in the same row
  std::size_t parameters;  ///< that no step before it uses
};

/// The steps in the order in which they ran.
template <class T>
struct Steps {
  std::vector<Step<T>> list;
  std::vector<std::string> unused;  ///< parameters
};

/// Throws GraphError when the results depend on nothing.
template <class T>
Steps<T> steps_of(const detail::Performance<T>& run, const char* who, Where at);

}  // namespace xgrad::nn

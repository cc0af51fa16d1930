#include <xgrad/autodiff/backward.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <unordered_set>

#include "engine.hpp"

namespace xgrad {
namespace {

template <class T>
Variable<T> checked_seed(const Variable<T>& root, const Variable<T>* seed, const char* who, Where at) {
  if (!root.defined()) throw GraphError(at, who, "the root is an undefined Variable; it must have a value before it is used");
  if (!root.requires_grad())
    throw GraphError(at, who,
                     "the root needs no gradient; something it was computed from must have requires_grad = true, outside of NoGrad "
                     "and not detached");
  if (!seed) {
    if (root.size() != 1)
      throw GraphError(at, who,
                       fmt::format("the root has shape {}; it must have one element: reduce it with sum or "
                                   "mean, or pass a seed of the same shape",
                                   to_string(root.shape())));
    return Variable<T>(ones<T>(root.shape(), Where{}));
  }
  if (!seed->defined() || seed->shape() != root.shape())
    throw ShapeError(at, who,
                     fmt::format("the seed has shape {}, the root {}; they must be equal",
                                 seed->defined() ? to_string(seed->shape()) : "(undefined)", to_string(root.shape())));
  return *seed;
}

template <class T>
void run_backward(const Variable<T>& root, const Variable<T>* seed, BackwardOptions options, Where at) {
  Variable<T> g = checked_seed(root, seed, "backward", at);
  if (seed) g = g.detach();
  engine::accumulate_into_leaves<T>({root.node(), std::move(g)}, {.retain = options.retain_graph, .who = "backward", .where = at});
}

template <class T>
std::vector<Variable<T>> run_grad(const Variable<T>& y, const std::vector<Variable<T>>& x, const Variable<T>* seed,
                                  GradOptions options, Where at) {
  Variable<T> g = checked_seed(y, seed, "grad", at);
  if (seed && !options.create_graph) g = g.detach();
  std::vector<Ref<Node<T>>> targets;
  for (std::size_t k = 0; k < x.size(); ++k) {
    if (!x[k].requires_grad())
      throw GraphError(at, "grad",
                       fmt::format("x[{}] {}; it must be made with requires_grad = true", k,
                                   x[k].defined() ? "needs no gradient" : "is an undefined Variable"));
    targets.push_back(x[k].node());
  }
  engine::RunOptions run{.retain = options.retain_graph || options.create_graph,
                         .record = options.create_graph,
                         .unused = options.allow_unused,
                         .who = "grad",
                         .where = at};
  std::vector<Variable<T>> result = engine::pull<T>({{y.node(), std::move(g)}}, targets, run);
  for (std::size_t k = 0; k < x.size(); ++k)
    if (!result[k].defined()) result[k] = Variable<T>(zeros<T>(x[k].shape(), Where{}));
  if (!options.create_graph)  // each gets a buffer of its own, so that changing one changes no other
    for (Variable<T>& gradient : result)
      if (!gradient.storage()->references.only_one()) gradient = Variable<T>(Array<T>(gradient.value()));
  return result;
}

}  // namespace

template <class T>
void backward(const Variable<T>& root, BackwardOptions options, Where at) {
  run_backward<T>(root, nullptr, options, at);
}
template <class T>
void backward(const Variable<T>& root, const std::type_identity_t<Variable<T>>& seed, BackwardOptions options, Where at) {
  run_backward<T>(root, &seed, options, at);
}
template <class T>
std::vector<Variable<T>> grad(const Variable<T>& y, const std::vector<std::type_identity_t<Variable<T>>>& x, GradOptions options,
                              Where at) {
  return run_grad<T>(y, x, nullptr, options, at);
}
template <class T>
std::vector<Variable<T>> grad(const Variable<T>& y, const std::vector<std::type_identity_t<Variable<T>>>& x,
                              const std::type_identity_t<Variable<T>>& seed, GradOptions options, Where at) {
  return run_grad<T>(y, x, &seed, options, at);
}

#define XGRAD_INSTANTIATE(T)                                                                                                      \
  template void backward<T>(const Variable<T>&, BackwardOptions, Where);                                                          \
  template void backward<T>(const Variable<T>&, const Variable<T>&, BackwardOptions, Where);                                      \
  template std::vector<Variable<T>> grad<T>(const Variable<T>&, const std::vector<Variable<T>>&, GradOptions, Where);             \
  template std::vector<Variable<T>> grad<T>(const Variable<T>&, const std::vector<Variable<T>>&, const Variable<T>&, GradOptions, \
                                            Where);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad

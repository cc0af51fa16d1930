#pragma once
/// Several gradients of one array at once, along a first axis that the array does not have.
#include <fmt/format.h>
#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include <xgrad/graph/apply.hpp>

namespace xgrad::engine {

/// Elements of the largest stack: more would leave the caches, and need memory that grows with the number of gradients.
inline constexpr std::size_t most_stacked = std::size_t{1} << 18;

inline Shape stacked_shape(std::size_t count, const Shape& shape) {
  Shape result{count};
  for (const std::size_t length : shape) result.push_back(length);
  return result;
}

/// Gradient k of those in a stack.
template <class T>
Variable<T> row_of(const Variable<T>& stack, const Shape& shape, std::size_t k) {
  Array<T> row = make_array<T>(shape);
  std::copy_n(stack.value().data() + k * row.size(), row.size(), row.data());
  return Variable<T>(std::move(row));
}

template <class T>
[[noreturn]] void set_twice(const Node<T>& node, std::size_t i) {
  throw GraphError(node.where(), node.name(), fmt::format("vjps set the gradient of input {} twice; it must be set once", i));
}

/// Runs a node's vjp for one gradient after the other, and stacks what comes out.
template <class T>
class Stack final : public Gradients<T> {
 public:
  Stack(const Node<T>& node, Gradients<T>& out, std::size_t count)
      : node_(node), out_(out), count_(count), stacks_(node.edges().size()), delivered_(stacks_.size()) {}

  void run(const Variable<T>& g) {
    delivered_.assign(delivered_.size(), false);
    node_.vjp(g, *this);
    for (std::size_t i = 0; i < stacks_.size(); ++i)
      if (wants(i) && !delivered_[i]) detail::missing_gradient(node_, i);
    ++done_;
  }
  void deliver() {
    for (std::size_t i = stacks_.size(); i-- > 0;)
      if (wants(i)) out_.put(i, std::move(stacks_[i]));
  }

  bool wants(std::size_t i) const override { return out_.wants(i); }
  bool has(std::size_t i) const override { return i < delivered_.size() && delivered_[i]; }
  void set(std::size_t i, Variable<T> g) override {
    if (has(i)) set_twice(node_, i);
    if (i < stacks_.size() && wants(i))
      put(i, std::move(g));
    else
      out_.set(i, std::move(g));  // complains, or drops it
  }
  void put(std::size_t i, Variable<T> g) override {
    const Shape& shape = node_.edges()[i].node->shape();
    if (!g.defined() || g.shape() != shape) return out_.put(i, std::move(g));  // complains
    if (!stacks_[i].defined()) stacks_[i] = Variable<T>(make_array<T>(stacked_shape(count_, shape)));
    std::copy_n(g.value().data(), g.size(), stacks_[i].storage()->array.data() + done_ * g.size());
    delivered_[i] = true;
  }
  Variable<T> take_sum(std::size_t) override { return {}; }
  void put_sum(std::size_t, Variable<T>) override {}

 private:
  const Node<T>& node_;
  Gradients<T>& out_;
  std::size_t count_, done_ = 0;
  std::vector<Variable<T>> stacks_;
  std::vector<bool> delivered_;
};

}  // namespace xgrad::engine

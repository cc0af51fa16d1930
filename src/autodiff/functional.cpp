#include <xgrad/autodiff/functional.hpp>

#include <fmt/format.h>
#include <algorithm>

#include <xgrad/ops/shape.hpp>

#include "../ops/families.hpp"
#include "engine.hpp"
#include "independent.hpp"

namespace xgrad {
namespace {

template <class T>
using Vars = std::vector<Variable<T>>;

Shape joined(Shape a, const Shape& b) {
  for (const std::size_t length : b) a.push_back(length);
  return a;
}

/// Row k of a matrix of which each row has this shape.
detail::View row_view(const Shape& shape, std::size_t k) {
  detail::View view(shape);
  view.offset = static_cast<std::ptrdiff_t>(k * size_of(shape));
  return view;
}

/// Arrays of one shape, one behind the other, under a shape of their own.
template <class T>
struct StackRows {
  static constexpr std::string_view name = "jacobian";
  Shape shape;
  std::uint32_t uses(std::size_t) const { return use::none; }
  Result<T> forward(Inputs<T> in) {
    Array<T> out = make_array<T>(shape);
    for (std::size_t k = 0; k < in.size(); ++k) std::copy_n(in[k].data(), in[k].size(), out.data() + k * in[k].size());
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t i) const {
    return detail::read_view(name, g, row_view(c.input_shape(i), i), c.where());
  }
};

/// A function evaluated at a point.
template <class T>
class Evaluation {
 public:
  Evaluation(const detail::VectorFunction<T>& f, const Vars<T>& point, FunctionalOptions options, const char* who, Where where)
      : who_(who), where_(where), differentiable_(options.create_graph && recording_.was()) {
    if (point.empty()) throw ValueError(where, who, "there are no inputs to differentiate for; there must be at least one");
    for (std::size_t k = 0; k < point.size(); ++k) {
      if (!point[k].defined())
        throw GraphError(where, who, fmt::format("x[{}] is an undefined Variable; it must have a value before it is used", k));
      x.push_back(engine::independent(point[k], differentiable_, where));
    }
    y = f(x);
    if (!y.defined()) throw GraphError(where, who, "the function returned an undefined Variable; it must have a value");
  }

  bool differentiable() const noexcept { return differentiable_; }
  /// What the caller gets of a Variable.
  Variable<T> out(const Variable<T>& v) const { return differentiable_ ? v : v.detach(); }

  void need_scalar() const {
    if (y.size() != 1)
      throw GraphError(where_, who_,
                       fmt::format("the function's result has shape {}; it must have one element", to_string(y.shape())));
  }
  void need_vectors(const Vars<T>& v) const {
    if (v.size() != x.size())
      throw ShapeError(where_, who_,
                       fmt::format("there are {} inputs and {} vectors; there must be one per input", x.size(), v.size()));
    for (std::size_t k = 0; k < v.size(); ++k) need_shape(v[k], x[k].shape(), fmt::format("v[{}]", k), fmt::format("x[{}]", k));
  }
  void need_shape(const Variable<T>& v, const Shape& shape, const std::string& name, const std::string& other) const {
    if (!v.defined() || v.shape() != shape)
      throw ShapeError(where_, who_,
                       fmt::format("{} has shape {}, {} {}; they must be equal", name,
                                   v.defined() ? to_string(v.shape()) : "(undefined)", other, to_string(shape)));
  }

  /// The sum of seed times Jacobian over the results that lead anywhere; zeros for a target that none leads to.
  Vars<T> pull(const Vars<T>& results, const Vars<T>& seeds, const Vars<T>& targets, bool retain, bool record) const {
    std::vector<engine::Root<T>> roots;
    for (std::size_t k = 0; k < results.size(); ++k)
      if (results[k].requires_grad()) roots.push_back({results[k].node(), seeds[k]});
    std::vector<Ref<Node<T>>> nodes;
    for (const Variable<T>& target : targets) nodes.push_back(target.node());
    Vars<T> gradients(targets.size());
    if (!roots.empty())
      gradients = engine::pull<T>(roots, nodes, {.retain = retain || record, .record = record, .who = who_, .where = where_});
    for (std::size_t k = 0; k < targets.size(); ++k)
      if (!gradients[k].defined()) gradients[k] = Variable<T>(zeros<T>(targets[k].shape(), Where{}));
    return gradients;
  }
  Vars<T> gradients(bool record) const { return pull({y}, {Variable<T>(ones<T>(y.shape(), Where{}))}, x, false, record); }

  /// Jacobians of several results, row by row: blocks[i][j] for result i and input j.
  std::vector<Vars<T>> blocks(const Vars<T>& results) const {
    std::vector<Vars<T>> all;
    for (const Variable<T>& result : results) {
      std::vector<Block> of_inputs;
      for (const Variable<T>& input : x) of_inputs.emplace_back(*this, result.shape(), input.shape(), true);
      for (std::size_t k = 0; k < result.size(); ++k) {
        const Vars<T> row = pull({result}, {unit(result.shape(), k)}, x, true, differentiable_);
        for (std::size_t j = 0; j < x.size(); ++j) of_inputs[j].add(row[j]);
      }
      Vars<T>& arrays = all.emplace_back();
      for (Block& block : of_inputs) arrays.push_back(block.whole());
    }
    return all;
  }

  /// The Jacobians column by column, where there are fewer of them than rows: the gradients are linear in u, so that their
  /// derivatives for u, pulled back from an element of an input, are the function's derivatives for that element.
  Vars<T> columns() const {
    const Variable<T> u(ones<T>(y.shape(), Where{}), true, where_);
    const Vars<T> g = pull({y}, {u}, x, true, true);
    Vars<T> arrays;
    for (std::size_t j = 0; j < x.size(); ++j) {
      Block block(*this, y.shape(), x[j].shape(), false);
      for (std::size_t k = 0; k < x[j].size(); ++k) block.add(pull({g[j]}, {unit(x[j].shape(), k)}, {u}, true, differentiable_)[0]);
      arrays.push_back(block.whole());
    }
    return arrays;
  }

 private:
  /// A Jacobian that grows by rows or by columns: an array, or if it is to be differentiated what it consists of.
  class Block {
   public:
    Block(const Evaluation& at, const Shape& result, const Shape& input, bool by_rows)
        : at_(at), result_(result), input_(input), by_rows_(by_rows) {
      try {
        if (at.differentiable_)
          check_size(joined(result, input), sizeof(T));
        else
          array_ = make_array<T>(joined(result, input));
      } catch (...) {
        detail::rethrow(at.where_, at.who_);
      }
    }
    void add(const Variable<T>& part) {
      if (at_.differentiable_) return parts_.push_back(part);
      const std::size_t distance = by_rows_ ? 1 : size_of(input_);
      const std::size_t size = part.size();
      const T* from = part.value().data();
      T* to = array_.data() + count_++ * (by_rows_ ? size : 1);
      for (std::size_t i = 0; i < size; ++i) to[i * distance] = from[i];
    }
    Variable<T> whole() {
      if (!at_.differentiable_) return Variable<T>(std::move(array_));
      const Shape &first = by_rows_ ? result_ : input_, &second = by_rows_ ? input_ : result_;
      Variable<T> stacked = apply(StackRows<T>{joined(first, second)}, std::move(parts_), at_.where_);
      if (by_rows_) return stacked;
      std::vector<std::ptrdiff_t> axes;  // those of the result before those of the input
      for (std::size_t k = 0, rank = first.size() + second.size(); k < rank; ++k)
        axes.push_back(static_cast<std::ptrdiff_t>((first.size() + k) % rank));
      return permute(std::move(stacked), std::move(axes), at_.where_);
    }

   private:
    const Evaluation& at_;
    Shape result_, input_;
    bool by_rows_;
    std::size_t count_ = 0;
    Array<T> array_;
    Vars<T> parts_;
  };
  static Variable<T> unit(const Shape& shape, std::size_t k) {
    Array<T> seed = zeros<T>(shape, Where{});
    seed.data()[k] = 1;
    return Variable<T>(std::move(seed));
  }

  const engine::Recording recording_;
  const char* who_;
  Where where_;
  bool differentiable_;

 public:
  Vars<T> x;  ///< the inputs, independent of one another
  Variable<T> y;
};

}  // namespace

void detail::wrong_count(const char* who, std::size_t given, Where where) {
  throw ValueError(where, who,
                   fmt::format("{} input{} given; the function must take as many", given, given == 1 ? " is" : "s are"));
}

template <class T>
WithValue<T, Vars<T>> detail::value_and_grad(const VectorFunction<T>& f, const Vars<T>& x, FunctionalOptions options, Where where) {
  const Evaluation<T> at(f, x, options, "value_and_grad", where);
  at.need_scalar();
  return {at.out(at.y), at.gradients(at.differentiable())};
}

template <class T>
WithValue<T, Vars<T>> detail::vjp(const VectorFunction<T>& f, const Vars<T>& x, const Variable<T>& v, FunctionalOptions options,
                                  Where where) {
  const Evaluation<T> at(f, x, options, "vjp", where);
  at.need_shape(v, at.y.shape(), "v", "the function's result");
  return {at.out(at.y), at.pull({at.y}, {v}, at.x, false, at.differentiable())};
}

template <class T>
WithValue<T, Variable<T>> detail::jvp(const VectorFunction<T>& f, const Vars<T>& x, const Vars<T>& v, FunctionalOptions options,
                                      Where where) {
  const Evaluation<T> at(f, x, options, "jvp", where);
  at.need_vectors(v);
  const Variable<T> u(ones<T>(at.y.shape(), Where{}), true, where);  // whatever its value: the gradient is linear in it
  const Vars<T> g = at.pull({at.y}, {u}, at.x, true, true);
  return {at.out(at.y), at.pull(g, v, {u}, false, at.differentiable())[0]};
}

template <class T>
WithValue<T, Vars<T>> detail::hvp(const VectorFunction<T>& f, const Vars<T>& x, const Vars<T>& v, FunctionalOptions options,
                                  Where where) {
  const Evaluation<T> at(f, x, options, "hvp", where);
  at.need_scalar();
  at.need_vectors(v);
  const Vars<T> g = at.gradients(true);
  return {at.out(at.y), at.pull(g, v, at.x, false, at.differentiable())};
}

template <class T>
Vars<T> detail::jacobian(const VectorFunction<T>& f, const Vars<T>& x, FunctionalOptions options, Where where) {
  const Evaluation<T> at(f, x, options, "jacobian", where);
  std::size_t inputs = 0;
  for (const Variable<T>& input : at.x) inputs += input.size();
  if (2 * inputs < at.y.size()) return at.columns();
  return at.blocks({at.y})[0];
}

template <class T>
std::vector<Vars<T>> detail::hessian(const VectorFunction<T>& f, const Vars<T>& x, FunctionalOptions options, Where where) {
  const Evaluation<T> at(f, x, options, "hessian", where);
  at.need_scalar();
  return at.blocks(at.gradients(true));
}

#define XGRAD_INSTANTIATE(T)                                                                                                     \
  template WithValue<T, Vars<T>> detail::value_and_grad<T>(const VectorFunction<T>&, const Vars<T>&, FunctionalOptions, Where);  \
  template WithValue<T, Vars<T>> detail::vjp<T>(const VectorFunction<T>&, const Vars<T>&, const Variable<T>&, FunctionalOptions, \
                                                Where);                                                                          \
  template WithValue<T, Variable<T>> detail::jvp<T>(const VectorFunction<T>&, const Vars<T>&, const Vars<T>&, FunctionalOptions, \
                                                    Where);                                                                      \
  template WithValue<T, Vars<T>> detail::hvp<T>(const VectorFunction<T>&, const Vars<T>&, const Vars<T>&, FunctionalOptions,     \
                                                Where);                                                                          \
  template Vars<T> detail::jacobian<T>(const VectorFunction<T>&, const Vars<T>&, FunctionalOptions, Where);                      \
  template std::vector<Vars<T>> detail::hessian<T>(const VectorFunction<T>&, const Vars<T>&, FunctionalOptions, Where);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad

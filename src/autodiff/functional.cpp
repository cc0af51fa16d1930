#include <xgrad/autodiff/functional.hpp>

#include <fmt/format.h>
#include <algorithm>

#include <xgrad/ops/shape.hpp>

#include "../kernels/array/permute.hpp"
#include "../ops/families.hpp"
#include "../ops/support.hpp"
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
  Evaluation(const detail::VectorFunction<T>& f, const Vars<T>& point, FunctionalOptions options, const char* who, Where at)
      : who_(who), where_(at), differentiable_(options.create_graph && recording_.was()) {
    if (point.empty()) throw ValueError(at, who, "there are no inputs to differentiate for; there must be at least one");
    for (std::size_t k = 0; k < point.size(); ++k) {
      if (!point[k].defined())
        throw GraphError(at, who, fmt::format("x[{}] is an undefined Variable; it must have a value before it is used", k));
      x.push_back(engine::independent(point[k], differentiable_, at));
    }
    y = f(x);
    if (!y.defined()) throw GraphError(at, who, "the function returned an undefined Variable; it must have a value");
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
      Vars<T>& of_inputs = all.emplace_back();
      if (!differentiable_) {
        std::vector<Array<T>> matrices = rows(result, x);
        for (std::size_t j = 0; j < x.size(); ++j) {
          matrices[j].reshape(joined(result.shape(), x[j].shape()));
          of_inputs.emplace_back(std::move(matrices[j]));
        }
        continue;
      }
      std::vector<Vars<T>> parts(x.size());
      for (const Variable<T>& input : x) check(joined(result.shape(), input.shape()));
      for (std::size_t k = 0; k < result.size(); ++k) {
        const Vars<T> row = pull({result}, {unit(result.shape(), k)}, x, true, true);
        for (std::size_t j = 0; j < x.size(); ++j) parts[j].push_back(row[j]);
      }
      for (std::size_t j = 0; j < x.size(); ++j)
        of_inputs.push_back(apply(StackRows<T>{joined(result.shape(), x[j].shape())}, std::move(parts[j]), where_));
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
      const Shape &result = y.shape(), &input = x[j].shape();
      if (!differentiable_) {
        const Array<T> turned = std::move(rows(g[j], {u})[0]);
        Array<T> array = detail::placed(where_, who_, [&] { return make_array<T>(joined(result, input)); });
        const std::size_t order[]{1, 0};
        kernels::permute(turned.data(), array.data(), turned.shape().data(), order, 2);
        arrays.emplace_back(std::move(array));
        continue;
      }
      check(joined(result, input));
      Vars<T> parts;
      for (std::size_t k = 0; k < x[j].size(); ++k) parts.push_back(pull({g[j]}, {unit(input, k)}, {u}, true, true)[0]);
      std::vector<std::ptrdiff_t> axes;  // those of the result before those of the input
      for (std::size_t k = 0, rank = result.size() + input.size(); k < rank; ++k)
        axes.push_back(static_cast<std::ptrdiff_t>((input.size() + k) % rank));
      arrays.push_back(permute(apply(StackRows<T>{joined(input, result)}, std::move(parts), where_), std::move(axes), where_));
    }
    return arrays;
  }

 private:
  /// Throws where there can be no array of this shape.
  void check(const Shape& shape) const {
    detail::placed(where_, who_, [&] { check_size(shape, sizeof(T)); });
  }
  /// For each target a matrix: a row of derivatives for each element of a result.
  std::vector<Array<T>> rows(const Variable<T>& of, const Vars<T>& targets) const {
    for (const Variable<T>& target : targets) check(joined(of.shape(), target.shape()));
    std::vector<Array<T>> matrices;
    if (!of.requires_grad()) {
      for (const Variable<T>& target : targets) matrices.push_back(zeros<T>(Shape{of.size(), target.size()}, where_));
      return matrices;
    }
    std::vector<Ref<Node<T>>> nodes;
    for (const Variable<T>& target : targets) nodes.push_back(target.node());
    return detail::placed(where_, who_,
                          [&] { return engine::jacobian<T>(of.node(), nodes, {.retain = true, .who = who_, .where = where_}); });
  }
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

void detail::wrong_count(const char* who, std::size_t given, Where at) {
  throw ValueError(at, who, fmt::format("{} input{} given; the function must take as many", given, given == 1 ? " is" : "s are"));
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

#include <xgrad/autodiff/functional.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <cstring>

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

// Rows of a matrix, whatever the shapes: a family closed under differentiation, for Jacobians that are differentiated again.

template <class T>
Variable<T> row_of(Variable<T> matrix, std::size_t k, const Shape& shape, Where where);
template <class T>
Variable<T> place_row(Variable<T> row, std::size_t k, const Shape& shape, Where where);

void copy_row(void* to, const void* from, std::size_t bytes) {
  if (bytes != 0) std::memcpy(to, from, bytes);
}

template <class T>
struct StackRows {
  static constexpr std::string_view name = "jacobian";
  Shape shape;
  std::uint32_t uses(std::size_t) const { return use::none; }
  Result<T> forward(Inputs<T> in) {
    Array<T> out = make_array<T>(shape);
    for (std::size_t k = 0; k < in.size(); ++k) copy_row(out.data() + k * in[k].size(), in[k].data(), in[k].size() * sizeof(T));
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t i) const {
    return row_of(g, i, c.input_shape(i), c.where());
  }
};
template <class T>
struct RowOf {
  static constexpr std::string_view name = "jacobian";
  static constexpr std::array uses{use::none};
  std::size_t k;
  Shape shape;
  Result<T> forward(Inputs<T> in) {
    Array<T> out = make_array<T>(shape);
    copy_row(out.data(), in[0].data() + k * out.size(), out.size() * sizeof(T));
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    return place_row(g, k, c.input_shape(0), c.where());
  }
};
template <class T>
struct PlaceRow {
  static constexpr std::string_view name = "jacobian";
  static constexpr std::array uses{use::none};
  std::size_t k;
  Shape shape;
  Result<T> forward(Inputs<T> in) {
    Array<T> out = zeros<T>(shape, Where{});
    copy_row(out.data() + k * in[0].size(), in[0].data(), in[0].size() * sizeof(T));
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    return row_of(g, k, c.input_shape(0), c.where());
  }
};
template <class T>
Variable<T> row_of(Variable<T> matrix, std::size_t k, const Shape& shape, Where where) {
  return apply(RowOf<T>{k, shape}, {std::move(matrix)}, where);
}
template <class T>
Variable<T> place_row(Variable<T> row, std::size_t k, const Shape& shape, Where where) {
  return apply(PlaceRow<T>{k, shape}, {std::move(row)}, where);
}

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

  /// Jacobians of several results: blocks[i][j] for result i and input j.
  std::vector<Vars<T>> blocks(const Vars<T>& results) const {
    std::vector<Vars<T>> all;
    for (const Variable<T>& result : results) {
      std::vector<Vars<T>> rows(x.size());
      Vars<T> arrays;
      for (const Variable<T>& input : x)
        arrays.emplace_back(differentiable_ ? Array<T>() : block_of(result.shape(), input.shape()));
      for (std::size_t k = 0; k < result.size(); ++k) {
        const Vars<T> row = pull({result}, {unit(result.shape(), k)}, x, true, differentiable_);
        for (std::size_t j = 0; j < x.size(); ++j)
          if (differentiable_)
            rows[j].push_back(row[j]);
          else
            copy_row(arrays[j].storage()->array.data() + k * row[j].size(), row[j].value().data(), row[j].size() * sizeof(T));
      }
      if (differentiable_)
        for (std::size_t j = 0; j < x.size(); ++j)
          arrays[j] = apply(StackRows<T>{joined(result.shape(), x[j].shape())}, std::move(rows[j]), where_);
      all.push_back(std::move(arrays));
    }
    return all;
  }

  /// The Jacobians column by column, where there are fewer of them than rows.
  Vars<T> columns() const {
    const Variable<T> u(ones<T>(y.shape(), Where{}), true, where_);
    const Vars<T> g = pull({y}, {u}, x, true, true);
    Vars<T> arrays;
    for (std::size_t j = 0; j < x.size(); ++j) {
      Array<T> block = block_of(y.shape(), x[j].shape());
      const std::size_t count = x[j].size();
      for (std::size_t k = 0; k < count; ++k) {
        const Variable<T> column = pull({g[j]}, {unit(x[j].shape(), k)}, {u}, true, false)[0];
        for (std::size_t i = 0; i < y.size(); ++i) block.data()[i * count + k] = column.value().data()[i];
      }
      arrays.emplace_back(std::move(block));
    }
    return arrays;
  }

 private:
  Array<T> block_of(const Shape& result, const Shape& input) const {
    try {
      return make_array<T>(joined(result, input));
    } catch (...) {
      detail::rethrow(where_, who_);
    }
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
  if (!at.differentiable() && 2 * inputs < at.y.size()) return at.columns();
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

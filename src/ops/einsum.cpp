// Products along named axes, all by way of matmul.
#include <fmt/format.h>
#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include <xgrad/graph/apply.hpp>
#include <xgrad/ops/arithmetic.hpp>
#include <xgrad/ops/linalg.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include "support.hpp"

namespace xgrad {
using namespace detail;

namespace {

/// A letter's code, or `dots` and more for the axes of "...", from the last.
using Name = int;
using Names = std::vector<Name>;
constexpr Name dots = 256;

bool has(const Names& names, Name name) { return std::find(names.begin(), names.end(), name) != names.end(); }
std::size_t place_of(const Names& names, Name name) {
  return static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
}
template <class F>
Names those(const Names& names, F which) {
  Names result;
  std::copy_if(names.begin(), names.end(), std::back_inserter(result), which);
  return result;
}
Names operator+(Names a, const Names& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// An array whose axes have names, no two the same.
template <class T>
struct Named {
  Variable<T> x;
  Names names;

  std::size_t length(Name name) const { return x.shape()[place_of(names, name)]; }
  std::size_t lengths(const Names& of) const {
    Shape shape;
    for (const Name name : of) shape.push_back(length(name));
    return size_of(shape);
  }
};

template <class T>
Named<T> arrange(Named<T> a, const Names& order, Where at) {
  if (a.names == order) return a;
  std::vector<std::ptrdiff_t> axes;
  for (const Name name : order) axes.push_back(static_cast<std::ptrdiff_t>(place_of(a.names, name)));
  return {permute(std::move(a.x), std::move(axes), at), order};
}
template <class T>
Variable<T> shaped(Variable<T> x, const Shape& shape, Where at) {
  return x.shape() == shape ? x : reshape(std::move(x), shape, at);
}
/// With an axis for each of `all`, of length 1 where a has none.
template <class T>
Variable<T> widen(Named<T> a, const Names& all, Where at) {
  const Names order = those(all, [&](Name n) { return has(a.names, n); });
  a = arrange(std::move(a), order, at);
  Shape shape;
  for (const Name name : all) shape.push_back(has(a.names, name) ? a.length(name) : 1);
  return shaped(std::move(a.x), shape, at);
}
/// Sums over all axes but those in `kept`.
template <class T>
Named<T> sum_others(Named<T> a, const Names& kept, Where at) {
  std::vector<std::ptrdiff_t> axes;
  for (std::size_t k = 0; k < a.names.size(); ++k)
    if (!has(kept, a.names[k])) axes.push_back(static_cast<std::ptrdiff_t>(k));
  if (axes.empty()) return a;
  return {sum(std::move(a.x), Axes(std::move(axes)), {}, at), those(a.names, [&](Name n) { return has(kept, n); })};
}

/// The product of a and b, summed over the names that are not `needed`.
template <class T>
Named<T> contract(Named<T> a, Named<T> b, const Names& needed, Where at) {
  a = sum_others(std::move(a), needed + b.names, at);
  b = sum_others(std::move(b), needed + a.names, at);
  const Names both = those(a.names, [&](Name n) { return has(b.names, n); });
  const Names batch = those(both, [&](Name n) { return has(needed, n); });
  const Names summed = those(both, [&](Name n) { return !has(needed, n); });
  const Names rows = those(a.names, [&](Name n) { return !has(both, n); });
  const Names columns = those(b.names, [&](Name n) { return !has(both, n); });
  const Names result = batch + rows + columns;
  Shape shape;
  for (const Name n : batch + rows) shape.push_back(a.length(n));
  for (const Name n : columns) shape.push_back(b.length(n));

  if (summed.empty() || (rows.empty() && columns.empty() && !batch.empty())) {  // a matrix product would have 1 × 1 matrices
    const Names all = batch + rows + columns + summed;
    Variable<T> product = mul(widen(std::move(a), all, at), widen(std::move(b), all, at), at);
    return sum_others(Named<T>{std::move(product), all}, result, at);
  }

  // (batch, rows, summed) times (batch, summed, columns), each taken transposed where it lies so already.
  const bool transpose_a = a.names == batch + summed + rows && !rows.empty();
  const bool transpose_b = b.names == batch + columns + summed && !columns.empty();
  if (!transpose_a) a = arrange(std::move(a), batch + rows + summed, at);
  if (!transpose_b) b = arrange(std::move(b), batch + summed + columns, at);
  std::size_t m = 0, k = 0, n = 0;
  Shape left;
  placed(at, "einsum", [&] {
    m = a.lengths(rows);
    k = a.lengths(summed);
    n = b.lengths(columns);
    if (!batch.empty()) left.push_back(a.lengths(batch));
  });
  Shape right = left;
  for (const std::size_t length : {transpose_a ? k : m, transpose_a ? m : k}) left.push_back(length);
  for (const std::size_t length : {transpose_b ? n : k, transpose_b ? k : n}) right.push_back(length);
  Variable<T> product = matmul(shaped(std::move(a.x), left, at), shaped(std::move(b.x), right, at),
                               {.transpose_a = transpose_a, .transpose_b = transpose_b}, at);
  return {shaped(std::move(product), shape, at), result};
}

/// What an equation says.
struct Equation {
  std::vector<Names> inputs;
  Names output;
};

[[noreturn]] void bad(std::string_view equation, const std::string& what) {
  throw ValueError(fmt::format("\"{}\": {}", equation, what));
}

/// One operand's subscripts, or the result's. An operand with "..." has `rank` axes; those of the result are `dots_rank` many.
class Subscripts {
 public:
  Subscripts(std::string_view equation, std::string_view text) : text_(text) {
    for (std::size_t k = 0; k < text.size(); ++k) {
      if (text[k] == ' ') continue;
      if (text.substr(k, 3) == "...") {
        if (ellipsis_) bad(equation, fmt::format("\"{}\" has \"...\" twice; it must have it once at most", text));
        ellipsis_ = letters_.size();
        k += 2;
      } else if ((text[k] >= 'a' && text[k] <= 'z') || (text[k] >= 'A' && text[k] <= 'Z')) {
        letters_.push_back(text[k]);
      } else {
        bad(equation, fmt::format("it has '{}'; it must be made of letters, \"...\", commas and one \"->\"", text[k]));
      }
    }
  }
  std::string_view text() const { return text_; }
  bool ellipsis() const { return ellipsis_.has_value(); }
  const Names& letters() const { return letters_; }
  /// With "..." standing for `count` axes.
  Names expand(std::size_t count) const {
    Names names = letters_;
    if (!ellipsis_) return names;
    Names axes;
    for (std::size_t k = count; k-- > 0;) axes.push_back(dots + static_cast<Name>(k));
    names.insert(names.begin() + static_cast<std::ptrdiff_t>(*ellipsis_), axes.begin(), axes.end());
    return names;
  }

 private:
  std::string_view text_;
  Names letters_;
  std::optional<std::size_t> ellipsis_;
};

Equation parse(std::string_view equation, const std::vector<Shape>& shapes) {
  const std::size_t arrow = equation.find("->");
  std::string_view left = equation.substr(0, arrow);
  std::vector<Subscripts> inputs;
  for (std::size_t comma = 0; comma != std::string_view::npos; left.remove_prefix(comma + 1)) {
    comma = left.find(',');
    inputs.emplace_back(equation, left.substr(0, comma));
    if (comma == std::string_view::npos) break;
  }
  if (inputs.size() != shapes.size())
    bad(equation, fmt::format("it names {} operands, {} are given; they must be as many", inputs.size(), shapes.size()));

  Equation result;
  std::size_t most = 0;  // axes that "..." stands for
  bool ellipsis = false;
  std::map<Name, int> times;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Subscripts& s = inputs[i];
    const std::size_t rank = shapes[i].size(), named = s.letters().size();
    if (s.ellipsis() ? rank < named : rank != named)
      throw ShapeError(fmt::format("operand {} is {}; its axes, {}, must be as many as \"{}\" names {}", i, to_string(shapes[i]),
                                   rank, s.text(), named));
    result.inputs.push_back(s.expand(rank - named));
    if (s.ellipsis()) most = std::max(most, rank - named);
    ellipsis = ellipsis || s.ellipsis();
    for (const Name name : s.letters()) ++times[name];
  }
  if (arrow == std::string_view::npos) {
    for (std::size_t k = most; k-- > 0;) result.output.push_back(dots + static_cast<Name>(k));
    for (const auto& [name, count] : times)
      if (count == 1) result.output.push_back(name);
    return result;
  }
  const Subscripts output(equation, equation.substr(arrow + 2));
  if (ellipsis && most > 0 && !output.ellipsis()) bad(equation, "an operand has \"...\", the result has not; it must have it too");
  for (const Name name : output.letters()) {
    if (!times.contains(name))
      bad(equation, fmt::format("the result has '{}', no operand has; one must have it", static_cast<char>(name)));
    if (std::count(output.letters().begin(), output.letters().end(), name) > 1)
      bad(equation, fmt::format("the result has '{}' twice; it must have each letter once", static_cast<char>(name)));
  }
  result.output = output.expand(most);
  return result;
}

/// Axes of one name become their diagonal.
template <class T>
Named<T> take_diagonals(Variable<T> x, Names names, Where at) {
  for (std::size_t k = 0; k < names.size();) {
    const std::size_t twin = k + 1 + place_of(Names(names.begin() + static_cast<std::ptrdiff_t>(k) + 1, names.end()), names[k]);
    if (twin == names.size()) {
      ++k;
      continue;
    }
    x = diagonal(std::move(x), 0, static_cast<int>(k), static_cast<int>(twin), at);
    const Name name = names[k];
    names.erase(names.begin() + static_cast<std::ptrdiff_t>(twin));
    names.erase(names.begin() + static_cast<std::ptrdiff_t>(k));
    names.push_back(name);
    k = 0;
  }
  return {std::move(x), std::move(names)};
}

/// The length of each name; a length of 1 gives way to another one.
std::map<Name, std::size_t> lengths_of(const Equation& equation, const std::vector<Shape>& shapes) {
  std::map<Name, std::size_t> lengths;
  for (std::size_t i = 0; i < shapes.size(); ++i)
    for (std::size_t k = 0; k < shapes[i].size(); ++k) {
      const Name name = equation.inputs[i][k];
      const std::size_t length = shapes[i][k];
      for (std::size_t j = 0; j < k; ++j)
        if (equation.inputs[i][j] == name && shapes[i][j] != length)
          throw ShapeError(fmt::format("operand {} is {}, axes {} and {} have one letter; their lengths must be equal", i,
                                       to_string(shapes[i]), j, k));
      const auto [known, is_new] = lengths.try_emplace(name, length);
      if (is_new || known->second == length || length == 1) continue;
      if (known->second != 1)
        throw ShapeError(fmt::format(
            "operand {} is {}: the length of its axis {} is {}, but {} {} in an operand before; they must be equal, or 1", i,
            to_string(shapes[i]), k, length,
            name >= dots ? std::string("this axis of \"...\" has") : fmt::format("'{}' has", static_cast<char>(name)),
            known->second));
      known->second = length;
    }
  return lengths;
}

/// How many multiplications the product of a and b takes.
template <class T>
double cost(const Named<T>& a, const Named<T>& b) {
  double product = static_cast<double>(a.x.size());
  for (const Name n : b.names)
    if (!has(a.names, n)) product *= static_cast<double>(b.length(n));
  return product;
}

/// Multiplies all operands, the cheapest pair first, until one is left.
template <class T>
Named<T> contract_all(std::vector<Named<T>> operands, const Names& output, Where at) {
  while (operands.size() > 1) {
    std::size_t first = 0, second = 1;
    for (std::size_t i = 0; i < operands.size(); ++i)
      for (std::size_t j = i + 1; j < operands.size(); ++j)
        if (cost(operands[i], operands[j]) < cost(operands[first], operands[second])) {
          first = i;
          second = j;
        }
    Named<T> a = std::move(operands[first]), b = std::move(operands[second]);
    operands.erase(operands.begin() + static_cast<std::ptrdiff_t>(second));
    operands.erase(operands.begin() + static_cast<std::ptrdiff_t>(first));
    Names needed = output;
    for (const Named<T>& other : operands) needed = needed + other.names;
    operands.push_back(contract(std::move(a), std::move(b), needed, at));
  }
  return arrange(sum_others(std::move(operands[0]), output, at), output, at);
}

}  // namespace

template <class T>
Variable<T> einsum(std::string_view text, std::vector<Variable<T>> operands, Where at) try {
  std::vector<Shape> shapes;
  for (const Variable<T>& x : operands) shapes.push_back(shape_of(x, at));
  std::map<Name, std::size_t> lengths;
  const Equation equation = placed(at, "einsum", [&] {
    Equation parsed = parse(text, shapes);
    lengths = lengths_of(parsed, shapes);
    return parsed;
  });
  std::vector<Named<T>> named;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    Named<T> operand = take_diagonals(std::move(operands[i]), equation.inputs[i], at);
    // An axis of length 1 that broadcasts is as good as none.
    Names kept = those(operand.names, [&](Name n) { return operand.length(n) == lengths[n]; });
    Shape shape;
    for (const Name n : kept) shape.push_back(lengths[n]);
    named.push_back({shaped(std::move(operand.x), shape, at), std::move(kept)});
  }
  return contract_all(std::move(named), equation.output, at).x;
} catch (Error& error) {
  called(error, at);
}

template <class T>
Variable<T> tensordot(Variable<T> a, std::type_identity_t<Variable<T>> b, std::vector<std::ptrdiff_t> a_axes,
                      std::vector<std::ptrdiff_t> b_axes, Where at) try {
  const Shape &left = shape_of(a, at), &right = shape_of(b, at);
  Names a_names, b_names, output;
  placed(at, "tensordot", [&] {
    if (a_axes.size() != b_axes.size())
      throw ShapeError(fmt::format("{} axes of a and {} axes of b are given; they must be as many", a_axes.size(), b_axes.size()));
    static_cast<void>(Axes(a_axes).flags(left.size()));
    static_cast<void>(Axes(b_axes).flags(right.size()));
    for (std::size_t k = 0; k < left.size(); ++k) a_names.push_back(static_cast<Name>(k));
    for (std::size_t k = 0; k < right.size(); ++k) b_names.push_back(static_cast<Name>(left.size() + k));
    output = a_names + b_names;
    for (std::size_t k = 0; k < a_axes.size(); ++k) {
      const std::size_t i = normalise_axis(a_axes[k], left.size()), j = normalise_axis(b_axes[k], right.size());
      if (left[i] != right[j])
        throw ShapeError(fmt::format("a is {}, b is {}; a.shape[{}] = {} must equal b.shape[{}] = {}", to_string(left),
                                     to_string(right), i, left[i], j, right[j]));
      output = those(output, [&](Name n) { return n != a_names[i] && n != b_names[j]; });
      b_names[j] = a_names[i];
    }
    return 0;
  });
  Named<T> product = contract(Named<T>{std::move(a), a_names}, Named<T>{std::move(b), b_names}, output, at);
  return arrange(std::move(product), output, at).x;
} catch (Error& error) {
  called(error, at);
}

template <class T>
Variable<T> tensordot(Variable<T> a, std::type_identity_t<Variable<T>> b, int axes, Where at) try {
  const Shape &left = shape_of(a, at), &right = shape_of(b, at);
  if (axes < 0 || static_cast<std::size_t>(axes) > std::min(left.size(), right.size()))
    throw ShapeError(
        at, "tensordot",
        fmt::format("a is {}, b is {}; each must have the {} axes to sum over", to_string(left), to_string(right), axes));
  std::vector<std::ptrdiff_t> a_axes, b_axes;
  for (int k = 0; k < axes; ++k) {
    a_axes.push_back(static_cast<std::ptrdiff_t>(left.size()) - axes + k);
    b_axes.push_back(k);
  }
  return tensordot(std::move(a), std::move(b), std::move(a_axes), std::move(b_axes), at);
} catch (Error& error) {
  called(error, at);
}

template <class T>
Variable<T> dot(Variable<T> a, std::type_identity_t<Variable<T>> b, Where at) try {
  const std::size_t m = shape_of(a, at).size(), n = shape_of(b, at).size();
  if (m == 0 || n == 0) return mul(std::move(a), std::move(b), at);
  const std::ptrdiff_t a_axis = static_cast<std::ptrdiff_t>(m) - 1, b_axis = n == 1 ? 0 : static_cast<std::ptrdiff_t>(n) - 2;
  if (a.shape()[m - 1] != b.shape()[static_cast<std::size_t>(b_axis)])
    throw ShapeError(
        at, "dot",
        fmt::format("a is {}, b is {}; a.shape[{}] = {} must equal b.shape[{}] = {}", to_string(a.shape()), to_string(b.shape()),
                    a_axis, a.shape()[m - 1], b_axis, b.shape()[static_cast<std::size_t>(b_axis)]));
  if (m <= 2 && n <= 2) return matmul(std::move(a), std::move(b), {}, at);
  return tensordot(std::move(a), std::move(b), {a_axis}, {b_axis}, at);
} catch (Error& error) {
  called(error, at);
}

template <class T>
Variable<T> outer(Variable<T> a, std::type_identity_t<Variable<T>> b, Where at) try {
  static_cast<void>(shape_of(a, at)), static_cast<void>(shape_of(b, at));
  const std::size_t m = a.size(), n = b.size();
  return matmul(reshape(std::move(a), Shape{m, 1}, at), reshape(std::move(b), Shape{1, n}, at), {}, at);
} catch (Error& error) {
  called(error, at);
}

template <class T>
Variable<T> trace(Variable<T> x, std::ptrdiff_t offset, int axis1, int axis2, Where at) try {
  if (const Shape& shape = shape_of(x, at); shape.size() < 2)
    throw ShapeError(at, "trace", fmt::format("x is {}; it must have two axes at least", to_string(shape)));
  return sum(diagonal(std::move(x), offset, axis1, axis2, at), -1, {}, at);
} catch (Error& error) {
  called(error, at);
}

#define XGRAD_INSTANTIATE(T)                                                                                                    \
  template Variable<T> einsum<T>(std::string_view, std::vector<Variable<T>>, Where);                                            \
  template Variable<T> tensordot<T>(Variable<T>, Variable<T>, int, Where);                                                      \
  template Variable<T> tensordot<T>(Variable<T>, Variable<T>, std::vector<std::ptrdiff_t>, std::vector<std::ptrdiff_t>, Where); \
  template Variable<T> dot<T>(Variable<T>, Variable<T>, Where);                                                                 \
  template Variable<T> outer<T>(Variable<T>, Variable<T>, Where);                                                               \
  template Variable<T> trace<T>(Variable<T>, std::ptrdiff_t, int, int, Where);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad

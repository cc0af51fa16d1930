#pragma once
/// A row per operation and way of calling it: what tests/ops.cpp checks of every operation. A new operation gets its row here.
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <xgrad/xgrad.hpp>

#include "naive.hpp"

namespace op_table {

using namespace xgrad;
using naive::A;
using In = const std::vector<A>&;

/// Where an input's elements lie: uniform in [low, high), at least 0.05 from `avoid`.
struct Domain {
  double low = -2, high = 2, avoid = 1e9;
};

/// What a gradient may keep: inputs, the output, and anything else (copies in another shape, masks).
constexpr std::uint32_t a = use::input(0), b = use::input(1), c = use::input(2), y = use::output, other = 1u << 30, none = 0;

struct Row {
  std::string op;    ///< the public function that it covers
  std::string name;  ///< of the row
  std::function<Variable<double>(const std::vector<Variable<double>>&)> run;
  std::function<Variable<float>(const std::vector<Variable<float>>&)> run_float;
  std::function<A(In)> forward;                            ///< as plain loops …
  std::function<double(std::span<const double>)> formula;  ///< … or, for elementwise operations, of one element
  std::vector<Shape> shapes;                               ///< empty for elementwise operations: they are tried with many
  std::vector<Domain> domains;                             ///< of each input; the last is that of the rest too
  std::vector<std::uint32_t> kept;                         ///< by the gradient of each input
  bool distinct = false;                                   ///< no two elements of any of the inputs within 0.01 of one another
  bool allow_zero = false;                                 ///< the gradients may be all zero
};

struct Details {
  std::vector<std::uint32_t> kept;
  std::vector<Domain> domains = {{}};
  bool distinct = false, allow_zero = false;
};

template <class F>
Row elementwise_row(std::string op, std::string name, const F& f, std::function<double(std::span<const double>)> formula,
                    Details d) {
  return {.op = std::move(op),
          .name = std::move(name),
          .run = f,
          .run_float = f,
          .forward = {},
          .formula = std::move(formula),
          .shapes = {},
          .domains = d.domains,
          .kept = d.kept,
          .distinct = d.distinct,
          .allow_zero = d.allow_zero};
}
template <class F>
Row row(std::string op, std::string name, const F& f, std::vector<Shape> shapes, std::function<A(In)> forward, Details d) {
  return {.op = std::move(op),
          .name = std::move(name),
          .run = f,
          .run_float = f,
          .forward = std::move(forward),
          .formula = {},
          .shapes = std::move(shapes),
          .domains = d.domains,
          .kept = d.kept,
          .distinct = d.distinct,
          .allow_zero = d.allow_zero};
}

/// float or double, of a vector of Variables.
template <class X>
using Real = typename std::remove_cvref_t<X>::value_type::value_type;

/// A user's operation with its own kernel.
template <class T>
struct Cube {
  static constexpr std::string_view name = "cube";
  static constexpr std::array uses{use::input(0)};
  Result<T> forward(Inputs<T> in) {
    Array<T> out(in[0].shape());
    std::transform(in[0].data(), in[0].data() + out.size(), out.data(), [](T x) { return x * x * x; });
    return out;
  }
  Variable<T> vjp(const Context<T>& context, const Variable<T>& g, std::size_t) const { return 3 * g * square(context.input(0)); }
};
/// ... whose gradients share work.
template <class T>
struct ProductAndSum {  // a b + a
  static constexpr std::string_view name = "product_and_sum";
  static constexpr std::array uses{use::input(1), use::input(0)};
  Result<T> forward(Inputs<T> in) { return Array<T>(in[0] * in[1] + in[0]); }
  void vjps(const Context<T>& context, const Variable<T>& g, Gradients<T>& out) const {
    if (out.wants(0)) out.set(0, sum_to(g * (context.input(1) + 1), context.input_shape(0)));
    if (out.wants(1)) out.set(1, sum_to(g * context.input(0), context.input_shape(1)));
  }
};

/// A copy of the handle, to be consumed.
template <class T>
Variable<T> one_of(const Variable<T>& x) {
  return x;
}

/// A mask that differs from row to row and column to column.
inline Mask checker(const Shape& shape) {
  Mask mask(shape);
  for (std::size_t k = 0; k < mask.size(); ++k) mask.data()[k] = k % 3 != 1;
  return mask;
}

inline std::vector<Row> elementwise_rows() {
  using S = std::span<const double>;
  const Domain positive{0.3, 2}, not_zero{-2, 2, 0}, away{0.5, 2};
  std::vector<Row> rows;
  const auto add_row = [&](auto... args) { rows.push_back(elementwise_row(args...)); };
  // clang-format off
  add_row("add", "a + b", [](const auto& x) { return x[0] + x[1]; }, [](S x) { return x[0] + x[1]; }, Details{{none, none}});
  add_row("sub", "a - b", [](const auto& x) { return x[0] - x[1]; }, [](S x) { return x[0] - x[1]; }, Details{{none, none}});
  add_row("mul", "a * b", [](const auto& x) { return x[0] * x[1]; }, [](S x) { return x[0] * x[1]; }, Details{{b, a}});
  add_row("div", "a / b", [](const auto& x) { return x[0] / x[1]; }, [](S x) { return x[0] / x[1]; }, Details{{b, b | y}, {{}, away}});
  add_row("add", "add(a, b)", [](const auto& x) { return add(x[0], x[1]); }, [](S x) { return x[0] + x[1]; }, Details{{none, none}});
  add_row("add", "2 + a", [](const auto& x) { return 2 + x[0]; }, [](S x) { return x[0] + 2; }, Details{{none}});
  add_row("sub", "2.5 - a", [](const auto& x) { return 2.5 - x[0]; }, [](S x) { return 2.5 - x[0]; }, Details{{none}});
  add_row("sub", "a - 2.5", [](const auto& x) { return x[0] - 2.5; }, [](S x) { return x[0] - 2.5; }, Details{{none}});
  add_row("mul", "a * 3", [](const auto& x) { return x[0] * 3; }, [](S x) { return 3 * x[0]; }, Details{{none}});
  add_row("div", "a / 3", [](const auto& x) { return x[0] / 3; }, [](S x) { return x[0] / 3; }, Details{{none}});
  add_row("div", "3 / a", [](const auto& x) { return 3 / x[0]; }, [](S x) { return 3 / x[0]; }, Details{{a | y}, {away}});
  add_row("mul", "array * a", [](const auto& x) { return full<Real<decltype(x)>>(Shape{}, 2) * x[0]; }, [](S x) { return 2 * x[0]; }, Details{{none}});
  add_row("add", "a += b", [](const auto& x) { auto z = x[0]; z += x[1]; return z; }, [](S x) { return x[0] + x[1]; }, Details{{none, none}});
  add_row("sub", "a -= b", [](const auto& x) { auto z = x[0]; z -= x[1]; return z; }, [](S x) { return x[0] - x[1]; }, Details{{none, none}});
  add_row("mul", "a *= b", [](const auto& x) { auto z = x[0]; z *= x[1]; return z; }, [](S x) { return x[0] * x[1]; }, Details{{b, a}});
  add_row("div", "a /= b", [](const auto& x) { auto z = x[0]; z /= x[1]; return z; }, [](S x) { return x[0] / x[1]; }, Details{{b, b | y}, {{}, away}});
  add_row("mul", "a * a", [](const auto& x) { return x[0] * x[0]; }, [](S x) { return x[0] * x[0]; }, Details{{a}});
  add_row("neg", "-a", [](const auto& x) { return -x[0]; }, [](S x) { return -x[0]; }, Details{{none}});
  add_row("exp", "exp", [](const auto& x) { return exp(x[0]); }, [](S x) { return std::exp(x[0]); }, Details{{y}});
  add_row("log", "log", [](const auto& x) { return log(x[0]); }, [](S x) { return std::log(x[0]); }, Details{{a}, {positive}});
  add_row("sqrt", "sqrt", [](const auto& x) { return sqrt(x[0]); }, [](S x) { return std::sqrt(x[0]); }, Details{{y}, {positive}});
  add_row("square", "square", [](const auto& x) { return square(x[0]); }, [](S x) { return x[0] * x[0]; }, Details{{a}});
  add_row("abs", "abs", [](const auto& x) { return abs(x[0]); }, [](S x) { return std::abs(x[0]); }, Details{{a}, {not_zero}});
  add_row("tanh", "tanh", [](const auto& x) { return tanh(x[0]); }, [](S x) { return std::tanh(x[0]); }, Details{{y}});
  add_row("sigmoid", "sigmoid", [](const auto& x) { return sigmoid(x[0]); }, [](S x) { return 1 / (1 + std::exp(-x[0])); }, Details{{y}});
  add_row("relu", "relu", [](const auto& x) { return relu(x[0]); }, [](S x) { return std::max(x[0], 0.0); }, Details{{y}, {not_zero}, false, true});
  add_row("maximum", "maximum", [](const auto& x) { return maximum(x[0], x[1]); }, [](S x) { return std::max(x[0], x[1]); }, Details{{a | b, a | b}, {{}}, true, true});
  add_row("minimum", "minimum", [](const auto& x) { return minimum(x[0], x[1]); }, [](S x) { return std::min(x[0], x[1]); }, Details{{a | b, a | b}, {{}}, true, true});
  add_row("maximum", "maximum(0.1, a)", [](const auto& x) { return maximum(0.1, x[0]); }, [](S x) { return std::max(x[0], 0.1); }, Details{{a}, {{-2, 2, 0.1}}, false, true});
  add_row("minimum", "minimum(0.1, a)", [](const auto& x) { return minimum(0.1, x[0]); }, [](S x) { return std::min(x[0], 0.1); }, Details{{a}, {{-2, 2, 0.1}}, false, true});
  add_row("mse_loss", "mse_loss none", [](const auto& x) { return mse_loss(x[0], x[1], {.reduction = Reduction::none}); },
          [](S x) { return (x[0] - x[1]) * (x[0] - x[1]); }, Details{{a | b, a | b}});
  // users' formulas: the derivative found, and given
  add_row("elementwise", "softsign", [](const auto& x) { static const auto f = elementwise("softsign", [](auto u) { return u / (1 + abs(u)); }); return f(x[0]); },
          [](S x) { return x[0] / (1 + std::abs(x[0])); }, Details{{a | y}, {not_zero}});
  add_row("elementwise", "softsign, given",
          [](const auto& x) { static const auto f = elementwise("softsign", [](auto u) { return u / (1 + abs(u)); }, [](auto g, auto u) { return g / square(1 + abs(u)); }); return f(x[0]); },
          [](S x) { return x[0] / (1 + std::abs(x[0])); }, Details{{a}, {not_zero}});
  add_row("elementwise", "logistic, given by its output",
          [](const auto& x) { static const auto f = elementwise("logistic", [](auto u) { return 1 / (1 + exp(-u)); }, [](auto g, auto, auto v) { return g * v * (1 - v); }); return f(x[0]); },
          [](S x) { return 1 / (1 + std::exp(-x[0])); }, Details{{y}});
  add_row("elementwise", "hypotenuse, given",
          [](const auto& x) { static const auto f = elementwise("hypotenuse", [](auto u, auto v) { return sqrt(square(u) + square(v)); },
                                [](auto g, auto u, auto, auto r) { return g * u / r; }, [](auto g, auto, auto v, auto r) { return g * v / r; }); return f(x[0], x[1]); },
          [](S x) { return std::hypot(x[0], x[1]); }, Details{{a | y, b | y}, {away}});
  add_row("elementwise", "three inputs", [](const auto& x) { static const auto f = elementwise("three", [](auto u, auto v, auto w) { return u * exp(-square(v)) + log1p(square(w)) * u; }); return f(x[0], x[1], x[2]); },
          [](S x) { return x[0] * std::exp(-x[1] * x[1]) + std::log1p(x[2] * x[2]) * x[0]; }, Details{{b | c, a | b, a | c}});
  add_row("elementwise", "many primitives",
          [](const auto& x) { static const auto f = elementwise("many", [](auto u, auto v) { auto s = sin(u) * cos(v), t = rsqrt(1 + square(u)) + 1 / (2 + v * v); for (int k = 0; k < 2; ++k) s = s * t + expm1(u * 0.5); return where(u < v, s, pow(s, 3) * minimum(t, 10)) + clamp(u, -5, 5); });
                              return f(x[0], x[1]); },
          [](S x) { double u = x[0], v = x[1], s = std::sin(u) * std::cos(v), t = 1 / std::sqrt(1 + u * u) + 1 / (2 + v * v); for (int k = 0; k < 2; ++k) s = s * t + std::expm1(u * 0.5); return (u < v ? s : s * s * s * t) + u; },
          Details{{a | b, a | b}, {{}}, true});
  add_row("apply", "a user's kernel", [](const auto& x) { return apply(Cube<Real<decltype(x)>>{}, {one_of(x[0])}, Where::current()); }, [](S x) { return x[0] * x[0] * x[0]; }, Details{{a}});
  add_row("apply", "a user's shared vjps", [](const auto& x) { return apply(ProductAndSum<Real<decltype(x)>>{}, {one_of(x[0]), one_of(x[1])}, Where::current()); }, [](S x) { return x[0] * x[1] + x[0]; }, Details{{b, a}});
  // clang-format on
  return rows;
}

inline std::vector<Row> structural_rows() {
  std::vector<Row> rows;
  const auto add_row = [&](auto... args) { rows.push_back(row(args...)); };
  using Shapes = std::vector<Shape>;
  const Details keeps_nothing{{none}};
  const Labels labels = Labels{2, 0, 4};
  static const Labels grid = {{0, 2}, {1, 1}, {2, 0}};
  // clang-format off
  for (const Shape& s : Shapes{{3, 4}, {}, {2, 1, 3}, {4, 1}, {0, 3}, {1}}) {
    const auto n = static_cast<double>(size_of(s));
    add_row("where", "where(mask, a, b)", [s](const auto& x) { return where(checker(s), x[0], x[1]); }, Shapes{s, s},
        [s](In x) { return naive::fill(s, [&](const Shape& i) { return naive::at(checker(s), i) ? naive::at(x[0], i) : naive::at(x[1], i); }); }, Details{{other, other}, {{}}, false, true});
    add_row("where", "where(mask, a, number)", [s](const auto& x) { return where(checker(s), x[0], 7); }, Shapes{s},
        [s](In x) { return naive::fill(s, [&](const Shape& i) { return naive::at(checker(s), i) ? naive::at(x[0], i) : 7; }); }, Details{{other}, {{}}, false, true});
    add_row("where", "where(mask, number, a)", [s](const auto& x) { return where(checker(s), 7, x[0]); }, Shapes{s},
        [s](In x) { return naive::fill(s, [&](const Shape& i) { return naive::at(checker(s), i) ? 7 : naive::at(x[0], i); }); }, Details{{other}, {{}}, false, true});
    add_row("sum", "sum", [](const auto& x) { return sum(x[0]); }, Shapes{s}, [](In x) { return naive::total(x[0]); }, keeps_nothing);
    if (n > 0) add_row("mean", "mean", [](const auto& x) { return mean(x[0]); }, Shapes{s}, [n](In x) { return naive::total(x[0], n); }, keeps_nothing);
    add_row("flatten", "flatten all", [](const auto& x) { return flatten(x[0], 0); }, Shapes{s}, [](In x) { return naive::reshape(x[0], {x[0].size()}); }, keeps_nothing);
    add_row("transpose", "transpose", [](const auto& x) { return transpose(x[0]); }, Shapes{s},
        [](In x) { std::vector<std::size_t> axes; for (std::size_t k = x[0].dimension(); k-- > 0;) axes.push_back(k); return naive::permute(x[0], axes); }, keeps_nothing);
  }
  add_row("where", "where broadcasts", [](const auto& x) { return where(checker({4, 1, 1}), x[0], x[1]); }, Shapes{{2, 1}, {3}},
      [](In x) { return naive::fill({4, 2, 3}, [&](const Shape& i) { return naive::at(checker({4, 1, 1}), i) ? naive::at(x[0], i) : naive::at(x[1], i); }); }, Details{{other, other}});

  add_row("sum", "sum axis 0", [](const auto& x) { return sum(x[0], 0); }, Shapes{{3, 4}}, [](In x) { return naive::sum(x[0], {0}, {4}); }, keeps_nothing);
  add_row("sum", "sum axis -1", [](const auto& x) { return sum(x[0], -1); }, Shapes{{3, 4}}, [](In x) { return naive::sum(x[0], {1}, {3}); }, keeps_nothing);
  add_row("sum", "sum axes 0, 2", [](const auto& x) { return sum(x[0], {0, 2}); }, Shapes{{3, 4, 2}}, [](In x) { return naive::sum(x[0], {0, 2}, {4}); }, keeps_nothing);
  add_row("sum", "sum axes -1, 1 of 4", [](const auto& x) { return sum(x[0], {-1, 1}); }, Shapes{{2, 3, 2, 4}}, [](In x) { return naive::sum(x[0], {1, 3}, {2, 2}); }, keeps_nothing);
  add_row("sum", "sum keepdims", [](const auto& x) { return sum(x[0], {1}, {.keepdims = true}); }, Shapes{{3, 4, 2}}, [](In x) { return naive::sum(x[0], {1}, {3, 1, 2}); }, keeps_nothing);
  add_row("sum", "sum no elements", [](const auto& x) { return sum(x[0], 0); }, Shapes{{0, 4}}, [](In x) { return naive::sum(x[0], {0}, {4}); }, keeps_nothing);
  add_row("sum", "sum long", [](const auto& x) { return sum(x[0], 1); }, Shapes{{2, 255, 3}}, [](In x) { return naive::sum(x[0], {1}, {2, 3}); }, keeps_nothing);
  add_row("mean", "mean axis -2", [](const auto& x) { return mean(x[0], -2); }, Shapes{{2, 3, 4}}, [](In x) { return naive::sum(x[0], {1}, {2, 4}) / 3; }, keeps_nothing);
  add_row("mean", "mean keepdims", [](const auto& x) { return mean(x[0], {0, 2}, {.keepdims = true}); }, Shapes{{2, 3, 4}}, [](In x) { return naive::sum(x[0], {0, 2}, {1, 3, 1}) / 8; }, keeps_nothing);
  add_row("sum_to", "sum_to", [](const auto& x) { return sum_to(x[0], {3, 1}); }, Shapes{{2, 3, 4}}, [](In x) { return naive::reshape(naive::sum(x[0], {0, 2}, {3}), {3, 1}); }, keeps_nothing);
  add_row("sum_to", "sum_to a number", [](const auto& x) { return sum_to(x[0], {}); }, Shapes{{2, 3}}, [](In x) { return naive::total(x[0]); }, keeps_nothing);
  add_row("reshape", "reshape", [](const auto& x) { return reshape(x[0], {-1, 2, 2}); }, Shapes{{3, 4}}, [](In x) { return naive::reshape(x[0], {3, 2, 2}); }, keeps_nothing);
  add_row("reshape", "reshape to ()", [](const auto& x) { return reshape(x[0], {}); }, Shapes{{1, 1}}, [](In x) { return naive::reshape(x[0], {}); }, keeps_nothing);
  add_row("reshape", "reshape a last reference", [](const auto& x) { return reshape(exp(x[0]), {6}); }, Shapes{{2, 3}}, [](In x) { return A(xt::exp(naive::reshape(x[0], {6}))); }, Details{{other}});
  add_row("reshape", "reshape empty", [](const auto& x) { return reshape(x[0], {3, 0}); }, Shapes{{0, 5}}, [](In x) { return naive::reshape(x[0], {3, 0}); }, keeps_nothing);
  add_row("flatten", "flatten", [](const auto& x) { return flatten(x[0]); }, Shapes{{2, 3, 2}}, [](In x) { return naive::reshape(x[0], {2, 6}); }, keeps_nothing);
  add_row("permute", "permute", [](const auto& x) { return permute(x[0], {2, 0, -2}); }, Shapes{{2, 3, 4}}, [](In x) { return naive::permute(x[0], {2, 0, 1}); }, keeps_nothing);
  add_row("permute", "permute of 5", [](const auto& x) { return permute(x[0], {4, 1, 0, 3, 2}); }, Shapes{{2, 3, 1, 2, 2}}, [](In x) { return naive::permute(x[0], {4, 1, 0, 3, 2}); }, keeps_nothing);
  add_row("transpose", "transpose(axes)", [](const auto& x) { return transpose(x[0], {0, 2, 1}); }, Shapes{{2, 3, 4}}, [](In x) { return naive::permute(x[0], {0, 2, 1}); }, keeps_nothing);
  add_row("broadcast_to", "broadcast_to", [](const auto& x) { return broadcast_to(x[0], {2, 3, 4}); }, Shapes{{3, 1}}, [](In x) { return naive::fill({2, 3, 4}, [&](const Shape& i) { return naive::at(x[0], i); }); }, keeps_nothing);
  add_row("broadcast_to", "broadcast_to from ()", [](const auto& x) { return broadcast_to(x[0], {2, 3}); }, Shapes{{}}, [](In x) { return naive::fill({2, 3}, [&](const Shape& i) { return naive::at(x[0], i); }); }, keeps_nothing);
  add_row("broadcast_to", "broadcast_to empty", [](const auto& x) { return broadcast_to(x[0], {0, 3}); }, Shapes{{1, 3}}, [](In) { return zeros<double>({0, 3}); }, Details{{none}, {{}}, false, true});

  struct Product { Shape a, b; bool ta, tb; std::uint32_t keep_a, keep_b; };
  for (const auto& [sa, sb, ta, tb, ka, kb] : std::vector<Product>{
           {{2, 3}, {3, 4}, false, false, b, a}, {{3, 2}, {3, 4}, true, false, b, a}, {{2, 3}, {4, 3}, false, true, b, a}, {{3, 2}, {4, 3}, true, true, b, a},
           {{1, 5}, {5, 1}, false, false, b, a}, {{4}, {4}, false, false, other, other}, {{4}, {4, 2}, false, false, b, other}, {{3, 4}, {4}, false, false, other, a},
           {{4}, {2, 4}, false, true, b, other}, {{4, 3}, {4}, true, false, other, a}, {{4}, {3, 4, 2}, false, false, b, other}, {{2, 3, 4}, {4}, false, false, other, a},
           {{2, 3, 4}, {2, 4, 2}, false, false, b, a}, {{2, 3, 4}, {4, 2}, false, false, b, a}, {{3, 4}, {2, 4, 2}, false, false, b, a}, {{2, 1, 3, 2}, {3, 2, 4}, false, false, b, a},
           {{2, 4, 3}, {1, 4, 2}, true, false, b, a}, {{2, 3, 4}, {2, 4}, false, true, b, a}, {{2, 4, 3}, {3, 1, 2, 4}, true, true, b, a}, {{2, 4, 3}, {4, 2}, true, false, b, a},
           {{2, 0}, {0, 3}, false, false, b, a}, {{0, 2}, {2, 3}, false, false, b, a}, {{0, 2, 3}, {3, 2}, false, false, b, a}})
    add_row("matmul", "matmul " + to_string(sa) + (ta ? "ᵀ " : " ") + to_string(sb) + (tb ? "ᵀ" : ""),
        [ta = ta, tb = tb](const auto& x) { return matmul(x[0], x[1], {.transpose_a = ta, .transpose_b = tb}); }, Shapes{sa, sb},
        [ta = ta, tb = tb](In x) { return naive::matmul(x[0], x[1], ta, tb); }, Details{{ka, kb}, {{}}, false, sa.back() == 0 || sa[0] == 0});
  struct Layer { Shape x; std::uint32_t kept; };
  for (const auto& [shape, kept] : std::vector<Layer>{{{2, 3}, a}, {{3}, other}, {{2, 2, 3}, other}, {{0, 3}, a}}) {
    const auto reference = [](In x) { A r = naive::matmul(x[0], x[1], false, true); return x.size() == 3 ? A(r + x[2]) : r; };
    const bool empty = size_of(shape) == 0;
    add_row("linear", "linear " + to_string(shape), [](const auto& x) { return linear(x[0], x[1], x[2]); }, Shapes{shape, {4, 3}, {4}}, reference, Details{{b, kept, none}, {{}}, false, empty});
    add_row("linear", "linear without bias " + to_string(shape), [](const auto& x) { return linear(x[0], x[1]); }, Shapes{shape, {4, 3}}, reference, Details{{b, kept}, {{}}, false, empty});
  }

  struct Conv { Shape x, w; Extent2d stride, padding; };
  for (const auto& [sx, sw, stride, padding] : std::vector<Conv>{
           {{2, 4, 5, 2}, {3, 3, 3, 2}, 1, 0}, {{1, 5, 4, 2}, {2, 3, 3, 2}, 1, 1}, {{2, 6, 5, 1}, {2, 3, 2, 1}, {2, 1}, {1, 2}}, {{1, 7, 7, 1}, {1, 3, 3, 1}, 3, 0},
           {{2, 3, 3, 2}, {3, 1, 1, 2}, 1, 0}, {{1, 4, 4, 2}, {2, 1, 1, 2}, 2, 0}, {{1, 2, 2, 1}, {1, 3, 3, 1}, 1, {3, 2}}, {{1, 3, 4, 2}, {2, 3, 4, 2}, 1, 0}, {{0, 3, 3, 1}, {2, 2, 2, 1}, 1, 0}}) {
    const naive::Window window{stride.h, stride.w, padding.h, padding.w};
    const Conv2dOptions options{stride, padding};
    const Shape sy = naive::conv_shape(sx, sw, window);
    const bool empty = sx[0] == 0;
    const std::string what = to_string(sx) + " " + to_string(sw);
    add_row("conv2d", "conv2d " + what, [options](const auto& x) { return conv2d(x[0], x[1], options); }, Shapes{sx, sw}, [window](In x) { return naive::conv2d(x[0], x[1], window); }, Details{{b, a}, {{}}, false, empty});
    add_row("conv2d", "conv2d with bias " + what, [options](const auto& x) { return conv2d(x[0], x[1], x[2], options); }, Shapes{sx, sw, {sw[0]}}, [window](In x) { return naive::conv2d(x[0], x[1], window, &x[2]); }, Details{{b, a, none}, {{}}, false, empty});
    add_row("conv2d_input_grad", "conv2d_input_grad " + what, [sx = sx, options](const auto& x) { return conv2d_input_grad(x[0], x[1], sx, options); }, Shapes{sy, sw}, [sx = sx, window](In x) { return naive::conv2d_input_grad(x[0], x[1], sx, window); }, Details{{b, a}, {{}}, false, empty});
    add_row("conv2d_weight_grad", "conv2d_weight_grad " + what, [sw = sw, options](const auto& x) { return conv2d_weight_grad(x[0], x[1], sw, options); }, Shapes{sx, sy}, [sw = sw, window](In x) { return naive::conv2d_weight_grad(x[0], x[1], sw, window); }, Details{{b, a}, {{}}, false, empty});
  }
  struct Pool { Shape x; Extent2d size, stride; };
  for (const auto& [sx, size, stride] : std::vector<Pool>{{{2, 4, 4, 3}, 2, 2}, {{1, 5, 6, 2}, 3, 2}, {{1, 5, 5, 1}, 2, 2}, {{1, 4, 6, 2}, {1, 3}, {2, 1}}, {{1, 3, 3, 1}, 3, 1}, {{1, 5, 5, 1}, 1, 2}, {{0, 4, 4, 1}, 2, 2}})
    add_row("max_pool2d", "max_pool2d " + to_string(sx), [size = size, stride = stride](const auto& x) { return max_pool2d(x[0], size, {.stride = stride}); }, Shapes{sx},
        [size = size, stride = stride](In x) { return naive::max_pool2d(x[0], static_cast<std::size_t>(size.h), static_cast<std::size_t>(size.w), static_cast<std::size_t>(stride.h), static_cast<std::size_t>(stride.w)); },
        Details{{none}, {{}}, true, sx[0] == 0});
  add_row("max_pool2d", "max_pool2d of square", [](const auto& x) { return max_pool2d(square(x[0]), 2); }, Shapes{{1, 4, 4, 2}}, [](In x) { return naive::max_pool2d(A(xt::square(x[0])), 2, 2, 2, 2); }, Details{{a}, {{0.2, 2}}, true});
  add_row("max_pool2d", "max_pool2d default stride", [](const auto& x) { return max_pool2d(x[0], {2, 3}); }, Shapes{{1, 5, 6, 2}}, [](In x) { return naive::max_pool2d(x[0], 2, 3, 2, 3); }, Details{{none}, {{}}, true});

  struct Soft { Shape x; int axis; std::size_t k; std::uint32_t kept; };
  for (const auto& [s, axis, k, kept] : std::vector<Soft>{{{3, 4}, -1, 1, y}, {{4}, 0, 0, y}, {{3, 4}, 0, 0, other}, {{2, 3, 4}, -2, 1, other}, {{2, 3, 4}, 0, 0, other}, {{2, 9, 17}, 2, 2, y}, {{0, 3}, 1, 1, y}, {{3, 0}, 1, 1, y}}) {
    const bool empty = size_of(s) == 0;
    add_row("softmax", "softmax " + to_string(s) + " axis " + std::to_string(axis), [axis = axis](const auto& x) { return softmax(x[0], axis); }, Shapes{s}, [k = k](In x) { return naive::softmax(x[0], k); }, Details{{kept}, {{}}, false, empty});
    add_row("log_softmax", "log_softmax " + to_string(s) + " axis " + std::to_string(axis), [axis = axis](const auto& x) { return log_softmax(x[0], axis); }, Shapes{s}, [k = k](In x) { return naive::log_softmax(x[0], k); }, Details{{kept}, {{}}, false, empty});
  }
  add_row("cross_entropy", "cross_entropy", [labels](const auto& x) { return cross_entropy(x[0], labels); }, Shapes{{3, 5}}, [labels](In x) { return naive::total(naive::cross_entropy(x[0], labels), 3); }, Details{{a}});
  add_row("cross_entropy", "cross_entropy sum", [labels](const auto& x) { return cross_entropy(x[0], labels, {.reduction = Reduction::sum}); }, Shapes{{3, 5}}, [labels](In x) { return naive::total(naive::cross_entropy(x[0], labels)); }, Details{{a}});
  add_row("cross_entropy", "cross_entropy none", [labels](const auto& x) { return cross_entropy(x[0], labels, {.reduction = Reduction::none}); }, Shapes{{3, 5}}, [labels](In x) { return naive::cross_entropy(x[0], labels); }, Details{{a}});
  add_row("cross_entropy", "cross_entropy leading axes", [](const auto& x) { return cross_entropy(x[0], grid, {.reduction = Reduction::none}); }, Shapes{{3, 2, 3}}, [](In x) { return naive::cross_entropy(x[0], grid); }, Details{{a}});
  add_row("cross_entropy", "cross_entropy of one sample", [](const auto& x) { return cross_entropy(x[0], full<std::int64_t>(Shape{}, 1)); }, Shapes{{4}}, [](In x) { return naive::cross_entropy(x[0], full<std::int64_t>(Shape{}, 1)); }, Details{{a}});
  const auto squares = [](In x) { return A(xt::square(x[0] - x[1])); };
  add_row("mse_loss", "mse_loss", [](const auto& x) { return mse_loss(x[0], x[1]); }, Shapes{{3, 2}, {3, 2}}, [=](In x) { return naive::total(squares(x), 6); }, Details{{a | b, a | b}});
  add_row("mse_loss", "mse_loss sum", [](const auto& x) { return mse_loss(x[0], x[1], {.reduction = Reduction::sum}); }, Shapes{{3, 2}, {2}}, [=](In x) { return naive::total(squares(x)); }, Details{{a | b, a | b}});
  // clang-format on
  return rows;
}

}  // namespace op_table

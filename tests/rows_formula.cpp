// Rows of arithmetic, the first elementwise operations, and operations as users make them.
#include "op_table.hpp"

namespace op_table {
namespace {

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

}  // namespace

std::vector<Row> formula_rows() {
  using S = std::span<const double>;
  const Domain positive{0.3, 2}, not_zero{-2, 2, 0}, away{0.5, 2};
  Rows add_row;
  add_row(
      "add", "a + b", [](const auto& x) { return x[0] + x[1]; }, [](S x) { return x[0] + x[1]; }, Details{.kept = {none, none}});
  add_row(
      "sub", "a - b", [](const auto& x) { return x[0] - x[1]; }, [](S x) { return x[0] - x[1]; }, Details{.kept = {none, none}});
  add_row(
      "mul", "a * b", [](const auto& x) { return x[0] * x[1]; }, [](S x) { return x[0] * x[1]; }, Details{.kept = {b, a}});
  add_row(
      "div", "a / b", [](const auto& x) { return x[0] / x[1]; }, [](S x) { return x[0] / x[1]; },
      Details{.kept = {b, b | y}, .domains = {{}, away}});
  add_row(
      "add", "add(a, b)", [](const auto& x) { return add(x[0], x[1]); }, [](S x) { return x[0] + x[1]; },
      Details{.kept = {none, none}});
  add_row(
      "add", "2 + a", [](const auto& x) { return 2 + x[0]; }, [](S x) { return x[0] + 2; }, Details{.kept = {none}});
  add_row(
      "sub", "2.5 - a", [](const auto& x) { return 2.5 - x[0]; }, [](S x) { return 2.5 - x[0]; }, Details{.kept = {none}});
  add_row(
      "sub", "a - 2.5", [](const auto& x) { return x[0] - 2.5; }, [](S x) { return x[0] - 2.5; }, Details{.kept = {none}});
  add_row(
      "mul", "a * 3", [](const auto& x) { return x[0] * 3; }, [](S x) { return 3 * x[0]; }, Details{.kept = {none}});
  add_row(
      "div", "a / 3", [](const auto& x) { return x[0] / 3; }, [](S x) { return x[0] / 3; }, Details{.kept = {none}});
  add_row(
      "div", "3 / a", [](const auto& x) { return 3 / x[0]; }, [](S x) { return 3 / x[0]; },
      Details{.kept = {a | y}, .domains = {away}});
  add_row(
      "mul", "array * a", [](const auto& x) { return full<Real<decltype(x)>>(Shape{}, 2) * x[0]; }, [](S x) { return 2 * x[0]; },
      Details{.kept = {none}});
  add_row(
      "add", "a += b",
      [](const auto& x) {
        auto z = x[0];
        z += x[1];
        return z;
      },
      [](S x) { return x[0] + x[1]; }, Details{.kept = {none, none}});
  add_row(
      "sub", "a -= b",
      [](const auto& x) {
        auto z = x[0];
        z -= x[1];
        return z;
      },
      [](S x) { return x[0] - x[1]; }, Details{.kept = {none, none}});
  add_row(
      "mul", "a *= b",
      [](const auto& x) {
        auto z = x[0];
        z *= x[1];
        return z;
      },
      [](S x) { return x[0] * x[1]; }, Details{.kept = {b, a}});
  add_row(
      "div", "a /= b",
      [](const auto& x) {
        auto z = x[0];
        z /= x[1];
        return z;
      },
      [](S x) { return x[0] / x[1]; }, Details{.kept = {b, b | y}, .domains = {{}, away}});
  add_row(
      "mul", "a * a", [](const auto& x) { return x[0] * x[0]; }, [](S x) { return x[0] * x[0]; }, Details{.kept = {a}});
  add_row(
      "neg", "-a", [](const auto& x) { return -x[0]; }, [](S x) { return -x[0]; }, Details{.kept = {none}});
  add_row(
      "exp", "exp", [](const auto& x) { return exp(x[0]); }, [](S x) { return std::exp(x[0]); }, Details{.kept = {y}});
  add_row(
      "log", "log", [](const auto& x) { return log(x[0]); }, [](S x) { return std::log(x[0]); },
      Details{.kept = {a}, .domains = {positive}});
  add_row(
      "sqrt", "sqrt", [](const auto& x) { return sqrt(x[0]); }, [](S x) { return std::sqrt(x[0]); },
      Details{.kept = {y}, .domains = {positive}});
  add_row(
      "square", "square", [](const auto& x) { return square(x[0]); }, [](S x) { return x[0] * x[0]; }, Details{.kept = {a}});
  add_row(
      "abs", "abs", [](const auto& x) { return abs(x[0]); }, [](S x) { return std::abs(x[0]); },
      Details{.kept = {a}, .domains = {not_zero}});
  add_row(
      "tanh", "tanh", [](const auto& x) { return tanh(x[0]); }, [](S x) { return std::tanh(x[0]); }, Details{.kept = {y}});
  add_row(
      "sigmoid", "sigmoid", [](const auto& x) { return sigmoid(x[0]); }, [](S x) { return 1 / (1 + std::exp(-x[0])); },
      Details{.kept = {y}});
  add_row(
      "relu", "relu", [](const auto& x) { return relu(x[0]); }, [](S x) { return std::max(x[0], 0.0); },
      Details{.kept = {y}, .domains = {not_zero}, .allow_zero = true});
  add_row(
      "maximum", "maximum", [](const auto& x) { return maximum(x[0], x[1]); }, [](S x) { return std::max(x[0], x[1]); },
      Details{.kept = {a | b, a | b}, .distinct = true, .allow_zero = true});
  add_row(
      "minimum", "minimum", [](const auto& x) { return minimum(x[0], x[1]); }, [](S x) { return std::min(x[0], x[1]); },
      Details{.kept = {a | b, a | b}, .distinct = true, .allow_zero = true});
  add_row(
      "maximum", "maximum(0.1, a)", [](const auto& x) { return maximum(0.1, x[0]); }, [](S x) { return std::max(x[0], 0.1); },
      Details{.kept = {a}, .domains = {{-2, 2, 0.1}}, .allow_zero = true});
  add_row(
      "minimum", "minimum(0.1, a)", [](const auto& x) { return minimum(0.1, x[0]); }, [](S x) { return std::min(x[0], 0.1); },
      Details{.kept = {a}, .domains = {{-2, 2, 0.1}}, .allow_zero = true});
  add_row(
      "mse_loss", "mse_loss none", [](const auto& x) { return mse_loss(x[0], x[1], {.reduction = Reduction::none}); },
      [](S x) { return (x[0] - x[1]) * (x[0] - x[1]); }, Details{.kept = {a | b, a | b}});
  // users' formulas: the derivative found, and given
  add_row(
      "elementwise", "softsign",
      [](const auto& x) {
        static const auto f = elementwise("softsign", [](auto u) { return u / (1 + abs(u)); });
        return f(x[0]);
      },
      [](S x) { return x[0] / (1 + std::abs(x[0])); }, Details{.kept = {a | y}, .domains = {not_zero}});
  add_row(
      "elementwise", "softsign, given",
      [](const auto& x) {
        static const auto f = elementwise(
            "softsign", [](auto u) { return u / (1 + abs(u)); }, [](auto g, auto u) { return g / square(1 + abs(u)); });
        return f(x[0]);
      },
      [](S x) { return x[0] / (1 + std::abs(x[0])); }, Details{.kept = {a}, .domains = {not_zero}});
  add_row(
      "elementwise", "logistic, given by its output",
      [](const auto& x) {
        static const auto f = elementwise(
            "logistic", [](auto u) { return 1 / (1 + exp(-u)); }, [](auto g, auto, auto v) { return g * v * (1 - v); });
        return f(x[0]);
      },
      [](S x) { return 1 / (1 + std::exp(-x[0])); }, Details{.kept = {y}});
  add_row(
      "elementwise", "hypotenuse, given",
      [](const auto& x) {
        static const auto f = elementwise(
            "hypotenuse", [](auto u, auto v) { return sqrt(square(u) + square(v)); },
            [](auto g, auto u, auto, auto r) { return g * u / r; }, [](auto g, auto, auto v, auto r) { return g * v / r; });
        return f(x[0], x[1]);
      },
      [](S x) { return std::hypot(x[0], x[1]); }, Details{.kept = {a | y, b | y}, .domains = {away}});
  add_row(
      "elementwise", "three inputs",
      [](const auto& x) {
        static const auto f =
            elementwise("three", [](auto u, auto v, auto w) { return u * exp(-square(v)) + log1p(square(w)) * u; });
        return f(x[0], x[1], x[2]);
      },
      [](S x) { return x[0] * std::exp(-x[1] * x[1]) + std::log1p(x[2] * x[2]) * x[0]; }, Details{.kept = {b | c, a | b, a | c}});
  add_row(
      "elementwise", "many primitives",
      [](const auto& x) {
        static const auto f = elementwise("many", [](auto u, auto v) {
          auto s = sin(u) * cos(v), t = rsqrt(1 + square(u)) + 1 / (2 + v * v);
          for (int k = 0; k < 2; ++k) s = s * t + expm1(u * 0.5);
          return where(u < v, s, pow(s, 3) * minimum(t, 10)) + clamp(u, -5, 5);
        });
        return f(x[0], x[1]);
      },
      [](S x) {
        double u = x[0], v = x[1], s = std::sin(u) * std::cos(v), t = 1 / std::sqrt(1 + u * u) + 1 / (2 + v * v);
        for (int k = 0; k < 2; ++k) s = s * t + std::expm1(u * 0.5);
        return (u < v ? s : s * s * s * t) + u;
      },
      Details{.kept = {a | b, a | b}, .distinct = true});
  add_row(
      "apply", "a user's kernel", [](const auto& x) { return apply(Cube<Real<decltype(x)>>{}, {one_of(x[0])}, Where::current()); },
      [](S x) { return x[0] * x[0] * x[0]; }, Details{.kept = {a}});
  add_row(
      "apply", "a user's shared vjps",
      [](const auto& x) {
        return apply(ProductAndSum<Real<decltype(x)>>{}, {one_of(x[0]), one_of(x[1])}, Where::current());
      },
      [](S x) { return x[0] * x[1] + x[0]; }, Details{.kept = {b, a}});
  return std::move(add_row.rows);
}

}  // namespace op_table

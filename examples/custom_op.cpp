/// Two ways to add an operation: softsign, x / (1 + |x|), by its formula; and as a struct with a kernel of its own. Both are
/// checked against finite differences, to the second order.
#include <fmt/format.h>
#include <cmath>
#include <cstdio>
#include <xgrad/xgrad.hpp>

namespace xg = xgrad;

// A formula: the derivative is found, of any order, and it runs at the library's own speed.
const auto softsign = xg::elementwise("softsign", [](auto x) { return x / (1 + abs(x)); });

// An operation with its own kernel is one struct: its name, what each gradient needs kept, forward, and the gradient. That is
// written with public operations, so it has gradients itself.
template <class T>
struct Softsign {
  static constexpr std::string_view name = "my_softsign";
  static constexpr std::array uses{xg::use::input(0)};  // the gradient of input 0 needs input 0

  xg::Result<T> forward(xg::Inputs<T> in) {
    xg::Array<T> y(in[0].shape());
    for (std::size_t i = 0; i < y.size(); ++i) y.data()[i] = in[0].data()[i] / (1 + std::abs(in[0].data()[i]));
    return y;
  }
  xg::Variable<T> vjp(const xg::Context<T>& c, const xg::Variable<T>& g, std::size_t) const {
    return g / square(1 + abs(c.input(0)));
  }
};

// The function that users call. `at` is their line, for errors.
template <class T>
xg::Variable<T> my_softsign(xg::Variable<T> x, xg::Where at = xg::Where::current()) {
  return xg::apply(Softsign<T>{}, {std::move(x)}, at);
}

int main() {
  const xg::Variable<double> x(xg::Array<double>{-3, -1, -0.1, 0.2, 1, 9}, true);
  const auto a = softsign(x), b = my_softsign(x);
  const auto da = xg::grad(sum(a), {x})[0], db = xg::grad(sum(b), {x})[0];

  fmt::print("     x    formula   gradient     kernel   gradient\n");
  for (std::size_t i = 0; i < x.size(); ++i)
    fmt::print("{:6.1f} {:10.5f} {:10.5f} {:10.5f} {:10.5f}\n", x.value()(i), a.value()(i), da.value()(i), b.value()(i),
               db.value()(i));

  const auto formula = xg::gradcheck([](auto v) { return softsign(v); }, {x}, {.order = 2});
  const auto kernel = xg::gradcheck([](auto v) { return my_softsign(v); }, {x}, {.order = 2});
  fmt::print("\nby formula:\n{}\n\nwith its own kernel:\n{}\n", formula, kernel);
  if (std::fflush(stdout) != 0) return std::perror("custom_op: standard output"), 1;  // a full disk, say
  return formula.ok() && kernel.ok() ? 0 : 1;
}

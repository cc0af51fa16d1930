// The primitives of formulas. Compiled once per level.
#include <type_traits>

#include "../table.hpp"
#include "cheap.hpp"
#include "erf.hpp"
#include "exp.hpp"
#include "vec.hpp"

namespace xgrad::kernels::XGRAD_LEVEL {
namespace {

template <class T, class F>
inline constexpr unsigned arity = std::is_invocable_v<F, Vec<T>>           ? 1
                                  : std::is_invocable_v<F, Vec<T>, Vec<T>> ? 2
                                                                           : 3;

/// One kernel. `unroll` vectors are loaded before the first is stored; cheap functions gain from it.
template <class T, class F, unsigned scalars, std::size_t unroll>
void kernel(T* d, const T* pa, const T* pb, const T* pc, std::size_t n) {
  constexpr std::size_t width = Vec<T>::size;
  const Stream<T, (scalars & 1) != 0> a{pa};
  const Stream<T, (scalars & 2) != 0> b{pb};
  const Stream<T, (scalars & 4) != 0> c{pc};
  const auto f = [&](std::size_t i) {
    if constexpr (arity<T, F> == 1)
      return F{}(a[i]);
    else if constexpr (arity<T, F> == 2)
      return F{}(a[i], b[i]);
    else
      return F{}(a[i], b[i], c[i]);
  };
  std::size_t i = 0;
  if constexpr (unroll == 4) {
    for (; i + 4 * width <= n; i += 4 * width) {
      const Vec<T> r0 = f(i), r1 = f(i + width), r2 = f(i + 2 * width), r3 = f(i + 3 * width);
      store(d + i, r0);
      store(d + i + width, r1);
      store(d + i + 2 * width, r2);
      store(d + i + 3 * width, r3);
    }
  }
  for (; i < n; i += width) store<T>(d + i, f(i));
}

/// Fills the rows of the table. All operands scalar is not among the masks: such an instruction runs once, on padded scalars.
template <class T>
struct Filler {
  Table<T>& table;

  template <std::size_t unroll, class F>
  void set(Primitive op, F) const {
    auto& row = table.formula[static_cast<std::size_t>(op)];
    row[0] = kernel<T, F, 0, unroll>;
    if constexpr (arity<T, F> >= 2) {
      row[1] = kernel<T, F, 1, unroll>;
      row[2] = kernel<T, F, 2, unroll>;
    }
    if constexpr (arity<T, F> == 3) {
      row[3] = kernel<T, F, 3, unroll>;
      row[4] = kernel<T, F, 4, unroll>;
      row[5] = kernel<T, F, 5, unroll>;
      row[6] = kernel<T, F, 6, unroll>;
    }
  }
  template <class F>
  void cheap(Primitive op, F f) const {
    set<4>(op, f);
  }
  template <class F>
  void costly(Primitive op, F f) const {
    set<1>(op, f);
  }
};

template <class T>
void fill(Table<T>& table) {
  using V = Vec<T>;
  using P = Primitive;
  const Filler<T> to{table};
  // Within 3 units of the last place, but for xsimd 8.1 at the edges: exp of a double is 0 where it should be denormal, and
  // infinite from 709.5 rather than 709.8; log of a denormal double is wrong.
  // clang-format off
  to.cheap(P::neg, Neg{});
  to.cheap(P::abs, Abs{});
  to.cheap(P::sign, [](V x) { return select(x > V(T(0)), V(T(1)), select(x < V(T(0)), V(T(-1)), x)); });  // NaN stays
  to.cheap(P::square, Square{});
  to.cheap(P::relu, Relu{});
  to.cheap(P::flush, Flush{});
  to.cheap(P::floor, [](V x) { return floor(x); });
  to.cheap(P::ceil, [](V x) { return ceil(x); });
  to.cheap(P::round, [](V x) { return nearbyint(x); });
  to.cheap(P::logical_not, [](V x) { return V(T(1)) - x; });
  to.cheap(P::reciprocal, [](V x) { return V(T(1)) / x; });
  to.costly(P::sqrt, Sqrt{});
  to.costly(P::rsqrt, [](V x) { return V(T(1)) / sqrt(x); });
  to.costly(P::exp, [](V x) { return exponential<false, T>(x); });
  to.costly(P::expm1, [](V x) { return select(x == V(T(0)), x, expm1(x)); });                  // xsimd loses -0
  to.costly(P::log, [](V x) { return log(x); });
  to.costly(P::log1p, [](V x) { return select(x == V(T(0)), x, log1p(x)); });                  // xsimd loses -0
  to.costly(P::sin, [](V x) { return sin(x); });
  to.costly(P::cos, [](V x) { return cos(x); });
  to.costly(P::tanh, [](V x) { return tanh(x); });
  to.costly(P::sigmoid, [](V x) {  // only exp of negative numbers: nothing overflows
    const V z = exp(-abs(x)), one(T(1));
    return select(x >= V(T(0)), one, z) / (one + z);
  });

  to.costly(P::softplus, [](V x) { return maximum(x, V(T(0))) + log1p(exp(-abs(x))); });
  to.costly(P::erf, [](V x) { return error_function<T>(x); });
  to.costly(P::ndtr, [](V x) { return normal_distribution<T>(x); });
  to.costly(P::gaussian, [](V scale, V x) { return gaussian<T>(scale, x); });

  to.cheap(P::add, Add{});
  to.cheap(P::sub, Sub{});
  to.cheap(P::mul, Mul{});
  to.cheap(P::div, Div{});
  to.cheap(P::maximum, Maximum{});
  to.cheap(P::minimum, Minimum{});
  // conditions are 1 or 0
  to.cheap(P::less, Less{});
  to.cheap(P::less_equal, LessEqual{});
  to.cheap(P::equal, [](V a, V b) { return select(a == b, V(T(1)), V(T(0))); });
  to.cheap(P::not_equal, [](V a, V b) { return select(a == b, V(T(0)), V(T(1))); });
  to.cheap(P::logical_and, [](V a, V b) { return a * b; });
  to.cheap(P::logical_or, [](V a, V b) { return maximum(a, b); });

  to.cheap(P::where, Where{});
  to.cheap(P::clamp, [](V x, V low, V high) { return minimum(maximum(x, low), high); });
  to.cheap(P::fma, Fma{});
  to.cheap(P::fms, Fms{});
  to.cheap(P::fnma, Fnma{});
  // clang-format on
}

}  // namespace

void fill_formula(Table<float>& table) { fill(table); }
void fill_formula(Table<double>& table) { fill(table); }

}  // namespace xgrad::kernels::XGRAD_LEVEL

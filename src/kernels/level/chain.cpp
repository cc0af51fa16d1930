// Several primitives in one go: what passes from one to the next stays in registers. Compiled once per level.
#include "../table.hpp"
#include "cheap.hpp"
#include "vec.hpp"

namespace xgrad::kernels::XGRAD_LEVEL {
namespace {

/// x = f with x at `place` among its operands, and those of the link at the others.
template <unsigned place, unsigned scalars, std::size_t count, class T, class F>
[[gnu::always_inline]] inline void step(Vec<T> (&x)[count], const Link<T>& link, std::size_t i, F f) {
  constexpr std::size_t width = Vec<T>::size;
  if constexpr (requires { f(x[0]); }) {
    for (std::size_t k = 0; k < count; ++k) x[k] = f(x[k]);
  } else {
    const Stream<T, (scalars & 1) != 0> b{link.b};
    if constexpr (requires { f(x[0], x[0]); }) {
      for (std::size_t k = 0; k < count; ++k) x[k] = place == 0 ? f(x[k], b[i + k * width]) : f(b[i + k * width], x[k]);
    } else {
      const Stream<T, (scalars & 2) != 0> c{link.c};
      for (std::size_t k = 0; k < count; ++k) {
        const Vec<T> p = b[i + k * width], q = c[i + k * width];
        x[k] = place == 0 ? f(x[k], p, q) : place == 1 ? f(p, x[k], q) : f(p, q, x[k]);
      }
    }
  }
}

/// `count` vectors, from element i on.
template <std::size_t count, class T>
[[gnu::always_inline]] inline void block(T* d, const T* a, const Link<T>* links, std::size_t links_count, std::size_t i) {
  constexpr std::size_t width = Vec<T>::size;
  Vec<T> x[count];
  for (std::size_t k = 0; k < count; ++k) x[k] = load(a + i + k * width);
  for (const Link<T>*link = links, *end = links + links_count; link != end; ++link) {
    switch (link->code) {
#define XGRAD_LINK(op, F, place, scalars)             \
  case link_code(Primitive::op, place, scalars):      \
    step<place, scalars, count, T>(x, *link, i, F{}); \
    break;
#define XGRAD_ONE(op, F) XGRAD_LINK(op, F, 0, 0)
#define XGRAD_TWO(op, F) XGRAD_LINK(op, F, 0, 0) XGRAD_LINK(op, F, 0, 1) XGRAD_LINK(op, F, 1, 0) XGRAD_LINK(op, F, 1, 1)
#define XGRAD_FOUR(op, F, place) \
  XGRAD_LINK(op, F, place, 0) XGRAD_LINK(op, F, place, 1) XGRAD_LINK(op, F, place, 2) XGRAD_LINK(op, F, place, 3)
#define XGRAD_THREE(op, F) XGRAD_FOUR(op, F, 0) XGRAD_FOUR(op, F, 1) XGRAD_FOUR(op, F, 2)
      XGRAD_ONE(neg, Neg)
      XGRAD_ONE(abs, Abs)
      XGRAD_ONE(square, Square)
      XGRAD_ONE(relu, Relu)
      XGRAD_ONE(sqrt, Sqrt)
      XGRAD_ONE(flush, Flush)
      XGRAD_TWO(add, Add)
      XGRAD_TWO(sub, Sub)
      XGRAD_TWO(mul, Mul)
      XGRAD_TWO(div, Div)
      XGRAD_TWO(maximum, Maximum)
      XGRAD_TWO(minimum, Minimum)
      XGRAD_TWO(less, Less)
      XGRAD_TWO(less_equal, LessEqual)
      XGRAD_THREE(where, Where)
      XGRAD_THREE(fma, Fma)
      XGRAD_THREE(fms, Fms)
      XGRAD_THREE(fnma, Fnma)
      case store_link:
        for (std::size_t k = 0; k < count; ++k) store<T>(link->to + i + k * width, x[k]);
        break;
      default:
        __builtin_unreachable();  // can_chain has no others
    }
  }
  for (std::size_t k = 0; k < count; ++k) store<T>(d + i + k * width, x[k]);
}

template <class T>
void chain(T* d, const T* a, const Link<T>* links, std::size_t count, std::size_t n) {
  // AVX-512 has 32 registers, other levels have 16. Without xsimd the compiler vectorises loops that are long
  // enough.
  constexpr std::size_t width = Vec<T>::size, many = width == 1 ? 64 : sizeof(Vec<T>) == 64 ? 8 : 4;
  std::size_t i = 0;
  for (; i + many * width <= n; i += many * width) block<many>(d, a, links, count, i);
  for (; i < n; i += width) block<1>(d, a, links, count, i);
}

}  // namespace

void fill_chain(Table<float>& table) { table.chain = chain<float>; }
void fill_chain(Table<double>& table) { table.chain = chain<double>; }

}  // namespace xgrad::kernels::XGRAD_LEVEL

#pragma once
/// erf and what belongs to the normal distribution, on vectors. For kernel files only.
#include <cstddef>

#include "exp.hpp"
#include "vec.hpp"

namespace xgrad::kernels::XGRAD_LEVEL {
namespace {

/// c[0] + c[1] x + c[2] x² + …
template <class T, std::size_t n>
Vec<T> polynomial(const double (&c)[n], Vec<T> x) {
  Vec<T> result(static_cast<T>(c[n - 1]));
  for (std::size_t k = n - 1; k-- > 0;) result = multiply_add(result, x, Vec<T>(static_cast<T>(c[k])));
  return result;
}

// The rational functions of FreeBSD's s_erf.c (Sun Microsystems 1993): erf is x + x pp(x²)/qq(x²) for |x| below 0.84 and
// erx + pa(s)/qa(s) with s = |x| - 1 below 1.25, and 1 - erf is exp(-x² - 0.5625 + ra(1/x²)/sa(1/x²)) / x below 1 / 0.35, with rb
// and sb beyond. In single precision ra and sa serve all the rest.
namespace sun {
constexpr double pp[]{1.28379167095512558561e-01, -3.25042107247001499370e-01, -2.84817495755985104766e-02,
                      -5.77027029648944159157e-03, -2.37630166566501626084e-05};
constexpr double qq[]{1,
                      3.97917223959155352819e-01,
                      6.50222499887672944485e-02,
                      5.08130628187576562776e-03,
                      1.32494738004321644526e-04,
                      -3.96022827877536812320e-06};
constexpr double erx = 8.45062911510467529297e-01;
constexpr double pa[]{-2.36211856075265944077e-03, 4.14856118683748331666e-01,  -3.72207876035701323847e-01,
                      3.18346619901161753674e-01,  -1.10894694282396677476e-01, 3.54783043256182359371e-02,
                      -2.16637559486879084300e-03};
constexpr double qa[]{1,
                      1.06420880400844228286e-01,
                      5.40397917702171048937e-01,
                      7.18286544141962662868e-02,
                      1.26171219808761642112e-01,
                      1.36370839120290507362e-02,
                      1.19844998467991074170e-02};
constexpr double ra[]{-9.86494403484714822705e-03, -6.93858572707181764372e-01, -1.05586262253232909814e+01,
                      -6.23753324503260060396e+01, -1.62396669462573470355e+02, -1.84605092906711035994e+02,
                      -8.12874355063065934246e+01, -9.81432934416914548592e+00};
constexpr double sa[]{1,
                      1.96512716674392571292e+01,
                      1.37657754143519042600e+02,
                      4.34565877475229228821e+02,
                      6.45387271733267880336e+02,
                      4.29008140027567833386e+02,
                      1.08635005541779435134e+02,
                      6.57024977031928170135e+00,
                      -6.04244152148580987438e-02};
constexpr double rb[]{-9.86494292470009928597e-03, -7.99283237680523006574e-01, -1.77579549177547519889e+01,
                      -1.60636384855821916062e+02, -6.37566443368389627722e+02, -1.02509513161107724954e+03,
                      -4.83519191608651397019e+02};
constexpr double sb[]{1,
                      3.03380607434824582924e+01,
                      3.25792512996573918826e+02,
                      1.53672958608443695994e+03,
                      3.19985821950859553908e+03,
                      2.55305040643316442583e+03,
                      4.74528541206955367215e+02,
                      -2.24409524465858183362e+01};
}  // namespace sun

/// erf, within 2 units of the last place.
template <class T>
Vec<T> error_function(Vec<T> x) {
  const Vec<T> one(T(1)), size = abs(x), square = x * x;
  const Vec<T> near = x + x * (polynomial<T>(sun::pp, square) / polynomial<T>(sun::qq, square));
  const Vec<T> s = size - one, middle = Vec<T>(T(sun::erx)) + polynomial<T>(sun::pa, s) / polynomial<T>(sun::qa, s);
  const Vec<T> z = one / square, rest = polynomial<T>(sun::ra, z) / polynomial<T>(sun::sa, z) - Vec<T>(T(0.5625));
  const Vec<T> far = one - exp(rest - square) / size;  // NaN comes this way
  const Vec<T> outside = select(size < Vec<T>(T(1.25)), middle, far);
  return select(size < Vec<T>(T(0.84375)), near, select(x < Vec<T>(T(0)), -outside, outside));
}

/// What x * x has lost to rounding, the square being `square`; for |x| below 2^50. (xsimd 8.1 does not fuse its fms on AVX-512.)
template <class T>
Vec<T> square_rest(Vec<T> x, Vec<T> square) {
  const Vec<T> c = x * Vec<T>(T(sizeof(T) == 4 ? 0x1001 : 0x8000001)), high = c - (c - x), low = x - high;  // halves of the digits
  return (high * high - square) + (high + high) * low + low * low;
}

/// Beyond 40 nothing is left of exp(-x²/2), and squares might overflow. NaN stays.
template <class T>
Vec<T> at_most_40(Vec<T> size) {
  return select(size > Vec<T>(T(40)), Vec<T>(T(40)), size);
}

/// exp(-scale x²) for a scale of 1 or 1/2, within 3 units of the last place.
template <class T>
Vec<T> gaussian(Vec<T> scale, Vec<T> x) {
  const Vec<T> size = at_most_40<T>(abs(x)), square = size * size;
  const Vec<T> y = exponential<true, T>(-(scale * square));
  return y - y * (scale * square_rest<T>(size, square));
}

/// Φ(x), which is half of 1 - erf(-x / √2), within 5 units of the last place, also in the left tail. Of each element one of the
/// three rational functions is divided.
template <class T>
Vec<T> normal_distribution(Vec<T> x) {
  const Vec<T> one(T(1)), half(T(0.5)), size = at_most_40<T>(abs(x)), z = size * Vec<T>(T(0.70710678118654752440));
  const Vec<T> q = z * z, s = z - one, r = one / z, u = r * r;
  const auto near = z < Vec<T>(T(0.84375)), middle = z < Vec<T>(T(1.25));
  Vec<T> above = polynomial<T>(sun::ra, u), below = polynomial<T>(sun::sa, u);
  if constexpr (sizeof(T) > 4) {
    const auto far = z >= Vec<T>(T(1 / 0.35));
    above = select(far, polynomial<T>(sun::rb, u), above);
    below = select(far, polynomial<T>(sun::sb, u), below);
  }
  above = select(near, polynomial<T>(sun::pp, q), select(middle, polynomial<T>(sun::pa, s), above));
  below = select(near, polynomial<T>(sun::qq, q), select(middle, polynomial<T>(sun::qa, s), below));
  const Vec<T> ratio = above / below, left = select(x < Vec<T>(T(0)), z, -z);
  const Vec<T> inside = half * (half - (left * ratio + (left - half)));
  // exp(rest - z²), with what the exponent has lost to rounding
  const Vec<T> square = size * size, z_squared = half * square;
  const Vec<T> rest = ratio - Vec<T>(T(0.5625)), exponent = rest - z_squared, lost = rest - (exponent + z_squared);
  const Vec<T> y = exponential<true, T>(exponent), tail = (y + y * (lost - half * square_rest<T>(size, square))) * (half * r);
  const Vec<T> outside = select(middle, half * (Vec<T>(T(1 - sun::erx)) - ratio), tail);
  return select(near, inside, select(x < Vec<T>(T(0)), outside, one - outside));
}

}  // namespace
}  // namespace xgrad::kernels::XGRAD_LEVEL

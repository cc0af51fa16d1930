#pragma once
/// erf on vectors. For kernel files only.
#include <cstddef>

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

/// erf, within 2 units of the last place. The rational functions are those of FreeBSD's s_erf.c (Sun Microsystems 1993) for |x|
/// below 0.84, below 1.25 and below 1 / 0.35; with exp(-x²) in one piece the third serves all the rest.
template <class T>
Vec<T> error_function(Vec<T> x) {
  static constexpr double pp[]{1.28379167095512558561e-01, -3.25042107247001499370e-01, -2.84817495755985104766e-02,
                               -5.77027029648944159157e-03, -2.37630166566501626084e-05};
  static constexpr double qq[]{1,
                               3.97917223959155352819e-01,
                               6.50222499887672944485e-02,
                               5.08130628187576562776e-03,
                               1.32494738004321644526e-04,
                               -3.96022827877536812320e-06};
  static constexpr double erx = 8.45062911510467529297e-01;
  static constexpr double pa[]{-2.36211856075265944077e-03, 4.14856118683748331666e-01,  -3.72207876035701323847e-01,
                               3.18346619901161753674e-01,  -1.10894694282396677476e-01, 3.54783043256182359371e-02,
                               -2.16637559486879084300e-03};
  static constexpr double qa[]{1,
                               1.06420880400844228286e-01,
                               5.40397917702171048937e-01,
                               7.18286544141962662868e-02,
                               1.26171219808761642112e-01,
                               1.36370839120290507362e-02,
                               1.19844998467991074170e-02};
  static constexpr double ra[]{-9.86494403484714822705e-03, -6.93858572707181764372e-01, -1.05586262253232909814e+01,
                               -6.23753324503260060396e+01, -1.62396669462573470355e+02, -1.84605092906711035994e+02,
                               -8.12874355063065934246e+01, -9.81432934416914548592e+00};
  static constexpr double sa[]{1,
                               1.96512716674392571292e+01,
                               1.37657754143519042600e+02,
                               4.34565877475229228821e+02,
                               6.45387271733267880336e+02,
                               4.29008140027567833386e+02,
                               1.08635005541779435134e+02,
                               6.57024977031928170135e+00,
                               -6.04244152148580987438e-02};
  const Vec<T> one(T(1)), size = abs(x), square = x * x;
  const Vec<T> near = x + x * (polynomial<T>(pp, square) / polynomial<T>(qq, square));
  const Vec<T> s = size - one, middle = Vec<T>(T(erx)) + polynomial<T>(pa, s) / polynomial<T>(qa, s);
  const Vec<T> z = one / square, rest = polynomial<T>(ra, z) / polynomial<T>(sa, z) - Vec<T>(T(0.5625));
  const Vec<T> far = one - exp(rest - square) / size;  // NaN comes this way
  const Vec<T> outside = select(size < Vec<T>(T(1.25)), middle, far);
  return select(size < Vec<T>(T(0.84375)), near, select(x < Vec<T>(T(0)), -outside, outside));
}

}  // namespace
}  // namespace xgrad::kernels::XGRAD_LEVEL

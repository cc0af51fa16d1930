// expect: a mask has elements of bool, and this array has numbers
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/index.hpp>
#include <xgrad/ops/reduce.hpp>
#if __has_include(<xtensor/containers/xtensor.hpp>)
#include <xtensor/containers/xtensor.hpp>
#else
#include <xtensor/xtensor.hpp>
#endif
using namespace xgrad;

template <std::size_t N>
using Numbers = xt::xtensor<double, N>;  // a type for each line: a compiler says the same of the same type once only
template <std::size_t N>
using Integers = xt::xtensor<int, N>;

void mistakes(const Variable<double>& x) {
  static_cast<void>(where(Numbers<1>(), x, 0));            // error
  static_cast<void>(where(Integers<1>(), 1, x));           // error
  static_cast<void>(where(x, x, 0));                       // error
  static_cast<void>(masked_fill(x, Labels{0, 1}, 1));      // error
  static_cast<void>(masked_fill(x, Numbers<2>(), 1));      // error
  static_cast<void>(masked_select(x, Integers<2>()));      // error
  static_cast<void>(masked_select(x, Variable<float>()));  // error
  static_cast<void>(xgrad::any(Numbers<3>()));             // error
  static_cast<void>(xgrad::all(Integers<3>()));            // error
  static_cast<void>(xgrad::count_nonzero(Numbers<4>()));   // error
}

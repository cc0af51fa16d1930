// expect: labels and indices are integers, and this array is a mask
#include <xgrad/ops/index.hpp>
#include <xgrad/ops/loss.hpp>
#if __has_include(<xtensor/containers/xtensor.hpp>)
#include <xtensor/containers/xtensor.hpp>
#else
#include <xtensor/xtensor.hpp>
#endif
using namespace xgrad;

void mistakes(const Variable<double>& x) {
  static_cast<void>(cross_entropy(x, Mask{true, false}));              // error
  static_cast<void>(index_select(x, 0, !Mask{true, false}));           // error
  static_cast<void>(gather(x, 0, xt::xtensor<bool, 1>{true, false}));  // error
}

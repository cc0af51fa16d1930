#include <xgrad/nn/linear.hpp>

#include "weighted.hpp"

namespace xgrad::nn {
using namespace xgrad::detail;

template <class T>
Linear<T>::Linear(std::size_t in, std::size_t out, LinearOptions options, Where at) : init(options.init) {
  make(weight, bias, {out, in}, out, options.bias, init, at, "Linear");
}
template <class T>
void Linear<T>::reset_parameters(Generator& generator) {
  draw(weight, bias, init, generator);
}

#define XGRAD_INSTANTIATE(T) template class Linear<T>;
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad::nn

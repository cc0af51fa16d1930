#include <xgrad/nn/activation.hpp>

#include "../ops/support.hpp"

namespace xgrad::nn {
using namespace xgrad::detail;

template <class T>
PReLU<T>::PReLU(std::size_t channels, Where at)
    : weight(placed(at, "PReLU", [&] { return Variable<T>(full<T>(Shape{channels}, T(0.25), Where{}), true, at); })) {}
template <class T>
void PReLU<T>::reset_parameters(Generator&) {
  weight.update([](Array<T>& w) { w.fill(T(0.25)); });
}

template class PReLU<float>;
template class PReLU<double>;

}  // namespace xgrad::nn

// expect: a lambda with captures goes into a std::function
#include "layer.hpp"

template <class F>
struct Net {
  Layer<float> layer{1};
  F f;
};
int main() {
  Layer<float> hidden(1);
  auto f = [hidden] { return hidden.weight; };
  return static_cast<int>(xgrad::nn::parameters(Net<decltype(f)>{.f = f}).size());
}

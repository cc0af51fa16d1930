// expect: specialise xgrad::nn::skip<X> to true
#include "layer.hpp"

struct Inner {
  Layer<float> layer;
  explicit Inner(std::size_t n) : layer(n) {}
};
struct Net {
  Layer<float> first{1};
  Inner inner{1};
};
int main() { return static_cast<int>(xgrad::nn::parameters(Net{}).size()); }

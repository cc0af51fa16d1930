// expect: specialise xgrad::nn::skip<X> to true
#include "layer.hpp"

#include <any>
struct Net {
  Layer<float> layer{1};
  std::vector<std::any> things;
};
int main() { return static_cast<int>(xgrad::nn::parameters(Net{}).size()); }

// expect: has a C array: make it a std::array
#include "layer.hpp"

struct Net {
  Layer<float> layer{1};
  int sizes[3] = {1, 2, 3};
  double rate = 0.5;
};
int main() { return static_cast<int>(xgrad::nn::parameters(Net{}).size()); }

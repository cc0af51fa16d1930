// expect: has a base class, whose members are out of reach
#include "layer.hpp"

struct Net : Good {
  Layer<float> more{1};
};
int main() { return static_cast<int>(xgrad::nn::parameters(Net{}).size()); }

// expect: give the class its own XGRAD_FIELDS(
#include "layer.hpp"

struct Net : Layer<float> {
  Net() : Layer<float>(1) {}
  Layer<float> more{1};
};
int main() { return static_cast<int>(xgrad::nn::parameters(Net{}).size()); }

// expect: list its members in it with XGRAD_FIELDS(
#include "layer.hpp"

struct Net {
  Layer<float> layer{1};
  Layer<float>* other = nullptr;
};
int main() { return static_cast<int>(xgrad::nn::parameters(Net{}).size()); }

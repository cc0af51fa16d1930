// expect: the keys of a map in a network must be strings or integers
#include "layer.hpp"

struct Net {
  std::map<double, Layer<float>> layers;
};
int main() { return static_cast<int>(xgrad::nn::parameters(Net{}).size()); }

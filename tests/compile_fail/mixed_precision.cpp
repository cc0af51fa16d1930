// expect: mixes Variable<float> and Variable<double>
#include "layer.hpp"

struct Net {
  Layer<float> a{1};
  std::vector<std::optional<Layer<double>>> b;
};
int main() { return static_cast<int>(xgrad::nn::parameters(Net{}).size()); }

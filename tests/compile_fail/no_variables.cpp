// expect: this network has no Variables
#include "layer.hpp"

struct Net {
  int n = 0;
};
int main() { return static_cast<int>(xgrad::nn::parameters(Net{}).size()); }

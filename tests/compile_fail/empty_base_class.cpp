// expect: has a base class, whose members are out of reach
#include "layer.hpp"

struct Tag {};
struct Net : Tag {
  Layer<float> more{1};
};
int main() { return static_cast<int>(xgrad::nn::parameters(Net{}).size()); }

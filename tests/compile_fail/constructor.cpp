// expect: list its members in it with XGRAD_FIELDS(
#include "layer.hpp"

struct Net {
  Layer<float> layer;
  explicit Net(std::size_t n) : layer(n) {}
};
int main() { return static_cast<int>(xgrad::nn::parameters(Net(1)).size()); }

// expect: one with a std::unique_ptr cannot
#include "layer.hpp"

struct Net {
  std::unique_ptr<Layer<float>> layer;
};
int main() {
  Net net;
  xgrad::nn::clone(net);
}

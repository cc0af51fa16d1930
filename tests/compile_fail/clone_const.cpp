// expect: cannot give a const member
#include "layer.hpp"

struct Net {
  const Layer<float> layer{1};
};
int main() {
  Net net;
  xgrad::nn::clone(net);
}

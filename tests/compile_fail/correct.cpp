#include "layer.hpp"

int main() {
  Good net;
  xgrad::nn::train(net);
  Good copy = xgrad::nn::clone(net);
  return static_cast<int>(xgrad::nn::parameters(copy).size());
}

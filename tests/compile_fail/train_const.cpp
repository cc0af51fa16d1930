// expect: train changes the network, which must not be const
#include "layer.hpp"

int main() {
  const Good net;
  xgrad::nn::train(net);
}

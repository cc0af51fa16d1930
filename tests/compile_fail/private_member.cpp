// expect: list its members in it with XGRAD_FIELDS(
#include "layer.hpp"

class Net {
 public:
  Layer<float> layer{1};

 private:
  int secret = 0;
};
int main() { return static_cast<int>(xgrad::nn::parameters(Net{}).size()); }

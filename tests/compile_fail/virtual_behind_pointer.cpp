// expect: hold a std::variant of the classes instead
#include "layer.hpp"

struct Module {
  virtual ~Module() = default;
  XGRAD_FIELDS()
};
struct Net {
  Layer<float> layer{1};
  std::vector<std::unique_ptr<Module>> layers;
};
int main() { return static_cast<int>(xgrad::nn::parameters(Net{}).size()); }

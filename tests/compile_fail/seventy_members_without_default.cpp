// expect: more than 64 members
#include "layer.hpp"

#define FIVE(n) Layer<float> n##0, n##1, n##2, n##3, n##4;
struct Net {
  FIVE(a) FIVE(b) FIVE(c) FIVE(d) FIVE(e) FIVE(f) FIVE(g) FIVE(h) FIVE(i) FIVE(j) FIVE(k) FIVE(l) FIVE(m) FIVE(n)
};
std::size_t count(const Net& net) { return xgrad::nn::parameters(net).size(); }

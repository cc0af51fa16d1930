// expect: an attention mask has elements of bool, true where a query may attend to a key, or of the queries' type
#include <xgrad/ops/sequence.hpp>
using namespace xgrad;

void mistakes(const Variable<double>& x) {
  static_cast<void>(scaled_dot_product_attention(x, x, x, {.mask = Labels{1, 0}}));         // error
  static_cast<void>(scaled_dot_product_attention(x, x, x, {.mask = Array<float>{0, -1}}));  // error
}

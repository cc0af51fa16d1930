// expect: the probabilities of cross_entropy are numbers of the logits' type
#include <xgrad/ops/loss.hpp>
using namespace xgrad;

void mistake(const Variable<double>& x) { static_cast<void>(cross_entropy(x, Array<float>{{0, 1}, {1, 0}})); }

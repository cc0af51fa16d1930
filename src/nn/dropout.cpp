#include <xgrad/nn/dropout.hpp>

#include "check.hpp"

namespace xgrad::nn {

Dropout::Dropout(double probability, Where at) : p(probability) { check_option("Dropout", "p", p, 1, at); }
Dropout2d::Dropout2d(double probability, Where at) : p(probability) { check_option("Dropout2d", "p", p, 1, at); }

}  // namespace xgrad::nn

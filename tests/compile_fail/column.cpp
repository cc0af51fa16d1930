// expect: ambiguous
#include <xgrad/core/array.hpp>

// The comment at Array says so, and what to write.
const xgrad::Array<double> column{{1.5}, {2.5}};  // error

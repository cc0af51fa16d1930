#pragma once
#include <string>

namespace xgrad {

/// Prints a note to stderr, unless this process has printed it before.
void tell(const std::string& note);

}  // namespace xgrad

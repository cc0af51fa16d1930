#pragma once
#include <string>
#include <string_view>

namespace xgrad {

/// A text as JSON has it, in double quotes; bytes that are no UTF-8 become U+FFFD.
std::string quoted_json(std::string_view text);

}  // namespace xgrad

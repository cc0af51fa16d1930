#pragma once
/// Checks of layers' options.
#include <fmt/format.h>
#include <limits>

#include <xgrad/core/error.hpp>

namespace xgrad::nn {

/// Throws ValueError unless the option is from 0 to `most` and finite.
inline void check_option(const char* layer, const char* option, double value, double most, Where at) {
  if (value >= 0 && value <= most) return;
  throw ValueError(at, layer,
                   fmt::format("{} is {}; it must be {}", option, value, most == 1 ? "from 0 to 1" : "from 0 up and finite"));
}
inline constexpr double finite = std::numeric_limits<double>::max();

}  // namespace xgrad::nn

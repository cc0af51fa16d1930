#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <xgrad/core/api.hpp>

namespace xgrad {

/// A text from a file, a path or another program as it may go to a terminal or into a log, on one line: control characters, bytes
/// that are no UTF-8, and characters that are invisible or turn the direction of writing come as escapes such as `\x1b`, `\n` and
/// `\u202e`. The rest stays as it is. Of more than `most` bytes only the beginning is there, followed by "…". The message of every
/// Error has gone through this.
XGRAD_API std::string printable(std::string_view text, std::size_t most = static_cast<std::size_t>(-1));

/// A table for a terminal: printable cells of a line two spaces apart, columns of one width, without spaces at the end of a line.
/// `right` has an r for each column of numbers, which end under each other: "  rr". Lines may have fewer cells than others.
XGRAD_API std::string aligned(const std::vector<std::vector<std::string>>& lines, std::string_view right = "");

}  // namespace xgrad

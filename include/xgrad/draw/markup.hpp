#pragma once
#include <string>
#include <string_view>

#include <xgrad/core/api.hpp>

namespace xgrad::draw {

/// A text as HTML, XML and SVG have it, also inside of double quotes: `&`, `<`, `>` and quotes as entities, and as escapes such as
/// `\x1b` the control characters that those languages cannot hold and bytes that are no UTF-8. Line ends and tabs stay.
XGRAD_API std::string escaped(std::string_view text);

}  // namespace xgrad::draw

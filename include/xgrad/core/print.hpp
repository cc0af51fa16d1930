#pragma once
/// Arrays and Shapes as text, for fmt and for std::ostream. (graph/print.hpp does Variables.)
///
///     fmt::print("{}\n", x.shape());      // (64, 400)
///     std::cout << image << '\n';         // [[  0, 0.5],
///                                         //  [0.5,   1]]
#include <fmt/format.h>

#include <iosfwd>
#include <string>
#include <string_view>

#include <xgrad/core/array.hpp>

namespace xgrad {

/// The elements of an array as NumPy shows them: nested brackets, a line for each row, columns under each other, floating numbers
/// with six digits. Of more than 1000 elements each axis shows the first and the last three. Elements are float, double, bool, or
/// integers of 8 to 64 bits.
template <class T>
XGRAD_API std::string to_string(const Array<T>& array);

namespace detail {
/// stream << text, without <ostream> in a header.
XGRAD_API std::ostream& write(std::ostream& stream, std::string_view text);

/// The one formatter: what has a to_string is printed as that is, with the width and alignment of a string.
struct TextFormatter : fmt::formatter<std::string_view> {
  template <class X, class Context>
  auto format(const X& x, Context& context) const {
    const std::string text = to_string(x);
    return fmt::formatter<std::string_view>::format(text, context);
  }
};
}  // namespace detail

namespace memory {  // where it is found for an Array by its allocator
template <class T>
XGRAD_API std::ostream& operator<<(std::ostream& stream, const Array<T>& array);
}
}  // namespace xgrad

namespace xt {  // where it is found for a Shape
inline std::ostream& operator<<(std::ostream& stream, const xgrad::Shape& shape) {
  return xgrad::detail::write(stream, xgrad::to_string(shape));
}
}  // namespace xt

template <>
struct fmt::formatter<xgrad::Shape> : xgrad::detail::TextFormatter {};
// One by one: a template would be as good a match as that of fmt/ranges.h.
#define XGRAD_FORMATTER(T) \
  template <>              \
  struct fmt::formatter<xgrad::Array<T>> : xgrad::detail::TextFormatter {}
XGRAD_FORMATTER(float);
XGRAD_FORMATTER(double);
XGRAD_FORMATTER(bool);
XGRAD_FORMATTER(std::int8_t);
XGRAD_FORMATTER(std::int16_t);
XGRAD_FORMATTER(std::int32_t);
XGRAD_FORMATTER(std::int64_t);
XGRAD_FORMATTER(std::uint8_t);
XGRAD_FORMATTER(std::uint16_t);
XGRAD_FORMATTER(std::uint32_t);
XGRAD_FORMATTER(std::uint64_t);
#undef XGRAD_FORMATTER

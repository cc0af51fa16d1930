#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <xgrad/core/array.hpp>
#include <xgrad/state/entries.hpp>

namespace xgrad::nn {

/// How many bytes an element has that a file calls "F32", or "F16" and "BF16", which are in files alone; nothing if we do not know
/// it.
std::optional<std::size_t> bytes_of_element(std::string_view name);

/// Whether a file calls floating-point numbers so.
bool is_floating(std::string_view name);

/// What may be made of other elements.
enum class Conversion : std::uint8_t {
  none,
  floating,  ///< floating numbers of others
  numbers    ///< and integers of integers that they can hold, floating numbers of integers
};
bool converts(std::string_view from, Element to, Conversion allowed);

/// Makes `count` elements `to` of those that a file has; `converts` must be true, or they must be the same. Says why it cannot,
/// "element 3 is 300; it must be 0 to 255 for U8", or "".
std::string convert(std::string_view from, const void* elements, std::size_t count, Element to, void* result);

/// The nearest numbers with 8 bits of exponent and 7 of fraction.
void to_bfloat16(Element from, const void* elements, std::size_t count, std::uint16_t* result);

/// Turns the bytes of each element round.
void swap_bytes(void* elements, std::size_t count, std::size_t element_bytes);

/// Copies an array whose elements lie `strides` elements apart along its axes to one that is row-major.
void gather(const std::uint8_t* from, std::span<const std::size_t> shape, std::span<const std::size_t> strides,
            std::size_t element_bytes, std::uint8_t* to);

}  // namespace xgrad::nn

#include "convert.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

#include "names.hpp"

namespace xgrad::nn {

bool is_floating(std::string_view name) { return name == "F32" || name == "F64" || name == "F16" || name == "BF16"; }

namespace {

struct Half {
  std::uint16_t bits;
  explicit operator float() const {
    const std::uint32_t sign = (bits & 0x8000U) << 16U, exponent = bits >> 10U & 31U, fraction = bits & 0x3ffU;
    if (exponent == 0) {  // zero, or below the normal numbers: so many times 2^-24
      const float size = static_cast<float>(fraction) * 0x1p-24F;
      return sign != 0 ? -size : size;
    }
    const std::uint32_t wide = exponent == 31 ? 255 : exponent + 112;
    return std::bit_cast<float>(sign | wide << 23U | fraction << 13U);
  }
  explicit operator double() const { return static_cast<double>(static_cast<float>(*this)); }
};
struct Brain {
  std::uint16_t bits;
  explicit operator float() const { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16U); }
  explicit operator double() const { return static_cast<double>(static_cast<float>(*this)); }
};

bool is_integer(std::string_view name) {
  const auto element = element_named(name);
  return element && !is_floating(name) && *element != Element::boolean;
}

/// `count` numbers A as numbers B; why not, or "".
template <class A, class B>
std::string convert_all(const void* elements, std::size_t count, Element to, void* result) {
  const auto* from = static_cast<const A*>(elements);
  auto* out = static_cast<B*>(result);
  for (std::size_t k = 0; k < count; ++k) {
    if constexpr (std::is_integral_v<A> && std::is_integral_v<B>)
      if (!std::in_range<B>(from[k]))
        return fmt::format("element {} is {}; it must be {} to {} for {}", k, from[k], std::numeric_limits<B>::min(),
                           std::numeric_limits<B>::max(), name_of(to));
    out[k] = static_cast<B>(from[k]);
  }
  return {};
}

/// Calls f with a null pointer to the type that an entry has.
template <class F>
auto with_element(Element element, F&& f) {
  switch (element) {
    case Element::f32:
      return f(static_cast<float*>(nullptr));
    case Element::f64:
      return f(static_cast<double*>(nullptr));
    case Element::i8:
      return f(static_cast<std::int8_t*>(nullptr));
    case Element::i16:
      return f(static_cast<std::int16_t*>(nullptr));
    case Element::i32:
      return f(static_cast<std::int32_t*>(nullptr));
    case Element::i64:
      return f(static_cast<std::int64_t*>(nullptr));
    case Element::u16:
      return f(static_cast<std::uint16_t*>(nullptr));
    case Element::u32:
      return f(static_cast<std::uint32_t*>(nullptr));
    case Element::u64:
      return f(static_cast<std::uint64_t*>(nullptr));
    case Element::u8:
    case Element::boolean:
      break;
  }
  return f(static_cast<std::uint8_t*>(nullptr));
}

template <std::size_t n>
void gather_elements(const std::uint8_t* from, std::span<const std::size_t> shape, std::span<const std::size_t> strides,
                     std::uint8_t* to) {
  const std::size_t axes = shape.size(), last = axes - 1;
  std::vector<std::size_t> index(axes);
  std::size_t at = 0;
  for (;;) {
    for (std::size_t k = 0; k < shape[last]; ++k, to += n) std::memcpy(to, from + (at + k * strides[last]) * n, n);
    std::size_t axis = last;
    for (;; --axis) {
      if (axis == 0) return;
      at += strides[axis - 1];
      if (++index[axis - 1] < shape[axis - 1]) break;
      at -= strides[axis - 1] * shape[axis - 1];
      index[axis - 1] = 0;
    }
  }
}

}  // namespace

std::optional<std::size_t> bytes_of_element(std::string_view name) {
  if (name == "F16" || name == "BF16") return 2;
  const auto element = element_named(name);
  return element ? std::optional(bytes_of(*element)) : std::nullopt;
}

bool converts(std::string_view from, Element to, Conversion allowed) {
  if (allowed == Conversion::none) return false;
  const bool floating = to == Element::f32 || to == Element::f64;
  if (is_floating(from)) return floating;
  return allowed == Conversion::numbers && is_integer(from) && to != Element::boolean;
}

std::string convert(std::string_view from, const void* elements, std::size_t count, Element to, void* result) {
  if (from == name_of(to)) {
    if (count > 0) std::memcpy(result, elements, count * bytes_of(to));
    return {};
  }
  return with_element(to, [&]<class B>(B*) -> std::string {
    const auto of = [&]<class A>(A*) { return convert_all<A, B>(elements, count, to, result); };
    if constexpr (std::is_floating_point_v<B>) {
      if (from == "F16") return of(static_cast<Half*>(nullptr));
      if (from == "BF16") return of(static_cast<Brain*>(nullptr));
      return with_element(*element_named(from), of);
    } else {
      return with_element(*element_named(from), [&]<class A>([[maybe_unused]] A* a) -> std::string {
        if constexpr (std::is_integral_v<A>)
          return of(a);
        else
          return {};  // `converts` says no
      });
    }
  });
}

void to_bfloat16(Element from, const void* elements, std::size_t count, std::uint16_t* result) {
  for (std::size_t k = 0; k < count; ++k) {
    float value = 0;
    if (from == Element::f32) {
      value = static_cast<const float*>(elements)[k];
    } else {
      const double exact = static_cast<const double*>(elements)[k];
      value = static_cast<float>(exact);
      // Rounded to odd, so that rounding once more gives what rounding once would.
      const auto bits = std::bit_cast<std::uint32_t>(value);
      if (static_cast<double>(value) != exact && (bits & 1U) == 0 && value - value == 0)
        value = std::bit_cast<float>((static_cast<double>(value) < exact) == (bits < 0x80000000U) ? bits + 1 : bits - 1);
    }
    const auto bits = std::bit_cast<std::uint32_t>(value);
    result[k] = value != value ? static_cast<std::uint16_t>(bits >> 16U | 0x40U)  // still no number
                               : static_cast<std::uint16_t>((bits + 0x7fffU + (bits >> 16U & 1U)) >> 16U);
  }
}

void swap_bytes(void* elements, std::size_t count, std::size_t element_bytes) {
  if (element_bytes < 2) return;
  auto* at = static_cast<std::uint8_t*>(elements);
  for (std::size_t k = 0; k < count; ++k, at += element_bytes) std::reverse(at, at + element_bytes);
}

void gather(const std::uint8_t* from, std::span<const std::size_t> shape, std::span<const std::size_t> strides,
            std::size_t element_bytes, std::uint8_t* to) {
  if (std::ranges::find(shape, std::size_t{0}) != shape.end()) return;
  if (shape.empty()) {
    std::memcpy(to, from, element_bytes);
    return;
  }
  switch (element_bytes) {
    case 1:
      return gather_elements<1>(from, shape, strides, to);
    case 2:
      return gather_elements<2>(from, shape, strides, to);
    case 4:
      return gather_elements<4>(from, shape, strides, to);
    default:
      return gather_elements<8>(from, shape, strides, to);
  }
}

}  // namespace xgrad::nn

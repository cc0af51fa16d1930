#include <xgrad/core/print.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <ostream>
#include <vector>

namespace xgrad {
namespace {

constexpr std::size_t whole = 1000, ends = 3;

template <class T>
std::string number(T x) {
  if constexpr (std::is_floating_point_v<T>)
    return fmt::format("{:.6g}", x);
  else if constexpr (std::is_same_v<T, bool>)
    return x ? "true" : "false";
  else
    return fmt::format("{}", static_cast<std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>>(x));
}

/// The array in brackets; elements get the width of the widest.
template <class T>
class Picture {
 public:
  explicit Picture(const Array<T>& array) : array_(array), cut_(array.size() > whole) {
    draw(0, 0, [&](T x) { width_ = std::max(width_, number(x).size()); });
    text_.clear();
    draw(0, 0, [&](T x) { fmt::format_to(std::back_inserter(text_), "{:>{}}", number(x), array_.dimension() == 0 ? 0 : width_); });
  }
  std::string text() && { return std::move(text_); }

 private:
  template <class F>
  void draw(std::size_t axis, std::size_t begin, F element) {
    const auto& shape = array_.shape();
    if (axis == shape.size()) return element(array_.data()[begin]);
    const bool last = axis + 1 == shape.size();
    const std::size_t n = shape[axis];
    std::size_t step = 1;
    for (std::size_t k = axis + 1; k < shape.size(); ++k) step *= shape[k];
    const std::string between = last ? ", " : "," + std::string(shape.size() - axis - 1, '\n') + std::string(axis + 1, ' ');
    text_ += '[';
    for (std::size_t i = 0; i < n; ++i) {
      if (i > 0) text_ += between;
      if (cut_ && n > 2 * ends && i == ends) {
        text_ += "…";
        i = n - ends - 1;
        continue;
      }
      draw(axis + 1, begin + i * step, element);
    }
    text_ += ']';
  }

  const Array<T>& array_;
  bool cut_;
  std::size_t width_ = 0;
  std::string text_;
};

}  // namespace

template <class T>
std::string to_string(const Array<T>& array) {
  return Picture<T>(array).text();
}

std::ostream& detail::write(std::ostream& stream, std::string_view text) { return stream << text; }

template <class T>
std::ostream& memory::operator<<(std::ostream& stream, const Array<T>& array) {
  return stream << to_string(array);
}

#define XGRAD_INSTANTIATE(T)                          \
  template std::string to_string<T>(const Array<T>&); \
  template std::ostream& memory::operator<< <T>(std::ostream&, const Array<T>&);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)
XGRAD_INSTANTIATE(bool)
XGRAD_INSTANTIATE(std::int8_t)
XGRAD_INSTANTIATE(std::int16_t)
XGRAD_INSTANTIATE(std::int32_t)
XGRAD_INSTANTIATE(std::int64_t)
XGRAD_INSTANTIATE(std::uint8_t)
XGRAD_INSTANTIATE(std::uint16_t)
XGRAD_INSTANTIATE(std::uint32_t)
XGRAD_INSTANTIATE(std::uint64_t)

}  // namespace xgrad

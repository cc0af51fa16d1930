#include <xgrad/graph/apply.hpp>
#include <xgrad/ops/shape.hpp>

#include "../kernels/array/strided.hpp"
#include "axes.hpp"
#include "support.hpp"

namespace xgrad {
using namespace detail;

namespace {

template <class T>
struct Roll {
  static constexpr std::string_view name = "roll";
  static constexpr std::array uses{use::none};
  std::size_t axis;
  std::ptrdiff_t shift;
  bool backwards = false;  // instead of a shift with the other sign, which the smallest number does not have

  Result<T> forward(Inputs<T> in) {
    Array<T> out = make_array<T>(in[0].shape());
    if (out.size() == 0) return out;
    const Around s(out.shape(), axis);
    const auto n = static_cast<std::ptrdiff_t>(s.length), places = (backwards ? -(shift % n) : shift % n);
    kernels::roll(in[0].data(), out.data(), s.outer, s.length, s.inner, static_cast<std::size_t>(places < 0 ? places + n : places));
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    return apply(Roll{axis, shift, !backwards}, {g}, c.where());
  }
};

}  // namespace

template <class T>
Variable<T> roll(Variable<T> x, std::ptrdiff_t shift, std::optional<int> axis, Where at) try {
  const Shape shape = shape_of(x, at);
  if (!axis) return reshape(apply(Roll<T>{0, shift}, {reshape(std::move(x), {-1}, at)}, at), shape, at);
  const std::size_t k = placed(at, "roll", [&] { return normalise_axis(*axis, shape.size()); });
  return apply(Roll<T>{k, shift}, {std::move(x)}, at);
} catch (Error& error) {
  called(error, at);
}

XGRAD_BOTH(roll);

}  // namespace xgrad

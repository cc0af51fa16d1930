#include <array>
#include <string_view>
#include <utility>

#include <xgrad/xgrad.hpp>

namespace xg = xgrad;

namespace {

const auto half_square = xg::elementwise("half_square", [](auto x) { return x * x / 2; });

template <class T>
struct Triple {
  static constexpr std::string_view name = "triple";
  static constexpr std::array uses{xg::use::none};
  xg::Result<T> forward(xg::Inputs<T> in) { return xg::Array<T>(in[0] * T{3}); }
  xg::Variable<T> vjp(const xg::Context<T>&, const xg::Variable<T>& g, std::size_t) const { return 3 * g; }
};

}  // namespace

xg::Variable<double> loss_of(xg::Variable<double> x) {
  return sum(half_square(xg::apply(Triple<double>{}, {std::move(x)}, xg::Where::current()))) / 3;
}

// Users' ops that do what they must not.
#include <array>
#include <string>

#include "support.hpp"

namespace xg = xgrad;
using xg::Array;
using V = xg::Variable<double>;
using namespace xgrad_test;

namespace {
/// a + b, with vjps that do what they should not.
struct Careless {
  static constexpr std::string_view name = "careless";
  static constexpr std::array uses{xg::use::none, xg::use::none};
  int fault;
  xg::Result<double> forward(xg::Inputs<double> in) { return Array<double>(in[0]); }
  void vjps(const xg::Context<double>& c, const V& g, xg::Gradients<double>& out) const {
    if (fault == 0) out.set(1, g);  // set, wanted or not
    if (fault == 1) static_cast<void>(c.input_shape(1));
    if (fault != 2) out.set(0, g);
  }
};
struct Short {
  static constexpr std::string_view name = "short";
  static constexpr std::array uses{xg::use::none};
  xg::Result<double> forward(xg::Inputs<double> in) { return Array<double>(in[0]); }
  V vjp(const xg::Context<double>&, const V& g, std::size_t) const { return g; }
};
}  // namespace

TEST_CASE("careless ops of users get an error, not a crash") {
  const V x = leaf({1, 2});
  const auto run = [&](int fault, const V& second) {
    return error_of([&] { backward(sum(xg::apply(Careless{fault}, {x, second}, xg::Where::current()))); });
  };
  CHECK(run(0, V(Array<double>{1, 2})) == "");
  CHECK(x.grad() == Array<double>{1, 1});
  CHECK(has(run(1, V(Array<double>{1, 2})),
            "careless: vjp for input 0 asks for the shape of input 1, which is a constant that is not kept"));
  CHECK(has(run(2, V(Array<double>{1, 2})), "careless: vjps set no gradient for input 0, which is wanted"));
  CHECK(has(error_of([&] { xg::apply(Short{}, {x, x}, xg::Where::current()); }), "short: `uses` has 1 entry, but input 1"));
  const auto f = xg::elementwise(
      "f", [](auto a) { return 2 * a; }, [](auto, auto) { return 2; });
  CHECK(
      has(error_of([&] { backward(sum(f(x))); }), "f: derivative 0 does not use its first parameter, the gradient of the result"));
}

namespace {

/// What a user may get wrong in an op.
enum class Slip { constant_shape, far_shape, far_input, forgets, twice, beyond, unasked };
struct Slippery {
  static constexpr std::string_view name = "slippery";
  static constexpr std::array uses{xg::use::input(0) | xg::use::input(7), xg::use::none};
  Slip slip;
  xg::Result<double> forward(xg::Inputs<double> in) { return Array<double>(in[0]); }
  void vjps(const xg::Context<double>& c, const V& g, xg::Gradients<double>& out) const {
    if (slip == Slip::constant_shape) c.input_shape(1);
    if (slip == Slip::far_shape) c.input_shape(9);
    if (slip == Slip::far_input) c.input(7);
    if (slip != Slip::forgets) out.set(0, g);
    if (slip == Slip::twice) out.set(0, g);
    if (slip == Slip::beyond) out.set(2, g);
    if (slip == Slip::unasked) out.set(1, g);
  }
};
struct TooFew {
  static constexpr std::string_view name = "too_few";
  static constexpr std::array uses{xg::use::none};
  xg::Result<double> forward(xg::Inputs<double> in) { return Array<double>(in[0]); }
  V vjp(const xg::Context<double>&, const V& g, std::size_t) const { return g; }
};

}  // namespace

TEST_CASE("a user's op that is wrong says so") {
  const V x = leaf({1, 2}), constant(Array<double>{3, 4});
  const auto message = [&](Slip slip) {
    return error_of([&] { backward(sum(xg::apply(Slippery{slip}, {V(x), V(constant)}, xg::Where::current()))); });
  };
  CHECK(has(message(Slip::constant_shape),
            "slippery: vjp for input 0 asks for the shape of input 1, which is a constant that is not kept"));
  CHECK(has(message(Slip::far_shape), "slippery: vjp for input 0 asks for the shape of input 9, which is not there"));
  CHECK(has(message(Slip::far_input), "slippery: vjp for input 0 reads input 7 of 2; it must be one of them"));
  CHECK(has(message(Slip::forgets),
            "slippery: vjps set no gradient for input 0, which is wanted; it must pass zeros where there is none"));
  CHECK(has(message(Slip::twice), "slippery: vjps set the gradient of input 0 twice; it must be set once"));
  CHECK(has(message(Slip::beyond), "slippery: vjps set a gradient for input 2; it must be one of the 2 there are"));
  const auto many = [&](Slip slip) {  // rows of a Jacobian at once
    return error_of([&] {
      xg::jacobian([&](const V& v) { return xg::apply(Slippery{slip}, {V(v), V(constant)}, xg::Where::current()); }, x);
    });
  };
  CHECK(has(many(Slip::forgets), "slippery: vjps set no gradient for input 0, which is wanted"));
  CHECK(has(many(Slip::twice), "slippery: vjps set the gradient of input 0 twice; it must be set once"));
  CHECK(has(many(Slip::beyond), "slippery: vjps set a gradient for input 2; it must be one of the 2 there are"));
  CHECK_FALSE(x.has_grad());
  CHECK(message(Slip::unasked) == "");
  CHECK(x.grad() == Array<double>{1, 1});
  const std::string few = error_of([&] { xg::apply(TooFew{}, {V(x), V(x)}, xg::Where::current()); });
  const std::string line = "wrong_ops.cpp:" + std::to_string(__LINE__ - 1) + ": ";
  CHECK(has(few, line + "too_few: `uses` has 1 entry, but input 1 needs a gradient; there must be one entry per input"));
  CHECK_THROWS_WITH_AS(xg::use::input(31), "an input to declare is number 31; it must be less than 31", xg::ValueError);
}

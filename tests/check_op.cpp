// check_op finds what it says it looks for: each operation here is wrong in one way.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <xgrad/xgrad.hpp>

#include "support.hpp"

using namespace xgrad;
using xgrad::testing::check_op;
using xgrad::testing::OpRow;
using V = Variable<double>;

using xgrad_test::has;

namespace {

/// x³, with a mistake.
enum class Mistake { none, value, gradient, second, in_float, writes, kept_too_little, throws, stacked, stacked_shape };

template <class T>
struct Cube {
  static constexpr std::string_view name = "cube";
  Mistake mistake;
  std::uint32_t uses(std::size_t) const { return use::input(0); }

  Result<T> forward(Inputs<T> in) {
    if (mistake == Mistake::throws) throw ValueError("not today");
    Array<T> out(in[0].shape());
    for (std::size_t k = 0; k < out.size(); ++k) {
      const T x = in[0].data()[k];
      out.data()[k] = x * x * x;
      if (mistake == Mistake::value && k == 5) out.data()[k] += T(1e-9);
      if (mistake == Mistake::in_float && sizeof(T) == sizeof(float)) out.data()[k] += T(1e-3);
      if (mistake == Mistake::writes) const_cast<T*>(in[0].data())[k] = x + 1;  // what no op may do
    }
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    if (mistake == Mistake::gradient) return 3.00001 * g * square(c.input(0));
    if (mistake == Mistake::second) return 3 * g * square(c.input(0).detach());
    return 3 * g * square(c.input(0));
  }
  Variable<T> stacked_vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    if (mistake == Mistake::stacked_shape) return sum(g, 0);
    return (mistake == Mistake::stacked ? 2 : 3) * g * square(c.input(0));
  }
};

template <class T>
Variable<T> cube(Variable<T> x, Mistake mistake) {
  return apply(Cube<T>{mistake}, {std::move(x)}, Where::current());
}

std::string failures(Mistake mistake, OpRow row) {
  row.shapes = {{3, 4}};
  row.reference = [](const auto& x) { return Array<double>(x[0] * x[0] * x[0]); };
  const auto report = check_op([mistake](auto x) { return cube(x, mistake); }, row);
  std::string text;
  for (const std::string& failure : report.failures) text += failure + "\n";
  CHECK(report.ok() == text.empty());
  return text;
}

}  // namespace

TEST_CASE("check_op: a right operation passes, and what was checked is listed") {
  const auto report = check_op([](auto x) { return cube(x, Mistake::none); }, {.shapes = {{3, 4}}, .kept = {use::input(0)}});
  CHECK(report.ok());
  CHECK(report.passed ==
        std::vector<std::string>{"inputs stay as they are", "values are the same without recording",
                                 "derivatives to order 2 are those of differences", "values in float agree with those in double",
                                 "gradients in float agree with those in double", "gradients survive that buffers are reused",
                                 "gradients of two uses add up", "many gradients at once are those of one at a time",
                                 "nothing is kept beyond what gradients need"});
  CHECK(failures(Mistake::none, {.order = 3}).empty());
}

TEST_CASE("check_op: what is wrong is found") {
  CHECK(has(failures(Mistake::value, {}), "values differ from the reference by 1e-09"));
  CHECK(has(failures(Mistake::gradient, {}), "input 0"));
  CHECK(has(failures(Mistake::second, {}), "input 0"));
  CHECK(failures(Mistake::second, {.order = 1}).empty());
  CHECK(failures(Mistake::gradient, {.order = 0}).empty());
  CHECK(has(failures(Mistake::in_float, {}), "float differs from double by"));
  CHECK(has(failures(Mistake::writes, {}), "input 0 was changed"));
  CHECK(has(failures(Mistake::none, {.kept = {use::none}}), "for the gradient of input 0, input 0 is kept"));
  CHECK(has(failures(Mistake::throws, {}), "values: "));
  CHECK(has(failures(Mistake::throws, {}), "not today"));
  CHECK(failures(Mistake::stacked, {}) == "the gradient for input 0 is another when it is one of many (stacked_vjp)\n");
  CHECK(has(failures(Mistake::stacked_shape, {}), "stacked_vjp for input 0 returned shape (3, 4); it must be shape (24, 3, 4)"));
  // a function that says something else the second time
  int calls = 0;
  const auto fickle = [&calls](auto x) { return x * static_cast<double>(++calls); };
  CHECK(has(check_op(fickle, {.shapes = {{2}}}).failures.at(0), "inside NoGrad the values are others"));
  // a shape that is not the reference's
  const auto wrong_shape =
      check_op([](auto x) { return sum(x); }, {.shapes = {{2, 3}}, .reference = [](const auto&) { return zeros<double>({1}); }});
  CHECK(wrong_shape.failures.at(0) == "the result is (), the reference (1,)");
}

TEST_CASE("check_op: rows that make no sense") {
  const auto f = [](auto x) { return square(x); };
  using xgrad_test::error_of;
  CHECK(has(error_of([&] { static_cast<void>(check_op(f, {})); }), "there are no inputs; their shapes must be given"));
  CHECK(has(error_of([&] { static_cast<void>(check_op(f, {.shapes = {{2}}, .domains = {}})); }), "domains is empty"));
  CHECK(has(error_of([&] {
              static_cast<void>(check_op(f, {.shapes = {{2}}, .kept = {0, 0}}));
            }),
            "kept has 2 entries, shapes 1; they must be equal"));
  CHECK(has(error_of([&] { static_cast<void>(check_op(f, {.shapes = {{2}}, .domains = {{1, 1.1}}})); }), "too narrow"));
}

// Functions that see gradients on their way: Variable::on_grad.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <xgrad/xgrad.hpp>

#include "support.hpp"

namespace xg = xgrad;
using xg::Array;
using V = xg::Variable<double>;

using namespace xgrad_test;

namespace {

V leaf(const Array<double>& value) { return V(value, true); }
V leaf(double value) { return V(value, true); }

std::string here(unsigned line) { return "hooks.cpp:" + std::to_string(line) + ": "; }

}  // namespace

TEST_CASE("hooks see a gradient when it is complete, and may replace it") {
  V x = leaf(Array<double>{1, 2}), h = x * 2;
  std::vector<Array<double>> seen;
  h.on_grad([&](const V& g) { seen.push_back(g.value()); });
  x.on_grad([&](const V& g) { seen.push_back(g.value()); });
  backward(sum(h * 3 + h * h));  // two users of h: one call, with their sum
  REQUIRE(seen.size() == 2);
  CHECK(seen[0] == Array<double>{7, 11});
  CHECK(seen[1] == Array<double>{14, 22});
  CHECK(x.grad() == seen[1]);
  h = x * 2;
  auto clip = h.on_grad([](const V& g) { return minimum(g, 1); });
  h.on_grad([](const V& g) { return g * 10; });           // after the one before
  auto leaf_hook = x.on_grad([](V g) { return g + 1; });  // before what is already there is added
  backward(sum(h * 5));
  CHECK(x.grad() == Array<double>{14 + 21, 22 + 21});
  CHECK(grad(sum(x * h), {h})[0].value() == Array<double>{10, 10});  // an end that is a result
  clip.remove();
  leaf_hook.remove();
  CHECK(grad(sum(h * 5), {h})[0].value() == Array<double>{50, 50});
  CHECK(grad(sum(x * 5), {x})[0].value() == Array<double>{5, 5});
  xg::HookHandle<double>().remove();
}

TEST_CASE("hooks are recorded with create_graph, and run on gradients alone without") {
  V x = leaf(2.0), h = x * x;
  h.on_grad([&](const V& g) { return g * h.detach() * x; });
  V g = grad(h * 1, {x}, {.create_graph = true})[0];  // x³ · 2x
  CHECK(g.item() == 32);
  CHECK(grad(g, {x}, {.allow_unused = true})[0].requires_grad() == false);
  V y = x * 3;
  y.on_grad([&](const V&) { return x * 1; });
  backward(y);
  CHECK(x.grad()() == 6);
  CHECK_FALSE(grad(x * 3, {x})[0].requires_grad());
}

// This test names its own lines.
// clang-format off
TEST_CASE("what goes wrong in a hook leaves the leaves as they were") {
  V x = leaf(Array<double>{1, 2}), h = x * 2;
  CHECK(has(error_of([&] { V(1.0).on_grad([](const V&) {}); }), here(__LINE__) + "on_grad: the Variable needs no gradient; it must, or the function would never be called"));
  CHECK(has(error_of([&] { V().on_grad([](const V&) {}); }), here(__LINE__) + "on_grad: the Variable is undefined"));
  auto hook = h.on_grad([](const V& g) { return sum(g); });
  const std::string shape = error_of([&] { backward(sum(h)); });
  CHECK(has(shape, here(__LINE__ - 2) + "on_grad: the function returned shape (), the gradient has (2,); they must be equal"));
  CHECK(has(shape, "(in the backward of " + here(__LINE__ - 2).substr(0, here(__LINE__ - 2).size() - 2) + ")"));
  hook.remove();
  V y = leaf(1.0);
  y.on_grad([](const V& g) { return g + V(Array<double>{1, 2}) * V(Array<double>{1, 2, 3}); });
  CHECK(has(error_of([&] { backward(sum(x * y)); }), here(__LINE__ - 1) + "mul: a is (2,), b is (3,)"));
  CHECK_FALSE(x.has_grad());
  CHECK_FALSE(y.has_grad());
  V z = leaf(1.0), w = z * 1;
  w.on_grad([&](const V&) { backward(w); });  // comes back to a node that is at work
  CHECK(has(error_of([&] { backward(w); }), here(__LINE__ - 1) + "backward: mul recorded at " + here(__LINE__ - 2).substr(0, here(__LINE__ - 2).size() - 2) + " is in the middle of another backward or grad"));
  backward(sum(x));
  CHECK(x.grad() == Array<double>{1, 1});
}

// The graph and the engine, from outside.
#include <doctest/doctest.h>
#include <pthread.h>

#include <cmath>
#include <limits>
#include <string>

#include <xgrad/xgrad.hpp>

#include "support.hpp"

namespace xg = xgrad;
using xg::Array;
using xg::Shape;
using V = xg::Variable<double>;

using namespace xgrad_test;

namespace {

V leaf(const Array<double>& value) { return V(value, true); }
V leaf(double value) { return V(value, true); }

std::string here(unsigned line) { return "graph.cpp:" + std::to_string(line) + ": "; }

/// Runs `f` in a thread with a stack of 256 KiB.
void with_small_stack(void (*f)()) {
  pthread_attr_t attributes;
  REQUIRE(pthread_attr_init(&attributes) == 0);
  REQUIRE(pthread_attr_setstacksize(&attributes, 256 * 1024) == 0);
  pthread_t thread;
  REQUIRE(pthread_create(
              &thread, &attributes,
              [](void* g) -> void* {
                reinterpret_cast<void (*)()>(g)();
                return nullptr;
              },
              reinterpret_cast<void*>(f)) == 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

/// x³ with a kernel of its own. What its vjp reads and returns is up to the test.
enum class Fault { none, shape, undeclared, throws };
template <class T>
struct Cube {
  static constexpr std::string_view name = "cube";
  static constexpr std::array uses{xg::use::input(0), xg::use::none};
  Fault fault = Fault::none;

  xg::Result<T> forward(xg::Inputs<T> in) {
    Array<T> y(in[0].shape());
    for (std::size_t i = 0; i < y.size(); ++i) y.data()[i] = in[0].data()[i] * in[0].data()[i] * in[0].data()[i];
    return y;
  }
  xg::Variable<T> vjp(const xg::Context<T>& c, const xg::Variable<T>& g, std::size_t i) const {
    if (fault == Fault::shape) return sum(g);
    if (fault == Fault::undeclared) return g * c.output();
    if (fault == Fault::throws) throw xg::ValueError("out of luck");
    return i == 0 ? 3 * g * square(c.input(0)) : g * 0;
  }
};
V cube(V x, Fault fault = Fault::none, xg::Where where = xg::Where::current()) {
  return xg::apply(Cube<double>{fault}, {std::move(x)}, where);
}

/// (a + b, shared work) through vjps.
struct Blend {
  static constexpr std::string_view name = "blend";
  static constexpr std::array uses{xg::use::input(1), xg::use::input(0)};
  static inline int calls = 0;
  xg::Result<double> forward(xg::Inputs<double> in) {
    Array<double> y(in[0].shape());
    for (std::size_t i = 0; i < y.size(); ++i) y.data()[i] = in[0].data()[i] * in[1].data()[i];
    return y;
  }
  void vjps(const xg::Context<double>& c, const V& g, xg::Gradients<double>& out) const {
    ++calls;
    if (out.wants(0)) out.set(0, g * c.input(1));
    if (out.wants(1)) out.set(1, g * c.input(0));
  }
};

std::size_t kept(const V& y) {
  std::size_t n = 0;
  for (const auto& edge : y.node()->edges()) n += edge.kept ? 1 : 0;
  return n;
}

}  // namespace

TEST_CASE("a chain of a million nodes fits a stack of 256 KiB") {
  with_small_stack([] {
    V x = leaf(1.0), one(1.0), y = x;
    for (int i = 0; i < 1'000'000; ++i) y = y * one;
    backward(y);
    CHECK(x.grad()() == 1);
    y = V();  // the chain dies here
    y = x;
    for (int i = 0; i < 1000; ++i) y = tanh(y);
    CHECK(grad(y, {x}, {.create_graph = true}).size() == 1);
  });
}

TEST_CASE("one node with 100 000 users") {
  with_small_stack([] {
    V x = leaf(2.0), shared = x * 3;
    V total = shared;
    for (int i = 0; i < 99'999; ++i) total = total + shared;
    backward(total);
    CHECK(x.grad()() == 300'000);
  });
}

TEST_CASE("x + x fifty times takes fifty steps") {
  V x = leaf(1.0), y = x;
  for (int i = 0; i < 50; ++i) y = y + y;
  backward(y);
  CHECK(x.grad()() == std::exp2(50));
}

TEST_CASE("backward adds to the leaves, zero_grad forgets") {
  V x = leaf(Array<double>{1, 2, 3});
  CHECK_FALSE(x.has_grad());
  backward(sum(x * x));
  backward(sum(x));
  CHECK(x.grad() == Array<double>{3, 5, 7});
  x.zero_grad();
  CHECK_FALSE(x.has_grad());
  backward(x * x, Array<double>{1, 10, 100});
  CHECK(x.grad() == Array<double>{2, 40, 600});
}

TEST_CASE("grad writes to no leaf and goes through intermediate results") {
  V x = leaf(3.0), a = x * x, y = a * x;
  const auto g = grad(y, {x, a});
  CHECK(g[0].item() == 27);
  CHECK(g[1].item() == 3);
  CHECK_FALSE(x.has_grad());
  CHECK_FALSE(g[0].requires_grad());
  const V z = sum(V(Array<double>{1, 2}) * x);
  CHECK(grad(z * z, {z})[0].item() == 18);  // the root of a smaller graph
}

TEST_CASE("derivatives of derivatives") {
  V x = leaf(2.0);
  V y = x * x * x * x;
  for (double expected : {32.0, 48.0, 48.0, 24.0}) {
    y = grad(y, {x}, {.create_graph = true})[0];
    CHECK(y.item() == doctest::Approx(expected));
  }
  CHECK_FALSE(grad(y * x, {x})[0].requires_grad());
}

TEST_CASE("a user's op, to second order") {
  V x = leaf(Array<double>{1, 2});
  V g = grad(sum(cube(x)), {x}, {.create_graph = true})[0];
  CHECK(g.value() == Array<double>{3, 12});
  CHECK(grad(sum(g), {x})[0].value() == Array<double>{6, 12});
}

TEST_CASE("vjps computes gradients that share work in one call") {
  V a = leaf(Array<double>{1, 2}), b = leaf(Array<double>{3, 4});
  const auto blend = [](V x, V y, xg::Where where = xg::Where::current()) {
    return xg::apply(Blend{}, {std::move(x), std::move(y)}, where);
  };
  Blend::calls = 0;
  backward(sum(blend(a, b)));
  CHECK(Blend::calls == 1);
  CHECK(a.grad() == b.value());
  CHECK(b.grad() == a.value());
  V h = grad(sum(blend(a, b)), {a}, {.create_graph = true})[0];
  CHECK(grad(sum(h), {b})[0].value() == Array<double>{1, 1});
}

TEST_CASE("only what gradients need is kept") {
  V w = leaf(Array<double>{{1, 2}, {3, 4}}), x(Array<double>{{1, 0}, {0, 1}});
  CHECK(kept(matmul(x, w)) == 1);  // the input, for the weight's gradient
  CHECK(kept(matmul(w, x)) == 1);
  CHECK(kept(matmul(w, w)) == 2);
  CHECK(kept(w + x) == 0);
  CHECK_FALSE(matmul(x, x).requires_grad());
  {
    const xg::NoGrad no_grad;
    CHECK_FALSE(matmul(w, w).requires_grad());
    CHECK_FALSE(xg::recording());
  }
  CHECK(xg::recording());
  CHECK_FALSE((w.detach() * w.detach()).requires_grad());
}

TEST_CASE("a last reference lends its buffer to the result") {
  Array<double> values = xg::ones<double>({4, 5});
  const double* buffer = values.data();
  V x(std::move(values));
  V y = relu(std::move(x));
  CHECK(y.value().data() == buffer);
  V z = reshape(y + 1, {20});  // y still lives
  CHECK(z.value().data() != buffer);
  const double* second = z.value().data();
  z = reshape(std::move(z), {2, -1});
  CHECK(z.value().data() == second);
  CHECK(z.shape() == Shape{2, 10});
  V w = leaf(xg::ones<double>({4, 5}));
  CHECK(tanh(w).value().data() != w.value().data());
  V kept_input = w * 2;
  const double* third = kept_input.value().data();
  CHECK(square(std::move(kept_input)).value().data() != third);  // its gradient needs it
}

TEST_CASE("assign and update") {
  V x = leaf(Array<double>{1, 2}), same = x;
  x.assign(Array<double>{5, 6});
  CHECK(same.value() == Array<double>{5, 6});
  const std::string shape = error_of([&] { x.assign(Array<double>{1, 2, 3}); });
  CHECK(has(shape, here(__LINE__ - 1) + "assign: the new value is (3,), the Variable is (2,); they must be equal"));
  V y = x * 2;
  CHECK(has(error_of([&] { y.assign(Array<double>{1, 2}); }), "assign: the Variable is the result of mul recorded at graph.cpp:"));

  V z = square(x);
  x.assign(Array<double>{7, 8});
  const std::string changed = error_of([&] { backward(sum(z)); });
  CHECK(has(changed, here(__LINE__ - 1) + "backward: input 0 kept by square (graph.cpp:"));
  CHECK(has(changed, "was assigned since; forward must run again"));
  CHECK_FALSE(x.has_grad());
}

TEST_CASE("gradients may share a buffer until one is changed") {
  V a = leaf(Array<double>{1, 2}), b = leaf(Array<double>{3, 4});
  backward(sum(a + b));
  a.update_grad([](Array<double>& g) { g.fill(9); });
  CHECK(a.grad() == Array<double>{9, 9});
  CHECK(b.grad() == Array<double>{1, 1});
}

TEST_CASE("an update that throws leaves everything as it was") {
  struct Mine {};
  V x = leaf(Array<double>{{1, 2}, {3, 4}});
  backward(sum(square(x)));
  const V kept = square(x);
  for (const Shape& shape : {Shape{4}, Shape{2, 3}, Shape{1}, Shape{0}, Shape{}}) {
    CHECK_THROWS_AS(x.update_grad([&](Array<double>& g) { g = xg::zeros<double>(shape); }), xg::ShapeError);
    CHECK_THROWS_AS(x.update_grad([&](Array<double>& g) { g.fill(9), g.resize(shape); }), xg::ShapeError);
    CHECK_THROWS_AS(x.update([&](Array<double>& v) { v = xg::zeros<double>(shape); }), xg::ShapeError);
    CHECK_THROWS_AS(x.update([&](Array<double>& v) { v.fill(9), v.resize(shape); }), xg::ShapeError);
    CHECK_THROWS_AS(x.assign(xg::zeros<double>(shape)), xg::ShapeError);
  }
  CHECK_THROWS_AS(x.update([](Array<double>& v) {
    v.fill(9);
    throw Mine();
  }),
                  Mine);
  CHECK_THROWS_AS(x.update_grad([](Array<double>& g) {
    g.fill(9);
    throw Mine();
  }),
                  Mine);
  CHECK(x.value() == Array<double>{{1, 2}, {3, 4}});
  CHECK(x.grad() == Array<double>{{2, 4}, {6, 8}});
  xg::optim::Optimizer sgd(std::vector{x}, xg::optim::SGD{.lr = 1});
  sgd.step();
  CHECK(x.value() == Array<double>{{-1, -2}, {-3, -4}});
  // a hook's gradient of another shape is refused, and nothing is added
  x.on_grad([](const V& g) { return sum(g); });
  CHECK_THROWS_AS(backward(sum(square(x))), xg::ShapeError);
  CHECK(x.grad() == Array<double>{{2, 4}, {6, 8}});
}

// xtensor itself multiplies the lengths of such an array in signed arithmetic, which the sanitizer takes it to task for.
#if defined(__has_feature)
#if __has_feature(undefined_behavior_sanitizer)
#define XGRAD_TEST_UNDEFINED_IS_FATAL
#endif
#endif
#ifndef XGRAD_TEST_UNDEFINED_IS_FATAL
TEST_CASE("an array whose lengths wrap is no value") {
  const std::size_t large = std::size_t{1} << 32;
  Array<double> wrapped;
  wrapped.resize(Shape{large, large});
  REQUIRE(wrapped.size() == 0);
  CHECK_THROWS_AS(V(wrapped, true), xg::ShapeError);
}
#endif

// These tests name their own lines.
// clang-format off
TEST_CASE("an output that a gradient keeps must not change either") {
  const V x = leaf(Array<double>{1, 2}), y = exp(x);
  y.detach().update([](Array<double>& a) { a.fill(0); });
  CHECK(has(error_of([&] { backward(sum(y)); }), "backward: the output kept by exp (graph.cpp:"));
  CHECK_FALSE(x.has_grad());
  CHECK(has(error_of([&] { x.detach().update([](Array<double>& a) { a = Array<double>{1}; }); }), "update: the value is now (1,), it was (2,)"));
}

TEST_CASE("gradients share no buffer with seeds or with each other") {
  V x = leaf(Array<double>{1, 2}), s(Array<double>{10, 10});
  backward(x + 0, s);
  s.assign(Array<double>{0, 0});
  CHECK(x.grad() == Array<double>{10, 10});
  V y = x + 0;  // nor does a hook write into the seed
  y.on_grad([](const V& pending) { V(pending).update([](Array<double>& v) { v.fill(3); }); });
  const V given(Array<double>{10, 10});
  x.zero_grad();
  backward(y, given);
  CHECK(given.value() == Array<double>{10, 10});
  CHECK(x.grad() == Array<double>{3, 3});
  V a = leaf(Array<double>{1}), b = leaf(Array<double>{1});
  auto g = grad(sum(a + b), {a, b});
  g[0].update([](Array<double>& v) { v.fill(7); });
  CHECK(g[1].item() == 1);
  const V seed = leaf(Array<double>{1, 1});
  CHECK_FALSE(grad(x + 1, {x}, seed)[0].requires_grad());
  CHECK(grad(x + 1, {x}, seed, {.create_graph = true})[0].requires_grad());
}

TEST_CASE("the value of a temporary can be held on to") {
  const V x = leaf(Array<double>{1, 2, 3});
  double total = 0;
  for (const double v : (x * 3).value()) total += v;
  CHECK(total == 18);
  const auto& value = (x * 2).value();
  const auto& shape = sum(x, 0, {.keepdims = true}).shape();
  CHECK(value == Array<double>{2, 4, 6});
  CHECK(shape == Shape{1});
}

TEST_CASE("ops work while static objects are destroyed") {
  struct Late {
    ~Late() { static_cast<void>(tanh(V(1.0)) + 1); }
  };
  static const Late late;
}

TEST_CASE("misuse is an error with the user's line and a remedy") {
  V x = leaf(Array<double>{1, 2});
  V loss = sum(x * x);
  backward(loss);
  const std::string freed = error_of([&] { backward(loss); });
  CHECK(has(freed, here(__LINE__ - 1) + "backward: sum recorded at graph.cpp:"));
  CHECK(has(freed, "was freed by an earlier backward or grad; the first one must have {.retain_graph = true}"));
  V again = sum(x * x);
  backward(again, {.retain_graph = true});
  backward(again);
  CHECK(has(error_of([&] { backward(x * x); }), here(__LINE__) + "backward: the root has shape (2,); it must have one element"));
  CHECK(has(error_of([&] { backward(x * x, Array<double>{1, 2, 3}); }), "backward: the seed has shape (3,), the root (2,)"));
  CHECK(has(error_of([&] { backward(V(2.0)); }), "backward: the root needs no gradient"));
  CHECK(has(error_of([&] { backward(V()); }), "backward: the root is an undefined Variable"));
  CHECK(has(error_of([&] { x + V(); }), here(__LINE__) + "add: input 1 is an undefined Variable"));
  CHECK(has(error_of([&] { V().value(); }), here(__LINE__) + "value: the Variable is undefined"));
  CHECK(has(error_of([&] { x.item(); }), here(__LINE__) + "item: the Variable has shape (2,); it must have exactly one element"));
  CHECK(has(error_of([&] { (x * 1).grad(); }), here(__LINE__) + "grad: the Variable is the result of mul recorded at " + here(__LINE__).substr(0, here(__LINE__).size() - 2)));
  CHECK(has(error_of([&] { V(1.0).grad(); }), "grad: the Variable is a constant"));
  CHECK(has(error_of([&] { leaf(1.0).grad(); }), "grad: there is no gradient yet"));
  V other = leaf(1.0);
  CHECK(has(error_of([&] { grad(sum(x), {other}); }), here(__LINE__) + "grad: y does not depend on x[0]; it must, or pass {.allow_unused = true}"));
  CHECK(grad(sum(x), {other, x}, {.allow_unused = true})[0].item() == 0);
  CHECK(has(error_of([&] { grad(sum(x), {V(1.0)}); }), "grad: x[0] needs no gradient"));
}
// clang-format on

TEST_CASE("what goes wrong in a vjp names the op and both lines") {
  V x = leaf(Array<double>{1, 2});
  const auto message = [&](Fault fault) { return error_of([&] { backward(sum(cube(x, fault))); }); };
  CHECK(has(message(Fault::shape), here(__LINE__ - 1) + "cube: vjp for input 0 returned shape (); it must be shape (2,)"));
  CHECK(has(message(Fault::undeclared),
            "cube: vjp for input 0 reads the output, which uses[0] does not declare; it must stand there"));
  const std::string thrown = message(Fault::throws);
  CHECK(has(thrown, "out of luck"));
  CHECK(has(thrown, here(__LINE__ - 6)));
  CHECK_FALSE(x.has_grad());
}

TEST_CASE("an op that throws while it is recorded keeps its name and its inputs") {
  const V x = leaf(Array<double>{1, 2}), y = leaf(Array<double>{1, 2, 3});
  const std::string text = error_of([&] { x + y; });
  CHECK(has(text, here(__LINE__ - 1) + "add: a is (2,), b is (3,): lengths 2 and 3 of axis -1 do not broadcast"));
  CHECK(has(error_of([&] { matmul(x, y); }), ": matmul: a is (2,), b is (3,); a.shape[0] = 2 must equal b.shape[0] = 3"));
  backward(sum(x));
  CHECK(x.grad() == Array<double>{1, 1});
}

TEST_CASE("a backward that throws leaves the leaves as they were") {
  V x = leaf(Array<double>{1, 2}), y = leaf(Array<double>{1, 2});
  backward(sum(x * 3));
  CHECK(error_of([&] { backward(sum(square(x) + cube(x * y, Fault::throws))); }) != "");
  CHECK(x.grad() == Array<double>{3, 3});
  CHECK_FALSE(y.has_grad());
  backward(sum(x));  // and the engine is ready for the next
  CHECK(x.grad() == Array<double>{4, 4});
}

TEST_CASE("a backward that threw while several nodes were waiting can be run again") {
  const V x = leaf(Array<double>{1, 2});
  const V a = x * 2, b = square(x), c = a * b, d = exp(x);
  bool armed = true;
  a.on_grad([&](const V&) {
    if (armed) throw std::runtime_error("not now");
  });
  const V y = sum(c + d + b);
  CHECK_THROWS_AS(backward(y, {.retain_graph = true}), std::runtime_error);
  CHECK_FALSE(x.has_grad());
  armed = false;
  backward(y);
  for (std::size_t i = 0; i < 2; ++i) {
    const double v = x.value()(i);
    CHECK(x.grad()(i) == doctest::Approx(6 * v * v + std::exp(v) + 2 * v));
  }
}

TEST_CASE("the gradients of many leaves that take turns do not mix") {
  std::vector<V> leaves;
  for (int k = 0; k < 100; ++k) leaves.push_back(leaf(static_cast<double>(k)));
  V y = leaf(0.0);
  for (int round = 0; round < 3; ++round)
    for (std::size_t k = 0; k < leaves.size(); ++k) y = y + leaves[k] * static_cast<double>(k + 1);
  backward(y);
  for (std::size_t k = 0; k < leaves.size(); ++k) CHECK(leaves[k].grad()() == 3.0 * static_cast<double>(k + 1));
}

TEST_CASE("every node knows its line") {
  const V x(Array<double>{1, 2}, true);
  CHECK(x.node()->where().line() == __LINE__ - 1);
  const V y = x * 3 + 2;
  CHECK(y.node()->where().line() == __LINE__ - 1);
  const V z = sum(relu(x));
  CHECK(z.node()->where().line() == __LINE__ - 1);
  // ops of a vjp carry the line of the forward op
  const V w = cube(x);
  const auto line = w.node()->where().line();
  const V g = grad(sum(w), {x}, {.create_graph = true})[0];
  CHECK(g.node()->where().line() == line);
}

TEST_CASE("stamps grow along every edge") {
  V a = leaf(1.0), b = a * 2, c = a + b;
  for (const auto& edge : c.node()->edges()) CHECK(edge.node->stamp() < c.node()->stamp());
}

// These tests name their own lines.
// clang-format off
TEST_CASE("a kept output that was assigned through a detached copy is noticed") {
  V x = leaf(Array<double>{1, 2}), y = exp(x), same = y.detach();
  same.assign(Array<double>{5, 6});
  CHECK(has(error_of([&] { backward(sum(y)); }), here(__LINE__) + "backward: the output kept by exp (" + here(__LINE__ - 2).substr(0, here(__LINE__ - 2).size() - 2) + ") was assigned since"));
  CHECK_FALSE(x.has_grad());
}
// clang-format on

TEST_CASE("float and double do not mix, and integers stay out") {
  CHECK_FALSE(std::is_constructible_v<xg::Variable<float>, Array<double>>);
  CHECK_FALSE(std::is_constructible_v<xg::Variable<double>, xt::xarray<float>>);
  CHECK_FALSE(std::is_constructible_v<xg::Variable<double>, xg::Labels>);
  CHECK(std::is_convertible_v<int, xg::Variable<float>>);
  CHECK(std::is_convertible_v<xt::xarray<float>, xg::Variable<float>>);
}

// Several threads record at once, each its own graph. Also run under the thread sanitizer.
#include <doctest/doctest.h>

#include <thread>
#include <vector>

#include <xgrad/xgrad.hpp>

namespace xg = xgrad;
using V = xg::Variable<float>;

namespace {

template <class F>
void in_threads(int n, F f) {
  std::vector<std::thread> threads;
  for (int i = 0; i < n; ++i) threads.emplace_back(f, i);
  for (std::thread& thread : threads) thread.join();
}

float train(int steps) {
  V x(xg::full<float>({8, 4}, 0.5F)), w(xg::full<float>({3, 4}, 0.1F), true), b(xg::zeros<float>({3}), true);
  xg::Labels labels(xg::Shape{8});
  labels.fill(1);
  xg::optim::SGD<float> opt({w, b}, {.lr = 0.1, .momentum = 0.9});
  float last = 0;
  for (int i = 0; i < steps; ++i) {
    V loss = cross_entropy(tanh(linear(x, w, b)), labels);
    opt.zero_grad();
    backward(loss);
    opt.step();
    last = loss.item();
  }
  return last;
}

}  // namespace

TEST_CASE("each thread trains a network of its own") {
  const float expected = train(50);
  std::vector<float> found(4);
  in_threads(4, [&](int i) { found[static_cast<std::size_t>(i)] = train(50); });
  for (float value : found) CHECK(value == expected);
}

TEST_CASE("threads share parameters through grad, which writes to no leaf") {
  V w(xg::full<float>({4, 4}, 0.5F), true);
  std::vector<float> sums(4);
  in_threads(4, [&](int i) {
    for (int k = 0; k < 50; ++k) {
      V x(xg::full<float>({2, 4}, static_cast<float>(i)));
      V y = sum(square(matmul(x, w)));
      V g = grad(y, {w}, {.create_graph = true})[0];
      sums[static_cast<std::size_t>(i)] = sum(grad(sum(g), {w})[0]).item();
    }
  });
  for (int i = 0; i < 4; ++i) CHECK(sums[static_cast<std::size_t>(i)] == doctest::Approx(2.0 * 2 * 4 * 4 * 4 * i * i));
  CHECK_FALSE(w.has_grad());
}

TEST_CASE("a graph built in one thread is run and dropped in another") {
  V x(xg::full<float>({3}, 2.0F), true), y;
  std::thread([&] {
    V z = x;
    for (int i = 0; i < 1000; ++i) z = z + x;
    y = sum(z);
  }).join();
  std::thread([&] { backward(y); }).join();
  std::thread([&] { y = V(); }).join();
  CHECK(x.grad()(0) == 1001);
  V w = x * 2;  // the stamp of a node is above its inputs' even when those came from a busier thread
  V late;
  std::thread([&] { late = w + x; }).join();
  CHECK(late.node()->stamp() > w.node()->stamp());
}

TEST_CASE("blocks wander between threads and back to the pool") {
  for (int round = 0; round < 20; ++round) {
    std::vector<V> made(100);
    in_threads(2, [&](int i) {
      for (std::size_t k = 0; k < 50; ++k) made[static_cast<std::size_t>(i) * 50 + k] = V(xg::full<float>({100, k + 1}, 1.0F));
    });
    in_threads(2, [&](int i) {
      for (std::size_t k = 0; k < 50; ++k) made[k * 2 + static_cast<std::size_t>(i)] = V();
    });
  }
  CHECK(xg::memory::stats().peak > 0);
}

TEST_CASE("formulas are differentiated once, whoever comes first") {
  const auto f = xg::elementwise("f", [](auto x) { return x * sigmoid(x); });
  std::vector<float> found(4);
  in_threads(4, [&](int i) {
    V x(xg::full<float>({5}, 1.0F), true);
    found[static_cast<std::size_t>(i)] = grad(sum(f(x)), {x})[0].value()(0);
  });
  for (float value : found) CHECK(value == doctest::Approx(0.927671));
}

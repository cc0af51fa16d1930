// Several threads record at once, each its own graph. Also run under the thread sanitizer.
#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <future>
#include <string>
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
  xg::optim::Optimizer opt(std::vector{w, b}, xg::optim::SGD{.lr = 0.1, .momentum = 0.9});
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

namespace {

/// Two backwards that meet: the first waits inside `meeting` until the second has failed or finished. What the second said.
template <class First, class Second>
std::string meet(const V& meeting, First first, Second second) {
  std::promise<void> inside, done;
  auto hook = meeting.on_grad([&](const V&) {
    inside.set_value();
    done.get_future().wait();
  });
  std::thread other(first);
  inside.get_future().wait();
  hook.remove();
  std::string text;
  try {
    second();
  } catch (const xg::GraphError& error) {
    text = error.what();
  }
  done.set_value();
  other.join();
  return text;
}
bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("two backwards that meet in a node: the second is an error, the first is right") {
  V x(xg::full<float>({3}, 2.0F), true), shared = x * x;
  const unsigned line = __LINE__ - 1;
  const V a = sum(shared * 3), b = sum(shared * 5);
  const std::string text = meet(
      shared, [&] { backward(a, {.retain_graph = true}); }, [&] { backward(b, {.retain_graph = true}); });
  CHECK(has(text, "threads.cpp:" + std::to_string(__LINE__ - 1) +
                      ": backward: mul recorded at threads.cpp:" + std::to_string(line) +
                      " is in the middle of another backward or grad; each thread must record a graph of its own"));
  CHECK(x.grad()(0) == 12);
  backward(b);  // nothing is left of the failure
  CHECK(x.grad()(0) == 32);
}

TEST_CASE("two backwards that meet in a leaf: the second is an error, grad is not") {
  V x(xg::full<float>({3}, 2.0F), true), y = x * 1;
  const V last = x * 3;  // recorded later, so its gradient is with x before y's turn
  const V a = sum(y + last);
  std::string text = meet(
      y, [&] { backward(a); }, [&] { backward(sum(x * 5)); });
  CHECK(has(text, "backward: the leaf made at threads.cpp:"));
  CHECK(has(text, "is being written to by another backward; threads must share leaves through grad"));
  CHECK(x.grad()(0) == 4);
  const V z = x * 1, c = sum(z + x * 3);
  float found = 0;
  text = meet(
      z, [&] { backward(c); }, [&] { found = grad(sum(x * 5), {x})[0].value()(0); });
  CHECK(text == "");
  CHECK(found == 5);
  CHECK(x.grad()(0) == 8);
}

TEST_CASE("many backwards through one node: each is an error or right") {
  for (int round = 0; round < 50; ++round) {
    V x(xg::full<float>({4}, 1.0F), true), shared = tanh(x * 2);
    std::atomic<int> good{0}, bad{0};
    std::vector<float> found(4, 0.0F);
    in_threads(4, [&](int i) {
      const V mine = sum(shared * static_cast<float>(i + 1));
      try {
        found[static_cast<std::size_t>(i)] = grad(mine, {x}, {.retain_graph = true})[0].value()(0) / static_cast<float>(i + 1);
        ++good;
      } catch (const xg::GraphError&) {
        ++bad;
      }
    });
    CHECK(good + bad == 4);
    CHECK(good >= 1);
    for (const float value : found)
      if (value != 0) CHECK(value == doctest::Approx(2 * (1 - std::tanh(2.0) * std::tanh(2.0))));
  }
}

TEST_CASE("one thread frees a graph while another wants it: an error each time, never a wrong number") {
  for (int round = 0; round < 50; ++round) {
    V x(xg::full<float>({4}, 1.0F), true);
    const V root = sum(tanh(tanh(x * 2)) * x);
    std::atomic<int> good{0};
    in_threads(3, [&](int) {
      try {
        grad(root, {x});
        ++good;
      } catch (const xg::GraphError&) {
      }
    });
    CHECK(good <= 1);
  }
}

TEST_CASE("a checkpoint is run again in whichever thread runs backward") {
  V x(xg::full<float>({4}, 0.5F), true);
  xg::seed(9);
  const V y = sum(xg::checkpoint([](const V& a) { return tanh(a) * static_cast<float>(xg::default_generator().uniform()); }, x));
  std::thread([&] { backward(y); }).join();
  CHECK(x.grad()(0) == doctest::Approx((1 - std::tanh(0.5) * std::tanh(0.5)) * xg::Generator(9).uniform()));
}

TEST_CASE("modes concern their thread alone") {
  const xg::DetectAnomaly detect;
  const xg::NoGrad no_grad;
  in_threads(2, [](int) {
    const V x(-1.0F, true);
    CHECK(log(x).requires_grad());
  });
}

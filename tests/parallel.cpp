// The threads of the library's own. Also run under the thread sanitizer.
#include <doctest/doctest.h>

#include <sys/time.h>
#include <array>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#if __has_include(<sys/wait.h>)
#include <sys/wait.h>
#include <unistd.h>
#endif

#include <xgrad/xgrad.hpp>

namespace xg = xgrad;

namespace {

/// For a scope, in this thread.
class Threads {
 public:
  explicit Threads(int n) : before_(xg::num_threads()) { xg::set_num_threads(n); }
  ~Threads() { xg::set_num_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_;
};

constexpr std::size_t many = 100'000;

/// Something that every element had a part in, each once, whoever did it.
std::vector<std::size_t> squares() {
  std::vector<std::size_t> result(many);
  xg::parallel_for(many, 1, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) result[i] += i * i;
  });
  return result;
}

/// Gradients of a network with a convolution, products and sums that are large enough to be shared out.
std::vector<float> train() {
  xg::seed(3);
  using V = xg::Variable<float>;
  const auto numbers = [](const xg::Shape& shape, std::size_t period) {
    auto result = xg::zeros<float>(shape);
    for (std::size_t i = 0; i < result.size(); ++i) result.data()[i] = static_cast<float>(i % period) * 0.01F;
    return result;
  };
  const V x(numbers({5, 20, 20, 3}, 13)), w(numbers({8, 5, 5, 3}, 7), true), v(numbers({64, 2048}, 11), true);
  const V y = matmul(xg::reshape(xg::tanh(conv2d(x, w)), {5, 2048}), xg::transpose(v));
  const V loss = sum(square(y)) + sum(square(matmul(xg::transpose(v), v)));
  std::vector<float> result{loss.item()};
  for (const V& g : grad(loss, {w, v})) result.insert(result.end(), g.value().data(), g.value().data() + g.value().size());
  return result;
}

}  // namespace

TEST_CASE("the parts depend on the number of threads alone") {
  for (const int threads : {1, 2, 3, 7}) {
    const Threads scope(threads);
    std::vector<std::array<std::size_t, 2>> expected;
    for (int round = 0; round < 300; ++round) {
      std::vector<std::array<std::size_t, 2>> parts(many);
      xg::parallel_for(
          many, 1,
          [&](std::size_t begin, std::size_t end) {
            parts[begin] = {begin, end};
          },
          64);
      std::erase(parts, std::array<std::size_t, 2>{});
      if (round == 0) expected = parts;
      CHECK(parts.size() == static_cast<std::size_t>(threads));
      CHECK(parts == expected);
    }
  }
}

TEST_CASE("loops inside of loops have one thread, and their callers their own number again") {
  const Threads scope(3);
  std::atomic<int> wrong = 0, calls = 0;
  xg::parallel_for(many, 1, [&](std::size_t, std::size_t) {
    wrong += xg::num_threads() != 1;
    xg::parallel_for(many, 1, [&](std::size_t begin, std::size_t end) { wrong += begin != 0 || end != many; });
    ++calls;
  });
  CHECK(wrong == 0);
  CHECK(calls == 3);
  CHECK(xg::num_threads() == 3);
}

TEST_CASE("the number of threads is each thread's own, and has limits") {
  const Threads scope(5);
  int other = 0;
  std::thread([&] {
    xg::set_num_threads(2);
    other = xg::num_threads();
  }).join();
  CHECK(other == 2);
  CHECK(xg::num_threads() == 5);
  xg::set_num_threads(-3);
  CHECK(xg::num_threads() == 1);
  xg::set_num_threads(1'000'000);
  CHECK(xg::num_threads() == 1024);
}

TEST_CASE("several threads call at once: each gets what it would get alone") {
  std::vector<std::size_t> expected(many);
  for (std::size_t i = 0; i < many; ++i) expected[i] = i * i;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&, t] {
      xg::set_num_threads(2 + t);
      for (int round = 0; round < 40; ++round) wrong += squares() != expected;
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("an exception of any part reaches the caller, when all parts are done") {
  const Threads scope(4);
  for (std::size_t bad = 0; bad < 4; ++bad)
    for (int round = 0; round < 20; ++round) {
      std::atomic<int> done = 0;
      std::string text;
      try {
        xg::parallel_for(many, 1, [&](std::size_t begin, std::size_t) {
          if (begin == many / 4 * bad) throw xg::ValueError("inside");
          ++done;
        });
      } catch (const xg::ValueError& error) {
        text = error.what();
      }
      CHECK(text == "inside");
      CHECK(done == 3);
    }
  CHECK(squares()[3] == 9);
}

TEST_CASE("the same bits for the same number of threads, busy or not") {
  for (const int threads : {1, 2, 3}) {
    const Threads scope(threads);
    const std::vector<float> expected = train();
    CHECK(train() == expected);
    std::atomic<bool> stop = false;
    std::vector<std::thread> others;
    for (unsigned k = 0; k < 2 * std::max(1U, std::thread::hardware_concurrency()); ++k)
      others.emplace_back([&] {
        while (!stop) {
        }
      });
    int different = 0;
    for (int round = 0; round < 10; ++round) different += train() != expected;
    others.emplace_back([&] {  // and where another thread has the workers
      xg::set_num_threads(threads);
      while (!stop) squares();
    });
    for (int round = 0; round < 10; ++round) different += train() != expected;
    stop = true;
    for (std::thread& thread : others) thread.join();
    CHECK(different == 0);
  }
}

#if __has_include(<sys/wait.h>)
TEST_CASE("the child of a fork computes on its own, and the same") {
  const Threads scope(2);
  const std::vector<float> expected = train();
  CHECK(!xg::detail::forked());
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);  // rather than to hang
    const std::vector<std::string> notes = xg::config().notes;
    const bool told = !notes.empty() && notes.back().find("this process was forked") == 0;
    _exit(train() != expected ? 1 : !told ? 2 : 0);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(train() == expected);
}
#endif

namespace {

/// Made before the library has computed anything, so it is destroyed after whatever that made. (oneDNN's kernels are gone then, and
/// with them the larger products.)
struct AtExit {
  xg::Variable<float> x{xg::full<float>({200, 200}, 1.0F)};
  ~AtExit() {
    xg::set_num_threads(3);
    if (xg::sum(x * 2).item() != 8e4F || squares()[5] != 25) std::abort();
  }
} at_exit;

}  // namespace

TEST_CASE("parallel: a signal handler may run at any moment") {
  static volatile std::sig_atomic_t count = 0;
  struct sigaction action {
  }, before{};
  action.sa_handler = [](int) { count = count + 1; };
  action.sa_flags = SA_RESTART;
  sigaction(SIGALRM, &action, &before);
  const itimerval often{{0, 200}, {0, 200}}, never{};
  const xgrad::Variable<float> a(xgrad::full<float>({64, 400}, 0.5F)), b(xgrad::full<float>({400, 120}, 2)),
      t(xgrad::full<float>({120, 400}, 2)), bias(xgrad::full<float>({120}, 1)), x(xgrad::full<float>({4, 14, 14, 16}, 0.5F)),
      w(xgrad::full<float>({32, 3, 3, 16}, 2)), g(xgrad::full<float>({4, 12, 12, 32}, 1));
  setitimer(ITIMER_REAL, &often, nullptr);
  bool right = true;
  for (int k = 0; k < 3000 || (count < 20 && k < 300000); ++k) right &= matmul(a, b).value()(63, 119) == 400;
  for (int k = 0; k < 500; ++k) {
    right &= linear(a, t, bias).value()(63, 119) == 401 && conv2d(x, w).value()(3, 11, 11, 31) == 144;
    right &= conv2d_input_grad(g, w, x.shape()).value()(3, 7, 7, 15) == 576;
    right &= conv2d_weight_grad(x, g, w.shape()).value()(31, 2, 2, 15) == 288;
  }
  setitimer(ITIMER_REAL, &never, nullptr);
  sigaction(SIGALRM, &before, nullptr);
  CHECK(right);
  CHECK(count >= 20);
}

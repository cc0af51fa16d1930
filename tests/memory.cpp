// What a step of training takes from the system, and how much it holds at once.
#include <fmt/format.h>

#include <fstream>
#include <string>

#include "support.hpp"

#if __has_include(<sys/resource.h>)
#include <sys/resource.h>
#endif

#include "../models/lenet.hpp"
#include "../src/kernels/scratch.hpp"

namespace xg = xgrad;
using V = xg::Variable<float>;

namespace {

// Under the sanitizers there is no pool: each block comes from the system.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool pooled = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool pooled = false;
#else
constexpr bool pooled = true;
#endif
#else
constexpr bool pooled = true;
#endif

/// Page faults of the process that no disk was needed for.
long page_faults() {
#if __has_include(<sys/resource.h>)
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
#else
  return 0;
#endif
}

V noise(const xg::Shape& shape, std::uint64_t seed = 1, bool requires_grad = false) {
  xg::Array<float> x(shape);
  xg::Generator(seed).fill_uniform(x, -1, 1);
  return V(std::move(x), requires_grad);
}

struct Mlp {
  xg::nn::Linear<float> a{784, 512}, b{512, 512}, c{512, 10};
  V operator()(V x) const { return c(relu(b(relu(a(std::move(x)))))); }
};

/// After some steps of training, further ones ask the system for nothing. Now and then the kernel moves a page, and two threads
/// need a scratch block at the same time that took turns before; so of five rounds of steps one must be clean.
template <class Net>
void check_steady(const Net& net, const V& images) {
  xg::Labels labels(xg::Shape{images.shape()[0]});
  for (std::size_t i = 0; i < labels.size(); ++i) labels.data()[i] = static_cast<std::int64_t>(i % 10);
  xg::optim::Optimizer opt(xg::nn::parameters(net), xg::optim::SGD{.lr = 0.01, .momentum = 0.9});
  const auto steps = [&](int n) {
    for (int i = 0; i < n; ++i) {
      const V loss = cross_entropy(net(images), labels);
      opt.zero_grad();
      backward(loss);
      opt.step();
    }
  };
  steps(10);
  long faults = page_faults();
  std::uint64_t blocks = xg::memory::stats().system_allocations;
  for (int window = 0; window < 5; ++window) {
    const long faults_before = page_faults();
    const std::uint64_t blocks_before = xg::memory::stats().system_allocations;
    steps(10);
    faults = std::min(faults, page_faults() - faults_before);
    blocks = std::min(blocks, xg::memory::stats().system_allocations - blocks_before);
  }
  if (!pooled) return;
  CHECK(blocks == 0);
  CHECK(faults == 0);
}

/// Training with batches of any size up to `most`, of noise.
template <class Net>
struct RandomSizes {
  std::size_t side, most;
  Net net{};
  xg::optim::Optimizer<float, xg::optim::AdamW> opt{xg::nn::parameters(net), xg::optim::AdamW{}};
  xg::Generator generator{5};

  void step(std::size_t n) {
    const V loss = cross_entropy(net(noise({n, side, side, 1})), xg::Labels(xg::Shape{n}, 3));
    opt.zero_grad();
    backward(loss);
    opt.step();
  }
  void every_size() {
    for (std::size_t n = 1; n <= most; ++n) step(n);
  }
  xg::memory::Stats steps(int n) {
    for (int i = 0; i < n; ++i) step(1 + generator.next() % most);
    opt.zero_grad();
    return xg::memory::stats();
  }
};

/// What the process has in memory, in MB; 0 where the system does not tell.
double resident() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:")) return std::stod(line.substr(6)) * 1024 / 1e6;  // from KiB
  return 0;
}

}  // namespace

TEST_CASE("memory: room for kernels whose bytes no number holds is refused") {
  CHECK_THROWS_AS(xg::kernels::Scratch<double>(std::size_t{1} << 61), xg::MemoryError);  // 2^64 bytes, which wrap to 0
  CHECK_THROWS_AS(xg::kernels::Scratch<float>((std::size_t{1} << 62) + 1), xg::MemoryError);
}

TEST_CASE("memory: a step of training takes nothing from the system once it has run") {
  SUBCASE("LeNet") { check_steady(xg::models::LeNet<>(), noise({64, 28, 28, 1})); }
  SUBCASE("MLP") { check_steady(Mlp(), noise({64, 784})); }
}

TEST_CASE("memory: batches of random sizes take no more once all sizes were seen") {
  struct Net {
    xg::nn::Conv2d<float> conv{1, 4, 3};
    xg::nn::BatchNorm<float> norm{4};
    xg::nn::Linear<float> out{4 * 10 * 10, 10};
    V operator()(const V& x) const { return out(flatten(dropout(relu(norm(conv(x)))))); }
  };
  RandomSizes<Net> training{12, 24};
  training.every_size();
  training.every_size();
  const auto before = training.steps(20), after = training.steps(pooled ? 200 : 20);
  CHECK(after.in_use <= before.in_use + 256 * 1024);  // of small blocks, what the threads have not told yet
  // a scratch block more now and then, where two threads need one at the same time
  if (pooled) CHECK(after.in_use + after.cached <= (before.in_use + before.cached) * 11 / 10);
}

// --no-skip --test-case='*resident*' says what docs/results.md has.
TEST_CASE("memory: what is resident over 2000 steps of LeNet-5 with batches of random sizes" * doctest::skip()) {
  RandomSizes<xg::models::LeNet<>> training{28, 128};
  training.every_size();
  std::string line = fmt::format("resident, in MB: {:.1f} when every size was seen", resident());
  training.steps(250);
  line += fmt::format(", {:.1f} after 250 steps", resident());
  training.steps(1750);
  MESSAGE(line, fmt::format(", {:.1f} after 2000", resident()));
}

TEST_CASE("memory: the system's blocks are counted, and come back") {
  xg::memory::trim();
  const auto before = xg::memory::stats();
  { const auto block = xg::zeros<float>({3'000'000}); }  // large enough for large pages
  const auto after = xg::memory::stats();
  CHECK(after.system_allocations >= before.system_allocations + 1);
  { const auto block = xg::zeros<float>({3'000'000}); }
  if (pooled) {
    CHECK(xg::memory::stats().system_allocations == after.system_allocations);
    CHECK(after.cached >= before.cached + 12'000'000);
  }
}

TEST_CASE("memory: a deep chain of linear layers with ReLU keeps one buffer per layer") {
  constexpr std::size_t layers = 64, batch = 512, width = 256, buffer = batch * width * sizeof(float);
  std::vector<xg::nn::Linear<float>> chain;
  for (std::size_t k = 0; k < layers; ++k) chain.emplace_back(width, width);
  const V x = noise({batch, width});
  const auto parameters = xg::nn::parameters(chain);
  for (int step = 0; step < 2; ++step) {
    for (V p : parameters) p.zero_grad();
    xg::memory::reset_peak();
    const std::size_t before = xg::memory::stats().in_use;
    V y = x;
    for (const auto& layer : chain) y = relu(layer(y));
    const V loss = sum(y);
    y = {};
    const std::size_t forward = xg::memory::stats().in_use - before;
    CHECK(forward >= layers * buffer);
    CHECK(forward <= (layers + 1) * buffer);  // ReLU runs in the product's buffer; nodes and the like take less than one
    backward(loss);
    // Besides these: the gradient that comes in, in whose buffer ReLU's is made, the one that goes out, and a weight's. All
    // weights' gradients, half a buffer each, take the place of the activations that die.
    const std::size_t peak = xg::memory::stats().peak - before;
    CHECK(peak <= (layers + 3) * buffer);
    CHECK(xg::memory::stats().in_use - before <= (layers / 2 + 1) * buffer);
  }
}

TEST_CASE("memory: gradients are accumulated without a temporary") {
  constexpr std::size_t n = 1 << 20, buffer = n * sizeof(float);
  const V x = noise({n}, 1, true);
  const auto uses = [&](int count) {
    std::vector<V> terms;
    for (int k = 0; k < count; ++k) terms.push_back(sum(x * static_cast<float>(k + 1)));
    V loss = terms[0];
    for (int k = 1; k < count; ++k) loss = loss + terms[static_cast<std::size_t>(k)];
    return loss;
  };
  for (int step = 0; step < 2; ++step) {  // the second adds to the first's
    const V loss = uses(8);
    xg::memory::reset_peak();
    const std::size_t before = xg::memory::stats().in_use;
    backward(loss);
    // the sum, a term broadcast to x's shape, and the term
    CHECK(xg::memory::stats().peak - before <= 3 * buffer + buffer / 2);
    CHECK(xg::memory::stats().in_use <= before + (step == 0 ? buffer + buffer / 2 : buffer / 2));
    CHECK(std::abs(x.grad()(n / 2) - 36.F * static_cast<float>(step + 1)) < 1e-3F);
  }
}

TEST_CASE("memory: a gradient dies when its node has used it, and its buffer is used again") {
  constexpr std::size_t n = 1 << 20, buffer = n * sizeof(float);
  const V x = noise({n}, 1, true);
  V y = x;
  for (int k = 0; k < 40; ++k) y = reshape(y * 1.01F, {-1, 16 + 16 * (k % 2)});
  const V loss = sum(y);
  y = {};
  xg::memory::reset_peak();
  const std::size_t before = xg::memory::stats().in_use;
  backward(loss);
  CHECK(xg::memory::stats().peak - before <= buffer + buffer / 2);
}

TEST_CASE("memory: a gradient that somebody else holds is left alone") {
  const V x = noise({1000}, 1, true), c = noise({1000}, 2);
  const V h = x * 2.F, y = h * c;
  V seen;
  h.on_grad([&](const V& g) { seen = g; });
  backward(sum(y * 3.F));
  CHECK(std::abs(seen.value()(7) - 3 * c.value()(7)) < 1e-6F);
  CHECK(std::abs(x.grad()(7) - 6 * c.value()(7)) < 1e-6F);
  // both inputs of a product, and the same gradient twice
  const V a = noise({1000}, 3, true), b = noise({1000}, 4, true);
  const V s = a + b;
  backward(sum(s * s) + sum(a * b));
  for (const std::size_t i : {0u, 500u, 999u}) {
    CHECK(std::abs(a.grad()(i) - (2 * (a.value()(i) + b.value()(i)) + b.value()(i))) < 1e-5F);
    CHECK(std::abs(b.grad()(i) - (2 * (a.value()(i) + b.value()(i)) + a.value()(i))) < 1e-5F);
  }
  // what grad gives belongs to its caller
  const V p = noise({1000}, 5, true);
  const V q = p * 2.F, r = relu(q);
  const auto g = grad(sum(r * 5.F), {r, q, p});
  for (const std::size_t i : {0u, 500u, 999u}) {
    const float on = q.value()(i) > 0 ? 5.F : 0.F;
    CHECK(g[0].value()(i) == 5);
    CHECK(g[1].value()(i) == on);
    CHECK(g[2].value()(i) == 2 * on);
  }
}

TEST_CASE("memory: the loss keeps its input and two numbers of each row") {
  constexpr std::size_t rows = 512, classes = 1000, buffer = rows * classes * sizeof(float);
  const V logits = noise({rows, classes}, 1, true);
  const xg::Labels labels(xg::Shape{rows}, 3);
  const std::size_t before = xg::memory::stats().in_use;
  const V loss = cross_entropy(logits, labels);
  CHECK(xg::memory::stats().in_use - before <= buffer / 50);
}

TEST_CASE("memory: a kernel that fails in the middle gives back its scratch") {
  const auto fails = [](const auto& f) {
    const std::size_t before = xg::memory::stats().in_use;
    xg::memory::set_limit(200);  // enough for the result and the first block of scratch
    CHECK_THROWS_AS(f(), xg::MemoryError);
    xg::memory::set_limit(0);
    CHECK(xg::memory::stats().in_use == before);
  };
  const V row = noise({1'200'000}), rows = noise({100'000, 2});
  fails([&] { static_cast<void>(argmax(row)); });   // the largest values of pieces, beside the largest of all
  fails([&] { static_cast<void>(sum(rows, 0)); });  // sums of pieces, and of each piece the sums of parts
  fails([&] { static_cast<void>(amax(row)); });
}

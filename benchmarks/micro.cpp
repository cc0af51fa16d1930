// The library's own small cases, and a bare loop to hold one of them against. `benchmarks/run` runs those that have limits.
#include <benchmark/benchmark.h>

#include <xgrad/xgrad.hpp>

namespace xg = xgrad;
using V = xg::Variable<float>;

namespace {

V uniform(const xg::Shape& shape, bool requires_grad = false, double low = -1, double high = 1) {
  xg::Array<float> x(shape);
  xg::Generator(1).fill_uniform(x, low, high);
  return V(std::move(x), requires_grad);
}

/// Bytes that have to be moved at least: the report then says how near the memory's speed a case is.
void moves(benchmark::State& state, double bytes) {
  state.counters["bytes"] = benchmark::Counter(bytes, benchmark::Counter::kIsIterationInvariantRate);
}

/// A chain of scalar operations: recorded, differentiated, dropped. Time per operation.
void scalar_op(benchmark::State& state, bool leaves) {
  const V x(0.5, true), a(1.0001, leaves), b(0.0001, leaves);
  constexpr int pairs = 1000;
  for (auto _ : state) {
    V y = x;
    for (int i = 0; i < pairs; ++i) y = y * a + b;
    backward(y);
  }
  state.counters["per_op"] =
      benchmark::Counter(2.0 * pairs, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK_CAPTURE(scalar_op, constants, false);
BENCHMARK_CAPTURE(scalar_op, leaves, true);

constexpr std::size_t million = 1'000'000;

/// Twelve operations on Variables or on symbols.
const auto twelve = [](auto g, auto x) { return g * (((((x * 0.1 + 0.2) * x + 0.3) * x + 0.4) * x + 0.5) * x + 0.6) + x; };

/// In one pass.
void formula(benchmark::State& state) {
  const auto polynomial = xg::elementwise("polynomial", twelve);
  const V g = uniform({million}), x = uniform({million});
  for (auto _ : state) benchmark::DoNotOptimize(polynomial(g, x).value().data());
  moves(state, 3 * 4e6);
}
BENCHMARK(formula)->UseRealTime();

/// A loop like that by hand, with next to nothing to do: it reads two arrays and writes one, from alternate ends.
#ifdef __x86_64__
[[gnu::target_clones("default,avx2,avx512f"), gnu::optimize("O3")]]
#endif
void add_product(float* c, const float* a, const float* b, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) c[i] = a[i] * b[i] + b[i];
}

void bare_loop(benchmark::State& state) {
  constexpr std::size_t piece = 10'000, pieces = million / piece;
  const V g = uniform({million}), x = uniform({million});
  xg::Array<float> y(xg::Shape{million});
  const float* const a = g.value().data();
  const float* const b = x.value().data();
  float* const c = y.data();
  bool back = false;
  for (auto _ : state) {
    back = !back;
#pragma omp parallel for schedule(static)
    for (std::size_t k = 0; k < pieces; ++k) {
      const std::size_t half = pieces / 2, at = (back ? k / half * half + half - 1 - k % half : k) * piece;  // of two threads
      add_product(c + at, a + at, b + at, piece);
    }
    benchmark::ClobberMemory();
  }
  moves(state, 3 * 4e6);
}
BENCHMARK(bare_loop)->UseRealTime();

/// Forward and back, as one operation and as twelve.
template <class F>
void formula_and_back(benchmark::State& state, F f) {
  const V g = uniform({million}), x = uniform({million}, true);
  for (auto _ : state) {
    x.node()->gradient = {};
    backward(sum(f(g, x)));
    benchmark::DoNotOptimize(x.grad().data());
  }
}
BENCHMARK_CAPTURE(formula_and_back, one, xg::elementwise("polynomial", twelve))->UseRealTime();
BENCHMARK_CAPTURE(formula_and_back, twelve, [](const V& g, const V& x) { return twelve(g, x); })->UseRealTime();

template <class F>
void unary(benchmark::State& state, F f) {
  const V x = uniform({million});
  for (auto _ : state) benchmark::DoNotOptimize(f(x).value().data());
  moves(state, 2 * 4e6);
}
BENCHMARK_CAPTURE(unary, relu, [](const V& x) { return relu(x); })->UseRealTime();
BENCHMARK_CAPTURE(unary, tanh, [](const V& x) { return tanh(x); })->UseRealTime();
BENCHMARK_CAPTURE(unary, exp, [](const V& x) { return exp(x); })->UseRealTime();

/// By channels.
void broadcast_add(benchmark::State& state) {
  const auto channels = static_cast<std::size_t>(state.range(0));
  const V x = uniform({64, 28, 28, channels}), b = uniform({channels});
  for (auto _ : state) benchmark::DoNotOptimize((x + b).value().data());
  moves(state, 8.0 * static_cast<double>(x.size()));
}
BENCHMARK(broadcast_add)->Arg(6)->Arg(16)->Arg(64)->UseRealTime();

void sum_axis(benchmark::State& state) {
  const V x = uniform({16384, 64});
  const int axis = static_cast<int>(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(sum(x, axis).value().data());
  moves(state, 4.0 * static_cast<double>(x.size()));
}
BENCHMARK(sum_axis)->Arg(0)->Arg(1)->UseRealTime();

void mean_of_all(benchmark::State& state) {
  const V x = uniform({10 * million});
  for (auto _ : state) benchmark::DoNotOptimize(mean(x).value().data());
  moves(state, 4e7);
}
BENCHMARK(mean_of_all)->UseRealTime();

void transpose_copy(benchmark::State& state) {
  const V x = uniform({2048, 2048});
  for (auto _ : state) benchmark::DoNotOptimize(transpose(x).value().data());
  moves(state, 8.0 * 2048 * 2048);
}
BENCHMARK(transpose_copy)->UseRealTime();

/// From N×H×W×C to N×C×H×W.
void permute_copy(benchmark::State& state) {
  const V x = uniform({64, 28, 28, 32});
  for (auto _ : state) benchmark::DoNotOptimize(permute(x, {0, 3, 1, 2}).value().data());
  moves(state, 8.0 * static_cast<double>(x.size()));
}
BENCHMARK(permute_copy)->UseRealTime();

void cross_entropy_and_back(benchmark::State& state) {
  const V logits = uniform({1024, 1000}, true, -5, 5);
  xg::Labels labels(xg::Shape{1024});
  for (std::size_t i = 0; i < 1024; ++i) labels.data()[i] = static_cast<std::int64_t>(i * 37 % 1000);
  for (auto _ : state) {
    logits.node()->gradient = {};
    backward(cross_entropy(logits, labels));
    benchmark::DoNotOptimize(logits.grad().data());
  }
}
BENCHMARK(cross_entropy_and_back)->UseRealTime();

void softmax_rows(benchmark::State& state) {
  const V x = uniform({1024, 1000}, false, -5, 5);
  for (auto _ : state) benchmark::DoNotOptimize(softmax(x).value().data());
  moves(state, 8.0 * static_cast<double>(x.size()));
}
BENCHMARK(softmax_rows)->UseRealTime();

/// Two by two, of 64 images of range(0) by range(0) pixels and range(1) channels. The sum is part of it.
void max_pool_and_back(benchmark::State& state) {
  const auto side = static_cast<std::size_t>(state.range(0)), channels = static_cast<std::size_t>(state.range(1));
  const V x = uniform({64, side, side, channels}, true);
  for (auto _ : state) {
    x.node()->gradient = {};
    backward(sum(max_pool2d(x, 2)));
    benchmark::DoNotOptimize(x.grad().data());
  }
}
BENCHMARK(max_pool_and_back)->Args({28, 6})->Args({24, 64})->UseRealTime();

void sgd_step(benchmark::State& state) {
  const V w = uniform({million}, true);
  xg::optim::Optimizer opt(std::vector{w}, xg::optim::SGD{.lr = 1e-6, .momentum = 0.9, .weight_decay = 1e-4});
  backward(sum(w * 0.001));
  for (auto _ : state) opt.step();
  moves(state, 5 * 4e6);
}
BENCHMARK(sgd_step)->UseRealTime();

/// Batches of images like MNIST's. Time per batch.
void batches(benchmark::State& state) {
  xg::Loader<float> all(xg::digits(6400, 1), {.batch_size = 64, .mean = {0.1307}, .std = {0.3081}});
  for (auto _ : state)
    for (auto [images, labels] : all) benchmark::DoNotOptimize(images.data());
  state.counters["per_op"] = benchmark::Counter(static_cast<double>(all.count()),
                                                benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK(batches)->UseRealTime();

/// The optimiser's step for LeNet: ten parameters, most of them small.
void sgd_of_lenet(benchmark::State& state) {
  std::vector<V> parameters;
  for (const xg::Shape& shape :
       {xg::Shape{6, 5, 5, 1}, {6}, {16, 5, 5, 6}, {16}, {120, 400}, {120}, {84, 120}, {84}, {10, 84}, {10}}) {
    parameters.emplace_back(xg::full<float>(shape, 0.5F), true);
    backward(sum(parameters.back()));
  }
  xg::optim::Optimizer opt(parameters, xg::optim::SGD{.lr = 0, .momentum = 0.9});
  for (auto _ : state) opt.step();
}
BENCHMARK(sgd_of_lenet)->UseRealTime();

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::AddCustomContext("library", to_string(xg::config()));
  benchmark::RunSpecifiedBenchmarks();
}

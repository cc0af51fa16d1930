// The library's own small cases. `benchmarks/run` holds them against their limits.
#include <benchmark/benchmark.h>

#include <xgrad/xgrad.hpp>

namespace xg = xgrad;
using V = xg::Variable<float>;

namespace {

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

/// Twelve operations on a million floats, in one pass.
void formula(benchmark::State& state) {
  const auto polynomial = xg::elementwise(
      "polynomial", [](auto g, auto x) { return g * (((((x * 0.1 + 0.2) * x + 0.3) * x + 0.4) * x + 0.5) * x + 0.6) + x; });
  const V g(xg::full<float>({1'000'000}, 0.5F)), x(xg::full<float>({1'000'000}, 0.25F));
  for (auto _ : state) benchmark::DoNotOptimize(polynomial(g, x).value().data());
}
BENCHMARK(formula)->UseRealTime();

/// Batches of images like MNIST's. Time per batch.
void batches(benchmark::State& state) {
  const xg::Dataset digits = xg::digits(6400, 1);
  xg::Batches<float> all(digits, {.size = 64, .mean = 0.1307, .deviation = 0.3081});
  for (auto _ : state)
    for (auto [images, labels] : all) benchmark::DoNotOptimize(images.data());
  state.counters["per_op"] = benchmark::Counter(static_cast<double>(all.count()),
                                                benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK(batches)->UseRealTime();

/// The optimiser's step for LeNet: ten parameters, most of them small.
void sgd(benchmark::State& state) {
  std::vector<V> parameters;
  for (const xg::Shape& shape :
       {xg::Shape{6, 5, 5, 1}, {6}, {16, 5, 5, 6}, {16}, {120, 400}, {120}, {84, 120}, {84}, {10, 84}, {10}}) {
    parameters.emplace_back(xg::full<float>(shape, 0.5F), true);
    backward(sum(parameters.back()));
  }
  xg::optim::SGD<float> opt(parameters, {.lr = 0, .momentum = 0.9});
  for (auto _ : state) opt.step();
}
BENCHMARK(sgd)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();

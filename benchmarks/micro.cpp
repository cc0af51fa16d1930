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

void broadcast_add(benchmark::State& state) {
  const V x(xg::full<float>({64, 28, 28, static_cast<std::size_t>(state.range(0))}, 0.5F)),
      b(xg::full<float>({static_cast<std::size_t>(state.range(0))}, 0.5F));
  for (auto _ : state) benchmark::DoNotOptimize((x + b).value().data());
}
BENCHMARK(broadcast_add)->Arg(6)->Arg(16)->Arg(64)->UseRealTime();

void sum_axis(benchmark::State& state) {
  const V x(xg::full<float>({16384, 64}, 0.5F));
  const int axis = static_cast<int>(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(sum(x, axis).value().data());
}
BENCHMARK(sum_axis)->Arg(0)->Arg(1)->UseRealTime();

void transpose_copy(benchmark::State& state) {
  const V x(xg::full<float>({2048, 2048}, 0.5F));
  for (auto _ : state) benchmark::DoNotOptimize(transpose(x).value().data());
}
BENCHMARK(transpose_copy)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();

#pragma once
// What the three programs of the comparison share: the networks as data, numbers to start from, and the conversation with
// `benchmarks/run`, which lets them take turns.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace cases {

struct Layer {
  enum Kind { conv, pool, linear } kind = linear;
  int outputs = 0;
  int kernel = 0, padding = 0;  // of a convolution; its stride is 1, that of a pool 2
  bool relu = true;
};

/// Images N×H×W×C in, ten scores out.
struct Net {
  int height, width, channels;
  std::vector<Layer> layers;
};

inline Net net(const std::string& name) {
  const auto conv = [](int outputs, int kernel, int padding) { return Layer{Layer::conv, outputs, kernel, padding, true}; };
  const auto linear = [](int outputs, bool relu = true) { return Layer{Layer::linear, outputs, 0, 0, relu}; };
  const Layer pool{Layer::pool, 0, 0, 0, false};
  if (name == "mlp") return {1, 1, 784, {linear(512), linear(512), linear(10, false)}};
  if (name == "lenet") return {28, 28, 1, {conv(6, 5, 2), pool, conv(16, 5, 0), pool, linear(120), linear(84), linear(10, false)}};
  if (name == "convnet") return {28, 28, 1, {conv(32, 3, 0), conv(64, 3, 0), pool, linear(128), linear(10, false)}};
  if (name == "vgg")
    return {32,
            32,
            3,
            {conv(64, 3, 1), pool, conv(128, 3, 1), pool, conv(256, 3, 1), conv(256, 3, 1), pool, conv(512, 3, 1), conv(512, 3, 1),
             pool, linear(512), linear(10, false)}};
  throw std::invalid_argument("no network is called " + name);
}

inline constexpr int lstm_steps = 64, lstm_inputs = 128, lstm_hidden = 256;
inline constexpr int transformer_width = 256, transformer_heads = 8;

/// What the networks of models/, written out for PyTorch in torch_networks.hpp, take: images N×H×W×C or sequences.
inline std::vector<std::size_t> input(const std::string& name, std::size_t batch) {
  if (name == "alexnet") return {batch, 227, 227, 3};
  if (name == "vgga" || name == "googlenet" || name == "resnet50") return {batch, 224, 224, 3};
  if (name == "resnet20") return {batch, 32, 32, 3};
  if (name == "lstm") return {lstm_steps, batch, lstm_inputs};
  if (name == "transformer") return {batch, 128, transformer_width};
  return {};  // one of net()
}

/// The same numbers in every program, in [-scale, scale): element i of array `seed`.
inline float noise(std::uint64_t seed, std::size_t i, double scale = 1) {
  std::uint64_t z = (seed << 40U) + i + 0x9e3779b97f4a7c15U;  // splitmix64
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
  z ^= z >> 31U;
  return static_cast<float>(scale * (static_cast<double>(z >> 11U) * 0x1p-52 - 1));
}
inline std::vector<float> numbers(std::size_t n, std::uint64_t seed, double scale = 1) {
  std::vector<float> result(n);
  for (std::size_t i = 0; i < n; ++i) result[i] = noise(seed, i, scale);
  return result;
}
/// Of layer k, outputs × fan_in.
inline std::vector<float> weights(std::size_t k, std::size_t outputs, std::size_t fan_in) {
  return numbers(outputs * fan_in, 100 + k, std::sqrt(6.0 / static_cast<double>(fan_in)));
}
/// Outputs × kernel × kernel × inputs. A layer after an image has kernel × kernel pixels of inputs channels.
inline std::vector<float> weights(std::size_t k, std::size_t outputs, std::size_t kernel, std::size_t inputs) {
  return weights(k, outputs, kernel * kernel * inputs);
}

/// The formula of twelve operations, on numbers, symbols, Variables and tensors alike.
inline constexpr auto formula = [](const auto& g, const auto& x) {
  return g * (((((x * 0.1 + 0.2) * x + 0.3) * x + 0.4) * x + 0.5) * x + 0.6) + x;
};

inline constexpr double rate = 0.005, momentum = 0.9;
/// Of the networks of input(): some are deep enough for a step at `rate` to make 1e-7 of rounding 1e-2 of the loss.
inline constexpr double small_rate = 0.0001;
/// Runs before the check. The deep networks multiply a difference in the last bit of a step some hundredfold in the next one, and
/// learn so small a batch by heart in four steps: their check is the loss after one step.
inline constexpr int first_steps = 4, first_steps_of_deep = 2;

/// What is timed, and a number that must come out alike in every program.
struct Case {
  std::function<void()> run;
  std::function<double()> check;
  /// After the check: lets a network stand still, by an optimiser of rate 0 that begins anew. Otherwise the momentum of units that
  /// have died fades into denormal numbers, and their arithmetic, 80 times slower, is all that is measured. And dropout, whose
  /// random numbers differ between the programs, begins.
  std::function<void()> freeze = [] {};
  int steps = first_steps;
};

/// "vgg/32" is the case "vgg" with the number 32.
struct Name {
  std::string kind;
  int number = 0;
  explicit Name(const std::string& text) : kind(text.substr(0, text.find('/'))) {
    if (kind.size() < text.size()) number = std::stoi(text.substr(kind.size() + 1));
  }
};

/// Makes the case, runs it some times, says "ready CHECK MILLISECONDS", and then for each line "N" on standard input
/// times N runs, of which it prints the milliseconds; short ones are timed in groups. Each turn begins with untimed runs: in
/// between others had the caches.
inline int serve(const Case& c) {
  using Clock = std::chrono::steady_clock;
  const auto milliseconds = [&](int runs) {
    const auto start = Clock::now();
    for (int i = 0; i < runs; ++i) c.run();
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count() / runs;
  };
  for (int i = 0; i < c.steps; ++i) c.run();
  const double check = c.check();
  c.freeze();
  const auto warm_up = [&](double total) {
    double least = 1e300;
    for (double sum = 0; sum < total;) {
      const double t = milliseconds(1);
      sum += t;
      least = std::min(least, t);
    }
    return least;
  };
  const double once = warm_up(200);
  const int group = std::max(1, static_cast<int>(0.1 / once));
  std::printf("ready %.9g %.9g\n", check, once);
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    warm_up(10);
    const int n = std::stoi(line);
    for (int i = 0; i < n; ++i) std::printf("%.9g ", milliseconds(group));
    std::printf("\n");
    std::fflush(stdout);
  }
  return 0;
}

/// For main: a failure is told in one line.
inline int guarded(const std::function<int()>& f) {
  try {
    return f();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}

}  // namespace cases

#include <xgrad/core/random.hpp>

#include <bit>
#include <cmath>
#include <mutex>
#include <numbers>
#include <numeric>
#include <optional>
#include <utility>

#include <xgrad/core/shape.hpp>

namespace xgrad {

namespace {

/// Of splitmix64, which the authors of xoshiro recommend for seeding.
std::uint64_t mixed(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

/// How the generator of the next thread that asks for one starts.
struct Start {
  std::mutex mutex;
  std::uint64_t seed = 0, stream = 0;
};
constinit Start start;

constinit thread_local std::optional<Generator> of_thread;

Generator next_generator() {
  const std::lock_guard lock(start.mutex);
  return Generator(start.seed, start.stream++);
}

}  // namespace

Generator::Generator(std::uint64_t seed, std::uint64_t stream) {
  // Streams step by another constant than seeds do, so that no stream undoes a seed.
  std::uint64_t other = stream * 0xd1342543de82ef95U;
  for (std::uint64_t& word : std::span(words_).first<4>()) {
    word = mixed(seed += 0x9e3779b97f4a7c15U);
    if (stream != 0) word ^= mixed(other += 0xda942042e4dd58b5U);
  }
}

bool Generator::valid(std::span<const std::uint64_t, 6> words) noexcept {
  return (words[0] | words[1] | words[2] | words[3]) != 0 && words[5] <= 1;
}

std::uint64_t Generator::next() {
  std::uint64_t* const state = words_.data();
  const std::uint64_t result = std::rotl(state[0] + state[3], 23) + state[0];
  const std::uint64_t t = state[1] << 17;
  state[2] ^= state[0];
  state[3] ^= state[1];
  state[1] ^= state[2];
  state[0] ^= state[3];
  state[2] ^= t;
  state[3] = std::rotl(state[3], 45);
  return result;
}

double Generator::normal() {
  if (std::exchange(words_[5], 0) != 0) return std::bit_cast<double>(words_[4]);
  const double radius = std::sqrt(-2 * std::log1p(-uniform()));
  const double angle = 2 * std::numbers::pi * uniform();
  words_[4] = std::bit_cast<std::uint64_t>(radius * std::sin(angle));
  words_[5] = 1;
  return radius * std::cos(angle);
}

std::uint64_t Generator::below(std::uint64_t n) {
  __extension__ using Product = unsigned __int128;
  for (;;) {
    const Product product = static_cast<Product>(next()) * n;
    if (static_cast<std::uint64_t>(product) >= (0 - n) % n) return static_cast<std::uint64_t>(product >> 64);
  }
}

std::vector<std::size_t> Generator::permutation(std::size_t n, Where at) {
  check_size(Shape{n}, sizeof(std::size_t), at, "permutation");
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t i = n; i > 1; --i) std::swap(order[i - 1], order[below(i)]);
  return order;
}

Generator& default_generator() {
  if (!of_thread) of_thread = next_generator();
  return *of_thread;
}

void seed(std::uint64_t value) {
  of_thread = Generator(value);
  const std::lock_guard lock(start.mutex);
  start.seed = value;
  start.stream = 1;
}
void seed(std::uint64_t value, std::uint64_t stream) { of_thread = Generator(value, stream); }

}  // namespace xgrad

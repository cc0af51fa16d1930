// Calls of every declared operation with random and mostly absurd shapes, axes, sizes and options: each gives a result, and its
// gradients, or an xgrad::Error with the user's line, and the sanitizers have nothing to say.
//
//     XGRAD_FUZZ_CALLS=100000 XGRAD_FUZZ_SEED=7 build-asan/tests/api_fuzz        # as CI does, with a new seed each time
//     XGRAD_FUZZ_CALL=4711 XGRAD_FUZZ_SEED=7 build-asan/tests/api_fuzz           # one of these calls alone
//     XGRAD_FUZZ_OPS=conv2d,pad build-asan/tests/api_fuzz                        # some operations alone
#include "api_fuzz.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <regex>
#include <set>
#include <string>

extern "C" void __sanitizer_set_death_callback(void (*callback)()) __attribute__((weak));

namespace api_fuzz {
namespace {

/// No array is larger than this, so that what is allowed is also quick.
constexpr std::size_t limit = 8 << 20;
/// Of processor time: a call that computes what should have been refused takes minutes.
constexpr double seconds = 20;

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

struct {
  std::uint64_t seed, number;
  char name[64];
} now;

void tell() {
  std::fprintf(stderr, "\ncall %llu, %s; repeat it with XGRAD_FUZZ_SEED=%llu XGRAD_FUZZ_CALL=%llu\n",
               static_cast<unsigned long long>(now.number), now.name, static_cast<unsigned long long>(now.seed),
               static_cast<unsigned long long>(now.number));
}
void on_signal(int signal) {
  tell();
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

template <class T>
std::vector<Call<T>> all_calls() {
  std::vector<Call<T>> result;
  const char* names = std::getenv("XGRAD_FUZZ_OPS");
  for (auto* part : {elementwise_calls<T>, array_calls<T>, network_calls<T>, maker_calls<T>})
    for (Call<T>& call : part())
      if (!names || ("," + std::string(names) + ",").find("," + call.name + ",") != std::string::npos) result.push_back(call);
  return result;
}

/// The call and, where there is something to differentiate, its gradients. Says what is wrong, or "".
template <class T>
std::string run(const Call<T>& call, std::uint64_t seed, bool& refused) {
  Arguments<T> arguments(seed);
  try {
    const Variable<T> y = call.run(arguments);
    if (!y.defined() || !y.requires_grad() || y.is_leaf()) return "";
    if (arguments.leaves.empty() || arguments.flip()) {
      backward(sum(y));
    } else {
      const auto g = grad(sum(y * y), {arguments.leaves[0]}, {}, {.create_graph = true, .allow_unused = true});
      if (g[0].defined() && g[0].requires_grad()) backward(sum(g[0]));
    }
    return "";
  } catch (const Error& error) {
    refused = true;
    return error.where() ? "" : std::string("an error without a line: ") + error.what();
  } catch (const std::exception& error) {
    return std::string("an exception that is no xgrad::Error: ") + error.what();
  }
}

template <class T>
void make_call(const std::vector<Call<T>>& calls, std::uint64_t& refused) {
  Source choice(now.seed * 0x9e3779b97f4a7c15U + now.number);
  const Call<T>& call = calls[choice.below(calls.size())];
  std::snprintf(now.name, sizeof now.name, "%s of %s", call.name.c_str(), sizeof(T) == 4 ? "float" : "double");
  const std::clock_t begin = std::clock();
  bool was_refused = false;
  const std::string wrong = run(call, choice.random.next(), was_refused);
  const double took = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  refused += was_refused ? 1 : 0;
  if (!wrong.empty() || took > seconds) tell();
  CHECK_MESSAGE(wrong.empty(), now.name, ": ", wrong);
  CHECK_MESSAGE(took < seconds, now.name, ": it took ", took, " s of processor time");
}

}  // namespace

TEST_CASE("random calls of every operation") {
  now.seed = from_environment("XGRAD_FUZZ_SEED", 1);
  const std::uint64_t only = from_environment("XGRAD_FUZZ_CALL", 0), count = from_environment("XGRAD_FUZZ_CALLS", 4000);
  std::printf("seed %llu, %llu calls\n", static_cast<unsigned long long>(now.seed), static_cast<unsigned long long>(count));
  std::fflush(stdout);
  if (__sanitizer_set_death_callback)
    __sanitizer_set_death_callback(tell);
  else
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) std::signal(signal, on_signal);
  memory::set_limit(limit);
  const auto doubles = all_calls<double>();
  const auto floats = all_calls<float>();
  REQUIRE(!doubles.empty());
  std::uint64_t refused = 0;
  for (now.number = only ? only : 1; now.number <= (only ? only : count); ++now.number)
    if (now.number % 2 == 0)
      make_call(doubles, refused);
    else
      make_call(floats, refused);
  memory::set_limit(0);
  std::printf("%llu calls were refused\n", static_cast<unsigned long long>(refused));
  // Were nearly all refused, or none, the arguments would test nothing.
  if (!only && count >= 1000 && !std::getenv("XGRAD_FUZZ_OPS")) {
    CHECK(refused > count / 5);
    CHECK(refused < count * 4 / 5);
  }
}

TEST_CASE("every operation that is documented is called") {
  std::ifstream page(std::string(XGRAD_TEST_DATA) + "/../../docs/operations.md");
  REQUIRE(page.good());
  std::set<std::string> called;
  for (auto* part : {elementwise_calls<double>, array_calls<double>, network_calls<double>, maker_calls<double>})
    for (const Call<double>& call : part()) called.insert(call.name);
  const std::regex row(R"(^\| `(\w+)\()");
  std::size_t rows = 0;
  for (std::string line; std::getline(page, line);)
    if (std::smatch match; std::regex_search(line, match, row)) {
      ++rows;
      CHECK_MESSAGE(called.contains(match[1]), match[1], " is in docs/operations.md, but tests/api_fuzz_*.cpp do not call it");
    }
  CHECK(rows > 150);
}

}  // namespace api_fuzz

// What ranks do together, one case after the other, as mpirun starts them. Each case is checked on every rank; rank 0 prints the
// totals. run.sh calls it. Arguments: where files go, the case (all that must work, where there is none), the rank that fails.
#include <fmt/format.h>
#include <unistd.h>
#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <xgrad/mpi/mpi.hpp>
#include <xgrad/xgrad.hpp>

#include "ranks.hpp"

namespace ranks {

void check(bool good, const char* what, std::uint32_t line, const char* file) {
  ++(good ? passed : failed);
  if (!good) std::fprintf(stderr, "%s:%u: failed: %s\n", file, line, what);
}

bool has(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return true;
  std::fprintf(stderr, "not there: %s\nin: %s\n", part.c_str(), text.c_str());
  return false;
}

namespace {

std::uint64_t bits = 0;  // of all that was learnt

template <class T>
struct One {
  xg::Variable<T> w;
};

struct Two {
  xg::Variable<double> a{xg::Array<double>{1, 2}, true}, b{xg::Array<double>{3}, true}, c{xg::Array<double>{4}, true};
};

struct Synchronised {
  xg::nn::Linear<double> in{36, 8};
  xg::mpi::BatchNorm<double> norm;
  xg::nn::Linear<double> out{8, 4};
  auto operator()(xg::Variable<double> x) const { return out(relu(norm(in(flatten(std::move(x)))))); }
};

template <class Network, class T>
void train(const Network& net, xg::Loader<T>& batches, std::uint64_t epochs) {
  xg::optim::Optimizer opt(xg::nn::parameters(net), xg::optim::SGD{.lr = 0.1, .momentum = 0.9});
  while (batches.state.epoch < epochs)
    for (auto [x, y] : batches) {
      const auto loss = cross_entropy(net(x), y);
      opt.zero_grad();
      backward(loss);
      opt.step();
    }
}

/// Ranks with a part of each batch each are as one program with the whole.
template <class T>
void as_one(xg::mpi::World& world, double tolerance, xg::mpi::AverageOptions options) {
  xg::seed(7 + world.rank());
  const Net<T> net;
  world.broadcast(net);
  const Net<T> alone = xg::nn::clone(net), with = xg::nn::clone(net);
  const auto source = images<T>(world.size() * 12);
  {
    const auto sync = world.average_gradients(with, options);
    xg::Loader<T> batches(source, {.batch_size = 3, .seed = 5, .part = world.rank(), .parts = world.size()});
    world.check(batches);
    train(with, batches, 3);
    world.compare(with);
    std::size_t names = 0;
    for (const auto& bucket : sync.buckets()) names += bucket.size();
    check(names == (world.size() == 1 ? 0 : 6), "every parameter is in a bucket");
  }
  xg::Loader<T> whole(source, {.batch_size = 3 * world.size(), .seed = 5});
  train(alone, whole, 3);
  for (const auto& p : xg::nn::parameters(with))
    for (const T w : p.value()) bits = bits * 1099511628211U + std::bit_cast<std::uint64_t>(static_cast<double>(w));
  const double apart = distance(alone, with);
  check(world.size() == 1 ? apart == 0 : apart <= tolerance, "ranks together are one program");
  check(distance(alone, net) > 1e-3, "something was learnt");
}

/// The sum is the one that goes through the ranks in their order, to the bit, also where ranks come late.
template <class T>
void in_order(xg::mpi::World& world) {
  for (const std::size_t size : {1U, 7U, 1000U, 40000U}) {
    xg::Array<T> mine;
    std::vector<xg::Array<T>> all;
    for (std::size_t rank = 0; rank < world.size(); ++rank) {
      xg::Array<T> x(xg::Shape{size});
      xg::Generator generator(size, rank);
      generator.fill_normal(x, 0, 1);
      for (std::size_t k = 0; k < size; ++k) x(k) *= static_cast<T>(std::exp(10 * generator.normal()));
      if (rank == world.rank()) mine = x;
      all.push_back(std::move(x));
    }
    xg::Array<T> sum = all[0];
    for (std::size_t rank = 1; rank < all.size(); ++rank)
      for (std::size_t k = 0; k < size; ++k) sum(k) += all[rank](k);
    for (std::size_t k = 0; k < size; ++k) sum(k) /= static_cast<T>(world.size());
    const One<T> one{xg::Variable<T>(xg::Array<T>(xg::Shape{size}, T(0)), true)};
    const auto sync = world.average_gradients(one);
    for (int late = -1; late < 2; ++late) {
      one.w.node()->gradient = {};
      if (late == static_cast<int>(world.rank())) usleep(3000);
      backward(xg::sum(one.w * mine));
      check(std::memcmp(one.w.grad().data(), sum.data(), size * sizeof(T)) == 0, "the sum is that of the ranks in their order");
    }
  }
}

void pauses(xg::mpi::World& world) {
  xg::seed(1);
  const Net<double> net, alone = xg::nn::clone(net);
  auto sync = world.average_gradients(net, {.first_bucket = 100});
  const auto source = images<double>(world.size() * 8);
  const auto loss = [&](const Net<double>& of, std::size_t part, std::size_t parts, std::size_t k) {
    const auto [x, y] =
        xg::Loader<double>(source, {.batch_size = 8 * world.size() / parts / 4, .part = part, .parts = parts}).batch(0, k);
    return cross_entropy(of(x), y);
  };
  for (int step = 0; step < 2; ++step) {  // before and after the order is known
    for (const auto& p : xg::nn::parameters(net)) p.node()->gradient = {};
    for (const auto& p : xg::nn::parameters(alone)) p.node()->gradient = {};
    for (std::size_t k = 0; k < 4; ++k) {
      if (k == 1 || k == 3) {
        backward(loss(net, world.rank(), world.size(), k));
      } else {
        const auto pause = sync.pause();
        backward(loss(net, world.rank(), world.size(), k));
      }
      backward(loss(alone, 0, 1, k));
    }
    const auto p = xg::nn::parameters(net), q = xg::nn::parameters(alone);
    double most = 0;
    for (std::size_t k = 0; k < p.size(); ++k)
      for (std::size_t i = 0; i < p[k].size(); ++i) most = std::max(most, std::abs(p[k].grad().data()[i] - q[k].grad().data()[i]));
    check(most <= 1e-14, "gradients that were added up in pauses are averaged with the next");
  }
}

/// Declared in another order than it is used.
struct Unordered {
  xg::nn::Linear<double> out{8, 4}, in{36, 8};
  auto operator()(xg::Variable<double> x) const { return out(tanh(in(flatten(std::move(x))))); }
};

/// Buckets have the order in which gradients become complete, and the sizes that the documentation says.
void orders(xg::mpi::World& world) {
  if (world.size() == 1) return;
  xg::seed(1);
  const Unordered net;
  {
    const auto sync = world.average_gradients(net, {.first_bucket = 1, .bucket = 1});
    const auto batch = xg::Loader<double>(images<double>(8), {.batch_size = 8}).batch(0, 0);
    const auto all_of = [&](std::size_t first, const char* layer) {
      const auto buckets = sync.buckets();
      return buckets.size() == 4 && buckets[first][0].starts_with(layer) && buckets[first + 1][0].starts_with(layer);
    };
    check(all_of(0, "in.") && all_of(2, "out."), "what is declared last is taken for the last layer at first");
    backward(cross_entropy(net(batch.images), batch.labels));
    check(all_of(0, "out.") && all_of(2, "in."), "from then on gradients go as they become complete");
  }
  constexpr std::size_t mebi = std::size_t{1} << 20;
  struct {
    std::vector<xg::Variable<float>> w;
  } sizes;
  for (const std::size_t bytes : {std::size_t{4}, 13 * mebi, 23 * mebi / 2, mebi / 2, mebi / 2, mebi / 2})
    sizes.w.emplace_back(xg::Array<float>(xg::Shape{bytes / 4}, 0.0F), true);
  const auto sync = world.average_gradients(sizes);
  check(sync.buckets() == std::vector<std::vector<std::string>>{{"w.5", "w.4"}, {"w.3", "w.2", "w.1"}, {"w.0"}},
        "the first bucket has 1 MiB, others 25");
}

/// Messages go out while backward still runs.
void overlaps(xg::mpi::World& world) {
  if (world.size() == 1) return;
  xg::seed(1);
  const Net<double> net;
  const auto sync = world.average_gradients(net, {.first_bucket = 64, .bucket = 400});
  const auto [x, y] = xg::Loader<double>(images<double>(8), {.batch_size = 8}).batch(0, 0);
  const auto loss = [&, &images = x, &labels = y] { return cross_entropy(net(images), labels); };
  backward(loss());
  check(sync.buckets().size() > 2 && sync.buckets()[0][0].starts_with("out."), "the last layer's gradients are sent first");
  const std::size_t before = xgrad_test::Slow::sent;
  bool seen = false;
  net.conv.weight.on_grad([&](const auto&) {
    for (int wait = 0; wait < 5000 && !seen; ++wait) {
      seen = xgrad_test::Slow::sent > before;
      if (!seen) usleep(1000);
    }
  });
  backward(loss());
  check(seen, "messages go out while backward still runs");
}

/// A step takes about as long as the longer of computing and sending, not as both together. Computing sleeps here, or two ranks
/// would need more processors than there may be.
void overlaps_in_time(xg::mpi::World& world) {
  if (world.size() != 2) return;
  struct {
    std::vector<xg::Variable<double>> w = std::vector<xg::Variable<double>>(8);
  } net;
  for (auto& w : net.w) w = xg::Variable<double>(xg::Array<double>{2}, true);
  const auto sync = world.average_gradients(net, {.first_bucket = 1, .bucket = 1});
  int sleeps = 0;  // in microseconds
  for (const auto& w : net.w) w.on_grad([&](const auto&) { usleep(static_cast<unsigned>(sleeps)); });
  const auto step = [&](int compute, double message) {
    double best = 1e9;
    sleeps = compute;
    for (int k = 0; k < 4; ++k) {
      world.barrier();
      xgrad_test::Slow::each = message;
      const auto begin = std::chrono::steady_clock::now();
      xg::Variable<double> y(xg::Array<double>{1});
      for (const auto& w : net.w) y = y * w;
      backward(sum(y));
      best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
      xgrad_test::Slow::each = 0;
    }
    return best;
  };
  step(0, 0);
  const double computing = step(20000, 0), sending = step(0, 0.02), both = step(20000, 0.02);
  const double longer = std::max(computing, sending);
  if (world.rank() == 0)
    fmt::print("8 gradients: computing {:.0f} ms, sending {:.0f} ms, a step {:.0f} ms\n", 1e3 * computing, 1e3 * sending,
               1e3 * both);
  check(both - longer < computing + sending - both, "a step is nearer to the longer of computing and sending than to their sum");
}

/// A parameter that some ranks do not reach counts as 0 there; one that nobody reaches has no gradient.
void branches(xg::mpi::World& world) {
  const Two net;
  const auto sync = world.average_gradients(net);
  if (world.size() > 1)
    check(has(error_of([&] { static_cast<void>(world.average_gradients(net)); }), "belongs to another network"),
          "a parameter is averaged once");
  for (std::size_t step = 0; step < 3; ++step) {
    for (const auto& p : xg::nn::parameters(net)) p.node()->gradient = {};
    backward(world.rank() == step % world.size() ? sum(net.a) + sum(net.b * 3) : sum(net.a * 2));
    check(std::abs(net.b.grad()(0) - 3 / count(world)) < 1e-15, "who does not reach a parameter counts as 0");
    check(std::abs(net.a.grad()(0) - (2 * count(world) - 1) / count(world)) < 1e-15, "…, and all get the mean");
    check(!net.c.has_grad(), "what no rank reaches has no gradient");
  }
}

void norms(xg::mpi::World& world) {
  xg::seed(1);
  const Synchronised net{.norm = xg::mpi::BatchNorm<double>(world, 8)};
  const Normed alone, own;
  xg::nn::copy_state(net, alone);
  xg::nn::copy_state(net, own);
  const auto source = images<double>(world.size() * 8);
  {
    const auto sync = world.average_gradients(net);
    xg::Loader<double> batches(source, {.batch_size = 4, .part = world.rank(), .parts = world.size()});
    train(net, batches, 2);
    xg::Loader<double> whole(source, {.batch_size = 4 * world.size()});
    train(alone, whole, 2);
    const auto p = xg::nn::named_state(net), q = xg::nn::named_state(alone);
    double most = 0;
    for (std::size_t k = 0; k < p.size(); ++k)
      for (std::size_t i = 0; i < p[k].variable.size(); ++i)
        most = std::max(most, std::abs(p[k].variable.value().data()[i] - q[k].variable.value().data()[i]));
    check(most <= 1e-10, "batch norm over all ranks is that of the whole batch");
  }
  xg::Loader<double> batches(source, {.batch_size = 4, .part = world.rank(), .parts = world.size()});
  const auto sync = world.average_gradients(own);
  train(own, batches, 1);
  const xg::Array<double> before = own.norm.running_mean.value();
  const double mean = world.mean(before(3));
  world.average_buffers(own);
  check(std::abs(own.norm.running_mean.value()(3) - mean) < 1e-15, "running statistics are averaged");
  check(world.size() == 1 || before(3) != mean, "…, which were different");
}

/// Without being told, a rank has its part of the threads that the program alone has.
void own_threads(xg::mpi::World& world, int alone) {
  const char* const told = std::getenv("OMP_NUM_THREADS");
  check(xg::num_threads() == (told ? std::atoi(told) : std::max(1, alone / static_cast<int>(world.size()))),
        "ranks share the processors");
}

void options_are_checked(int argc, char** argv) {
  for (const auto& [options, text] :
       {std::pair{xg::mpi::WorldOptions{.threads = -1}, "World: threads is -1; it must be from 0 to "},
        std::pair{xg::mpi::WorldOptions{.threads = 1 << 20}, "World: threads is 1048576; it must be"},
        std::pair{xg::mpi::WorldOptions{.timeout = 0}, "World: timeout is 0; it must be above 0"},
        std::pair{xg::mpi::WorldOptions{.timeout = std::nan("")}, "World: timeout is nan; it"}}) {
    const std::string said = error_of([&, o = options] { xg::mpi::World world(argc, argv, o); });
    check(has(said, text), "options of a World that make no sense");
    check(has(said, "ranks.cpp:"), "…, with the line");
  }
}

void threads() {
  using xg::mpi::detail::threads_for;
  const double none = std::numeric_limits<double>::infinity();
  check(threads_for({0, 1}, {{0, 1}}, none) == 2, "a rank alone has all processors");
  check(threads_for({0, 1}, {{0, 1}, {0, 1}}, none) == 1, "two ranks share them");
  check(threads_for({0, 1, 2, 3}, {{0, 1, 2, 3}, {2, 3}}, none) == 3, "…, those that both may use");
  check(threads_for({4, 5}, {{4, 5}, {6, 7}}, none) == 2, "a rank with its own has those");
  check(threads_for({0, 1, 2, 3}, {{0, 1, 2, 3}}, 2.5) == 2, "no more than the quota");
  check(threads_for({0, 1, 2, 3}, {{0, 1}, {2, 3}}, 2) == 1, "…, which ranks share");
  check(threads_for({0}, {{0}, {0}, {0}}, 0.5) == 1, "one thread at least");
}

/// Prints the totals of all ranks.
int totals(xg::mpi::World& world) {
  const auto all = static_cast<int>(world.sum(failed));
  if (world.rank() == 0) fmt::print("bits {:016x}\n{} passed, {} failed\n", bits, passed, all);
  std::fflush(stdout);  // whatever becomes of MPI_Finalize
  return all == 0 ? 0 : 1;
}

int all_cases(xg::mpi::World& world, const std::string& folder) {
  as_one<double>(world, 1e-12, {});
  as_one<double>(world, 1e-12, {.first_bucket = 64, .bucket = 400});
  as_one<float>(world, 1e-5, {.first_bucket = 64, .bucket = 400});
  in_order<float>(world);
  in_order<double>(world);
  pauses(world);
  orders(world);
  overlaps(world);
  overlaps_in_time(world);
  branches(world);
  norms(world);
  saves(world, folder);
  resumes(world, folder);
  errors(world);
  threads();
  check(static_cast<std::size_t>(world.ranks_here()) == world.size(), "all ranks are on this machine");
  return totals(world);
}

/// MPI, which XGRAD_SLOW="SECONDS BYTES_PER_SECOND" slows down.
std::unique_ptr<xg::mpi::Transport> transport(int& argc, char**& argv, const std::string& how) {
  double seconds = 0, speed = 0;
  if (const char* slow = std::getenv("XGRAD_SLOW")) std::sscanf(slow, "%lf %lf", &seconds, &speed);
  auto slow = std::make_unique<xgrad_test::Slow>(xg::mpi::mpi_transport(argc, argv), seconds, speed);
  if (how == "versions" && slow->rank() == 1) slow->title = "another MPI";
  if (how == "slow end" && slow->rank() == 0) slow->end = std::chrono::seconds(7);  // as mpirun may take to
  return slow;
}

}  // namespace

int run(int argc, char** argv) {
  const std::string how = argc > 2 ? argv[2] : "", folder = argc > 1 ? argv[1] : ".";
  const int who = argc > 3 ? std::atoi(argv[3]) : 1;
  if (how == "uncaught") {
    xg::mpi::World world(argc, argv, {.threads = 1});
    must_fail(world, how, who, folder);
  }
  if (how == "told") {  // wrong options first: the right ones find an MPI that nobody has started and ended
    options_are_checked(argc, argv);
    xg::mpi::World world(argc, argv, {.threads = 3});
    check(xg::num_threads() == 3, "the options say how many threads a rank has");
    return totals(world);
  }
  if (how == "threads") {
    const int alone = xg::num_threads();
    xg::mpi::World world(argc, argv);
    own_threads(world, alone);
    return totals(world);
  }
  try {
    xg::mpi::World world(transport(argc, argv, how), {.threads = 1, .timeout = how == "silent" ? 3.0 : 100.0});
    if (how.empty()) return all_cases(world, folder);
    if (how == "reload") {
      reloads(world, folder);
      return totals(world);
    }
    if (how == "whole") {
      is_whole(world, folder);
      return totals(world);
    }
    must_fail(world, how, who, folder);
  } catch (const std::exception& error) {
    if (how == "lives") sleep(60);
    std::fprintf(stderr, "ranks: %s\n", error.what());
  }
  return 1;
}

}  // namespace ranks

int main(int argc, char** argv) { return ranks::run(argc, argv); }

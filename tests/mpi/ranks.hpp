#pragma once
// What the cases of many ranks share.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include <xgrad/mpi/mpi.hpp>
#include <xgrad/xgrad.hpp>

#include "slow.hpp"

namespace xg = xgrad;

namespace ranks {

inline int passed = 0, failed = 0;

void check(bool good, const char* what, std::uint32_t line = __builtin_LINE(), const char* file = __builtin_FILE());
/// Whether the part is there; says what was there when it is not.
bool has(const std::string& text, const std::string& part);

/// What f's error says, on this rank, or "". Ranks throw at once here; elsewhere those that are not the first wait for 5 s.
template <class F>
std::string error_of(F f) {
  std::string text;
  xgrad_test::Slow::patient = false;
  try {
    f();
  } catch (const xg::Error& error) {
    text = error.what();
  }
  xgrad_test::Slow::patient = true;
  return text;
}

template <class T>
struct Net {
  xg::nn::Conv2d<T> conv{1, 3, 3};
  xg::nn::Linear<T> hidden{48, 10}, out{10, 4};
  auto operator()(xg::Variable<T> x) const { return out(tanh(hidden(flatten(tanh(conv(std::move(x))))))); }
};

struct Other {
  xg::nn::Linear<double> hidden{7, 3};
};

template <class T>
xg::Source<T> images(std::size_t n) {
  xg::Array<T> values(xg::Shape{n, 6, 6, 1});
  xg::Generator(3).fill_normal(values, 0, 1);
  xg::Labels labels(xg::Shape{n});
  for (std::size_t k = 0; k < n; ++k) labels(k) = static_cast<std::int64_t>(k % 4);
  return {std::move(values), std::move(labels)};
}

struct Normed {
  xg::nn::Linear<double> in{36, 8};
  xg::nn::BatchNorm<double> norm{8};
  xg::nn::Linear<double> out{8, 4};
  auto operator()(xg::Variable<double> x) const { return out(relu(norm(in(flatten(std::move(x)))))); }
};

template <class Network>
double distance(const Network& a, const Network& b) {
  double most = 0;
  const auto p = xg::nn::parameters(a), q = xg::nn::parameters(b);
  for (std::size_t k = 0; k < p.size(); ++k)
    for (std::size_t i = 0; i < p[k].size(); ++i)
      most = std::max(most, std::abs(static_cast<double>(p[k].value().data()[i] - q[k].value().data()[i])));
  return most;
}

/// What ranks save of which one is then killed: every parameter is the number of the step.
struct Steps {
  Net<double> net;
  std::uint64_t step = 0;
};

/// How many ranks there are, to compute with.
inline double count(const xg::mpi::World& world) { return static_cast<double>(world.size()); }

// checkpoints.cpp
void saves(xg::mpi::World& world, const std::string& folder);
void resumes(xg::mpi::World& world, const std::string& folder);
void reloads(xg::mpi::World& world, const std::string& folder);
void is_whole(xg::mpi::World& world, const std::string& folder);

// failures.cpp
void errors(xg::mpi::World& world);
/// What must fail, how, and on which rank. Ends with an exception there, or on all.
void must_fail(xg::mpi::World& world, const std::string& how, int who, const std::string& folder);

}  // namespace ranks

#pragma once
// Networks of random operations, for properties that all of them must have.
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include <xgrad/xgrad.hpp>

namespace random_graph {

using namespace xgrad;
using V = Variable<double>;

/// How the random formulas in a graph are computed.
enum class Formulas { programs, replayed };

/// The leaves of the graph with this seed. A large graph has some that are long enough for several threads.
std::vector<V> leaves(std::uint64_t seed, bool large = false);

/// 5 to 60 operations on the leaves, their results used more than once, and a number made of all that nothing else used. What is
/// chosen depends on the seed and on shapes, never on values: near the same point it is the same smooth function.
V run(std::uint64_t seed, const std::vector<V>& leaves, Formulas formulas = Formulas::programs);

/// Its operations' results, in order.
struct Result {
  std::string operation;
  V value;
};
std::vector<Result> results(std::uint64_t seed, const std::vector<V>& leaves);
/// All that there is to choose from.
std::set<std::string> all_operations();

}  // namespace random_graph

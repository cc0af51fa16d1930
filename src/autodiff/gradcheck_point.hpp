#pragma once
/// The point at which gradcheck looks, and how it moves away from there.
#include <cstddef>
#include <utility>
#include <vector>

#include <xgrad/core/array.hpp>
#include <xgrad/graph/mode.hpp>
#include <xgrad/graph/variable.hpp>

namespace xgrad::checking {

using V = Variable<double>;
using Values = std::vector<double>;

/// How elements of an input move: element `first + j` by step[j].
struct Move {
  std::size_t input, first;
  Values step;
};
/// … and those of several inputs at once.
using Direction = std::vector<Move>;

std::size_t length_of(const Direction& direction);
/// The first half of a direction's elements, and the rest.
std::pair<Direction, Direction> halves(Direction direction);

/// The inputs while they move, and what is computed is recorded. Puts values, and the counts of their assignments, back: a graph
/// that kept them stays good.
class Moving {
 public:
  explicit Moving(const std::vector<NamedVariable<double>>& inputs);
  ~Moving();
  Moving(const Moving&) = delete;
  Moving& operator=(const Moving&) = delete;

  void add(const V& x) { saved_.push_back({x.storage(), x.storage()->version, Array<double>(x.value())}); }
  /// The point plus t times the direction.
  void to(const Direction& direction, double t);
  void back(const Direction& direction);
  const Array<double>& point(std::size_t k) const { return saved_[k].value; }

 private:
  struct Saved {
    Ref<Storage<double>> storage;
    std::uint32_t version;
    Array<double> value;
  };
  static void restore(Saved& s, std::size_t first, std::size_t count) noexcept;

  std::vector<Saved> saved_;
  detail::RecordingGuard recording_{true};
};

}  // namespace xgrad::checking

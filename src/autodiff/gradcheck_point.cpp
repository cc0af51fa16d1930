#include "gradcheck_point.hpp"

#include <algorithm>
#include <cstring>

namespace xgrad::checking {

std::size_t length_of(const Direction& direction) {
  std::size_t n = 0;
  for (const Move& move : direction) n += move.step.size();
  return n;
}

std::pair<Direction, Direction> halves(Direction direction) {
  std::pair<Direction, Direction> result;
  std::size_t left = length_of(direction) / 2;
  for (Move& move : direction) {
    const std::size_t n = std::min(left, move.step.size());
    const auto middle = move.step.begin() + static_cast<std::ptrdiff_t>(n);
    if (n < move.step.size()) result.second.push_back({move.input, move.first + n, Values(middle, move.step.end())});
    move.step.resize(n);
    if (n > 0) result.first.push_back(std::move(move));
    left -= n;
  }
  return result;
}

Moving::Moving(const std::vector<NamedVariable<double>>& inputs) {
  for (const auto& input : inputs) add(input.variable);
}
Moving::~Moving() {
  for (Saved& s : saved_) {
    restore(s, 0, s.value.size());
    s.storage->version = s.version;
  }
}

void Moving::to(const Direction& direction, double t) {
  for (const Move& move : direction) {
    Saved& s = saved_[move.input];
    const double* from = s.value.data() + move.first;
    double* x = s.storage->array.data() + move.first;
    for (std::size_t j = 0; j < move.step.size(); ++j) x[j] = from[j] + t * move.step[j];
    ++s.storage->version;
  }
}
void Moving::back(const Direction& direction) {
  for (const Move& move : direction) restore(saved_[move.input], move.first, move.step.size());
}
void Moving::restore(Saved& s, std::size_t first, std::size_t count) noexcept {
  if (count != 0) std::memcpy(s.storage->array.data() + first, s.value.data() + first, count * sizeof(double));
}

}  // namespace xgrad::checking

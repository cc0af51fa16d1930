#include "stratified.hpp"

#include <fmt/format.h>

#include <cmath>

#include <xgrad/core/error.hpp>
#include <xgrad/core/random.hpp>

namespace xgrad::detail {
namespace {

/// The indices of each class's samples, shuffled.
std::vector<Rows> by_class(const Labels& labels, std::size_t classes, std::uint64_t seed, const char* function, Where at) {
  if (classes == 0 && labels.size() > 0)
    throw IndexError(at, function, "there are no classes; the set must say how many there are");
  std::vector<Rows> result(classes);
  Generator generator(seed);
  for (std::size_t i : generator.permutation(labels.size(), at)) {
    const std::int64_t label = labels.data()[i];
    if (label < 0 || static_cast<std::size_t>(label) >= classes)
      throw IndexError(
          at, function,
          fmt::format("label {} of sample {}; it must be from 0 to {}", label, i, static_cast<std::int64_t>(classes) - 1));
    result[static_cast<std::size_t>(label)].push_back(i);
  }
  return result;
}

/// Mixes what came class by class.
void shuffle(Rows& rows, std::uint64_t seed, std::uint64_t stream, Where at) {
  Rows mixed;
  mixed.reserve(rows.size());
  Generator generator(seed, stream);
  for (std::size_t i : generator.permutation(rows.size(), at)) mixed.push_back(rows[i]);
  rows = std::move(mixed);
}

}  // namespace

void check_fraction(double fraction, Where at) {
  if (!(fraction >= 0 && fraction <= 1))
    throw ValueError(at, "split", fmt::format("fraction is {}; it must be from 0 to 1", fraction));
}
void check_folds(std::size_t k, std::size_t samples, Where at) {
  if (k < 2 || k > samples)
    throw ValueError(at, "folds", fmt::format("k is {}; it must be from 2 to the number of samples, {}", k, samples));
}

std::pair<Rows, Rows> split_rows(const Labels& labels, std::size_t classes, double fraction, std::uint64_t seed, Where at) {
  check_fraction(fraction, at);
  Rows first, second;
  for (const Rows& rows : by_class(labels, classes, seed, "split", at)) {
    const auto n = std::lround(fraction * static_cast<double>(rows.size()));
    first.insert(first.end(), rows.begin(), rows.begin() + n);
    second.insert(second.end(), rows.begin() + n, rows.end());
  }
  shuffle(first, seed, 1, at);
  shuffle(second, seed, 2, at);
  return {std::move(first), std::move(second)};
}

std::vector<std::pair<Rows, Rows>> fold_rows(const Labels& labels, std::size_t classes, std::size_t k, std::uint64_t seed,
                                             Where at) {
  check_folds(k, labels.size(), at);
  std::vector<Rows> parts(k);
  std::size_t next = 0;  // goes on from class to class, so that the parts are alike in size too
  for (const Rows& rows : by_class(labels, classes, seed, "folds", at))
    for (std::size_t i : rows) parts[next++ % k].push_back(i);
  std::vector<std::pair<Rows, Rows>> result;
  for (std::size_t test = 0; test < k; ++test) {
    Rows rest;
    for (std::size_t p = 0; p < k; ++p)
      if (p != test) rest.insert(rest.end(), parts[p].begin(), parts[p].end());
    shuffle(rest, seed, test + 1, at);
    result.push_back({std::move(rest), parts[test]});
  }
  return result;
}

}  // namespace xgrad::detail

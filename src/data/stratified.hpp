#pragma once
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <xgrad/core/array.hpp>
#include <xgrad/core/where.hpp>

namespace xgrad::detail {

/// Indices of samples.
using Rows = std::vector<std::size_t>;

/// What `split` and `folds` say of their options, before a set's labels are read.
void check_fraction(double fraction, Where at);
void check_folds(std::size_t k, std::size_t samples, Where at);

/// What `split` chooses for these labels: the samples of both parts. Throws as it does.
std::pair<Rows, Rows> split_rows(const Labels& labels, std::size_t classes, double fraction, std::uint64_t seed, Where at);

/// What `folds` chooses: for each fold the samples to train on, and those to test with. Throws as it does.
std::vector<std::pair<Rows, Rows>> fold_rows(const Labels& labels, std::size_t classes, std::size_t k, std::uint64_t seed,
                                             Where at);

}  // namespace xgrad::detail

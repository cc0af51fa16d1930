#pragma once
/// What the programs of this folder have in common: their options, their data, and where their pictures go.
#include <fmt/format.h>
#include <algorithm>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

#include <xgrad/xgrad.hpp>

namespace xg = xgrad;
namespace draw = xgrad::draw;

struct Lecture {
  bool quick = false;
  std::filesystem::path data = {}, out = ".";

  /// Where a picture goes: the folder that --out names.
  std::filesystem::path file(std::string_view name) const { return out / name; }
  /// A size of the problem: the first, or with --quick the second.
  template <class N>
  N size(N full, N small) const {
    return quick ? small : full;
  }
  /// MNIST where --data has it, in the folder itself or in its `mnist`; else generated digits. At most so many to train on and to
  /// test with.
  xg::Split digits(std::size_t train, std::size_t test) const;
  /// CIFAR-10 likewise, in the folder itself or in its `cifar10`; else the coloured shapes.
  xg::Split shapes(std::size_t train, std::size_t test) const;
};

/// A matrix, row by row.
template <class T = double>
xg::Array<T> matrix(std::initializer_list<std::initializer_list<std::type_identity_t<T>>> rows) {
  xg::Array<T> result(xg::Shape{rows.size(), rows.begin()->size()});
  auto to = result.begin();
  for (const auto& row : rows) to = std::copy(row.begin(), row.end(), to);
  return result;
}

/// What the fastest of so many runs took.
double least_milliseconds(int runs, const std::function<void()>& run);

/// Throws when what a program says is not so.
void must(bool holds, std::string_view what);

/// Reads the options and runs `body`. Gives the exit code: 1, and a line on stderr, when it throws.
int lecture(int argc, char** argv, const std::string& about, const std::function<void(const Lecture&)>& body);

#pragma once
/// Arrays whose elements follow a rule, as NumPy's functions of the same names make them.
#include <cstddef>
#include <optional>

#include <xgrad/core/array.hpp>
#include <xgrad/core/where.hpp>

namespace xgrad {

/// The numbers start, start + step, start + 2 step, … that lie before `stop`, which is not among them: ⌈(stop - start) / step⌉ of
/// them, none when `stop` is not ahead. Each is computed as start + k step in double precision. T is float, double or std::int64_t;
/// `arange<float>(0, 1, 0.25)` is {0, 0.25, 0.5, 0.75}. Throws ValueError when step is 0 or one of the three is not finite,
/// ShapeError for too many numbers.
template <class T = float>
XGRAD_API Array<T> arange(double start, double stop, double step = 1, Where at = Where::current());
/// 0, 1, 2, … up to and without `stop`.
template <class T = float>
Array<T> arange(double stop, Where at = Where::current()) {
  return arange<T>(0, stop, 1, at);
}

struct LinspaceOptions {
  bool endpoint = true;  ///< whether `stop` is the last number; else it is what would come next
};
/// `count` numbers at equal distances from `start` on, the last one exactly `stop` unless {.endpoint = false}. Throws ValueError
/// for a negative count, or when an end is not finite.
template <Real T = float>
XGRAD_API Array<T> linspace(double start, double stop, std::ptrdiff_t count = 50, LinspaceOptions options = {},
                            Where at = Where::current());

struct EyeOptions {
  std::optional<std::ptrdiff_t> columns = {};  ///< as many as rows, if nothing is said
  std::ptrdiff_t k = 0;                        ///< which diagonal: above the main one for k > 0, below for k < 0
};
/// A matrix (rows, columns) with 1 on a diagonal and 0 elsewhere. Throws ValueError for negative lengths.
template <class T = float>
XGRAD_API Array<T> eye(std::ptrdiff_t rows, EyeOptions options = {}, Where at = Where::current());

}  // namespace xgrad

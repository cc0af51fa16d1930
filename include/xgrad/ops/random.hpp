#pragma once
/// Random arrays. They are not differentiated. Each draws from a Generator, the thread's default one (`xgrad::seed` starts it) if
/// none is given; the same seed gives the same numbers on every machine.
///
///     auto noise = xg::normal<float>({64, 10}, 0, 0.1);
#include <xgrad/core/random.hpp>
#include <xgrad/core/where.hpp>

namespace xgrad {

/// Uniform in [low, high). Throws ValueError unless low <= high, both finite.
template <Real T = float>
XGRAD_API Array<T> uniform(const Shape& shape, double low = 0, double high = 1, Generator& generator = default_generator(),
                           Where at = Where::current());
/// The normal distribution. Throws ValueError for a negative standard deviation `std`.
template <Real T = float>
XGRAD_API Array<T> normal(const Shape& shape, double mean = 0, double std = 1, Generator& generator = default_generator(),
                          Where at = Where::current());
/// The normal distribution, given that the number is in [low, high]: the tails are not moved to the bounds, as clamp would.
/// Throws ValueError unless low < high and std > 0.
template <Real T = float>
XGRAD_API Array<T> truncated_normal(const Shape& shape, double mean = 0, double std = 1, double low = -2, double high = 2,
                                    Generator& generator = default_generator(), Where at = Where::current());
/// 1 with probability p, else 0. Throws ValueError unless p is from 0 to 1.
template <Real T = float>
XGRAD_API Array<T> bernoulli(const Shape& shape, double p = 0.5, Generator& generator = default_generator(),
                             Where at = Where::current());
/// ... with a probability for each element, of type T. The error names the first bad one.
template <Real T>
XGRAD_API Array<T> bernoulli(const Array<T>& p, Generator& generator = default_generator(), Where at = Where::current());
/// The standard Gumbel distribution, -log(-log(u)).
template <Real T = float>
XGRAD_API Array<T> gumbel(const Shape& shape, Generator& generator = default_generator(), Where at = Where::current());

/// Whole numbers in [low, high), each as likely. Throws ValueError unless low < high.
XGRAD_API Labels randint(const Shape& shape, std::int64_t low, std::int64_t high, Generator& generator = default_generator(),
                         Where at = Where::current());
/// 0 … n - 1 in random order. Throws ValueError for a negative n.
XGRAD_API Labels permutation(std::int64_t n, Generator& generator = default_generator(), Where at = Where::current());
/// A class for each sample of logits (…, classes), with the probabilities softmax(logits): logits may be -inf, but not all of a
/// sample's. Throws ShapeError without an axis of classes, ValueError for logits that are NaN, inf or all -inf.
template <Real T>
XGRAD_API Labels categorical(const Array<T>& logits, Generator& generator = default_generator(), Where at = Where::current());

}  // namespace xgrad

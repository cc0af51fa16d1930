#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <xgrad/core/api.hpp>
#include <xgrad/core/array.hpp>
#include <xgrad/core/where.hpp>

namespace xgrad {

/// Labelled images, as bytes: a quarter of the memory that floats would take. `Loader` turns them into numbers.
struct Dataset {
  Array<std::uint8_t> images;  ///< (n, height, width, channels); channels is 1 for MNIST
  Labels labels;  ///< (n,), each in 0 … classes-1; floating-point numbers that are assigned to it lose their fractions
  std::vector<std::string> names;  ///< what each class is called
  std::size_t classes = 0;

  std::size_t size() const { return labels.size(); }
};

/// What one trains on, and what one tests with.
struct Split {
  Dataset train, test;
};

/// A copy of the samples begin … end-1. Throws IndexError unless begin <= end <= data.size().
XGRAD_API Dataset slice(const Dataset& data, std::size_t begin, std::size_t end, Where at = Where::current());

/// A copy of the samples with these indices, in this order; an index may come more than once. Throws IndexError for an index that
/// is not below data.size().
XGRAD_API Dataset subset(const Dataset& data, std::span<const std::size_t> indices, Where at = Where::current());

/// One data set behind the other. Throws ShapeError unless their images have one shape, ValueError unless they have the same
/// number of classes.
XGRAD_API Dataset concat(const Dataset& a, const Dataset& b, Where at = Where::current());

/// Two parts in random order, the first with `fraction` of the samples of every class, rounded to the nearest: both have the
/// classes in the same proportions; a class without samples has none in either. The seed decides which samples. Throws ValueError
/// unless 0 <= fraction <= 1, IndexError for a label that is not below data.classes.
XGRAD_API std::pair<Dataset, Dataset> split(const Dataset& data, double fraction, std::uint64_t seed = 0,
                                            Where at = Where::current());

/// For cross-validation: k ways to train on k-1 of k parts and test on the other one, each sample being tested once. Every part has
/// the classes in the same proportions, within one sample: a class of fewer than k samples is not in all of them. Throws ValueError
/// unless 2 <= k <= data.size(), IndexError for a label that is not below data.classes.
XGRAD_API std::vector<Split> folds(const Dataset& data, std::size_t k, std::uint64_t seed = 0, Where at = Where::current());

/// Mean and standard deviation for each channel.
struct Moments {
  std::vector<double> mean, std;
};
/// Of all pixels/255, for LoaderOptions: {0.1307} and {0.3081} for MNIST. The deviation is that of the population (divided by n).
/// Throws ValueError for a data set without pixels, ShapeError for images without axes.
XGRAD_API Moments channel_moments(const Dataset& data, Where at = Where::current());

}  // namespace xgrad

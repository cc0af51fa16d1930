#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <xgrad/core/api.hpp>
#include <xgrad/core/array.hpp>
#include <xgrad/core/indices.hpp>
#include <xgrad/core/where.hpp>
#include <xgrad/data/dataset.hpp>

namespace xgrad {

namespace detail {
[[noreturn]] XGRAD_API void no_such_sample(std::size_t index, std::size_t size);
}  // namespace detail

/// What a network gets, (height, width, channels) for an image, and what it should say of it.
template <Real T>
struct Sample {
  Array<T> value;
  std::int64_t label = 0;
};

/// Samples that are read one by one, in any order: of a Dataset, of arrays, or from wherever a function takes them. A Source may be
/// copied, which shares its data. `read` is called by several threads at once when a Loader has workers.
///
///     Source<float> source(std::move(split.train));                                   // bytes p become p/255
///     Source<float> mine(1000, [](std::size_t i) { return Sample<float>{image(i), label(i)}; });
template <Real T>
class Source {
 public:
  /// `read(i)` gives the sample of every index below `size`.
  XGRAD_API Source(std::size_t size, std::function<Sample<T>(std::size_t)> read, std::size_t classes = 0,
                   std::vector<std::string> names = {});
  /// Takes the data over: give it away with std::move where it is not needed any more, or it is copied. Throws ShapeError when
  /// there is not one label for each image.
  XGRAD_API Source(Dataset data, Where at = Where::current());  // NOLINT(google-explicit-constructor)
  /// `values` is (n, …). The number of classes is the largest label and one. Throws ShapeError when there is not one label for each
  /// value.
  XGRAD_API Source(Array<T> values, const Indices& labels, Where at = Where::current());

  std::size_t size() const { return size_; }
  std::size_t classes() const { return classes_; }
  const std::vector<std::string>& names() const { return names_; }
  /// Sample `index`, read anew. Throws IndexError when there is none, and what reading it throws.
  Sample<T> operator[](std::size_t index) const {
    if (index >= size_) detail::no_such_sample(index, size_);
    return read_(index);
  }

 private:
  std::size_t size_, classes_;
  std::vector<std::string> names_;
  std::function<Sample<T>(std::size_t)> read_;
};

/// The samples with these indices, in this order. Throws IndexError for an index that is not below source.size().
template <Real T>
XGRAD_API Source<T> subset(const Source<T>& source, std::vector<std::size_t> indices, Where at = Where::current());

/// One source behind the other. Classes and names are those of `a`. Throws ValueError unless both have the same number of classes.
template <Real T>
XGRAD_API Source<T> concat(const Source<T>& a, const Source<T>& b, Where at = Where::current());

/// What one trains on, and what one tests with.
template <Real T>
struct SourceSplit {
  Source<T> train, test;
};

/// Two parts in random order with the classes in the same proportions, as of a Dataset: the same seed chooses the same samples.
/// Every sample is read once, for its label. Throws as of a Dataset, and what reading a sample throws.
template <Real T>
XGRAD_API std::pair<Source<T>, Source<T>> split(const Source<T>& source, double fraction, std::uint64_t seed = 0,
                                                Where at = Where::current());

/// For cross-validation, as of a Dataset: the same seed chooses the same samples. Every sample is read once, for its label. Throws
/// as of a Dataset, and what reading a sample throws.
template <Real T>
XGRAD_API std::vector<SourceSplit<T>> folds(const Source<T>& source, std::size_t k, std::uint64_t seed = 0,
                                            Where at = Where::current());

/// Mean and standard deviation of each channel, the last axis of the samples, which may differ in size, in their own unit; every
/// sample is read once. Throws as of a Dataset, ShapeError for a sample without axes or with other channels than the first, and
/// what reading a sample throws.
template <Real T>
XGRAD_API Moments channel_moments(const Source<T>& source, Where at = Where::current());

}  // namespace xgrad

#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <vector>

#include <xgrad/core/api.hpp>
#include <xgrad/core/array.hpp>
#include <xgrad/core/fields.hpp>
#include <xgrad/core/random.hpp>
#include <xgrad/core/where.hpp>
#include <xgrad/data/source.hpp>

namespace xgrad {

/// Changes an image (height, width, channels) of numbers from 0 to 1 in place, with random numbers from the generator. Those of the
/// library are in namespace `augment`; any function of this form is one.
template <Real T>
using Augmentation = std::function<void(Array<T>& image, Generator& generator)>;

template <Real T>
struct LoaderOptions {
  std::size_t batch_size = 64;                ///< above the number of samples: an epoch is one batch of them all
  bool shuffle = true;                        ///< a new order for each epoch
  bool drop_last = false;                     ///< leave out the last batch of an epoch when it is smaller than the others
  std::uint64_t seed = 0;                     ///< decides orders and augmentations
  std::size_t workers = 0;                    ///< threads that make batches ahead of the loop; 0: the loop's own thread makes them
  std::size_t ahead = 4;                      ///< how many batches the workers may be ahead
  std::vector<Augmentation<T>> augment = {};  ///< applied to every sample, in this order, before it is standardised
  std::vector<double> mean = {};              ///< for each channel, or one for all: subtracted …
  std::vector<double> std = {};               ///< … and this divided by
  std::size_t part = 0, parts = 1;            ///< of several programs that train together: which one, and how many
};

template <Real T>
struct Batch {
  Array<T> images;  ///< (b, height, width, channels), or (b, …) as the samples are
  Labels labels;    ///< (b,)
};

/// Where a Loader is: which epoch, and how many of its batches have been given out.
struct LoaderState {
  std::uint64_t epoch = 0, position = 0;
};

/// Mini-batches. Each loop over it is an epoch:
///
///     Loader<float> loader(source, {.batch_size = 128, .workers = 2, .augment = {augment::Flip{}}, .mean = {0.5}, .std = {0.25}});
///     while (loader.state.epoch < 10)
///       for (auto [images, labels] : loader) …
///
/// The order of an epoch comes from (seed, epoch) alone, and the augmentation of a sample from (seed, epoch, its index): the
/// batches are the same bits with any number of workers. `state` is all that a Loader remembers. So a program that saves it, and
/// sets it in another run, goes on with the batch that would have come next; a loop that was left with `break` does too. When all
/// batches of an epoch have been given out and the loop is done, the next epoch begins; to begin one anew set `state`.
///
/// With `parts` > 1 each part gets every parts-th sample of the common order; what does not come out even is left out of the epoch,
/// so that all parts have as many batches.
///
/// An exception in a worker is thrown where the loop asks for the batch that could not be made, after those before it.
template <Real T>
class Loader {
 public:
  class Iterator;

  /// Throws ValueError when the batch size or `ahead` is 0, `part` is not below `parts`, mean and std are not finite, a std is not
  /// positive, or `drop_last` would leave no batch at all.
  XGRAD_API Loader(Source<T> source, LoaderOptions<T> options = {}, Where at = Where::current());

  /// How many batches an epoch has.
  XGRAD_API std::size_t count() const;
  /// How many samples an epoch has, in all its batches.
  XGRAD_API std::size_t samples() const;
  const Source<T>& source() const { return source_; }
  const LoaderOptions<T>& options() const { return options_; }

  /// The indices of an epoch's samples, in its order.
  XGRAD_API std::vector<std::size_t> order(std::uint64_t epoch) const;
  /// One batch of an epoch, made by the calling thread. Throws IndexError unless k < count(), ShapeError when its samples differ in
  /// shape, and what the source and the augmentations throw.
  XGRAD_API Batch<T> batch(std::uint64_t epoch, std::size_t k) const;

  /// Goes on where `state` says. Only one loop may run at a time.
  XGRAD_API Iterator begin();
  std::default_sentinel_t end() const { return {}; }

  LoaderState state;
  XGRAD_FIELDS(state)

 private:
  class Crew;
  Batch<T> make(const std::vector<std::size_t>& order, std::uint64_t epoch, std::size_t k) const;

  Source<T> source_;
  LoaderOptions<T> options_;
  Where where_;
};

/// Where a loop over a Loader is. Each step gives its batch away, once.
template <Real T>
class Loader<T>::Iterator {
 public:
  using iterator_concept = std::input_iterator_tag;
  using value_type = Batch<T>;
  using difference_type = std::ptrdiff_t;

  // not in users' files, which compile sooner without
  XGRAD_API Iterator(Iterator&&) noexcept;
  XGRAD_API Iterator& operator=(Iterator&&) noexcept;
  XGRAD_API ~Iterator();
  XGRAD_API Batch<T> operator*() const;
  XGRAD_API Iterator& operator++();
  void operator++(int) { ++*this; }
  bool operator==(std::default_sentinel_t) const { return !batch_; }

 private:
  friend class Loader;
  explicit Iterator(Loader& loader);

  LoaderState* state_;
  std::shared_ptr<Crew> crew_;
  mutable std::optional<Batch<T>> batch_;
};

}  // namespace xgrad

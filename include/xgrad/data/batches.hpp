#pragma once
#include <algorithm>
#include <cstddef>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include <xgrad/core/api.hpp>
#include <xgrad/core/array.hpp>
#include <xgrad/core/random.hpp>
#include <xgrad/core/where.hpp>
#include <xgrad/data/idx.hpp>

namespace xgrad {

struct BatchOptions {
  std::size_t size = 64;   ///< samples in a batch
  bool shuffle = true;     ///< a new random order for each epoch
  bool drop_last = false;  ///< leave out the last batch of an epoch when it is smaller than the others
  double mean = 0;         ///< subtracted from every pixel/255, or feature …
  double deviation = 1;    ///< … which is then divided by this
};

template <Real T>
struct Batch {
  Array<T> images;  ///< (b, height, width, channels), or (b, …) as the features are
  Labels labels;    ///< (b,)
};

/// Mini-batches of a data set. Each loop over it is an epoch, and draws a new order from the generator when it begins:
///
///     Batches<float> batches(split.train, {.size = 64, .mean = 0.1307, .deviation = 0.3081}, generator);
///     for (int epoch = 0; epoch < 5; ++epoch)
///       for (auto [images, labels] : batches) …
///
/// A byte p of a Dataset becomes (p/255 - mean) / deviation. Data and generator are referred to, not copied: they must outlive
/// this, and must not change while a loop runs: a ValueError says so where their number does. A generator with the same seed gives
/// the same batches.
template <Real T>
class Batches {
 public:
  class Iterator;

  /// Throws ValueError when the batch size is 0, when the deviation is not positive, or when `drop_last` would leave no batch at
  /// all; ShapeError when there is not one label for each image.
  XGRAD_API explicit Batches(const Dataset& data, BatchOptions options = {}, Generator& generator = default_generator(),
                             Where where = Where::current());
  explicit Batches(Dataset&&, BatchOptions = {}, Generator& = default_generator(), Where = Where::current()) = delete;

  /// The same for numbers: `features` is (n, …), a sample x becomes (x - mean) / deviation.
  XGRAD_API Batches(const Array<T>& features, const Labels& labels, BatchOptions options = {},
                    Generator& generator = default_generator(), Where where = Where::current());
  Batches(Array<T>&&, const Labels&, BatchOptions = {}, Generator& = default_generator(), Where = Where::current()) = delete;
  Batches(const Array<T>&, Labels&&, BatchOptions = {}, Generator& = default_generator(), Where = Where::current()) = delete;
  Batches(Array<T>&&, Labels&&, BatchOptions = {}, Generator& = default_generator(), Where = Where::current()) = delete;

  /// How many batches an epoch has.
  std::size_t count() const { return samples() / options_.size + (!options_.drop_last && samples() % options_.size != 0 ? 1 : 0); }
  /// How many samples the data has.
  std::size_t samples() const { return labels_->size(); }

  /// Begins an epoch.
  Iterator begin() const { return Iterator(*this, order()); }
  std::default_sentinel_t end() const { return {}; }

 private:
  XGRAD_API void check(const Shape& shape, Where where) const;
  XGRAD_API std::vector<std::size_t> order() const;
  XGRAD_API Batch<T> gather(const std::vector<std::size_t>& order, std::size_t first, std::size_t n) const;

  const Array<std::uint8_t>* images_ = nullptr;  // this or features_
  const Array<T>* features_ = nullptr;
  const Labels* labels_;
  BatchOptions options_;
  Generator* generator_;
  std::vector<T> table_;  // what becomes of each byte
  Where where_;
};

/// Where an epoch is. A batch is made when it is asked for.
template <Real T>
class Batches<T>::Iterator {
 public:
  using iterator_concept = std::input_iterator_tag;
  using value_type = Batch<T>;
  using difference_type = std::ptrdiff_t;

  Batch<T> operator*() const {
    const std::size_t first = next_ * batches_->options_.size;
    return batches_->gather(*order_, first, std::min(batches_->options_.size, order_->size() - first));
  }
  Iterator& operator++() {
    ++next_;
    return *this;
  }
  void operator++(int) { ++next_; }
  bool operator==(std::default_sentinel_t) const { return next_ >= count_; }

 private:
  friend class Batches;
  Iterator(const Batches& batches, std::vector<std::size_t> order)
      : batches_(&batches), count_(batches.count()), order_(std::make_shared<const std::vector<std::size_t>>(std::move(order))) {}

  const Batches* batches_;
  std::size_t count_;
  std::shared_ptr<const std::vector<std::size_t>> order_;
  std::size_t next_ = 0;
};

struct Moments {
  double mean = 0, deviation = 0;
};
/// Mean and standard deviation of all pixels/255, for `BatchOptions`: 0.1307 and 0.3081 for MNIST. Throws ValueError for a data
/// set without pixels.
XGRAD_API Moments mean_and_deviation(const Dataset& data, Where where = Where::current());

/// A copy of the samples begin … end-1. Throws IndexError unless begin <= end <= data.size().
XGRAD_API Dataset slice(const Dataset& data, std::size_t begin, std::size_t end, Where where = Where::current());

}  // namespace xgrad

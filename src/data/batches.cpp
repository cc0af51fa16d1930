#include <xgrad/data/batches.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <span>

#include <xgrad/core/error.hpp>
#include <xgrad/core/shape.hpp>

namespace xgrad {

template <Real T>
Batches<T>::Batches(const Dataset& data, BatchOptions options, Generator& generator, Where where)
    : images_(&data.images), labels_(&data.labels), options_(options), generator_(&generator), table_(256), where_(where) {
  check(data.images.shape(), where);
  for (std::size_t p = 0; p < 256; ++p)
    table_[p] = static_cast<T>((static_cast<double>(p) / 255 - options.mean) / options.deviation);
}

template <Real T>
Batches<T>::Batches(const Array<T>& features, const Labels& labels, BatchOptions options, Generator& generator, Where where)
    : features_(&features), labels_(&labels), options_(options), generator_(&generator), where_(where) {
  check(features.shape(), where);
}

template <Real T>
void Batches<T>::check(const Shape& shape, Where where) const {
  const BatchOptions& o = options_;
  const std::string_view what = images_ ? "images" : "features";
  if (labels_->dimension() != 1 || shape.size() == 0 || shape[0] != labels_->size())
    throw ShapeError(where, "Batches",
                     fmt::format("{} are {}, labels are {}; there must be one label for each of the {}", what, to_string(shape),
                                 to_string(labels_->shape()), what));
  if (o.size == 0) throw ValueError(where, "Batches", "size is 0; it must be at least 1");
  if (!std::isfinite(o.mean) || !std::isfinite(o.deviation) || o.deviation <= 0)
    throw ValueError(
        where, "Batches",
        fmt::format("mean is {}, deviation is {}; both must be finite and the deviation positive", o.mean, o.deviation));
  if (o.drop_last && samples() > 0 && count() == 0)
    throw ValueError(
        where, "Batches",
        fmt::format("drop_last is set and size is {}; it must be at most the number of samples, {}, or there is no batch", o.size,
                    samples()));
}

template <Real T>
std::vector<std::size_t> Batches<T>::order() const {
  if (options_.shuffle) return generator_->permutation(samples(), where_);
  std::vector<std::size_t> rows(samples());
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  return rows;
}

template <Real T>
Batch<T> Batches<T>::gather(const std::vector<std::size_t>& order, std::size_t first, std::size_t n) const {
  const std::size_t now = images_ ? images_->shape()[0] : features_->shape()[0];
  if (now != order.size() || labels_->size() != order.size())
    throw ValueError(
        where_, "Batches",
        fmt::format(
            "the data had {} samples when this epoch began and has {} with {} labels now; it must not change inside the loop",
            order.size(), now, labels_->size()));
  const std::size_t* rows = order.data() + first;
  Shape shape = images_ ? images_->shape() : features_->shape();
  shape[0] = n;
  Batch<T> batch{make_array<T>(shape, where_), make_array<std::int64_t>(Shape{n}, where_)};
  const std::size_t width = size_of(shape) / n;
  T* out = batch.images.data();
  for (std::size_t i = 0; i < n; ++i, out += width) {
    batch.labels.data()[i] = labels_->data()[rows[i]];
    if (images_) {
      const std::uint8_t* row = images_->data() + rows[i] * width;
      for (std::size_t k = 0; k < width; ++k) out[k] = table_[row[k]];
    } else {
      const T* row = features_->data() + rows[i] * width;
      const T mean = static_cast<T>(options_.mean), deviation = static_cast<T>(options_.deviation);
      for (std::size_t k = 0; k < width; ++k) out[k] = (row[k] - mean) / deviation;
    }
  }
  return batch;
}

template class Batches<float>;
template class Batches<double>;

Moments mean_and_deviation(const Dataset& data, Where where) {
  if (data.images.dimension() == 0 || data.images.size() == 0)  // an array without axes has an element, of no image
    throw ValueError(where, "mean_and_deviation", "the data set has no pixels; it must have one at least");
  std::array<std::uint64_t, 256> counts{};  // how often each byte occurs: exact, and one pass
  for (std::uint8_t p : std::span(data.images.data(), data.images.size())) ++counts[p];
  const auto average = [&](auto f) {
    double sum = 0;
    for (std::size_t p = 0; p < 256; ++p) sum += static_cast<double>(counts[p]) * f(static_cast<double>(p) / 255);
    return sum / static_cast<double>(data.images.size());
  };
  const double mean = average([](double x) { return x; });
  return {mean, std::sqrt(average([mean](double x) { return (x - mean) * (x - mean); }))};
}

Dataset slice(const Dataset& data, std::size_t begin, std::size_t end, Where where) {
  if (begin > end || end > data.size())
    throw IndexError(
        where, "slice",
        fmt::format("samples {} to {} of a data set of {}; begin <= end <= {} must hold", begin, end, data.size(), data.size()));
  Shape shape = data.images.shape();
  if (data.labels.dimension() != 1 || shape.empty() || shape[0] != data.size())
    throw ShapeError(where, "slice",
                     fmt::format("images are {}, labels are {}; there must be one label for each of the images", to_string(shape),
                                 to_string(data.labels.shape())));
  shape[0] = end - begin;
  Dataset result{make_array<std::uint8_t>(shape), make_array<std::int64_t>(Shape{end - begin}), data.names, data.classes};
  const std::size_t width = data.size() == 0 ? 0 : data.images.size() / data.size();
  std::copy(data.images.data() + begin * width, data.images.data() + end * width, result.images.data());
  std::copy(data.labels.data() + begin, data.labels.data() + end, result.labels.data());
  return result;
}

}  // namespace xgrad

#include <xgrad/data/dataset.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include <xgrad/core/error.hpp>
#include <xgrad/core/shape.hpp>
#include <xgrad/data/source.hpp>

#include "stratified.hpp"

namespace xgrad {
namespace {

void check(const Dataset& data, const char* function, Where at) {
  const Shape& images = data.images.shape();
  if (data.labels.dimension() != 1 || images.empty() || images[0] != data.size())
    throw ShapeError(at, function,
                     fmt::format("images are {}, labels are {}; there must be one label for each of the images", to_string(images),
                                 to_string(data.labels.shape())));
}

/// As `data`, with room for n samples.
Dataset like(const Dataset& data, std::size_t n, Where at) {
  Shape shape = data.images.shape();
  shape[0] = n;
  return {make_array<std::uint8_t>(shape, at), make_array<std::int64_t>(Shape{n}, at), data.names, data.classes};
}

std::size_t bytes_of(const Dataset& data) { return data.size() == 0 ? 0 : data.images.size() / data.size(); }

}  // namespace

Dataset slice(const Dataset& data, std::size_t begin, std::size_t end, Where at) {
  if (begin > end || end > data.size())
    throw IndexError(
        at, "slice",
        fmt::format("samples {} to {} of a data set of {}; begin <= end <= {} must hold", begin, end, data.size(), data.size()));
  check(data, "slice", at);
  Dataset result = like(data, end - begin, at);
  const std::size_t bytes = bytes_of(data);
  std::copy(data.images.data() + begin * bytes, data.images.data() + end * bytes, result.images.data());
  std::copy(data.labels.data() + begin, data.labels.data() + end, result.labels.data());
  return result;
}

Dataset subset(const Dataset& data, std::span<const std::size_t> indices, Where at) {
  check(data, "subset", at);
  Dataset result = like(data, indices.size(), at);
  const std::size_t bytes = bytes_of(data);
  for (std::size_t k = 0; k < indices.size(); ++k) {
    const std::size_t i = indices[k];
    if (i >= data.size())
      throw IndexError(at, "subset", fmt::format("index {} at place {}; it must be below {}", i, k, data.size()));
    std::copy_n(data.images.data() + i * bytes, bytes, result.images.data() + k * bytes);
    result.labels.data()[k] = data.labels.data()[i];
  }
  return result;
}

Dataset concat(const Dataset& a, const Dataset& b, Where at) {
  check(a, "concat", at);
  check(b, "concat", at);
  const Shape &left = a.images.shape(), &right = b.images.shape();
  if (!std::equal(left.begin() + 1, left.end(), right.begin() + 1, right.end()))
    throw ShapeError(
        at, "concat",
        fmt::format("images are {} and {}; they must differ in their number alone", to_string(left), to_string(right)));
  if (a.classes != b.classes)
    throw ValueError(at, "concat", fmt::format("the sets have {} and {} classes; they must have as many", a.classes, b.classes));
  Dataset result = like(a, a.size() + b.size(), at);
  std::copy_n(b.images.data(), b.images.size(), std::copy_n(a.images.data(), a.images.size(), result.images.data()));
  std::copy_n(b.labels.data(), b.size(), std::copy_n(a.labels.data(), a.size(), result.labels.data()));
  return result;
}

std::pair<Dataset, Dataset> split(const Dataset& data, double fraction, std::uint64_t seed, Where at) {
  check(data, "split", at);
  const auto [first, second] = detail::split_rows(data.labels, data.classes, fraction, seed, at);
  return {subset(data, first, at), subset(data, second, at)};
}

std::vector<Split> folds(const Dataset& data, std::size_t k, std::uint64_t seed, Where at) {
  check(data, "folds", at);
  std::vector<Split> result;
  for (const auto& [rest, test] : detail::fold_rows(data.labels, data.classes, k, seed, at))
    result.push_back({subset(data, rest, at), subset(data, test, at)});
  return result;
}

Moments channel_moments(const Dataset& data, Where at) {
  const Shape& images = data.images.shape();
  if (images.empty() || data.images.size() == 0)  // an array without axes has an element, of no image
    throw ValueError(at, "channel_moments", "the data set has no pixels; it must have one at least");
  const Shape shape(images.begin() + 1, images.end());
  const std::size_t size = data.images.size() / images[0];
  const auto bytes_of_image = [&](std::size_t i) {
    Sample<double> sample{make_array<double>(shape, at)};
    std::copy_n(data.images.data() + i * size, size, sample.value.data());
    return sample;
  };
  Moments result = channel_moments(Source<double>(images[0], bytes_of_image), at);
  for (std::vector<double>* numbers : {&result.mean, &result.std})
    for (double& number : *numbers) number /= 255;
  return result;
}

}  // namespace xgrad

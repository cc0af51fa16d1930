#include <xgrad/data/dataset.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <utility>

#include <xgrad/core/error.hpp>
#include <xgrad/core/random.hpp>
#include <xgrad/core/shape.hpp>

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

/// The indices of each class's samples, shuffled.
std::vector<std::vector<std::size_t>> by_class(const Dataset& data, std::uint64_t seed, const char* function, Where at) {
  check(data, function, at);
  std::vector<std::vector<std::size_t>> result(data.classes);
  Generator generator(seed);
  for (std::size_t i : generator.permutation(data.size(), at)) {
    const std::int64_t label = data.labels.data()[i];
    if (label < 0 || static_cast<std::size_t>(label) >= data.classes)
      throw IndexError(
          at, function,
          fmt::format("label {} of sample {}; it must be from 0 to {}", label, i, static_cast<std::int64_t>(data.classes) - 1));
    result[static_cast<std::size_t>(label)].push_back(i);
  }
  return result;
}

/// Mixes what came class by class.
void shuffle(std::vector<std::size_t>& rows, std::uint64_t seed, std::uint64_t stream, Where at) {
  std::vector<std::size_t> mixed;
  mixed.reserve(rows.size());
  Generator generator(seed, stream);
  for (std::size_t i : generator.permutation(rows.size(), at)) mixed.push_back(rows[i]);
  rows = std::move(mixed);
}

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
  if (!(fraction >= 0 && fraction <= 1))
    throw ValueError(at, "split", fmt::format("fraction is {}; it must be from 0 to 1", fraction));
  std::vector<std::size_t> first, second;
  for (const auto& rows : by_class(data, seed, "split", at)) {
    const auto n = std::lround(fraction * static_cast<double>(rows.size()));
    first.insert(first.end(), rows.begin(), rows.begin() + n);
    second.insert(second.end(), rows.begin() + n, rows.end());
  }
  shuffle(first, seed, 1, at);
  shuffle(second, seed, 2, at);
  return {subset(data, first, at), subset(data, second, at)};
}

std::vector<Split> folds(const Dataset& data, std::size_t k, std::uint64_t seed, Where at) {
  if (k < 2 || k > data.size())
    throw ValueError(at, "folds", fmt::format("k is {}; it must be from 2 to the number of samples, {}", k, data.size()));
  std::vector<std::vector<std::size_t>> parts(k);
  std::size_t next = 0;  // goes on from class to class, so that the parts are alike in size too
  for (const auto& rows : by_class(data, seed, "folds", at))
    for (std::size_t i : rows) parts[next++ % k].push_back(i);
  std::vector<Split> result;
  for (std::size_t test = 0; test < k; ++test) {
    std::vector<std::size_t> rest;
    for (std::size_t p = 0; p < k; ++p)
      if (p != test) rest.insert(rest.end(), parts[p].begin(), parts[p].end());
    shuffle(rest, seed, test + 1, at);
    result.push_back({subset(data, rest, at), subset(data, parts[test], at)});
  }
  return result;
}

Moments channel_moments(const Dataset& data, Where at) {
  const Shape& shape = data.images.shape();
  if (shape.empty() || data.images.size() == 0)  // an array without axes has an element, of no image
    throw ValueError(at, "channel_moments", "the data set has no pixels; it must have one at least");
  const std::size_t channels = shape.back();
  std::vector<std::array<std::uint64_t, 256>> counts(channels);  // how often each byte occurs: exact, and one pass
  const std::uint8_t* p = data.images.data();
  for (std::size_t i = 0; i < data.images.size(); i += channels)
    for (std::size_t c = 0; c < channels; ++c) ++counts[c][*p++];
  const double pixels = static_cast<double>(data.images.size() / channels);
  Moments result;
  for (const auto& of_channel : counts) {
    const auto average = [&](auto f) {
      double sum = 0;
      for (std::size_t b = 0; b < 256; ++b) sum += static_cast<double>(of_channel[b]) * f(static_cast<double>(b) / 255);
      return sum / pixels;
    };
    const double mean = average([](double x) { return x; });
    result.mean.push_back(mean);
    result.std.push_back(std::sqrt(average([mean](double x) { return (x - mean) * (x - mean); })));
  }
  return result;
}

}  // namespace xgrad

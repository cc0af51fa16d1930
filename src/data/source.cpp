#include <xgrad/data/source.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include <xgrad/core/error.hpp>
#include <xgrad/core/shape.hpp>

#include "stratified.hpp"

namespace xgrad {

void detail::no_such_sample(std::size_t index, std::size_t size) {
  throw IndexError(fmt::format("sample {} of a Source is asked for; it must be below {}", index, size));
}

namespace {

void check(const Shape& values, const Labels& labels, Where at) {
  if (labels.dimension() != 1 || values.empty() || values[0] != labels.size())
    throw ShapeError(at, "Source",
                     fmt::format("values are {}, labels are {}; there must be one label for each of the values", to_string(values),
                                 to_string(labels.shape())));
}

Shape of_one(const Shape& shape) { return {shape.begin() + 1, shape.end()}; }

template <class T, class U>
Sample<T> sample(const Array<U>& values, const Labels& labels, const Shape& shape, std::size_t i) {
  Sample<T> result{make_array<T>(shape), labels.data()[i]};
  const std::size_t n = result.value.size();
  std::transform(values.data() + i * n, values.data() + (i + 1) * n, result.value.data(), [](U x) {
    if constexpr (std::is_same_v<U, T>)
      return x;
    else
      return static_cast<T>(x) / T(255);
  });
  return result;
}

}  // namespace

template <Real T>
Source<T>::Source(std::size_t size, std::function<Sample<T>(std::size_t)> read, std::size_t classes, std::vector<std::string> names)
    : size_(size), classes_(classes), names_(std::move(names)), read_(std::move(read)) {}

template <Real T>
Source<T>::Source(Dataset data, Where at) : size_(data.size()), classes_(data.classes), names_(data.names) {
  check(data.images.shape(), data.labels, at);
  read_ = [shape = of_one(data.images.shape()), held = std::make_shared<const Dataset>(std::move(data))](std::size_t i) {
    return sample<T>(held->images, held->labels, shape, i);
  };
}

template <Real T>
Source<T>::Source(Array<T> values, const Indices& indices, Where at) : size_(indices.values().size()), classes_(0) {
  Labels labels = indices.values();
  check(values.shape(), labels, at);
  for (const std::int64_t label : labels)
    if (label >= 0) classes_ = std::max(classes_, static_cast<std::size_t>(label) + 1);
  struct Held {
    Array<T> values;
    Labels labels;
  };
  const Shape shape = of_one(values.shape());
  read_ = [shape, held = std::make_shared<const Held>(Held{std::move(values), std::move(labels)})](std::size_t i) {
    return sample<T>(held->values, held->labels, shape, i);
  };
}

template <Real T>
Source<T> subset(const Source<T>& source, std::vector<std::size_t> indices, Where at) {
  for (std::size_t k = 0; k < indices.size(); ++k)
    if (indices[k] >= source.size())
      throw IndexError(at, "subset", fmt::format("index {} at place {}; it must be below {}", indices[k], k, source.size()));
  const std::size_t n = indices.size();
  return {n, [source, rows = std::move(indices)](std::size_t i) { return source[rows[i]]; }, source.classes(), source.names()};
}

template <Real T>
Source<T> concat(const Source<T>& a, const Source<T>& b, Where at) {
  if (a.classes() != b.classes())
    throw ValueError(at, "concat",
                     fmt::format("the sources have {} and {} classes; they must have as many", a.classes(), b.classes()));
  return {a.size() + b.size(), [a, b](std::size_t i) { return i < a.size() ? a[i] : b[i - a.size()]; }, a.classes(), a.names()};
}

namespace {

/// Every sample's label, which takes reading it.
template <Real T>
Labels labels_of(const Source<T>& source, Where at) {
  Labels result = make_array<std::int64_t>(Shape{source.size()}, at);
  for (std::size_t i = 0; i < source.size(); ++i) result.data()[i] = source[i].label;
  return result;
}

/// What one channel has: how many numbers, their mean, and the squares of how far they are from it.
struct Channel {
  double count = 0, mean = 0, squares = 0;

  /// Both together (Chan, Golub, LeVeque 1979).
  void add(const Channel& other) {
    const double all = count + other.count, apart = other.mean - mean;
    mean += apart * other.count / all;
    squares += other.squares + apart * apart * count * other.count / all;
    count = all;
  }
};
template <Real T>
Channel channel_of(const T* x, std::size_t pixels, std::size_t stride) {
  Channel result{static_cast<double>(pixels)};
  for (std::size_t i = 0; i < pixels; ++i) result.mean += static_cast<double>(x[i * stride]);
  result.mean /= result.count;
  for (std::size_t i = 0; i < pixels; ++i) {
    const double apart = static_cast<double>(x[i * stride]) - result.mean;
    result.squares += apart * apart;
  }
  return result;
}

}  // namespace

template <Real T>
std::pair<Source<T>, Source<T>> split(const Source<T>& source, double fraction, std::uint64_t seed, Where at) {
  detail::check_fraction(fraction, at);
  auto [first, second] = detail::split_rows(labels_of(source, at), source.classes(), fraction, seed, at);
  return {subset(source, std::move(first), at), subset(source, std::move(second), at)};
}

template <Real T>
std::vector<SourceSplit<T>> folds(const Source<T>& source, std::size_t k, std::uint64_t seed, Where at) {
  detail::check_folds(k, source.size(), at);
  std::vector<SourceSplit<T>> result;
  for (auto& [rest, test] : detail::fold_rows(labels_of(source, at), source.classes(), k, seed, at))
    result.push_back({subset(source, std::move(rest), at), subset(source, std::move(test), at)});
  return result;
}

template <Real T>
Moments channel_moments(const Source<T>& source, Where at) {
  std::vector<Channel> channels;
  for (std::size_t i = 0; i < source.size(); ++i) {
    const Array<T> value = source[i].value;
    const Shape& shape = value.shape();
    if (shape.empty() || (i > 0 && shape.back() != channels.size()))
      throw ShapeError(
          at, "channel_moments",
          fmt::format("sample {} is {}; its last axis must be its channels, as many as the first sample has", i, to_string(shape)));
    channels.resize(shape.back());
    if (value.size() == 0) continue;
    for (std::size_t c = 0; c < channels.size(); ++c)
      channels[c].add(channel_of(value.data() + c, value.size() / channels.size(), channels.size()));
  }
  if (channels.empty() || channels[0].count == 0)
    throw ValueError(at, "channel_moments", "the data set has no pixels; it must have one at least");
  Moments result;
  for (const Channel& channel : channels) {
    result.mean.push_back(channel.mean);
    result.std.push_back(std::sqrt(channel.squares / channel.count));
  }
  return result;
}

#define XGRAD_INSTANTIATE(T)                                                                       \
  template class Source<T>;                                                                        \
  template Source<T> subset(const Source<T>&, std::vector<std::size_t>, Where);                    \
  template Source<T> concat(const Source<T>&, const Source<T>&, Where);                            \
  template std::pair<Source<T>, Source<T>> split(const Source<T>&, double, std::uint64_t, Where);  \
  template std::vector<SourceSplit<T>> folds(const Source<T>&, std::size_t, std::uint64_t, Where); \
  template Moments channel_moments(const Source<T>&, Where)
XGRAD_INSTANTIATE(float);
XGRAD_INSTANTIATE(double);

}  // namespace xgrad

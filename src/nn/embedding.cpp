#include <xgrad/nn/embedding.hpp>

#include <fmt/format.h>
#include <algorithm>

#include "../ops/support.hpp"

namespace xgrad::nn {
using namespace xgrad::detail;

template <class T>
Embedding<T>::Embedding(std::size_t count, std::size_t features, EmbeddingOptions o, Where at) : options(o) {
  placed(at, "Embedding", [&] {
    weight = Variable<T>(zeros<T>(Shape{count, features}, Where{}), true, at);
    if (options.padding_idx) {
      const auto labels = static_cast<std::int64_t>(count);
      std::int64_t& padding = *options.padding_idx;
      if (padding < -labels || padding >= labels)
        throw ValueError(fmt::format("padding_idx is {}; it must be from {} to {}", padding, -labels, labels - 1));
      if (padding < 0) padding += labels;
    }
    reset_parameters(default_generator());
  });
}
template <class T>
void Embedding<T>::reset_parameters(Generator& generator) {
  weight.update([&](Array<T>& w) {
    options.init(w, generator, Where{});
    if (options.padding_idx) {
      const auto features = static_cast<std::ptrdiff_t>(w.shape()[1]);
      std::fill_n(w.data() + *options.padding_idx * features, features, T(0));
    }
  });
}
template <class T>
Variable<T> Embedding<T>::operator()(const Indices& labels, Where at) const {
  Variable<T> rows = embedding(labels, weight, at);
  if (!options.padding_idx) return rows;
  const Labels& values = labels.values();
  if (std::find(values.data(), values.data() + values.size(), *options.padding_idx) == values.data() + values.size()) return rows;
  Shape shape = values.shape();
  shape.push_back(1);
  Mask padding = make_array<bool>(shape, at, "Embedding");
  std::transform(values.data(), values.data() + values.size(), padding.data(),
                 [&](std::int64_t label) { return label == *options.padding_idx; });
  // what is loaded need not be 0
  Variable<T> row = embedding(Labels(Shape{}, *options.padding_idx), weight.detach(), at);
  return masked_fill(std::move(rows), padding, std::move(row), at);
}

template class Embedding<float>;
template class Embedding<double>;

}  // namespace xgrad::nn

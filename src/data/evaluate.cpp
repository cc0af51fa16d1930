#include <xgrad/data/evaluate.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include <xgrad/core/error.hpp>
#include <xgrad/core/shape.hpp>

namespace xgrad {

template <Real T>
void Metrics::add(const Array<T>& scores, const Indices& indices, Where at) {
  const Labels& labels = indices.values();
  const Shape& shape = scores.shape();
  if (shape.size() != 2 || labels.dimension() != 1 || labels.size() != shape[0])
    throw ShapeError(at, "Metrics",
                     fmt::format("scores are {}, labels are {}; they must be (b, classes) and (b,)", to_string(shape),
                                 to_string(labels.shape())));
  const std::size_t classes = shape[1];
  if (samples > 0 && confusion.shape()[0] != classes)
    throw ShapeError(at, "Metrics",
                     fmt::format("scores are {}; they must be for {} classes as before", to_string(shape), confusion.shape()[0]));
  for (std::size_t i = 0; i < labels.size(); ++i)
    if (labels.data()[i] < 0 || static_cast<std::size_t>(labels.data()[i]) >= classes)
      throw IndexError(at, "Metrics",
                       fmt::format("label {} at place {}; it must be from 0 to {}", labels.data()[i], i,
                                   static_cast<std::ptrdiff_t>(classes) - 1));
  if (samples == 0) confusion = zeros<std::int64_t>(Shape{classes, classes}, at);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const T* row = scores.data() + i * classes;
    const auto label = static_cast<std::size_t>(labels.data()[i]);
    const auto guess = static_cast<std::size_t>(std::max_element(row, row + classes) - row);
    const double most = static_cast<double>(row[guess]);
    double sum = 0;
    std::size_t before = 0;
    for (std::size_t k = 0; k < classes; ++k) {
      sum += std::exp(static_cast<double>(row[k]) - most);
      before += row[k] > row[label] || (row[k] == row[label] && k < label);
    }
    total_loss += std::log(sum) + most - static_cast<double>(row[label]);
    right += guess == label;
    among_five += before < 5;
    ++confusion.data()[label * classes + guess];
  }
  samples += labels.size();
}

template void Metrics::add(const Array<float>&, const Indices&, Where);
template void Metrics::add(const Array<double>&, const Indices&, Where);

nn::detail::Evaluating::Evaluating() = default;
nn::detail::Evaluating::~Evaluating() {
  // backwards: a member that was met twice is what it was the first time
  for (auto k = before_.rbegin(); k != before_.rend(); ++k) *k->first = k->second;
}
void nn::detail::Evaluating::switch_off(bool& member) {
  before_.emplace_back(&member, member);
  member = false;
}

}  // namespace xgrad

#pragma once
/// Vectors for labels.
#include <cstddef>
#include <cstdint>
#include <optional>

#include <xgrad/core/fields.hpp>
#include <xgrad/core/indices.hpp>
#include <xgrad/nn/init.hpp>
#include <xgrad/ops/index.hpp>

namespace xgrad::nn {

struct EmbeddingOptions {
  std::optional<std::int64_t> padding_idx = {};  ///< the label of what is no word; it may count from the end
  Init init = nn::init::normal();
};
/// A vector for each of `count` labels: labels (…) to (…, features); see embedding. Weights are drawn by `init` from the default
/// generator; the row of padding_idx is 0, and gets no gradient through this layer. Throws ValueError for a padding_idx that is no
/// label.
template <class T = float>
class Embedding {
 public:
  Variable<T> weight;  ///< (count, features)
  EmbeddingOptions options;

  XGRAD_API Embedding(std::size_t count, std::size_t features, EmbeddingOptions o = {}, Where at = Where::current());
  /// Throws IndexError for a label that is not from 0 to count - 1.
  XGRAD_API Variable<T> operator()(const Indices& labels, Where at = Where::current()) const;
  XGRAD_API void reset_parameters(Generator& generator);

  XGRAD_FIELDS(weight)
};

}  // namespace xgrad::nn

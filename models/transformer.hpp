#pragma once
#include <cstddef>
#include <utility>
#include <vector>

#include <xgrad/xgrad.hpp>

namespace xgrad::models {

struct CharTransformerConfig {
  std::size_t characters = 128;  ///< how many different ones there are
  std::size_t length = 64;       ///< of a text that it sees
  std::size_t width = 64, heads = 4, layers = 2;
  double dropout = 0.1;
};
/// A transformer that foretells the next character (Vaswani et al. 2017; norms before the blocks, learned positions, GELU as
/// Radford et al. 2019). Labels (n, length) to scores (n, length, characters): those at place i are of what follows, from the
/// places 0 … i alone.
template <class T = float>
struct CharTransformer {
  nn::Embedding<T> token;
  nn::LearnedPositions<T> position;
  std::vector<nn::TransformerEncoderLayer<T>> blocks;
  nn::LayerNorm<T> norm;
  nn::Linear<T> out;

  explicit CharTransformer(const CharTransformerConfig& c = {})
      : token(c.characters, c.width, {.init = nn::init::normal(0, 0.02)}),
        position(c.length, c.width),
        norm(c.width),
        out(c.width, c.characters, {.init = nn::init::normal(0, 0.02)}) {
    for (std::size_t k = 0; k < c.layers; ++k)
      blocks.emplace_back(c.width, c.heads,
                          nn::TransformerEncoderLayerOptions{
                              .dim_feedforward = 4 * c.width, .dropout = c.dropout, .norm_first = true, .gelu = true});
  }
  Variable<T> operator()(const Indices& text) const {
    Variable<T> x = position(token(text));
    for (const auto& block : blocks) x = block(std::move(x), {.causal = true});
    return out(norm(std::move(x)));
  }
  /// Draws `count` further characters; small temperatures take the likeliest. It sees the last ones that fit.
  std::vector<std::int64_t> go_on(std::vector<std::int64_t> text, std::size_t count, double temperature = 1) const {
    const NoGrad no_grad;
    for (; count > 0; --count) {
      const std::size_t seen = std::min(text.size(), position.weight.shape()[0]);
      Labels last(Shape{1, seen});
      std::copy(text.end() - static_cast<std::ptrdiff_t>(seen), text.end(), last.begin());
      const Variable<T> scores = select(select((*this)(last), 1, -1), 0, 0) / static_cast<T>(temperature);
      text.push_back(categorical(scores.value())());
    }
    return text;
  }
  XGRAD_FIELDS(token, position, blocks, norm, out)
};

}  // namespace xgrad::models

#pragma once
/// Attention, the layers of a transformer, and what tells them where they are. Sequences are (n, l, features).
#include <cstddef>
#include <optional>

#include <xgrad/core/fields.hpp>
#include <xgrad/core/indices.hpp>
#include <xgrad/nn/dropout.hpp>
#include <xgrad/nn/init.hpp>
#include <xgrad/nn/linear.hpp>
#include <xgrad/nn/norm.hpp>
#include <xgrad/ops/sequence.hpp>

namespace xgrad::nn {

struct MultiheadAttentionOptions {
  double dropout = 0;  ///< of the weights with which a query attends to keys, in training
  bool bias = true;
  Init init = nn::init::xavier_uniform();
};
/// Attention in several heads (Vaswani et al. 2017), each of which sees features / heads of the features: queries (…, l, features),
/// keys and values (…, s, features) give (…, l, features). The weights and their names are PyTorch's; they are drawn by `init`
/// from the default generator, biases are 0.
///
///     nn::MultiheadAttention<float> attention(64, 4);
///     auto y = attention(x, {.causal = true});                                       // to itself
///     auto z = attention(y, memory, memory, {.mask = nn::padding_mask(lengths, s)});
///
/// A mask broadcasts to (…, heads, l, s); the scale is that of one head. Throws ValueError unless the heads divide the features,
/// ShapeError when shapes do not fit.
template <class T = float>
class MultiheadAttention {
 public:
  Variable<T> in_proj_weight;  ///< (3·features, features): of queries, keys and values
  Variable<T> in_proj_bias;    ///< (3·features), or undefined
  Linear<T> out_proj;
  bool training = true;

  XGRAD_API MultiheadAttention(std::size_t features, std::size_t heads, MultiheadAttentionOptions o = {},
                               Where at = Where::current());

  XGRAD_API Variable<T> operator()(Variable<T> x, AttentionOptions<T> o = {}, Where at = Where::current()) const;
  XGRAD_API Variable<T> operator()(Variable<T> q, Variable<T> k, Variable<T> v, AttentionOptions<T> o = {},
                                   Where at = Where::current()) const;
  XGRAD_API void reset_parameters(Generator& generator);

  XGRAD_FIELDS(in_proj_weight, in_proj_bias, out_proj, training)

 private:
  Variable<T> attend(Variable<T> q, Variable<T> k, Variable<T> v, AttentionOptions<T> o, Where at) const;
  std::size_t heads_;
  Init init_;
  double dropout_;
};

/// Which keys there are, for attention: true for those before the end of each of n sequences, (n, 1, 1, length). Throws ShapeError
/// unless lengths has one axis, ValueError for one that is not from 0 to `length`.
XGRAD_API Mask padding_mask(const Indices& lengths, std::size_t length, Where at = Where::current());

struct TransformerEncoderLayerOptions {
  std::size_t dim_feedforward = 2048;  ///< the width of the perceptron
  double dropout = 0.1;
  bool norm_first = false;  ///< x + f(norm(x)), which trains without a warm-up (Xiong et al. 2020), for norm(x + f(x))
  bool gelu = false;        ///< in the perceptron, in place of ReLU
  double eps = 1e-5;        ///< of the norms
  /// Of all weights. Without one, the attention and the perceptron draw theirs as MultiheadAttention and Linear do.
  std::optional<Init> init = {};
};
/// Attention of a sequence to itself and a perceptron, each beside a shortcut and with a layer norm (Vaswani et al. 2017):
/// (…, l, features) to the same. As PyTorch's, with the names of its weights. Throws as MultiheadAttention.
template <class T = float>
class TransformerEncoderLayer {
 public:
  MultiheadAttention<T> self_attn;
  Linear<T> linear1, linear2;
  LayerNorm<T> norm1, norm2;
  Dropout dropout, dropout1, dropout2;  ///< inside of the perceptron, behind the attention, behind the perceptron

  XGRAD_API TransformerEncoderLayer(std::size_t features, std::size_t heads, TransformerEncoderLayerOptions o = {},
                                    Where at = Where::current());
  XGRAD_API Variable<T> operator()(Variable<T> x, AttentionOptions<T> o = {}, Where at = Where::current()) const;

  XGRAD_FIELDS(self_attn, linear1, linear2, norm1, norm2, dropout, dropout1, dropout2)

 private:
  bool norm_first_, gelu_;
};

/// The positions of Vaswani et al. 2017, (length, features): sin(t / 10000^(2i / features)) in column 2i, its cosine in 2i + 1.
template <Real T = float>
XGRAD_API Array<T> sinusoidal_positions(std::size_t length, std::size_t features, Where at = Where::current());
/// Adds sinusoidal_positions to x (…, l, features).
struct SinusoidalPositions {
  template <class X>
  VariableOf<X> operator()(X x, Where at = Where::current()) const {
    return add_positions(VariableOf<X>(std::move(x)), at);
  }

 private:
  template <class T>
  XGRAD_API static Variable<T> add_positions(Variable<T> x, Where at);
};

struct LearnedPositionsOptions {
  Init init = nn::init::normal(0, 0.02);
};
/// Adds to x (…, l, features) a vector for each place, which is learned. Throws ShapeError for more places than `length`.
template <class T = float>
class LearnedPositions {
 public:
  Variable<T> weight;  ///< (length, features)
  Init init;

  XGRAD_API LearnedPositions(std::size_t length, std::size_t features, LearnedPositionsOptions o = {}, Where at = Where::current());
  XGRAD_API Variable<T> operator()(Variable<T> x, Where at = Where::current()) const;
  XGRAD_API void reset_parameters(Generator& generator);

  XGRAD_FIELDS(weight)
};

}  // namespace xgrad::nn

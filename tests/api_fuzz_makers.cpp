// What makes arrays, layers and derivatives from sizes, for the fuzzer.
#include "api_fuzz.hpp"

namespace api_fuzz {
namespace {

std::size_t size(Source& f) { return static_cast<std::size_t>(f.number()); }
std::size_t channels(Source& f) { return f.chance(80) ? 1 + f.below(4) : size(f); }

}  // namespace

#define MAKE(name, ...)               \
  {                                   \
    name, [](A<T> f) -> Variable<T> { \
      static_cast<void>(f);           \
      static_cast<void>(__VA_ARGS__); \
      return {};                      \
    }                                 \
  }

template <class T>
std::vector<Call<T>> maker_calls() {
  return {
      MAKE("full", full<T>(f.any_shape(), T(1))),
      MAKE("zeros", zeros<T>(f.any_shape())),
      MAKE("ones", ones<T>(f.any_shape())),
      MAKE("arange", arange<T>(f.real(), f.real(), f.real())),
      MAKE("linspace", linspace<T>(f.real(), f.real(), f.number(), {.endpoint = f.chance(50)})),
      MAKE("eye", eye<T>(f.number(), {.columns = f.number(), .k = f.number()})),
      MAKE("uniform", uniform<T>(f.any_shape(), f.real(), f.real(), f.random)),
      MAKE("normal", normal<T>(f.any_shape(), f.real(), f.real(), f.random)),
      MAKE("truncated_normal", truncated_normal<T>(f.any_shape(), f.real(), f.real(), f.real(), f.real(), f.random)),
      MAKE("bernoulli", bernoulli<T>(f.any_shape(), f.real(), f.random)),
      MAKE("gumbel", gumbel<T>(f.any_shape(), f.random)),
      MAKE("randint", randint(f.any_shape(), f.number(), f.number(), f.random)),
      MAKE("permutation", permutation(f.number(), f.random)),
      MAKE("Generator::permutation", f.random.permutation(size(f))),
      {"categorical",
       [](A<T> f) -> Variable<T> {
         const Variable<T> x = f.any();
         if (x.defined()) static_cast<void>(categorical(x.value(), f.random));
         return {};
       }},
      {"jacobian", [](A<T> f) -> Variable<T> { return jacobian([](const auto& v) { return sum(square(v), 0); }, f.any()); }},
      {"hessian", [](A<T> f) -> Variable<T> { return hessian([](const auto& v) { return sum(square(v) * v); }, f.any()); }},
      {"Linear", [](A<T> f) -> Variable<T> { return nn::Linear<T>(channels(f), channels(f))(f.any()); }},
      {"Conv2d",
       [](A<T> f) -> Variable<T> {
         return nn::Conv2d<T>(channels(f), channels(f), f.extent(), {.groups = f.positive()})(f.of_rank(4));
       }},
      {"Conv1d", [](A<T> f) -> Variable<T> { return nn::Conv1d<T>(channels(f), channels(f), f.positive())(f.of_rank(3)); }},
      {"ConvTranspose2d",
       [](A<T> f) -> Variable<T> {
         return nn::ConvTranspose2d<T>(channels(f), channels(f), f.extent(), {.stride = f.extent()})(f.of_rank(4));
       }},
      MAKE("BatchNorm", nn::BatchNorm<T>(channels(f))),
      MAKE("LayerNorm", nn::LayerNorm<T>(f.any_shape())),
      MAKE("RMSNorm", nn::RMSNorm<T>(channels(f))),
      MAKE("GroupNorm", nn::GroupNorm<T>(f.integer(), channels(f))),
      MAKE("LSTMCell", nn::LSTMCell<T>(channels(f), channels(f)).zero_state(size(f))),
      MAKE("GRUCell", nn::GRUCell<T>(channels(f), channels(f)).zero_state(size(f))),
      {"Embedding",
       [](A<T> f) -> Variable<T> {
         const std::size_t count = channels(f);
         nn::EmbeddingOptions options;
         if (f.flip()) options.padding_idx = f.number();
         return nn::Embedding<T>(count, channels(f), options)(f.labels(f.shape(), count < 100 ? count : 1));
       }},
      {"Init",
       [](A<T> f) -> Variable<T> {
         const double a = f.real(), b = f.real(), c = f.real(), d = f.real();
         const nn::Init all[]{nn::init::constant(a),
                              nn::init::uniform(a, b),
                              nn::init::normal(a, b),
                              nn::init::truncated_normal(a, b, c, d),
                              nn::init::xavier_uniform(a),
                              nn::init::xavier_normal(a),
                              nn::init::kaiming_uniform({.gain = a, .fan = nn::init::Fan::out}),
                              nn::init::kaiming_normal({.gain = a}),
                              nn::init::orthogonal(a),
                              nn::init::dirac(f.integer())};
         const nn::Init& init = all[f.below(std::size(all))];
         if (f.flip()) return nn::Linear<T>(f.below(5), f.below(5), {.init = init})(f.any());
         Array<T> w = full<T>(f.shape(), T(0));  // no large one: orthogonal takes long
         init(w, f.random);
         return {};
       }},
      {"LSTM",
       [](A<T> f) -> Variable<T> {
         const std::size_t in = channels(f);
         const std::size_t layers = 1 + f.below(2);
         const nn::LSTM<T> lstm(in, channels(f),
                                {.layers = layers, .bidirectional = f.flip(), .dropout = f.chance(20) ? f.real() : 0});
         const Variable<T> x = f.fitting({f.length(), f.length(), f.chance(90) && in < 100 ? in : f.length()});
         nn::LSTMOptions<T> options;
         if (f.flip()) options.lengths = f.labels({f.at(x, 0)}, f.at(x, 1) + 1);
         if (f.chance(20)) options.state.c = f.any();
         return lstm(x, options).output;
       }},
      {"GRU",
       [](A<T> f) -> Variable<T> {
         const std::size_t in = channels(f);
         const nn::GRU<T> gru(in, channels(f), {.bidirectional = f.flip(), .bias = f.flip()});
         const Variable<T> x = f.fitting({f.length(), f.length(), f.chance(90) && in < 100 ? in : f.length()});
         nn::GRUOptions<T> options;
         if (f.flip()) options.lengths = f.labels(f.shape(1), f.at(x, 1) + 1);
         return gru(x, options).state;
       }},
      {"MultiheadAttention",
       [](A<T> f) -> Variable<T> {
         const std::size_t heads = channels(f), features = f.chance(80) && heads < 100 ? 2 * heads : channels(f);
         const nn::MultiheadAttention<T> attention(features, heads, {.dropout = f.chance(20) ? f.real() : 0, .bias = f.flip()});
         const std::size_t s = f.length(), width = features < 100 ? features : 1;
         const Variable<T> q = f.fitting({f.length(), f.length(), width});
         if (f.flip()) return attention(q, {.causal = f.flip()});
         AttentionOptions<T> options;
         if (f.flip()) options.mask = nn::padding_mask(f.labels({f.at(q, 0)}, s + 1), s);
         const Shape keys{f.at(q, 0), s, width};
         const Variable<T> k = f.fitting(keys), v = f.fitting(keys);
         return attention(q, k, v, options);
       }},
      {"TransformerEncoderLayer",
       [](A<T> f) -> Variable<T> {
         const std::size_t features = channels(f);
         const nn::TransformerEncoderLayer<T> layer(features, 1,
                                                    {.dim_feedforward = channels(f), .norm_first = f.flip(), .gelu = f.flip()});
         return layer(f.fitting({f.length(), f.length(), features < 100 ? features : 1}));
       }},
      {"positions",
       [](A<T> f) -> Variable<T> {
         if (f.flip()) return nn::SinusoidalPositions{}(f.any());
         if (f.flip()) static_cast<void>(nn::sinusoidal_positions<T>(size(f), size(f)));
         const std::size_t features = channels(f);
         return nn::LearnedPositions<T>(channels(f), features)(f.fitting({f.length(), f.length(), features < 100 ? features : 1}));
       }},
      MAKE("padding_mask", nn::padding_mask(f.labels(), size(f))),
      MAKE("PReLU", nn::PReLU<T>(channels(f))(f.any())),
      MAKE("shapes", shapes(f.chance(50) ? f.below(3) : size(f) & ~((std::size_t{1} << 40) - 1), 1)),
      MAKE("digits", digits(f.chance(50) ? f.below(5) : size(f) & ~std::size_t{0xffff}, 1)),
      {"Loader",
       [](A<T> f) -> Variable<T> {
         const Variable<T> x = f.any();
         if (!x.defined()) return {};
         const Labels y = f.labels(f.chance(80) && !x.shape().empty() && x.shape()[0] < 1000 ? Shape{x.shape()[0]} : f.shape(), 3);
         std::size_t samples = 0;
         const std::size_t parts = f.flip() ? 1 : size(f);
         Loader<T> loader({x.value(), y}, {.batch_size = size(f),
                                           .shuffle = f.flip(),
                                           .drop_last = f.flip(),
                                           .seed = f.below(9),
                                           .workers = f.below(3),
                                           .ahead = size(f),
                                           .part = f.below(3),
                                           .parts = parts});
         for (const auto& batch : loader) samples += batch.labels.size();
         if (samples > y.size()) throw std::logic_error("there are more samples in batches than in the data");
         return {};
       }},
  };
}

template std::vector<Call<float>> maker_calls<float>();
template std::vector<Call<double>> maker_calls<double>();

}  // namespace api_fuzz

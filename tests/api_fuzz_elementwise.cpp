// The elementwise operations and losses for the fuzzer.
#include "api_fuzz.hpp"

namespace api_fuzz {

template <class T>
std::vector<Call<T>> elementwise_calls() {
#define UNARY(name)                                               \
  {                                                               \
#name, [](A <T> f) -> Variable < T> { return name(f.any()); } \
  }
#define BINARY(name)                                    \
  {                                                     \
#name, [](A<T> f) -> Variable<T> {                    \
      const Variable<T> a = f.any();                      \
      return name(a, f.partner(f.shape_of(a)));           \
    } \
  }
#define COMPARISON(name)                                \
  {                                                     \
#name, [](A<T> f) -> Variable<T> {                    \
      const Variable<T> a = f.any();                      \
      static_cast<void>(name(a, f.partner(f.shape_of(a)))); \
      return {};                                          \
    } \
  }
#define LOSS(name, ...)                                 \
  {                                                     \
#name, [](A<T> f) -> Variable<T> {                    \
      const Variable<T> a = f.any();                      \
      const auto reduction = static_cast<Reduction>(f.below(3)); \
      return name(a, f.partner(f.shape_of(a)), {.reduction = reduction __VA_OPT__(, ) __VA_ARGS__}); \
    } \
  }
  return {
      UNARY(neg),
      UNARY(abs),
      UNARY(square),
      UNARY(sqrt),
      UNARY(rsqrt),
      UNARY(reciprocal),
      UNARY(exp),
      UNARY(expm1),
      UNARY(log),
      UNARY(log1p),
      UNARY(log2),
      UNARY(log10),
      UNARY(sin),
      UNARY(cos),
      UNARY(tan),
      UNARY(asin),
      UNARY(acos),
      UNARY(atan),
      UNARY(sinh),
      UNARY(cosh),
      UNARY(tanh),
      UNARY(asinh),
      UNARY(acosh),
      UNARY(atanh),
      UNARY(erf),
      UNARY(lgamma),
      UNARY(digamma),
      UNARY(sign),
      UNARY(floor),
      UNARY(ceil),
      UNARY(round),
      UNARY(relu),
      UNARY(relu6),
      UNARY(selu),
      UNARY(sigmoid),
      UNARY(log_sigmoid),
      UNARY(softsign),
      UNARY(silu),
      UNARY(mish),
      UNARY(hardswish),
      BINARY(add),
      BINARY(sub),
      BINARY(mul),
      BINARY(div),
      BINARY(pow),
      BINARY(fmod),
      BINARY(hypot),
      BINARY(atan2),
      BINARY(logaddexp),
      BINARY(maximum),
      BINARY(minimum),
      BINARY(heaviside),
      COMPARISON(less),
      COMPARISON(less_equal),
      COMPARISON(greater),
      COMPARISON(greater_equal),
      COMPARISON(equal),
      COMPARISON(not_equal),
      CALL("lerp", lerp(f.any(), f.any(), f.any())),
      CALL("clamp", clamp(f.any(), f.any(), f.real())),
      CALL("nan_to_num", nan_to_num(f.any(), {.nan = f.real(),
                                              .posinf = f.flip() ? std::optional(f.real()) : std::nullopt,
                                              .neginf = f.flip() ? std::optional(f.real()) : std::nullopt})),
      {"where",
       [](A<T> f) -> Variable<T> {
         const Variable<T> a = f.any();
         return where(f.mask(f.flip() ? f.shape_of(a) : f.shape()), a, f.partner(f.shape_of(a)));
       }},
      CALL("hardtanh", hardtanh(f.any(), {f.real(), f.real()})),
      CALL("leaky_relu", leaky_relu(f.any(), f.real())),
      CALL("prelu", prelu(f.any(), f.any())),
      CALL("elu", elu(f.any(), f.real())),
      CALL("softplus", softplus(f.any(), f.real())),
      CALL("gelu", gelu(f.any(), {.approximate = f.flip()})),
      CALL("softmax", softmax(f.any(), f.integer())),
      CALL("log_softmax", log_softmax(f.any(), f.integer())),
      LOSS(mse_loss),
      LOSS(l1_loss),
      LOSS(binary_cross_entropy),
      LOSS(smooth_l1_loss, .beta = f.real()),
      LOSS(huber_loss, .delta = f.real()),
      LOSS(binary_cross_entropy_with_logits, .pos_weight = f.real()),
      LOSS(hinge_loss, .margin = f.real()),
      LOSS(kl_div, .log_target = f.flip()),
      LOSS(poisson_nll_loss, .log_input = f.flip(), .full = f.flip(), .eps = f.real()),
      {"gaussian_nll_loss",
       [](A<T> f) -> Variable<T> {
         const Variable<T> a = f.any();
         return gaussian_nll_loss(a, f.partner(f.shape_of(a)), f.flip() ? abs(f.partner(f.shape_of(a))) : f.any(),
                                  {.full = f.flip(), .eps = f.real()});
       }},
      {"cosine_similarity",
       [](A<T> f) -> Variable<T> {
         const Variable<T> a = f.any();
         return cosine_similarity(a, f.partner(f.shape_of(a)), f.integer(), {.eps = f.real()});
       }},
      {"elementwise",
       [](A<T> f) -> Variable<T> {
         static const auto formula = elementwise("fuzzed", [](auto a, auto b, auto c) { return a * tanh(b) + c; });
         return formula(f.any(), f.any(), f.any());
       }},
  };
}

template std::vector<Call<float>> elementwise_calls<float>();
template std::vector<Call<double>> elementwise_calls<double>();

}  // namespace api_fuzz

// Products, images, normalisations and networks for the fuzzer.
#include "api_fuzz.hpp"

namespace api_fuzz {
namespace {

template <class T>
Variable<T> images(A<T> f) {
  Shape shape{f.length(), f.length(), f.length(), f.length()};
  if (f.chance(10)) shape = f.shape(4);
  if (f.chance(30)) shape[1] = shape[2] = 5 + f.below(8);
  return f.fitting(shape);
}
Conv2dOptions convolution(Source& f) {
  return {.stride = f.extent(), .padding = f.padding(), .dilation = f.extent(), .groups = f.chance(70) ? 1 : f.positive()};
}
/// Weights that may fit images.
template <class T>
Variable<T> filters(A<T> f, const Variable<T>& x, std::ptrdiff_t groups) {
  const std::size_t c = f.at(x, 3), per = groups > 0 && groups < 64 ? c / static_cast<std::size_t>(groups) : c;
  return f.fitting({f.length(), f.length(), f.length(), per});
}
template <class T>
Variable<T> transposed_filters(A<T> f, const Variable<T>& x) {
  return f.fitting({f.at(x, 3), f.length(), f.length(), f.length()});
}
Pool2dOptions pooling(Source& f) {
  Pool2dOptions options{.padding = f.chance(60) ? Padding2d(0) : f.padding(), .ceil_mode = f.flip()};
  if (f.flip()) options.stride = f.extent();
  return options;
}
std::string equation(Source& f) {
  if (f.chance(70)) {
    constexpr const char* good[]{"ij,jk->ik", "ii->i",        "ai,bi->ab",   "...i,...i->...", "ij->",
                                 "i,j",       "bij,bjk->bik", "ij,kl->ijkl", "ijk->kij"};
    return good[f.below(std::size(good))];
  }
  std::string text;
  constexpr std::string_view letters = "aabbijkZ,.->  *";
  for (std::size_t n = f.below(12); n-- > 0;) text += letters[f.below(letters.size())];
  return text;
}

}  // namespace

template <class T>
std::vector<Call<T>> network_calls() {
  return {
      {"matmul",
       [](A<T> f) -> Variable<T> {
         const Variable<T> a = f.of_rank(1 + f.below(3));
         const MatmulOptions options{.transpose_a = f.chance(20), .transpose_b = f.chance(20)};
         const std::size_t k = options.transpose_a ? f.at(a, f.shape_of(a).size() - 2) : f.last(a);
         return matmul(a, f.fitting(options.transpose_b ? Shape{f.length(), k} : Shape{k, f.length()}), options);
       }},
      CALL("matmul", matmul(f.any(), f.any(), {.transpose_a = f.flip(), .transpose_b = f.flip()})),
      {"linear",
       [](A<T> f) -> Variable<T> {
         const Variable<T> x = f.any();
         const std::size_t outputs = f.length();
         return linear(x, f.fitting({outputs, f.last(x)}), f.maybe({outputs}));
       }},
      CALL("dot", dot(f.any(), f.any())),
      CALL("outer", outer(f.any(), f.any())),
      {"tensordot",
       [](A<T> f) -> Variable<T> {
         const Variable<T> a = f.any();
         if (f.flip()) return tensordot(a, f.any(), f.list(3), f.list(3));
         return tensordot(a, f.fitting(f.shape_of(a)), f.integer());
       }},
      {"einsum",
       [](A<T> f) -> Variable<T> {
         std::vector<Variable<T>> operands;
         const std::size_t n = f.length();
         for (std::size_t k = f.below(3) + 1; k-- > 0;) {
           Shape shape = f.shape(1 + f.below(3));
           if (f.chance(60))
             for (std::size_t& length : shape) length = n;
           operands.push_back(f.of(shape));
         }
         return einsum(equation(f), std::move(operands));
       }},
      CALL("trace", trace(f.any(), f.number(), f.integer(), f.integer())),
      {"solve",
       [](A<T> f) -> Variable<T> {
         const Variable<T> a = f.square();
         return solve(a, f.fitting({f.last(a), f.length()}));
       }},
      {"triangular_solve",
       [](A<T> f) -> Variable<T> {
         const Variable<T> a = f.square();
         return triangular_solve(a, f.fitting({f.last(a), f.length()}),
                                 {.lower = f.flip(), .transpose = f.flip(), .unit_diagonal = f.flip()});
       }},
      CALL("inverse", inverse(f.square())),
      CALL("cholesky", cholesky(f.square())),
      CALL("det", det(f.square())),
      CALL("logdet", logdet(f.square())),
      CALL("slogdet", slogdet(f.square()).logabsdet),
      {"conv2d",
       [](A<T> f) -> Variable<T> {
         const Variable<T> x = images(f);
         const Conv2dOptions options = convolution(f);
         const Variable<T> w = filters(f, x, options.groups);
         return conv2d(x, w, f.maybe({f.at(w, 0)}), options);
       }},
      {"conv2d_input_grad",
       [](A<T> f) -> Variable<T> {
         const Variable<T> x = images(f);
         const Conv2dOptions options = convolution(f);
         const Variable<T> w = filters(f, x, options.groups);
         return conv2d_input_grad(f.flip() ? conv2d(x, w, options).detach() : images(f), w,
                                  f.chance(80) ? f.shape_of(x) : f.any_shape(), options);
       }},
      {"conv2d_weight_grad",
       [](A<T> f) -> Variable<T> {
         const Variable<T> x = images(f);
         const Conv2dOptions options = convolution(f);
         const Variable<T> w = filters(f, x, options.groups);
         return conv2d_weight_grad(x, f.flip() ? conv2d(x, w, options).detach() : images(f),
                                   f.chance(80) ? f.shape_of(w) : f.any_shape(), options);
       }},
      {"conv1d",
       [](A<T> f) -> Variable<T> {
         const Variable<T> x = f.of_rank(3);
         const Variable<T> w = f.fitting({f.length(), f.length(), f.at(x, 2)});
         return conv1d(x, w, f.maybe({f.at(w, 0)}),
                       {.stride = f.positive(),
                        .padding = {f.little(), f.little()},
                        .dilation = f.positive(),
                        .groups = f.chance(80) ? 1 : f.number()});
       }},
      {"conv_transpose2d",
       [](A<T> f) -> Variable<T> {
         const Variable<T> x = images(f);
         const Variable<T> w = transposed_filters(f, x);
         return conv_transpose2d(x, w, f.maybe({f.at(w, 3)}),
                                 {.stride = f.extent(),
                                  .padding = f.padding(),
                                  .output_padding = f.chance(80) ? Extent2d(0) : f.extent(),
                                  .dilation = f.extent(),
                                  .groups = f.chance(70) ? 1 : f.positive()});
       }},
      CALL("im2col", im2col(images(f), f.extent(), {.stride = f.extent(), .padding = f.padding(), .dilation = f.extent()})),
      {"col2im",
       [](A<T> f) -> Variable<T> {
         const Variable<T> x = images(f);
         const Im2colOptions options{.stride = f.extent(), .padding = f.padding(), .dilation = f.extent()};
         const Extent2d size = f.extent();
         return col2im(f.flip() ? im2col(x, size, options) : f.of_rank(2), f.chance(80) ? f.shape_of(x) : f.any_shape(), size,
                       options);
       }},
      CALL("max_pool2d", max_pool2d(images(f), f.extent(), pooling(f))),
      CALL("min_pool2d", min_pool2d(images(f), f.extent(), pooling(f))),
      {"avg_pool2d",
       [](A<T> f) -> Variable<T> {
         const Pool2dOptions o = pooling(f);
         return avg_pool2d(images(f), f.extent(), {o.stride, o.padding, o.ceil_mode, f.flip()});
       }},
      CALL("global_avg_pool2d", global_avg_pool2d(images(f))),
      CALL("adaptive_avg_pool2d", adaptive_avg_pool2d(images(f), f.extent())),
      CALL("adaptive_max_pool2d", adaptive_max_pool2d(images(f), f.extent())),
      {"distance_transform_pool2d",
       [](A<T> f) -> Variable<T> {
         const Variable<T> x = images(f);
         DistanceTransformPool2dOptions options{.stride = f.extent()};
         if (f.flip()) options.reach = f.extent();
         return distance_transform_pool2d(x, f.fitting({f.at(x, 3), 4}), options);
       }},
      CALL("interpolate",
           interpolate(images(f), f.extent(), {.mode = static_cast<Interpolation>(f.below(2)), .align_corners = f.chance(30)})),
      {"batch_norm",
       [](A<T> f) -> Variable<T> {
         const Variable<T> x = f.any();
         const Shape channels{f.last(x)};
         const auto statistics = [&] {
           Variable<T> v = f.maybe(channels);
           return v.defined() && f.chance(90) ? Variable<T>(Array<T>(v.value())) : v;
         };
         return batch_norm(x, f.maybe(channels), f.maybe(channels), statistics(), statistics(),
                           {.training = f.chance(70), .momentum = f.real(), .eps = f.real()});
       }},
      {"layer_norm",
       [](A<T> f) -> Variable<T> {
         const Variable<T> x = f.any();
         return layer_norm(x, f.maybe({f.last(x)}), f.maybe({f.last(x)}),
                           {.axes = f.chance(70) ? 1 : f.integer(), .eps = f.real()});
       }},
      {"rms_norm",
       [](A<T> f) -> Variable<T> {
         const Variable<T> x = f.any();
         return rms_norm(x, f.maybe({f.last(x)}), {.axes = f.chance(70) ? 1 : f.integer(), .eps = f.real()});
       }},
      {"group_norm",
       [](A<T> f) -> Variable<T> {
         const Variable<T> x = f.any();
         return group_norm(x, f.flip() ? 1 : f.integer(), f.maybe({f.last(x)}), f.maybe({f.last(x)}), {.eps = f.real()});
       }},
      {"instance_norm",
       [](A<T> f) -> Variable<T> {
         const Variable<T> x = f.any();
         return instance_norm(x, f.maybe({f.last(x)}), f.maybe({f.last(x)}), {.eps = f.real()});
       }},
      CALL("local_response_norm", local_response_norm(f.any(), f.integer(), {.alpha = f.real(), .beta = f.real(), .k = f.real()})),
      CALL("normalize",
           normalize(f.any(), f.integer(), {.p = f.chance(80) ? 1 + static_cast<int>(f.below(2)) : f.integer(), .eps = f.real()})),
      CALL("dropout", dropout(f.any(), f.real(), {.training = f.flip()}, f.random)),
      CALL("dropout2d", dropout2d(f.any(), f.real(), {.training = f.flip()}, f.random)),
      {"cross_entropy",
       [](A<T> f) -> Variable<T> {
         const Variable<T> x = f.any();
         CrossEntropyOptions options{.reduction = static_cast<Reduction>(f.below(3)),
                                     .class_weights = f.class_weights(x),
                                     .label_smoothing = f.flip() ? 0 : f.real()};
         if (f.chance(20)) options.ignore_index = f.number();
         if (f.chance(30)) return cross_entropy(x, f.fitting(f.shape_of(x)), options);
         Shape shape = f.shape_of(x);
         if (!shape.empty()) shape.pop_back();
         return cross_entropy(x, f.labels(f.chance(85) ? shape : f.shape(), f.last(x)), options);
       }},
      {"nll_loss",
       [](A<T> f) -> Variable<T> {
         const Variable<T> x = f.any();
         NllLossOptions options{.reduction = static_cast<Reduction>(f.below(3)), .class_weights = f.class_weights(x)};
         if (f.chance(20)) options.ignore_index = f.number();
         Shape shape = f.shape_of(x);
         if (!shape.empty()) shape.pop_back();
         return nll_loss(x, f.labels(f.chance(85) ? shape : f.shape(), f.last(x)), options);
       }},
      {"multi_margin_loss",
       [](A<T> f) -> Variable<T> {
         const Variable<T> x = f.any();
         Shape shape = f.shape_of(x);
         if (!shape.empty()) shape.pop_back();
         return multi_margin_loss(x, f.labels(f.chance(85) ? shape : f.shape(), f.last(x)),
                                  {.reduction = static_cast<Reduction>(f.below(3)),
                                   .margin = f.real(),
                                   .p = f.chance(80) ? 1 : f.integer(),
                                   .per_class = f.flip(),
                                   .class_weights = f.class_weights(x)});
       }},
      {"scaled_dot_product_attention",
       [](A<T> f) -> Variable<T> {
         const Variable<T> q = f.of_rank(2 + f.below(2));
         const std::size_t s = f.length();
         AttentionOptions<T> options{.causal = f.flip()};
         if (f.chance(20)) options.scale = f.real();
         if (f.chance(20)) options.dropout = f.real();
         if (f.chance(20)) options.mask = f.mask(f.flip() ? Shape{f.at(q, 0), s} : f.shape());
         if (f.chance(20)) {
           const Variable<T> added = f.fitting(f.flip() ? Shape{f.at(q, 0), s} : f.shape());
           if (added.defined()) options.mask = added.value();
         }
         return scaled_dot_product_attention(q, f.fitting({s, f.last(q)}), f.fitting({s, f.length()}), options);
       }},
      {"lstm_cell",
       [](A<T> f) -> Variable<T> {
         const Variable<T> x = f.any();
         Shape state = f.shape_of(x);
         const std::size_t hidden = f.length();
         if (!state.empty()) state.back() = hidden;
         return lstm_cell(x, {f.fitting(state), f.fitting(state)}, f.fitting({4 * hidden, f.last(x)}),
                          f.fitting({4 * hidden, hidden}), f.maybe({4 * hidden}), f.maybe({4 * hidden}))
             .h;
       }},
      {"gru_cell",
       [](A<T> f) -> Variable<T> {
         const Variable<T> x = f.any();
         Shape state = f.shape_of(x);
         const std::size_t hidden = f.length();
         if (!state.empty()) state.back() = hidden;
         return gru_cell(x, f.fitting(state), f.fitting({3 * hidden, f.last(x)}), f.fitting({3 * hidden, hidden}),
                         f.maybe({3 * hidden}), f.maybe({3 * hidden}));
       }},
  };
}

template std::vector<Call<float>> network_calls<float>();
template std::vector<Call<double>> network_calls<double>();

}  // namespace api_fuzz

#include "random_graph.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "replay.hpp"

namespace random_graph {
namespace {

class Builder {
 public:
  Builder(std::uint64_t seed, const std::vector<V>& leaves, Formulas how)
      : random(seed * 2 + 1), formulas(how), pool_(leaves), used_(leaves.size(), false) {
    for (const V& leaf : leaves) limit_ = std::max(limit_, 3 * leaf.size());
  }

  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random.below(n)); }
  bool flip() { return below(2) == 0; }
  int axis(const V& x) { return static_cast<int>(below(x.shape().size())); }

  /// A value that is there already, of this rank if one is given and there is one.
  V any() {
    const std::size_t k = flip() ? below(pool_.size()) : pool_.size() - 1 - below(std::min<std::size_t>(pool_.size(), 4));
    return use(k);
  }
  /// ... with at least one axis.
  V array() {
    V x = any();
    return x.shape().empty() ? as({3}) : x;
  }
  V of_rank(std::size_t rank) {
    for (int k = 0; k < 4; ++k)
      if (const std::size_t j = below(pool_.size()); pool_[j].shape().size() == rank) return use(j);
    Shape shape;
    for (std::size_t k = 0; k < rank; ++k) shape.push_back(1 + below(4));
    return as(shape);
  }
  V image() {
    for (int k = 0; k < 4; ++k)
      if (const std::size_t j = below(pool_.size()); pool_[j].shape().size() == 4) return use(j);
    return as({1 + below(2), 3 + below(3), 3 + below(3), 1 + below(3)});
  }
  /// Elements of some value under this shape.
  V as(const Shape& shape) {
    V x = flatten(any(), 0);
    const auto n = static_cast<std::ptrdiff_t>(size_of(shape)), have = static_cast<std::ptrdiff_t>(x.size());
    if (have < n) x = tile(x, {(n + have - 1) / have});
    return reshape(slice(x, 0, {0, n}), shape);
  }
  /// Something that x broadcasts with; their result is not too large.
  V partner(const V& x) {
    for (int k = 0; k < 6; ++k) {
      const std::size_t j = below(pool_.size());
      if (fits(pool_[j].shape(), x.shape())) return use(j);
    }
    Shape shape = x.shape();
    for (std::size_t& n : shape)
      if (flip()) n = 1;
    while (!shape.empty() && below(3) == 0) shape.erase(shape.begin());
    return as(shape);
  }
  Labels labels(const Shape& shape, std::size_t classes) {
    Labels result(shape);
    for (std::int64_t& label : std::span(result.data(), result.size())) label = static_cast<std::int64_t>(below(classes));
    return result;
  }
  Mask mask(const Shape& shape) {
    Mask result(shape);
    for (bool& bit : std::span(result.data(), result.size())) bit = below(3) != 0;
    return result;
  }

  /// Takes a result in unless it is too large to go on with.
  bool add(const V& y) {
    if (y.size() == 0 || y.size() > limit_ || y.shape().size() > 5) return false;
    pool_.push_back(y);
    used_.push_back(false);
    return true;
  }
  /// Random weights times all that was not used.
  V total() {
    V loss = 0;
    for (std::size_t k = 0; k < pool_.size(); ++k) {
      if (used_[k]) continue;
      Array<double> weights(pool_[k].shape());
      random.fill_uniform(weights, 0.5, 1.5);
      loss += mean(tanh(pool_[k]) * weights);
    }
    return loss;
  }

  Generator random;
  Formulas formulas;

 private:
  V use(std::size_t k) {
    used_[k] = true;
    return pool_[k];
  }
  bool fits(const Shape& a, const Shape& b) const {
    std::size_t n = 1;
    for (std::size_t k = 1; k <= std::max(a.size(), b.size()); ++k) {
      const std::size_t p = k <= a.size() ? a[a.size() - k] : 1, q = k <= b.size() ? b[b.size() - k] : 1;
      if (p != q && p != 1 && q != 1) return false;
      n *= std::max(p, q);
    }
    return n <= limit_;
  }

  std::vector<V> pool_;
  std::vector<bool> used_;
  std::size_t limit_ = 400;
};

using B = Builder&;

// Values stay within a few units, so that differences can be trusted: what grows is squashed.
V squash(B b, const V& x) {
  switch (b.below(3)) {
    case 0:
      return tanh(x);
    case 1:
      return x * rsqrt(1 + square(x));
    default:
      return sin(x);
  }
}
V positive(const V& x) { return softplus(x) + 0.3; }
constexpr double offset = 0.377;  // jumps are not where sums of whole numbers are: rounding would throw them over
V inside(const V& x) { return 0.8 * tanh(x); }
/// No two alike: elements that are equal but for rounding deviate by rounding alone, and the gradient of that means nothing.
V apart(const Shape& shape) {
  Array<double> x(shape);
  for (std::size_t k = 0; k < x.size(); ++k) x.data()[k] = std::fmod(0.618 * static_cast<double>(k), 1);
  return V(std::move(x));
}
V regular(B b, std::size_t n) {  // matrices that can be inverted
  Array<double> eye = zeros<double>({n, n});
  for (std::size_t k = 0; k < n; ++k) eye(k, k) = 2;
  return eye + 0.3 * tanh(b.as(b.flip() ? Shape{n, n} : Shape{2, n, n}));
}
Axes some_axes(B b, const V& x) {
  std::vector<std::ptrdiff_t> axes;
  for (std::size_t k = 0; k < x.shape().size(); ++k)
    if (b.flip())
      axes.push_back(b.flip() ? static_cast<std::ptrdiff_t>(k)
                              : static_cast<std::ptrdiff_t>(k) - static_cast<std::ptrdiff_t>(x.shape().size()));
  return axes.empty() ? Axes() : Axes(axes);
}
std::ptrdiff_t length(const V& x, int axis) { return static_cast<std::ptrdiff_t>(x.shape()[static_cast<std::size_t>(axis)]); }
Slice part(B b, std::ptrdiff_t n) {
  if (b.below(3) == 0) return {.step = -1 - static_cast<std::ptrdiff_t>(b.below(2))};
  const auto start = static_cast<std::ptrdiff_t>(b.below(static_cast<std::size_t>(n)));
  return {.start = start, .step = 1 + static_cast<std::ptrdiff_t>(b.below(2))};
}
template <class F>
V reduced(B b, F f) {
  const V x = b.array();
  return f(x, some_axes(b, x), b.flip());
}
Extent2d window(B b, const V& x) {
  return {1 + static_cast<std::ptrdiff_t>(b.below(std::min<std::size_t>(3, x.shape()[1]))),
          1 + static_cast<std::ptrdiff_t>(b.below(std::min<std::size_t>(3, x.shape()[2])))};
}
Pool2dOptions pooling(B b, Extent2d size) {
  return {.stride = Extent2d(1 + static_cast<std::ptrdiff_t>(b.below(2)), 1 + static_cast<std::ptrdiff_t>(b.below(2))),
          .padding = {size.h > 1 && b.flip() ? 1 : 0, size.w > 1 && b.flip() ? 1 : 0},
          .ceil_mode = b.flip()};
}

struct Choice {
  const char* name;
  V (*make)(B);
};

// clang-format off
const Choice choices[] = {
    // elementwise
    {"abs", [](B b) { return abs(b.any()); }}, {"square", [](B b) { return tanh(square(b.any())); }},
    {"sqrt", [](B b) { return sqrt(positive(b.any())); }}, {"rsqrt", [](B b) { return rsqrt(positive(b.any())); }},
    {"reciprocal", [](B b) { return reciprocal(positive(b.any())); }}, {"exp", [](B b) { return exp(tanh(b.any())); }},
    {"expm1", [](B b) { return expm1(tanh(b.any())); }}, {"log", [](B b) { return log(positive(b.any())); }},
    {"log1p", [](B b) { return log1p(positive(b.any())); }}, {"log2", [](B b) { return log2(positive(b.any())); }},
    {"log10", [](B b) { return log10(positive(b.any())); }}, {"sin", [](B b) { return sin(b.any()); }}, {"cos", [](B b) { return cos(b.any()); }},
    {"tan", [](B b) { return tan(inside(b.any())); }}, {"asin", [](B b) { return asin(inside(b.any())); }}, {"acos", [](B b) { return acos(inside(b.any())); }},
    {"atan", [](B b) { return atan(b.any()); }}, {"sinh", [](B b) { return sinh(inside(b.any())); }}, {"cosh", [](B b) { return cosh(inside(b.any())); }},
    {"asinh", [](B b) { return asinh(b.any()); }}, {"acosh", [](B b) { return acosh(1 + positive(b.any())); }}, {"atanh", [](B b) { return atanh(inside(b.any())); }},
    {"erf", [](B b) { return erf(b.any()); }}, {"lgamma", [](B b) { return tanh(lgamma(positive(b.any()))); }}, {"digamma", [](B b) { return tanh(digamma(positive(b.any()))); }},
    {"sign", [](B b) { const V x = b.any(); return x - 0.5 * sign(x + offset); }}, {"floor", [](B b) { const V x = b.any(); return x - 0.5 * floor(x + offset); }},
    {"ceil", [](B b) { const V x = b.any(); return x - 0.5 * ceil(x + offset); }}, {"round", [](B b) { const V x = b.any(); return x - 0.5 * round(x + offset); }},
    {"neg", [](B b) { return -b.any(); }}, {"clamp", [](B b) { const V x = b.any(); return clamp(x, -0.5, b.flip() ? V(0.7) : positive(b.partner(x))); }},
    {"nan_to_num", [](B b) { return nan_to_num(b.any()); }}, {"pow by a number", [](B b) { return tanh(pow(positive(b.any()), b.flip() ? 2.5 : -1)); }},
    {"add", [](B b) { const V x = b.any(); return squash(b, x + b.partner(x)); }}, {"sub", [](B b) { const V x = b.any(); return squash(b, x - b.partner(x)); }},
    {"mul", [](B b) { const V x = b.any(); return squash(b, x * b.partner(x)); }}, {"div", [](B b) { const V x = b.any(); return squash(b, x / positive(b.partner(x))); }},
    {"maximum", [](B b) { const V x = b.any(); return maximum(x, b.partner(x)); }}, {"minimum", [](B b) { const V x = b.any(); return minimum(x, b.partner(x)); }},
    {"pow", [](B b) { const V x = b.any(); return squash(b, pow(positive(x), tanh(b.partner(x)))); }}, {"fmod", [](B b) { const V x = b.any(); return fmod(x, positive(b.partner(x))); }},
    {"hypot", [](B b) { const V x = b.any(); return squash(b, hypot(x, positive(b.partner(x)))); }}, {"atan2", [](B b) { const V x = b.any(); return atan2(x, positive(b.partner(x))); }},
    {"logaddexp", [](B b) { const V x = b.any(); return tanh(logaddexp(x, b.partner(x))); }}, {"heaviside", [](B b) { const V x = b.any(); return x * heaviside(x, 0.5); }},
    {"lerp", [](B b) { const V x = b.any(); return squash(b, lerp(x, b.partner(x), sigmoid(b.as(b.flip() ? x.shape() : Shape{})))); }}, {"where", [](B b) { const V x = b.any(); return where(b.mask(x.shape()), x, b.as(x.shape())); }},
    {"in place", [](B b) { V x = b.any(), z = x * 0.7; z += 0.3; z *= tanh(x); z -= b.as(x.shape()); z /= 2.5; return z; }},
    {"array operand", [](B b) { const V x = b.any(); Array<double> c(x.shape()); b.random.fill_uniform(c, -1, 1); return squash(b, c * x - c); }},
    {"elementwise", [](B b) {
       const std::uint64_t seed = b.random.next();
       const auto formula = [seed](auto u, auto v, auto w) { Generator random(seed); return tanh(replay_test::random_formula(random, tanh(u), v, w)); };
       const V x = b.any(); const std::vector<V> in{x, b.as(x.shape()), b.as(x.shape())};
       if (b.formulas == Formulas::replayed) return broadcast_to(replay_test::replayed(trace<3>(formula), in), x.shape());
       return elementwise("formula", formula)(in[0], in[1], in[2]); }},
    // activations
    {"relu", [](B b) { return relu(b.any()); }}, {"relu6", [](B b) { return relu6(b.any() * 4); }}, {"hardtanh", [](B b) { return hardtanh(b.any()); }},
    {"leaky_relu", [](B b) { return leaky_relu(b.any()); }}, {"prelu", [](B b) { const V x = b.array(); return squash(b, prelu(x, b.as({x.shape().back()}))); }},
    {"elu", [](B b) { return elu(b.any()); }}, {"selu", [](B b) { return tanh(selu(b.any())); }}, {"sigmoid", [](B b) { return sigmoid(b.any()); }},
    {"log_sigmoid", [](B b) { return log_sigmoid(b.any()); }}, {"tanh", [](B b) { return tanh(b.any()); }}, {"softplus", [](B b) { return softplus(b.any(), b.flip() ? 1 : 2); }},
    {"softsign", [](B b) { return softsign(b.any()); }}, {"silu", [](B b) { return silu(b.any()); }}, {"mish", [](B b) { return mish(b.any()); }},
    {"hardswish", [](B b) { return hardswish(b.any()); }}, {"gelu", [](B b) { return gelu(b.any(), {.approximate = b.flip()}); }},
    {"softmax", [](B b) { const V x = b.array(); return softmax(x, b.axis(x)); }}, {"log_softmax", [](B b) { const V x = b.array(); return tanh(log_softmax(x, b.axis(x))); }},
    // products
    {"matmul", [](B b) {
       const V x = b.of_rank(b.flip() ? 2 : 3); const std::size_t n = 1 + b.below(4), m = x.shape()[x.shape().size() - 2], k = x.shape().back();
       const bool ta = b.flip(), tb = b.flip(); const std::size_t inner = ta ? m : k;
       return squash(b, matmul(x, b.as(tb ? Shape{n, inner} : Shape{inner, n}), {.transpose_a = ta, .transpose_b = tb})); }},
    {"linear", [](B b) { const V x = b.array(); const std::size_t o = 1 + b.below(4); return squash(b, linear(x, b.as({o, x.shape().back()}), b.flip() ? b.as({o}) : V())); }},
    {"dot", [](B b) { return squash(b, dot(b.as({2, 3}), b.as({3, 2}))); }}, {"outer", [](B b) { return squash(b, outer(b.as({3}), b.as({4}))); }},
    {"tensordot", [](B b) { return squash(b, tensordot(b.as({2, 3, 2}), b.as({3, 2, 4}), 2)); }},
    {"einsum", [](B b) { return b.flip() ? squash(b, einsum("bij,jk,bk->bi", {b.as({2, 3, 4}), b.as({4, 2}), b.as({2, 2})})) : squash(b, einsum("ii,ij->j", {b.as({3, 3}), b.as({3, 2})})); }},
    {"trace", [](B b) { return squash(b, trace(b.as({3, 4}), b.flip() ? 0 : 1)); }},
    {"solve", [](B b) { return squash(b, solve(regular(b, 3), b.as({3, 2}))); }}, {"inverse", [](B b) { return squash(b, inverse(regular(b, 3))); }},
    {"triangular_solve", [](B b) { return squash(b, triangular_solve(regular(b, 3), b.as({3, 2}), {.lower = b.flip(), .transpose = b.flip(), .unit_diagonal = b.flip()})); }},
    {"cholesky", [](B b) { const V a = regular(b, 3); return squash(b, cholesky(matmul(a, a, {.transpose_b = true}))); }},
    {"det", [](B b) { return squash(b, det(regular(b, 2))); }}, {"logdet", [](B b) { const V a = regular(b, 3); return squash(b, logdet(matmul(a, a, {.transpose_b = true}))); }},
    {"slogdet", [](B b) { return squash(b, slogdet(regular(b, 3)).logabsdet); }},
    // images
    {"conv2d", [](B b) {
       const V x = b.image(); const std::size_t c = x.shape()[3], groups = c % 2 == 0 && b.flip() ? 2 : b.flip() ? c : 1, o = groups * (1 + b.below(2));
       const Extent2d size = window(b, x);
       const Conv2dOptions options{.stride = 1 + static_cast<std::ptrdiff_t>(b.below(2)), .padding = {static_cast<std::ptrdiff_t>(b.below(2)), 0, 1, static_cast<std::ptrdiff_t>(b.below(2))},
                                   .dilation = 1, .groups = static_cast<std::ptrdiff_t>(groups)};
       const V w = b.as({o, static_cast<std::size_t>(size.h), static_cast<std::size_t>(size.w), c / groups});
       return squash(b, b.flip() ? conv2d(x, w, options) : conv2d(x, w, b.as({o}), options)); }},
    {"conv_transpose2d", [](B b) { const V x = b.image(); return squash(b, conv_transpose2d(x, b.as({x.shape()[3], 2, 2, 2}), {.stride = b.flip() ? 1 : 2})); }},
    {"conv1d", [](B b) { const V x = b.of_rank(3); return squash(b, conv1d(x, b.as({2, 2, x.shape()[2]}), {.padding = 1})); }},
    {"im2col", [](B b) { const V x = b.image(); return im2col(x, window(b, x)); }}, {"col2im", [](B b) { return squash(b, col2im(b.as({8, 8}), {2, 3, 3, 2}, 2)); }},
    {"max_pool2d", [](B b) { const V x = b.image(); const Extent2d s = window(b, x); return max_pool2d(x, s, pooling(b, s)); }},
    {"min_pool2d", [](B b) { const V x = b.image(); const Extent2d s = window(b, x); return min_pool2d(x, s, pooling(b, s)); }},
    {"avg_pool2d", [](B b) { const V x = b.image(); const Extent2d s = window(b, x); const Pool2dOptions o = pooling(b, s); return avg_pool2d(x, s, {o.stride, o.padding, o.ceil_mode, b.flip()}); }},
    {"global_avg_pool2d", [](B b) { return global_avg_pool2d(b.image()); }}, {"adaptive_avg_pool2d", [](B b) { return adaptive_avg_pool2d(b.image(), 2); }},
    {"adaptive_max_pool2d", [](B b) { return adaptive_max_pool2d(b.image(), {2, 1}); }},
    {"distance_transform_pool2d", [](B b) { const V x = b.image(); return squash(b, distance_transform_pool2d(x, b.as({x.shape()[3], 4}) * 0.3, {.stride = b.flip() ? 1 : 2})); }},
    {"interpolate", [](B b) { return interpolate(b.image(), {4, 3}, {.mode = b.flip() ? Interpolation::bilinear : Interpolation::nearest}); }},
    // reductions
    {"sum", [](B b) { return squash(b, reduced(b, [](const V& x, Axes a, bool keep) { return sum(x, a, {keep}); })); }}, {"mean", [](B b) { return reduced(b, [](const V& x, Axes a, bool keep) { return mean(x, a, {keep}); }); }},
    {"var", [](B b) { return reduced(b, [](const V& x, Axes a, bool keep) { return var(x, a, {0, keep}); }); }}, {"std", [](B b) { return reduced(b, [](const V& x, Axes a, bool keep) { return xgrad::std(x * 2 + apart(x.shape()), a, {0, keep}); }); }},
    {"amax", [](B b) { return reduced(b, [](const V& x, Axes a, bool keep) { return amax(x, a, {keep}); }); }}, {"amin", [](B b) { return reduced(b, [](const V& x, Axes a, bool keep) { return amin(x, a, {keep}); }); }},
    {"logsumexp", [](B b) { return squash(b, reduced(b, [](const V& x, Axes a, bool keep) { return logsumexp(x, a, {keep}); })); }},
    {"norm", [](B b) { const double p[] = {2, 1, 3, 1.5}; const double q = p[b.below(4)]; return squash(b, reduced(b, [q](const V& x, Axes a, bool keep) { return norm(x, a, {q, keep}); })); }},
    {"prod", [](B b) { return squash(b, reduced(b, [](const V& x, Axes a, bool keep) { return prod(inside(x), a, {keep}); })); }},
    {"cumsum", [](B b) { const V x = b.array(); return squash(b, cumsum(x, b.axis(x))); }}, {"cumprod", [](B b) { const V x = b.array(); return squash(b, cumprod(inside(x), b.axis(x))); }},
    {"sort", [](B b) { const V x = b.array(); return sort(x, b.axis(x), {b.flip()}); }}, {"topk", [](B b) { const V x = b.array(); const int k = b.axis(x); return topk(x, (length(x, k) + 1) / 2, k, {b.flip()}).values; }},
    {"median", [](B b) { return reduced(b, [](const V& x, Axes a, bool keep) { return median(x, a, {keep}); }); }},
    // shapes
    {"reshape", [](B b) { const V x = b.array(); return reshape(x, {length(x, 0), -1, 1}); }}, {"flatten", [](B b) { return flatten(b.any(), 0); }},
    {"permute", [](B b) { const V x = b.array(); std::vector<std::ptrdiff_t> axes; for (const std::size_t k : b.random.permutation(x.shape().size())) axes.push_back(static_cast<std::ptrdiff_t>(k)); return permute(x, axes); }},
    {"transpose", [](B b) { return transpose(b.any()); }}, {"squeeze", [](B b) { return squeeze(b.any()); }}, {"unsqueeze", [](B b) { const V x = b.any(); return unsqueeze(x, static_cast<int>(b.below(x.shape().size() + 1))); }},
    {"broadcast_to", [](B b) { const V x = b.any(); Shape s{2}; for (const std::size_t n : x.shape()) s.push_back(n); return broadcast_to(x, s); }},
    {"concat", [](B b) { const V x = b.array(); return concat({x, b.as(x.shape()), x}, b.axis(x)); }}, {"stack", [](B b) { const V x = b.any(); return stack({x, b.as(x.shape())}, static_cast<int>(b.below(x.shape().size() + 1))); }},
    {"split", [](B b) { const V x = b.array(); const int k = b.axis(x); const auto n = length(x, k); const auto parts = split(x, {n - n / 2, n / 2}, k); return squash(b, b.flip() && n > 1 ? parts[1] : parts[0]); }},
    {"pad", [](B b) { const V x = b.array(); const PadMode modes[] = {PadMode::constant, PadMode::reflect, PadMode::edge}; std::vector<PadWidth> widths; for (std::size_t k = 0; k < x.shape().size(); ++k) widths.push_back({b.flip() ? 1 : 0, static_cast<std::ptrdiff_t>(b.below(2))});
       PadMode mode = modes[b.below(3)]; for (const std::size_t n : x.shape()) if (n == 1) mode = PadMode::edge; return pad(x, widths, {.mode = mode, .value = 0.3}); }},
    {"flip", [](B b) { const V x = b.array(); return flip(x, some_axes(b, x)); }}, {"roll", [](B b) { const V x = b.array(); return roll(x, b.flip() ? 1 : -2, b.flip() ? std::optional<int>(b.axis(x)) : std::nullopt); }},
    {"tile", [](B b) { return tile(b.any(), {2}); }}, {"repeat", [](B b) { const V x = b.array(); return repeat(x, 2, b.flip() ? std::optional<int>(b.axis(x)) : std::nullopt); }},
    {"diagonal", [](B b) { return diagonal(b.as({2, 3, 3}), b.flip() ? 0 : -1, 1, 2); }}, {"diag", [](B b) { return diag(b.as(b.flip() ? Shape{3} : Shape{3, 4}), b.flip() ? 0 : 1); }},
    // indices
    {"slice", [](B b) { const V x = b.array(); const int k = b.axis(x); return slice(x, k, part(b, length(x, k))); }},
    {"slice_update", [](B b) { const V x = b.array(); const Slice s = part(b, length(x, 0)); const Shape shape = slice(x, 0, s).shape(); return slice_update(x, {s}, b.flip() ? b.as(shape) : b.as({})); }},
    {"select", [](B b) { const V x = b.array(); return select(x, b.axis(x), -1); }},
    {"index_select", [](B b) { const V x = b.array(); const int k = b.axis(x); return index_select(x, k, b.labels({3}, static_cast<std::size_t>(length(x, k)))); }},
    {"embedding", [](B b) { const V w = b.array(); return embedding(b.labels({2, 2}, w.shape()[0]), w); }},
    {"gather", [](B b) { const V x = b.array(); return gather(x, 0, b.labels(x.shape(), x.shape()[0])); }},
    {"take_along_axis", [](B b) { const V x = b.array(); const int k = b.axis(x); return take_along_axis(x, b.labels(x.shape(), static_cast<std::size_t>(length(x, k))), k); }},
    {"scatter_add", [](B b) { const V x = b.array(); return squash(b, scatter_add(x, 0, b.labels(x.shape(), x.shape()[0]), b.as(x.shape()))); }},
    {"masked_select", [](B b) { const V x = b.array(); Mask m = b.mask(x.shape()); m.data()[0] = true; return masked_select(x, m); }},
    {"masked_fill", [](B b) { const V x = b.array(); return masked_fill(x, b.mask(x.shape()), b.flip() ? V(0.4) : b.as({})); }},
    {"tril", [](B b) { return tril(b.of_rank(2), b.flip() ? 0 : 1); }}, {"triu", [](B b) { return triu(b.of_rank(3), b.flip() ? 0 : -1); }},
    // normalisation
    {"batch_norm", [](B b) { const V x = b.of_rank(2); if (x.shape()[0] < 2) return tanh(x); const std::size_t c = x.shape()[1]; return squash(b, batch_norm(x + b.as({x.shape()[0], 1}), b.as({c}), b.as({c}), {}, {}, {.eps = 0.1})); }},
    {"layer_norm", [](B b) { const V x = b.array(); const std::size_t c = x.shape().back(); return squash(b, layer_norm(x, b.as({c}), b.flip() ? b.as({c}) : V(), {.eps = 0.1})); }},
    {"rms_norm", [](B b) { const V x = b.array(); return squash(b, rms_norm(x, b.as({x.shape().back()}), {.eps = 0.1})); }},
    {"group_norm", [](B b) { return squash(b, group_norm(b.as({2, 3, 4}), 2, b.as({4}), b.as({4}), {.eps = 0.1})); }}, {"instance_norm", [](B b) { return squash(b, instance_norm(b.image(), {}, {}, {.eps = 0.1})); }},
    {"local_response_norm", [](B b) { return local_response_norm(b.array(), 3, {.alpha = 0.5}); }}, {"normalize", [](B b) { const V x = b.array(); const int p = b.flip() ? 1 : 2; return normalize(x, b.axis(x), {.p = p, .eps = 0.1}); }},
    {"dropout", [](B b) { Generator noise(b.random.next()); return dropout(b.any(), 0.3, {}, noise); }}, {"dropout2d", [](B b) { Generator noise(b.random.next()); return dropout2d(b.image(), 0.3, {}, noise); }},
    // losses
    {"cross_entropy", [](B b) { const V x = b.of_rank(2); return tanh(cross_entropy(x, b.labels({x.shape()[0]}, x.shape()[1]), {.reduction = b.flip() ? Reduction::none : Reduction::mean, .label_smoothing = b.flip() ? 0.1 : 0})); }},
    {"cross_entropy of probabilities", [](B b) { const V x = b.of_rank(2); return tanh(cross_entropy(x, softmax(b.as(x.shape())))); }},
    {"nll_loss", [](B b) { const V x = b.of_rank(2); return nll_loss(tanh(x), b.labels({x.shape()[0]}, x.shape()[1])); }}, {"multi_margin_loss", [](B b) { const V x = b.of_rank(2); return tanh(multi_margin_loss(x, b.labels({x.shape()[0]}, x.shape()[1]), {.p = b.flip() ? 1 : 2})); }},
    {"mse_loss", [](B b) { const V x = b.any(); return tanh(mse_loss(x, b.as(b.flip() ? x.shape() : Shape{}), {b.flip() ? Reduction::none : Reduction::mean})); }}, {"l1_loss", [](B b) { const V x = b.any(); return tanh(l1_loss(x, b.partner(x))); }},
    {"smooth_l1_loss", [](B b) { const V x = b.any(); return tanh(smooth_l1_loss(x, b.partner(x), {Reduction::none})); }}, {"huber_loss", [](B b) { const V x = b.any(); return tanh(huber_loss(x, b.partner(x))); }},
    {"binary_cross_entropy", [](B b) { const V x = b.any(); return tanh(binary_cross_entropy(sigmoid(x), sigmoid(b.partner(x)))); }},
    {"binary_cross_entropy_with_logits", [](B b) { const V x = b.any(); return tanh(binary_cross_entropy_with_logits(x, sigmoid(b.partner(x)), {.pos_weight = 1.5})); }},
    {"hinge_loss", [](B b) { const V x = b.any(); return tanh(hinge_loss(x, b.partner(x))); }}, {"kl_div", [](B b) { const V x = b.any(); return tanh(kl_div(x, sigmoid(b.partner(x)))); }},
    {"poisson_nll_loss", [](B b) { const V x = b.any(); return tanh(poisson_nll_loss(tanh(x), sigmoid(b.partner(x)))); }}, {"gaussian_nll_loss", [](B b) { const V x = b.any(); return tanh(gaussian_nll_loss(x, b.partner(x), positive(b.as(b.flip() ? x.shape() : Shape{})))); }},
    {"cosine_similarity", [](B b) { const V x = b.array(); return cosine_similarity(x, b.as(x.shape()) + 0.1); }},
    // sequences
    {"scaled_dot_product_attention", [](B b) { return scaled_dot_product_attention(b.as({2, 3, 2}), b.as({2, 3, 2}), b.as({2, 3, 4}), {.causal = b.flip()}); }},
    {"lstm_cell", [](B b) { const auto s = lstm_cell(b.as({2, 3}), {b.as({2, 2}), b.as({2, 2})}, b.as({8, 3}), b.as({8, 2}), b.as({8})); return concat({s.h, s.c}, 1); }},
    {"gru_cell", [](B b) { return gru_cell(b.as({2, 3}), b.as({2, 2}), b.as({6, 3}), b.as({6, 2}), b.as({6})); }},
    {"checkpoint", [](B b) { const V x = b.any(); return checkpoint([](auto u, auto v) { return tanh(u * v + sin(u)); }, {x, b.as(x.shape())}); }},
};
// clang-format on

V build(std::uint64_t seed, const std::vector<V>& leaves, Formulas formulas, std::vector<Result>* results = nullptr) {
  Builder b(seed, leaves, formulas);
  for (std::size_t n = 5 + b.below(56); n > 0;) {
    const Choice& choice = choices[b.below(std::size(choices))];
    const V y = choice.make(b);
    if (!b.add(y)) continue;
    --n;
    if (results) results->push_back({choice.name, y});
  }
  return b.total();
}

}  // namespace

std::vector<V> leaves(std::uint64_t seed, bool large) {
  Generator random(seed);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random.below(n)); };
  std::vector<Shape> shapes{{1 + below(2), 3 + below(3), 3 + below(3), 1 + below(4)}, {1 + below(4), 1 + below(5)}};
  if (large) shapes = {{8, 24 + below(8), 24, 8 + below(3)}, {400 + below(9), 90 + below(7)}};
  for (std::size_t k = below(3); k > 0; --k) {
    Shape shape;
    for (std::size_t rank = below(4); rank > 0; --rank) shape.push_back(1 + below(4));
    shapes.push_back(shape);
  }
  std::vector<V> result;
  for (const Shape& shape : shapes) {
    Array<double> x(shape);
    random.fill_uniform(x, -1.5, 1.5);
    result.emplace_back(std::move(x), true);
  }
  return result;
}

V run(std::uint64_t seed, const std::vector<V>& leaves, Formulas formulas) { return build(seed, leaves, formulas); }

std::vector<Result> results(std::uint64_t seed, const std::vector<V>& leaves) {
  std::vector<Result> all;
  build(seed, leaves, Formulas::programs, &all);
  return all;
}

std::set<std::string> all_operations() {
  std::set<std::string> names;
  for (const Choice& choice : choices) names.insert(choice.name);
  return names;
}

}  // namespace random_graph

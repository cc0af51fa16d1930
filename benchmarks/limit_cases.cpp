// What hand-written code reaches: training steps on oneDNN's primitives in N×H×W×C, without any graph, every buffer and primitive
// made in advance.   usage: limit_cases CASE   (see cases.hpp; benchmarks/run calls it)
#include <dnnl.hpp>

#include <cstdlib>
#include <memory>

#include "cases.hpp"

using dnnl::memory;
using Tag = memory::format_tag;

namespace {

constexpr auto f32 = memory::data_type::f32;
const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
dnnl::stream stream(engine);
float rate = cases::rate;

struct Buffer {
  std::size_t n = 0;
  std::shared_ptr<float> p;
  Buffer() = default;
  explicit Buffer(std::size_t size)
      : n(size), p(static_cast<float*>(std::aligned_alloc(64, (size * 4 + 63) / 64 * 64)), std::free) {
    std::fill(p.get(), p.get() + n, 0.0F);
  }
  float* data() const { return p.get(); }
};

/// Weight or bias with its gradient and momentum.
struct Parameter {
  Buffer value, grad, velocity;
  explicit Parameter(std::size_t n) : value(n), grad(n), velocity(n) {}
  void step() const {
    float *w = value.data(), *g = grad.data(), *m = velocity.data();
    const float r = rate;
    const std::size_t n = value.n;
#pragma omp parallel for simd if (n > 32768)
    for (std::size_t i = 0; i < n; ++i) {
      m[i] = static_cast<float>(cases::momentum) * m[i] + g[i];
      w[i] -= r * m[i];
    }
  }
};

struct Layer {
  Buffer out, grad_in;  // grad_in has no buffer in the first layer: nothing before it learns
  virtual ~Layer() = default;
  virtual void forward(float* x) = 0;
  virtual void backward(float* x, float* g) = 0;  // may overwrite g
  virtual std::vector<const Parameter*> parameters() const { return {}; }
};

/// g where the output is positive, else 0.
void through_relu(const Buffer& out, float* g) {
  const float* y = out.data();
  const std::size_t n = out.n;
#pragma omp parallel for simd if (n > 32768)
  for (std::size_t i = 0; i < n; ++i) g[i] = y[i] > 0 ? g[i] : 0;
}

memory bound(const memory::desc& d, void* p) { return {d, engine, p}; }

/// A reorder between the format a primitive likes and ours; nothing where they are the same.
struct Format {
  memory ours, theirs;
  dnnl::reorder primitive;
  Format() = default;
  Format(const memory::desc& our, const memory::desc& their, float* p, bool to_ours) : ours(bound(our, p)) {
    theirs = our == their ? ours : memory(their, engine);
    if (our != their) primitive = to_ours ? dnnl::reorder(theirs, ours) : dnnl::reorder(ours, theirs);
  }
  void to_theirs() { run(ours, theirs); }
  void to_ours() { run(theirs, ours); }

 private:
  void run(memory& from, memory& to) {
    if (primitive) primitive.execute(stream, from, to);
  }
};

// oneDNN 2 describes an operation before the primitive, 3 both at once.
template <class P, class... A>
typename P::primitive_desc describe(const dnnl::primitive_attr& attributes, const A&... a) {
#if DNNL_VERSION_MAJOR >= 3
  return typename P::primitive_desc(engine, a..., attributes);
#else
  return typename P::primitive_desc(typename P::desc(a...), attributes, engine);
#endif
}
template <class P, class... A>
typename P::primitive_desc describe_backward(const dnnl::convolution_forward::primitive_desc& hint, const A&... a) {
#if DNNL_VERSION_MAJOR >= 3
  return typename P::primitive_desc(engine, a..., hint);
#else
  return typename P::primitive_desc(typename P::desc(a...), engine, hint);
#endif
}
dnnl::post_ops relu_after() {
  dnnl::post_ops ops;
#if DNNL_VERSION_MAJOR >= 3
  ops.append_eltwise(dnnl::algorithm::eltwise_relu, 0.0F, 0.0F);
#else
  ops.append_eltwise(1.0F, dnnl::algorithm::eltwise_relu, 0.0F, 0.0F);
#endif
  return ops;
}

struct Conv : Layer {
  Parameter weight, bias;
  Format weight_forward, weight_back, weight_grad;
  dnnl::convolution_forward f;
  dnnl::convolution_backward_data data;
  dnnl::convolution_backward_weights weights;
  memory src, dst, bias_memory, bias_grad, src_grad, dst_grad;

  Conv(int n, int h, int c, int o, int k, int p, std::size_t index, bool first)
      : weight(static_cast<std::size_t>(o * k * k * c)), bias(static_cast<std::size_t>(o)) {
    const int oh = h + 2 * p - k + 1;
    const auto initial =
        cases::weights(index, static_cast<std::size_t>(o), static_cast<std::size_t>(k), static_cast<std::size_t>(c));
    std::copy(initial.begin(), initial.end(), weight.value.data());
    out = Buffer(static_cast<std::size_t>(n) * oh * oh * o);
    if (!first) grad_in = Buffer(static_cast<std::size_t>(n) * h * h * c);
    const memory::desc s({n, c, h, h}, f32, Tag::nhwc), d({n, o, oh, oh}, f32, Tag::nhwc), b({o}, f32, Tag::x);
    const memory::desc any({o, c, k, k}, f32, Tag::any), ohwi({o, c, k, k}, f32, Tag::ohwi);
    const memory::dims stride{1, 1}, pad{p, p};
    const auto direct = dnnl::algorithm::convolution_direct;
    dnnl::primitive_attr with_relu;
    with_relu.set_post_ops(relu_after());
    const auto forward_desc = [&](const dnnl::primitive_attr& attributes) {
      return describe<dnnl::convolution_forward>(attributes, dnnl::prop_kind::forward_training, direct, s, any, b, d, stride, pad,
                                                 pad);
    };
    const auto fp = forward_desc(with_relu), hint = forward_desc({});
    f = dnnl::convolution_forward(fp);
    weight_forward = Format(ohwi, fp.weights_desc(), weight.value.data(), false);
    if (!first) {
      const auto bp = describe_backward<dnnl::convolution_backward_data>(hint, direct, s, any, d, stride, pad, pad);
      data = dnnl::convolution_backward_data(bp);
      weight_back = Format(ohwi, bp.weights_desc(), weight.value.data(), false);
      src_grad = bound(s, grad_in.data());
    }
    const auto wp = describe_backward<dnnl::convolution_backward_weights>(hint, direct, s, any, b, d, stride, pad, pad);
    weights = dnnl::convolution_backward_weights(wp);
    weight_grad = Format(ohwi, wp.diff_weights_desc(), weight.grad.data(), true);
    src = bound(s, nullptr);
    dst = bound(d, out.data());
    dst_grad = bound(d, nullptr);
    bias_memory = bound(b, bias.value.data());
    bias_grad = bound(b, bias.grad.data());
  }
  void forward(float* x) override {
    weight_forward.to_theirs();
    src.set_data_handle(x);
    f.execute(stream,
              {{DNNL_ARG_SRC, src}, {DNNL_ARG_WEIGHTS, weight_forward.theirs}, {DNNL_ARG_BIAS, bias_memory}, {DNNL_ARG_DST, dst}});
  }
  void backward(float* x, float* g) override {
    through_relu(out, g);
    src.set_data_handle(x);
    dst_grad.set_data_handle(g);
    weights.execute(stream, {{DNNL_ARG_SRC, src},
                             {DNNL_ARG_DIFF_DST, dst_grad},
                             {DNNL_ARG_DIFF_WEIGHTS, weight_grad.theirs},
                             {DNNL_ARG_DIFF_BIAS, bias_grad}});
    weight_grad.to_ours();
    if (!data) return;
    weight_back.to_theirs();
    data.execute(stream, {{DNNL_ARG_DIFF_DST, dst_grad}, {DNNL_ARG_WEIGHTS, weight_back.theirs}, {DNNL_ARG_DIFF_SRC, src_grad}});
  }
  std::vector<const Parameter*> parameters() const override { return {&weight, &bias}; }
};

struct Pool : Layer {
  int n, h, c;
  std::vector<unsigned char> choice;
  Pool(int batch, int height, int channels) : n(batch), h(height), c(channels) {
    out = Buffer(static_cast<std::size_t>(n) * (h / 2) * (h / 2) * c);
    grad_in = Buffer(static_cast<std::size_t>(n) * h * h * c);
    choice.resize(out.n);
  }
  template <class F>
  void windows(float* image, F f) {
    const int o = h / 2;
#pragma omp parallel for collapse(2) if (out.n > 8192)
    for (int i = 0; i < n; ++i)
      for (int r = 0; r < o; ++r)
        for (int q = 0; q < o; ++q) {
          float* a = image + (static_cast<std::size_t>(i * h + 2 * r) * h + 2 * q) * c;
          f(a, a + c, a + static_cast<std::size_t>(h) * c, a + static_cast<std::size_t>(h + 1) * c,
            (static_cast<std::size_t>(i * o + r) * o + q) * c);
        }
  }
  void forward(float* x) override {
    windows(x, [&](const float* a, const float* b, const float* d, const float* e, std::size_t at) {
      float* y = out.data() + at;
      unsigned char* m = choice.data() + at;
#pragma omp simd
      for (int k = 0; k < c; ++k) {
        float v = a[k];
        unsigned char which = 0;
        if (b[k] > v) v = b[k], which = 1;
        if (d[k] > v) v = d[k], which = 2;
        if (e[k] > v) v = e[k], which = 3;
        y[k] = v;
        m[k] = which;
      }
    });
  }
  void backward(float*, float* g) override {
    windows(grad_in.data(), [&](float* a, float* b, float* d, float* e, std::size_t at) {
      const float* y = g + at;
      const unsigned char* m = choice.data() + at;
#pragma omp simd
      for (int k = 0; k < c; ++k) {
        a[k] = m[k] == 0 ? y[k] : 0;
        b[k] = m[k] == 1 ? y[k] : 0;
        d[k] = m[k] == 2 ? y[k] : 0;
        e[k] = m[k] == 3 ? y[k] : 0;
      }
    });
  }
};

struct Matmul {
  dnnl::matmul primitive;
  memory a, b, c, bias;
  Matmul() = default;
  Matmul(int m, int k, int n, bool transpose_a, bool transpose_b, bool with_bias) {
    const memory::desc da({m, k}, f32, transpose_a ? Tag::ba : Tag::ab), db({k, n}, f32, transpose_b ? Tag::ba : Tag::ab),
        dc({m, n}, f32, Tag::ab), dbias({1, n}, f32, Tag::ab);
    a = bound(da, nullptr);
    b = bound(db, nullptr);
    c = bound(dc, nullptr);
    if (with_bias) bias = bound(dbias, nullptr);
    primitive = dnnl::matmul(with_bias ? describe<dnnl::matmul>({}, da, db, dbias, dc) : describe<dnnl::matmul>({}, da, db, dc));
  }
  void run(float* x, float* y, float* z, float* w = nullptr) {
    a.set_data_handle(x);
    b.set_data_handle(y);
    c.set_data_handle(z);
    if (w) bias.set_data_handle(w);
    if (w)
      primitive.execute(stream, {{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_BIAS, bias}, {DNNL_ARG_DST, c}});
    else
      primitive.execute(stream, {{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, c}});
  }
};

struct Linear : Layer {
  int n, o;
  bool relu;
  Parameter weight, bias;
  Matmul y, dw, dx;
  Linear(int batch, int side, int channels, int outputs, bool with_relu, std::size_t index, bool first)
      : n(batch),
        o(outputs),
        relu(with_relu),
        weight(static_cast<std::size_t>(outputs * side * side * channels)),
        bias(static_cast<std::size_t>(outputs)) {
    const int in = side * side * channels;
    const auto initial =
        cases::weights(index, static_cast<std::size_t>(o), static_cast<std::size_t>(side), static_cast<std::size_t>(channels));
    std::copy(initial.begin(), initial.end(), weight.value.data());
    out = Buffer(static_cast<std::size_t>(n * o));
    if (!first) grad_in = Buffer(static_cast<std::size_t>(n * in));
    y = Matmul(n, in, o, false, true, true);
    dw = Matmul(o, n, in, true, false, false);
    if (!first) dx = Matmul(n, o, in, false, false, false);
  }
  void forward(float* x) override {
    y.run(x, weight.value.data(), out.data(), bias.value.data());
    if (!relu) return;
    float* p = out.data();
    const std::size_t size = out.n;
#pragma omp parallel for simd if (size > 32768)
    for (std::size_t i = 0; i < size; ++i) p[i] = p[i] > 0 ? p[i] : 0;
  }
  void backward(float* x, float* g) override {
    if (relu) through_relu(out, g);
    dw.run(g, x, weight.grad.data());
    float* db = bias.grad.data();
    std::fill(db, db + o, 0.0F);
    for (int i = 0; i < n; ++i)
#pragma omp simd
      for (int k = 0; k < o; ++k) db[k] += g[i * o + k];
    if (grad_in.n) dx.run(g, weight.value.data(), grad_in.data());
  }
  std::vector<const Parameter*> parameters() const override { return {&weight, &bias}; }
};

/// The loss; its gradient in `grad`.
double cross_entropy(const float* scores, int n, int classes, float* grad) {
  double loss = 0;
  for (int i = 0; i < n; ++i, scores += classes, grad += classes) {
    const float most = *std::max_element(scores, scores + classes);
    float sum = 0;
    for (int k = 0; k < classes; ++k) sum += grad[k] = std::exp(scores[k] - most);
    const int label = i % 10;
    loss += std::log(sum) - (scores[label] - most);
    for (int k = 0; k < classes; ++k) grad[k] = (grad[k] / sum - static_cast<float>(k == label)) / static_cast<float>(n);
  }
  return loss / n;
}

cases::Case make(const std::string& text) {
  const cases::Name name(text);
  const int n = name.number;
  const cases::Net net = cases::net(name.kind);
  struct State {
    std::vector<std::unique_ptr<Layer>> layers;
    Buffer images, scores_grad;
    double loss = 0;
  };
  const auto s = std::make_shared<State>();
  int side = net.height, channels = net.channels;
  s->images = Buffer(static_cast<std::size_t>(n * net.height * net.width * net.channels));
  const auto images = cases::numbers(s->images.n, 1);
  std::copy(images.begin(), images.end(), s->images.data());
  for (const cases::Layer& l : net.layers) {
    const std::size_t k = s->layers.size();
    if (l.kind == cases::Layer::conv) {
      s->layers.push_back(std::make_unique<Conv>(n, side, channels, l.outputs, l.kernel, l.padding, k, k == 0));
      side += 2 * l.padding - l.kernel + 1;
      channels = l.outputs;
    } else if (l.kind == cases::Layer::pool) {
      s->layers.push_back(std::make_unique<Pool>(n, side, channels));
      side /= 2;
    } else {
      s->layers.push_back(std::make_unique<Linear>(n, side, channels, l.outputs, l.relu, k, k == 0));
      side = 1;
      channels = l.outputs;
    }
  }
  s->scores_grad = Buffer(static_cast<std::size_t>(n * channels));
  std::vector<const Parameter*> parameters;
  for (const auto& layer : s->layers)
    for (const Parameter* p : layer->parameters()) parameters.push_back(p);
  return {[s, n, channels, parameters] {
            float* x = s->images.data();
            for (const auto& layer : s->layers) {
              layer->forward(x);
              x = layer->out.data();
            }
            s->loss = cross_entropy(x, n, channels, s->scores_grad.data());
            float* g = s->scores_grad.data();
            for (std::size_t k = s->layers.size(); k-- > 0;) {
              s->layers[k]->backward(k ? s->layers[k - 1]->out.data() : s->images.data(), g);
              g = s->layers[k]->grad_in.data();
            }
            stream.wait();
            for (const Parameter* p : parameters) p->step();
          },
          [s] { return s->loss; },
          [parameters] {
            rate = 0;
            for (const Parameter* p : parameters) std::fill_n(p->velocity.data(), p->velocity.n, 0.0F);
          }};
}

}  // namespace

int main(int argc, char** argv) {
  return cases::guarded([&] { return cases::serve(make(argc > 1 ? argv[1] : "")); });
}
